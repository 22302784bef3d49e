/* ReLU, tanh scaling and the product of dropout. */
#include "nn/arrays.h"

#include <string.h>

static void test_relu(void)
{
    enum { COUNT = 103 };
    hq_real *x = random_array(COUNT), *dy = random_array(COUNT), *y = output_array(COUNT), *dx = output_array(COUNT);
    x[5] = 0;
    hq_relu_fwd(COUNT, x, y);
    hq_relu_bwd(COUNT, y, dy, dx);
    for (int i = 0; i < COUNT; i++) {
        CHECK(y[i] == (x[i] > 0 ? x[i] : 0));
        CHECK(dx[i] == (x[i] > 0 ? dy[i] : 0));
    }
    hq_relu_bwd(COUNT, y, dy, dy);
    check_same("dx in place", COUNT, dy, dx);
    hq_relu_fwd(COUNT, x, x);
    check_same("y in place", COUNT, x, y);
    free(x), free(dy), free(y), free(dx);
}

static void test_tanh(void)
{
    enum { COUNT = 37 };
    const double factor = 1.5707963267948966;
    hq_real *x = random_array(COUNT), *dy = random_array(COUNT), *y = output_array(COUNT), *dx = output_array(COUNT);
    x[0] = 50, x[1] = -50, x[2] = 0;
    hq_tanh_fwd(COUNT, factor, x, y);
    hq_tanh_bwd(COUNT, factor, y, dy, dx);
    for (int i = 0; i < COUNT; i++) {
        CHECK_NEAR(y[i], factor * tanh(x[i]), TOLERANCE);
        CHECK_NEAR(dx[i], dy[i] * factor / (cosh(x[i]) * cosh(x[i])), TOLERANCE);
    }
    hq_tanh_bwd(COUNT, factor, y, dy, dy);
    check_same("dx in place", COUNT, dy, dx);
    hq_tanh_fwd(COUNT, factor, x, x);
    check_same("y in place", COUNT, x, y);
    free(x), free(dy), free(y), free(dx);
}

static void test_dropout_apply(void)
{
    hq_real x[5] = {1, -2, 3, 4, 5}, y[5];
    const hq_real keep[5] = {0, 2, 2, 0, 2}, expected[5] = {0, -4, 6, 0, 10};
    hq_dropout_apply(5, keep, x, y);
    check_same("y", 5, y, expected);
    hq_dropout_apply(5, keep, x, x);
    check_same("y in place", 5, x, expected);
}

/* In every position, so that vector bodies and tails are met. */
static void test_nan(void)
{
    for (int place = 0; place < 9; place++) {
        hq_real x[9] = {0}, keep[9] = {0}, ones[9], y[9];
        for (int i = 0; i < 9; i++) ones[i] = 1;
        x[place] = (hq_real)NAN;
        hq_relu_fwd(9, x, y);
        CHECK(isnan(y[place]) && y[(place + 1) % 9] == 0);
        hq_relu_bwd(9, ones, x, y);
        CHECK(isnan(y[place]));
        hq_relu_bwd(9, x, ones, y); /* behind a NaN the gradient is not cut off */
        CHECK(y[place] == 1 && y[(place + 1) % 9] == 0);
        hq_tanh_fwd(9, 2, x, y);
        CHECK(isnan(y[place]));
        hq_tanh_bwd(9, 2, x, ones, y);
        CHECK(isnan(y[place]));
        hq_dropout_apply(9, keep, x, y);
        CHECK(isnan(y[place]));
    }
}

int main(void)
{
    HQ_RUN(test_relu);
    HQ_RUN(test_tanh);
    HQ_RUN(test_dropout_apply);
    HQ_RUN(test_nan);
    return hq_check_result();
}
