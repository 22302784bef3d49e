/* Spreading of work over ranks: any ownership, rows against a serial evaluation, evenness, messages, failures, memory,
 * the decision. */
#include "dist/spread_private.h"
#include "support/check.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { RANKS_MOST = 64, OWNED_MOST = 96, PARTS_MOST = 8, IN_MOST = 3, OUT_MOST = 4 };

static hq_dist *dist;
static hq_spread *spread;
static double in[OWNED_MOST * IN_MOST], out[OWNED_MOST * PARTS_MOST * OUT_MOST];

/* ---- ownership ---- */

enum { EVEN, FIRST_HAS_ALL, LAST_HAS_ALL, SOME_HAVE_NONE, UNEVEN, ONE_SAMPLE, NOBODY, PATTERNS };

static int64_t samples_of(int pattern, int rank)
{
    const int last = hq_dist_size(dist) - 1;
    switch (pattern) {
    case EVEN:
        return 3;
    case FIRST_HAS_ALL:
        return rank == 0 ? 16 : 0;
    case LAST_HAS_ALL:
        return rank == last ? OWNED_MOST : 0;
    case SOME_HAVE_NONE:
        return rank % 3 == 1 ? 5 : 0;
    case UNEVEN:
        return rank * 7 % 11;
    case ONE_SAMPLE:
        return rank == last / 2;
    default:
        return 0;
    }
}

/* Samples of the ranks before `rank`; with rank = size: of all. */
static int64_t samples_before(int pattern, int rank)
{
    int64_t sum = 0;
    for (int r = 0; r < rank; r++) sum += samples_of(pattern, r);
    return sum;
}

/* ---- work ---- */

static double input_of(int64_t sample, int i) { return sin((double)(sample * IN_MOST + i + 1)); }

static double number_of(const double *input, int in_size, int part, int j)
{
    double sum = part + 0.1 * j;
    for (int i = 0; i < in_size; i++) sum = sum * 0.7 + input[i];
    return sum;
}

typedef struct job {
    hq_spread_items items;
    int64_t asked;    /* items asked for in this call, on this rank */
    int asks;         /* calls of evaluate */
    hq_status answer; /* of evaluate */
} job;

static hq_status evaluate(void *ctx, int64_t lo, int64_t hi, const double *inputs, double *rows)
{
    job *work = ctx;
    const hq_spread_items *items = &work->items;
    const int64_t first = lo / items->parts;
    for (int64_t k = lo; k < hi; k++) {
        const double *input = inputs + (k / items->parts - first) * items->in_size;
        for (int j = 0; j < items->out_size; j++)
            rows[(k - lo) * items->out_size + j] = number_of(input, items->in_size, (int)(k % items->parts), j);
    }
    work->asked += hi - lo;
    work->asks++;
    return work->answer;
}

static void make_job(job *work, int parts, int in_size, int out_size)
{
    *work = (job){.items = {parts, in_size, out_size, evaluate, work}};
}

static void fill_in(int pattern, const hq_spread_items *items)
{
    const int rank = hq_dist_rank(dist);
    for (int64_t s = 0; s < samples_of(pattern, rank); s++)
        for (int i = 0; i < items->in_size; i++)
            in[s * items->in_size + i] = input_of(samples_before(pattern, rank) + s, i);
}

static hq_status spread_job(int pattern, job *work)
{
    fill_in(pattern, &work->items);
    memset(out, 0x55, sizeof out);
    return hq_dist_spread(spread, &work->items, samples_of(pattern, hq_dist_rank(dist)), in, out);
}

/* ---- checks ---- */

/* Rows of this rank that are not exactly those of the serial evaluation. */
static int64_t wrong_rows(int pattern, const hq_spread_items *items)
{
    const int rank = hq_dist_rank(dist);
    const int64_t before = samples_before(pattern, rank);
    int64_t wrong = 0;
    double input[IN_MOST];
    for (int64_t k = 0; k < samples_of(pattern, rank) * items->parts; k++) {
        bool same = true;
        for (int i = 0; i < items->in_size; i++) input[i] = input_of(before + k / items->parts, i);
        for (int j = 0; j < items->out_size; j++)
            same &= out[k * items->out_size + j] == number_of(input, items->in_size, (int)(k % items->parts), j);
        wrong += !same;
    }
    return wrong;
}

