#!/usr/bin/env bash
# executor.sh PROGRAM FAKE: trainings through an external executor (tests/quantum/fake_executor.c): the same bits on any
# number of ranks; an executor that fails for good ends the run with code 5 and the state saved, and a resumed run ends
# with the bits of an undisturbed one; nothing keeps running.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
FAKE=$2
export HQCNN_FAKE_PIDS=$SCRATCH/pids
export RANK="" WORDS=""

# The executor of all ranks; that of rank RANK misbehaves as WORDS say.
cat >executor.sh <<END
[ "\${OMPI_COMM_WORLD_RANK:-0}" != "\$RANK" ] || exec $FAKE \$WORDS
exec $FAKE
END
RUN=(--set phantom.train=48 --set phantom.val=16 --set phantom.test=16 --set train.epochs=2 --set train.batch=16 --set train.microbatch=4
    --set model.qubits=2 --set gradient.method=parameter-shift --set shots.count=50 --set shots.chunk=30
    --set executor.retries=1 --set executor.timeout=20 --set "executor.command=sh $SCRATCH/executor.sh")

# No process of an executor is left; a zombie that waits for its parent is none.
gone() {
    local pid
    while read -r pid; do
        for _ in $(seq 100); do
            grep -qsv ') Z ' "/proc/$pid/stat" || break
            sleep 0.05
        done
        ! grep -qsv ') Z ' "/proc/$pid/stat" || return 1
    done <pids
    rm pids
}

np 1 train "${RUN[@]}" --run-dir whole >whole.out 2>&1 || cat whole.out
same "one executor" "$(wc -l <pids)" 1
check "executor gone" gone
WANT=$(hash_of whole/last.h5)
for ranks in 1 2 3; do
    for spread in on off auto; do
        name=$ranks-$spread
        np $ranks train "${RUN[@]}" --set dist.spread=$spread --run-dir "$name" >"$name.out" 2>&1 || cat "$name.out"
        same "final state, $ranks ranks, spread $spread" "$(hash_of "$name/last.h5")" "$WANT"
        same "metrics, $ranks ranks, spread $spread" "$(values_of "$name")" "$(values_of whole)"
        check "executors gone, $ranks ranks, spread $spread" gone
        rm -r "$name"
    done
done
np 2 train "${RUN[@]}" --set executor.format=qasm3 --run-dir newer >newer.out 2>&1 || cat newer.out
same "OpenQASM 3 gives the same" "$(hash_of newer/last.h5)" "$WANT"

# fails NAME RANKS RANK WORDS "PROGRESS" arguments...: the executor of that rank fails for good, and the state holds PROGRESS
fails() {
    local name=$1 ranks=$2 progress=$5
    RANK=$3 WORDS=$4
    shift 5
    np "$ranks" train "${RUN[@]}" "$@" --run-dir "$name" >"$name.out" 2>&1
    same "$name: exit code" $? 5
    same "$name: one error" "$(grep -c 'hqcnn-dist: error: executor.command = .* has failed: job ' "$name.out")" 1
    same "$name: no other error" "$(grep -c 'hqcnn-dist: error' "$name.out")" 1
    check "$name: a retry" grep -q "warning: executor.command = .*starting it again (1 of executor.retries = 1)" "$name.out"
    check "$name: progress" grep -qE "progress  $progress" <("$PROGRAM" inspect "$name/last.h5")
    check "$name: executors gone" gone
    RANK=
}

# goes_on NAME RANKS arguments...: resumed with an executor that works
goes_on() {
    local name=$1 ranks=$2
    shift 2
    np "$ranks" train --run-dir "$name" --resume "$@" >"$name.again" 2>&1 || cat "$name.again"
    same "$name: final state" "$(hash_of "$name/last.h5")" "$WANT"
    same "$name: best model" "$(hash_of "$name/best.h5")" "$(hash_of whole/best.h5)"
    same "$name: metrics" "$(values_of "$name")" "$(values_of whole)"
    rm -r "$name" pids
}

