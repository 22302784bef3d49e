/* spread.c: items of work from the owners of samples to the ranks that evaluate them, and their rows back.
 *
 * Samples lie in rank order, and so do the shares of the items: both are contiguous runs, so that the ranks that have
 * to do with each other are found by binary search in the counts of samples, the only thing that is sent to everybody.
 */
#include "dist/mpi_private.h"
#include "dist/spread_private.h"

#include <string.h>

enum { PIECE = 1 << 26, TAG_INPUTS = 2, TAG_ROWS = 3 };

/* ---- creation ---- */

static hq_status allocate(const hq_dist *dist, hq_spread **out_spread)
{
    HQ_TRY(hq_alloc(sizeof **out_spread, "spreading work", out_spread));
    **out_spread = (hq_spread){.dist = dist, .piece = PIECE};
    return hq_alloc_array((size_t)dist->size + 1, sizeof(int64_t), "counts of samples", &(*out_spread)->first);
}

static void release_blocks(hq_spread *spread)
{
    hq_spread_block *blocks[] = {&spread->inputs, &spread->rows, &spread->requests};
    for (int i = 0; i < 3; i++) {
        hq_free(blocks[i]->data);
        *blocks[i] = (hq_spread_block){NULL, 0};
    }
    spread->have = (hq_spread_need){0};
}

hq_status hq_dist_spread_create(const hq_dist *dist, hq_spread **out_spread)
{
    hq_spread *spread = NULL;
    *out_spread = NULL;
    hq_status status = hq_dist_agree(dist, allocate(dist, &spread));
    if (status == HQ_OK) status = hq_spread_measure(spread);
    if (spread) release_blocks(spread); /* those of the measurement */
    if (status != HQ_OK) {
        hq_dist_spread_destroy(spread);
        return status;
    }
    *out_spread = spread;
    return HQ_OK;
}

void hq_dist_spread_destroy(hq_spread *spread)
{
    if (!spread) return;
    release_blocks(spread);
    hq_free(spread->first);
    hq_free(spread);
}

hq_spread_counts hq_dist_spread_counts(const hq_spread *spread) { return spread->counts; }

/* ---- memory ---- */

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* a * b and a + b of numbers that are not negative, or INT64_MAX when that is too small. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* A run of m items touches at most (m + parts - 2) / parts + 1 samples. A rank has at most ranks - 1 partners in each
 * of four directions (inputs and rows, sent and received), one message for each and one more for each full piece. */
static hq_spread_need need_of(const hq_spread *spread, int64_t total, int64_t parts, int64_t in_size, int64_t out_size)
{
    const int64_t ranks = spread->dist->size, n_items = times(total, parts);
    const int64_t share = n_items < INT64_MAX ? n_items / ranks + (n_items % ranks > 0) : n_items;
    const int64_t samples = share > 0 ? smaller(total, plus(share, parts - 2) / parts + 1) : 0;
    const int64_t sent = plus(times(plus(total, ranks), in_size), times(n_items, out_size));
    hq_spread_need need = {.inputs = times(samples, in_size), .rows = times(share, out_size)};
    need.requests = plus(4 * (ranks - 1), plus(sent, plus(need.inputs, need.rows)) / spread->piece);
    return need;
}

static hq_status grow(hq_spread_block *block, int64_t count, size_t size, const char *what)
{
    size_t bytes;
    if (__builtin_mul_overflow((size_t)count, size, &bytes)) bytes = SIZE_MAX;
    if (bytes <= block->bytes) return HQ_OK;
    hq_free(block->data);
    *block = (hq_spread_block){NULL, 0};
    HQ_TRY(hq_alloc(bytes, what, &block->data));
    block->bytes = bytes;
    return HQ_OK;
}

static hq_status grow_all(hq_spread *spread, const hq_spread_need *need)
{
    HQ_TRY(grow(&spread->inputs, need->inputs, sizeof(double), "inputs of spread work"));
    HQ_TRY(grow(&spread->rows, need->rows, sizeof(double), "rows of spread work"));
    return grow(&spread->requests, need->requests, sizeof(MPI_Request), "messages of spread work");
}

/* After a failure nobody counts on having anything, so that the next call asks everybody again. */
hq_status hq_dist_spread_reserve(hq_spread *spread, int64_t samples_total, int parts, int in_size, int out_size)
{
    HQ_ASSERT(samples_total >= 0 && parts >= 1 && in_size >= 0 && out_size >= 1);
    hq_spread_need need = need_of(spread, samples_total, parts, in_size, out_size), *have = &spread->have;
    if (need.inputs <= have->inputs && need.rows <= have->rows && need.requests <= have->requests) return HQ_OK;
    hq_spread_need both = {larger(need.inputs, have->inputs), larger(need.rows, have->rows),
                           larger(need.requests, have->requests)};
    hq_status status = hq_dist_agree(spread->dist, grow_all(spread, &both));
    *have = status == HQ_OK ? both : (hq_spread_need){0};
    return status;
}

