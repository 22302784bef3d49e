#!/usr/bin/env bash
# instructions.sh PROGRAM [COMPILER] [--record]: counts the instructions of one training step (the default network, 32 images) with callgrind, for the instruction
# sets that it knows, and compares with tools/instructions.txt: more than 2 % above the record is a failure. --record writes the record.
#
# Counts are the same on every machine with the same libraries, but not with every compiler: the record names its compiler and is skipped (exit code 77)
# with another one. COMPILER built PROGRAM: gcc unless given.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
program=$(realpath "$1") record=$(dirname "$(realpath "$0")")/instructions.txt
built_by=gcc mode=compare
for word in "${@:2}"; do
    if [ "$word" = --record ]; then mode=record; else built_by=$word; fi
done
compiler="gcc $("$built_by" -dumpfullversion 2>/dev/null || echo none)"
command -v valgrind >/dev/null || { echo "SKIPPED: valgrind is missing"; exit 77; }
if [ $mode = compare ] && ! grep -qxF "compiler $compiler" "$record"; then
    echo "SKIPPED: $(grep '^compiler' "$record") has made the record; here it is $compiler"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# count KERNEL: instructions inside hq_train_step.
count() {
    local out=$folder/$1.out
    valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect=hq_train_step "$program" train --run-dir "$folder/$1" \
        --set compute.kernel="$1" --set phantom.train=32 --set phantom.val=2 --set phantom.test=2 --set train.batch=32 --set train.epochs=1 \
        >"$folder/$1.log" 2>&1 || { cat "$folder/$1.log" >&2; exit 1; }
    sed -n 's/^summary: //p' "$out"
}

failed=0 lines="compiler $compiler"
for kernel in plain avx2; do
    have=$(count "$kernel")
    lines+=$'\n'"$kernel $have"
    want=$(sed -n "s/^$kernel //p" "$record" 2>/dev/null || true)
    echo "$kernel: $have instructions in a step of 32 images; record: ${want:-none}"
    [ "$have" -gt 1000000 ] || failed=1
    [ $mode = record ] || [ "$have" -le $((want + want / 50)) ] || failed=1
done
if [ $mode = record ]; then
    echo "$lines" >"$record"
elif [ "$failed" -ne 0 ]; then
    echo "FAILED: more instructions than the record allows; if they are worth it: tools/instructions.sh PROGRAM --record" >&2
fi
exit "$failed"
