/* Predictions and what follows from counting them. */
#ifndef HQ_METRICS_COUNTS_H
#define HQ_METRICS_COUNTS_H

#include "hqcnn/metrics.h"

/* One class (or label column) against the rest: in the order of the confusion rows of multi-label tasks. */
typedef struct hq_counts {
    int64_t tn, fp, fn, tp;
} hq_counts;

/* The scores and labels of hq_metrics_compute. */
typedef struct hq_scored {
    int task; /* HQ_TASK_BINARY ... HQ_TASK_MULTI_LABEL */
    int classes;
    int64_t samples;
    const double *scores;  /* [samples][classes] */
    const int32_t *labels; /* [samples][1], or [samples][classes] */
} hq_scored;

/* Whether sample i is of class c. */
bool hq_scored_is(const hq_scored *scored, int64_t i, int c);

/* Counts predictions into counts[classes] and, if not NULL, confusion (layout of hq_metrics_compute). Both are zeroed
 * first. */
void hq_counts_predictions(const hq_scored *scored, hq_counts *counts, int64_t *confusion);

/* Precision, recall, F1 and support of one class; a quotient with denominator 0 is 0. */
void hq_counts_rates(const hq_counts *counts, hq_class_metrics *out);

#endif
