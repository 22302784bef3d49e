#!/usr/bin/env bash
# broken.sh PROGRAM LIBRARY: an MPI call that fails on one rank in the midst of a parallel save ends the job at once, though the others wait in HDF5 or
# elsewhere and no stall watch would ever end them. LIBRARY is tests/cli/mpi_fault.c.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"
# rank:call: creating, opening, writing and checking the file, on a rank that makes one call for each agreement, and on rank 0, which makes two
for where in 2:16 2:19 2:20 2:22 0:38 0:40; do
    timeout 60 mpirun -np 3 -x LD_PRELOAD="$2" -x HQ_FAULT_RANK="${where%:*}" -x HQ_FAULT_CALL="${where#*:}" "$PROGRAM" bench checkpoint --bytes 17M \
        --set dist.stall_abort=0 >out.txt 2>err.txt
    same "exit code, $where" $? 5
    check "message, $where" grep -q "hqcnn-dist: error: MPI_\(I\?[Aa]llreduce\|Isend\) failed" err.txt
done
finish
