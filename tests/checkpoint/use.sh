#!/usr/bin/env bash
# use.sh PROGRAM SOURCE_FOLDER: what users do with checkpoints: go on from one that an earlier version wrote, and read it with h5py as docs/formats.md shows.
set -u
SOURCE=$2
. "$SOURCE/tests/cli/lib.sh"
SAMPLES=$SOURCE/tests/checkpoint/samples

for sample in "$SAMPLES"/*.h5; do
    name=$(basename "$sample" .h5)
    np 2 train --resume="$sample" --run-dir "$name" --set train.epochs=2 >"$name.txt" 2>&1
    same "goes on from $name" $? 0
    check "one more epoch after $name" grep -q '^progress  2 epochs' <("$PROGRAM" inspect "$name/last.h5")
done

np 2 bench checkpoint --bytes 20M --json >bench.json
same "bench checkpoint" $? 0
check "bench checkpoint leaves nothing" test -z "$(ls bench-checkpoint* 2>/dev/null)"
check "bench checkpoint tells the ratio" grep -q '"bandwidth_ratio": [0-9]' bench.json
np 1 bench checkpoint --bytes 2X >out.txt 2>&1
same "bytes that are no number" $? 2

# The example of docs/formats.md prints what stands there.
if /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    cp "$SAMPLES/v3.h5" last.h5
    awk '/^## Data set/ { exit } /^```$/ { part = "" } part { print >part } /^```python$/ { part = "example.py" } /^prints, for/ { getline; getline; part = "example.txt" }' \
        "$SOURCE/docs/formats.md"
    /usr/bin/python3 example.py >printed.txt
    check "the example of docs/formats.md" diff example.txt printed.txt
else
    echo "the example of docs/formats.md is skipped: python3-h5py is missing"
fi
finish
