#!/usr/bin/env bash
# bench_stream.sh [PROGRAM] [PAIRS] [IMAGES] [FILE]: what streaming a data set from a file costs against having it in memory, on 2 ranks.
#
# Makes an .h5 file of IMAGES phantom images (default 2000000, 1.6 GB; or takes FILE, and keeps it), then runs `bench train` at batch 128 streamed and in memory in
# turn, and prints images per second and resident memory of each, the median of the ratios, and the import's time. Windows are of one chunk (1337 images), so that
# a run of a few seconds reads as much per image as an epoch does; before a streamed run the file is dropped from the page cache. Needs two free cores.
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

measure() { # measure on|off: images per second and megabytes
    [ "$1" = off ] || dd if="$set" iflag=nocache count=0 status=none
    mpirun -np 2 --bind-to core "$program" bench train --json --set data.source="$set" --set data.stream="$1" --set data.window=1337 --set train.batch=128 >"$scratch/out" 2>&1 ||
        { cat "$scratch/out" >&2 && exit 1; }
    sed -n -E 's/.*"(images_per_second|peak_memory_megabytes)": ([0-9.e+]+).*/\2/p' "$scratch/out" | tr '\n' ' '
}

for _ in $(seq "$pairs"); do
    echo "$(measure off) $(measure on)"
done | awk '
    function median(v, n,    i, j, t) {
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    { off[NR] = $1; on[NR] = $3; ratio[NR] = $3 / $1
      printf "in memory %.0f images/s, %.0f MB; streamed %.0f images/s, %.0f MB; ratio %.3f\n", $1, $2, $3, $4, $3 / $1; fflush() }
    END { printf "median    %.0f images/s;          streamed %.0f images/s;        ratio %.3f\n", median(off, NR), median(on, NR), median(ratio, NR) }'
