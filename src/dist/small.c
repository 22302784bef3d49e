/* small.c: collectives of a few numbers, out of messages that hq_dist_wait waits for. Open MPI's own nonblocking ones
 * take up to five times as long as the blocking ones (decision 16). */
#include "dist/mpi_private.h"

enum { TAG_SMALL = 7 };

/* Sends to one rank and receives from another. */
static hq_status exchange(const hq_dist *dist, MPI_Comm comm, MPI_Datatype type, const void *out, int n_out, int to,
                          void *in, int n_in, int from, hq_phase phase)
{
    MPI_Request request[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    if (n_in > 0) HQ_TRY(hq_dist_check(MPI_Irecv(in, n_in, type, from, TAG_SMALL, comm, &request[0]), "MPI_Irecv"));
    if (n_out > 0) HQ_TRY(hq_dist_check(MPI_Isend(out, n_out, type, to, TAG_SMALL, comm, &request[1]), "MPI_Isend"));
    return hq_dist_wait(dist, request, 2, phase, "MPI_Test");
}

/* Recursive doubling among the largest power of two of ranks; each rank beyond it adds its numbers to those of one of
 * them first, and gets the result from it. The operations commute, so all ranks have the same bits. */
hq_status hq_dist_reduce(const hq_dist *dist, MPI_Comm comm, void *data, int n, MPI_Datatype type, MPI_Op op,
                         hq_phase phase)
{
    int rank, size, bytes, half = 1;
    unsigned char other[HQ_SMALL_BYTES];
    HQ_TRY(hq_dist_check(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank"));
    HQ_TRY(hq_dist_check(MPI_Comm_size(comm, &size), "MPI_Comm_size"));
    HQ_TRY(hq_dist_check(MPI_Type_size(type, &bytes), "MPI_Type_size"));
    HQ_ASSERT((size_t)n * (size_t)bytes <= sizeof other);
    while (2 * half <= size) half *= 2;
    const int partner = rank < half ? rank + half : rank - half;
    if (rank >= half) {
        HQ_TRY(exchange(dist, comm, type, data, n, partner, NULL, 0, 0, phase));
        return exchange(dist, comm, type, NULL, 0, 0, data, n, partner, phase);
    }
    if (partner < size) {
        HQ_TRY(exchange(dist, comm, type, NULL, 0, 0, other, n, partner, phase));
        HQ_TRY(hq_dist_check(MPI_Reduce_local(other, data, n, type, op), "MPI_Reduce_local"));
    }
    for (int distance = 1; distance < half; distance *= 2) {
        HQ_TRY(exchange(dist, comm, type, data, n, rank ^ distance, other, n, rank ^ distance, phase));
        HQ_TRY(hq_dist_check(MPI_Reduce_local(other, data, n, type, op), "MPI_Reduce_local"));
    }
    return partner < size ? exchange(dist, comm, type, data, n, partner, NULL, 0, 0, phase) : HQ_OK;
}

static void reverse(int64_t *v, int n)
{
    for (int i = 0; i < n / 2; i++) {
        const int64_t kept = v[i];
        v[i] = v[n - 1 - i];
        v[n - 1 - i] = kept;
    }
}

/* Bruck's algorithm: after a round of distance d, all[i] is of rank (rank + i) modulo the size, i < 2 d; then the
 * numbers are turned into place. */
hq_status hq_dist_gather_all(const hq_dist *dist, int64_t mine, int64_t *all, hq_phase phase)
{
    const int size = dist->size, rank = dist->rank;
    all[0] = mine;
    for (int distance = 1; distance < size; distance *= 2) {
        const int n = distance < size - distance ? distance : size - distance;
        HQ_TRY(exchange(dist, dist->all, MPI_INT64_T, all, n, (rank - distance + size) % size, all + distance, n,
                        (rank + distance) % size, phase));
    }
    reverse(all, size - rank);
    reverse(all + size - rank, rank);
    reverse(all, size);
    return HQ_OK;
}
