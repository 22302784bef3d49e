/* sum_node.c: sums in two levels: the ranks of a node add up through their shared memory, the first ranks of the nodes
 * add up between nodes.
 *
 * Every rank writes its numbers into its own part of the node's block. When all have written a piece, whoever comes by
 * takes chunks of it and adds them up over all parts: nobody waits for anybody in particular, and each rank adds about
 * as many numbers as it wrote. The leader then sums the piece over the nodes.
 */
#include "dist/sum_private.h"

#include <string.h>

/* ---- making ---- */

static size_t rounded(size_t bytes) { return (bytes + HQ_ALIGN - 1) / HQ_ALIGN * HQ_ALIGN; }

/* Parts of two ranks share no cache line. */
static hq_status open_block(hq_sum *sum)
{
    hq_sum_node *node = &sum->node;
    const size_t line = HQ_ALIGN / sizeof(int64_t), head = rounded((size_t)sum->pieces * sizeof *node->counter);
    const size_t parts = (size_t)sum->dist->node_size + (sum->dist->nodes > 1 ? 2 : 1);
    sum->stride = (sum->count + line - 1) / line * line;
    HQ_TRY(hq_dist_agree(sum->dist,
                         hq_dist_shared_alloc(sum->dist, HQ_ALIGN + head + parts * sum->stride * sizeof(int64_t),
                                              "sums", &node->shared)));
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
    const int color = sum->dist->node_rank == 0 ? 0 : MPI_UNDEFINED;
    HQ_TRY(hq_dist_check(MPI_Comm_split(sum->dist->all, color, sum->dist->rank, &sum->node.leaders), "MPI_Comm_split"));
    if (sum->node.leaders != MPI_COMM_NULL) MPI_Comm_set_errhandler(sum->node.leaders, MPI_ERRORS_RETURN);
    return open_block(sum);
}

void hq_sum_node_close(hq_sum *sum)
{
    if (sum->node.leaders != MPI_COMM_NULL && !hq_dist_broken()) MPI_Comm_free(&sum->node.leaders);
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
    for (int64_t chunk; (chunk = claim(counter, sum->node.step, chunks)) >= 0;) {
        add_chunk(sum, &sum->piece[k], chunk);
        atomic_fetch_add_explicit(&counter->added, 1, memory_order_acq_rel);
    }
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

/* Pieces are handed to MPI in order, for all leaders must start them in the same one. */
static hq_status send_pieces(hq_sum *sum)
{
    for (hq_sum_node *node = &sum->node; node->sent < sum->handed && added(sum, node->sent); node->sent++) {
        const size_t lo = sum->piece[node->sent].lo, n = sum->piece[node->sent].hi - lo;
        if (sum->dist->nodes == 1) continue;
        HQ_TRY(hq_dist_check(MPI_Iallreduce(node->node_total + lo, node->total + lo, (int)n, MPI_INT64_T, MPI_SUM,
                                            node->leaders, &sum->request[node->sent]),
                             "MPI_Iallreduce"));
    }
    return HQ_OK;
}

static hq_status lead(hq_sum *sum)
{
    HQ_TRY(send_pieces(sum));
    for (int k = 0; k < sum->node.sent; k++) {
        int over = 1;
        if (sum->over[k]) continue;
        if (sum->dist->nodes > 1)
            HQ_TRY(hq_dist_check(MPI_Test(&sum->request[k], &over, MPI_STATUS_IGNORE), "MPI_Test"));
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
