#!/usr/bin/env bash
# sweep_kill.sh PROGRAM [TRIALS KILLS]: a sweep with three seeds for each trial, SIGKILLed at random moments and started again: the first half on 8 ranks in groups, the rest as an array,
# several trials at once, each a process of its own. The table is that of one rank that was never stopped; every training was tested once. tests/project/slurm does the same with a real Slurm.
# HQCNN_TEST_SEED chooses the moments.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
TRIALS=${2:-12}
KILLS=${3:-4}
RANDOM=${HQCNN_TEST_SEED:-1}
cat >sweep.cfg <<'EOF'
phantom = { train = 64; val = 32; test = 32; size = 16; };
model = { channels = [4, 4]; padding = [1, 1]; pool = [1, 1]; features = 2; qubits = 2; head = 8; };
train = { epochs = 40; batch = 16; microbatch = 8; };
sweep = {
    space = ("train.learning_rate = 1e-4 .. 1e-1 log", "train.optimizer = sgd | adam", "train.batch = 16 | 64");
    method = "sobol";
    seeds = 3;
};
EOF
PLAN=(sweep.cfg --set sweep.trials="$TRIALS")
ALL=$((3 * TRIALS))
results() { find swept/results -name '*.json' 2>/dev/null | wc -l; }
check "reference" np 1 sweep "${PLAN[@]}" --run-dir alone >alone.out 2>&1

# Waits for a random number of results more, and a little.
a_while() { # a_while UP_TO PROCESS
    local aim
    aim=$(($(results) + RANDOM % ($1 + 1)))
    for _ in $(seq 3000); do
        [ "$(results)" -ge $aim ] || ! kill -0 "$2" 2>/dev/null && break
        sleep 0.02
    done
    sleep 0.$((RANDOM % 4))$((RANDOM % 10))
}

# Groups: mpirun and all of its ranks are killed, or one rank, whereupon mpirun ends the others.
kills=0 starts=0
while [ "$(results)" -lt $((ALL / 2)) ]; do
    mpirun -np 8 "$PROGRAM" sweep "${PLAN[@]}" --ranks-per-trial $((2 << RANDOM % 2)) --run-dir swept >groups.out 2>&1 &
    mpirun=$!
    starts=$((starts + 1))
    a_while $((ALL / 8)) $mpirun
    mapfile -t ranks < <(pgrep -P $mpirun)
    if [ $((RANDOM % 2)) = 0 ]; then
        kill -KILL $mpirun "${ranks[@]}" 2>/dev/null && kills=$((kills + 1))
    else
        kill -KILL "${ranks[RANDOM % ${#ranks[@]}]}" 2>/dev/null && kills=$((kills + 1))
    fi
    wait $mpirun 2>/dev/null
    while kill -0 "${ranks[@]}" 2>/dev/null; do sleep 0.05; done
done
by_groups=$(results)

# An array: several trials at once, some of them killed.
while [ "$(results)" -lt "$ALL" ]; do
    starts=$((starts + 1))
    for trial in $(seq "$TRIALS" | shuf --random-source=<(yes "$RANDOM")); do
        while [ "$(jobs -r | wc -l)" -ge 3 ]; do sleep 0.02; done
        "$PROGRAM" sweep "${PLAN[@]}" --run-dir swept --trial "$trial" >>"task.$trial.out" 2>&1 &
        [ $kills -lt "$KILLS" ] || continue
        sleep 0.$((RANDOM % 4 + 1))
        mapfile -t running < <(jobs -rp)
        [ ${#running[@]} -eq 0 ] || { kill -KILL "${running[RANDOM % ${#running[@]}]}" 2>/dev/null && kills=$((kills + 1)); }
    done
    wait
done 2>/dev/null # what the shell says of the killed
echo "$kills kills in $starts starts; $by_groups of $ALL trainings by groups"
check "enough kills" test $kills -ge "$KILLS"
check "the same table" cmp <("$PROGRAM" sweep table alone) <("$PROGRAM" sweep table swept)
same "every training tested once" "$(cat swept/trials/*/*/metrics.jsonl | grep -c '"event":"test"')" "$ALL"
same "no result but these" "$(find swept/results -name "*.json" | wc -l)" "$ALL"
finish
