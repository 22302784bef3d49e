#!/usr/bin/env bash
# mpi_error.sh PROGRAM LIBRARY: an MPI call that fails on one rank, at the start or in mid-training, ends the job with exit code 5 and a message; nobody
# waits for ever: where the others are left waiting in HDF5, the stall watch ends them. LIBRARY is mpi_fault.c.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
for rank in 0 2; do
    for call in 1 5 20 40; do
        timeout 60 mpirun -np 3 -x LD_PRELOAD="$2" -x HQ_FAULT_RANK=$rank -x HQ_FAULT_CALL=$call "$PROGRAM" train "${SMALL[@]}" \
            --set train.epochs=20 --set dist.stall_timeout=3 --set dist.stall_abort=6 --run-dir "r$rank-$call" >out.txt 2>err.txt
        same "exit code, rank $rank, call $call" $? 5
        check "message, rank $rank, call $call" grep -q "hqcnn-dist: error: MPI_\(I\?[Aa]llreduce\|Isend\) failed" err.txt
    done
done
finish
