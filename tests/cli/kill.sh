#!/usr/bin/env bash
# kill.sh PROGRAM [KILLS]: SIGKILL at random moments, restarted on a random rank count each time, until the training is done: the final state, the best model and the
# metrics are those of a run that was never stopped, and no name of a checkpoint ever names a file that cannot be read.
#
# KILLS (default 6, or HQCNN_TEST_KILLS): as many kills in all. One training takes what it takes; another begins when it is done, with other moments, until there were enough.
# A checkpoint is written after every step, so that a good part of the kills come while one is written. HQCNN_TEST_SEED chooses the moments.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
KILLS=${2:-${HQCNN_TEST_KILLS:-6}}
RANDOM=${HQCNN_TEST_SEED:-1}
RUN=("${SMALL[@]}" --set phantom.train=256 --set train.epochs=5 --set checkpoint.steps=1 --set log.steps=1) # 40 steps

np 1 train "${RUN[@]}" --run-dir whole >whole.out 2>&1 || cat whole.out
WANT=$(hash_of whole/last.h5)
BEST=$(hash_of whole/best.h5)
# Every row but those that tell of a start, once each and in order; without the timing.
rows_of() { sed -E -e '/"event":"(start|resume)"/d' -e 's/,"timing":\{.*\}$/}/' "$1/metrics.jsonl"; }

# Every file with the name of a checkpoint can be read.
readable() {
    local file
    for file in "$1"/*.h5 "$1"/checkpoints/*.h5; do
        [ -e "$file" ] || continue
        "$PROGRAM" inspect --hash "$file" >/dev/null || return 1
    done
}

# Ends all ranks, or one of them (mpirun ends the others), or mpirun first and then its ranks.
kill_some() {
    local ranks
    mapfile -t ranks < <(pgrep -P "$1")
    case $((RANDOM % 3)) in
    0) kill -KILL "${ranks[RANDOM % (${#ranks[@]} + 1)]:-$1}" 2>/dev/null ;;
    1) kill -KILL "${ranks[@]:-$1}" 2>/dev/null ;;
    2) kill -KILL "$1" "${ranks[@]}" 2>/dev/null ;;
    esac
    ! wait "$1" 2>/dev/null # else it was done before
}

steps_of() { grep -c '"event":"step"' "$1/metrics.jsonl" 2>/dev/null; }

kills=0 writing=0 starting=0 runs=0 most=0
while [ "$kills" -lt "$KILLS" ]; do
    runs=$((runs + 1))
    run=run$runs
    [ -e "$run" ] && break
    done=no
    while [ $done = no ]; do
        np=$((RANDOM % 3 + 2))
        mpirun -np $np "$PROGRAM" train "${RUN[@]}" --run-dir "$run" --resume >"$run.out" 2>&1 &
        mpirun=$!
        # A moment in the start, or some steps after it. Once there were enough kills the run may end.
        if [ "$kills" -lt "$KILLS" ]; then
            before=$(steps_of "$run") aim=$((RANDOM % 12))
            for _ in $(seq 3000); do
                [ "$(steps_of "$run")" -ge $((${before:-0} + aim)) ] 2>/dev/null && break
                kill -0 $mpirun 2>/dev/null || break
                [ $aim -eq 0 ] && break
                sleep 0.01
            done
            sleep "0.$(printf %03d $((RANDOM % (aim == 0 ? 600 : 60))))"
        fi
        if [ "$kills" -lt "$KILLS" ] && kill_some $mpirun; then
            kills=$((kills + 1))
            [ $aim -eq 0 ] && starting=$((starting + 1))
            [ -n "$(find "$run" -name '*.h5.tmp' 2>/dev/null)" ] && writing=$((writing + 1))
            check "kill $kills: all checkpoints can be read" readable "$run"
        else
            wait $mpirun # if it was not waited for
            check "run $runs ends" grep -q '"event":"test"' "$run/metrics.jsonl"
            done=yes
        fi
    done
    [ "$(grep -c '"event":"resume"' "$run/metrics.jsonl")" -gt "$most" ] && most=$(grep -c '"event":"resume"' "$run/metrics.jsonl")
    same "run $runs: final state" "$(hash_of "$run/last.h5")" "$WANT"
    same "run $runs: best model" "$(hash_of "$run/best.h5")" "$BEST"
    check "run $runs: rows of metrics.jsonl" cmp <(rows_of "$run") <(rows_of whole)
    check "run $runs: nothing half written" test -z "$(find "$run" -name '*.tmp*')"
done
echo "$kills kills in $runs trainings, at most $most resumes in one: $starting in or near the start, $writing while a checkpoint was being written"
finish
