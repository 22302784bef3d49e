#!/usr/bin/env bash
# keep.sh PROGRAM: which checkpoints stay in a run folder, and which one a run goes on from when some are damaged.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
RUN=("${SMALL[@]}" --set log.steps=1)
names() { (cd "$1/checkpoints" && echo *); }
inode() { stat -c %i "$1"; }
resume() { timeout 60 mpirun -np 2 "$PROGRAM" train --run-dir "$1" --resume >"$1.out" 2>&1; }
copy() { rm -rf "$1" && cp -a whole "$1"; } # hard links stay links

# 6 steps, a checkpoint after each.
np 2 train "${RUN[@]}" --set checkpoint.steps=1 --set checkpoint.keep=3 --run-dir whole >whole.out 2>&1 || cat whole.out
WANT=$(hash_of whole/last.h5)
same "the newest stay" "$(names whole)" "step-000000004.h5 step-000000005.h5 step-000000006.h5"
same "last.h5 is the newest" "$(inode whole/last.h5)" "$(inode whole/checkpoints/step-000000006.h5)"
check "best.h5 is whole" "$PROGRAM" inspect --hash whole/best.h5 >/dev/null
np 1 train "${RUN[@]}" --run-dir plain >plain.out 2>&1
same "two stay by default, at epochs" "$(names plain)" "step-000000003.h5 step-000000006.h5"
same "and they change no result" "$(hash_of plain/last.h5)" "$WANT"

# goes_on DIR "words of the output": the run goes on and ends with the same bits, metrics and kept names.
goes_on() {
    check "$1: goes on" resume "$1"
    check "$1: says \"$2\"" grep -qF -- "$2" "$1.out"
    same "$1: state" "$(hash_of "$1/last.h5")" "$WANT"
    same "$1: best" "$(hash_of "$1/best.h5")" "$(hash_of whole/best.h5)"
    check "$1: metrics" cmp <(values_of "$1") <(values_of whole)
    same "$1: kept" "$(names "$1")" "$(names whole)"
    check "$1: nothing half written" test -z "$(find "$1" -name '*.tmp*')"
}

copy truncated
truncate -s 9000 truncated/last.h5 # the newest kept one is the same file
touch truncated/checkpoints/step-000000007.h5.tmp truncated/checkpoints/notes.txt
mv truncated/checkpoints/notes.txt truncated/notes.txt
goes_on truncated "going on from truncated/checkpoints/step-000000005.h5"
check "the reason is told" grep -q "truncated/last.h5 cannot be loaded: it is truncated" truncated.out
copy altered
printf 'x' | dd of=altered/last.h5 bs=1 seek=3000 conv=notrunc status=none
printf 'x' | dd of=altered/checkpoints/step-000000005.h5 bs=1 seek=3000 conv=notrunc status=none
goes_on altered "going on from altered/checkpoints/step-000000004.h5"
copy gone
rm gone/last.h5
goes_on gone "resumed   gone/checkpoints/step-000000006.h5"
copy nobest
truncate -s 9000 nobest/best.h5
resume nobest
same "a damaged best.h5: state" "$(hash_of nobest/last.h5)" "$WANT"
check "a damaged best.h5 is told" grep -q "nobest/best.h5 cannot be loaded: it is truncated" nobest.out
check "and whole again" "$PROGRAM" inspect --hash nobest/best.h5 >/dev/null

copy lost
for file in lost/*.h5 lost/checkpoints/*.h5; do truncate -s 700 "$file"; done
resume lost
same "all are damaged" $? 3
check "all are damaged: message" grep -q "error: run folder lost: none of its 3 checkpoints can be loaded" lost.out
same "all are damaged: one error" "$(grep -c 'hqcnn-dist: error' lost.out)" 1
check "all are damaged: nothing is overwritten" test "$(stat -c %s lost/last.h5)" = 700
np 1 train "${RUN[@]}" --run-dir lost >taken.out 2>&1
same "nor by a new run" $? 2

# From an earlier one on purpose: what came behind it is gone, and comes again.
copy back
check "from an earlier one" timeout 60 mpirun -np 3 "$PROGRAM" train --resume=back/checkpoints/step-000000004.h5 --run-dir back >back.out 2>&1
same "from an earlier one: state" "$(hash_of back/last.h5)" "$WANT"
check "from an earlier one: metrics" cmp <(values_of back) <(values_of whole)
copy source
check "into a new folder" timeout 60 mpirun -np 1 "$PROGRAM" train --resume=source/checkpoints/step-000000005.h5 --run-dir target >target.out 2>&1
same "into a new folder: state" "$(hash_of target/last.h5)" "$WANT"
check "into a new folder: metrics" cmp <(values_of target) <(values_of whole)

# Where names are copies: a kept checkpoint that is damaged does not take the place of the last one, which is whole.
copy copies
cp copies/last.h5 one.h5 && mv one.h5 copies/last.h5
NEWEST=$(ls copies/checkpoints/step-*.h5 | tail -n 1)
same "copies: of one state" "$(hash_of "$NEWEST")" "$(hash_of copies/last.h5)"
printf x | dd of="$NEWEST" bs=1 seek=100 conv=notrunc status=none
resume copies
same "a damaged kept one: state" "$(hash_of copies/last.h5)" "$WANT"
check "a damaged kept one: metrics" cmp <(values_of copies) <(values_of whole)

# Seconds.
np 2 train "${RUN[@]}" --set checkpoint.seconds=0.001 --set checkpoint.epochs=100 --set checkpoint.keep=100 --run-dir often >often.out 2>&1
same "after every so many seconds" "$(names often | wc -w)" 6
finish
