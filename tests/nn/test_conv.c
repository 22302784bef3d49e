/* Convolution and dense layer against their definitions. */
#include "hqcnn/config.h"
#include "nn/arrays.h"
#include "support/reference.h"

#include <stdio.h>

enum { AUTO = HQ_COMPUTE_KERNEL_AUTO };

typedef struct conv_case {
    hq_conv conv;
    size_t in, weights, out, k, work;
    hq_real *x, *w, *bias, *dy, *y, *dx, *dw, *dbias, *scratch, *kept;
} conv_case;

static conv_case make_case(hq_conv conv)
{
    conv_case t = {.conv = conv, .k = (size_t)conv.k, .work = hq_conv_work(&conv)};
    t.in = (size_t)(conv.n * conv.d * conv.h * conv.w * conv.c);
    t.weights = (size_t)(conv.t * conv.r * conv.s * conv.c * conv.k);
    t.out = (size_t)(conv.n * hq_conv_out_d(&conv) * hq_conv_out_h(&conv) * hq_conv_out_w(&conv) * conv.k);
    t.x = random_array(t.in), t.w = random_array(t.weights), t.bias = random_array(t.k), t.dy = random_array(t.out);
    t.y = output_array(t.out), t.dx = output_array(t.in), t.dw = output_array(t.weights), t.dbias = output_array(t.k);
    t.scratch = output_array(t.work), t.kept = output_array(hq_conv_kept(&conv));
    return t;
}

