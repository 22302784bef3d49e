/* Norm, ReLU and max pooling as one layer against their definitions, with every instruction set of this processor. */
#include "hqcnn/config.h"
#include "nn/arrays.h"
#include "support/reference.h"

#include <string.h>

/* A layer under test. */
typedef struct norm_case {
    hq_norm norm;
    size_t count, out, channels, sets;
    hq_real *x, *scale, *shift, *dy;                       /* inputs */
    hq_real *y, *mean, *var, *dx, *dscale, *dshift, *work; /* of the layer */
    uint8_t *choice;
} norm_case;

static norm_case make_case(hq_norm norm)
{
    if (norm.eps == 0) norm.eps = 1e-5;
    norm_case t = {.norm = norm, .channels = (size_t)norm.c, .sets = hq_norm_statistics_size(&norm)};
    const size_t c = t.channels;
    t.count = (size_t)(norm.n * norm.d * norm.h * norm.w) * c;
    t.out = (size_t)(norm.n * hq_norm_out_d(&norm) * hq_norm_out_h(&norm) * hq_norm_out_w(&norm)) * c;
    t.x = random_array(t.count), t.scale = random_array(c), t.shift = random_array(c), t.dy = random_array(t.out);
    t.y = output_array(t.out), t.mean = output_array(t.sets), t.var = output_array(t.sets);
    t.dx = output_array(t.count), t.dscale = output_array(c), t.dshift = output_array(c);
    t.work = output_array(hq_norm_work(&norm));
    t.choice = malloc(t.out + 1);
    return t;
}

static void free_case(norm_case *t)
{
    void *arrays[] = {t->x,   t->scale, t->shift,  t->dy,     t->y,    t->mean,
                      t->var, t->dx,    t->dscale, t->dshift, t->work, t->choice};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void run(norm_case *t)
{
    hq_norm_statistics(&t->norm, t->x, t->mean, t->var, t->work);
    hq_norm_fwd(&t->norm, t->x, t->scale, t->shift, t->mean, t->var, t->y, t->choice, t->work);
    hq_norm_bwd(&t->norm, t->x, t->choice, t->scale, t->shift, t->mean, t->var, t->dy, t->dx, t->dscale, t->dshift,
                t->work);
}

/* ---- the definition ---- */

typedef struct expected {
    double *y, *mean, *var, *dx, *dscale, *dshift;
} expected;

static ref_norm membership(const norm_case *t)
{
    const hq_norm *norm = &t->norm;
    const int c = norm->c, image = norm->d * norm->h * norm->w * c;
    int *set = malloc(t->count * sizeof *set), *channel = malloc(t->count * sizeof *channel);
    for (int i = 0; i < (int)t->count; i++) {
        channel[i] = i % c;
        set[i] = norm->kind == HQ_NORM_BATCH ? i % c : i / image * norm->groups + i % c / (c / norm->groups);
    }
    return (ref_norm){t->count, (int)t->sets, c, set, channel, norm->eps};
}

static expected expect(const norm_case *t)
{
    const size_t c = t->channels;
    expected e = {double_array(t->out),   double_array(t->sets), double_array(t->sets),
                  double_array(t->count), double_array(c),       double_array(c)};
    double *normalised = double_array(t->count);
    size_t *place = malloc(t->out * sizeof *place + 1);
    hq_real *dnormalised = output_array(t->count);
    const bool none = t->norm.kind == HQ_NORM_NONE;
    ref_norm ref = {0};
    if (!none) ref = membership(t);
    for (size_t i = 0; i < t->count; i++) normalised[i] = t->x[i], dnormalised[i] = 0;
    if (!none) ref_norm_fwd(&ref, t->x, t->scale, t->shift, normalised, e.mean, e.var);
    ref_relu_pool(&t->norm, normalised, e.y, place);
    for (size_t i = 0; i < t->out; i++)
        if (normalised[place[i]] > 0) dnormalised[place[i]] = t->dy[i];
    for (size_t i = 0; i < t->count; i++) e.dx[i] = dnormalised[i];
    if (!none) ref_norm_bwd(&ref, t->x, t->scale, dnormalised, e.dx, e.dscale, e.dshift);
    free(normalised), free(place), free(dnormalised), free((int *)ref.set), free((int *)ref.channel);
    return e;
}

static void free_expected(expected *e)
{
    free(e->y), free(e->mean), free(e->var), free(e->dx), free(e->dscale), free(e->dshift);
}

/* ---- tests ---- */

static void check_by(hq_norm norm, int kernel)
{
    norm.kernel = kernel;
    norm_case t = make_case(norm);
    run(&t);
    expected e = expect(&t);
    check_array("mean", t.sets, t.mean, e.mean, TOLERANCE);
    check_array("var", t.sets, t.var, e.var, TOLERANCE);
    check_array("y", t.out, t.y, e.y, TOLERANCE);
    check_array("dx", t.count, t.dx, e.dx, TOLERANCE);
    if (norm.kind != HQ_NORM_NONE) {
        check_array("dscale", t.channels, t.dscale, e.dscale, TOLERANCE);
        check_array("dshift", t.channels, t.dshift, e.dshift, TOLERANCE);
    }
    free_expected(&e);
    free_case(&t);
}

static void check(hq_norm norm)
{
    for (int kernel = HQ_COMPUTE_KERNEL_AUTO; kernel <= HQ_COMPUTE_KERNEL_PLAIN; kernel++)
        for (int pool = 0; pool < 2; pool++) {
            norm.pool = pool;
            if (hq_nn_kernel_name(kernel)) check_by(norm, kernel);
        }
}

static void test_batch(void)
{
    /*              kind      groups eps n  d  h  w  c */
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 1, 1, 7, 1, 1, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 2, 1, 5, 7, 3, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 3, 1, 4, 6, 16, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 2, 1, 5, 5, 64, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 1, 1, 11, 3, 65, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 5, 1, 2, 2, 130, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 2, 3, 5, 4, 18, false, 0});
    check((hq_norm){HQ_NORM_BATCH, 0, 0, 1, 4, 2, 2, 33, false, 0});
}

