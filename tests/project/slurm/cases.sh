#!/usr/bin/env bash
# cases.sh FOLDER ROOT PROGRAM: started by run.sh in namespaces of its own.
set -u
folder=$1 root=$2 program=$3
# shellcheck source=tests/project/slurm/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
cd "$folder" || exit 1
failed=0
fail() { echo "FAILED: $*" && failed=1; }

# What a cluster's own network and cores would make superfluous.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_mpi_yield_when_idle=1
export HQCNN=$program

if [ -n "${HQCNN_DATA_DIR:-}" ]; then
    settings=(--set data.source="$HQCNN_DATA_DIR/breastmnist.npz")
else
    settings=(--set phantom.train=512 --set phantom.val=64 --set phantom.test=64)
fi
settings+=(--set train.epochs=3)
hash_of() { "$program" inspect --hash "$1/last.h5"; }

# submit NAME [VARIABLE=VALUE...]: starts jobs/train.sbatch on 4 nodes; its number goes to $job.
submit() {
    local name=$1
    shift
    job=$(env RUN_DIR="$name" "$@" sbatch --parsable --nodes=4 --ntasks-per-node=1 --output="$name.out" \
        "$root/jobs/train.sbatch" "${settings[@]}") || fail "$name: sbatch"
}

# wait_for TEXT COMMAND...: until the output of COMMAND has TEXT.
wait_for() {
    local text=$1
    shift
    for _ in $(seq 300); do
        "$@" 2>/dev/null | grep -q -e "$text" && return
        sleep 0.1
    done
    fail "no \"$text\" in the output of: $*"
}

# ended NAME STATE CODE: waits for $job and checks how it ended.
ended() {
    wait_for "JobState=\(COMPLETED\|FAILED\|CANCELLED\|TIMEOUT\|NODE_FAIL\)" scontrol show job "$job"
    scontrol show job "$job" | tr ' ' '\n' | grep -q "^ExitCode=$3:0" &&
        scontrol show job "$job" | grep -q "JobState=$2" ||
        { fail "$1 did not end as $2 with $3" && scontrol show job "$job" && cat "$1.out"; }
}

# same_bits NAME: the run of that name has the state of the reference.
same_bits() {
    local hash
    hash=$(hash_of "$1")
    echo "$1: $hash"
    [ "$hash" = "$reference" ] || { fail "$1 has other bits than 1 rank" && cat "$1.out"; }
}

start_cluster "$folder/cluster" 4 || exit 1

mpirun -np 1 "$program" train "${settings[@]}" --run-dir one >one.out 2>&1 || { cat one.out && exit 1; }
reference=$(hash_of one)
echo "1 rank: $reference"

for launcher in mpirun srun; do
    submit "$launcher" LAUNCHER=$launcher
    ended "$launcher" COMPLETED 0
    same_bits "$launcher"
    grep -q "ranks  *4 on 4 nodes" "$launcher.out" || { fail "$launcher: not 4 ranks on 4 nodes" && cat "$launcher.out"; }
done

# Interrupted as before a time limit: saved, requeued, resumed.
for launcher in mpirun srun; do
    submit "$launcher-again" LAUNCHER=$launcher
    wait_for "^epoch 1/3" cat "$launcher-again.out"
    scancel --batch --signal=USR1 "$job"
    wait_for "Restarts=1 " scontrol show job "$job"
    # Slurm lets a requeued job wait for 2 minutes, so that nothing of its first life is left. Here: until its daemons
    # have gone, and a whole second more, which is as fine as Slurm tells a new start from the one that was killed.
    wait_for "^4$" sinfo --noheader --states=idle --format=%D
    wait_for "^0$" pgrep --count --full "^slurmstepd"
    scontrol update jobid="$job" starttime=now+2
    ended "$launcher-again" COMPLETED 0
    same_bits "$launcher-again"
done

# Not requeued when the restarts are used up.
submit enough RESTARTS=0
wait_for "^epoch 1/3" cat enough.out
scancel --batch --signal=USR1 "$job"
ended enough FAILED 75

# A process manager that Open MPI does not know. Debian's Open MPI refuses by itself; one without support for Slurm
# (here: without Slurm's variables) starts 4 times "rank 0 of 1", which would write to one folder without a word.
refused() {
    local name=$1 code=$2 hint=$3
    shift 3
    srun --nodes=4 "$@" train "${settings[@]}" --run-dir "$name" >"$name.out" 2>&1
    local ended=$?
    { [ $ended -eq "$code" ] && grep -q -e "$hint" "$name.out" && [ ! -e "$name" ]; } ||
        { fail "$name: exit code $ended, expected $code and \"$hint\" and no run" && cat "$name.out"; }
}
refused none 1 "PMIx support" --mpi=none "$program"
refused pmi2 1 "PMIx support" --mpi=pmi2 "$program"
# shellcheck disable=SC2016 # expanded in the step
refused singletons 5 "use srun --mpi=pmix" --mpi=none sh -c 'exec env -i PATH="$PATH" OMPI_ALLOW_RUN_AS_ROOT=1 \
    SLURM_PROCID="$SLURM_PROCID" SLURM_STEP_NUM_TASKS="$SLURM_STEP_NUM_TASKS" "$@"' sh "$program"

[ $failed -eq 0 ] || tail -n 20 "$folder"/cluster/log/*
exit $failed
