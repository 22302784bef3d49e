/* sum_node.c: sums in two levels: the ranks of a node add up through their shared memory, the first ranks of the nodes
 * add up between nodes.
 *
 * Every rank writes its numbers into its own part of the node's block. When all have written a piece, whoever comes by
 * takes chunks of it and adds them up over all parts: nobody waits for anybody in particular, and each rank adds about
 * as many numbers as it wrote. The leader then sums the piece over the nodes.
 *
 * No barrier is needed: a rank's numbers are not written again before all ranks have the sums of the step, for which
 * all chunks were added; and the totals of step s are written again only when all ranks of the node have handed over a
 * piece of step s + 1, which they do when they have read those of step s.
 */
#include "dist/sum_private.h"

#include <string.h>

/* ---- making ---- */

static size_t rounded(size_t bytes) { return (bytes + HQ_ALIGN - 1) / HQ_ALIGN * HQ_ALIGN; }

/* Parts of two ranks share no cache line. */
static size_t head_of(const hq_sum *sum) { return rounded((size_t)sum->pieces * sizeof(hq_sum_counter)); }

size_t hq_sum_node_bytes(const hq_sum *sum)
{
    const size_t parts = (size_t)sum->dist->node_size + (sum->dist->nodes > 1 ? 2 : 1);
    return HQ_ALIGN + head_of(sum) + parts * rounded(sum->count * sizeof(int64_t));
}

/* The block starts at a page on every rank, so that all find the same place in it. */
static hq_status open_block(hq_sum *sum)
{
    hq_sum_node *node = &sum->node;
    const size_t head = head_of(sum);
    sum->stride = rounded(sum->count * sizeof(int64_t)) / sizeof(int64_t);
    HQ_TRY(hq_dist_agree(sum->dist, hq_dist_shared_alloc(sum->dist, hq_sum_node_bytes(sum), "sums", &node->shared)));
    char *block = hq_dist_shared_block(node->shared);
    block += (HQ_ALIGN - (uintptr_t)block % HQ_ALIGN) % HQ_ALIGN;
    node->counter = (hq_sum_counter *)(void *)block; /* zeroed */
    node->own = (int64_t *)(void *)(block + head);
    node->node_total = node->own + (size_t)sum->dist->node_size * sum->stride;
    node->total = sum->dist->nodes > 1 ? node->node_total + sum->stride : node->node_total;
    sum->own = node->own + (size_t)sum->dist->node_rank * sum->stride;
    return HQ_OK;
}

