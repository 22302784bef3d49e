#!/usr/bin/env bash
# commands.sh PROGRAM: help, check, inspect, evaluate and predict as a user meets them.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

check "--help" grep -q "^usage: mpirun" <("$PROGRAM" --help)
check "--version" grep -q "^hqcnn-dist [0-9]" <("$PROGRAM" --version)
same "--version under mpirun is told once" "$(np 3 --version | wc -l)" 1

np 2 train "${SMALL[@]}" --run-dir run >run.out 2>&1
same "train" $? 0
for file in last.h5 best.h5 metrics.jsonl config.cfg; do check "$file is there" test -s run/$file; done
same "nothing else is there but kept checkpoints" "$(find run -type f -not -path "run/checkpoints/step-*.h5" | wc -l)" 4
check "final table" grep -q "images  accuracy     AUC" run.out
check "summary names micro-batches" grep -q "4 micro-batches of 8, feeds up to 4 ranks" run.out
same "one line per epoch" "$(grep -c '^epoch' run.out)" 2
check "no control characters without a terminal" test -z "$(grep -P '[\r\x1b]' run.out)"

# the effective configuration runs the same training again
np 1 train run/config.cfg --run-dir again >/dev/null 2>&1
same "config.cfg gives the same run" "$(hash_of again/last.h5)" "$(hash_of run/last.h5)"

# evaluate: what training said at its end, on any rank count
np 1 evaluate run --json >one.json
np 3 evaluate run --json >three.json
same "evaluate on 1 and 3 ranks" "$(cat three.json)" "$(cat one.json)"
acc=$(grep '"event":"test"' run/metrics.jsonl | sed -E 's/.*"acc":([0-9.e-]+).*/\1/')
check "evaluate agrees with the end of training" grep -q "\"acc\": $acc" one.json
check "evaluate prints a table" grep -q "confusion matrix" <(np 1 evaluate run/best.h5 --split val)

np 2 predict run --output scores.csv
same "predict" $? 0
same "a row per sample" "$(wc -l <scores.csv)" 33
check "header" grep -q "^sample,label,predicted,score_0,score_1$" scores.csv
same "accuracy from the scores" "$(awk -F, 'NR > 1 { good += $2 == $3 } END { printf "%.6f", good / (NR - 1) }' scores.csv)" "$(printf %.6f "$acc")"
same "predict on the standard output" "$(np 1 predict run | sed -n '/^sample/,$p')" "$(cat scores.csv)"

check "check" grep -q "are in order" <(np 1 check "${SMALL[@]}")
check "inspect" grep -q "conv5.weight        parameters" <("$PROGRAM" inspect run)
check "inspect --hash" grep -qE "^[0-9a-f]{16}$" <("$PROGRAM" inspect --hash run)

# without --run-dir a folder is made
np 1 train "${SMALL[@]}" --set train.epochs=1 >/dev/null 2>&1
same "a folder of its own" "$(find runs -name last.h5 | wc -l)" 1

# a terminal gets a progress line
TERM=xterm script -qec "mpirun -np 1 $PROGRAM train ${SMALL[*]} --run-dir term" /dev/null >term.out 2>&1
check "progress line with images/s and time left" grep -qE "images/s  [0-9:]+ left" term.out
finish
