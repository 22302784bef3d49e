/* mpi_fault.c: loaded before the program, it lets one of the program's own MPI calls fail on one rank: number
 * HQ_FAULT_CALL (from 1) on rank HQ_FAULT_RANK, of those that sum 64-bit integers (gradients) or send an int
 * (agreement, barriers). Calls of HDF5, which could leave the others waiting in its own, are of other types. */
#include <mpi.h>
#include <stdlib.h>

static int fails(MPI_Comm comm)
{
    static int calls;
    int rank;
    PMPI_Comm_rank(comm, &rank);
    const char *where = getenv("HQ_FAULT_RANK"), *when = getenv("HQ_FAULT_CALL");
    return where && when && atoi(where) == rank && ++calls == atoi(when);
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    if (type == MPI_INT64_T && fails(comm)) return MPI_ERR_OTHER;
    return PMPI_Allreduce(send, receive, count, type, op, comm);
}

int MPI_Iallreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request *request)
{
    if (type == MPI_INT64_T && fails(comm)) return MPI_ERR_OTHER;
    return PMPI_Iallreduce(send, receive, count, type, op, comm, request);
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request)
{
    if (type == MPI_INT && fails(comm)) return MPI_ERR_OTHER;
    return PMPI_Isend(data, count, type, to, tag, comm, request);
}
