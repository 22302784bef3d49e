/* A linear classifier must fail on the built-in set: a network that learns it has seen outlines, not brightness. */
#include "hqcnn/data.h"
#include "support/check.h"

#include <stdlib.h>

enum { PIXELS = 784, TRAIN = 1024, TEST = 1024, STEPS = 150 };

static double weight[PIXELS + 1];

static double score(const hq_real *x)
{
    double sum = weight[PIXELS];
    for (int k = 0; k < PIXELS; k++) sum += weight[k] * (double)x[k];
    return sum;
}

static double test_auc(const hq_real *x, const int32_t *label)
{
    static double s[TEST];
    double above = 0, pairs = 0;
    for (int i = 0; i < TEST; i++) s[i] = score(x + i * PIXELS);
    for (int i = 0; i < TEST; i++)
        for (int j = 0; j < TEST; j++) {
            if (label[i] != 1 || label[j] != 0) continue;
            above += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
            pairs++;
        }
    return above / pairs;
}

/* One step of gradient descent with momentum on the logistic loss; returns the loss. */
static double descend(const hq_real *x, const int32_t *label)
{
    static double velocity[PIXELS + 1];
    double gradient[PIXELS + 1] = {0}, loss = 0;
    for (int i = 0; i < TRAIN; i++) {
        double s = score(x + i * PIXELS), error = 1 / (1 + exp(-s)) - label[i];
        loss += log1p(exp(label[i] ? -s : s)) / TRAIN;
        for (int k = 0; k < PIXELS; k++) gradient[k] += error * (double)x[i * PIXELS + k] / TRAIN;
        gradient[PIXELS] += error / TRAIN;
    }
    for (int k = 0; k <= PIXELS; k++) {
        velocity[k] = 0.9 * velocity[k] - 0.02 * gradient[k];
        weight[k] += velocity[k];
    }
    return loss;
}

static void load_all(const hq_dataset *set, hq_split split, hq_real **x)
{
    CHECK(hq_alloc_array((size_t)set->info.count[split] * PIXELS, sizeof **x, "images", x) == HQ_OK);
    for (int64_t i = 0; i < set->info.count[split]; i++) hq_data_load(set, split, &i, 1, NULL, *x + i * PIXELS);
}

static void test_linear(void)
{
    hq_config config;
    hq_data_source *source;
    hq_data_info info;
    hq_dataset set;
    void *block;
    hq_real *train, *test;
    hq_config_defaults(&config);
    config.phantom_train = TRAIN;
    config.phantom_test = TEST;
    CHECK_INT(hq_data_open(&config, &source, &info), HQ_OK);
    CHECK_INT(hq_alloc(info.bytes, "block", &block), HQ_OK);
    CHECK_INT(hq_data_fill(source, block, 0, 1), HQ_OK);
    hq_data_close(source);
    hq_data_attach(&info, block, &set);
    load_all(&set, HQ_SPLIT_TRAIN, &train);
    load_all(&set, HQ_SPLIT_TEST, &test);
    double first = 0, last = 0, best = 0;
    for (int step = 0; step < STEPS; step++) {
        last = descend(train, set.label[HQ_SPLIT_TRAIN]);
        if (step == 0) first = last;
        if (step % 25 == 24) best = fmax(best, test_auc(test, set.label[HQ_SPLIT_TEST]));
    }
    CHECK_MSG(last < 0.9 * first, "the classifier did not learn: loss %g after %g", last, first);
    CHECK_MSG(best < 0.70, "a linear classifier reaches a test AUC of %g", best);
    hq_free(train);
    hq_free(test);
    hq_free(block);
}

int main(void)
{
    HQ_RUN(test_linear);
    return hq_check_result();
}