static void free_case(conv_case *t)
{
    hq_real *arrays[] = {t->x, t->w, t->bias, t->dy, t->y, t->dx, t->dw, t->dbias, t->scratch, t->kept};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void check_conv_by(hq_conv conv, int kernel)
{
    conv.kernel = kernel;
    conv_case t = make_case(conv);
    double *y = double_array(t.out), *dx = double_array(t.in), *dw = double_array(t.weights), *db = double_array(t.k);
    hq_conv_fwd(&conv, t.x, t.w, t.bias, t.y, t.scratch, t.kept);
    ref_conv_fwd(&conv, t.x, t.w, t.bias, y);
    check_array("conv y", t.out, t.y, y, TOLERANCE);

    hq_conv_bwd(&conv, t.x, t.w, t.dy, t.dx, t.dw, t.dbias, t.scratch, t.kept);
    ref_conv_bwd(&conv, t.x, t.w, t.dy, dx, dw, db);
    check_array("conv dx", t.in, t.dx, dx, TOLERANCE);
    check_array("conv dw", t.weights, t.dw, dw, TOLERANCE);
    check_array("conv dbias", t.k, t.dbias, db, TOLERANCE);

    hq_real *dw_alone = output_array(t.weights), *db_alone = output_array(t.k);
    hq_conv_bwd(&conv, t.x, t.w, t.dy, NULL, dw_alone, db_alone, t.scratch, t.kept);
    check_same("conv dw without dx", t.weights, dw_alone, t.dw);
    check_same("conv dbias without dx", t.k, db_alone, t.dbias);
    free(y), free(dx), free(dw), free(db), free(dw_alone), free(db_alone);
    free_case(&t);
}

/* With every instruction set of this processor. */
static void check_conv(hq_conv conv)
{
    for (int kernel = HQ_COMPUTE_KERNEL_AUTO; kernel <= HQ_COMPUTE_KERNEL_PLAIN; kernel++)
        if (hq_nn_kernel_name(kernel)) check_conv_by(conv, kernel);
}

static void test_conv(void)
{
    /*                n  d  h  w  c  k  t  r  s  pad kernel */
    check_conv((hq_conv){1, 1, 1, 1, 1, 1, 1, 1, 1, 0, AUTO, 0});
    check_conv((hq_conv){2, 1, 5, 7, 1, 3, 1, 3, 3, 0, AUTO, 0});
    check_conv((hq_conv){3, 1, 4, 6, 5, 2, 1, 3, 3, 1, AUTO, 0});
    check_conv((hq_conv){2, 1, 6, 5, 3, 4, 1, 3, 2, 0, AUTO, 0});
    check_conv((hq_conv){1, 1, 3, 3, 2, 1, 1, 3, 3, 0, AUTO, 0}); /* one output pixel */
    check_conv((hq_conv){2, 1, 2, 3, 4, 5, 1, 3, 3, 1, AUTO, 0}); /* image smaller than the kernel */
    check_conv((hq_conv){1, 1, 5, 4, 3, 7, 1, 1, 3, 1, AUTO, 0}); /* output rows that see padding only */
    check_conv((hq_conv){1, 1, 2, 2, 2, 2, 1, 1, 1, 3, AUTO, 0}); /* padding wider than the kernel */
    check_conv((hq_conv){2, 1, 7, 9, 17, 70, 1, 3, 3, 1, AUTO, 0});
    check_conv((hq_conv){3, 1, 8, 8, 16, 33, 1, 2, 2, 1, AUTO, 0});
    check_conv((hq_conv){1, 1, 9, 8, 2, 3, 1, 5, 4, 1, AUTO, 0});
    for (int size = 1; size <= 40; size += 3) { /* every size of tiles */
        check_conv((hq_conv){2, 1, 3, size, 1, size, 1, 3, 3, 1, AUTO, 0});
        check_conv((hq_conv){1, 1, 3, 5, size, 41 - size, 1, 3, 3, 0, AUTO, 0});
    }
    for (int c = 16; c <= 48; c += 16) /* by Winograd's algorithm */
        for (int size = 1; size <= 9; size++) {
            check_conv((hq_conv){2, 1, size + 2, 10 - size + 2, c, 64 - c, 1, 3, 3, 0, AUTO, 0});
            check_conv((hq_conv){3, 1, size, 10 - size, c, 64 - c, 1, 3, 3, 1, AUTO, 0});
        }
    check_conv((hq_conv){5, 1, 8, 8, 64, 64, 1, 3, 3, 1, AUTO, 0}); /* more tiles than go together */
    check_conv((hq_conv){70, 1, 4, 4, 2, 3, 1, 3, 3, 0, AUTO, 0});  /* more images than go together */
}

static void test_conv_volumes(void)
{
    /*                n  d  h  w  c  k  t  r  s  pad kernel */
    check_conv((hq_conv){1, 2, 1, 1, 1, 1, 2, 1, 1, 0, AUTO, 0});
    check_conv((hq_conv){2, 4, 5, 6, 1, 3, 3, 3, 3, 0, AUTO, 0});
    check_conv((hq_conv){2, 3, 4, 5, 5, 17, 3, 3, 3, 1, AUTO, 0});
    check_conv((hq_conv){1, 5, 4, 3, 3, 2, 3, 2, 1, 1, AUTO, 0});
    check_conv((hq_conv){1, 1, 3, 4, 2, 3, 3, 3, 3, 1, AUTO, 0}); /* fewer planes than the kernel */
    check_conv((hq_conv){1, 2, 2, 2, 2, 2, 1, 1, 1, 3, AUTO, 0}); /* no padding in depth */
    check_conv((hq_conv){1, 3, 2, 2, 2, 2, 2, 1, 1, 3, AUTO, 0}); /* padding wider than the kernel */
    for (int pad = 0; pad < 2; pad++) {                           /* by Winograd's algorithm */
        check_conv((hq_conv){2, 4, 5, 6, 16, 32, 3, 3, 3, pad, AUTO, 0});
        check_conv((hq_conv){1, 3, 4, 3, 48, 16, 3, 3, 3, pad, AUTO, 0});
        check_conv((hq_conv){3, 2, 6, 5, 32, 16, 2, 3, 3, pad, AUTO, 0});
        check_conv((hq_conv){2, 3, 4, 4, 16, 16, 1, 3, 3, pad, AUTO, 0});
        check_conv((hq_conv){1, 6, 6, 12, 32, 32, 3, 3, 3, pad, AUTO, 0}); /* more tiles than go together */
    }
}

#ifndef HQ_REAL_F64
/* To the nearest 16-bit number, ties to even. */
static void round_16(size_t count, const hq_real *x, hq_real *out)
{
    for (size_t i = 0; i < count; i++) {
        const double unit = ldexp(1, (int)floor(log2(fabs((double)x[i]))) - 7);
        out[i] = (hq_real)(rint((double)x[i] / unit) * unit);
    }
}

/* Products of rounded numbers with exact sums, but for the rounding of sums: the reference of rounded arrays. */
static void check_bf16_by(hq_conv conv, int precision)
{
    conv.precision = precision;
    conv_case t = make_case(conv);
    hq_real *x = output_array(t.in), *w = output_array(t.weights), *g = output_array(t.out);
    double *y = double_array(t.out), *dx = double_array(t.in), *dw = double_array(t.weights), *db = double_array(t.k);
    round_16(t.in, t.x, x), round_16(t.weights, t.w, w), round_16(t.out, t.dy, g);
    hq_conv_fwd(&conv, t.x, t.w, t.bias, t.y, t.scratch, t.kept);
    ref_conv_fwd(&conv, x, w, t.bias, y);
    check_array("bf16 y", t.out, t.y, y, TOLERANCE);
    hq_conv_bwd(&conv, t.x, t.w, t.dy, t.dx, t.dw, t.dbias, t.scratch, t.kept);
    ref_conv_bwd(&conv, x, w, g, dx, dw, db);
    check_array("bf16 dx", t.in, t.dx, dx, TOLERANCE);
    check_array("bf16 dw", t.weights, t.dw, dw, TOLERANCE);
    hq_real *alone = output_array(t.weights);
    hq_conv_bwd(&conv, t.x, t.w, t.dy, NULL, alone, NULL, t.scratch, t.kept);
    check_same("bf16 dw without dx", t.weights, alone, t.dw);
    free(x), free(w), free(g), free(y), free(dx), free(dw), free(db), free(alone);
    free_case(&t);
}

static void check_bf16(hq_conv conv)
{
    for (int precision = HQ_CONV_BF16; precision <= HQ_CONV_BF16_EMULATED; precision++)
        if (hq_bf16_kernel_name(precision)) check_bf16_by(conv, precision);
}

static void test_conv_bf16(void)
{
    if (!hq_bf16_kernel_name(HQ_CONV_BF16))
        printf("not tried: bf16 by this processor, which has no instructions for it\n");
    for (int pad = 0; pad < 2; pad++)
        for (int c = 16; c <= 48; c += 16) {
            /*                n  d  h  w  c  k  t  r  s  pad kernel */
            check_bf16((hq_conv){1, 1, 3, 3, c, 16, 1, 3, 3, pad, AUTO, 0});
            check_bf16((hq_conv){3, 1, 5, 7, c, 80 - c, 1, 3, 3, pad, AUTO, 0});
            check_bf16((hq_conv){2, 1, 9, 4, 16, c, 1, 3, 3, pad, AUTO, 0});
            check_bf16((hq_conv){2, 3, 5, 4, c, 32, 3, 3, 3, pad, AUTO, 0});
        }
    check_bf16((hq_conv){3, 1, 20, 21, 16, 16, 1, 3, 3, 0, AUTO, 0}); /* more pixels than go together */
}
#endif

/* Memory measured for a full micro-batch serves a smaller one. */
static void check_smaller(hq_conv conv)
{
    conv_case full = make_case(conv);
    conv.n -= 2;
    conv_case t = make_case(conv);
    hq_real *y = output_array(t.out), *dx = output_array(t.in), *dw = output_array(t.weights);
    hq_conv_fwd(&conv, t.x, t.w, t.bias, t.y, t.scratch, t.kept);
    hq_conv_bwd(&conv, t.x, t.w, t.dy, t.dx, t.dw, t.dbias, t.scratch, t.kept);
    hq_conv_fwd(&conv, t.x, t.w, t.bias, y, full.scratch, full.kept);
    hq_conv_bwd(&conv, t.x, t.w, t.dy, dx, dw, t.dbias, full.scratch, full.kept);
    check_same("y", t.out, y, t.y);
    check_same("dx", t.in, dx, t.dx);
    check_same("dw", t.weights, dw, t.dw);
    free(y), free(dx), free(dw);
    free_case(&full), free_case(&t);
}

static void test_conv_smaller(void)
{
    for (int precision = HQ_CONV_FP32; precision <= HQ_CONV_BF16_EMULATED; precision++) {
        if (precision != HQ_CONV_FP32 && !hq_bf16_kernel_name(precision)) continue;
        check_smaller((hq_conv){5, 1, 7, 6, 3, 5, 1, 3, 3, 1, AUTO, precision});
        check_smaller((hq_conv){5, 1, 9, 8, 32, 48, 1, 3, 3, 0, AUTO, precision});
        check_smaller((hq_conv){4, 3, 5, 6, 16, 16, 3, 3, 3, 1, AUTO, precision});
    }
}

static void test_conv_shape(void)
{
    hq_conv conv = {2, 1, 28, 30, 3, 16, 1, 3, 5, 0, AUTO, 0};
    CHECK_INT(hq_conv_out_h(&conv), 26);
    CHECK_INT(hq_conv_out_w(&conv), 26);
    CHECK_INT(hq_conv_work(&conv), 3 * 5 * 16 * 16 + 2 * 30 * 34 * 16); /* weights, gradients with a border */
    conv.pad = 1;
    CHECK_INT(hq_conv_out_h(&conv), 28);
    CHECK_INT(hq_conv_out_w(&conv), 28);
    conv = (hq_conv){1, 9, 9, 9, 3, 16, 3, 3, 3, 1, AUTO, 0};
    CHECK_INT(hq_conv_out_d(&conv), 9);
    conv.pad = 0;
    CHECK_INT(hq_conv_out_d(&conv), 7);
}

/* A kernel with a single 1 moves the image: an exact result in any precision. */
static void test_conv_moves_image(void)
{
    hq_conv conv = {1, 1, 3, 4, 1, 1, 1, 3, 3, 1, AUTO, 0};
    hq_real x[12], w[9] = {0}, bias[1] = {0}, y[12];
    hq_real *scratch = output_array(hq_conv_work(&conv));
    for (int i = 0; i < 12; i++) x[i] = (hq_real)(i + 1);
    w[2] = 1; /* upper right neighbour */
    hq_conv_fwd(&conv, x, w, bias, y, scratch, NULL);
    const hq_real moved[12] = {0, 0, 0, 0, 2, 3, 4, 0, 6, 7, 8, 0};
    check_same("moved image", 12, y, moved);
    free(scratch);
}

/* The same numbers at another place in memory give the same bits. */
static void test_conv_alignment(void)
{
    hq_conv conv = {2, 1, 9, 7, 5, 19, 1, 3, 3, 1, AUTO, 0};
    conv_case t = make_case(conv);
    void *block[9];
    hq_real *x = aligned_copy(t.in, t.x, 1, &block[0]), *w = aligned_copy(t.weights, t.w, 1, &block[1]);
    hq_real *bias = aligned_copy(t.k, t.bias, 1, &block[2]), *dy = aligned_copy(t.out, t.dy, 1, &block[3]);
    hq_real *y = aligned_copy(t.out, NULL, 1, &block[4]), *dx = aligned_copy(t.in, NULL, 1, &block[5]);
    hq_real *dw = aligned_copy(t.weights, NULL, 1, &block[6]), *dbias = aligned_copy(t.k, NULL, 1, &block[7]);
    hq_real *scratch = aligned_copy(t.work, NULL, 1, &block[8]);
    hq_conv_fwd(&conv, t.x, t.w, t.bias, t.y, t.scratch, t.kept);
    hq_conv_bwd(&conv, t.x, t.w, t.dy, t.dx, t.dw, t.dbias, t.scratch, t.kept);
    hq_conv_fwd(&conv, x, w, bias, y, scratch, NULL);
    hq_conv_bwd(&conv, x, w, dy, dx, dw, dbias, scratch, NULL);
    check_same("y", t.out, y, t.y);
    check_same("dx", t.in, dx, t.dx);
    check_same("dw", t.weights, dw, t.dw);
    check_same("dbias", t.k, dbias, t.dbias);
    for (int i = 0; i < 9; i++) free(block[i]);
    free_case(&t);
}

static void check_dense(int n, int in, int out)
{
    size_t n_x = (size_t)(n * in), n_w = (size_t)(in * out), n_y = (size_t)(n * out), n_b = (size_t)out;
    hq_real *x = random_array(n_x), *w = random_array(n_w), *bias = random_array(n_b), *dy = random_array(n_y);
    hq_real *y = output_array(n_y), *dx = output_array(n_x), *dw = output_array(n_w), *db = output_array(n_b);
    double *ref_y = double_array(n_y), *ref_dx = double_array(n_x), *ref_dw = double_array(n_w);
    double *ref_db = double_array(n_b);
    hq_dense_fwd(n, in, out, x, w, bias, y);
    ref_dense_fwd(n, in, out, x, w, bias, ref_y);
    check_array("dense y", n_y, y, ref_y, TOLERANCE);
    ref_dense_bwd(n, in, out, x, w, dy, ref_dx, ref_dw, ref_db);
    hq_dense_bwd(n, in, out, x, w, dy, NULL, dw, db);
    check_array("dense dw", n_w, dw, ref_dw, TOLERANCE);
    hq_dense_bwd(n, in, out, x, w, dy, dx, dw, db);
    check_array("dense dx", n_x, dx, ref_dx, TOLERANCE);
    check_array("dense dw", n_w, dw, ref_dw, TOLERANCE);
    check_array("dense dbias", n_b, db, ref_db, TOLERANCE);
    free(x), free(w), free(bias), free(dy), free(y), free(dx), free(dw), free(db);
    free(ref_y), free(ref_dx), free(ref_dw), free(ref_db);
}

static void test_dense(void)
{
    check_dense(1, 1, 1);
    check_dense(5, 3, 2);
    check_dense(3, 1, 7);
    check_dense(16, 8, 128);
    check_dense(7, 130, 4);
    check_dense(9, 31, 65);
}

/* A NaN in one sample reaches that sample's outputs and the weight gradient. */
static void test_dense_nan(void)
{
    hq_real x[4] = {1, 2, (hq_real)NAN, 3}, w[2] = {1, 1}, bias[1] = {0}, y[2], dy[2] = {1, 1}, dw[2], db[1];
    hq_dense_fwd(2, 2, 1, x, w, bias, y);
    CHECK(y[0] == 3 && isnan(y[1]));
    hq_dense_bwd(2, 2, 1, x, w, dy, NULL, dw, db);
    CHECK(isnan(dw[0]) && dw[1] == 5 && db[0] == 2);
}

int main(void)
{
    HQ_RUN(test_conv);
    HQ_RUN(test_conv_volumes);
#ifndef HQ_REAL_F64
    HQ_RUN(test_conv_bf16);
#endif
    HQ_RUN(test_conv_smaller);
    HQ_RUN(test_conv_shape);
    HQ_RUN(test_conv_moves_image);
    HQ_RUN(test_conv_alignment);
    HQ_RUN(test_dense);
    HQ_RUN(test_dense_nan);
    return hq_check_result();
}
