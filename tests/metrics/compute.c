#include <string.h>

#include "hqcnn/config.h"
#include "hqcnn/metrics.h"
#include "support/check.h"

static hq_metrics all;
static hq_class_metrics class[8];
static int64_t confusion[64];

static void compute(int task, int classes, int64_t samples, const double *scores, const int32_t *labels)
{
    memset(confusion, -1, sizeof confusion);
    CHECK(hq_metrics_compute(task, classes, samples, scores, labels, &all, class, confusion) == HQ_OK);
    CHECK_INT(hq_memory_balance(), 0);
    CHECK_INT(all.samples, samples);
}

static void check_counts(const int64_t *want, int n)
{
    for (int i = 0; i < n; i++) CHECK_INT(confusion[i], want[i]);
    CHECK_INT(confusion[n], -1); /* nothing is written behind */
}

static void check_class(int c, double auc, double precision, double recall, double f1, int64_t support)
{
    if (isnan(auc))
        CHECK(isnan(class[c].auc));
    else
        CHECK_NEAR(class[c].auc, auc, 1e-15);
    CHECK_NEAR(class[c].precision, precision, 1e-15);
    CHECK_NEAR(class[c].recall, recall, 1e-15);
    CHECK_NEAR(class[c].f1, f1, 1e-15);
    CHECK_INT(class[c].support, support);
}

/* A score of exactly 0.5 is not class 1. */
static void binary(void)
{
    const double scores[] = {0.9, 0.1, 0.5, 0.5, 0.4, 0.6, 0.5, 0.5, 0.2, 0.8, 0.3, 0.7};
    const int32_t labels[] = {0, 0, 0, 1, 1, 1};
    compute(HQ_TASK_BINARY, 2, 6, scores, labels);
    CHECK_NEAR(all.acc, 4.0 / 6, 1e-15);
    CHECK_NEAR(all.auc, 7.5 / 9, 1e-15); /* 0.5 > 0.1, = 0.5, < 0.6; 0.8 and 0.7 above all */
    CHECK_NEAR(all.precision, 2.0 / 3, 1e-15);
    CHECK_NEAR(all.recall, 2.0 / 3, 1e-15);
    CHECK_NEAR(all.f1, 2.0 / 3, 1e-15);
    CHECK_INT(all.auc_undefined, 0);
    check_counts((const int64_t[]){2, 1, 1, 2}, 4);
    check_class(0, 7.5 / 9, 2.0 / 3, 2.0 / 3, 2.0 / 3, 3);
    check_class(1, 7.5 / 9, 2.0 / 3, 2.0 / 3, 2.0 / 3, 3);
}

/* Class 1 alone makes precision, recall and F1 of a binary task. */
static void binary_means_class_one(void)
{
    const double scores[] = {0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.4, 0.6};
    const int32_t labels[] = {0, 0, 1, 0};
    compute(HQ_TASK_BINARY, 2, 4, scores, labels);
    CHECK_NEAR(all.acc, 0.5, 1e-15);
    CHECK(all.precision == 0 && all.recall == 0 && all.f1 == 0);
    check_class(0, 1.0 / 3, 2.0 / 3, 2.0 / 3, 2.0 / 3, 3);
    CHECK_NEAR(all.auc, 1.0 / 3, 1e-15); /* 0.1 ties with two and loses to one */
}

