/* Batch norm and group norm against their definitions. */
#include "nn/arrays.h"
#include "support/reference.h"

#include <string.h>

static const double eps = 1e-5;

/* A norm layer under test: arrays of `count` numbers, `channels` scales, `sets` statistics. */
typedef struct norm_case {
    ref_norm ref;
    size_t count, channels, sets;
    int *set, *channel;
    hq_real *x, *scale, *shift, *dy;                /* inputs */
    hq_real *y, *mean, *var, *dx, *dscale, *dshift; /* of the layer */
    double *ref_y, *ref_mean, *ref_var, *ref_dx, *ref_dscale, *ref_dshift;
} norm_case;

static norm_case make_case(size_t count, int channels, int sets)
{
    norm_case t = {.count = count, .channels = (size_t)channels, .sets = (size_t)sets};
    size_t c = t.channels, s = t.sets;
    t.set = malloc(count * sizeof *t.set), t.channel = malloc(count * sizeof *t.channel);
    t.x = random_array(count), t.scale = random_array(c), t.shift = random_array(c), t.dy = random_array(count);
    t.y = output_array(count), t.mean = output_array(s), t.var = output_array(s);
    t.dx = output_array(count), t.dscale = output_array(c), t.dshift = output_array(c);
    t.ref_y = double_array(count), t.ref_mean = double_array(s), t.ref_var = double_array(s);
    t.ref_dx = double_array(count), t.ref_dscale = double_array(c), t.ref_dshift = double_array(c);
    t.ref = (ref_norm){count, sets, channels, t.set, t.channel, eps};
    return t;
}

