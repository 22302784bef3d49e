/* Adaptive average pooling against its definition. */
#include "nn/arrays.h"
#include "support/reference.h"

static void check_avgpool(ref_cells p)
{
    size_t in = (size_t)(p.n * p.d * p.h * p.w * p.c), out = (size_t)(p.n * p.out_d * p.out * p.out * p.c);
    hq_real *x = random_array(in), *dy = random_array(out), *y = output_array(out), *dx = output_array(in);
    double *ref_y = double_array(out), *ref_dx = double_array(in);
    hq_avgpool_fwd(p.n, p.d, p.h, p.w, p.c, p.out_d, p.out, x, y);
    hq_avgpool_bwd(p.n, p.d, p.h, p.w, p.c, p.out_d, p.out, dy, dx);
    ref_avgpool_fwd(&p, x, ref_y);
    ref_avgpool_bwd(&p, dy, ref_dx);
    check_array("avgpool y", out, y, ref_y, TOLERANCE);
    check_array("avgpool dx", in, dx, ref_dx, TOLERANCE);
    free(x), free(dy), free(y), free(dx), free(ref_y), free(ref_dx);
}

static void test_avgpool(void)
{
    check_avgpool((ref_cells){2, 1, 8, 8, 3, 1, 4});
    check_avgpool((ref_cells){2, 1, 7, 5, 3, 1, 3});
    check_avgpool((ref_cells){1, 1, 3, 5, 2, 1, 4}); /* fewer rows than cells */
    check_avgpool((ref_cells){2, 1, 1, 1, 5, 1, 4});
    check_avgpool((ref_cells){1, 1, 28, 13, 65, 1, 4});
    check_avgpool((ref_cells){1, 1, 6, 9, 130, 1, 1});
    check_avgpool((ref_cells){2, 7, 5, 8, 3, 4, 4}); /* volumes */
    check_avgpool((ref_cells){1, 3, 9, 4, 66, 4, 4});
}

static void test_avgpool_same_size(void)
{
    hq_real *x = random_array(2 * 16 * 7), *y = output_array(2 * 16 * 7);
    hq_avgpool_fwd(2, 1, 4, 4, 7, 1, 4, x, y);
    check_same("y = x", 2 * 16 * 7, y, x);
    hq_avgpool_bwd(2, 1, 4, 4, 7, 1, 4, x, y);
    check_same("dx = dy", 2 * 16 * 7, y, x);
    free(x), free(y);
}

/* torch.nn.AdaptiveAvgPool2d(3) of 0..9 in a row of five columns: cells 0-1, 1-3, 3-4. */
static void test_avgpool_overlap(void)
{
    hq_real x[25], y[9];
    for (int i = 0; i < 25; i++) x[i] = (hq_real)(i % 5);
    hq_avgpool_fwd(1, 1, 5, 5, 1, 1, 3, x, y);
    for (int row = 0; row < 3; row++) {
        CHECK_NEAR(y[3 * row], 0.5, TOLERANCE);
        CHECK_NEAR(y[3 * row + 1], 2, TOLERANCE);
        CHECK_NEAR(y[3 * row + 2], 3.5, TOLERANCE);
    }
}

static void test_avgpool_nan(void)
{
    hq_real x[4] = {1, (hq_real)NAN, 2, 3}, y[2];
    hq_avgpool_fwd(1, 1, 1, 2, 2, 1, 1, x, y);
    CHECK(y[0] == 1.5 && isnan(y[1]));
}

int main(void)
{
    HQ_RUN(test_avgpool);
    HQ_RUN(test_avgpool_same_size);
    HQ_RUN(test_avgpool_overlap);
    HQ_RUN(test_avgpool_nan);
    return hq_check_result();
}
