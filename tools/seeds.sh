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
    echo "$folder/$seed"
done | "$(dirname "${BASH_SOURCE[0]}")/seeds_table.sh"