static void multi_class(int task)
{
    const double scores[] = {
        0.5, 0.3, 0.2, /* 0 as 0 */
        0.4, 0.4, 0.2, /* 0 as 0: the first maximum wins */
        0.2, 0.4, 0.4, /* 2 as 1: the first maximum wins */
        0.1, 0.6, 0.3, /* 1 as 1 */
        0.6, 0.3, 0.1, /* 1 as 0 */
        0.1, 0.2, 0.7, /* 2 as 2 */
    };
    const int32_t labels[] = {0, 0, 2, 1, 1, 2};
    compute(task, 3, 6, scores, labels);
    CHECK_NEAR(all.acc, 4.0 / 6, 1e-15);
    check_counts((const int64_t[]){2, 0, 0, 1, 1, 0, 0, 1, 1}, 9);
    /* AUC by hand, positives against negatives: 0: {.5, .4} - {.2, .1, .6, .1}; 1: {.6, .3} - {.3, .4, .4, .2};
     * 2: {.4, .7} - {.2, .2, .3, .1} */
    check_class(0, 6.0 / 8, 2.0 / 3, 1, 0.8, 2);
    check_class(1, 5.5 / 8, 0.5, 0.5, 0.5, 2);
    check_class(2, 1, 1, 0.5, 2.0 / 3, 2);
    CHECK_NEAR(all.auc, (6.0 / 8 + 5.5 / 8 + 1) / 3, 1e-15);
    CHECK_NEAR(all.precision, (2.0 / 3 + 0.5 + 1) / 3, 1e-15);
    CHECK_NEAR(all.recall, 2.0 / 3, 1e-15);
    CHECK_NEAR(all.f1, (0.8 + 0.5 + 2.0 / 3) / 3, 1e-15);
}

static void multi_class_and_ordinal(void)
{
    multi_class(HQ_TASK_MULTI_CLASS);
    multi_class(HQ_TASK_ORDINAL);
}

static void absent_class_is_left_out(void)
{
    const double scores[] = {0.8, 0.1, 0.1, 0.3, 0.1, 0.6, 0.2, 0.1, 0.7};
    const int32_t labels[] = {0, 0, 2};
    compute(HQ_TASK_MULTI_CLASS, 3, 3, scores, labels);
    check_class(1, NAN, 0, 0, 0, 0); /* every denominator is 0 */
    check_class(0, 1, 1, 0.5, 2.0 / 3, 2);
    check_class(2, 1, 0.5, 1, 2.0 / 3, 1);
    CHECK_INT(all.auc_undefined, 1);
    CHECK_NEAR(all.auc, 1, 1e-15);
    CHECK_NEAR(all.precision, 0.5, 1e-15); /* the mean is over all three */
}

static void one_class_alone_has_no_auc(void)
{
    const double scores[] = {0.8, 0.2, 0.3, 0.7};
    const int32_t labels[] = {1, 1};
    compute(HQ_TASK_MULTI_CLASS, 2, 2, scores, labels);
    CHECK(isnan(all.auc));
    CHECK_INT(all.auc_undefined, 2);
    CHECK_NEAR(all.acc, 0.5, 1e-15);
    compute(HQ_TASK_BINARY, 2, 2, scores, labels);
    CHECK(isnan(all.auc));
    CHECK_INT(all.auc_undefined, 1); /* that of class 1, the only one that counts */
}

static void multi_label(void)
{
    const double scores[] = {
        0.9, 0.5, 0.1, /* */
        0.6, 0.6, 0.2, /* */
        0.5, 0.2, 0.3, /* */
        0.1, 0.8, 0.4,
    };
    const int32_t labels[] = {1, 1, 0, /* */ 0, 1, 0, /* */ 1, 0, 0, /* */ 0, 0, 0};
    compute(HQ_TASK_MULTI_LABEL, 3, 4, scores, labels);
    check_counts((const int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 4, 0, 0, 0}, 12); /* TN, FP, FN, TP of each label */
    CHECK_NEAR(all.acc, (0.5 + 0.5 + 1) / 3, 1e-15);
    check_class(0, 3.0 / 4, 0.5, 0.5, 0.5, 2); /* {.9, .5} - {.6, .1} */
    check_class(1, 2.0 / 4, 0.5, 0.5, 0.5, 2); /* {.5, .6} - {.2, .8} */
    check_class(2, NAN, 0, 0, 0, 0);
    CHECK_NEAR(all.auc, 5.0 / 8, 1e-15);
    CHECK_INT(all.auc_undefined, 1);
    CHECK_NEAR(all.f1, 1.0 / 3, 1e-15);
}

