#include <string.h>

#include "hqcnn/metrics.h"
#include "support/check.h"

enum { MAX = 400 };

/* The definition: every pair of a positive and a negative, one by one. */
static double auc_of_pairs(int n, const double *score, const uint8_t *positive)
{
    double wins = 0, pairs = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            if (!positive[i] || positive[j]) continue;
            pairs++;
            wins += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
        }
    }
    return pairs > 0 ? wins / pairs : NAN;
}

static double auc(int n, const double *score, const uint8_t *positive)
{
    double value = -1;
    CHECK(hq_metrics_auc(n, score, 1, positive, &value) == HQ_OK);
    CHECK_INT(hq_memory_balance(), 0);
    return value;
}

static void closed_forms(void)
{
    const uint8_t up[] = {0, 0, 1, 1}, down[] = {1, 1, 0, 0}, marked[] = {0, 7, 0, 255};
    const double rising[] = {0.1, 0.2, 0.3, 0.4}, equal[] = {0.5, 0.5, 0.5, 0.5};
    CHECK(auc(4, rising, up) == 1);
    CHECK(auc(4, rising, down) == 0);
    CHECK(auc(4, rising, marked) == 0.75); /* any byte but 0 marks a positive */
    CHECK(auc(4, equal, up) == 0.5);
    const double textbook[] = {0.1, 0.4, 0.35, 0.8}; /* the example of scikit-learn's roc_auc_score: 3 of 4 pairs */
    CHECK(auc(4, textbook, up) == 0.75);
    const double tied[] = {0.2, 0.3, 0.3, 0.4}; /* (0.3, 0.3) counts one half: 3.5 of 4 */
    CHECK(auc(4, tied, up) == 0.875);
    const double zeros[] = {-0.0, 0.0, -0.0, 0.0}; /* equal as numbers: ties */
    CHECK(auc(4, zeros, up) == 0.5);
    const double infinite[] = {-INFINITY, 0, 1, INFINITY};
    CHECK(auc(4, infinite, up) == 1);
}

static void undefined(void)
{
    const double score[] = {0.1, 0.2, 0.3, NAN};
    const uint8_t none[4] = {0}, all[] = {1, 1, 1, 1}, some[] = {0, 1, 0, 1};
    CHECK(isnan(auc(3, score, none)));
    CHECK(isnan(auc(3, score, all)));
    CHECK(isnan(auc(4, score, some)));
    CHECK(isnan(auc(0, score, some)));
    CHECK(auc(3, score, some) == 0.5);
}

/* Few different scores: many ties. */
static void as_the_definition_for_random_scores(void)
{
    for (uint64_t round = 0; round < 200; round++) {
        hq_random stream = hq_random_make(round, HQ_PURPOSE_TEST, 1, 0);
        double score[MAX];
        uint8_t positive[MAX];
        int n = 1 + (int)(hq_random_next(&stream) % MAX), levels = 1 + (int)(hq_random_next(&stream) % 50);
        for (int i = 0; i < n; i++) {
            positive[i] = hq_random_uniform(&stream) < 0.3;
            score[i] = floor(levels * hq_random_uniform(&stream)) / levels + 0.02 * positive[i];
        }
        double want = auc_of_pairs(n, score, positive), have = auc(n, score, positive);
        CHECK_MSG(have == want || (isnan(have) && isnan(want)), "round %d: %.17g, expected %.17g", (int)round, have,
                  want);
    }
}

static void strided_scores(void)
{
    const double score[] = {0.1, 9, 9, 0.4, 9, 9, 0.35, 9, 9, 0.8};
    const uint8_t positive[] = {0, 0, 1, 1};
    double value;
    CHECK(hq_metrics_auc(4, score, 3, positive, &value) == HQ_OK);
    CHECK(value == 0.75);
}

/* Positives 2i + 1 against negatives 2i, in mixed order: i + 1 wins each, so (n + 1) / 2n; too many for a sum of pairs
 * in 32 bits. */
static void many_samples(void)
{
    const int64_t half = 100003, n = 2 * half;
    double *score, value;
    uint8_t *positive;
    CHECK(hq_alloc_array((size_t)n, sizeof *score, "scores", &score) == HQ_OK);
    CHECK(hq_alloc((size_t)n, "marks", &positive) == HQ_OK);
    for (int64_t i = 0; i < n; i++) {
        int64_t rank = i * 77773 % n; /* 77773 and n have no common factor: every rank once */
        score[i] = (double)rank;
        positive[i] = rank % 2 == 1;
    }
    CHECK(hq_metrics_auc(n, score, 1, positive, &value) == HQ_OK);
    CHECK_NEAR(value, (double)(half + 1) / (2.0 * (double)half), 1e-15);
    hq_free(score);
    hq_free(positive);
}

int main(void)
{
    HQ_RUN(closed_forms);
    HQ_RUN(undefined);
    HQ_RUN(as_the_definition_for_random_scores);
    HQ_RUN(strided_scores);
    HQ_RUN(many_samples);
    return hq_check_result();
}
