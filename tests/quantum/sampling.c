/* Binomial numbers and counts of outcomes against their exact distributions (chi-square, fixed seeds). */
#include "quantum/sampling.h"

#include "noisy.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- binomial ---- */

static double log_binomial(int64_t n, double p, int64_t k)
{
    return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) + (double)k * log(p) +
           (double)(n - k) * log1p(-p);
}

/* Draws, then walks over all k near the mean and gathers neighbours until 1/50 of the draws is expected there: few
 * large bins show small distortions. */
static void check_binomial(int64_t n, double p, int draws)
{
    hq_random stream = hq_random_make(31, HQ_PURPOSE_TEST, 1, (uint64_t)n);
    const double mean = (double)n * p, width = 12 * sqrt(mean * (1 - p)) + 40;
    const int64_t low = mean > width ? (int64_t)(mean - width) : 0;
    const int64_t high = mean + width < (double)n ? (int64_t)(mean + width) : n;
    int *seen = calloc((size_t)(high - low + 1), sizeof *seen);
    double expected = 0, got = 0, chi = 0, total = 0, least = draws / 50.0;
    int bins = 0;
    for (int i = 0; i < draws; i++) {
        const int64_t k = hq_binomial(&stream, n, p);
        CHECK_MSG(k >= low && k <= high, "%lld of %lld, p %g", (long long)k, (long long)n, p);
        if (k >= low && k <= high) seen[k - low]++;
    }
    for (int64_t k = low; k <= high; k++) {
        expected += draws * exp(log_binomial(n, p, k));
        got += seen[k - low];
        total += draws * exp(log_binomial(n, p, k));
        if (expected < least || draws - total < least) continue; /* the last bin takes the rest */
        chi += (got - expected) * (got - expected) / expected;
        bins++;
        expected = got = 0;
    }
    CHECK_MSG(fabs(total / draws - 1) < 1e-4, "expected %g in all, n %lld, p %g", total / draws, (long long)n, p);
    if (expected > 0) chi += (got - expected) * (got - expected) / expected;
    const double z = noisy_chi_square_z(chi, bins);
    CHECK_MSG(bins > 0 && fabs(z) < 4, "n %lld, p %g: chi-square %g for %d, %.1f sigma", (long long)n, p, chi, bins, z);
    free(seen);
}

