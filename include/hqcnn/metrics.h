/* metrics.h: accuracy, AUC, precision, recall, F1, confusion matrix, as the MedMNIST evaluator defines them.
 *
 * Works on the scores of all samples of a split, each exactly once, in the order of the samples. Knows no MPI; local.
 */
#ifndef HQCNN_METRICS_H
#define HQCNN_METRICS_H

#include "hqcnn/base.h"

/* Results for one class (multi-label: one label column). auc is NaN when only one of "is / is not this class" occurs.
 */
typedef struct hq_class_metrics {
    double auc, precision, recall, f1;
    int64_t support; /* samples of the class */
} hq_class_metrics;

typedef struct hq_metrics {
    int64_t samples;
    double acc;                   /* 0..1 */
    double auc;                   /* 0..1, mean over the classes where it is defined; NaN if none */
    double precision, recall, f1; /* unweighted means over classes; binary: of class 1 */
    int auc_undefined;            /* classes left out of auc, because the samples are all or none of theirs */
} hq_metrics;

/* Computes all metrics.
 * task: HQ_TASK_* of config.h; scores[samples][classes]: softmax (multi-label: sigmoid) of the outputs;
 * labels[samples][1] class numbers, or [samples][classes] 0/1 for multi-label.
 * Out: metrics; per_class[classes]; confusion[classes][classes] = counts of (true, predicted), for multi-label
 * [classes][4] = TN, FP, FN, TP of each label; per_class and confusion may be NULL. HQ_ERR_MEMORY. Binary: ACC from
 * score[1] > 0.5, AUC of score[1]; multi-class and ordinal: argmax, first maximum wins, unweighted mean of the
 * one-vs-rest AUCs; multi-label: mean over labels. AUC is Mann-Whitney with ties one half. A quotient with denominator
 * 0 is 0. Binary: classes is 2, and the means are those of class 1. When a score is NaN every double result is NaN. */
hq_status hq_metrics_compute(int task, int classes, int64_t samples, const double *scores, const int32_t *labels,
                             hq_metrics *metrics, hq_class_metrics *per_class, int64_t *confusion);

/* AUC of scores (stride apart) for positive[i] != 0: share of (positive, negative) pairs in the right order, ties one
 * half. NaN when one of the two kinds is absent or a score is NaN. Sorts, O(n log n). */
hq_status hq_metrics_auc(int64_t n, const double *score, int stride, const uint8_t *positive, double *auc);

#endif
