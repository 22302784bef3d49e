#include "metrics/counts.h"

#include <string.h>

#include "hqcnn/config.h"

bool hq_scored_is(const hq_scored *s, int64_t i, int c)
{
    return s->task == HQ_TASK_MULTI_LABEL ? s->labels[i * s->classes + c] != 0 : s->labels[i] == c;
}

static int predict(const hq_scored *s, const double *score)
{
    if (s->task == HQ_TASK_BINARY) return score[1] > 0.5;
    int best = 0;
    for (int c = 1; c < s->classes; c++)
        if (score[c] > score[best]) best = c;
    return best;
}

static void count_pair(hq_counts *counts, bool is, bool predicted)
{
    counts->tp += is && predicted;
    counts->fp += !is && predicted;
    counts->fn += is && !predicted;
    counts->tn += !is && !predicted;
}

static void count_one_label(const hq_scored *s, hq_counts *counts, int64_t *confusion)
{
    if (confusion) memset(confusion, 0, (size_t)s->classes * (size_t)s->classes * sizeof *confusion);
    for (int64_t i = 0; i < s->samples; i++) {
        int label = s->labels[i], predicted = predict(s, s->scores + i * s->classes);
        HQ_ASSERT(label >= 0 && label < s->classes);
        if (confusion) confusion[(int64_t)label * s->classes + predicted]++;
        for (int c = 0; c < s->classes; c++) count_pair(&counts[c], c == label, c == predicted);
    }
}

static void count_multi_label(const hq_scored *s, hq_counts *counts, int64_t *confusion)
{
    for (int64_t i = 0; i < s->samples; i++)
        for (int c = 0; c < s->classes; c++)
            count_pair(&counts[c], hq_scored_is(s, i, c), s->scores[i * s->classes + c] > 0.5);
    for (int c = 0; confusion && c < s->classes; c++) {
        const int64_t row[4] = {counts[c].tn, counts[c].fp, counts[c].fn, counts[c].tp};
        memcpy(confusion + 4 * c, row, sizeof row);
    }
}

void hq_counts_predictions(const hq_scored *s, hq_counts *counts, int64_t *confusion)
{
    memset(counts, 0, (size_t)s->classes * sizeof *counts);
    if (s->task == HQ_TASK_MULTI_LABEL)
        count_multi_label(s, counts, confusion);
    else
        count_one_label(s, counts, confusion);
}

static double quotient(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : 0; }

void hq_counts_rates(const hq_counts *n, hq_class_metrics *out)
{
    out->precision = quotient(n->tp, n->tp + n->fp);
    out->recall = quotient(n->tp, n->tp + n->fn);
    out->f1 = quotient(2 * n->tp, 2 * n->tp + n->fp + n->fn); /* = 2 P R / (P + R), without its 0 / 0 */
    out->support = n->tp + n->fn;
}
