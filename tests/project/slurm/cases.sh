#!/usr/bin/env bash
# cases.sh FOLDER ROOT PROGRAM: started by run.sh in namespaces of its own.
set -u
folder=$1 root=$2 program=$3
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=tests/project/slurm/cluster.sh
. "$here/cluster.sh"
# shellcheck source=tests/project/slurm/checks.sh
. "$here/checks.sh"
cd "$folder" || exit 1
failed=0
fail() { echo "FAILED: $*" && failed=1; }
hash_of() { "$program" inspect --hash "$1/last.h5"; }
part() { echo "-- $SECONDS s: $*"; }

# What a cluster's own network and cores would make superfluous.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_odls_base_sigkill_timeout=2 # the last save of such a run takes less
export HQCNN=$program

if [ -n "${HQCNN_DATA_DIR:-}" ]; then
    settings=(--set data.source="$HQCNN_DATA_DIR/breastmnist.npz")
else
    settings=(--set phantom.train=512 --set phantom.val=64 --set phantom.test=64)
fi
settings+=(--set log.steps=1 --set checkpoint.steps=5)
epochs=(--set train.epochs=10)

# alone NAME WORDS...: a training on 1 rank without Slurm, which the others are compared with.
alone() {
    local name=$1
    shift
    mpirun -np 1 "$program" train "${settings[@]}" "$@" --run-dir "$name" >"$name.out" 2>&1 ||
        { cat "$name.out" && exit 1; }
    echo "$name: $(hash_of "$name")"
}

# train NAME NODES [VARIABLE=VALUE...] [WORDS OF sbatch...]: starts jobs/train.sbatch, one rank for each node.
train() {
    local name=$1 nodes=$2 before=()
    shift 2
    while [[ ${1:-} == [A-Z]*=* ]]; do before+=("$1") && shift; done
    submit "$name" "${before[@]}" sbatch --nodes="$nodes" --ntasks-per-node=1 "$@" "$root/jobs/train.sbatch" \
        "${settings[@]}" "${epochs[@]}"
}

# each_in_mid_run NAME COMMAND...: trains with both launchers, on 2 nodes, and gives COMMAND the number of each job in
# its second epoch, on time whatever the other does.
each_in_mid_run() {
    local launcher name waits=()
    for launcher in mpirun srun; do
        name=$launcher-$1
        train "$name" 2 LAUNCHER=$launcher
        { in_epoch "$name" 1 && "${@:2}" "${job[$name]}"; } &
        waits+=($!)
    done
    wait "${waits[@]}"
}

