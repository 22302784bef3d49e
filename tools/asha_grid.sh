#!/usr/bin/env bash
# asha_grid.sh PROGRAM DATA FOLDER [RANKS]: trains a whole grid of 84 configurations on BreastMNIST (DATA: breastmnist.npz), each to its end and with three seeds, and the same grid with asha. Prints
# the grid, the rank that asha's best has in it, and what asha cost. Goes on where it was; takes about 20 minutes on two cores.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,3s/^# //p' "$0" >&2 && exit 2; }
program=$(realpath "$1") data=$(realpath "$2") folder=$3 ranks=${4:-2}
plan=(--set data.source="$data" --set augment.flip=horizontal --set train.epochs=27 --set train.batch=64 --set sweep.seeds=3 --ranks-per-trial 1
    --set "sweep.space=train.learning_rate = 1e-5 .. 1e-1 log grid 7; train.optimizer = sgd | adam; model.attention = none | ladder | qft; model.norm = batch | group")
mpirun -np "$ranks" "$program" sweep "${plan[@]}" --run-dir "$folder/grid"
mpirun -np "$ranks" "$program" sweep "${plan[@]}" --set sweep.halving=asha --set sweep.first_epochs=3 --set sweep.eta=4 --run-dir "$folder/asha"
"$program" sweep report "$folder/grid"
"$program" sweep report "$folder/asha"
"$program" sweep table "$folder/grid" >"$folder/grid.csv"
"$program" sweep table "$folder/asha" >"$folder/asha.csv"

# Columns: trial, id, state, epochs, seeds, 4 keys, val_auc, val_auc_sd, ...
best=$("$program" sweep best "$folder/asha" | sed -n 's/^best: trial \([0-9]*\),.*/\1/p')
echo "the grid: validation AUC, mean of three seeds (asha came to so many epochs)"
paste -d, <(tail -n +2 "$folder/grid.csv" | cut -d, -f1,6-10) <(tail -n +2 "$folder/asha.csv" | cut -d, -f4) | sort -t, -k6,6gr -k1,1n |
    awk -F, -v best="$best" '{ printf "%3d  trial %2d  rate %-9s %-5s %-7s %-6s %.4f  (%2d)%s\n", NR, $1, $2, $3, $4, $5, $6, $7, $1 == best ? "  <- the best of asha" : ""; if ($1 == best) rank = NR }
        END { printf "rank of the best of asha: %d of %d (top %.1f %%)\n", rank, NR, 100 * rank / NR }'
awk -F, 'FNR == 1 { file++; next } { epochs[file] += $4 } END { printf "epochs of asha: %d of %d of the grid (%.1f %%), times three seeds\n", epochs[2], epochs[1], 100 * epochs[2] / epochs[1] }' "$folder/grid.csv" "$folder/asha.csv"