hq_status hq_sum_node_open(hq_sum *sum)
{
    if (sum->dist->leaders != MPI_COMM_NULL) {
        HQ_TRY(hq_dist_check(MPI_Comm_dup(sum->dist->leaders, &sum->node.leaders), "MPI_Comm_dup"));
        HQ_TRY(hq_dist_check(MPI_Comm_set_errhandler(sum->node.leaders, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler"));
    }
    HQ_TRY(hq_dist_agree(sum->dist, hq_exchange_open(sum->node.leaders, hq_sum_tries_direct(sum, HQ_SUM_NODE),
                                                     sum->piece, sum->pieces, &sum->node.exchange)));
    return open_block(sum);
}

void hq_sum_node_close(hq_sum *sum)
{
    hq_exchange_close(&sum->node.exchange);
    hq_dist_release(&sum->node.leaders);
    hq_dist_shared_free(sum->node.shared);
}

/* ---- within the node ---- */

void hq_sum_node_arrive(hq_sum *sum, int k)
{
    atomic_fetch_add_explicit(&sum->node.counter[k].arrived, 1, memory_order_acq_rel);
}

static int64_t chunks_of(const hq_sum_piece *piece)
{
    return (int64_t)((piece->hi - piece->lo + HQ_SUM_CHUNK - 1) / HQ_SUM_CHUNK);
}

/* A chunk of the piece for this rank, or -1 when all have been taken. */
static int64_t claim(hq_sum_counter *counter, int64_t step, int64_t chunks)
{
    int64_t before = atomic_load_explicit(&counter->claimed, memory_order_relaxed);
    for (;;) {
        const int64_t taken = before >> 32 == step ? before & 0xffffffff : 0;
        if (taken >= chunks) return -1;
        if (atomic_compare_exchange_weak_explicit(&counter->claimed, &before, step << 32 | (taken + 1),
                                                  memory_order_acq_rel, memory_order_relaxed))
            return taken;
    }
}

static void add_chunk(const hq_sum *sum, const hq_sum_piece *piece, int64_t chunk)
{
    const size_t lo = piece->lo + (size_t)chunk * HQ_SUM_CHUNK;
    const size_t n = piece->hi - lo < HQ_SUM_CHUNK ? piece->hi - lo : HQ_SUM_CHUNK;
    int64_t *restrict to = sum->node.node_total + lo;
    memcpy(to, sum->node.own + lo, n * sizeof *to);
    for (int rank = 1; rank < sum->dist->node_size; rank++) {
        const int64_t *restrict from = sum->node.own + (size_t)rank * sum->stride + lo;
        for (size_t i = 0; i < n; i++) to[i] += from[i];
    }
}

/* Adds up what nobody has taken yet of piece k, if all ranks of the node have written it. */
static void add_piece(hq_sum *sum, int k)
{
    hq_sum_counter *counter = &sum->node.counter[k];
    const int64_t chunks = chunks_of(&sum->piece[k]);
    if (atomic_load_explicit(&counter->arrived, memory_order_acquire) < sum->node.step * sum->dist->node_size) return;
    int64_t chunk = claim(counter, sum->node.step, chunks);
    const double cpu = chunk < 0 ? 0 : hq_clock_cpu();
    for (; chunk >= 0; chunk = claim(counter, sum->node.step, chunks)) {
        add_chunk(sum, &sum->piece[k], chunk);
        atomic_fetch_add_explicit(&counter->added, 1, memory_order_acq_rel);
    }
    if (cpu > 0) sum->node.cpu += hq_clock_cpu() - cpu;
}

static bool added(const hq_sum *sum, int k)
{
    return atomic_load_explicit(&sum->node.counter[k].added, memory_order_acquire) ==
           sum->node.step * chunks_of(&sum->piece[k]);
}

/* ---- between nodes: the leader's work ---- */

static void tell(hq_sum *sum, int k)
{
    sum->over[k] = true;
    atomic_store_explicit(&sum->node.counter[k].done, sum->node.step, memory_order_release);
}

static hq_status send_piece(hq_sum *sum, int k)
{
    const hq_sum_piece *piece = &sum->piece[k];
    return hq_exchange_start(&sum->node.exchange, k, sum->now.exchange, sum->node.node_total + piece->lo,
                             sum->node.total + piece->lo, piece->hi - piece->lo);
}

/* All pieces by one call of MPI, when nothing is computed meanwhile. */
static hq_status sum_at_once(hq_sum *sum)
{
    if (sum->node.sent < sum->pieces || sum->over[0]) return HQ_OK;
    HQ_TRY(hq_sum_at_once(sum->dist, sum->node.leaders, sum->node.node_total, sum->node.total, sum->count));
    for (int k = 0; k < sum->pieces; k++) tell(sum, k);
    return HQ_OK;
}

/* Pieces are handed on in order, for all leaders must start them in the same one. */
static hq_status lead(hq_sum *sum)
{
    const bool at_once = sum->dist->nodes > 1 && sum->now.exchange == HQ_EXCHANGE_MPI && !sum->now.overlap;
    for (hq_sum_node *node = &sum->node; node->sent < sum->handed && added(sum, node->sent); node->sent++)
        if (sum->dist->nodes > 1 && !at_once) HQ_TRY(send_piece(sum, node->sent));
    if (at_once) return sum_at_once(sum);
    for (int k = 0; k < sum->node.sent; k++) {
        bool over = true;
        if (sum->over[k]) continue;
        if (sum->dist->nodes > 1) HQ_TRY(hq_exchange_test(&sum->node.exchange, k, &over));
        if (over) tell(sum, k);
    }
    return HQ_OK;
}

hq_status hq_sum_node_progress(hq_sum *sum)
{
    for (int k = 0; k < sum->handed; k++)
        if (!sum->over[k]) add_piece(sum, k);
    if (sum->dist->node_rank == 0) return lead(sum);
    for (int k = 0; k < sum->handed; k++)
        sum->over[k] = atomic_load_explicit(&sum->node.counter[k].done, memory_order_acquire) == sum->node.step;
    return HQ_OK;
}
