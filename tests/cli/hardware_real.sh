#!/usr/bin/env bash
# hardware_real.sh PROGRAM: BreastMNIST as on hardware (parameter shift, 1000 shots, depolarising noise): the network learns, with the same bits on any
# number of ranks.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -n "$DATA" ] || skip "HQCNN_DATA_DIR is not set; it names the folder with breastmnist.npz"

HARDWARE=(--set data.source="$DATA/breastmnist.npz" --set train.batch=64 --set train.learning_rate=5e-4 --set gradient.method=parameter-shift
    --set shots.count=1000 --set noise.depolarizing1=0.001 --set noise.depolarizing2=0.01)

rises() { awk '{ a[NR] = $1 } END { exit !(a[6] + a[7] + a[8] > a[1] + a[2] + a[3] + 0.15) }'; }

# A run of a few epochs: the validation AUC of the last three epochs is above that of the first three, on average.
check "8 epochs run" np 2 train "${HARDWARE[@]}" --set train.epochs=8 --run-dir learns >learns.out 2>&1 || cat learns.out
auc=$(sed -n 's/.*"event":"epoch".*"auc":\([0-9.e-]*\).*/\1/p' learns/metrics.jsonl)
echo "validation AUC by epoch: ${auc//$'\n'/ }"
check "8 epochs have an AUC" test "$(echo "$auc" | wc -l)" -eq 8
check "the validation AUC rises" rises <<<"$auc"

# Bits: two epochs on the full set, on 64 ranks too (which have 4 micro-batches, so that most only evaluate circuits).
for n in 1 2 3 4 64; do
    check "2 epochs on $n ranks run" np "$n" train "${HARDWARE[@]}" --set train.epochs=2 --run-dir "np$n" >"np$n.out" 2>&1 || cat "np$n.out"
    same "state on $n ranks" "$(hash_of "np$n/last.h5")" "$(hash_of np1/last.h5)"
    same "metrics on $n ranks" "$(values_of "np$n")" "$(values_of np1)"
done
finish
