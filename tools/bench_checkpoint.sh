#!/usr/bin/env bash
# tools/bench_checkpoint.sh PROGRAM [FOLDER [RANKS [BYTES [ROUNDS]]]]: the bandwidth of saves of a synthetic state in FOLDER, against dd with conv=fsync.
# In turn, as many bytes, and each replaces its file of before; prints every round and the ratio of the medians.
set -euo pipefail
if [ $# -lt 1 ]; then
    sed -n '2,3s/^# //p' "$0"
    exit 2
fi
PROGRAM=$1 FOLDER=${2:-.} RANKS=${3:-2} BYTES=${4:-2147483648} ROUNDS=${5:-3}
new=$FOLDER/bench-dd.tmp old=$FOLDER/bench-dd
trap 'rm -f "$new" "$old"' EXIT

seconds_of_dd() {
    local start
    start=$(date +%s.%N)
    dd if=/dev/zero of="$new" bs=1M count="$BYTES" iflag=count_bytes conv=fsync status=none
    mv "$new" "$old"
    echo "$(date +%s.%N) $start" | awk '{ printf "%.4f", $1 - $2 }'
}

seconds_of_save() {
    mpirun -np "$RANKS" "$PROGRAM" bench checkpoint --bytes "$BYTES" --run-dir "$FOLDER" --json | sed -n 's/.*"seconds_blocked": \([0-9.e-]*\).*/\1/p'
}

median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -g | awk '{ v[NR] = $1 } END { print v[int(NR / 2) + 1] }'; }

saves="" dds=""
seconds_of_dd >/dev/null # the first file replaces nothing
for ((i = 1; i <= ROUNDS; i++)); do
    save=$(seconds_of_save)
    dd=$(seconds_of_dd)
    saves+=" $save" dds+=" $dd"
    echo "round $i: save $save s, dd $dd s"
done
echo "$(median "$saves") $(median "$dds") $BYTES" |
    awk '{ printf "medians: save %.3f s, %.0f MB/s; dd %.3f s, %.0f MB/s; ratio %.2f\n", $1, $3 / $1 / 1e6, $2, $3 / $2 / 1e6, $2 / $1 }'
