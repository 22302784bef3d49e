/* spread_cost.c: what spreading costs, whether it pays, and how even a load is. */
#include "dist/mpi_private.h"
#include "dist/spread_private.h"

#include <math.h>
#include <string.h>

/* ---- measuring ---- */

enum { REPEATS = 10, LARGE = 1 << 15, LEAST = 1 << 6 }; /* numbers in all long rows together; in one of them */

static hq_status write_zeros(void *ctx, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_spread_items *items = ctx;
    (void)in;
    memset(out, 0, (size_t)((hi - lo) * items->out_size) * sizeof *out);
    return HQ_OK;
}

/* Mean seconds of a call in which this rank has `samples` samples of one number and one item; the slowest rank's, on
 * every rank. scratch: room for in and out. */
static hq_status time_call(hq_spread *spread, int64_t samples, int out_size, double *scratch, double *seconds)
{
    hq_spread_items items = {.parts = 1, .in_size = 1, .out_size = out_size, .evaluate = write_zeros, .ctx = &items};
    HQ_TRY(hq_dist_spread(spread, &items, samples, scratch, scratch + samples)); /* opens connections */
    const double start = hq_clock();
    for (int i = 0; i < REPEATS; i++) HQ_TRY(hq_dist_spread(spread, &items, samples, scratch, scratch + samples));
    hq_balance balance;
    HQ_TRY(hq_dist_balance(spread->dist, (hq_clock() - start) / REPEATS, &balance));
    *seconds = balance.most;
    return HQ_OK;
}

/* With one sample on each rank there are no messages; with all of them on rank 0 it sends one to each other rank and
 * receives one from it, short ones, then long ones. What is lost in the noise counts as free. */
static hq_status time_calls(hq_spread *spread, int row, double *scratch)
{
    const int ranks = spread->dist->size, others = ranks - 1;
    const int64_t all = spread->dist->rank == 0 ? ranks : 0;
    double with_short, with_long;
    HQ_TRY(time_call(spread, 1, 1, scratch, &spread->call_seconds));
    HQ_TRY(time_call(spread, all, 1, scratch, &with_short));
    HQ_TRY(time_call(spread, all, row, scratch, &with_long));
    if (others == 0) return HQ_OK;
    spread->message_seconds = fmax(0, with_short - spread->call_seconds) / (2 * others);
    spread->number_seconds = fmax(0, with_long - with_short) / ((double)others * (row - 1));
    return HQ_OK;
}

hq_status hq_spread_measure(hq_spread *spread)
{
    const int ranks = spread->dist->size, row = ranks < LARGE / LEAST ? LARGE / ranks : LEAST;
    double *scratch;
    hq_status status = hq_alloc_array((size_t)ranks, (size_t)(row + 1) * sizeof *scratch, "timing", &scratch);
    status = hq_dist_agree(spread->dist, status);
    if (status == HQ_OK) status = time_calls(spread, row, scratch);
    hq_free(scratch);
    spread->counts = (hq_spread_counts){0};
    return status;
}

/* ---- deciding ---- */

/* In double, which cannot overflow. Partners of the busiest rank: as an owner those who evaluate for it, as an
 * evaluator at most one for each sample; each of them costs a message to it and one from it. */
bool hq_dist_spread_pays(const hq_spread *spread, int64_t samples_total, int64_t samples_most,
                         const hq_spread_items *items, double seconds_per_item)
{
    const double parts = items->parts, ranks = spread->dist->size, most = (double)samples_most;
    const double share = ceil((double)samples_total * parts / ranks);
    if (!(share > 0)) return false;
    const double partners = fmin(ranks - 1, fmax(most * parts / share, share / parts) + 2);
    const double numbers = (most + partners) * items->in_size + most * parts * items->out_size;
    const double messages =
        spread->call_seconds + 2 * partners * spread->message_seconds + numbers * spread->number_seconds;
    return most * parts * seconds_per_item > share * seconds_per_item + messages;
}

/* ---- balance ---- */

hq_status hq_dist_balances(const hq_dist *dist, int n, const double *mine, hq_balance *out)
{
    double ends[2 * HQ_BALANCES_MAX], sum[HQ_BALANCES_MAX];
    HQ_ASSERT(n <= HQ_BALANCES_MAX);
    for (int i = 0; i < n; i++) ends[2 * i] = -mine[i], ends[2 * i + 1] = sum[i] = mine[i];
    HQ_TRY(hq_dist_reduce(dist, dist->all, ends, 2 * n, MPI_DOUBLE, MPI_MAX, HQ_PHASE_AGREE));
    HQ_TRY(hq_dist_reduce(dist, dist->all, sum, n, MPI_DOUBLE, MPI_SUM, HQ_PHASE_AGREE));
    for (int i = 0; i < n; i++) out[i] = (hq_balance){-ends[2 * i], sum[i] / dist->size, ends[2 * i + 1]};
    return HQ_OK;
}

hq_status hq_dist_balance(const hq_dist *dist, double mine, hq_balance *out_balance)
{
    return hq_dist_balances(dist, 1, &mine, out_balance);
}
