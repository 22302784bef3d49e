/* importance.c: what the keys of a sweep matter; learning curves. */
#include "sweep/private.h"

#include <math.h>
#include <stdlib.h>

/* ---- ranks ------------------------------------------------------------------------------------------------------- */

typedef struct hq_score {
    double merit, rank; /* rank: from 0, the mean of those that are equal */
    double value;       /* on the axis at hand; NAN: not varied */
    int group, index;
} hq_score;

static int by_merit(const void *a, const void *b)
{
    const hq_score *x = a, *y = b;
    if (x->merit != y->merit) return x->merit < y->merit ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int by_value(const void *a, const void *b)
{
    const hq_score *x = a, *y = b;
    if (isnan(x->value) || isnan(y->value)) return isnan(x->value) - isnan(y->value);
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void rank(hq_score *score, int n)
{
    qsort(score, (size_t)n, sizeof *score, by_merit);
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && score[end].merit == score[i].merit;) end++;
        for (int k = i; k < end; k++) score[k].rank = (i + end - 1) / 2.0;
    }
}

/* Groups by the value of a list or by fifths of a range, as even as equal values allow; those that are not varied are
 * one. Returns how many there are; the scores are then in their order. */
static int group(const hq_axis *axis, hq_score *score, int n)
{
    enum { PARTS = 5 };
    int varied = 0, groups = 0;
    qsort(score, (size_t)n, sizeof *score, by_value);
    while (varied < n && !isnan(score[varied].value)) varied++;
    for (int i = 0, part = -1; i < n; i++) {
        const bool starts = i == 0 || i == varied,
                   equal = !starts && (i > varied || score[i].value == score[i - 1].value);
        const int here = axis->range && i < varied ? (int)((int64_t)i * PARTS / varied) : i;
        if (starts || (!equal && here != part)) groups++, part = here;
        score[i].group = groups - 1;
    }
    return groups;
}

/* Kelley's epsilon squared of the ranks between groups that stand one behind the other; NAN with one group. */
static double explained(const hq_score *score, int n, int groups)
{
    const double mean = (n - 1) / 2.0;
    double all = 0, between = 0;
    if (groups < 2 || groups >= n) return NAN;
    for (int i = 0, end; i < n; i = end) {
        double sum = 0;
        for (end = i; end < n && score[end].group == score[i].group; end++) {
            sum += score[end].rank - mean;
            all += (score[end].rank - mean) * (score[end].rank - mean);
        }
        between += sum * sum / (end - i);
    }
    if (all <= 0) return NAN;
    const double within = (all - between) / (n - groups);
    return fmax(0, (between - (groups - 1) * within) / all);
}

hq_status hq_sweep_importance(hq_sweep *sweep, const hq_trial *list, int n, double *share)
{
    const int axes = sweep->space.axes;
    hq_score *score;
    HQ_TRY(hq_alloc_array((size_t)n + 1, sizeof *score, "ranks of trials", &score));
    for (int i = 0; i < n; i++)
        score[i] =
            (hq_score){.merit = sweep->results.rungs > 1 ? hq_merit_at(sweep, list[i].number - 1, 0) : list[i].merit,
                       .index = list[i].number - 1};
    rank(score, n);
    for (int k = 0; k < axes; k++) {
        for (int i = 0; i < n; i++) score[i].value = sweep->point[score[i].index * axes + k];
        share[k] = explained(score, n, group(&sweep->space.axis[k], score, n));
    }
    hq_free(score);
    return HQ_OK;
}

/* ---- curves ------------------------------------------------------------------------------------------------------ */

hq_status hq_sweep_curve(hq_sweep *sweep, int trial, double *curve, size_t epochs)
{
    for (size_t i = 0; i < epochs; i++) curve[i] = 0;
    for (int seed = 0; seed < sweep->seeds; seed++)
        if (!hq_results_add_curve(&sweep->results, hq_plan_key(sweep, trial - 1, seed), 1.0 / sweep->seeds, curve,
                                  epochs))
            for (size_t i = 0; i < epochs; i++) curve[i] = NAN;
    return HQ_OK;
}