static void test_group(void)
{
    check((hq_norm){HQ_NORM_GROUP, 3, 0, 2, 1, 3, 3, 6, false, 0});
    check((hq_norm){HQ_NORM_GROUP, 4, 0, 3, 1, 5, 2, 4, false, 0}); /* instance norm */
    check((hq_norm){HQ_NORM_GROUP, 1, 0, 2, 1, 7, 2, 4, false, 0}); /* layer norm */
    check((hq_norm){HQ_NORM_GROUP, 1, 0, 1, 1, 4, 3, 1, false, 0});
    check((hq_norm){HQ_NORM_GROUP, 2, 0, 2, 1, 2, 2, 130, false, 0});
    check((hq_norm){HQ_NORM_GROUP, 1, 0, 1, 1, 3, 2, 128, false, 0});
    check((hq_norm){HQ_NORM_GROUP, 8, 0, 2, 1, 5, 5, 64, false, 0});
    check((hq_norm){HQ_NORM_GROUP, 3, 0, 2, 4, 3, 5, 21, false, 0});
}

static void test_none(void)
{
    check((hq_norm){HQ_NORM_NONE, 0, 0, 2, 1, 5, 4, 3, false, 0});
    check((hq_norm){HQ_NORM_NONE, 0, 0, 2, 2, 3, 4, 67, false, 0});
}

/* By given statistics, for numbers that come out exactly. */
static void test_given_statistics(void)
{
    const hq_norm norm = {HQ_NORM_BATCH, 0, 1, 1, 1, 2, 1, 2, false, 0};
    const hq_real x[4] = {1, 2, 3, 6}, scale[2] = {2, 3}, shift[2] = {10, 20}, mean[2] = {1, 2}, var[2] = {3, 15};
    hq_real y[4], *work = output_array(hq_norm_work(&norm));
    hq_norm_fwd(&norm, x, scale, shift, mean, var, y, NULL, work);
    const hq_real wanted[4] = {10, 20, 12, 23};
    check_same("y", 4, y, wanted);
    free(work);
}

/* One row: variance 0, output is the shift or, below 0, 0. */
static void test_constant(void)
{
    norm_case t = make_case((hq_norm){HQ_NORM_BATCH, 0, 0, 1, 1, 1, 1, 5, false, 0});
    run(&t);
    for (int ch = 0; ch < 5; ch++) {
        CHECK(t.var[ch] == 0 && t.mean[ch] == t.x[ch] && t.y[ch] == (t.shift[ch] > 0 ? t.shift[ch] : 0));
        CHECK_NEAR(t.dx[ch], 0, TOLERANCE * 1000);
    }
    free_case(&t);
}

/* A mean far above the spread: a variance by squares about zero in this precision would be wrong by itself. */
static void test_offset(void)
{
    norm_case t = make_case((hq_norm){HQ_NORM_BATCH, 0, 0, 2, 1, 10, 10, 3, false, 0});
    for (size_t i = 0; i < t.count; i++) t.x[i] = 1000 + t.x[i] / 8;
    run(&t);
    expected e = expect(&t);
    for (size_t ch = 0; ch < 3; ch++) CHECK(fabs(t.var[ch] - e.var[ch]) <= TOLERANCE * e.var[ch]);
    check_array("y", t.count, t.y, e.y, 100 * TOLERANCE); /* the mean itself is rounded */
    free_expected(&e);
    free_case(&t);
}

