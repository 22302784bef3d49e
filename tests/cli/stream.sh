#!/usr/bin/env bash
# stream.sh PROGRAM: data sets as .h5 files: the same file from any number of ranks, the same bits when it is streamed by any number of
# ranks, after a kill and a resume in mid-epoch; the metrics of a set in memory; damage ends the run on all ranks.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SET=(--set phantom.train=520 --set phantom.val=70 --set phantom.test=45 --set data.chunk=20)
RUN=(--set data.source=set.h5 --set train.batch=48 --set train.microbatch=8 --set train.epochs=3 --set data.window=40)
STREAM=("${RUN[@]}" --set data.stream=on)

# ---- import
for n in 1 2 3; do
    check "import on $n ranks" np "$n" data import phantom "set-$n.h5" "${SET[@]}" >"import-$n.out" 2>&1 || cat "import-$n.out"
    check "the same file from $n ranks" cmp set-1.h5 "set-$n.h5"
done
check "nothing else is left" test -z "$(find . -name '*.tmp')"
mv set-1.h5 set.h5
check "what it says" grep -qE '^set-1.h5: phantom, 2 classes; 520 train, 70 validation, 45 test, in chunks of 20 images; hash [0-9a-f]{16}$' import-1.out
cp set.h5 kept.h5
check "--force replaces a file" np 2 data import phantom kept.h5 "${SET[@]}" --set phantom.train=30 --force >/dev/null 2>&1
check "by the new one" test "$(wc -c <kept.h5)" -lt "$(wc -c <set.h5)"
if [ -n "$DATA" ] && [ -f "$DATA/retinamnist.npz" ]; then
    check "import of an .npz file" np 2 data import "$DATA/retinamnist.npz" retina.h5 --set "data.classes=[0,4]" >retina.out 2>&1 || cat retina.out
    check "its classes" grep -qE '^retina.h5: retinamnist, 2 classes; ' retina.out
    check "it can be trained on" np 2 check --set data.source=retina.h5 --set data.stream=on >/dev/null
else
    echo "not tried: import of an .npz file (no HQCNN_DATA_DIR)"
fi

# ---- any number of ranks
for n in 1 2 3 4; do
    check "streamed on $n ranks" np "$n" train "${STREAM[@]}" --run-dir "on-$n" >"on-$n.out" 2>&1 || cat "on-$n.out"
    same "state on $n ranks" "$(hash_of "on-$n/last.h5")" "$(hash_of on-1/last.h5)"
    same "best model on $n ranks" "$(hash_of "on-$n/best.h5")" "$(hash_of on-1/best.h5)"
    same "metrics on $n ranks" "$(values_of "on-$n")" "$(values_of on-1)"
done
for n in 1 5; do # ranks with nothing to do, and a last step of fewer micro-batches
    check "few micro-batches on $n ranks" np "$n" train "${STREAM[@]}" --set train.batch=24 --set train.epochs=1 --run-dir "few-$n" >few.out 2>&1 || cat few.out
    same "few micro-batches: state on $n ranks" "$(hash_of "few-$n/last.h5")" "$(hash_of few-1/last.h5)"
done
check "the summary tells" grep -qE '^stream    .* 40 for each micro-batch at once, in chunks of 20' on-1.out
np 2 train "${RUN[@]}" --set data.memory=0 --run-dir auto >/dev/null 2>&1
same "streamed when it is too large for data.memory" "$(hash_of auto/last.h5)" "$(hash_of on-1/last.h5)"
np 2 train "${STREAM[@]}" --set data.window=20 --run-dir window >/dev/null 2>&1
check "the window is part of the order" test "$(hash_of window/last.h5)" != "$(hash_of on-1/last.h5)"

# ---- against memory: the order of the file, and evaluations
for stream in on off; do
    np 2 train "${RUN[@]}" --set train.shuffle=off --set data.stream=$stream --run-dir "plain-$stream" >/dev/null 2>&1
    for split in train val test; do
        np 3 evaluate on-1 --split $split --json --set data.stream=$stream >"$split-$stream.json" 2>/dev/null
    done
done
same "without shuffle as in memory" "$(hash_of plain-on/last.h5)" "$(hash_of plain-off/last.h5)"
for split in train val test; do
    check "metrics of the $split split as in memory" cmp "$split-on.json" "$split-off.json"
    check "there are metrics" grep -q '"auc"' "$split-on.json"
done

# ---- killed in mid-epoch on 3 ranks, resumed on 2
LONG=("${STREAM[@]}" --set checkpoint.steps=3 --set log.steps=1 --set train.epochs=6)
np 1 train "${LONG[@]}" --run-dir whole >/dev/null 2>&1
mpirun -np 3 "$PROGRAM" train "${LONG[@]}" --run-dir killed >killed.out 2>&1 &
MPIRUN=$!
for _ in $(seq 600); do
    [ "$(grep -c '"event":"step"' killed/metrics.jsonl 2>/dev/null)" -ge 17 ] 2>/dev/null && break
    sleep 0.02
done
kill -KILL "$(pgrep -P "$MPIRUN" | tail -n 1)"
wait "$MPIRUN"
check "killed in mid-epoch" grep -qE "progress  [1-5] epochs and [1-9]" <("$PROGRAM" inspect killed/last.h5)
check "resumed" np 2 train --run-dir killed --resume >resumed.out 2>&1 || cat resumed.out
same "state after kill and resume" "$(hash_of killed/last.h5)" "$(hash_of whole/last.h5)"
same "metrics after kill and resume" "$(values_of killed)" "$(values_of whole)"

# ---- damage: one rank finds it, all end
alter() { # alter FILE: a byte in the middle of the file, where the images of the training split are, becomes another
    python3 - "$1" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = len(data) // 2
data[at] ^= 1
open(sys.argv[1], "wb").write(data)
PYTHON
}
if command -v python3 >/dev/null; then
    cp set.h5 bad.h5
    alter bad.h5
    for spread in auto on; do
        timeout 60 mpirun -np 3 "$PROGRAM" train "${STREAM[@]}" --set data.source=bad.h5 --set dist.spread=$spread --run-dir "bad-$spread" >bad.out 2>&1
        same "a damaged file ends the run, spread $spread" $? 3
        check "it is told where" grep -qE 'error: .*bad.h5: chunk [0-9]+ of train_images \(samples [0-9]+ to [0-9]+\) was altered or damaged' bad.out
    done
    # while sums are under way to other nodes, of norms too
    for norms in microbatch batch; do
        HQCNN_NODE_RANKS=1 timeout 60 mpirun -np 3 "$PROGRAM" train "${STREAM[@]}" --set data.source=bad.h5 --set model.norm_statistics=$norms \
            --set dist.overlap=on --set dist.piece=1 --set dist.group=3 --set dist.exchange=packed --run-dir "bad-$norms" >bad.out 2>&1
        same "a damaged file ends the run, norms of the $norms" $? 3
    done
    timeout 60 mpirun -np 2 "$PROGRAM" train "${RUN[@]}" --set data.source=bad.h5 --run-dir bad-off >bad.out 2>&1
    same "and when it is loaded" $? 3
    same "by one message" "$(grep -c '^hqcnn-dist: error' bad.out)" 1
else
    echo "not tried: damaged files (python3 is missing)"
fi
finish
