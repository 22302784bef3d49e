/* Convolution as one matrix product: im2col turns every output pixel into a row of the r * s * c inputs it sees. */
#include "hqcnn/nn.h"
#include "nn/rows.h"

#include <limits.h>
#include <string.h>

int hq_conv_out_h(const hq_conv *conv) { return conv->h + 2 * conv->pad - conv->r + 1; }

int hq_conv_out_w(const hq_conv *conv) { return conv->w + 2 * conv->pad - conv->s + 1; }

static int64_t out_pixels(const hq_conv *conv) { return (int64_t)conv->n * hq_conv_out_h(conv) * hq_conv_out_w(conv); }

static int patch_size(const hq_conv *conv) { return conv->r * conv->s * conv->c; }

size_t hq_conv_work(const hq_conv *conv) { return (size_t)out_pixels(conv) * (size_t)patch_size(conv); }

/* Kernel columns [lo, hi) whose input pixel lies inside the image, for output column ox. */
static void inside_columns(const hq_conv *conv, int ox, int *lo, int *hi)
{
    int first = conv->pad - ox, end = conv->w + conv->pad - ox;
    *lo = first < 0 ? 0 : first < conv->s ? first : conv->s;
    *hi = end > conv->s ? conv->s : end > *lo ? end : *lo;
}

/* Offset of the input row under kernel row kr at output row oy of image i; -1 when it lies in the padding. */
static int64_t input_row(const hq_conv *conv, int i, int oy, int kr)
{
    int iy = oy + kr - conv->pad;
    if (iy < 0 || iy >= conv->h) return -1;
    return ((int64_t)i * conv->h + iy) * conv->w * conv->c;
}

/* One kernel row of a patch: s * c neighbours of the input row (NULL: all padding), zero outside. */
static void copy_patch_row(const hq_conv *conv, const hq_real *row, int ox, hq_real *patch)
{
    int lo = conv->s, hi = conv->s, c = conv->c;
    if (row) inside_columns(conv, ox, &lo, &hi);
    memset(patch, 0, (size_t)(lo * c) * sizeof *patch);
    if (hi > lo)
        memcpy(patch + lo * c, row + (int64_t)(ox - conv->pad + lo) * c, (size_t)((hi - lo) * c) * sizeof *patch);
    memset(patch + hi * c, 0, (size_t)((conv->s - hi) * c) * sizeof *patch);
}

/* patches[n][oh][ow][r][s][c] from x. */
static void im2col(const hq_conv *conv, const hq_real *x, hq_real *patches)
{
    int oh = hq_conv_out_h(conv), ow = hq_conv_out_w(conv), row_size = conv->s * conv->c;
    for (int i = 0; i < conv->n; i++)
        for (int oy = 0; oy < oh; oy++)
            for (int ox = 0; ox < ow; ox++)
                for (int kr = 0; kr < conv->r; kr++, patches += row_size) {
                    int64_t row = input_row(conv, i, oy, kr);
                    copy_patch_row(conv, row >= 0 ? x + row : NULL, ox, patches);
                }
}

static void add_patch_row(const hq_conv *conv, const hq_real *patch, int ox, hq_real *row)
{
    int lo, hi;
    inside_columns(conv, ox, &lo, &hi);
    int count = (hi - lo) * conv->c;
    hq_real *to = row + (int64_t)(ox - conv->pad + lo) * conv->c;
    const hq_real *from = patch + lo * conv->c;
    HQ_ROWS_VECTOR
    for (int j = 0; j < count; j++) to[j] += from[j];
}

/* The adjoint of im2col: every input pixel sums its places in the patches. */
static void col2im(const hq_conv *conv, const hq_real *patches, hq_real *dx)
{
    int oh = hq_conv_out_h(conv), ow = hq_conv_out_w(conv), row_size = conv->s * conv->c;
    memset(dx, 0, (size_t)conv->n * conv->h * conv->w * conv->c * sizeof *dx);
    for (int i = 0; i < conv->n; i++)
        for (int oy = 0; oy < oh; oy++)
            for (int ox = 0; ox < ow; ox++)
                for (int kr = 0; kr < conv->r; kr++, patches += row_size) {
                    int64_t row = input_row(conv, i, oy, kr);
                    if (row >= 0) add_patch_row(conv, patches, ox, dx + row);
                }
}

/* Rows of the matrix product; BLAS counts in int. */
static int gemm_rows(const hq_conv *conv)
{
    HQ_ASSERT(hq_conv_out_h(conv) > 0 && hq_conv_out_w(conv) > 0);
    int64_t rows = out_pixels(conv);
    HQ_ASSERT(rows <= INT_MAX);
    return (int)rows;
}

void hq_conv_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                 hq_real *work)
{
    int rows = gemm_rows(conv);
    im2col(conv, x, work);
    hq_rows_fill(rows, conv->k, bias, y);
    hq_gemm(false, false, rows, conv->k, patch_size(conv), work, w, 1, y);
}

void hq_conv_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *dw,
                 hq_real *dbias, hq_real *work)
{
    int rows = gemm_rows(conv);
    im2col(conv, x, work);
    hq_gemm(true, false, patch_size(conv), conv->k, rows, work, dy, 0, dw);
    hq_rows_total(rows, conv->k, dy, dbias);
    if (!dx) return;
    hq_gemm(false, true, rows, patch_size(conv), conv->k, dy, w, 0, work);
    col2im(conv, work, dx);
}
