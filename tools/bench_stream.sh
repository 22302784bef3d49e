#!/usr/bin/env bash
# bench_stream.sh [PROGRAM] [PAIRS] [IMAGES] [FILE]: what streaming a data set from a file costs against having it in memory, on 2 ranks.
#
# Makes an .h5 file of IMAGES phantom images (default 2000000, 1.6 GB; or takes FILE, and keeps it), then runs `bench train` at batch 128 streamed and in memory in
# turn, and prints images per second, resident memory, and the share of a step that rank 0 spends with images; then the medians. The share hardly depends on what
# else the machine does. Windows are of one chunk (1337 images), so that a run of a few seconds reads as much per image as an epoch does; before a streamed run the
# file is dropped from the page cache. Needs two free cores.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(realpath "${1:-$root/build/release/hqcnn-dist}") pairs=${2:-5} images=${3:-2000000}
[ -x "$program" ] || { echo "bench_stream.sh: no program $program" >&2 && exit 2; }
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"
prepare_mpirun 2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hqcnn-stream-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
set=${4:-$scratch/set.h5}

if [ ! -f "$set" ]; then
    start=$(date +%s)
    mpirun -np 2 "$program" data import phantom "$set" --set phantom.train="$images"
    echo "imported in $(($(date +%s) - start)) s"
fi
sync "$set"

measure() { # measure on|off: images per second, seconds of a step, megabytes, seconds of it with images
    [ "$1" = off ] || dd if="$set" iflag=nocache count=0 status=none
    mpirun -np 2 --bind-to core "$program" bench train --json --set data.source="$set" --set data.stream="$1" --set data.window=1337 --set train.batch=128 >"$scratch/out" 2>&1 ||
        { cat "$scratch/out" >&2 && exit 1; }
    sed -n -E 's/.*"(images_per_second|seconds_per_step|peak_memory_megabytes|data)": ([0-9.e+-]+).*/\2/p' "$scratch/out" | tr '\n' ' '
}

for pair in $(seq "$pairs"); do # in either order: what the machine does else drifts
    if [ $((pair % 2)) -eq 1 ]; then off=$(measure off) on=$(measure on); else on=$(measure on) off=$(measure off); fi
    echo "$off $on"
done | awk '
    function median(v, n,    i, j, t) {
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    function show(what, off, off_share, on, on_share, ratio) {
        printf "%s  in memory %6.0f images/s, %4.1f %% with images; streamed %6.0f images/s, %4.1f %%; ratio %.3f", what, off, off_share, on, on_share, ratio
    }
    {
        off[NR] = $1; off_share[NR] = 100 * $4 / $2; on[NR] = $5; on_share[NR] = 100 * $8 / $6; ratio[NR] = $5 / $1
        show("pair  ", off[NR], off_share[NR], on[NR], on_share[NR], ratio[NR]); printf "; %.0f MB and %.0f MB\n", $3, $7; fflush()
    }
    END { show("median", median(off, NR), median(off_share, NR), median(on, NR), median(on_share, NR), median(ratio, NR)); print "" }'
