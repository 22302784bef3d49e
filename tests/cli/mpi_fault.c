/* mpi_fault.c: loaded before the program, it lets one MPI_Allreduce of one rank fail: number HQ_FAULT_CALL (from 1) on
 * rank HQ_FAULT_RANK. */
#include <mpi.h>
#include <stdlib.h>

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    static int calls;
    int rank;
    PMPI_Comm_rank(comm, &rank);
    const char *where = getenv("HQ_FAULT_RANK"), *when = getenv("HQ_FAULT_CALL");
    if (where && when && atoi(where) == rank && ++calls == atoi(when)) return MPI_ERR_OTHER;
    return PMPI_Allreduce(send, receive, count, type, op, comm);
}