/* A NaN in one channel stays in that channel and is not hidden there, neither by ReLU nor by pooling. */
static void test_nan(void)
{
    for (int pool = 0; pool < 2; pool++) {
        norm_case t = make_case((hq_norm){HQ_NORM_BATCH, 0, 0, 1, 1, 4, 6, 4, pool, 0});
        t.x[2 * 4 + 1] = (hq_real)NAN;
        run(&t);
        for (size_t i = 0; i < t.out; i++) CHECK(!isnan(t.y[i]) == (i % 4 != 1));
        for (size_t i = 0; i < t.count; i++) CHECK(!isnan(t.dx[i]) == (i % 4 != 1));
        free_case(&t);
    }
}

/* The place of the maximum: the first of equal ones, and a NaN before every number. */
static void test_choice(void)
{
    const hq_norm norm = {HQ_NORM_NONE, 0, 0, 1, 2, 2, 2, 1, true, 0};
    const hq_real equal[8] = {3, 3, 3, 3, 3, 3, 3, 3}, sixth[8] = {-4, -5, -1, -1, 0, 1, 7, 7};
    hq_real y, *work = output_array(hq_norm_work(&norm));
    uint8_t choice;
    hq_norm_fwd(&norm, equal, NULL, NULL, NULL, NULL, &y, &choice, work);
    CHECK(y == 3 && choice == 0);
    hq_norm_fwd(&norm, sixth, NULL, NULL, NULL, NULL, &y, &choice, work);
    CHECK(y == 7 && choice == 6);
    for (int place = 0; place < 8; place++) {
        hq_real x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        x[place] = (hq_real)NAN;
        hq_norm_fwd(&norm, x, NULL, NULL, NULL, NULL, &y, &choice, work);
        CHECK(isnan(y));
        CHECK_INT(choice, place);
    }
    free(work);
}

/* The same numbers at another place in memory give the same bits. */
static void test_alignment(void)
{
    norm_case t = make_case((hq_norm){HQ_NORM_BATCH, 0, 0, 2, 1, 4, 5, 19, true, 0});
    run(&t);
    norm_case other = t;
    void *block[4];
    other.x = aligned_copy(t.count, t.x, 1, &block[0]), other.dy = aligned_copy(t.out, t.dy, 1, &block[1]);
    other.y = aligned_copy(t.out, NULL, 1, &block[2]), other.dx = aligned_copy(t.count, NULL, 1, &block[3]);
    other.mean = output_array(19), other.var = output_array(19);
    other.dscale = output_array(19), other.dshift = output_array(19);
    run(&other);
    check_same("y", t.out, other.y, t.y);
    check_same("var", 19, other.var, t.var);
    check_same("dx", t.count, other.dx, t.dx);
    check_same("dscale", 19, other.dscale, t.dscale);
    free(other.mean), free(other.var), free(other.dscale), free(other.dshift);
    for (int i = 0; i < 4; i++) free(block[i]);
    free_case(&t);
}

/* A sample's result does not depend on the others in its micro-batch, to the bit. */
static void test_group_sample_alone(void)
{
    norm_case t = make_case((hq_norm){HQ_NORM_GROUP, 4, 0, 3, 1, 5, 2, 12, false, 0});
    run(&t);
    norm_case one = make_case((hq_norm){HQ_NORM_GROUP, 4, 0, 1, 1, 5, 2, 12, false, 0});
    memcpy(one.x, t.x + 120, 120 * sizeof *t.x), memcpy(one.dy, t.dy + 120, 120 * sizeof *t.dy);
    memcpy(one.scale, t.scale, 12 * sizeof *t.scale), memcpy(one.shift, t.shift, 12 * sizeof *t.shift);
    run(&one);
    check_same("y of sample 1", 120, one.y, t.y + 120);
    check_same("dx of sample 1", 120, one.dx, t.dx + 120);
    free_case(&t);
    free_case(&one);
}

int main(void)
{
    HQ_RUN(test_batch);
    HQ_RUN(test_group);
    HQ_RUN(test_none);
    HQ_RUN(test_given_statistics);
    HQ_RUN(test_constant);
    HQ_RUN(test_offset);
    HQ_RUN(test_nan);
    HQ_RUN(test_choice);
    HQ_RUN(test_alignment);
    HQ_RUN(test_group_sample_alone);
    return hq_check_result();
}
