#!/usr/bin/env bash
# stop.sh PROGRAM: signals and time limits: the state is saved, the exit code is 75, and the resumed run has the bits of one that was never stopped.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
fail_fast
RUN=("${SMALL[@]}" --set phantom.train=512 --set train.epochs=3 --set log.steps=1)
np 1 train "${RUN[@]}" --run-dir whole >whole.out 2>&1 || cat whole.out
WANT=$(hash_of whole/last.h5)

# until DIR "text of a row": waits for it
until_row() {
    for _ in $(seq 600); do
        grep -q -e "$2" "$1/metrics.jsonl" 2>/dev/null && return 0
        sleep 0.02
    done
    return 1
}
# stopped DIR CODE: the run in the background has ended so, and goes on to the end.
stopped() {
    wait "$MPIRUN"
    same "$1: exit code" $? 75
    check "$1: nothing half written" test -z "$(find "$1" -name '*.tmp*')"
    goes_on "$1"
}
goes_on() {
    check "$1: goes on" timeout 60 mpirun -np 3 "$PROGRAM" train --run-dir "$1" --resume --set train.time_limit=0 >>"$1.out" 2>&1
    same "$1: state" "$(hash_of "$1/last.h5")" "$WANT"
    check "$1: metrics" cmp <(values_of "$1") <(values_of whole)
}
start() { # start DIR options...
    local dir=$1
    shift
    mpirun -np 2 "$PROGRAM" train "${RUN[@]}" --run-dir "$dir" "$@" >"$dir.out" 2>&1 &
    MPIRUN=$!
}
ranks_of() { pgrep -P "$1"; }

# SIGTERM to one rank alone.
start one
check "one: started" until_row one '"step":3,'
kill -TERM "$(ranks_of "$MPIRUN" | tail -n 1)"
stopped one
check "one: says why" grep -q "stopping: \(a signal has come to another rank\|SIGTERM has come\)" one.out

# A signal that comes while MPI starts, or before there is a network, waits.
start early
for _ in $(seq 200); do
    [ "$(ranks_of "$MPIRUN" | wc -l)" -eq 2 ] && break
    sleep 0.01
done
for rank in $(ranks_of "$MPIRUN"); do
    for _ in $(seq 200); do # until it is the program, and holds signals back
        [ "$(readlink "/proc/$rank/exe")" = "$PROGRAM" ] && grep -q '^SigBlk:.*[2367abef]..$' "/proc/$rank/status" && break
        sleep 0.005
    done
    kill -USR1 "$rank"
done
stopped early
check "early: says why" grep -q "stopping: SIGUSR1 has come" early.out

# A second signal ends the run at once; the last checkpoint is whole. The rank that is stopped keeps the step from ending.
start twice --set checkpoint.steps=2
check "twice: started" until_row twice '"step":7,'
slow=$(ranks_of "$MPIRUN" | tail -n 1)
kill -STOP "$slow"
kill -USR1 "$(ranks_of "$MPIRUN" | head -n 1)"
sleep 0.2
kill -USR1 "$(ranks_of "$MPIRUN" | head -n 1)" # the same wish, passed on by someone else
sleep 1
check "twice: waits for the end of the step" kill -0 "$MPIRUN"
kill -USR1 "$(ranks_of "$MPIRUN" | head -n 1)"
sleep 0.2
kill -CONT "$slow"
wait "$MPIRUN"
same "twice: exit code" $? 75
check "twice: says so" grep -q "a second signal: leaving at once" twice.out
check "twice: the last checkpoint is whole" "$PROGRAM" inspect --hash twice/last.h5 >/dev/null
goes_on twice

# A signal during the evaluation of an epoch that takes long, and during the test.
SLOW=(--set phantom.val=3000 --set phantom.test=3000)
np 2 train "${RUN[@]}" "${SLOW[@]}" --run-dir slow >slow.out 2>&1
for where in '"step":16,' '"event":"epoch","epoch":3'; do
    rm -rf during
    start during "${SLOW[@]}"
    check "during: started" until_row during "$where"
    kill -USR1 "$MPIRUN"
    wait "$MPIRUN"
    same "during $where: exit code" $? 75
    check "during $where: stopped before the next row" test "$(tail -n 1 during/metrics.jsonl | grep -c "$where")" = 1
    check "during $where: goes on" timeout 60 mpirun -np 1 "$PROGRAM" train --run-dir during --resume >>during.out 2>&1
    same "during $where: state" "$(hash_of during/last.h5)" "$(hash_of slow/last.h5)"
    check "during $where: metrics" cmp <(values_of during) <(values_of slow)
done

# Another process goes on in the same folder: the older one ends, and does not touch the checkpoints of the newer one.
start taken --set checkpoint.steps=1
check "taken: started" until_row taken '"step":5,'
older=$MPIRUN
kill -STOP "$(ranks_of "$older" | head -n 1)"
check "taken: the newer one ends well" timeout 60 mpirun -np 1 "$PROGRAM" train --run-dir taken --resume >newer.out 2>&1
check "taken: the newer one tells of it" grep -q "another process still trains in taken" newer.out
same "taken: state" "$(hash_of taken/last.h5)" "$WANT"
kill -CONT "$(ranks_of "$older" | head -n 1)"
wait "$older"
same "taken: exit code of the older one" $? 2
check "taken: and why" grep -q "another process goes on with this run" taken.out
same "taken: state is still that" "$(hash_of taken/last.h5)" "$WANT"
check "taken: metrics" cmp <(values_of taken) <(values_of whole)

# Time limits: of the key; of the end of a Slurm job; one that is over is no limit.
np 2 train "${RUN[@]}" --set train.time_limit=0.01 --run-dir limit >limit.out 2>&1
same "limit: exit code" $? 75
check "limit: told at the start" grep -q "^limit .*(train.time_limit)" limit.out
check "limit: told at the end" grep -q "^stopping: .* (train.time_limit)" limit.out
same "limit: at least one step" "$(grep -c '"event":"step"' limit/metrics.jsonl)" 1
goes_on limit
SLURM_JOB_END_TIME=$(($(date +%s) + 5)) np 2 train "${RUN[@]}" --run-dir slurm >slurm.out 2>&1
same "Slurm's limit: exit code" $? 75
check "Slurm's limit: told" grep -q "^stopping: .* (SLURM_JOB_END_TIME)" slurm.out
SLURM_JOB_END_TIME=$(($(date +%s) - 5)) np 2 train "${RUN[@]}" --run-dir slurm --resume >over.out 2>&1
same "a limit that is over: exit code" $? 0
check "a limit that is over: told" grep -q "SLURM_JOB_END_TIME = .* is ignored" over.out
same "a limit that is over: state" "$(hash_of slurm/last.h5)" "$WANT"
finish
