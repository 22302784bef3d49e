#!/usr/bin/env bash
# qasm_node.sh PROGRAM CASES FOLDER: OpenQASM 2 exports are simulated by quantum-circuit, a program that nobody here
# wrote, and give our probabilities: random circuits (by the test program CASES) and a trained checkpoint. The package is
# installed in FOLDER once. HQCNN_QASM_SEED chooses other random circuits.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/lib.sh"
CASES=$2
FOLDER=$3
PACKAGE=quantum-circuit@0.9.250

command -v node >/dev/null || skip "node is missing"
if [ ! -f "$FOLDER/complete" ]; then
    command -v npm >/dev/null || skip "npm is missing"
    mkdir -p "$FOLDER"
    timeout 300 npm install --prefix "$FOLDER" --no-audit --no-fund --ignore-scripts "$PACKAGE" >npm.out 2>&1 ||
        skip "npm cannot install $PACKAGE: $(tail -n 1 npm.out)"
    touch "$FOLDER/complete"
fi

compare() { node --no-warnings "$HERE/qasm_node.js" "$FOLDER" "$1"; }

mkdir random trained
check "random circuits are written" "$CASES" random "${HQCNN_QASM_SEED:-1}" 50
check "random circuits" compare random

np 2 train "${SMALL[@]}" --set train.epochs=1 --set model.qubits=3 --set model.layers=2 --set model.attention=trainable \
    --run-dir run >/dev/null 2>&1
same "train" $? 0
for inputs in 0,0,0 0.7,-1.2,2.5 -3,1e-5,0.25; do
    check "export for inputs $inputs" "$PROGRAM" circuit run --inputs=$inputs --qasm2 "trained/$inputs.qasm" \
        --probabilities "trained/$inputs.csv" >drawing.txt
done
check "the drawing has numbers" grep -qE 'U3\(-?[0-9.]+,' drawing.txt
check "trained circuits" compare trained

# The comparison can fail: one angle that is off by 1e-6 is found.
mkdir wrong
sed -E 's/^ry\(0\.69999999999999996\)/ry(0.700001)/' "trained/0.7,-1.2,2.5.qasm" >wrong/1.qasm
cp "trained/0.7,-1.2,2.5.csv" wrong/1.csv
check "the angle was changed" test -n "$(diff "trained/0.7,-1.2,2.5.qasm" wrong/1.qasm)"
compare wrong >/dev/null 2>&1
same "a wrong angle is found" $? 1
finish