static int owner_of(int pattern, int64_t sample)
{
    int rank = 0;
    while (samples_before(pattern, rank + 1) <= sample) rank++;
    return rank;
}

static int evaluator_of(int64_t n, int64_t item)
{
    for (int rank = 0;; rank++) {
        int64_t lo, hi;
        hq_dist_share_of(dist, rank, n, &lo, &hi);
        if (lo <= item && item < hi) return rank;
    }
}

/* Bytes and messages that this rank must send, found item by item: the input of its samples once to every other rank
 * that evaluates items of it, and rows of items of others. */
static void expected_traffic(int pattern, const hq_spread_items *items, int64_t *bytes, int64_t *messages)
{
    const int me = hq_dist_rank(dist);
    const int64_t n = samples_before(pattern, hq_dist_size(dist)) * items->parts;
    bool to[RANKS_MOST] = {false}, back[RANKS_MOST] = {false};
    *bytes = *messages = 0;
    for (int64_t k = 0; k < n; k++) {
        const int owner = owner_of(pattern, k / items->parts), evaluator = evaluator_of(n, k);
        if (owner == evaluator) continue;
        if (owner == me) {
            bool seen = k % items->parts > 0 && evaluator_of(n, k - 1) == evaluator;
            *bytes += seen ? 0 : items->in_size * (int64_t)sizeof(double);
            to[evaluator] = true;
        }
        if (evaluator == me) {
            *bytes += items->out_size * (int64_t)sizeof(double);
            back[owner] = true;
        }
    }
    for (int rank = 0; rank < RANKS_MOST; rank++) *messages += (to[rank] && items->in_size > 0) + back[rank];
}

static void check_counts(int pattern, const job *work, const hq_spread_counts *before)
{
    const hq_spread_counts now = hq_dist_spread_counts(spread);
    int64_t bytes, messages;
    hq_balance balance;
    expected_traffic(pattern, &work->items, &bytes, &messages);
    CHECK_INT(now.calls - before->calls, 1);
    CHECK_INT(now.items - before->items, work->asked);
    CHECK_INT(now.bytes - before->bytes, bytes);
    CHECK_INT(now.messages - before->messages, messages);
    CHECK(now.waiting >= before->waiting);
    CHECK_INT(work->asks, work->asked > 0);
    CHECK_INT(hq_dist_balance(dist, (double)work->asked, &balance), HQ_OK);
    CHECK_MSG(balance.most - balance.least <= 1, "pattern %d: %g to %g items", pattern, balance.least, balance.most);
    CHECK_NEAR(balance.mean * hq_dist_size(dist),
               (double)(samples_before(pattern, hq_dist_size(dist)) * work->items.parts), 1e-12);
}

/* ---- tests ---- */

static void test_balance(void)
{
    const int size = hq_dist_size(dist);
    hq_balance balance;
    CHECK_INT(hq_dist_balance(dist, 10.0 + hq_dist_rank(dist), &balance), HQ_OK);
    CHECK_NEAR(balance.least, 10, 0);
    CHECK_NEAR(balance.mean, 10 + (size - 1) / 2.0, 1e-14);
    CHECK_NEAR(balance.most, 9 + size, 0);
}

static void test_rows(void)
{
    static const int shapes[][3] = {{1, 1, 1}, {2, 3, 4}, {3, 1, 2}, {5, 2, 1}, {8, 3, 4}, {7, 0, 3}};
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            job work;
            make_job(&work, shapes[i][0], shapes[i][1], shapes[i][2]);
            const hq_spread_counts before = hq_dist_spread_counts(spread);
            CHECK_INT(spread_job(pattern, &work), HQ_OK);
            CHECK_MSG(wrong_rows(pattern, &work.items) == 0, "pattern %d, shape %zu: %lld wrong rows", pattern, i,
                      (long long)wrong_rows(pattern, &work.items));
            check_counts(pattern, &work, &before);
        }
}

