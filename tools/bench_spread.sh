#!/usr/bin/env bash
# bench_spread.sh [PROGRAM] [PAIRS]: what spreading of circuits gains on 2 ranks when one of them owns the whole batch.
#
# Trains on 16 images a batch, in one micro-batch, with expensive circuits (6 qubits, 2 layers, density matrix with noise, shots), without and with spreading
# in turn, and prints the median seconds of a step of each and the median of the ratios. Needs two free cores.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(realpath "${1:-$root/build/release/hqcnn-dist}") pairs=${2:-5}
[ -x "$program" ] || { echo "bench_spread.sh: no program $program" >&2 && exit 2; }
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"
prepare_mpirun 2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hqcnn-spread-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

seconds_of_step() { # seconds_of_step on|off: the training steps of an epoch; validation has a single image
    rm -rf "$scratch/run"
    mpirun -np 2 --bind-to core "$program" train --set phantom.train=64 --set phantom.val=1 --set phantom.test=1 --set train.epochs=1 --set train.batch=16 \
        --set train.microbatch=16 --set model.qubits=6 --set model.layers=2 --set gradient.method=parameter-shift --set shots.count=1000 \
        --set noise.depolarizing1=0.001 --set noise.depolarizing2=0.01 --set dist.spread="$1" --run-dir "$scratch/run" >"$scratch/out" 2>&1 ||
        { cat "$scratch/out" >&2 && exit 1; }
    sed -n 's/.*"event":"epoch".*"seconds":\([0-9.e-]*\).*/\1/p' "$scratch/run/metrics.jsonl" | awk '{ print $1 / 4 }'
}

for _ in $(seq "$pairs"); do
    echo "$(seconds_of_step off) $(seconds_of_step on)"
done | awk '
    function median(v, n,    i, j, t) {
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    { off[NR] = $1; on[NR] = $2; ratio[NR] = $2 / $1; printf "without %.4f s, with %.4f s a step, ratio %.3f\n", $1, $2, $2 / $1 }
    END { printf "median    %.4f s       %.4f s         ratio %.3f\n", median(off, NR), median(on, NR), median(ratio, NR) }'
