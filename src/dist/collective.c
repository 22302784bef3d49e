/* collective.c: agreement, broadcast, exact sums, shares and gathering. */
#include "dist/mpi_private.h"

#include <string.h>

enum { PIECE = 1 << 26 }; /* elements in one MPI call: counts are ints, and a piece bounds MPI's own buffers */

static hq_status agree(const hq_dist *dist, MPI_Comm comm, hq_status mine)
{
    int worst = (int)mine;
    if (hq_dist_broken()) return HQ_ERR_COMM; /* the others may be in another call: this rank ends the job */
    HQ_TRY(hq_dist_reduce(dist, comm, &worst, 1, MPI_INT, MPI_MAX, HQ_PHASE_AGREE));
    return (hq_status)worst;
}

hq_status hq_dist_agree(const hq_dist *dist, hq_status mine) { return agree(dist, dist->all, mine); }
hq_status hq_dist_node_agree(const hq_dist *dist, hq_status mine) { return agree(dist, dist->node, mine); }

hq_status hq_dist_alloc(const hq_dist *dist, size_t count, size_t size, const char *what, void *out_pointer)
{
    void *pointer;
    hq_status status = hq_dist_agree(dist, hq_alloc_array(count, size, what, &pointer));
    if (status != HQ_OK) {
        hq_free(pointer);
        pointer = NULL;
    }
    memcpy(out_pointer, &pointer, sizeof pointer);
    return status;
}

hq_status hq_dist_in_turn(const hq_dist *dist, hq_status (*work)(void *ctx), void *ctx)
{
    HQ_TRY(hq_dist_agree(dist, dist->rank == 0 ? work(ctx) : HQ_OK));
    return hq_dist_agree(dist, dist->rank != 0 ? work(ctx) : HQ_OK);
}

static hq_status bcast_from(const hq_dist *dist, MPI_Comm comm, int root, void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes; done += PIECE) {
        MPI_Request request;
        int piece = (int)(bytes - done < PIECE ? bytes - done : PIECE);
        HQ_TRY(hq_dist_wait_for(dist, MPI_Ibcast((char *)data + done, piece, MPI_BYTE, root, comm, &request), &request,
                                HQ_PHASE_BROADCAST, "MPI_Ibcast"));
    }
    return HQ_OK;
}

hq_status hq_dist_find(const hq_dist *dist, bool mine, hq_found *out_found)
{
    hq_found found = {.count = mine, .rank = mine ? dist->rank : dist->size};
    HQ_TRY(hq_dist_reduce(dist, dist->all, &found.count, 1, MPI_INT, MPI_SUM, HQ_PHASE_AGREE));
    *out_found = (hq_found){0};
    if (found.count == 0) return HQ_OK;
    HQ_TRY(hq_dist_reduce(dist, dist->all, &found.rank, 1, MPI_INT, MPI_MIN, HQ_PHASE_AGREE));
    hq_copy_text(found.host, sizeof found.host, hq_host_name());
    HQ_TRY(bcast_from(dist, dist->all, found.rank, found.host, sizeof found.host));
    *out_found = found;
    return HQ_OK;
}

hq_status hq_dist_bcast_from(const hq_dist *dist, int root, void *data, size_t bytes)
{
    return bcast_from(dist, dist->all, root, data, bytes);
}

hq_status hq_dist_tell(const hq_dist *dist, bool mine, char *text, size_t size, hq_found *out_found)
{
    HQ_TRY(hq_dist_find(dist, mine, out_found));
    if (out_found->count > 0) return bcast_from(dist, dist->all, out_found->rank, text, size);
    text[0] = '\0';
    return HQ_OK;
}