static void multi_label_order_of_counts(void)
{
    const double scores[] = {0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1};
    const int32_t labels[] = {1, 1, 1, 1, 0, 0, 1, 1, 1, 0};
    compute(HQ_TASK_MULTI_LABEL, 1, 10, scores, labels);
    check_counts((const int64_t[]){1, 2, 3, 4}, 4);
    check_class(0, (4 * 1 + 0.5 * 4 * 2 + 0.5 * 3) / 21, 4.0 / 6, 4.0 / 7, 8.0 / 13, 7);
}

static void a_nan_spoils_everything(void)
{
    const double scores[] = {0.9, 0.1, NAN, NAN, 0.1, 0.9};
    const int32_t labels[] = {0, 0, 1}, columns[] = {0, 1, 0, 1, 1, 0};
    for (int task = HQ_TASK_BINARY; task <= HQ_TASK_MULTI_LABEL; task++) {
        compute(task, 2, 3, scores, task == HQ_TASK_MULTI_LABEL ? columns : labels);
        CHECK(isnan(all.acc) && isnan(all.auc) && isnan(all.precision) && isnan(all.recall) && isnan(all.f1));
        for (int c = 0; c < 2; c++)
            CHECK(isnan(class[c].auc) && isnan(class[c].precision) && isnan(class[c].recall) && isnan(class[c].f1));
        CHECK_INT(all.auc_undefined, 0);
        CHECK_INT(class[0].support + class[1].support, 3);
    }
}

static void no_samples(void)
{
    compute(HQ_TASK_MULTI_CLASS, 3, 0, NULL, NULL);
    CHECK(isnan(all.acc) && isnan(all.auc));
    CHECK(all.f1 == 0);
    CHECK_INT(all.auc_undefined, 3);
}

/* Against the definitions, sample by sample; without the optional outputs the result is the same. */
static void random_scores(void)
{
    enum { N = 150, K = 5 };
    double scores[N * K];
    int32_t labels[N];
    hq_random stream = hq_random_make(3, HQ_PURPOSE_TEST, 2, 0);
    for (int i = 0; i < N; i++) {
        labels[i] = (int32_t)(hq_random_next(&stream) % K);
        for (int c = 0; c < K; c++)
            scores[i * K + c] = floor(8 * hq_random_uniform(&stream) + 2 * (c == labels[i])) / 8;
    }
    compute(HQ_TASK_MULTI_CLASS, K, N, scores, labels);
    int right = 0;
    double mean = 0;
    for (int c = 0; c < K; c++) {
        double wins = 0, pairs = 0;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N && labels[i] == c; j++) {
                if (labels[j] == c) continue;
                double difference = scores[i * K + c] - scores[j * K + c];
                wins += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
                pairs++;
            }
        }
        CHECK_NEAR(class[c].auc, wins / pairs, 1e-15);
        mean += wins / pairs / K;
    }
    for (int i = 0; i < N; i++) {
        bool first_maximum = true;
        for (int c = 0; c < K; c++) {
            double difference = scores[i * K + labels[i]] - scores[i * K + c];
            first_maximum = first_maximum && (c < labels[i] ? difference > 0 : difference >= 0);
        }
        right += first_maximum;
    }
    CHECK_NEAR(all.auc, mean, 1e-14);
    CHECK_NEAR(all.acc, (double)right / N, 1e-15);
    CHECK(right > N / 5 && right < N);
    hq_metrics bare;
    CHECK(hq_metrics_compute(HQ_TASK_MULTI_CLASS, K, N, scores, labels, &bare, NULL, NULL) == HQ_OK);
    CHECK(bare.acc == all.acc && bare.auc == all.auc && bare.f1 == all.f1);
    CHECK_INT(hq_memory_balance(), 0);
}

int main(void)
{
    HQ_RUN(binary);
    HQ_RUN(binary_means_class_one);
    HQ_RUN(multi_class_and_ordinal);
    HQ_RUN(absent_class_is_left_out);
    HQ_RUN(one_class_alone_has_no_auc);
    HQ_RUN(multi_label);
    HQ_RUN(multi_label_order_of_counts);
    HQ_RUN(a_nan_spoils_everything);
    HQ_RUN(no_samples);
    HQ_RUN(random_scores);
    return hq_check_result();
}
