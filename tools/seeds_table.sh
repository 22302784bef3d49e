#!/usr/bin/env bash
# seeds_table.sh <FOLDERS: test accuracy and AUC of the finished runs whose folders it reads, one in a line, for seeds 1, 2, ...; mean and standard deviation.
set -euo pipefail
while read -r run; do
    grep '"event":"test"' "$run/metrics.jsonl" | tail -n 1 || { echo "$run is not finished" >&2 && exit 1; }
done | sed -E 's/.*"best_epoch":([0-9]+).*"acc":([0-9.e-]+),"auc":([0-9.e-]+).*/\1 \2 \3/' | awk '
    NR == 1 { print "seed  best epoch  test ACC  test AUC" }
    { printf "%4d  %10d    %.4f    %.4f\n", NR, $1, $2, $3
      acc += $2; acc2 += $2 * $2; auc += $3; auc2 += $3 * $3 }
    function sd(sum, squares) { return NR > 1 ? sqrt(((squares - sum * sum / NR) > 0 ? squares - sum * sum / NR : 0) / (NR - 1)) : 0 }
    END { if (NR > 0) printf "mean +- sd          %.3f +- %.3f  %.3f +- %.3f\n", acc / NR, sd(acc, acc2), auc / NR, sd(auc, auc2) }'
