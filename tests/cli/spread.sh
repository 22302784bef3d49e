#!/usr/bin/env bash
# spread.sh PROGRAM: circuits spread over ranks: the same bits as without, on any number of ranks and with any way of evaluating circuits; an even load.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SHORT=("${SMALL[@]}" --set train.epochs=1 --set phantom.train=40 --set phantom.val=20 --set phantom.test=20)
SHOTS=(--set gradient.method=parameter-shift --set shots.count=200)

# compare NAME "RANKS" settings...: one rank without spreading against the others, spread, not spread, and as the program decides
compare() {
    local name=$1 ranks=$2 n spread
    shift 2
    check "$name on 1 rank runs" np 1 train "${SHORT[@]}" "$@" --set dist.spread=off --run-dir "$name" >"$name.out" 2>&1 || cat "$name.out"
    for n in $ranks; do
        for spread in on off auto; do
            local run=$name-$n-$spread
            check "$run runs" np "$n" train "${SHORT[@]}" "$@" --set dist.spread=$spread --run-dir "$run" >"$run.out" 2>&1 || cat "$run.out"
            same "$run: state" "$(hash_of "$run/last.h5")" "$(hash_of "$name/last.h5")"
            same "$run: metrics" "$(values_of "$run")" "$(values_of "$name")"
        done
    done
}

compare shift "3" --set gradient.method=parameter-shift
compare spsa "2" --set gradient.method=spsa --set gradient.spsa_samples=2
compare large "3" --set model.qubits=8
compare batched "2" --set compute.circuit=batched --set gradient.method=parameter-shift
compare noisy "2 4" "${SHOTS[@]}" --set shots.chunk=90 --set noise.depolarizing1=0.01 --set noise.depolarizing2=0.02 --set noise.readout01=0.02 \
    --set noise.readout10=0.04 --set shots.mitigation=readout
loss=$(sed -n 's/.*"event":"epoch".*"val":{"loss":\([0-9.e-]*\),.*/\1/p' noisy/metrics.jsonl)
check "evaluate draws what the validation drew: loss $loss" grep -qF "\"loss\": $loss" <(np 3 evaluate noisy --split val --json)
compare trajectories "3" "${SHOTS[@]}" --set noise.method=trajectories --set noise.trajectories=5 --set noise.amplitude_damping=0.01 --set noise.phase_damping=0.01
compare exact-noise "2" --set gradient.method=parameter-shift --set noise.depolarizing2=0.02

# 16 images of one rank keep 64 ranks busy: 16 x 33 evaluations, each in 2 bases and 2 chunks of shots
BATCH=(--set train.epochs=1 --set phantom.train=16 --set phantom.val=8 --set phantom.test=8 --set train.batch=16 --set train.microbatch=16 --set shots.chunk=100)
check "16 images on 64 ranks run" np 64 train "${BATCH[@]}" "${SHOTS[@]}" --set dist.spread=on --run-dir wide >wide.out 2>&1 || cat wide.out
check "16 images on 1 rank run" np 1 train "${BATCH[@]}" "${SHOTS[@]}" --run-dir narrow >narrow.out 2>&1 || cat narrow.out
same "16 images on 64 ranks: state" "$(hash_of wide/last.h5)" "$(hash_of narrow/last.h5)"
load=$(sed -n 's/.*"event":"epoch".*"circuits":{"mean":\([0-9.]*\),"most":\([0-9.]*\),"bytes_per_step_mean":\([0-9.]*\),.*/\1 \2 \3/p' wide/metrics.jsonl)
echo "circuits of a step on 64 ranks: mean, most, bytes sent by a rank: $load"
check "2112 circuits on 64 ranks are 33 each" test "${load% *}" = "33.0 33.0"
check "bytes are reported" awk -v bytes="${load##* }" 'BEGIN { exit !(bytes > 0) }'
finish
