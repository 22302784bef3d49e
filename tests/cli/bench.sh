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
check "images per second" grep -qE '^median of 7 runs of [0-9]+ steps of 40 images: [0-9]+ images/s \([0-9]+ to [0-9]+\), [0-9.]+ ms a step$' train.txt
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