hq_status hq_dist_check_same(const hq_dist *dist, uint64_t hash, const char *what)
{
    uint64_t first = hash;
    hq_found other;
    HQ_TRY(hq_dist_bcast(dist, &first, sizeof first));
    HQ_TRY(hq_dist_find(dist, hash != first, &other));
    if (other.count == 0) return HQ_OK;
    hq_status status = HQ_OK;
    if (dist->rank == 0)
        status = hq_fail(HQ_ERR_COMM, "%d of %d ranks, the first of them rank %d on %s, differ from rank 0: %s",
                         other.count, dist->size, other.rank, other.host, what);
    return hq_dist_agree(dist, status); /* nobody leaves before it is said */
}

hq_status hq_dist_barrier(const hq_dist *dist)
{
    int nothing = 0;
    return hq_dist_reduce(dist, dist->all, &nothing, 1, MPI_INT, MPI_MAX, HQ_PHASE_BARRIER);
}

hq_status hq_dist_bcast(const hq_dist *dist, void *data, size_t bytes)
{
    return bcast_from(dist, dist->all, 0, data, bytes);
}

hq_status hq_dist_node_bcast(const hq_dist *dist, void *data, size_t bytes)
{
    return bcast_from(dist, dist->node, 0, data, bytes);
}

void hq_dist_share_of(const hq_dist *dist, int rank, int64_t n, int64_t *lo, int64_t *hi)
{
    int64_t each = n / dist->size, extra = n % dist->size;
    *lo = each * rank + (rank < extra ? rank : extra);
    *hi = *lo + each + (rank < extra);
}

void hq_dist_share(const hq_dist *dist, int64_t n, int64_t *lo, int64_t *hi)
{
    hq_dist_share_of(dist, dist->rank, n, lo, hi);
}

/* Rows of a rank: its share of the groups, where the last group may be short. */
static void rows_of(const hq_dist *dist, int rank, int64_t n_rows, int64_t group, int64_t *lo, int64_t *hi)
{
    int64_t groups = (n_rows + group - 1) / group;
    hq_dist_share_of(dist, rank, groups, lo, hi);
    *lo = *lo * group < n_rows ? *lo * group : n_rows;
    *hi = *hi * group < n_rows ? *hi * group : n_rows;
}

/* Point to point in rank order: rank 0 receives straight into place and needs no arrays of the length of the rank
 * count. */
static hq_status exchange_rows(const hq_dist *dist, int64_t n_rows, int64_t group, int row_size, const double *mine,
                               double *all, MPI_Datatype row)
{
    enum { TAG = 1 };
    int64_t lo, hi;
    MPI_Request request;
    rows_of(dist, dist->rank, n_rows, group, &lo, &hi);
    if (dist->rank != 0) {
        if (hi == lo) return HQ_OK;
        return hq_dist_wait_for(dist, MPI_Isend(mine, (int)(hi - lo), row, 0, TAG, dist->all, &request), &request,
                                HQ_PHASE_GATHER, "gathering rows");
    }
    for (int64_t i = 0; i < (hi - lo) * row_size; i++) all[lo * row_size + i] = mine[i];
    for (int rank = 1; rank < dist->size; rank++) {
        rows_of(dist, rank, n_rows, group, &lo, &hi);
        if (hi > lo)
            HQ_TRY(hq_dist_wait_for(dist,
                                    MPI_Irecv(all + lo * row_size, (int)(hi - lo), row, rank, TAG, dist->all, &request),
                                    &request, HQ_PHASE_GATHER, "gathering rows"));
    }
    return HQ_OK;
}

hq_status hq_dist_gather_rows(const hq_dist *dist, int64_t n_rows, int64_t group, int row_size, const double *mine,
                              double *all)
{
    MPI_Datatype row;
    HQ_TRY(hq_dist_check(MPI_Type_contiguous(row_size, MPI_DOUBLE, &row), "MPI_Type_contiguous"));
    HQ_TRY(hq_dist_check(MPI_Type_commit(&row), "MPI_Type_commit"));
    HQ_TRY(exchange_rows(dist, n_rows, group, row_size, mine, all, row));
    return hq_dist_check(MPI_Type_free(&row), "MPI_Type_free");
}
