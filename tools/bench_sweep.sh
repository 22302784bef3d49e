#!/usr/bin/env bash
# bench_sweep.sh PROGRAM FOLDER [TRIALS [EPOCHS [METHOD]]]: how long a sweep of many trials (4096) takes to plan, and its status, best, table and report when every trial has a result of
# EPOCHS epochs (30) on the disk; medians of 5. The results are made up: FOLDER, which must be empty, gets one file for each. Then how many entries the largest folder has.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,3s/^# //p' "$0" >&2 && exit 2; }
program=$(realpath "$1") folder=$2 trials=${3:-4096} epochs=${4:-30} method=${5:-sobol}
[ ! -e "$folder/plan.cfg" ] || { echo "bench_sweep.sh: $folder holds a sweep" >&2 && exit 2; }
mkdir -p "$folder"

plan=(--set "sweep.space=train.learning_rate = 1e-5 .. 1 log; train.weight_decay = 1e-6 .. 1e-1 log; model.attention = none | ladder | qft; train.optimizer = sgd | adam | lamb; train.momentum = 0 .. 0.99 if train.optimizer = sgd; train.batch = 16 | 32 | 64"
    --set sweep.method="$method" --set sweep.trials="$trials" --set train.epochs="$epochs" --run-dir "$folder")

# median WORDS...: seconds of the program, of five runs.
median() {
    local start
    for _ in 1 2 3 4 5; do
        start=$EPOCHREALTIME
        "$program" "$@" >/dev/null
        awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'
    done | sort -n | sed -n 3p
}

[ "$method" != tpe ] || { echo "bench_sweep.sh: METHOD tpe: its points follow from results; allowed are random and sobol" >&2 && exit 2; }
printf '%-8s %s s\n' "plan" "$(median sweep plan "${plan[@]}")"
"$program" sweep table "$folder" | awk -F, -v epochs="$epochs" -v folder="$folder" '
    NR > 1 {
        shard = folder "/results/" substr($2, 1, 2)
        if (!(shard in made)) { system("mkdir -p " shard); made[shard] = 1 }
        file = shard "/" $2 "-s1.json"
        best = 0.5 + 0.4 * rand()
        printf "{\"training\": \"%s-s1\",\n \"settings\": {},\n \"outcome\": \"ok\",\n \"epochs\": %d,\n \"best_epoch\": %d,\n \"history\": {\n", $2, epochs, epochs > file
        split("train_loss train_acc val_loss val_acc val_auc val_f1", name, " ")
        for (k = 1; k <= 6; k++) {
            printf "  \"%s\": [\n", name[k] > file
            for (e = 1; e <= epochs; e++) printf "   %.16f%s\n", best * e / epochs + 1e-4 * rand(), e < epochs ? "," : "" > file
            printf "  ]%s\n", k < 6 ? "," : "" > file
        }
        printf " },\n \"test\": { \"acc\": %.16f, \"auc\": %.16f, \"f1\": 0.5, \"loss\": 0.7 },\n \"data\": \"0000000000000001\",\n \"kernels\": \"\",\n \"timing\": { \"seconds\": 1.5, \"ranks\": 2, \"host\": \"n1\" }\n}\n", best, best > file
        close(file)
    }'
echo "$trials trials, method $method, $epochs epochs; $(du -sh "$folder/results" | cut -f1) of results"
for words in status best table report; do printf '%-8s %s s\n' "$words" "$(median sweep "$words" "$folder")"; done
echo "entries in the largest folder: $(find "$folder" -mindepth 1 -type d -exec sh -c 'echo "$(ls -f "$1" | wc -l)"' sh {} \; | sort -n | tail -n 1)"
