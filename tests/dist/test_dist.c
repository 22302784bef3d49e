/* Agreement, broadcast, sums, shares, gathering, node-shared memory and what is said of the machine, on any rank count.
 */
#include "hqcnn/dist.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

static hq_dist *dist;

static void test_identity(void)
{
    CHECK(hq_dist_rank(dist) >= 0 && hq_dist_rank(dist) < hq_dist_size(dist));
    CHECK_INT(hq_dist_nodes(dist), 1);
    CHECK_INT(hq_dist_node_size(dist), hq_dist_size(dist));
    CHECK_INT(hq_dist_check_launch(dist), HQ_OK);
}

static void test_agree(void)
{
    const int last = hq_dist_size(dist) - 1, rank = hq_dist_rank(dist);
    CHECK_INT(hq_dist_agree(dist, HQ_OK), HQ_OK);
    CHECK_INT(hq_dist_agree(dist, rank == last ? HQ_ERR_DATA : HQ_OK), HQ_ERR_DATA);
    CHECK_INT(hq_dist_agree(dist, rank == 0      ? HQ_INTERRUPTED
                                  : rank == last ? HQ_ERR_NUMERIC
                                                 : HQ_OK),
              last == 0 ? HQ_INTERRUPTED : HQ_ERR_NUMERIC);
    CHECK_INT(hq_dist_node_agree(dist, rank == last ? HQ_ERR_FILE : HQ_OK), HQ_ERR_FILE);
}

/* All have the memory, or none. */
static void test_alloc(void)
{
    const int64_t before = hq_memory_balance();
    const bool last = hq_dist_rank(dist) == hq_dist_size(dist) - 1;
    int *numbers;
    CHECK_INT(hq_dist_alloc(dist, 4, sizeof *numbers, "test", &numbers), HQ_OK);
    CHECK(numbers);
    hq_free(numbers);
    CHECK_INT(hq_dist_alloc(dist, last ? SIZE_MAX : 4, sizeof *numbers, "this test, on purpose", &numbers),
              HQ_ERR_MEMORY);
    CHECK(!numbers);
    CHECK_INT(hq_memory_balance(), before);
}

static void test_bcast(void)
{
    char text[3][16] = {"", "", ""};
    if (hq_dist_rank(dist) == 0) strcpy(text[0], "of rank 0"), strcpy(text[1], "of the leader");
    CHECK_INT(hq_dist_bcast(dist, text[0], sizeof text[0]), HQ_OK);
    CHECK_INT(hq_dist_node_bcast(dist, text[1], sizeof text[1]), HQ_OK);
    CHECK_INT(hq_dist_bcast(dist, text[2], 0), HQ_OK);
    CHECK_TEXT(text[0], "of rank 0");
    CHECK_TEXT(text[1], "of the leader");
}

static void test_sum(void)
{
    enum { N = 1000 };
    static int64_t sum[N];
    const int64_t size = hq_dist_size(dist);
    for (int i = 0; i < N; i++) sum[i] = (int64_t)1 << 40 | (hq_dist_rank(dist) * i);
    CHECK_INT(hq_dist_sum(dist, sum, N), HQ_OK);
    for (int i = 0; i < N; i++) CHECK_INT(sum[i], size * ((int64_t)1 << 40) + i * (size * (size - 1) / 2));
}

static void test_share(void)
{
    for (int64_t n = 0; n < 30; n++) {
        int64_t next = 0;
        for (int rank = 0; rank < hq_dist_size(dist); rank++) {
            int64_t lo, hi;
            hq_dist_share_of(dist, rank, n, &lo, &hi);
            CHECK_INT(lo, next);
            CHECK(hi - lo == n / hq_dist_size(dist) || hi - lo == n / hq_dist_size(dist) + 1);
            next = hi;
        }
        CHECK_INT(next, n);
    }
}

/* Rows in groups, the last one short; some ranks have none. */
static void test_gather(void)
{
    static double mine[200], all[200];
    for (int64_t rows = 1; rows <= 23; rows += 11)
        for (int64_t group = 1; group <= 5; group += 2) {
            int64_t lo, hi;
            hq_dist_share(dist, (rows + group - 1) / group, &lo, &hi);
            for (int64_t i = lo * group; i < hi * group && i < rows; i++)
                for (int j = 0; j < 3; j++) mine[(i - lo * group) * 3 + j] = (double)(10 * i + j);
            CHECK_INT(hq_dist_gather_rows(dist, rows, group, 3, mine, hq_dist_rank(dist) == 0 ? all : NULL), HQ_OK);
            for (int64_t i = 0; hq_dist_rank(dist) == 0 && i < rows; i++)
                for (int j = 0; j < 3; j++) CHECK_INT(all[i * 3 + j], 10 * i + j);
        }
}

static void test_shared(void)
{
    hq_shared *shared;
    const int rank = hq_dist_node_rank(dist), size = hq_dist_node_size(dist);
    CHECK_INT(hq_dist_shared_alloc(dist, (size_t)size * sizeof(int), "test", &shared), HQ_OK);
    int *block = hq_dist_shared_block(shared);
    CHECK_INT(block[rank], 0);
    block[rank] = 100 + rank;
    CHECK_INT(hq_dist_shared_sync(shared), HQ_OK);
    for (int i = 0; i < size; i++) CHECK_INT(block[i], 100 + i); /* one copy: written by others */
    hq_dist_shared_free(shared);
}

static void test_tell(void)
{
    const int rank = hq_dist_rank(dist), last = hq_dist_size(dist) - 1;
    char text[32], expected[32];
    hq_found found;
    snprintf(text, sizeof text, "of rank %d", rank);
    CHECK_INT(hq_dist_tell(dist, rank >= last - 1, text, sizeof text, &found), HQ_OK);
    const int first = last > 0 ? last - 1 : 0;
    snprintf(expected, sizeof expected, "of rank %d", first);
    CHECK_TEXT(text, expected);
    CHECK_INT(found.rank, first);
    CHECK_INT(found.count, last > 0 ? 2 : 1);
    CHECK_INT(hq_dist_tell(dist, false, text, sizeof text, &found), HQ_OK);
    CHECK_TEXT(text, "");
    CHECK_INT(found.count, 0);
}

static void test_machine(void)
{
    char library[HQ_LIBRARY_TEXT];
    hq_link link;
    int cores;
    hq_dist_library(library);
    CHECK(library[0] != '\0' && !strchr(library, '\n'));
    CHECK_INT(hq_dist_library_setting("no_such_setting"), -1);
    CHECK_INT(hq_dist_node_cores(dist, &cores), HQ_OK);
    CHECK(cores > 0);
    CHECK_INT(hq_dist_measure_link(dist, &link), HQ_OK);
    CHECK((link.rate > 0) == (hq_dist_nodes(dist) > 1));
    CHECK((link.latency > 0) == (hq_dist_nodes(dist) > 1));
    CHECK(hq_dist_shared_room() > 0);
}

int main(int argc, char **argv)
{
    if (hq_dist_start(&argc, &argv, &dist) != HQ_OK) return 1;
    HQ_RUN(test_identity);
    HQ_RUN(test_agree);
    HQ_RUN(test_alloc);
    HQ_RUN(test_bcast);
    HQ_RUN(test_sum);
    HQ_RUN(test_share);
    HQ_RUN(test_gather);
    HQ_RUN(test_shared);
    HQ_RUN(test_tell);
    HQ_RUN(test_machine);
    int64_t failures = hq_check_failures();
    hq_dist_sum(dist, &failures, 1);
    hq_dist_stop(dist);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result() || failures > 0;
}
