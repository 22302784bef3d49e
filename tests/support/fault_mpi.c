/* fault_mpi.c: the MPI functions that the program calls; not MPI_Init_thread, which does not return when it fails. See
 * fault.h. */
#include "support/fault.h"

#include <mpi.h>
#include <stdlib.h>

#define MPI_CALL(name, types, ...)                                                                                     \
    int MPI_##name types                                                                                               \
    {                                                                                                                  \
        if (FAULT_OURS() && fault_due(FAULT_MPI, "MPI_" #name)) return MPI_ERR_OTHER;                                  \
        return PMPI_##name(__VA_ARGS__);                                                                               \
    }

/* These are called until something has come. */
#define MPI_LOOK(name, types, found, ...)                                                                              \
    int MPI_##name types                                                                                               \
    {                                                                                                                  \
        const int code = PMPI_##name(__VA_ARGS__);                                                                     \
        if (code == MPI_SUCCESS && *found && FAULT_OURS() && fault_due(FAULT_MPI, "MPI_" #name)) return MPI_ERR_OTHER; \
        return code;                                                                                                   \
    }

#define BUFFERS const void *send, void *receive
#define MESSAGE int count, MPI_Datatype type
#define ADDED int count, MPI_Datatype type, MPI_Op op

MPI_CALL(Comm_dup, (MPI_Comm comm, MPI_Comm *out), comm, out)
MPI_CALL(Comm_free, (MPI_Comm * comm), comm)
MPI_CALL(Comm_rank, (MPI_Comm comm, int *rank), comm, rank)
MPI_CALL(Comm_size, (MPI_Comm comm, int *size), comm, size)
MPI_CALL(Comm_set_errhandler, (MPI_Comm comm, MPI_Errhandler handler), comm, handler)
MPI_CALL(Comm_split, (MPI_Comm comm, int color, int key, MPI_Comm *out), comm, color, key, out)
MPI_CALL(Comm_split_type, (MPI_Comm comm, int kind, int key, MPI_Info info, MPI_Comm *out), comm, kind, key, info, out)
MPI_CALL(Allreduce, (BUFFERS, ADDED, MPI_Comm comm), send, receive, count, type, op, comm)
MPI_CALL(Iallreduce, (BUFFERS, ADDED, MPI_Comm comm, MPI_Request *request), send, receive, count, type, op, comm,
         request)
MPI_CALL(Reduce_local, (BUFFERS, ADDED), send, receive, count, type, op)
MPI_CALL(Ibarrier, (MPI_Comm comm, MPI_Request *request), comm, request)
MPI_CALL(Ibcast, (void *data, MESSAGE, int root, MPI_Comm comm, MPI_Request *request), data, count, type, root, comm,
         request)
MPI_CALL(Igather,
         (const void *send, MESSAGE, void *receive, int n, MPI_Datatype kind, int root, MPI_Comm comm,
          MPI_Request *request),
         send, count, type, receive, n, kind, root, comm, request)
MPI_CALL(Isend, (const void *data, MESSAGE, int to, int tag, MPI_Comm comm, MPI_Request *request), data, count, type,
         to, tag, comm, request)
MPI_CALL(Irecv, (void *data, MESSAGE, int from, int tag, MPI_Comm comm, MPI_Request *request), data, count, type, from,
         tag, comm, request)
MPI_CALL(Recv, (void *data, MESSAGE, int from, int tag, MPI_Comm comm, MPI_Status *status), data, count, type, from,
         tag, comm, status)
MPI_CALL(Get_count, (const MPI_Status *status, MPI_Datatype type, int *count), status, type, count)
MPI_CALL(Request_free, (MPI_Request * request), request)
MPI_CALL(Type_contiguous, (MESSAGE, MPI_Datatype *out), count, type, out)
MPI_CALL(Type_commit, (MPI_Datatype * type), type)
MPI_CALL(Type_free, (MPI_Datatype * type), type)
MPI_CALL(Type_size, (MPI_Datatype type, int *bytes), type, bytes)
MPI_CALL(Win_allocate_shared, (MPI_Aint bytes, int unit, MPI_Info info, MPI_Comm comm, void *block, MPI_Win *window),
         bytes, unit, info, comm, block, window)
MPI_CALL(Win_shared_query, (MPI_Win window, int rank, MPI_Aint *bytes, int *unit, void *block), window, rank, bytes,
         unit, block)
MPI_CALL(Win_lock_all, (int assert, MPI_Win window), assert, window)
MPI_CALL(Win_unlock_all, (MPI_Win window), window)
MPI_CALL(Win_sync, (MPI_Win window), window)
MPI_CALL(Win_free, (MPI_Win * window), window)
MPI_LOOK(Test, (MPI_Request * request, int *done, MPI_Status *status), done, request, done, status)
MPI_LOOK(Testall, (int n, MPI_Request request[], int *done, MPI_Status status[]), done, n, request, done, status)
MPI_LOOK(Iprobe, (int from, int tag, MPI_Comm comm, int *there, MPI_Status *status), there, from, tag, comm, there,
         status)
