#!/usr/bin/env bash
# ranks_real.sh PROGRAM: BreastMNIST for two epochs on 1, 2, 3, 4, 7 and 64 ranks: one hash. Parameter shift at 64 ranks too;
# AdrenalMNIST3D (volumes) on 1 and 3 ranks.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -n "$DATA" ] || skip "HQCNN_DATA_DIR is not set; it names the folder with breastmnist.npz"
REAL=(--set data.source="$DATA/breastmnist.npz" --set train.epochs=2)

for n in 1 2 3 4 7 64; do
    check "$n ranks run" np "$n" train "${REAL[@]}" --run-dir "r$n" >"r$n.out" 2>&1 || cat "r$n.out"
    same "state on $n ranks" "$(hash_of "r$n/last.h5")" "$(hash_of r1/last.h5)"
    same "metrics on $n ranks" "$(values_of "r$n")" "$(values_of r1)"
    echo "$n ranks: $(hash_of "r$n/last.h5")"
done
check "the default network has 91586 parameters" grep -q "91586 trainable parameters: 91574 classical, 12 quantum" r1.out

for n in 1 64; do
    np "$n" train "${REAL[@]}" --set gradient.method=parameter-shift --set train.epochs=1 --set train.batch=100 --run-dir "s$n" >"s$n.out" 2>&1
    same "parameter shift on $n ranks" "$(hash_of "s$n/last.h5")" "$(hash_of s1/last.h5)"
done
VOLUMES=(--set data.source="$DATA/adrenalmnist3d.npz" --set train.epochs=1 --set train.batch=128 --set "model.channels=[4,16,16]"
    --set "model.padding=[0,0,1]" --set "model.pool=[1,1,0]")
for n in 1 3; do
    check "volumes on $n ranks run" np "$n" train "${VOLUMES[@]}" --run-dir "v$n" >"v$n.out" 2>&1 || cat "v$n.out"
    same "volumes on $n ranks" "$(hash_of "v$n/last.h5")" "$(hash_of v1/last.h5)"
done
check "what volumes are" grep -q ', volumes 1 x 28 x 28 x 28; 1188 train, 98 validation, 298 test' v1.out
check "memory of the ranks" grep -qE '^resident memory of a rank: [0-9]+ MB at most, [0-9]+ MB on average' v3.out
check "volumes are evaluated from the checkpoint" "$PROGRAM" evaluate v3
finish
