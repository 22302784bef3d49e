#include <math.h>
#include <stdlib.h>

#include "hqcnn/metrics.h"

typedef struct hq_ranked {
    double score;
    int64_t positive; /* 0 or 1 */
} hq_ranked;

static int by_score(const void *a, const void *b)
{
    double x = ((const hq_ranked *)a)->score, y = ((const hq_ranked *)b)->score;
    return (x > y) - (x < y);
}

/* Twice the number of pairs in the right order, a tie counting one: an integer, so the order of summing has no say. It
 * stays below n^2 / 2, which 64 bits hold for 4e9 samples. */
static int64_t double_wins(const hq_ranked *item, int64_t n)
{
    int64_t wins = 0, negatives_below = 0;
    for (int64_t start = 0, end; start < n; start = end) {
        int64_t positives = 0;
        for (end = start; end < n && item[end].score == item[start].score; end++) positives += item[end].positive;
        int64_t negatives = end - start - positives;
        wins += positives * (2 * negatives_below + negatives);
        negatives_below += negatives;
    }
    return wins;
}

hq_status hq_metrics_auc(int64_t n, const double *score, int stride, const uint8_t *positive, double *auc)
{
    *auc = NAN;
    hq_ranked *item;
    HQ_TRY(hq_alloc_array((size_t)n, sizeof *item, "the ranking of scores", &item));
    int64_t positives = 0;
    bool comparable = true; /* a NaN has no rank */
    for (int64_t i = 0; i < n; i++) {
        item[i] = (hq_ranked){score[i * stride], positive[i] != 0};
        positives += item[i].positive;
        comparable = comparable && !isnan(item[i].score);
    }
    int64_t negatives = n - positives;
    if (comparable && positives && negatives) {
        qsort(item, (size_t)n, sizeof *item, by_score);
        *auc = (double)double_wins(item, n) / (2.0 * (double)positives * (double)negatives);
    }
    hq_free(item);
    return HQ_OK;
}
