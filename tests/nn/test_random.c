/* Initialisation and dropout masks: functions of their keys, with the right distribution. */
#include "nn/arrays.h"

#include <string.h>

enum { COUNT = 4000 };

static void test_init_range(void)
{
    hq_real *w = output_array(COUNT);
    hq_init_uniform(7, "conv1.weight", -0.25, 0.75, COUNT, w);
    double sum = 0, squares = 0, least = 1, most = -1;
    for (int i = 0; i < COUNT; i++) {
        sum += w[i], squares += (w[i] - 0.25) * (w[i] - 0.25);
        least = fmin(least, w[i]), most = fmax(most, w[i]);
    }
    CHECK(least >= -0.25 && least < -0.24 && most < 0.75 && most > 0.74);
    CHECK_NEAR(sum / COUNT, 0.25, 0.03); /* over 6 standard errors */
    CHECK_NEAR(squares / COUNT, 1.0 / 12, 0.01);
    free(w);
}

/* In a range of few representable numbers every draw that rounds up to the end must be taken back below it. */
static void test_init_end_excluded(void)
{
    hq_real *w = output_array(COUNT);
    hq_init_uniform(7, "narrow", 16777214, 16777215, COUNT, w);
    for (int i = 0; i < COUNT; i++) CHECK(w[i] >= 16777214 && w[i] < 16777215);
    free(w);
}

static void test_init_determinism(void)
{
    hq_real *w = output_array(COUNT), *again = output_array(COUNT), *other = output_array(COUNT);
    hq_init_uniform(7, "conv1.weight", -1, 1, COUNT, w);
    hq_init_uniform(7, "conv1.weight", -1, 1, COUNT, again);
    check_same("same key", COUNT, again, w);
    hq_init_uniform(7, "conv1.weight", -1, 1, 17, other);
    check_same("the count does not matter", 17, other, w);
    hq_init_uniform(7, "conv1.bias", -1, 1, COUNT, other);
    CHECK(memcmp(other, w, COUNT * sizeof *w) != 0);
    hq_init_uniform(8, "conv1.weight", -1, 1, COUNT, again);
    CHECK(memcmp(again, w, COUNT * sizeof *w) != 0);
    double by_name = 0, by_seed = 0, by_place = 0;
    for (int i = 0; i < COUNT; i++) by_name += w[i] * other[i], by_seed += w[i] * again[i];
    for (int i = 1; i < COUNT; i++) by_place += w[i] * w[i - 1];
    /* standard deviation of each: sqrt(COUNT) / 3 = 21 */
    CHECK_MSG(fabs(by_name) < 110 && fabs(by_seed) < 110 && fabs(by_place) < 110, "correlated: %g %g %g", by_name,
              by_seed, by_place);
    free(w), free(again), free(other);
}

static void test_mask_values(void)
{
    const int64_t samples[2] = {5, 6};
    hq_real *keep = output_array(2 * COUNT);
    hq_dropout_mask(2, COUNT, 0.75, 1, 0, samples, keep);
    int kept = 0;
    for (int i = 0; i < 2 * COUNT; i++) {
        CHECK(keep[i] == 0 || keep[i] == 4);
        kept += keep[i] > 0;
    }
    CHECK_NEAR(kept / (2.0 * COUNT), 0.25, 0.03);
    hq_dropout_mask(1, COUNT, 0, 1, 0, samples, keep);
    for (int i = 0; i < COUNT; i++) CHECK(keep[i] == 1);
    free(keep);
}

/* A sample's mask is the same wherever it stands; other samples, epochs and seeds have other masks. */
static void test_mask_keys(void)
{
    enum { WIDTH = 64 };
    const int64_t samples[3] = {1000000007, 3, 42}, moved[2] = {42, 1000000007};
    hq_real keep[3 * WIDTH], other[2 * WIDTH], changed[WIDTH];
    hq_dropout_mask(3, WIDTH, 0.5, 9, 4, samples, keep);
    hq_dropout_mask(2, WIDTH, 0.5, 9, 4, moved, other);
    check_same("sample 42", WIDTH, other, keep + 2 * WIDTH);
    check_same("sample 1000000007", WIDTH, other + WIDTH, keep);
    CHECK(memcmp(keep, keep + WIDTH, sizeof changed) != 0);
    hq_dropout_mask(1, WIDTH, 0.5, 9, 5, samples, changed);
    CHECK(memcmp(keep, changed, sizeof changed) != 0);
    hq_dropout_mask(1, WIDTH, 0.5, 10, 4, samples, changed);
    CHECK(memcmp(keep, changed, sizeof changed) != 0);
}

int main(void)
{
    HQ_RUN(test_init_range);
    HQ_RUN(test_init_end_excluded);
    HQ_RUN(test_init_determinism);
    HQ_RUN(test_mask_values);
    HQ_RUN(test_mask_keys);
    return hq_check_result();
}
