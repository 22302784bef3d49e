/* Losses and scores: plain formulas for moderate logits, closed forms for extreme ones. */
#include "nn/arrays.h"
#include "support/reference.h"

enum { N = 7, CLASSES = 5 };

static const double weights[CLASSES] = {1, 0.5, 2, 0.25, 3};

static hq_real *make_logits(void)
{
    hq_real *logits = random_array(N * CLASSES);
    for (int i = 0; i < N * CLASSES; i++) logits[i] *= 6;
    return logits;
}

static void test_softmax(void)
{
    const int32_t labels[N] = {0, 4, 2, 2, 1, 3, 0};
    hq_real *logits = make_logits(), *grad = output_array(N * CLASSES);
    double *ref_grad = double_array(N * CLASSES), loss, alone;
    hq_softmax_loss(N, CLASSES, logits, labels, weights, 3.5, &loss, grad);
    CHECK_NEAR(loss, ref_softmax_loss(N, CLASSES, logits, labels, weights, 3.5, ref_grad), 1e-12);
    check_array("softmax dlogits", N * CLASSES, grad, ref_grad, TOLERANCE);
    hq_softmax_loss(N, CLASSES, logits, labels, weights, 3.5, &alone, NULL);
    CHECK(alone == loss);
    free(logits), free(grad), free(ref_grad);
}

static void test_sigmoid(void)
{
    int32_t labels[N * CLASSES];
    for (int i = 0; i < N * CLASSES; i++) labels[i] = i % 3 == 0;
    hq_real *logits = make_logits(), *grad = output_array(N * CLASSES);
    double *ref_grad = double_array(N * CLASSES), loss, alone;
    hq_sigmoid_loss(N, CLASSES, logits, labels, weights, 11, &loss, grad);
    CHECK_NEAR(loss, ref_sigmoid_loss(N, CLASSES, logits, labels, weights, 11, ref_grad), 1e-12);
    check_array("sigmoid dlogits", N * CLASSES, grad, ref_grad, TOLERANCE);
    hq_sigmoid_loss(N, CLASSES, logits, labels, weights, 11, &alone, NULL);
    CHECK(alone == loss);
    free(logits), free(grad), free(ref_grad);
}

/* With the denominator of the whole batch, the losses of its micro-batches add up and the gradients are the same. */
static void test_micro_batches(void)
{
    const int32_t labels[N] = {0, 4, 2, 2, 1, 3, 0};
    hq_real *logits = make_logits(), *whole = output_array(N * CLASSES), *part = output_array(N * CLASSES);
    double total, first, second;
    hq_softmax_loss(N, CLASSES, logits, labels, weights, 9, &total, whole);
    hq_softmax_loss(3, CLASSES, logits, labels, weights, 9, &first, part);
    hq_softmax_loss(N - 3, CLASSES, logits + 3 * CLASSES, labels + 3, weights, 9, &second, part + 3 * CLASSES);
    CHECK_NEAR(first + second, total, 1e-13);
    check_same("dlogits", N * CLASSES, part, whole);
    free(logits), free(whole), free(part);
}

static void check_softmax_pair(hq_real first, hq_real second, int32_t label, double expected, double slope)
{
    const hq_real logits[2] = {first, second};
    const double ones[2] = {1, 1};
    hq_real grad[2];
    double loss;
    hq_softmax_loss(1, 2, logits, &label, ones, 1, &loss, grad);
    CHECK_NEAR(loss, expected, 1e-15);
    CHECK(grad[0] == slope && grad[1] == -slope);
}

static void test_softmax_large(void)
{
    check_softmax_pair(10000, 0, 0, 0, 0);
    check_softmax_pair(10000, 0, 1, 10000, 1);
    check_softmax_pair(0, 10000, 1, 0, 0);
    check_softmax_pair(0, 10000, 0, 10000, -1);
    check_softmax_pair(-10000, -10000, 0, log(2), -0.5);
    const hq_real logits[6] = {10000, 0, 0, 10000, -10000, -10000};
    const double expected[6] = {1, 0, 0, 1, 0.5, 0.5};
    double scores[6];
    hq_softmax_scores(3, 2, logits, scores);
    for (int i = 0; i < 6; i++) CHECK(scores[i] == expected[i]);
}

static void test_sigmoid_large(void)
{
    const hq_real logits[4] = {10000, -10000, 10000, -10000};
    const int32_t labels[4] = {1, 1, 0, 0};
    const double expected_loss[4] = {0, 20000, 10000, 0}, expected_grad[4] = {0, -2, 1, 0}, positive[1] = {2};
    for (int i = 0; i < 4; i++) {
        hq_real grad;
        double loss;
        hq_sigmoid_loss(1, 1, logits + i, labels + i, positive, 1, &loss, &grad);
        CHECK(loss == expected_loss[i] && grad == expected_grad[i]);
    }
    /* A tiny loss keeps its digits: log(1 + e^-40) = e^-40 (1 - e^-40 / 2 ...). */
    const hq_real sure = 40;
    double loss;
    hq_sigmoid_loss(1, 1, &sure, labels, positive, 1, &loss, NULL);
    CHECK(fabs(loss - 2 * exp(-40)) <= 1e-14 * loss);
}

static void test_scores(void)
{
    hq_real *logits = make_logits();
    double softmax[N * CLASSES], sigmoid[N * CLASSES];
    hq_softmax_scores(N, CLASSES, logits, softmax);
    hq_sigmoid_scores(N, CLASSES, logits, sigmoid);
    for (int i = 0; i < N; i++) {
        double sum = 0, exps = 0;
        for (int k = 0; k < CLASSES; k++) sum += softmax[i * CLASSES + k], exps += exp(logits[i * CLASSES + k]);
        CHECK_NEAR(sum, 1, 1e-14);
        for (int k = 0; k < CLASSES; k++) {
            CHECK_NEAR(softmax[i * CLASSES + k], exp(logits[i * CLASSES + k]) / exps, 1e-14);
            CHECK_NEAR(sigmoid[i * CLASSES + k], 1 / (1 + exp(-logits[i * CLASSES + k])), 1e-14);
        }
    }
    free(logits);
}

static void test_nan(void)
{
    for (int place = 0; place < 3; place++) {
        hq_real logits[3] = {1, 2, 3}, grad[3];
        const int32_t label[1] = {1}, columns[3] = {1, 0, 1};
        const double ones[3] = {1, 1, 1};
        double loss, scores[3];
        logits[place] = (hq_real)NAN;
        hq_softmax_loss(1, 3, logits, label, ones, 1, &loss, grad);
        CHECK(isnan(loss) && isnan(grad[0]) && isnan(grad[1]) && isnan(grad[2]));
        hq_softmax_scores(1, 3, logits, scores);
        CHECK(isnan(scores[0]) && isnan(scores[2]));
        hq_sigmoid_loss(1, 3, logits, columns, ones, 1, &loss, grad);
        CHECK(isnan(loss) && isnan(grad[place]) && !isnan(grad[(place + 1) % 3]));
        hq_sigmoid_scores(1, 3, logits, scores);
        CHECK(isnan(scores[place]));
    }
}

int main(void)
{
    HQ_RUN(test_softmax);
    HQ_RUN(test_sigmoid);
    HQ_RUN(test_micro_batches);
    HQ_RUN(test_softmax_large);
    HQ_RUN(test_sigmoid_large);
    HQ_RUN(test_scores);
    HQ_RUN(test_nan);
    return hq_check_result();
}
