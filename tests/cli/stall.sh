#!/usr/bin/env bash
# stall.sh PROGRAM LIBRARY: a rank that is stopped, killed or in an endless loop: never a silent hang. LIBRARY is spin.c.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SPIN=$2
LONG=("${SMALL[@]}" --set phantom.train=480 --set train.epochs=8 --set checkpoint.epochs=100 --set dist.stall_timeout=2)

now() { date +%s%N | cut -c1-13; } # milliseconds

# begin NAME SETTINGS...: a training on 3 ranks in the background, until its second epoch; $rank[i] are its processes
begin() {
    NAME=$1
    shift
    mpirun -np 3 "$PROGRAM" train "${LONG[@]}" "$@" --run-dir "$NAME" >"$NAME.out" 2>"$NAME.err" &
    JOB=$!
    for _ in $(seq 300); do
        grep -q '^epoch 1/' "$NAME.out" && break
        sleep 0.02
    done
    mapfile -t rank < <(pgrep -P "$JOB")
    START=$(now)
}
# ended CODE LEAST MOST: how it ended, after so many milliseconds
ended() {
    wait "$JOB"
    same "exit code of $NAME" $? "$1"
    local took=$(($(now) - START))
    check "$NAME took $took ms, expected $2 to $3" test $took -ge "$2" -a $took -le "$3"
}
says() { check "$NAME says \"$1\": $(cat "$NAME.err")" grep -q -e "$1" "$NAME.err"; }
times() { same "$NAME says \"$1\" $2 times" "$(grep -c -e "$1" "$NAME.err")" "$2"; }
PLACE='[a-z]* of step [0-9]*'

np 3 train "${LONG[@]}" --run-dir whole >whole.out 2>whole.err
NAME=whole
times "late" 0

# ---- stopped, for ever and for a while; a process "has not run" when it has been silent for 2 s, before the others speak
for victim in 0 1; do
    begin "stopped-$victim" --set dist.stall_timeout=3 --set dist.stall_abort=6 --set train.epochs=2000
    kill -STOP "${rank[victim]}"
    ended 5 5000 11000
    says "warning: rank $victim of 3 on .* is late: in phase $PLACE since [0-9]* s, its process has not run for [0-9]* s; 2 ranks wait in $PLACE"
    says "error: nothing has come for [0-9]* s in $PLACE (dist.stall_abort = 6): the job ends"
    times "is late" 1
    times "nothing has come" 1
done
begin continued --set dist.stall_abort=60
kill -STOP "${rank[1]}"
sleep 4
kill -CONT "${rank[1]}"
ended 0 4000 60000
times "rank 1 of 3 on .* is late: in phase $PLACE" 1
times "goes on after" 1
same "the bits of a run that was stopped for a while" "$(hash_of continued/last.h5)" "$(hash_of whole/last.h5)"

# ---- the whole job suspended, for longer than ranks may wait
begin suspended --set dist.stall_abort=4
kill -STOP "${rank[@]}"
sleep 7
kill -CONT "${rank[@]}"
ended 0 7000 60000
times "late" 0
times "nothing has come" 0
same "the bits of a run that was suspended" "$(hash_of suspended/last.h5)" "$(hash_of whole/last.h5)"

# ---- killed: Open MPI itself ends the job
begin killed --set train.epochs=2000
kill -KILL "${rank[1]}"
wait "$JOB"
same "exit code of a job that lost a rank" $? 137
check "it ended at once" test $(($(now) - START)) -le 10000

# ---- busy for ever
NAME=busy
START=$(now)
mpirun -np 3 -x LD_PRELOAD="$SPIN" -x HQ_SPIN_RANK=2 -x HQ_SPIN_CALL=200 "$PROGRAM" train "${LONG[@]}" --set dist.stall_abort=5 --set train.epochs=2000 \
    --run-dir busy >busy.out 2>busy.err &
JOB=$!
ended 5 4000 20000
says "rank 2 of 3 on .* is late: in phase network of step [0-9]* since [0-9]* s; 2 ranks wait in sum of step [0-9]*"

# ---- data that take longer than ranks may wait: that is no stall
slow() { # slow NAME ARGUMENTS...
    NAME=$1
    shift
    mpirun -np 3 -x LD_PRELOAD="$SPIN" -x HQ_SLOW_OPEN=5 "$PROGRAM" "$@" --set dist.stall_timeout=2 --set dist.stall_abort=3 >"$NAME.out" 2>"$NAME.err"
    same "exit code of $NAME: $(cat "$NAME.err")" $? 0
}
START=$(now)
slow import data import phantom set.h5 --set phantom.train=96 --set phantom.val=32 --set phantom.test=32
check "rank 0 was slow" test $(($(now) - START)) -ge 5000
times "late" 0
slow loading train "${SMALL[@]}" --set data.source=set.h5 --run-dir loading
times "rank 0 of 3 on .* is late: in phase [a-z]* before the first step" 1
times "goes on after" 1

# ---- a checkpoint that takes long: a small one, which rank 0 writes; a large one, which the first ranks of all nodes write,
# on one host, and on hosts with a rank each
LARGE=(--set 'model.channels=[8,8,32,256,1024]') # 34 MB
save() { # save NAME NODE_RANKS SETTINGS...
    local NAME=$1
    mpirun -np 3 -x LD_PRELOAD="$SPIN" -x HQ_SLOW_CLOSE=9 -x HQCNN_NODE_RANKS="$2" "$PROGRAM" train "${SMALL[@]}" --set train.epochs=1 \
        --set dist.stall_timeout=1 "${@:3}" --run-dir "$NAME" >"$NAME.out" 2>"$NAME.err"
    echo "$?" >"$NAME.code"
}
save small 3 &
saves=$!
save large 3 "${LARGE[@]}" &
saves+=" $!"
save large-apart 1 "${LARGE[@]}"
# shellcheck disable=SC2086 # two numbers
wait $saves
for NAME in small large large-apart; do same "exit code of $NAME: $(cat "$NAME.err")" "$(cat "$NAME.code")" 0; done
for i in 0 1; do
    says "in checkpoint of step [0-9]* since [0-9]* s; all ranks of this host run: the file system is slow, or a rank of another host is late \[rank $i of 3"
done
times "in checkpoint of .*rank 2 of 3" 0
NAME=large
times "in checkpoint of step [0-9]* since [0-9]* s; all ranks run: the file system is slow, or a rank is late" 1
says "goes on after"
NAME=small
times "rank 0 of 3 on .* is late: in phase checkpoint of step [0-9]* since [0-9]* s; 2 ranks wait in agreement of step" 1

# ---- never, when asked for
begin off --set dist.stall_timeout=0 --set dist.stall_abort=0
kill -STOP "${rank[1]}"
sleep 4
kill -CONT "${rank[1]}"
ended 0 4000 60000
times "late" 0
finish
