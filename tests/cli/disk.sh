#!/usr/bin/env bash
# disk.sh PROGRAM [all]: a disk that is full after every so many bytes, from none to more than a start and a checkpoint need: the run ends well or with exit code 3 and a
# message that names the file (and what a checkpoint needs), the last checkpoint is whole, nothing half written is left, and with room again the run ends with the bits of one
# that had it always. With checkpoint.on_failure = "continue" it trains on, and what was not written in between does no harm.
#
# all (or HQCNN_TEST_ALL_SIZES=1): every page; else every sixth.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
fail_fast
all=0
[ -z "${2:-}${HQCNN_TEST_ALL_SIZES:-}" ] || all=1
PAGE=4096
[ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=4m tmpfs disk 2>/dev/null || skip "a small tmpfs needs root and mount"
trap 'umount -l "$SCRATCH/disk" 2>/dev/null; cleanup' EXIT
# A network of a checkpoint of some 40 kB, 6 steps, a checkpoint after each.
RUN=("${SMALL[@]}" --set 'model.channels=[4,4,8]' --set 'model.padding=[0,0,0]' --set 'model.pool=[1,1,1]' --set checkpoint.steps=1 --set log.steps=1)
np 1 train "${RUN[@]}" --run-dir whole >whole.out 2>&1 || cat whole.out
WANT=$(hash_of whole/last.h5)
rows_of() { sed -E -e '/"event":"(start|resume)"/d' -e 's/,"timing":\{.*\}$/}/' "$1/metrics.jsonl"; }

# A run with one step behind it, to start each case from.
np 1 train "${RUN[@]}" --run-dir good --set train.time_limit=0.01 >begun.out 2>&1
check "that is not the end" test "$(hash_of good/last.h5)" != "$WANT"
bytes=$(stat -c %s good/last.h5)

# fill PAGES: leaves so many pages free
fill() {
    local free
    rm -f disk/filler
    free=$(($(stat -f -c %f disk) - $1))
    [ $free -le 0 ] || fallocate -l $((free * PAGE)) disk/filler
    [ "$(stat -f -c %f disk)" = "$1" ]
}
# What must hold after a run on a full disk.
unharmed() { # unharmed "what" DIR CODE
    check "$1: exit code 0 or 3, not $3" test "$3" = 0 -o "$3" = 3
    check "$1: last.h5 is whole" "$PROGRAM" inspect --hash "$2/last.h5" >/dev/null
    check "$1: best.h5 is whole" "$PROGRAM" inspect --hash "$2/best.h5" >/dev/null
    check "$1: nothing half written" test -z "$(find "$2" -name '*.tmp*')"
    [ "$3" = 0 ] && return
    check "$1: a message that names the file" grep -q "^hqcnn-dist: error: .*$2/[a-z0-9/.-]*.*\(No space left\|needed\)" out.txt
    grep -q "error: checkpoint" out.txt && check "$1: needed and free bytes" grep -q "bytes are needed, .* bytes are free\|No space left" out.txt
}
goes_on() {
    timeout 60 mpirun -np 1 "$PROGRAM" train --run-dir "$2" --resume --set train.time_limit=0 >>out.txt 2>&1
    same "$1: goes on with room" $? 0
    same "$1: state" "$(hash_of "$2/last.h5")" "$WANT"
    check "$1: rows of metrics.jsonl" cmp <(rows_of "$2") <(rows_of whole)
}

# config.cfg and metrics.jsonl are written anew at the start, then up to four checkpoints more are there at once: all of it fits into so many pages.
need=$((4 * bytes / PAGE + $(stat -c %s good/config.cfg) / PAGE + 10))
ended=0 stopped=0 at_checkpoint=0
for ((pages = 0; pages <= need; pages += all ? 1 : 6)); do
    rm -rf disk/*
    cp -a good disk/run
    check "$pages pages: filled" fill "$pages"
    timeout 60 mpirun -np 2 "$PROGRAM" train --run-dir disk/run --resume --set train.time_limit=0 >out.txt 2>&1
    code=$?
    unharmed "$pages pages" disk/run $code
    if [ $code = 0 ]; then ended=$((ended + 1)); else stopped=$((stopped + 1)); fi
    grep -q "error: checkpoint disk/run" out.txt && at_checkpoint=$((at_checkpoint + 1))
    [ $code = 0 ] && continue
    rm -f disk/filler
    goes_on "$pages pages" disk/run
done
echo "a checkpoint has $bytes bytes; free pages 0 to $need: $ended runs ended, $stopped stopped, $at_checkpoint of them at a checkpoint"
check "some ended, some stopped at a checkpoint" test $ended -gt 0 -a $at_checkpoint -gt 0

# Goes on over a full disk, and is whole in the end: room comes back in mid-run.
CONTINUE=(--set checkpoint.on_failure=continue --set train.epochs=20)
np 1 train "${RUN[@]}" --set train.epochs=20 --run-dir long >long.out 2>&1
rm -rf disk/*
cp -a good disk/run
mpirun -np 2 "$PROGRAM" train --run-dir disk/run --resume --set train.time_limit=0 "${CONTINUE[@]}" >out.txt 2>&1 &
mpirun=$!
for _ in $(seq 600); do
    [ "$(grep -c '"event":"step"' disk/run/metrics.jsonl)" -ge 12 ] 2>/dev/null && break
    sleep 0.02
done
kill -STOP "$(pgrep -P $mpirun | head -n 1)"
fill 0
kill -CONT "$(pgrep -P $mpirun | head -n 1)"
for _ in $(seq 600); do
    [ "$(grep -c 'goes on without that checkpoint' out.txt)" -ge 3 ] && break
    sleep 0.02
done
rm -f disk/filler
wait $mpirun
same "continue: exit code" $? 0
check "continue: told" grep -q 'warning: the training goes on without that checkpoint (checkpoint.on_failure = "continue")' out.txt
same "continue: state" "$(hash_of disk/run/last.h5)" "$(hash_of long/last.h5)"
# An epoch whose model could not be saved is not the best one, so others may be.
steps_of() { rows_of "$1" | grep '"event":"step"'; }
check "continue: rows of metrics.jsonl" cmp <(steps_of disk/run) <(steps_of long)
check "continue: nothing half written" test -z "$(find disk/run -name '*.tmp*')"

# The last checkpoint must be written.
rm -rf disk/*
cp -a good disk/run
fill 12
timeout 60 mpirun -np 2 "$PROGRAM" train --run-dir disk/run --resume --set train.time_limit=0 --set checkpoint.on_failure=continue >out.txt 2>&1
code=$?
same "continue, no room at the end: exit code" $code 3
unharmed "continue, no room at the end" disk/run $code
rm -f disk/filler
goes_on "continue, no room at the end" disk/run
finish