/* ---- who has to do with whom ---- */

typedef struct range {
    int64_t lo, hi;
} range;

static range intersect(range a, range b) { return (range){larger(a.lo, b.lo), smaller(a.hi, b.hi)}; }

/* One call, from the side of this rank, which is an owner and an evaluator. */
typedef struct spread_call {
    hq_spread *spread;
    const hq_spread_items *items;
    int64_t n_items;    /* of all ranks */
    range owned, share; /* items of this rank's samples; items that this rank evaluates */
    bool alone;         /* this rank evaluates items of its own only: in and out of the caller serve */
    const double *in;   /* of the caller: samples of this rank */
    double *out;        /* of the caller: rows of the owned items */
    double *inputs;     /* samples of the share, unless alone */
    double *rows;       /* of the share, unless alone */
    int posted;         /* requests under way */
} spread_call;

static range owned_by(const spread_call *call, int rank)
{
    const int64_t *first = call->spread->first;
    return (range){first[rank] * call->items->parts, first[rank + 1] * call->items->parts};
}

static range share_of(const spread_call *call, int rank)
{
    range share;
    hq_dist_share_of(call->spread->dist, rank, call->n_items, &share.lo, &share.hi);
    return share;
}

/* The rank whose range (they lie in rank order; empty ones are skipped) holds the item. */
static int rank_of(const spread_call *call, range (*range_of)(const spread_call *, int), int64_t item)
{
    int lo = 0, hi = call->spread->dist->size;
    while (hi - lo > 1) {
        int middle = lo + (hi - lo) / 2;
        if (range_of(call, middle).lo <= item)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

/* Calls meet(call, partner, common items) for every other rank whose range has items in common with `mine`. */
static hq_status for_partners(spread_call *call, range mine, range (*range_of)(const spread_call *, int),
                              hq_status (*meet)(spread_call *call, int partner, range common))
{
    if (mine.lo >= mine.hi) return HQ_OK;
    const int last = rank_of(call, range_of, mine.hi - 1);
    for (int rank = rank_of(call, range_of, mine.lo); rank <= last; rank++) {
        range common = intersect(mine, range_of(call, rank));
        if (rank != call->spread->dist->rank && common.lo < common.hi) HQ_TRY(meet(call, rank, common));
    }
    return HQ_OK;
}

/* ---- messages ---- */

static MPI_Request *next_request(spread_call *call)
{
    MPI_Request *requests = call->spread->requests.data;
    HQ_ASSERT(call->posted < call->spread->have.requests);
    return &requests[call->posted++];
}

static hq_status post_receive(spread_call *call, double *data, int64_t count, int from, int tag)
{
    const int64_t piece = call->spread->piece;
    for (int64_t done = 0; done < count; done += piece)
        HQ_TRY(hq_dist_check(MPI_Irecv(data + done, (int)smaller(piece, count - done), MPI_DOUBLE, from, tag,
                                       call->spread->dist->all, next_request(call)),
                             "MPI_Irecv"));
    return HQ_OK;
}

static hq_status post_send(spread_call *call, const double *data, int64_t count, int to, int tag)
{
    const int64_t piece = call->spread->piece;
    for (int64_t done = 0; done < count; done += piece) {
        HQ_TRY(hq_dist_check(MPI_Isend(data + done, (int)smaller(piece, count - done), MPI_DOUBLE, to, tag,
                                       call->spread->dist->all, next_request(call)),
                             "MPI_Isend"));
        call->spread->counts.messages++;
    }
    call->spread->counts.bytes += count * (int64_t)sizeof(double);
    return HQ_OK;
}

static hq_status wait_for_all(spread_call *call)
{
    const double start = hq_clock();
    const hq_status status =
        hq_dist_wait(call->spread->dist, call->spread->requests.data, call->posted, HQ_PHASE_SPREAD, "MPI_Test");
    call->posted = 0;
    call->spread->counts.waiting += hq_clock() - start;
    return status;
}

/* ---- places of the rows ---- */

static range samples_of(const spread_call *call, range items)
{
    return (range){items.lo / call->items->parts, (items.hi - 1) / call->items->parts + 1};
}

static const double *own_input(const spread_call *call, int64_t sample)
{
    return call->in + (sample - call->owned.lo / call->items->parts) * call->items->in_size;
}

static double *own_row(const spread_call *call, int64_t item)
{
    return call->out + (item - call->owned.lo) * call->items->out_size;
}

static double *share_input(const spread_call *call, int64_t sample)
{
    return call->inputs + (sample - call->share.lo / call->items->parts) * call->items->in_size;
}

static double *share_row(const spread_call *call, int64_t item)
{
    return call->rows + (item - call->share.lo) * call->items->out_size;
}

/* ---- the four directions ---- */

static hq_status send_inputs(spread_call *call, int evaluator, range common)
{
    range samples = samples_of(call, common);
    int64_t count = (samples.hi - samples.lo) * call->items->in_size;
    return post_send(call, own_input(call, samples.lo), count, evaluator, TAG_INPUTS);
}

static hq_status receive_inputs(spread_call *call, int owner, range common)
{
    range samples = samples_of(call, common);
    int64_t count = (samples.hi - samples.lo) * call->items->in_size;
    return post_receive(call, share_input(call, samples.lo), count, owner, TAG_INPUTS);
}

static hq_status send_rows(spread_call *call, int owner, range common)
{
    int64_t count = (common.hi - common.lo) * call->items->out_size;
    return post_send(call, share_row(call, common.lo), count, owner, TAG_ROWS);
}

static hq_status receive_rows(spread_call *call, int evaluator, range common)
{
    int64_t count = (common.hi - common.lo) * call->items->out_size;
    return post_receive(call, own_row(call, common.lo), count, evaluator, TAG_ROWS);
}

/* ---- a call ---- */

static hq_status learn_counts(hq_spread *spread, int64_t samples)
{
    const double start = hq_clock();
    int64_t *first = spread->first;
    HQ_TRY(hq_dist_gather_all(spread->dist, samples, first + 1, HQ_PHASE_SPREAD));
    spread->counts.waiting += hq_clock() - start;
    for (int rank = 0; rank < spread->dist->size; rank++) first[rank + 1] = plus(first[rank], first[rank + 1]);
    return HQ_OK;
}

static spread_call plan(hq_spread *spread, const hq_spread_items *items, const double *in, double *out)
{
    spread_call call = {.spread = spread, .items = items, .in = in, .out = out};
    call.inputs = spread->inputs.data;
    call.rows = spread->rows.data;
    call.n_items = spread->first[spread->dist->size] * items->parts;
    call.owned = owned_by(&call, spread->dist->rank);
    call.share = share_of(&call, spread->dist->rank);
    call.alone = call.owned.lo <= call.share.lo && call.share.hi <= call.owned.hi;
    return call;
}

/* Everything is here before anybody starts to evaluate: a rank deep in its items would not move large messages on. */
static hq_status exchange_inputs(spread_call *call)
{
    HQ_TRY(for_partners(call, call->share, owned_by, receive_inputs));
    HQ_TRY(for_partners(call, call->owned, share_of, send_inputs));
    range own = intersect(call->share, call->owned);
    if (!call->alone && own.lo < own.hi) {
        range samples = samples_of(call, own);
        size_t count = (size_t)((samples.hi - samples.lo) * call->items->in_size);
        if (count > 0) memcpy(share_input(call, samples.lo), own_input(call, samples.lo), count * sizeof(double));
    }
    return wait_for_all(call);
}

static hq_status exchange_rows(spread_call *call)
{
    HQ_TRY(for_partners(call, call->share, owned_by, send_rows));
    range own = intersect(call->share, call->owned);
    if (!call->alone && own.lo < own.hi) {
        size_t count = (size_t)((own.hi - own.lo) * call->items->out_size);
        if (count > 0) memcpy(own_row(call, own.lo), share_row(call, own.lo), count * sizeof(double));
    }
    return wait_for_all(call);
}

static hq_status evaluate_share(spread_call *call)
{
    const range share = call->share;
    const hq_spread_items *items = call->items;
    const int64_t n = share.hi - share.lo;
    if (n == 0) return HQ_OK;
    double *rows = call->alone ? own_row(call, share.lo) : share_row(call, share.lo);
    const double *inputs = call->alone ? own_input(call, share.lo / items->parts) : call->inputs;
    hq_status status = items->evaluate(items->ctx, share.lo, share.hi, inputs, rows);
    if (status != HQ_OK && items->out_size > 0) memset(rows, 0, (size_t)(n * items->out_size) * sizeof *rows);
    call->spread->counts.items += n;
    return status;
}

static hq_status agree_on(hq_spread *spread, hq_status mine)
{
    const double start = hq_clock();
    hq_status worst = hq_dist_agree(spread->dist, mine);
    spread->counts.waiting += hq_clock() - start;
    return worst;
}

hq_status hq_dist_spread(hq_spread *spread, const hq_spread_items *items, int64_t samples, const double *in,
                         double *out)
{
    HQ_ASSERT(samples >= 0);
    HQ_TRY(learn_counts(spread, samples));
    HQ_TRY(hq_dist_spread_reserve(spread, spread->first[spread->dist->size], items->parts, items->in_size,
                                  items->out_size));
    spread_call call = plan(spread, items, in, out);
    HQ_TRY(exchange_inputs(&call));
    HQ_TRY(for_partners(&call, call.owned, share_of, receive_rows));
    hq_status status = evaluate_share(&call);
    HQ_TRY(exchange_rows(&call));
    spread->counts.calls++;
    return agree_on(spread, status);
}
