/* sum.c: the sum of a step: integers of all ranks, handed over in pieces from the last to the first. */
#include "dist/sum_private.h"
#include "dist/watch.h"

#include <sched.h>
#include <string.h>

/* ---- making ---- */

/* Pieces start at borders, the first one with the last numbers; a piece has at least `least` numbers, but for the last
 * piece, which ends at number 0. The same on all ranks. */
static void cut(hq_sum *sum, const hq_sum_options *options)
{
    enum { MOST = 1 << 26 }; /* numbers: counts of MPI are ints */
    const size_t least = options->piece_bytes / sizeof(int64_t);
    size_t hi = options->count;
    for (int b = options->borders - 1; b >= 0; b--) {
        const size_t lo = options->border[b];
        const bool large = hi - lo >= least && sum->pieces < HQ_SUM_PIECES_MAX - 1;
        if (lo >= hi || (lo > 0 && !large)) continue;
        for (; hi - lo > MOST; hi -= MOST) sum->piece[sum->pieces++] = (hq_sum_piece){hi - MOST, hi};
        sum->piece[sum->pieces++] = (hq_sum_piece){lo, hi};
        hi = lo;
    }
    HQ_ASSERT(hi == 0);
}

static bool tries(const hq_sum *sum, int algorithm)
{
    for (int c = 0; c < sum->choices; c++)
        if (sum->choice[c].algorithm == algorithm) return true;
    return false;
}

bool hq_sum_tries_direct(const hq_sum *sum, int algorithm)
{
    for (int c = 0; c < sum->choices; c++)
        if (sum->choice[c].algorithm == algorithm && sum->choice[c].exchange != HQ_EXCHANGE_MPI) return true;
    return false;
}

/* Two levels are given up, with a word, when the nodes' shared memory is too small for them and they were not asked for
 * by name. */
static hq_status keep_what_fits(hq_sum *sum)
{
    int kept = 0, fits = hq_dist_shared_fits(hq_sum_node_bytes(sum));
    if (sum->wanted.algorithm != HQ_SUM_AUTO || !tries(sum, HQ_SUM_NODE)) return HQ_OK;
    HQ_TRY(hq_dist_reduce(sum->dist, sum->dist->all, &fits, 1, MPI_INT, MPI_MIN, HQ_PHASE_AGREE));
    if (fits) return HQ_OK;
    if (sum->dist->rank == 0)
        hq_warn(
            "sums in two levels need %.0f MB of a node's shared memory, which some node does not have: they go over "
            "all ranks; enlarge /dev/shm (containers: --shm-size)",
            (double)hq_sum_node_bytes(sum) / 1e6);
    for (int c = 0; c < sum->choices; c++)
        if (sum->choice[c].algorithm != HQ_SUM_NODE) sum->choice[kept++] = sum->choice[c];
    sum->choices = kept;
    if (kept == 1) hq_sum_ask_when(sum);
    return HQ_OK;
}

static hq_status take_memory(hq_sum *sum)
{
    const bool shared = tries(sum, HQ_SUM_NODE), flat = tries(sum, HQ_SUM_FLAT) && sum->dist->size > 1;
    const size_t blocks = (size_t)!shared + (size_t)flat;
    if (shared) HQ_TRY(hq_sum_node_open(sum));
    HQ_TRY(hq_dist_alloc(sum->dist, blocks * sum->count, sizeof(int64_t), "sums", &sum->memory));
    if (!shared) sum->own = sum->memory;
    sum->total = flat ? sum->memory + (shared ? 0 : sum->count) : sum->own;
    if (!flat) return HQ_OK;
    return hq_dist_agree(sum->dist, hq_exchange_open(sum->all, hq_sum_tries_direct(sum, HQ_SUM_FLAT), sum->piece,
                                                     sum->pieces, &sum->exchange));
}