# sweep_of "TRIALS KILLS": three seeds each. Jobs with 8 ranks in groups train the first half, and are killed; then an
# array the rest, whose tasks are killed and asked to stop. The table is that of one rank that was never stopped, and every training was tested once.
sweep_of() {
    local trials=${1% *} kills=${1#* } left killed=0 all task step
    all=$((3 * trials))
    local plan=(sweep.cfg --set sweep.method=sobol --set sweep.trials="$trials" --set sweep.seeds=3
        --set "sweep.space=train.learning_rate = 1e-4 .. 1e-1 log; train.optimizer = sgd | adam; model.attention = none | qft")
    mpirun -np 1 "$program" sweep "${plan[@]}" --run-dir swept-alone >swept-alone.out 2>&1 || { cat swept-alone.out && exit 1; }
    results() { find swept/results -name '*.json' 2>/dev/null | wc -l; }
    until_results() { # until_results NUMBER NAME: or the job has ended
        for _ in $(seq 3000); do
            [ "$(results)" -ge "$1" ] && return
            squeue --noheader --jobs="${job[$2]}" 2>/dev/null | grep -q . || return
            sleep 0.05
        done
    }
    while [ "$(results)" -lt $((all / 2)) ]; do
        submit swept CONFIG=sweep.cfg RANKS_PER_TRIAL=2 sbatch --nodes=4 --ntasks-per-node=2 --oversubscribe "$root/jobs/sweep.sbatch" "${plan[@]:1}"
        until_results $(($(results) + all / 2 / ((kills + 1) / 2) + 1)) swept
        scancel --signal=KILL --full "${job[swept]}" 2>/dev/null && killed=$((killed + 1))
        wait_for swept "^JobState=\(COMPLETED\|FAILED\|CANCELLED\)" show swept
        cp swept.out "swept-$killed.out"
    done
    echo "swept: $(results) of $all results after $killed kills of the jobs with groups"
    while [ "$(results)" -lt "$all" ]; do
        left=$(results)
        submit swept CONFIG=sweep.cfg sbatch --array=1-"$trials"%4 --nodes=1 --ntasks-per-node=1 --output=swept-array.out "$root/jobs/sweep_array.sbatch" "${plan[@]:1}"
        step=$(((all - left) / (kills - killed + 2) + 1))
        while [ $killed -lt "$kills" ] && [ $((left += step)) -lt "$all" ]; do
            until_results $left swept
            for _ in $(seq 50); do
                task=$(squeue --noheader --states=RUNNING --jobs="${job[swept]}" --format=%K 2>/dev/null | shuf -n 1)
                [ -z "$task" ] && sleep 0.1 || break
            done
            scancel --batch --signal=USR1 "${job[swept]}_$task" 2>/dev/null
            sleep 0.$((RANDOM % 9 + 1))
            scancel --signal=KILL --full "${job[swept]}" 2>/dev/null # which is an error when a task has just ended
            [ -z "$task" ] || killed=$((killed + 1))
        done
        for _ in $(seq 3000); do squeue --noheader --jobs="${job[swept]}" 2>/dev/null | grep -q . || break; sleep 0.2; done
    done
    echo "swept: $(results) of $all results after $killed kills"
    "$program" sweep table swept >swept.csv
    diff swept.csv <("$program" sweep table swept-alone) || fail "swept: another table than 1 rank"
    [ "$(cat swept/trials/*/*/metrics.jsonl | grep -c '"event":"test"')" -eq "$all" ] || fail "swept: trainings not tested once"
    [ $killed -ge "$kills" ] || fail "swept: only $killed kills"
    [ "$(find swept/claims -type f | wc -l)" -eq 0 ] || echo "swept: claims of killed jobs are left: $(find swept/claims -type f | wc -l)"
}

start_cluster "$folder/cluster" 4 || exit 1

part "never stopped: 1 rank alone, then both launchers on all nodes"
alone one "${epochs[@]}"
whole_rows one 10
for launcher in mpirun srun; do
    train $launcher 4 LAUNCHER=$launcher
    ended $launcher COMPLETED 0
    whole $launcher undisturbed
    grep -q "ranks  *4 on 4 nodes" $launcher.out || { fail "$launcher: not 4 ranks on 4 nodes" && cat $launcher.out; }
done

part "asked to stop, as before a time limit: saved, requeued, resumed"
each_in_mid_run asked scancel --batch --signal=USR1

part "not requeued when the restarts are used up"
train enough 2 RESTARTS=0
in_epoch enough 1
scancel --batch --signal=USR1 "${job[enough]}"
ended enough FAILED 75
for launcher in mpirun srun; do
    ended $launcher-asked COMPLETED 0
    whole $launcher-asked saved
done

part "preempted by scontrol requeue: the ranks get SIGTERM, and save"
each_in_mid_run preempted scontrol requeue

part "a sweep: jobs of groups of ranks and an array on one folder; killed, asked to stop"
cat >sweep.cfg <<'EOF'
phantom = { train = 64; val = 32; test = 32; size = 16; };
model = { channels = [4, 4]; padding = [1, 1]; pool = [1, 1]; features = 2; qubits = 2; head = 8; };
train = { epochs = 40; batch = 16; microbatch = 8; };
EOF
sweep_of "$([ -n "${HQCNN_SLURM_LONG:-}" ] && echo 64 5 || echo 10 2)"
for launcher in mpirun srun; do
    ended $launcher-preempted COMPLETED 0
    grep -q "^interrupted; the state is saved" $launcher-preempted.out || fail "$launcher-preempted: not saved"
    whole $launcher-preempted saved
done

# A srun that has lost a node waits for half a minute, and then ends the step it has started, or the one that has its
# number by then. So Slurm lets a requeued job wait for 2 minutes (here 6 s, by cred_expire), and a cluster has cgroups
# that end what is left of a start.
end_orphans() {
    local left
    left=$(pgrep --exact srun) && xargs kill -KILL <<<"$left"
}

# lost LAUNCHER HOW WHICH: a job on three nodes; in mid-run its first or last node (WHICH: head, tail) is lost: set
# down, after it was killed with its daemon and its ranks (HOW: kill) or not (HOW: down). Of the last one mpirun and the
# script know before Slurm does; on the first one they run themselves.
lost() {
    local node name=$1-$2-$3
    train "$name" 3 LAUNCHER="$1"
    in_epoch "$name" 1
    node=$(nodes_of "$name" | "$3" -n 1)
    [ "$2" = down ] || kill_node "$node"
    [ "$name" != mpirun-kill-tail ] || wait_for "$name" "a node or a connection was lost" cat "$name.out"
    down_node "$node"
    wait_for "$name" "^JobState=PENDING" show "$name"
    end_orphans
    ended "$name" COMPLETED 0
    whole "$name" lost
    [ "$2" = kill ] && nodes_of "$name" | grep -q "^$node$" && fail "$name: again on $node"
    restore_node "$node"
    all_idle 4 || fail "$node has not come back"
}
part "a node is lost in mid-run, with its daemon and its ranks"
lost mpirun kill tail
lost srun kill tail

part "a table of two configurations and two seeds, interrupted; scaling"
for rate in 0.001 0.002; do
    "$program" check "${settings[@]}" --set train.epochs=2 --set train.learning_rate=$rate --dump >rate-$rate.cfg
done
submit table CONFIGS="rate-0.001.cfg rate-0.002.cfg" SEEDS=2 sbatch --nodes=2 --ntasks-per-node=1 \
    "$root/jobs/paper_table.sbatch"
wait_for table "rate-0.002.cfg, seed 1" cat table.out
scancel --batch --signal=USR1 "${job[table]}"
submit scaling sbatch --nodes=2 --ntasks-per-node=1 "$root/jobs/scaling.sbatch" \
    --set phantom.train=64 --set train.batch=32
ended scaling COMPLETED 0
grep -q "16384" scaling.out || { fail "scaling: no prediction" && cat scaling.out; }
ended table COMPLETED 0
alone rate-0.002-2 --set train.epochs=2 --set train.learning_rate=0.002 --set train.seed=2
[ "$(starts_of table)" -gt 1 ] || fail "table: not requeued"
[ "$(hash_of table/rate-0.002/2)" = "$(hash_of rate-0.002-2)" ] || fail "table: other bits than 1 rank"
[ "$(grep -c "^mean +- sd .* +- " table.out)" -eq 2 ] || { fail "table: no table" && cat table.out; }

# refused NAME CODE TEXT COMMAND...: it ends with that code and text.
refused() {
    local name=$1 code=$2 text=$3
    shift 3
    "$@" >"$name.out" 2>&1
    local ended=$?
    { [ $ended -eq "$code" ] && grep -q -e "$text" "$name.out" && [ ! -e "$name" ]; } ||
        { fail "$name: exit code $ended, expected $code and \"$text\" and no run" && cat "$name.out"; }
}

part "what the scripts refuse"
refuses() { # refuses TEXT SCRIPT VARIABLE=VALUE...
    local text=$1 script=$2
    shift 2
    refused refused 2 "$text" env SLURM_JOB_ID=1 SLURM_JOB_NODELIST=n1 HQCNN_JOBS="$root/jobs" RUN_DIR=refused "$@" \
        bash "$root/jobs/$script.sbatch"
}
refuses "start it with sbatch" train SLURM_JOB_ID=
refuses "no /nowhere/job.sh; give its folder in HQCNN_JOBS" train HQCNN_JOBS=/nowhere
refuses "no program /nowhere; give its path in HQCNN" train HQCNN=/nowhere
refuses "LAUNCHER=mpiexec: allowed are mpirun and srun" scaling LAUNCHER=mpiexec
refuses "RESTARTS=-1: allowed are whole numbers from 0" paper_table RESTARTS=-1
refuses "SEEDS=0: allowed are whole numbers from 1" paper_table SEEDS=0
refuses "CONFIGS: no file no.cfg" paper_table CONFIGS=no.cfg
refuses "CONFIGS: more than one is named rate-0.001" paper_table CONFIGS="rate-0.001.cfg rate-0.001.cfg"
refuses "start it as an array" sweep_array
refuses "WORKERS=yes: allowed are 0 and 1" sweep_array SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=3 WORKERS=yes

# mpirun that is asked to stop while it still starts the ranks of other nodes ends with 244: nothing is lost.
part "asked to stop while the ranks are started"
mkdir early
# shellcheck disable=SC2016 # expanded by that script
printf '#!/bin/sh\ntrap "exit 244" USR1\n: >started\nwhile :; do sleep 0.1; done\n' >early/mpirun
chmod +x early/mpirun
env SLURM_JOB_ID=1 SLURM_JOB_NODELIST=n1 HQCNN_JOBS="$root/jobs" RUN_DIR=early/run PATH="$PWD/early:$PATH" \
    bash "$root/jobs/train.sbatch" >early.out 2>&1 &
early=$!
until [ -e started ] || ! kill -0 $early; do sleep 0.1; done
kill -USR1 $early
wait $early
[ $? -eq 75 ] && grep -q "interrupted" early.out || { fail "early: not taken as interrupted" && cat early.out; }

# A process manager that Open MPI does not know. Debian's Open MPI refuses by itself; one without support for Slurm
# (here: without Slurm's variables) starts 4 times "rank 0 of 1", which would write to one folder without a word.
part "wrong process managers"
srun_train=(train "${settings[@]}" --run-dir)
refused none 1 "PMIx support" srun --nodes=4 --mpi=none "$program" "${srun_train[@]}" none
refused pmi2 1 "PMIx support" srun --nodes=4 --mpi=pmi2 "$program" "${srun_train[@]}" pmi2
# shellcheck disable=SC2016 # expanded in the step
refused singletons 5 "use srun --mpi=pmix" srun --nodes=4 --mpi=none sh -c 'exec env -i PATH="$PATH" \
    OMPI_ALLOW_RUN_AS_ROOT=1 SLURM_PROCID="$SLURM_PROCID" SLURM_STEP_NUM_TASKS="$SLURM_STEP_NUM_TASKS" "$@"' \
    sh "$program" "${srun_train[@]}" singletons

if [ -n "${HQCNN_SLURM_LONG:-}" ]; then
    part "a node is set down; the first node of a job, on which its script runs, is lost"
    for launcher in mpirun srun; do
        lost $launcher down tail
        lost $launcher kill head
    done

    # A training that takes 1 rank alone about three minutes, in jobs of two minutes.
    part "a time limit of two minutes, until the end"
    took=$(sed -n 's/.* \([0-9.]*\) s in all$/\1/p' one.out)
    epochs=(--set train.epochs="$(awk -v took="$took" 'BEGIN { print 10 * int(1 + 180 / took) }')")
    alone long "${epochs[@]}"
    for launcher in mpirun srun; do
        train $launcher-limit 2 LAUNCHER=$launcher RESTARTS=100 --time=2 --signal=B:USR1@30
    done
    for launcher in mpirun srun; do
        ended $launcher-limit COMPLETED 0
        whole $launcher-limit saved long
        [ "$(starts_of $launcher-limit)" -gt 2 ] || fail "$launcher-limit: not requeued more than once"
    done
fi

part "end"
[ $failed -eq 0 ] || tail -n 20 "$folder"/cluster/log/*
exit $failed
