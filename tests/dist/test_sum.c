/* Sums of a step: every way gives the integers of the definition, whatever is handed over when. */
#include "dist/sum_private.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { N = 8000, BORDERS = 6 };
static const size_t border[BORDERS] = {0, 7, 900, 1500, 1501, 6000};
static hq_dist *dist;

/* Of all sizes, so that packing finds something to do. */
static int64_t number(int rank, int step, size_t i)
{
    hq_random stream = hq_random_make(5, HQ_PURPOSE_TEST, (uint32_t)(rank * 1000 + step), i);
    return ((int64_t)(hq_random_next(&stream) >> 8) - ((int64_t)1 << 54)) >> (i >> 8) % 50;
}

static void fill(int64_t *own, int step, size_t lo, size_t hi)
{
    for (size_t i = lo; i < hi; i += 1 + (i & 7)) own[i] += number(hq_dist_rank(dist), step, i);
}

static void check_total(const int64_t *total, int step, const char *what)
{
    static int64_t wanted[N];
    int wrong = 0;
    memset(wanted, 0, sizeof wanted);
    for (int rank = 0; rank < hq_dist_size(dist); rank++)
        for (size_t b = 0; b < BORDERS; b++) {
            const size_t hi = b + 1 < BORDERS ? border[b + 1] : N;
            for (size_t i = border[b]; i < hi; i += 1 + (i & 7)) wanted[i] += number(rank, step, i);
        }
    for (size_t i = 0; i < N; i++) wrong += total[i] != wanted[i];
    CHECK_MSG(wrong == 0, "%s, step %d: %d of %d numbers are wrong", what, step, wrong, N);
}

/* Ranks hand over at different borders, or nothing before the end: as those do that have no micro-batch. */
static void run_step(hq_sum *sum, int step, const char *what)
{
    const int64_t *total;
    const hq_sum_choice now = hq_dist_sum_begin(sum);
    CHECK(now.group >= 1 && now.group <= 3);
    for (int b = BORDERS - 1; b >= 0; b--) {
        fill(hq_dist_sum_own(sum), step, border[b], b + 1 < BORDERS ? border[b + 1] : N);
        if ((hq_dist_rank(dist) + step + b) % 3 > 0 && b > 0) CHECK_INT(hq_dist_sum_ready(sum, border[b]), HQ_OK);
    }
    CHECK_INT(hq_dist_sum_finish(sum, &total), HQ_OK);
    check_total(total, step, what);
}

static void check_way(int algorithm, int exchange, int overlap, size_t piece, const char *what)
{
    const hq_sum_options options = {.count = N,
                                    .border = border,
                                    .borders = BORDERS,
                                    .piece_bytes = piece,
                                    .algorithm = algorithm,
                                    .exchange = exchange,
                                    .overlap = overlap,
                                    .group = 3};
    /* enough for every trial: 6 steps of each way, 4 ways to go and 3 times to do it */
    const bool tries = algorithm == HQ_SUM_AUTO || exchange == HQ_EXCHANGE_AUTO || overlap != HQ_OVERLAP_OFF;
    const int steps = tries ? 6 * (4 + 3) : 4;
    char text[HQ_SUM_TEXT];
    hq_sum *sum;
    int settled = 0;
    CHECK_INT(hq_dist_sum_create(dist, &options, &sum), HQ_OK);
    for (int step = 0; step < steps; step++) {
        run_step(sum, step, what);
        settled += hq_dist_sum_news(sum);
    }
    hq_dist_sum_describe(sum, text, sizeof text);
    CHECK((hq_dist_size(dist) == 1) == (text[0] == '\0'));
    CHECK(settled <= 1 && strstr(text, "several") == NULL); /* whatever there was to choose is chosen */
    hq_dist_sum_destroy(sum);
}

static void test_ways(void)
{
    static const char *const name[] = {[HQ_SUM_AUTO] = "auto", [HQ_SUM_FLAT] = "flat", [HQ_SUM_NODE] = "node"};
    for (int algorithm = HQ_SUM_AUTO; algorithm <= HQ_SUM_NODE; algorithm++)
        for (int exchange = HQ_EXCHANGE_AUTO; exchange <= HQ_EXCHANGE_PACKED; exchange++)
            for (int overlap = HQ_OVERLAP_AUTO; overlap <= HQ_OVERLAP_OFF; overlap++)
                for (size_t piece = 1; piece <= (1 << 20); piece *= 1 << 10)
                    check_way(algorithm, exchange, overlap, piece, name[algorithm]);
}

/* Every width, both signs, blocks that are short. */
static void test_packing(void)
{
    static int64_t x[1000], y[1000];
    static unsigned char bytes[9000];
    for (int bits = 0; bits < 64; bits++)
        for (size_t n = 0; n <= 1000; n = 3 * n + 1) {
            for (size_t i = 0; i < n; i++) {
                x[i] = (int64_t)((uint64_t)number(1, bits, i) >> bits) * (i % 2 ? 1 : -1);
                y[i] = 5;
            }
            if (n > 0) x[n / 2] = bits == 63 ? INT64_MIN : -((int64_t)1 << bits);
            CHECK(hq_sum_packed_most(n) <= sizeof bytes);
            const size_t size = hq_sum_pack(x, n, bytes);
            CHECK(size <= hq_sum_packed_most(n));
            CHECK(hq_sum_unpack(bytes, size, n, false, y));
            CHECK(memcmp(x, y, n * sizeof *x) == 0);
            CHECK(n == 0 || !hq_sum_unpack(bytes, size - 1, n, false, y));
            CHECK(!hq_sum_unpack(bytes, size, n + 1, false, y));
        }
    for (size_t i = 0; i < 1000; i++) x[i] = (int64_t)i, y[i] = 1;
    const size_t size = hq_sum_pack(x, 1000, bytes);
    CHECK(size < 2 * 1000 + 10);
    CHECK(hq_sum_unpack(bytes, size, 1000, true, y));
    for (int i = 0; i < 1000; i++) CHECK_INT(y[i], i + 1);
    bytes[0] = 9;
    CHECK(!hq_sum_unpack(bytes, size, 1000, true, y));
}

static void test_nodes(void)
{
    const char *ranks = getenv("HQCNN_NODE_RANKS");
    const int each = ranks ? atoi(ranks) : hq_dist_size(dist);
    CHECK_INT(hq_dist_nodes(dist), (hq_dist_size(dist) + each - 1) / each);
    CHECK(hq_dist_node_size(dist) <= each);
}

static void test_no_allocation(void)
{
    const hq_sum_options options = {.count = N, .border = border, .borders = BORDERS, .piece_bytes = 64, .group = 1};
    hq_sum *sum;
    CHECK_INT(hq_dist_sum_create(dist, &options, &sum), HQ_OK);
    run_step(sum, 0, "first");
    const int64_t allocations = hq_memory_count();
    for (int step = 1; step < 20; step++) run_step(sum, step, "later");
    CHECK_INT(hq_memory_count(), allocations);
    hq_dist_sum_destroy(sum);
}

int main(int argc, char **argv)
{
    if (hq_dist_start(&argc, &argv, &dist) != HQ_OK) return 1;
    HQ_RUN(test_nodes);
    HQ_RUN(test_packing);
    HQ_RUN(test_ways);
    HQ_RUN(test_no_allocation);
    int64_t failures = hq_check_failures();
    hq_dist_sum(dist, &failures, 1);
    hq_dist_stop(dist);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result() || failures > 0;
}