static hq_status make(hq_sum *sum, const hq_sum_options *options)
{
    HQ_TRY(hq_dist_check(MPI_Comm_dup(sum->dist->all, &sum->all), "MPI_Comm_dup"));
    HQ_TRY(hq_dist_check(MPI_Comm_set_errhandler(sum->all, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler"));
    cut(sum, options);
    hq_sum_list_choices(sum);
    HQ_TRY(keep_what_fits(sum));
    return take_memory(sum);
}

hq_status hq_dist_sum_create(hq_dist *dist, const hq_sum_options *options, hq_sum **out_sum)
{
    hq_sum *sum;
    *out_sum = NULL;
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *sum, "sums", &sum));
    *sum = (hq_sum){.dist = dist, .count = options->count, .all = MPI_COMM_NULL};
    sum->node.leaders = MPI_COMM_NULL;
    sum->wanted = *options;
    sum->wanted.border = NULL;
    const hq_status status = make(sum, options);
    if (status != HQ_OK) {
        hq_dist_sum_destroy(sum);
        return status;
    }
    *out_sum = sum;
    return HQ_OK;
}

void hq_dist_sum_destroy(hq_sum *sum)
{
    if (!sum) return;
    hq_sum_node_close(sum);
    hq_exchange_close(&sum->exchange);
    hq_dist_release(&sum->all);
    if (!hq_dist_broken()) hq_free(sum->memory); /* else messages may be under way */
    hq_free(sum);
}

/* ---- a step ---- */

hq_sum_choice hq_dist_sum_begin(hq_sum *sum)
{
    sum->step++;
    sum->handed = sum->node.sent = 0;
    memset(sum->over, 0, sizeof sum->over);
    memset(sum->own, 0, sum->count * sizeof *sum->own);
    hq_sum_choose(sum);
    if (sum->now.algorithm == HQ_SUM_NODE && !sum->mute) sum->node.step++;
    sum->began = hq_clock();
    return sum->now;
}

int64_t *hq_dist_sum_own(hq_sum *sum) { return sum->own; }

static hq_status start_piece(hq_sum *sum, int k)
{
    const size_t lo = sum->piece[k].lo;
    return hq_exchange_start(&sum->exchange, k, sum->now.exchange, sum->own + lo, sum->total + lo,
                             sum->piece[k].hi - lo);
}

static hq_status test_pieces(hq_sum *sum)
{
    for (int k = 0; k < sum->handed; k++)
        if (!sum->over[k]) HQ_TRY(hq_exchange_test(&sum->exchange, k, &sum->over[k]));
    return HQ_OK;
}

static hq_status progress(hq_sum *sum)
{
    return sum->now.algorithm == HQ_SUM_NODE ? hq_sum_node_progress(sum) : test_pieces(sum);
}

static hq_status hand_over(hq_sum *sum, size_t from)
{
    while (sum->handed < sum->pieces && sum->piece[sum->handed].lo >= from) {
        const int k = sum->handed++;
        if (sum->now.algorithm == HQ_SUM_NODE)
            hq_sum_node_arrive(sum, k);
        else
            HQ_TRY(start_piece(sum, k));
    }
    return progress(sum);
}

hq_status hq_dist_sum_ready(hq_sum *sum, size_t from)
{
    return sum->dist->size > 1 && sum->now.overlap && !sum->mute ? hand_over(sum, from) : HQ_OK;
}

hq_status hq_sum_at_once(const hq_dist *dist, MPI_Comm comm, const int64_t *own, int64_t *total, size_t n)
{
    enum { PIECE = 1 << 26 }; /* counts of MPI are ints, and a piece bounds MPI's own buffers */
    MPI_Request request;
    for (size_t done = 0; done < n; done += PIECE) {
        const int piece = (int)(n - done < PIECE ? n - done : PIECE);
        const void *from = own == total ? MPI_IN_PLACE : (const void *)(own + done);
        const int code = MPI_Iallreduce(from, total + done, piece, MPI_INT64_T, MPI_SUM, comm, &request);
        HQ_TRY(hq_dist_wait_for(dist, code, &request, HQ_PHASE_SUM, "MPI_Iallreduce"));
    }
    return HQ_OK;
}

static bool all_over(const hq_sum *sum)
{
    for (int k = 0; k < sum->pieces; k++)
        if (!sum->over[k]) return false;
    return true;
}

static hq_status complete(hq_sum *sum)
{
    if (sum->dist->size == 1) return HQ_OK;
    if (sum->mute) {
        if (sum->total != sum->own) memcpy(sum->total, sum->own, sum->count * sizeof *sum->own);
        return hq_dist_reduce(sum->dist, sum->dist->all, sum->total, (int)sum->mute, MPI_INT64_T, MPI_SUM,
                              HQ_PHASE_SUM);
    }
    if (sum->now.algorithm == HQ_SUM_FLAT && sum->now.exchange == HQ_EXCHANGE_MPI && !sum->now.overlap)
        return hq_sum_at_once(sum->dist, sum->all, sum->own, sum->total, sum->count);
    HQ_TRY(hand_over(sum, 0));
    const bool watched = sum->dist->watch != NULL;
    hq_status status = HQ_OK;
    if (watched) hq_watch_begin(sum->dist);
    while (status == HQ_OK && !all_over(sum)) {
        if (watched) hq_watch_poll(sum->dist);
        sched_yield();
        status = progress(sum);
    }
    if (watched) hq_watch_end(sum->dist);
    return status;
}

/* Seconds on the processor, without what adding and packing took. */
static double idle_cpu(const hq_sum *sum)
{
    return hq_clock_cpu() - sum->exchange.cpu - sum->node.exchange.cpu - sum->node.cpu;
}

hq_status hq_dist_sum_finish(hq_sum *sum, const int64_t **total)
{
    const double start = hq_clock(), idle = idle_cpu(sum);
    const hq_phase before = hq_phase_enter(HQ_PHASE_SUM);
    HQ_TRY(complete(sum));
    hq_phase_enter(before);
    const double end = hq_clock();
    sum->waiting += end - start;
    sum->waiting_cpu += idle_cpu(sum) - idle;
    *total = sum->now.algorithm == HQ_SUM_NODE && !sum->mute ? sum->node.total : sum->total;
    return hq_sum_note(sum, end - sum->began);
}

hq_status hq_dist_sum(const hq_dist *dist, int64_t *sum, size_t n)
{
    if (n <= HQ_SMALL_BYTES / sizeof *sum)
        return hq_dist_reduce(dist, dist->all, sum, (int)n, MPI_INT64_T, MPI_SUM, HQ_PHASE_SUM);
    return hq_sum_at_once(dist, dist->all, sum, sum, n);
}

/* ---- for benchmarks ---- */

void hq_dist_sum_mute(hq_sum *sum, size_t numbers)
{
    HQ_ASSERT(numbers <= HQ_SMALL_BYTES / sizeof(int64_t) && numbers <= sum->count);
    sum->mute = numbers;
}

hq_sum_waiting hq_dist_sum_waiting(const hq_sum *sum) { return (hq_sum_waiting){sum->waiting, sum->waiting_cpu}; }
