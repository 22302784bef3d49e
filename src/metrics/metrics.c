#include "hqcnn/metrics.h"

#include <math.h>

#include "hqcnn/config.h"
#include "metrics/counts.h"

static bool has_nan(const hq_scored *s)
{
    for (int64_t i = 0; i < s->samples * s->classes; i++)
        if (isnan(s->scores[i])) return true;
    return false;
}

static hq_status class_auc(const hq_scored *s, int c, uint8_t *positive, double *auc)
{
    for (int64_t i = 0; i < s->samples; i++) positive[i] = hq_scored_is(s, i, c);
    return hq_metrics_auc(s->samples, s->scores + c, s->classes, positive, auc);
}

static hq_status compute_classes(const hq_scored *s, const hq_counts *counts, hq_class_metrics *classes)
{
    uint8_t *positive;
    HQ_TRY(hq_alloc((size_t)s->samples, "marks of a class", &positive));
    hq_status status = HQ_OK;
    for (int c = 0; c < s->classes && status == HQ_OK; c++) {
        hq_counts_rates(&counts[c], &classes[c]);
        status = class_auc(s, c, positive, &classes[c].auc);
    }
    hq_free(positive);
    return status;
}

/* Share of right answers. Multi-label: mean over labels; otherwise every right answer is a true positive of its class.
 */
static double accuracy(const hq_scored *s, const hq_counts *counts)
{
    bool multi = s->task == HQ_TASK_MULTI_LABEL;
    int64_t right = 0;
    for (int c = 0; c < s->classes; c++) right += counts[c].tp + (multi ? counts[c].tn : 0);
    return s->samples ? (double)right / ((double)s->samples * (multi ? s->classes : 1)) : NAN;
}

/* Means over classes; of a binary task class 1 alone is what counts. */
static void average(const hq_scored *s, const hq_class_metrics *classes, hq_metrics *m)
{
    int first = s->task == HQ_TASK_BINARY ? 1 : 0, n = s->classes - first, defined = 0;
    double auc = 0, precision = 0, recall = 0, f1 = 0;
    for (int c = first; c < s->classes; c++) {
        precision += classes[c].precision;
        recall += classes[c].recall;
        f1 += classes[c].f1;
        if (isnan(classes[c].auc)) continue;
        auc += classes[c].auc;
        defined++;
    }
    m->precision = precision / n;
    m->recall = recall / n;
    m->f1 = f1 / n;
    m->auc = defined ? auc / defined : NAN;
    m->auc_undefined = n - defined;
}

static void spoil(const hq_scored *s, hq_class_metrics *classes, hq_metrics *m)
{
    for (int c = 0; c < s->classes; c++)
        classes[c].auc = classes[c].precision = classes[c].recall = classes[c].f1 = NAN;
    m->acc = m->auc = m->precision = m->recall = m->f1 = NAN;
    m->auc_undefined = 0; /* no class is absent: nothing can be said at all */
}

static hq_status compute(const hq_scored *s, hq_counts *counts, hq_class_metrics *classes, int64_t *confusion,
                         hq_metrics *m)
{
    *m = (hq_metrics){.samples = s->samples};
    hq_counts_predictions(s, counts, confusion);
    HQ_TRY(compute_classes(s, counts, classes));
    m->acc = accuracy(s, counts);
    average(s, classes, m);
    if (has_nan(s)) spoil(s, classes, m);
    return HQ_OK;
}

hq_status hq_metrics_compute(int task, int classes, int64_t samples, const double *scores, const int32_t *labels,
                             hq_metrics *metrics, hq_class_metrics *per_class, int64_t *confusion)
{
    HQ_ASSERT(task > HQ_TASK_AUTO && task <= HQ_TASK_MULTI_LABEL && classes >= 1 && samples >= 0);
    HQ_ASSERT(task != HQ_TASK_BINARY || classes == 2);
    const hq_scored scored = {task, classes, samples, scores, labels};
    hq_counts *counts;
    hq_class_metrics *own = NULL;
    HQ_TRY(hq_alloc_array((size_t)classes, sizeof *counts, "counts of the classes", &counts));
    hq_status status = per_class ? HQ_OK : hq_alloc_array((size_t)classes, sizeof *own, "metrics of the classes", &own);
    if (status == HQ_OK) status = compute(&scored, counts, per_class ? per_class : own, confusion, metrics);
    hq_free(own);
    hq_free(counts);
    return status;
}
