/* Losses and scores, computed in double. The largest exponent is 0 everywhere, so no logit is too large; a NaN or an
 * infinite difference goes into the loss and is found there. */
#include "hqcnn/nn.h"

#include <math.h>

/* Largest logit and sum of exp(logit - largest). */
static double exponential_sum(int classes, const hq_real *logits, double *largest)
{
    double sum = 0;
    *largest = logits[0];
    for (int k = 1; k < classes; k++)
        if (logits[k] > *largest) *largest = logits[k];
    for (int k = 0; k < classes; k++) sum += exp(logits[k] - *largest);
    return sum;
}

void hq_softmax_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                     double denominator, double *loss, hq_real *dlogits)
{
    double total = 0;
    for (int i = 0; i < n; i++, logits += classes) {
        int label = labels[i];
        HQ_ASSERT(label >= 0 && label < classes);
        double largest, sum = exponential_sum(classes, logits, &largest);
        double weight = (class_weight ? class_weight[label] : 1) / denominator;
        total += weight * (log(sum) - (logits[label] - largest));
        if (!dlogits) continue;
        for (int k = 0; k < classes; k++)
            dlogits[k] = (hq_real)(weight * (exp(logits[k] - largest) / sum - (k == label)));
        dlogits += classes;
    }
    *loss = total;
}

static double sigmoid(double z)
{
    double e = exp(-fabs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/* log(1 + exp(z)). */
static double softplus(double z) { return (z > 0 ? z : 0) + log1p(exp(-fabs(z))); }

void hq_sigmoid_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                     double denominator, double *loss, hq_real *dlogits)
{
    double total = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < classes; k++) {
            int64_t at = (int64_t)i * classes + k;
            HQ_ASSERT(labels[at] == 0 || labels[at] == 1);
            double sign = labels[at] ? -1 : 1; /* a positive label wants a large logit */
            double weight = (labels[at] && class_weight ? class_weight[k] : 1) / denominator;
            total += weight * softplus(sign * logits[at]);
            if (dlogits) dlogits[at] = (hq_real)(weight * sign * sigmoid(sign * logits[at]));
        }
    *loss = total;
}

void hq_softmax_scores(int n, int classes, const hq_real *logits, double *scores)
{
    for (int i = 0; i < n; i++, logits += classes, scores += classes) {
        double largest, sum = exponential_sum(classes, logits, &largest);
        for (int k = 0; k < classes; k++) scores[k] = exp(logits[k] - largest) / sum;
    }
}

void hq_sigmoid_scores(int n, int classes, const hq_real *logits, double *scores)
{
    for (int64_t i = 0; i < (int64_t)n * classes; i++) scores[i] = sigmoid(logits[i]);
}