/* As with counts beyond int, but with pieces of a few numbers. */
static void test_pieces(void)
{
    const int64_t whole = spread->piece;
    for (spread->piece = 1; spread->piece <= 7; spread->piece += 3)
        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            job work;
            make_job(&work, 5, 3, 4);
            CHECK_INT(spread_job(pattern, &work), HQ_OK);
            CHECK_INT(wrong_rows(pattern, &work.items), 0);
        }
    spread->piece = whole;
}

/* The status reaches every rank, the rows of the others arrive, and the next call is as if nothing had been. */
static void test_failure(void)
{
    const int rank = hq_dist_rank(dist), last = hq_dist_size(dist) - 1;
    job work;
    make_job(&work, 8, 2, 3);
    work.answer = rank == last ? HQ_ERR_NUMERIC : rank == last / 2 ? HQ_ERR_DATA : HQ_OK;
    CHECK_INT(spread_job(FIRST_HAS_ALL, &work), HQ_ERR_NUMERIC);
    int64_t zeros = 0, expected = 0;
    for (int64_t k = 0; k < samples_of(FIRST_HAS_ALL, rank) * 8; k++) {
        const int evaluator = evaluator_of(16 * 8, k);
        expected += evaluator == last || evaluator == last / 2;
        zeros += out[3 * k] == 0 && out[3 * k + 1] == 0 && out[3 * k + 2] == 0;
    }
    CHECK_INT(zeros, expected);
    CHECK_INT(wrong_rows(FIRST_HAS_ALL, &work.items), expected);
    make_job(&work, 8, 2, 3);
    CHECK_INT(spread_job(FIRST_HAS_ALL, &work), HQ_OK);
    CHECK_INT(wrong_rows(FIRST_HAS_ALL, &work.items), 0);
}

static void test_memory(void)
{
    hq_spread *fresh;
    job work;
    CHECK_INT(hq_dist_spread_create(dist, &fresh), HQ_OK);
    CHECK_INT(hq_dist_spread_counts(fresh).calls, 0);
    hq_spread *old = spread;
    spread = fresh;
    CHECK_INT(hq_dist_spread_reserve(spread, OWNED_MOST, 5, 3, 4), HQ_OK);
    const int64_t made = hq_memory_count();
    for (int repeat = 0; repeat < 3; repeat++)
        for (int pattern = FIRST_HAS_ALL; pattern <= LAST_HAS_ALL; pattern++) {
            make_job(&work, 5, 3, 4);
            CHECK_INT(spread_job(pattern, &work), HQ_OK);
            CHECK_INT(wrong_rows(pattern, &work.items), 0);
        }
    CHECK_INT(hq_memory_count(), made);
    make_job(&work, 8, 3, 4); /* larger: grows once, by itself */
    CHECK_INT(spread_job(LAST_HAS_ALL, &work), HQ_OK);
    const int64_t grown = hq_memory_count();
    CHECK(grown > made);
    CHECK_INT(spread_job(LAST_HAS_ALL, &work), HQ_OK);
    CHECK_INT(hq_memory_count(), grown);
    spread = old;
    hq_dist_spread_destroy(fresh);
    hq_dist_spread_destroy(NULL);
}

/* Sizes beyond all memory are refused on every rank (with a message) when all have none or only the last has none, and
 * the spread works on. */
static void test_too_large(void)
{
    hq_spread_block *blocks[] = {&spread->inputs, &spread->rows, &spread->requests};
    const bool last = hq_dist_rank(dist) == hq_dist_size(dist) - 1;
    size_t bytes[3];
    job work;
    make_job(&work, 2, 2, 2);
    for (int only_last = 0; only_last <= 1; only_last++) {
        for (int i = 0; i < 3; i++) {
            bytes[i] = blocks[i]->bytes;
            if (only_last && !last) blocks[i]->bytes = SIZE_MAX; /* as if this rank had enough */
        }
        CHECK_INT(hq_dist_spread_reserve(spread, INT64_MAX / 2, 1000, 1000, 1000000), HQ_ERR_MEMORY);
        for (int i = 0; i < 3; i++)
            if (only_last && !last) blocks[i]->bytes = bytes[i];
        CHECK_INT(spread_job(UNEVEN, &work), HQ_OK);
        CHECK_INT(wrong_rows(UNEVEN, &work.items), 0);
    }
}

