#!/usr/bin/env bash
# resume.sh PROGRAM: killed, interrupted and extended runs end with the bits of a run that never stopped, on other rank counts.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
RUN=("${SMALL[@]}" --set phantom.train=512 --set train.epochs=4 --set checkpoint.steps=3 --set log.steps=1)

np 2 train "${RUN[@]}" --run-dir whole >whole.out 2>&1 || cat whole.out
WANT=$(hash_of whole/last.h5)
BEST=$(hash_of whole/best.h5)

# wait_for_step DIR N: until the run has made N steps
wait_for_step() {
    for _ in $(seq 600); do
        [ "$(grep -c '"event":"step"' "$1/metrics.jsonl" 2>/dev/null)" -ge "$2" ] 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}

# start RANKS arguments...: in the background; MPIRUN is its process
start() {
    local ranks=$1
    shift
    mpirun -np "$ranks" "$PROGRAM" "$@" >>background.out 2>&1 &
    MPIRUN=$!
}

check_end() { # check_end NAME DIR
    same "$1: final state" "$(hash_of "$2/last.h5")" "$WANT"
    same "$1: best model" "$(hash_of "$2/best.h5")" "$BEST"
    same "$1: metrics" "$(values_of "$2")" "$(values_of whole)"
}

# A rank killed in mid-epoch, on 3 ranks; then again on 1; the end on 4.
# A kill that comes late, on a busy machine, may find the state at the end of an epoch: then once more.
for _ in $(seq 5); do
    rm -rf killed
    start 3 train "${RUN[@]}" --run-dir killed
    check "killed run started" wait_for_step killed 21
    kill -KILL "$(pgrep -P "$MPIRUN" | tail -n 1)"
    wait "$MPIRUN"
    check "a killed run fails" test $? -ne 0
    progress=$("$PROGRAM" inspect killed/last.h5 | grep progress)
    [[ ! $progress =~ [1-3]\ epochs\ and\ [1-9] ]] || break
done
check "killed in mid-epoch: $progress" test "${progress#*[1-3] epochs and [1-9]}" != "$progress"
start 1 train "${RUN[@]}" --run-dir killed --resume
check "resumed run went on" wait_for_step killed 40
kill -KILL "$(pgrep -P "$MPIRUN" | tail -n 1)"
wait "$MPIRUN"
check "last run ends" np 4 train --run-dir killed --resume >killed.out 2>&1 || cat killed.out
check_end "killed" killed

# SIGUSR1 to mpirun reaches every rank: state saved, exit code 75 everywhere, nothing lost.
start 2 train "${RUN[@]}" --run-dir asked
check "run to interrupt started" wait_for_step asked 10
kill -USR1 "$MPIRUN"
wait "$MPIRUN"
same "exit code of an interrupted run" $? 75
np 3 train --run-dir asked --resume >asked.out 2>&1
check_end "interrupted" asked
start 2 train "${RUN[@]}" --run-dir soon
check "run to interrupt early started" wait_for_step soon 1
kill -USR1 "$MPIRUN"
wait "$MPIRUN"
check "best.h5 is there from the first save on" "$PROGRAM" inspect --hash soon/best.h5 >/dev/null
np 1 train --run-dir soon --resume >soon.out 2>&1
check_end "interrupted in the first epoch" soon

# A finished run that is resumed does nothing; a longer one goes on; from a file into a new folder.
np 2 train --run-dir asked --resume >/dev/null 2>&1
same "a finished run resumed" $? 0
check_end "resumed when finished" asked
np 2 train "${RUN[@]}" --set train.epochs=2 --run-dir half >/dev/null 2>&1
np 1 train "${RUN[@]}" --resume=half/last.h5 --run-dir moved >moved.out 2>&1
same "from a file into a new folder" "$(hash_of moved/last.h5)" "$WANT"
same "best model in a new folder" "$(hash_of moved/best.h5)" "$BEST"
same "metrics in a new folder" "$(values_of moved)" "$(values_of whole)"
check "a changed key is told" grep -q "train.epochs" moved.out

# The moments of the other update rules go on too, on other rank counts; a velocity does not go on as that of another rule.
for rule in lars lamb; do
    LARGE=("${SMALL[@]}" --set train.optimizer="$rule" --set train.trust=0.02 --set train.weight_decay=0.01 --set train.warmup=1)
    np 1 train "${LARGE[@]}" --run-dir $rule >$rule.out 2>&1 || cat $rule.out
    np 3 train "${LARGE[@]}" --set train.epochs=1 --run-dir $rule-half >>$rule.out 2>&1
    np 2 train "${LARGE[@]}" --run-dir $rule-half --resume >>$rule.out 2>&1
    same "$rule: resumed state" "$(hash_of $rule-half/last.h5)" "$(hash_of $rule/last.h5)"
    same "$rule: resumed metrics" "$(values_of $rule-half)" "$(values_of $rule)"
done
np 1 train "${LARGE[@]}" --set train.optimizer=sgd --run-dir lars --resume >refused.out 2>&1
same "another rule's velocity is refused" $? 2
check "and it is named" grep -q 'train.optimizer was "lars"; "sgd" cannot go on from its moments' refused.out

# A checkpoint alone knows its configuration; a best.h5 of another run beside it is not taken for its own.
mkdir lone
cp half/last.h5 lone/snapshot.h5
np 1 train "${SMALL[@]}" --set train.seed=9 --run-dir foreign >/dev/null 2>&1
cp foreign/best.h5 lone/best.h5
np 2 train --resume=lone/snapshot.h5 --set train.epochs=4 --run-dir alone >alone.out 2>&1
same "from a checkpoint alone" "$(hash_of alone/last.h5)" "$WANT"
check "the best model is never another run's" test "$(hash_of alone/best.h5)" != "$(hash_of foreign/best.h5)"

# Stopped before the first checkpoint of an epoch: best.h5 is there, and the configuration is kept.
mkdir early
"$PROGRAM" check "${RUN[@]}" --dump >early/config.cfg
np 1 train --run-dir early --resume >early.out 2>&1
same "with the configuration of the folder" "$(hash_of early/last.h5)" "$WANT"

# --resume without a checkpoint starts anew, so that a job script can always give it.
np 1 train "${SMALL[@]}" --run-dir fresh --resume >fresh.out 2>&1
same "resume without a checkpoint" $? 0
check "and says so" grep -q "starting anew" fresh.out
finish
