#!/usr/bin/env bash
# start.sh PROGRAM: what is checked before a command runs: launchers that MPI does not know, programs and processors that differ between ranks,
# and where the ranks are bound.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ONE=("${SMALL[@]}" --set train.epochs=1)

# ---- a launcher started several processes, and each is rank 0 of 1
alone() { # alone CODE "words" VARIABLE=VALUE...: no words: not a word
    local code=$1 words=$2
    shift 2
    env "$@" "$PROGRAM" check >out.txt 2>err.txt
    same "exit code with $*" $? "$code"
    if [ -n "$words" ]; then
        same "one message with $*" "$(grep -c '^hqcnn-dist: ' err.txt)" 1
        check "message with $*: $(cat err.txt)" grep -qF -- "$words" err.txt
    else
        same "no message with $*" "$(grep -c '^hqcnn-dist: ' err.txt)" 0
    fi
}
alone 5 "srun started 4 tasks, but this one is rank 0 of 1" SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0
alone 5 "use srun --mpi=pmix" SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0
alone 5 "" SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=3
alone 5 "mpiexec of MPICH or Intel MPI started 2 tasks" PMI_SIZE=2 PMI_RANK=0
alone 5 "mpirun of MVAPICH started 8 tasks" MV2_COMM_WORLD_SIZE=8 MV2_COMM_WORLD_RANK=0
alone 5 "flux run started 2 tasks" FLUX_JOB_SIZE=2 FLUX_TASK_RANK=0
alone 5 "this is rank 1 (PMIX_RANK)" PMIX_RANK=1
alone 5 "" PMIX_RANK=2
alone 0 "" SLURM_STEP_NUM_TASKS=1 SLURM_PROCID=0
alone 0 "" PMI_SIZE=1 PMI_RANK=0
alone 0 "" SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0 HQCNN_ANY_LAUNCHER=1
alone 0 "" PMIX_RANK=2 HQCNN_ANY_LAUNCHER=1
alone 5 "HQCNN_ANY_LAUNCHER=1" PMI_SIZE=2 PMI_RANK=0
alone 0 "" SLURM_NTASKS=4 # a job script that looks at a configuration

# a training that leaves the job's other tasks unused is allowed, with a word
SLURM_NTASKS=4 "$PROGRAM" train "${ONE[@]}" --run-dir unused >out.txt 2>err.txt
same "a training in a job script" $? 0
check "its warning" grep -q "the Slurm job has 4 tasks, but .* runs alone" err.txt
# mpirun in an allocation starts its daemons as a step of one task for each node
check "mpirun in an allocation" env SLURM_STEP_NUM_TASKS=1 SLURM_NTASKS=2 mpirun -np 2 "$PROGRAM" check >out.txt 2>&1
check "no word about it" test "$(grep -c 'tasks' out.txt)" = 0

# a job of several parts has more ranks than the launcher says of each; silent ones leave room for the word of the first
larger() { env -u OMPI_COMM_WORLD_SIZE SLURM_STEP_NUM_TASKS="$1" SLURM_PROCID=0 "$PROGRAM" check; }
export -f larger
export PROGRAM
mpirun -np 3 bash -c 'larger 2' >out.txt 2>err.txt
same "exit code of a part of a larger job: $(cat err.txt)" $? 0
mpirun -np 3 bash -c 'larger 4' >out.txt 2>err.txt
same "exit code of a part of a smaller job" $? 5
check "its message: $(cat err.txt)" grep -q "srun started 4 tasks, but this one is rank 0 of 3" err.txt
start=$(date +%s%N)
alone 5 "" SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=3
check "a silent process waits before it leaves" test $(($(date +%s%N) - start)) -ge 1900000000

# ---- another program on some node
cp "$PROGRAM" other && echo >>other
mpirun -np 2 "$PROGRAM" check : -np 1 ./other check >out.txt 2>err.txt
same "exit code of different programs" $? 5
check "message of different programs: $(cat err.txt)" grep -q "1 of 3 ranks, the first of them rank 2 on .*, differ from rank 0: another program" err.txt

