/* The order of the samples: a permutation for every n, different per epoch and seed, uniform, without memory. */
#include "hqcnn/data.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static void check_permutation(int64_t n, uint64_t seed, uint32_t epoch)
{
    unsigned char *seen = calloc((size_t)n, 1);
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = hq_data_shuffle(seed, epoch, n, i);
        if (at < 0 || at >= n || seen[at]++) bad++;
    }
    CHECK_MSG(bad == 0, "n = %lld, seed %llu, epoch %u: %lld values out of range or double", (long long)n,
              (unsigned long long)seed, epoch, (long long)bad);
    free(seen);
}

static void test_permutations(void)
{
    for (int64_t n = 1; n <= 300; n++) check_permutation(n, 7, (uint32_t)n);
    static const int64_t large[] = {1000, 1023, 1024, 1025, 4096, 4097, 65536, 65537};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) check_permutation(large[i], 1, 0);
    CHECK_INT(hq_data_shuffle(3, 4, 1, 0), 0);
}

/* Beyond 32 bits only a few values can be looked at. */
static void test_large(void)
{
    int64_t n = ((int64_t)1 << 40) + 12345, before = -1;
    for (int64_t i = 0; i < 100; i++) {
        int64_t at = hq_data_shuffle(1, 2, n, i);
        CHECK(at >= 0 && at < n && at != before);
        before = at;
    }
}

static void test_epochs_differ(void)
{
    enum { N = 500 };
    int same_epoch = 0, same_seed = 0, fixed = 0;
    for (int64_t i = 0; i < N; i++) {
        int64_t at = hq_data_shuffle(1, 0, N, i);
        CHECK_INT(hq_data_shuffle(1, 0, N, i), at); /* a function of its arguments alone */
        same_epoch += at == hq_data_shuffle(1, 1, N, i);
        same_seed += at == hq_data_shuffle(2, 0, N, i);
        fixed += at == i;
    }
    /* About one each in a random permutation. */
    CHECK(same_epoch < 8);
    CHECK(same_seed < 8);
    CHECK(fixed < 8);
}

/* Where does element i go over many epochs? Chi-square of the counts; with the seed fixed the outcome is fixed, too. */
static double chi_square(int64_t n, int64_t i, int epochs)
{
    int *count = calloc((size_t)n, sizeof *count);
    double sum = 0, expected = (double)epochs / (double)n;
    for (int e = 0; e < epochs; e++) count[hq_data_shuffle(5, (uint32_t)e, n, i)]++;
    for (int64_t k = 0; k < n; k++) sum += (count[k] - expected) * (count[k] - expected) / expected;
    free(count);
    return sum;
}

static void test_uniform(void)
{
    static const int64_t sizes[] = {2, 3, 4, 5, 7, 16, 17, 50, 100};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        double freedom = (double)(n - 1),
               limit = freedom + 4.5 * sqrt(2 * freedom) + 4; /* about one in 10,000 and less */
        int64_t places[3] = {0, n / 2, n - 1};
        for (int p = 0; p < 3; p++) {
            double have = chi_square(n, places[p], 6000);
            CHECK_MSG(have < limit, "n = %d, element %d: chi-square %g, limit %g", (int)n, (int)places[p], have, limit);
        }
    }
}

/* Neighbours must not stay neighbours: the place of i + 1 after the place of i is uniform over the n - 1 other places.
 */
static void test_neighbours(void)
{
    enum { N = 20, EPOCHS = 6000 };
    int count[N] = {0};
    for (int e = 0; e < EPOCHS; e++) {
        int64_t a = hq_data_shuffle(9, (uint32_t)e, N, 3), b = hq_data_shuffle(9, (uint32_t)e, N, 4);
        count[(b - a + N) % N]++;
    }
    double sum = 0, expected = (double)EPOCHS / (N - 1);
    for (int k = 1; k < N; k++) sum += (count[k] - expected) * (count[k] - expected) / expected;
    CHECK_INT(count[0], 0);
    CHECK_MSG(sum < 18 + 4.5 * 6 + 4, "chi-square of the distance of neighbours is %g", sum);
}

static void test_no_memory(void)
{
    int64_t count = hq_memory_count();
    hq_data_shuffle(1, 1, 100000000, 5);
    CHECK_INT(hq_memory_count(), count);
}

int main(void)
{
    HQ_RUN(test_permutations);
    HQ_RUN(test_large);
    HQ_RUN(test_epochs_differ);
    HQ_RUN(test_uniform);
    HQ_RUN(test_neighbours);
    HQ_RUN(test_no_memory);
    return hq_check_result();
}
