/* mpi_private.h: the one door through which MPI's names enter other code: dist itself, and checkpoint for parallel
 * HDF5. */
#ifndef HQCNN_DIST_MPI_PRIVATE_H
#define HQCNN_DIST_MPI_PRIVATE_H

#include "hqcnn/dist.h"

#include <mpi.h>

typedef struct hq_watch hq_watch; /* watch.h */

struct hq_dist {
    MPI_Comm all;     /* every rank */
    MPI_Comm node;    /* ranks that share memory with this one */
    MPI_Comm leaders; /* the first ranks of the nodes, on these; MPI_COMM_NULL on others and on a single node */
    int rank, size, node_rank, node_size, nodes, node_index;
    hq_watch *watch; /* owned; NULL on a single rank, in a part, and before it starts */
    hq_watch *above; /* of a part: the watch of the whole */
};

/* Remembers what a launcher said that MPI_Init overwrites; before it. */
void hq_launch_note(void);

/* start.c: who is where on the nodes of dist->all and dist->node (collective); the end of its communicators. */
hq_status hq_dist_number_nodes(hq_dist *dist);
void hq_dist_free_communicators(hq_dist *dist);

/* Errors of a communicator are returned from now on; this process's rank in it, and its size. */
hq_status hq_dist_adopt(MPI_Comm comm, int *rank, int *size);
/* Frees it unless it is MPI_COMM_NULL, or MPI is broken. Collective. */
void hq_dist_release(MPI_Comm *comm);

/* Communicator of all ranks. */
MPI_Comm hq_dist_comm(const hq_dist *dist);

/* Logs a failed MPI call, with MPI's own text; returns HQ_ERR_COMM, or HQ_OK for MPI_SUCCESS. From then on
 * hq_dist_broken() is true: this rank must make no further collective call, for the others may be waiting in another
 * one. */
hq_status hq_dist_check(int mpi_code, const char *call);
bool hq_dist_broken(void);
void hq_dist_break(void); /* for what is wrong with MPI but no failed call */

/* Waits for n requests, in the phase. All waiting for other ranks goes through here: it gives the core away while
 * nothing comes, and takes part when the ranks look for one that is late (watch.h). call: for the message when MPI
 * fails. */
hq_status hq_dist_wait(const hq_dist *dist, MPI_Request *request, int n, hq_phase phase, const char *call);

/* The same for one call that starts a request: hq_dist_wait_for(dist, MPI_Ibarrier(comm, &request), &request, ...). */
hq_status hq_dist_wait_for(const hq_dist *dist, int code, MPI_Request *request, hq_phase phase, const char *call);

/* An MPI_Allreduce in place, of a few numbers (HQ_SMALL_BYTES at most) with an operation that commutes. */
#define HQ_SMALL_BYTES 4096
hq_status hq_dist_reduce(const hq_dist *dist, MPI_Comm comm, void *data, int n, MPI_Datatype type, MPI_Op op,
                         hq_phase phase);

/* all[size] = the number of each rank. */
hq_status hq_dist_gather_all(const hq_dist *dist, int64_t mine, int64_t *all, hq_phase phase);

/* hq_dist_bcast of another rank than 0. */
hq_status hq_dist_bcast_from(const hq_dist *dist, int root, void *data, size_t bytes);

/* A message; MPI's ints bound `bytes`. */
hq_status hq_dist_send(const hq_dist *dist, MPI_Comm comm, const void *data, size_t bytes, int to, int tag);
hq_status hq_dist_receive(const hq_dist *dist, MPI_Comm comm, void *data, size_t bytes, int from, int tag);

/* Ends this process alone, with nothing cleaned up: for when the job cannot be ended. */
_Noreturn void hq_dist_leave(int exit_code);

#endif
