#!/usr/bin/env bash
# broken.sh PROGRAM LIBRARY: an MPI call that fails on one rank in the midst of a parallel save ends the job at once, though the others wait in HDF5 or
# elsewhere and no stall watch would ever end them. LIBRARY is tests/support/fault.c.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"
MODULE=$2
# The MPI calls of the program in a save by all nodes and what comes before, by the ranks: some of them, spread over all.
PLACES=7
bench() { timeout 60 mpirun -np 3 -x LD_PRELOAD="$MODULE" "$@" "$PROGRAM" bench checkpoint --bytes 17M --set dist.stall_abort=0 >out.txt 2>err.txt; }
bench -x HQCNN_FAULT=count -x HQCNN_FAULT_LOG="$PWD/calls.txt"
same "without a fault" $? 0
for rank in 0 1 2; do
    calls=$(grep -c "^fault: point mpi [0-9]* rank $rank " calls.txt)
    check "calls of rank $rank" [ "$calls" -gt $PLACES ]
    for ((i = 1 + rank % 2; i < PLACES; i += 2)); do
        call=$((calls * i / PLACES))
        bench -x HQCNN_FAULT="mpi:$call@$rank"
        same "exit code, rank $rank, call $call" $? 5
        check "message, rank $rank, call $call" grep -q "hqcnn-dist: error: MPI_[A-Za-z_]* failed" err.txt
    done
done
finish