/* Measured costs differ from run to run, but never between ranks, nor do answers. */
static void test_pays(void)
{
    const int size = hq_dist_size(dist);
    const hq_spread_items items = {33, 4, 8, evaluate, NULL};
    hq_balance call, message, number;
    CHECK_INT(hq_dist_balance(dist, spread->call_seconds, &call), HQ_OK);
    CHECK_INT(hq_dist_balance(dist, spread->message_seconds, &message), HQ_OK);
    CHECK_INT(hq_dist_balance(dist, spread->number_seconds, &number), HQ_OK);
    CHECK(call.least == call.most && call.least > 0);
    CHECK(message.least == message.most && message.least >= 0);
    CHECK(number.least == number.most && number.least >= 0);
    CHECK(hq_dist_spread_pays(spread, 16, 16, &items, 1e3) == (size > 1));
    CHECK(!hq_dist_spread_pays(spread, 16, 16, &items, 0));
    CHECK(!hq_dist_spread_pays(spread, 0, 0, &items, 1e3));
    CHECK(!hq_dist_spread_pays(spread, 5 * (int64_t)size, 5, &items, 1e3)); /* nothing to gain */
    int64_t yes = 0;
    for (double seconds = 1e-9; seconds < 1e3; seconds *= 1.5) {
        bool pays = hq_dist_spread_pays(spread, 16, 16, &items, seconds);
        CHECK(pays || yes == 0); /* once it pays it pays for dearer items too */
        yes += pays;
    }
    int64_t sum = yes;
    CHECK_INT(hq_dist_sum(dist, &sum, 1), HQ_OK);
    CHECK_INT(sum, yes * size);
}

static hq_status sleep_for_items(void *ctx, int64_t lo, int64_t hi, const double *inputs, double *rows)
{
    (void)ctx, (void)inputs;
    for (int64_t k = lo; k < hi; k++) {
        struct timespec item = {0, 4000000};
        nanosleep(&item, NULL);
        rows[k - lo] = (double)k;
    }
    return HQ_OK;
}

/* Items that wait instead of computing, so that the ranks need no core: on several ranks they wait at the same time. */
static void test_time(void)
{
    const int size = hq_dist_size(dist);
    const int64_t mine = hq_dist_rank(dist) == 0 ? 16 : 0;
    hq_spread_items items = {4, 1, 1, sleep_for_items, NULL};
    memset(in, 0, sizeof in);
    double start = hq_clock();
    if (mine > 0) sleep_for_items(NULL, 0, 64, in, out);
    double alone = hq_clock() - start;
    CHECK_INT(hq_dist_barrier(dist), HQ_OK);
    start = hq_clock();
    CHECK_INT(hq_dist_spread(spread, &items, mine, in, out), HQ_OK);
    double together = hq_clock() - start;
    for (int64_t k = 0; k < mine * 4; k++) CHECK_INT(out[k], k);
    if (size > 1 && size <= 7 && mine > 0)
        CHECK_MSG(together < 0.8 * alone, "%d ranks: %g s, alone %g s", size, together, alone);
}

int main(int argc, char **argv)
{
    if (hq_dist_start(&argc, &argv, &dist) != HQ_OK) return 1;
    CHECK_INT(hq_dist_spread_create(dist, &spread), HQ_OK);
    HQ_RUN(test_balance);
    HQ_RUN(test_rows);
    HQ_RUN(test_pieces);
    HQ_RUN(test_failure);
    HQ_RUN(test_memory);
    HQ_RUN(test_too_large);
    HQ_RUN(test_pays);
    HQ_RUN(test_time);
    hq_dist_spread_destroy(spread);
    int64_t failures = hq_check_failures();
    hq_dist_sum(dist, &failures, 1);
    hq_dist_stop(dist);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result() || failures > 0;
}
