/* link.c: how fast messages between nodes are. */
#include "dist/mpi_private.h"

#include <math.h>

enum { TAG_LINK = 11, SHORT = 8, LONG = 4 << 20 /* bytes */, TRIES = 5, MANY = 20 };

/* Sends to the next node and receives from the one before. */
static hq_status pass_on(const hq_dist *dist, char *memory, int bytes)
{
    const int next = (dist->node_index + 1) % dist->nodes, before = (dist->node_index + dist->nodes - 1) % dist->nodes;
    MPI_Request request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    HQ_TRY(
        hq_dist_check(MPI_Irecv(memory, bytes, MPI_BYTE, before, TAG_LINK, dist->leaders, &request[0]), "MPI_Irecv"));
    HQ_TRY(hq_dist_check(MPI_Isend(memory + LONG, bytes, MPI_BYTE, next, TAG_LINK, dist->leaders, &request[1]),
                         "MPI_Isend"));
    return hq_dist_wait(dist, request, 2, HQ_PHASE_GATHER, "MPI_Test");
}

/* All nodes start together; *least: seconds of one of `times` messages, each sent when the one before has come. */
static hq_status time_messages(const hq_dist *dist, char *memory, int bytes, int times, double *least)
{
    int nothing = 0;
    HQ_TRY(hq_dist_reduce(dist, dist->leaders, &nothing, 1, MPI_INT, MPI_MAX, HQ_PHASE_BARRIER));
    const double start = hq_clock();
    for (int i = 0; i < times; i++) HQ_TRY(pass_on(dist, memory, bytes));
    *least = fmin(*least, (hq_clock() - start) / times);
    return HQ_OK;
}

static hq_status measure(const hq_dist *dist, char *memory, hq_link *link)
{
    double quick = INFINITY, slow = INFINITY;
    for (int i = 0; i < TRIES; i++) HQ_TRY(time_messages(dist, memory, SHORT, MANY, &quick));
    for (int i = 0; i < TRIES; i++) HQ_TRY(time_messages(dist, memory, LONG, 1, &slow));
    *link = (hq_link){quick, LONG / slow};
    return HQ_OK;
}

hq_status hq_dist_measure_link(const hq_dist *dist, hq_link *out_link)
{
    char *memory = NULL;
    const bool leads = dist->leaders != MPI_COMM_NULL;
    *out_link = (hq_link){0};
    hq_status status =
        hq_dist_agree(dist, leads ? hq_alloc((size_t)2 * LONG, "messages between nodes", &memory) : HQ_OK);
    if (status == HQ_OK && leads) status = measure(dist, memory, out_link);
    hq_free(memory);
    HQ_TRY(status);
    return hq_dist_node_bcast(dist, out_link, sizeof *out_link);
}
