/* mpi_private.h: the one door through which MPI's names enter other code: dist itself, and checkpoint for parallel
 * HDF5. */
#ifndef HQCNN_DIST_MPI_PRIVATE_H
#define HQCNN_DIST_MPI_PRIVATE_H

#include "hqcnn/dist.h"

#include <mpi.h>

struct hq_dist {
    MPI_Comm all;  /* every rank */
    MPI_Comm node; /* ranks that share memory with this one */
    int rank, size, node_rank, node_size, nodes;
};

/* Remembers what a launcher said that MPI_Init overwrites; before it. */
void hq_launch_note(void);

/* Communicator of all ranks. */
MPI_Comm hq_dist_comm(const hq_dist *dist);

/* Logs a failed MPI call, with MPI's own text; returns HQ_ERR_COMM, or HQ_OK for MPI_SUCCESS. From then on
 * hq_dist_broken() is true: this rank must make no further collective call, for the others may be waiting in another
 * one. */
hq_status hq_dist_check(int mpi_code, const char *call);
bool hq_dist_broken(void);

#endif
