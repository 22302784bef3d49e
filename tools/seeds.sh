#!/usr/bin/env bash
# seeds.sh PROGRAM RANKS SEEDS CONFIG [options of train...]: trains once per seed (1..SEEDS) and prints test accuracy and AUC of each, mean and standard
# deviation. Runs go to runs/seeds-<config>/<seed>; one that is complete is not repeated, one that was stopped goes on.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
program=$1 ranks=$2 seeds=$3 config=$4
shift 4
folder=runs/seeds-$(basename "$config" .cfg)
mkdir -p "$folder"
for seed in $(seq "$seeds"); do
    mpirun -np "$ranks" "$program" train "$config" --set train.seed="$seed" --run-dir "$folder/$seed" --resume "$@" \
        >>"$folder/$seed.log" 2>&1 || { tail -n 5 "$folder/$seed.log" >&2; exit 1; }
    grep '"event":"test"' "$folder/$seed/metrics.jsonl" | tail -n 1
done | sed -E 's/.*"best_epoch":([0-9]+).*"acc":([0-9.e-]+),"auc":([0-9.e-]+).*/\1 \2 \3/' | awk '
    NR == 1 { print "seed  best epoch  test ACC  test AUC" }
    { printf "%4d  %10d    %.4f    %.4f\n", NR, $1, $2, $3
      acc += $2; acc2 += $2 * $2; auc += $3; auc2 += $3 * $3 }
    function sd(sum, squares) { return NR > 1 ? sqrt(((squares - sum * sum / NR) > 0 ? squares - sum * sum / NR : 0) / (NR - 1)) : 0 }
    END { if (NR > 0) printf "mean +- sd          %.3f +- %.3f  %.3f +- %.3f\n", acc / NR, sd(acc, acc2), auc / NR, sd(auc, auc2) }'