static void free_case(norm_case *t)
{
    void *arrays[] = {t->set,   t->channel,  t->x,       t->scale,  t->shift,      t->dy,
                      t->y,     t->mean,     t->var,     t->dx,     t->dscale,     t->dshift,
                      t->ref_y, t->ref_mean, t->ref_var, t->ref_dx, t->ref_dscale, t->ref_dshift};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void run_reference(norm_case *t)
{
    ref_norm_fwd(&t->ref, t->x, t->scale, t->shift, t->ref_y, t->ref_mean, t->ref_var);
    ref_norm_bwd(&t->ref, t->x, t->scale, t->dy, t->ref_dx, t->ref_dscale, t->ref_dshift);
}

static void check_case(const norm_case *t, double tolerance)
{
    check_array("mean", t->sets, t->mean, t->ref_mean, TOLERANCE);
    check_array("var", t->sets, t->var, t->ref_var, TOLERANCE);
    check_array("y", t->count, t->y, t->ref_y, tolerance);
    check_array("dx", t->count, t->dx, t->ref_dx, tolerance);
    check_array("dscale", t->channels, t->dscale, t->ref_dscale, tolerance);
    check_array("dshift", t->channels, t->dshift, t->ref_dshift, tolerance);
}

static norm_case make_batchnorm(int rows, int c)
{
    norm_case t = make_case((size_t)(rows * c), c, c);
    for (int i = 0; i < rows * c; i++) t.set[i] = t.channel[i] = i % c;
    return t;
}

static void run_batchnorm(norm_case *t)
{
    int c = (int)t->channels;
    int64_t rows = (int64_t)(t->count / t->channels);
    hq_batchnorm_fwd_train(rows, c, eps, t->x, t->scale, t->shift, t->y, t->mean, t->var);
    hq_batchnorm_bwd(rows, c, eps, t->x, t->scale, t->mean, t->var, t->dy, t->dx, t->dscale, t->dshift);
}

static void check_batchnorm(int rows, int c)
{
    norm_case t = make_batchnorm(rows, c);
    run_batchnorm(&t);
    run_reference(&t);
    check_case(&t, TOLERANCE);

    hq_real *dscale = output_array(t.channels), *dshift = output_array(t.channels), *y = output_array(t.count);
    hq_batchnorm_bwd(rows, c, eps, t.x, t.scale, t.mean, t.var, t.dy, NULL, dscale, dshift);
    check_same("dscale without dx", t.channels, dscale, t.dscale);
    check_same("dshift without dx", t.channels, dshift, t.dshift);
    hq_batchnorm_fwd_eval(rows, c, eps, t.x, t.scale, t.shift, t.mean, t.var, y);
    check_same("eval with the statistics of training", t.count, y, t.y);
    free(dscale), free(dshift), free(y);
    free_case(&t);
}

static void test_batchnorm(void)
{
    check_batchnorm(7, 1);
    check_batchnorm(35, 3);
    check_batchnorm(50, 64);
    check_batchnorm(33, 65);
    check_batchnorm(20, 130);
}

/* With running statistics: y = scale (x - mean) / sqrt(var + eps) + shift, for numbers that come out exactly. */
static void test_batchnorm_eval(void)
{
    const hq_real x[4] = {1, 2, 3, 6}, scale[2] = {2, 3}, shift[2] = {10, 20}, mean[2] = {1, 2}, var[2] = {3, 15};
    hq_real y[4];
    hq_batchnorm_fwd_eval(2, 2, 1, x, scale, shift, mean, var, y);
    const hq_real expected[4] = {10, 20, 12, 23};
    check_same("y", 4, y, expected);
}

/* One row, or equal rows: variance 0, output is the shift. */
static void test_batchnorm_constant(void)
{
    norm_case t = make_batchnorm(1, 5);
    run_batchnorm(&t);
    for (int ch = 0; ch < 5; ch++) CHECK(t.var[ch] == 0 && t.mean[ch] == t.x[ch] && t.y[ch] == t.shift[ch]);
    for (int ch = 0; ch < 5; ch++) CHECK_NEAR(t.dx[ch], 0, TOLERANCE * 1000);
    free_case(&t);
}

/* A mean far above the spread: a one-pass variance in this precision would be wrong by itself. */
static void test_batchnorm_offset(void)
{
    norm_case t = make_batchnorm(200, 3);
    for (size_t i = 0; i < t.count; i++) t.x[i] = 1000 + t.x[i] / 8;
    run_batchnorm(&t);
    run_reference(&t);
    for (size_t ch = 0; ch < 3; ch++) CHECK(fabs(t.var[ch] - t.ref_var[ch]) <= TOLERANCE * t.ref_var[ch]);
    check_array("y", t.count, t.y, t.ref_y, 100 * TOLERANCE); /* the mean itself is rounded */
    free_case(&t);
}

/* A NaN in one channel stays in that channel and is not hidden there. */
static void test_batchnorm_nan(void)
{
    norm_case t = make_batchnorm(9, 4);
    t.x[2 * 4 + 1] = (hq_real)NAN;
    run_batchnorm(&t);
    for (size_t i = 0; i < t.count; i++) {
        CHECK(!isnan(t.y[i]) == (i % 4 != 1));
        CHECK(!isnan(t.dx[i]) == (i % 4 != 1));
    }
    free_case(&t);
}

static void test_batchnorm_alignment(void)
{
    norm_case t = make_batchnorm(41, 19);
    run_batchnorm(&t);
    void *block[3];
    hq_real *x = aligned_copy(t.count, t.x, 1, &block[0]), *dy = aligned_copy(t.count, t.dy, 1, &block[1]);
    hq_real *out = aligned_copy(t.count, NULL, 1, &block[2]);
    hq_real *mean = output_array(19), *var = output_array(19), *dscale = output_array(19), *dshift = output_array(19);
    hq_batchnorm_fwd_train(41, 19, eps, x, t.scale, t.shift, out, mean, var);
    check_same("y", t.count, out, t.y);
    check_same("var", 19, var, t.var);
    hq_batchnorm_bwd(41, 19, eps, x, t.scale, mean, var, dy, out, dscale, dshift);
    check_same("dx", t.count, out, t.dx);
    check_same("dscale", 19, dscale, t.dscale);
    free(mean), free(var), free(dscale), free(dshift);
    for (int i = 0; i < 3; i++) free(block[i]);
    free_case(&t);
}

static norm_case make_groupnorm(int n, int pixels, int c, int groups)
{
    norm_case t = make_case((size_t)(n * pixels * c), c, n * groups);
    for (int i = 0; i < n * pixels * c; i++) {
        int sample = i / (pixels * c), ch = i % c;
        t.channel[i] = ch;
        t.set[i] = sample * groups + ch / (c / groups);
    }
    return t;
}

static void check_groupnorm(int n, int pixels, int c, int groups)
{
    norm_case t = make_groupnorm(n, pixels, c, groups);
    hq_groupnorm_fwd(n, pixels, c, groups, eps, t.x, t.scale, t.shift, t.y, t.mean, t.var);
    hq_groupnorm_bwd(n, pixels, c, groups, eps, t.x, t.scale, t.mean, t.var, t.dy, t.dx, t.dscale, t.dshift);
    run_reference(&t);
    check_case(&t, TOLERANCE);
    hq_real *dscale = output_array(t.channels), *dshift = output_array(t.channels);
    hq_groupnorm_bwd(n, pixels, c, groups, eps, t.x, t.scale, t.mean, t.var, t.dy, NULL, dscale, dshift);
    check_same("dscale without dx", t.channels, dscale, t.dscale);
    check_same("dshift without dx", t.channels, dshift, t.dshift);
    free(dscale), free(dshift);
    free_case(&t);
}

static void test_groupnorm(void)
{
    check_groupnorm(2, 9, 6, 3);
    check_groupnorm(3, 5, 4, 4); /* instance norm */
    check_groupnorm(2, 7, 4, 1); /* layer norm */
    check_groupnorm(1, 12, 1, 1);
    check_groupnorm(2, 4, 130, 2); /* groups wider than a block */
    check_groupnorm(1, 3, 128, 1);
    check_groupnorm(2, 25, 64, 8);
}

/* A sample's result does not depend on the others in its micro-batch, to the bit. */
static void test_groupnorm_sample_alone(void)
{
    norm_case t = make_groupnorm(3, 10, 12, 4);
    hq_groupnorm_fwd(3, 10, 12, 4, eps, t.x, t.scale, t.shift, t.y, t.mean, t.var);
    hq_real *y = output_array(120), mean[4], var[4];
    hq_groupnorm_fwd(1, 10, 12, 4, eps, t.x + 120, t.scale, t.shift, y, mean, var);
    check_same("y of sample 1", 120, y, t.y + 120);
    free(y);
    free_case(&t);
}

int main(void)
{
    HQ_RUN(test_batchnorm);
    HQ_RUN(test_batchnorm_eval);
    HQ_RUN(test_batchnorm_constant);
    HQ_RUN(test_batchnorm_offset);
    HQ_RUN(test_batchnorm_nan);
    HQ_RUN(test_batchnorm_alignment);
    HQ_RUN(test_groupnorm);
    HQ_RUN(test_groupnorm_sample_alone);
    return hq_check_result();
}