# An image needs 17 evaluations of 2 bases in 2 chunks: 3264 jobs an epoch of training, 64 jobs each to validate and test.
for spread in on off; do
    fails "one-$spread" 1 0 "die 4500" "1 epochs and 1 steps" --set dist.spread=$spread
    goes_on "one-$spread" 2
    fails "two-$spread" 2 1 "die 2250" "1 epochs and 1 steps" --set dist.spread=$spread
    goes_on "two-$spread" 3
    fails "three-$spread" 3 2 "nonsense 1" "0 epochs and 0 steps" --set dist.spread=$spread
    goes_on "three-$spread" 1
    fails "hang-$spread" 2 0 "hang 600" "0 epochs and 1 steps" --set dist.spread=$spread --set executor.timeout=0.5
    goes_on "hang-$spread" 2 --set executor.timeout=20
    fails "validation-$spread" 2 1 "sum 1640" "0 epochs and 3 steps" --set dist.spread=$spread
    goes_on "validation-$spread" 2
    fails "test-$spread" 2 1 "killed 3350" "2 epochs" --set dist.spread=$spread
    goes_on "test-$spread" 1
done

# While sums are under way to other nodes.
export HQCNN_NODE_RANKS=1
PIECES=(--set dist.overlap=on --set dist.piece=1 --set dist.group=3)
for exchange in mpi packed; do
    fails "pieces-$exchange" 2 1 "die 2250" "1 epochs and 1 steps" --set dist.spread=off "${PIECES[@]}" --set dist.exchange=$exchange
    goes_on "pieces-$exchange" 3
done
unset HQCNN_NODE_RANKS

# What goes wrong once is only told.
for words in "killed 2000" "hang 2000" "nonsense 2000" "late 2000" "sum 2000" "child 2000"; do
    RANK=1 WORDS="$words $SCRATCH/marker"
    np 2 train "${RUN[@]}" --set executor.timeout=1 --run-dir once >once.out 2>&1
    same "$words once: exit code" $? 0
    same "$words once: final state" "$(hash_of once/last.h5)" "$WANT"
    same "$words once: a warning" "$(grep -c 'hqcnn-dist: warning: executor.command' once.out)" 1
    check "$words once: executors gone" gone
    rm -r once marker
    RANK=
done

wait_for() { # until a file exists
    for _ in $(seq 600); do
        [ -e "$1" ] && return 0
        sleep 0.05
    done
    return 1
}

# Asked for a checkpoint while an answer is waited for.
RANK=0 WORDS="late 2000 $SCRATCH/waiting"
mpirun -np 2 "$PROGRAM" train "${RUN[@]}" --run-dir asked >asked.out 2>&1 &
MPIRUN=$!
check "a late answer" wait_for waiting
kill -USR1 "$MPIRUN"
wait "$MPIRUN"
same "asked: exit code" $? 75
same "asked: no warning" "$(grep -c warning asked.out)" 0
check "asked: executors gone" gone
RANK=
goes_on asked 3

# Rank 0 killed while its executor hangs, deaf to SIGTERM and to the end of its input.
RANK=0 WORDS="hang 100 $SCRATCH/hanging"
mpirun -np 2 "$PROGRAM" train "${RUN[@]}" --run-dir killed >killed.out 2>&1 &
MPIRUN=$!
check "a hanging executor" wait_for hanging
kill -KILL "$(pgrep -P "$MPIRUN" -f "$PROGRAM" | head -n 1)"
wait "$MPIRUN"
check "killed: fails" test $? -ne 0
check "killed: executors gone" gone
RANK=

# Scores of a trained model come from the executor too.
EVALUATE=(evaluate whole --set "executor.command=sh $SCRATCH/executor.sh")
check "evaluate" np 2 "${EVALUATE[@]}" >evaluate.out 2>&1
RANK=1 WORDS="error 2"
np 2 "${EVALUATE[@]}" >evaluate.bad 2>&1
same "evaluate: exit code" $? 5
check "evaluate: says why" grep -q "the error .*the cryostat is warm" evaluate.bad
check "evaluate: executors gone" gone
finish
