/* collective.c: agreement, broadcast, exact sums, shares and gathering. */
#include "dist/mpi_private.h"

enum { PIECE = 1 << 26 }; /* elements in one MPI call: counts are ints, and a piece bounds MPI's own buffers */

static hq_status agree(MPI_Comm comm, hq_status mine)
{
    int worst = (int)mine;
    HQ_TRY(hq_dist_check(MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, comm), "MPI_Allreduce"));
    return (hq_status)worst;
}

hq_status hq_dist_agree(const hq_dist *dist, hq_status mine) { return agree(dist->all, mine); }
hq_status hq_dist_node_agree(const hq_dist *dist, hq_status mine) { return agree(dist->node, mine); }

hq_status hq_dist_in_turn(const hq_dist *dist, hq_status (*work)(void *ctx), void *ctx)
{
    HQ_TRY(hq_dist_agree(dist, dist->rank == 0 ? work(ctx) : HQ_OK));
    return hq_dist_agree(dist, dist->rank != 0 ? work(ctx) : HQ_OK);
}

hq_status hq_dist_find(const hq_dist *dist, bool mine, hq_found *out_found)
{
    int ends[2] = {mine ? 1 : 0, mine ? dist->rank : dist->size};
    *out_found = (hq_found){0};
    HQ_TRY(hq_dist_check(MPI_Allreduce(&ends[0], &out_found->count, 1, MPI_INT, MPI_SUM, dist->all), "MPI_Allreduce"));
    if (out_found->count == 0) return HQ_OK;
    HQ_TRY(hq_dist_check(MPI_Allreduce(&ends[1], &out_found->rank, 1, MPI_INT, MPI_MIN, dist->all), "MPI_Allreduce"));
    hq_copy_text(out_found->host, sizeof out_found->host, hq_host_name());
    return hq_dist_check(MPI_Bcast(out_found->host, sizeof out_found->host, MPI_CHAR, out_found->rank, dist->all),
                         "MPI_Bcast");
}

hq_status hq_dist_check_same(const hq_dist *dist, uint64_t hash, const char *what)
{
    uint64_t first = hash;
    hq_found other;
    HQ_TRY(hq_dist_bcast(dist, &first, sizeof first));
    HQ_TRY(hq_dist_find(dist, hash != first, &other));
    if (other.count == 0) return HQ_OK;
    if (dist->rank != 0) return HQ_ERR_COMM;
    HQ_FAIL(HQ_ERR_COMM, "%d of %d ranks, the first of them rank %d on %s, differ from rank 0: %s", other.count,
            dist->size, other.rank, other.host, what);
}

hq_status hq_dist_barrier(const hq_dist *dist) { return hq_dist_check(MPI_Barrier(dist->all), "MPI_Barrier"); }

static hq_status bcast(MPI_Comm comm, void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes; done += PIECE) {
        int piece = (int)(bytes - done < PIECE ? bytes - done : PIECE);
        HQ_TRY(hq_dist_check(MPI_Bcast((char *)data + done, piece, MPI_BYTE, 0, comm), "MPI_Bcast"));
    }
    return HQ_OK;
}

hq_status hq_dist_bcast(const hq_dist *dist, void *data, size_t bytes) { return bcast(dist->all, data, bytes); }
hq_status hq_dist_node_bcast(const hq_dist *dist, void *data, size_t bytes) { return bcast(dist->node, data, bytes); }

hq_status hq_dist_sum(const hq_dist *dist, int64_t *sum, size_t n)
{
    for (size_t done = 0; done < n; done += PIECE) {
        int piece = (int)(n - done < PIECE ? n - done : PIECE);
        HQ_TRY(hq_dist_check(MPI_Allreduce(MPI_IN_PLACE, sum + done, piece, MPI_INT64_T, MPI_SUM, dist->all),
                             "MPI_Allreduce"));
    }
    return HQ_OK;
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
hq_status hq_dist_gather_rows(const hq_dist *dist, int64_t n_rows, int64_t group, int row_size, const double *mine,
                              double *all)
{
    enum { TAG = 1 };
    int64_t lo, hi;
    MPI_Datatype row;
    HQ_TRY(hq_dist_check(MPI_Type_contiguous(row_size, MPI_DOUBLE, &row), "MPI_Type_contiguous"));
    MPI_Type_commit(&row);
    int code = MPI_SUCCESS;
    rows_of(dist, dist->rank, n_rows, group, &lo, &hi);
    if (dist->rank != 0) {
        if (hi > lo) code = MPI_Send(mine, (int)(hi - lo), row, 0, TAG, dist->all);
    } else {
        for (int64_t i = 0; i < (hi - lo) * row_size; i++) all[lo * row_size + i] = mine[i];
        for (int rank = 1; rank < dist->size && code == MPI_SUCCESS; rank++) {
            rows_of(dist, rank, n_rows, group, &lo, &hi);
            if (hi > lo)
                code = MPI_Recv(all + lo * row_size, (int)(hi - lo), row, rank, TAG, dist->all, MPI_STATUS_IGNORE);
        }
    }
    MPI_Type_free(&row);
    return hq_dist_check(code, "gathering rows");
}
