#!/usr/bin/env bash
# bench.sh PROGRAM: hqcnn-dist bench circuit and bench train as a user meets them. What it measures is not judged here.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
PLAIN=(--set compute.kernel=plain)

# ---- the table
"$PROGRAM" bench circuit "${PLAIN[@]}" --set model.qubits=2 >two.txt
same "bench circuit" $? 0
check "the circuit" grep -q '^2 qubits, 2 inputs, 6 weights, 4 outputs' two.txt
for path in fused batched single; do
    for what in outputs adjoint parameter-shift; do
        same "batches of $path, $what" "$(grep -cE "^  $path +plain +$what +(16|256|1024) " two.txt)" 3
    done
done
for qubits in 4 10 14 18; do
    same "gates of $qubits qubits" "$(grep -cE "^ +$qubits +(batched|single) +plain +gates(, adjoint)? " two.txt)" 2
done
same "no other kernels, nothing that is no number" "$(grep -cE 'avx|\b(nan|inf)\b' two.txt)" 0

# ---- one path, the smallest and an odd circuit, as JSON
numbers() { # numbers FILE CASES GATES: so many of both, all of them positive numbers
    python3 - "$@" <<'PYTHON'
import json, math, sys
report = json.load(open(sys.argv[1]))
assert len(report["cases"]) == int(sys.argv[2]) and len(report["gates"]) == int(sys.argv[3])
for row in report["cases"] + report["gates"]:
    assert all(math.isfinite(v) and v > 0 for v in row.values() if not isinstance(v, str)), row
assert all(("gflops" in row) == (row["what"] != "parameter-shift") for row in report["cases"])
PYTHON
}
if command -v python3 >/dev/null; then
    for qubits in 1 3; do
        "$PROGRAM" bench circuit "${PLAIN[@]}" --set model.qubits=$qubits --set compute.circuit=fused --json >json.txt
        same "bench circuit --json of $qubits qubits" $? 0
        check "numbers of $qubits qubits" numbers json.txt 9 8
    done
else
    echo "not tried: --json (python3 is missing)"
fi

# ---- training steps
TRAIN=("${SMALL[@]}" --set train.batch=40)
np 2 bench train "${TRAIN[@]}" >train.txt
same "bench train" $? 0
check "what is trained" grep -q '^ranks     2 on 1 node' train.txt
check "images per second" grep -qE '^median of 7 runs of [0-9]+ steps of 40 images: [0-9.e+]+ images/s \([0-9.e+]+ to [0-9.e+]+\), [0-9.]+ ms a step$' train.txt
check "the phases are the step" awk '$2 ~ /^[0-9.]+$/ && $4 == "%" { sum += $3; n++ } END { exit !(n == 4 && sum > 80 && sum < 120) }' train.txt
same "nothing is written" "$(find . -name '*.h5' -o -name metrics.jsonl | wc -l)" 0
if command -v python3 >/dev/null; then
    "$PROGRAM" bench train "${TRAIN[@]}" --json >train.json
    same "bench train --json" $? 0
    check "numbers" python3 -c '
import json
r = json.load(open("train.json"))
assert r["ranks"] == 1 and r["images_per_step"] == 40 and abs(r["images_per_second"] * r["seconds_per_step"] - 40) < 0.1
assert sorted(r["phase_seconds_per_step"]) == ["data", "exchange", "network", "update"]'
fi

# ---- scaling: 3 ranks, of which the first two count as a node
HQCNN_NODE_RANKS=2 np 3 bench scale "${SMALL[@]}" --set train.batch=48 --set dist.exchange=packed >scale.txt
same "bench scale" $? 0
check "how many images" grep -q '^weak scaling, 16 images of a step on each rank' scale.txt
same "a row for 1, 2 and 3 ranks, weak and strong" "$(grep -cE '^ +[123] +[12] +[0-9]+ +[0-9]+ % ' scale.txt)" 6
same "what sums cost" "$(grep -cE '^ +[23] +[0-9.]+ +[0-9.]+ .* (in two levels|over all ranks) ' scale.txt)" 2
same "predictions" "$(grep -cE '^ +(64|1024|16384) +[0-9.]+ +[0-9]+ % ' scale.txt)" 3
same "nothing that is no number" "$(grep -cE '\b(nan|inf)\b' scale.txt)" 0
np 3 bench scale "${SMALL[@]}" --set train.batch=40 >odd.txt 2>&1
same "a batch that cannot be divided" $? 2
check "it says what can" grep -q 'train.batch = 40 cannot be divided by 3 ranks' odd.txt
if command -v python3 >/dev/null; then
    np 2 bench scale "${SMALL[@]}" --set train.batch=32 --json >scale.json
    check "bench scale --json" python3 -c '
import json
rows = json.load(open("scale.json"))
assert [(r["scaling"], r["ranks"], r["images_per_step"]) for r in rows] == [("weak", 1, 16), ("weak", 2, 32), ("strong", 1, 32), ("strong", 2, 32)]
assert all(r["seconds_per_step"] > 0 and r["work_seconds_per_image"] > 0 for r in rows)'
fi

# ---- evaluations, layers
"$PROGRAM" bench infer "${TRAIN[@]}" >infer.txt
same "bench infer" $? 0
check "evaluations per second" grep -qE '^median of 7 runs of [0-9]+ evaluations? of [0-9]+ images: [0-9.e+]+ images/s ' infer.txt
check "memory" grep -qE '^resident memory of a rank: [1-9][0-9]* MB at most$' infer.txt
"$PROGRAM" bench layers "${TRAIN[@]}" "${PLAIN[@]}" >layers.txt
same "bench layers" $? 0
check "the machine" grep -qE '^this core: [0-9.]+ GFLOP/s of independent multiply-adds, [0-9.]+ GB/s copying' layers.txt
for layer in conv1 conv2 conv5 norm1 norm5 reduce circuit head conv; do
    same "passes of $layer" "$(grep -cE "^  $layer +(forward|backward) +[0-9a-z].* [0-9]+\.[0-9]{3}( |\$)" layers.txt)" 2
done
if command -v python3 >/dev/null; then
    "$PROGRAM" bench layers "${TRAIN[@]}" --json >layers.json
    same "bench layers --json" $? 0
    check "the layers are the step" python3 -c '
import json
r = json.load(open("layers.json"))
assert r["peak_flops"] > 1e8 and r["peak_bytes"] > 1e8 and r["peak_memory_megabytes"] > 1
rows = [row for row in r["layers_per_image"] if row["shape"] != "all convolutions"]
whole = r["seconds_per_step"] / r["images_per_step"]
assert 0.5 * whole < sum(row["seconds"] for row in rows) < 1.5 * whole
assert all(0 <= row["bound"] and 0 < row["seconds"] for row in rows)'
fi

# ---- refusals
for words in 'bench' 'bench nothing'; do
    # shellcheck disable=SC2086
    "$PROGRAM" $words >out.txt 2>err.txt
    same "exit code of: $words" $? 2
    same "one message from: $words" "$(grep -c '^hqcnn-dist: error' err.txt)" 1
done
"$PROGRAM" bench circuit --set model.qubits=9 --set compute.circuit=fused >out.txt 2>err.txt
same "a path that cannot be" $? 2
check "its message" grep -q 'compute.circuit' err.txt
finish