/* Both methods and the change between them, both sides of 1/2, small and huge n. */
static void test_binomial(void)
{
    static const struct {
        int64_t n;
        double p;
    } cases[] = {{1, 0.3},     {2, 0.5},      {10, 0.1},       {10, 0.9},      {19, 0.5},         {21, 0.5},
                 {40, 0.2499}, {40, 0.2501},  {40, 0.75},      {1000, 0.0099}, {1000, 0.0101},    {1000, 0.3},
                 {1000, 0.71}, {100000, 0.5}, {1000000, 3e-6}, {1000000, 0.2}, {1000000000, 0.4}, {1000000000, 1e-7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_binomial(cases[i].n, cases[i].p, 1000000);
}

static void test_binomial_ends(void)
{
    hq_random stream = hq_random_make(31, HQ_PURPOSE_TEST, 2, 0);
    CHECK_INT(hq_binomial(&stream, 0, 0.5), 0);
    CHECK_INT(hq_binomial(&stream, 1000, 0), 0);
    CHECK_INT(hq_binomial(&stream, 1000, 1), 1000);
    CHECK_INT(stream.position, 0);
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(hq_binomial(&stream, 1000000000, 1e-30), 0);
        CHECK_INT(hq_binomial(&stream, 1000000000, 1 - 1e-16), 1000000000);
    }
}

/* ---- counts ---- */

enum { BITS_MAX = 5, OUTCOMES = 1 << BITS_MAX };

typedef struct counts {
    int64_t of[OUTCOMES];
    int64_t last, total;
} counts;

static void count(void *ctx, uint32_t outcome, int64_t n)
{
    counts *c = ctx;
    CHECK((int64_t)outcome > c->last && n > 0);
    c->last = outcome;
    c->of[outcome] += n;
    c->total += n;
}

static void draw(int bits, const double *tree, int64_t shots, hq_random *stream, counts *c)
{
    c->last = -1;
    hq_sampling_draw(bits, tree, shots, stream, count, c);
}

/* Of the counts of one draw, outcomes of expected count < 5 in all draws gathered in one bin. */
static double chi_square(int bits, const double *p, int64_t shots, double draws, const int64_t *of, int *bins,
                         double *inverses)
{
    double chi = 0, rare = 0, rare_got = 0;
    *bins = 0;
    *inverses = 0;
    for (int j = 0; j < 1 << bits; j++) {
        const double expected = p[j] * (double)shots, got = (double)of[j];
        if (p[j] == 0) CHECK_INT(of[j], 0);
        if (expected * draws < 5) {
            rare += expected;
            rare_got += got;
            continue;
        }
        chi += (got - expected) * (got - expected) / expected;
        *inverses += 1 / p[j];
        ++*bins;
    }
    if (rare == 0) return chi;
    ++*bins;
    *inverses += (double)shots / rare;
    return chi + (rare_got - rare) * (rare_got - rare) / rare;
}

/* The counts of all draws together follow the distribution. So do those of single draws, too small for the chi-square
 * distribution: but their chi-square has mean k - 1 and variance 2 (k - 1) + (sum 1/p - k^2 - 2k + 2) / shots exactly
 * (k bins), whatever the number of shots; too even counts would show. */
static void check_counts(int bits, const double *p, int64_t shots, int draws)
{
    hq_random stream = hq_random_make(32, HQ_PURPOSE_TEST, (uint32_t)bits, (uint64_t)shots);
    double tree[2 * OUTCOMES], mean = 0, inverses;
    counts all = {.total = 0};
    int bins;
    memcpy(tree + (1 << bits), p, sizeof *p << bits);
    hq_sampling_start(bits, tree);
    CHECK_NEAR(tree[1], 1, 1e-14);
    for (int i = 0; i < draws; i++) {
        counts one = {.total = 0};
        draw(bits, tree, shots, &stream, &one);
        CHECK_INT(one.total, shots);
        mean += chi_square(bits, p, shots, draws, one.of, &bins, &inverses) / draws;
        for (int j = 0; j < 1 << bits; j++) all.of[j] += one.of[j];
    }
    const double k = bins, variance = 2 * (k - 1) + (inverses - k * k - 2 * k + 2) / (double)shots;
    CHECK_MSG(fabs(mean - (k - 1)) <= 4 * sqrt(fmax(variance, 0) / draws) + 1e-9,
              "%lld shots: chi-square %g of a draw, %g +- %g", (long long)shots, mean, k - 1, sqrt(variance / draws));
    const double chi = chi_square(bits, p, shots * draws, 1, all.of, &bins, &inverses);
    CHECK_MSG(fabs(noisy_chi_square_z(chi, bins - 1)) < 4, "%lld shots: chi-square %g for %d", (long long)shots, chi,
              bins - 1);
}

static void check_distribution(int bits, const double *weights)
{
    double p[OUTCOMES], sum = 0;
    for (int j = 0; j < 1 << bits; j++) sum += weights[j];
    for (int j = 0; j < 1 << bits; j++) p[j] = weights[j] / sum;
    check_counts(bits, p, 1, 100000);
    check_counts(bits, p, 10, 20000);
    check_counts(bits, p, 1000, 2000);
    check_counts(bits, p, 1000000, 2000);
}

static void test_counts(void)
{
    hq_random stream = hq_random_make(33, HQ_PURPOSE_TEST, 0, 0);
    double flat[OUTCOMES], steep[OUTCOMES], uneven[OUTCOMES], holes[OUTCOMES];
    fill_random(&stream, OUTCOMES, 0, 1, uneven);
    for (int j = 0; j < OUTCOMES; j++) {
        flat[j] = 1;
        steep[j] = pow(10, -0.4 * j); /* 1 to 10^-12 */
        holes[j] = j % 3 ? uneven[j] : 0;
    }
    for (int bits = 1; bits <= BITS_MAX; bits++) {
        check_distribution(bits, flat);
        check_distribution(bits, steep);
        check_distribution(bits, uneven);
        if (bits > 1) check_distribution(bits, holes);
    }
}

/* A sure outcome; weights that do not sum to one. */
static void test_sure_outcome(void)
{
    hq_random stream = hq_random_make(34, HQ_PURPOSE_TEST, 0, 0);
    for (int j = 0; j < 8; j++) {
        double tree[16] = {0};
        counts c = {.total = 0};
        tree[8 + j] = 1e-3;
        hq_sampling_start(3, tree);
        draw(3, tree, 12345, &stream, &c);
        CHECK_INT(c.of[j], 12345);
    }
    CHECK_INT(stream.position, 0);
}

/* Only the stream decides. */
static void test_repeatable(void)
{
    double tree[16];
    hq_random fill = hq_random_make(35, HQ_PURPOSE_TEST, 0, 0);
    fill_random(&fill, 8, 0, 1, tree + 8);
    hq_sampling_start(3, tree);
    counts c[3] = {{.total = 0}};
    for (int i = 0; i < 3; i++) {
        hq_random stream = hq_random_make(36, HQ_PURPOSE_TEST, 0, i == 2);
        draw(3, tree, 1000, &stream, &c[i]);
    }
    CHECK(memcmp(c[0].of, c[1].of, sizeof c[0].of) == 0);
    CHECK(memcmp(c[0].of, c[2].of, sizeof c[0].of) != 0);
}

int main(void)
{
    HQ_RUN(test_binomial);
    HQ_RUN(test_binomial_ends);
    HQ_RUN(test_counts);
    HQ_RUN(test_sure_outcome);
    HQ_RUN(test_repeatable);
    return hq_check_result();
}