# ---- poorer processors on some nodes: all ranks use what all have
best=$("$PROGRAM" check | sed -n 's/^kernels .*layers \([a-z0-9]*\);.*/\1/p')
for limit in plain avx2; do
    if [ "$best" = "$limit" ] || [ "$best" = plain ]; then
        echo "not tried: a rank with $limit at most (this processor has $best)"
        continue
    fi
    HQCNN_MACHINE_LIMIT=$limit "$PROGRAM" train "${ONE[@]}" --run-dir "all-$limit" >/dev/null 2>&1
    for poor in 0 1; do
        limits=("$best" "$best")
        limits[poor]=$limit
        mpirun -np 1 env HQCNN_MACHINE_LIMIT="${limits[0]}" "$PROGRAM" train "${ONE[@]}" --run-dir "$limit-$poor" : \
            -np 1 env HQCNN_MACHINE_LIMIT="${limits[1]}" "$PROGRAM" train "${ONE[@]}" --run-dir "$limit-$poor" >out.txt 2>err.txt
        same "exit code, rank $poor has $limit" $? 0
        check "warning, rank $poor has $limit: $(cat err.txt)" grep -q "1 of 2 ranks, the first of them rank $poor on .* all ranks use kernels for \"$limit\"" err.txt
        check "kernels, rank $poor has $limit" grep -q "layers $limit; circuits .*, $limit\$" out.txt
        same "bits, rank $poor has $limit" "$(hash_of "$limit-$poor/last.h5")" "$(hash_of "all-$limit/last.h5")"
    done
    check "the bits are those of the poorer kernels" test "$(hash_of "all-$limit/last.h5")" != "$(hash_of unused/last.h5)"
done

# ---- cores
cores=$(env -u OMP_NUM_THREADS nproc)
np $((cores + 1)) train "${ONE[@]}" --run-dir many --print-binding >out.txt 2>err.txt
check "more ranks than cores: $(cat err.txt)" grep -q "warning: $((cores + 1)) ranks of a thread each share $cores core" err.txt
same "ranks bound alike are one line" "$(grep -c '^ *ranks 0 to .*: cores ' out.txt)" 1
core=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
mpirun -np 1 taskset -c "$core" "$PROGRAM" train "${ONE[@]}" --run-dir same : -np 1 taskset -c "$core" "$PROGRAM" train "${ONE[@]}" --run-dir same >out.txt 2>err.txt
check "two ranks on one core: $(cat err.txt)" grep -q "2 ranks of a thread each share 1 core on" err.txt
if [ "$cores" -ge 3 ]; then
    all=$(taskset -cp $$ | sed 's/.*: //')
    mpirun -np 1 taskset -c "$core" "$PROGRAM" train "${ONE[@]}" --run-dir some : -np 1 taskset -c "$core" "$PROGRAM" train "${ONE[@]}" --run-dir some : \
        -np 1 taskset -c "$all" "$PROGRAM" train "${ONE[@]}" --run-dir some >out.txt 2>err.txt
    check "two ranks of three on one core" grep -q "2 of 3 ranks on .* are bound to a core" err.txt
fi
np 1 train "${ONE[@]}" --run-dir one >out.txt 2>err.txt
same "no warning on one rank: $(cat err.txt)" "$(grep -c warning err.txt)" 0
# ---- a node without room for shared memory: sums go another way; when that way is wanted, all ranks end
if [ "$(id -u)" -eq 0 ] && unshare --mount --propagation private mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    for sum in auto node; do
        # shellcheck disable=SC2016 # expanded by the inner shell
        timeout 60 unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=1m tmpfs /dev/shm
            exec mpirun --mca btl_vader_backing_directory /tmp -np 3 "$@"' sh "$PROGRAM" train "${SMALL[@]}" --set dist.sum=$sum --run-dir "room-$sum" >"room-$sum.out" 2>&1
        echo $? >"room-$sum.code"
    done
    same "two levels are given up" "$(cat room-auto.code)" 0
    check "with a warning" grep -q "warning: sums in two levels need [0-9]* MB of a node's shared memory" room-auto.out
    same "two levels that are wanted" "$(cat room-node.code)" 1
    check "it says what for" grep -q 'error: sums: no shared memory of [0-9.]* MB on this node; enlarge /dev/shm' room-node.out
else
    echo "not tried: a node without shared memory (it needs root and namespaces)"
fi
finish
