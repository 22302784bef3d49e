#!/usr/bin/env bash
# executor_node.sh PROGRAM TEST FOLDER: training steps through tools/executor_quantum_circuit.js, that is by a simulator
# that nobody here wrote, on 2 ranks; outputs and gradients by it against ours (the test program TEST). The package is
# installed in FOLDER once.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/lib.sh"
TEST=$2
FOLDER=$3
ADAPTER=$(cd "$HERE/../../tools" && pwd)/executor_quantum_circuit.js
PACKAGE=quantum-circuit@0.9.250

command -v node >/dev/null || skip "node is missing"
if [ ! -f "$FOLDER/complete" ]; then
    command -v npm >/dev/null || skip "npm is missing"
    mkdir -p "$FOLDER"
    timeout 300 npm install --prefix "$FOLDER" --no-audit --no-fund --ignore-scripts "$PACKAGE" >npm.out 2>&1 ||
        skip "npm cannot install $PACKAGE: $(tail -n 1 npm.out)"
    touch "$FOLDER/complete"
fi

# Without the package: what to do.
cp "$ADAPTER" lonely.js
RUN=(--set phantom.train=24 --set phantom.val=8 --set phantom.test=8 --set train.epochs=1 --set train.batch=8 --set train.microbatch=4
    --set log.steps=1 --set model.qubits=2 --set gradient.method=parameter-shift --set train.learning_rate=0.01 --set train.optimizer=sgd)
EXECUTOR=(--set shots.count=20000 --set executor.timeout=100 --set executor.retries=0)
env -u NODE_PATH "$PROGRAM" train "${RUN[@]}" "${EXECUTOR[@]}" --set "executor.command=node $SCRATCH/lonely.js" --run-dir lonely >lonely.out 2>&1
same "without the package: exit code" $? 5
check "without the package: what to do" grep -q "npm install" lonely.out
check "without the package: state saved" test -f lonely/last.h5

export NODE_PATH=$FOLDER/node_modules
COMMAND="node --no-warnings '$ADAPTER'"
HQCNN_EXECUTOR_COMMAND=$COMMAND "$TEST" >test.out 2>&1
same "outputs and gradients agree within statistics" "$? $(grep -v ' checks, 0 failed' test.out)" "0 "

for ranks in 1 2; do
    np $ranks train "${RUN[@]}" "${EXECUTOR[@]}" --set "executor.command=$COMMAND" --run-dir node-$ranks >node-$ranks.out 2>&1 || cat node-$ranks.out
done
same "the same bits on 2 ranks" "$(hash_of node-2/last.h5)" "$(hash_of node-1/last.h5)"

# losses FOLDER: of every step, then of validation
losses() { sed -nE -e '/"event":"step"/s/.*"loss":([-0-9.e]+).*/\1/p' -e '/"event":"epoch"/s/.*"val":\{"loss":([-0-9.e]+).*/\1/p' "$1/metrics.jsonl"; }

# Exact simulation takes the same steps but for the noise of the shots, which is about 0.007 for an output.
np 2 train "${RUN[@]}" --run-dir exact >exact.out 2>&1 || cat exact.out
same "a loss for each of 3 steps and the validation" "$(losses node-2 | wc -l) $(losses exact | wc -l)" "4 4"
check "losses are those of exact simulation" awk '{ d = $1 - $2 } !($1 > 0) || d > 0.02 || d < -0.02 { exit 1 }' <(paste <(losses node-2) <(losses exact))
check "but not its bits" test "$(losses node-2)" != "$(losses exact)"
finish
