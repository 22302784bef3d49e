/* kernels.h: the arithmetic of layers, compiled once for each instruction set from the kernels_*.h.
 *
 * Every sum has an order that depends on the shape alone. Bits differ between variants. Convolutions: the s * c inputs
 * that a kernel row sees lie side by side in x, so both kernels run over rows of `patch` = s * c numbers; nothing is
 * padded here: the caller has put zeros around the images. Private to nn.
 */
#ifndef HQCNN_NN_KERNELS_H
#define HQCNN_NN_KERNELS_H

#include "hqcnn/tensor.h"

/* The largest width of all variants, for sizes of memory. */
#define HQ_CONV_WIDTH_MAX 16

/* Kernels of t planes of r rows of `patch` numbers over images x[n][d][h][w][c]; outputs [n][od][oh][ow][k]. Numbers
 * from one pixel of x to the next: c, from row to row: `row`, from plane to plane: `plane`, from image to image:
 * `image`. */
typedef struct hq_correlation {
    int n, c, k;
    int t, r, patch;
    int od, oh, ow;
    size_t row, plane, image;
} hq_correlation;

/* Winograd's tiles: 2x2 outputs each of a plane, from 4x4 inputs that begin `pad` before them. Rows of tiles are
 * counted through all images of x[n][d][h][w][c] and y[n][od][oh][ow][k]; these kernels do `rows` of them from row
 * `first` on, in `planes` planes of which the first is plane `plane` of x or y. What lies outside x or y is zero or is
 * dropped. Transformed tiles are [16][planes][rows * tw][channels] with hq_places_apart numbers from place to place,
 * transformed weights [16][t][c][k] likewise: a register more than there is, so that the 16 places do not compete for
 * the same lines of a cache. */
typedef struct hq_tiling {
    int d, h, w, od, oh, ow, pad;
    int th, tw; /* rows of tiles in an image, tiles in a row */
    int first, rows;
    int plane, planes;
} hq_tiling;

static inline size_t hq_places_apart(size_t numbers) { return numbers + HQ_CONV_WIDTH_MAX; }

/* Behind a convolution: one image x[d][h][w][c] and what is left of it after 2x2 (d > 1: 2x2x2) max pooling with stride
 * 2, or without: y[cells_d][cells_h][cells_w][c]. */
typedef struct hq_cells {
    int d, h, w, c;
    bool pool;
} hq_cells;

static inline int hq_cells_d(const hq_cells *shape) { return shape->pool && shape->d > 1 ? shape->d / 2 : shape->d; }
static inline int hq_cells_h(const hq_cells *shape) { return shape->pool ? shape->h / 2 : shape->h; }
static inline int hq_cells_w(const hq_cells *shape) { return shape->pool ? shape->w / 2 : shape->w; }

/* Numbers per channel of a norm: y = (x - mean) factor + shift, and the gradient by its input, dx = dy factor -
 * (x - mean) slope - level. */
typedef struct hq_affine {
    const hq_real *mean, *factor, *shift, *slope, *level;
} hq_affine;

typedef struct hq_nn_kernels {
    const char *name;
    int width;  /* numbers in a register */
    int chains; /* of multiply_add */

    /* n times `chains` independent multiply-adds of registers: what the processor does at most. */
    hq_real (*multiply_add)(size_t n, hq_real x);

    /* y[n][oh][ow][k] = bias + correlation of x with w; w in tiles of output channels,
     * [tile][t][r][patch][hq_conv_tile], zeros behind the last channel; bias[k] or NULL for zeros. */
    void (*correlate)(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y);

    /* dw[t][r][patch][k] += sum over output pixels of x dy, dy[n][od][oh][ow][dy_stride] with zeros behind the first k
     * up to the next multiple of the width. */
    void (*weights)(const hq_correlation *shape, const hq_real *x, const hq_real *dy, int dy_stride, hq_real *dw);

    /* Winograd, for channels in multiples of HQ_CONV_WIDTH_MAX: weights w[t][3][3][c][k] to u[16][...], each in tiles
     * as w of a correlation of t planes of c numbers; x to tiles v; tiles m to y. The gradients are the adjoint maps:
     * dy to dm; dv added to dx; du[16][t][c][k] to dw. */
    void (*winograd_weights)(int t, int c, int k, const hq_real *w, hq_real *u);
    void (*winograd_input)(const hq_tiling *tiling, int c, const hq_real *x, hq_real *v);
    void (*winograd_output)(const hq_tiling *tiling, int k, const hq_real *m, const hq_real *bias, hq_real *y);
    void (*winograd_output_bwd)(const hq_tiling *tiling, int k, const hq_real *dy, hq_real *dm);
    void (*winograd_input_bwd)(const hq_tiling *tiling, int c, const hq_real *dv, hq_real *dx);
    void (*winograd_weights_bwd)(int t, int c, int k, const hq_real *du, hq_real *dw);

    /* sum[ch] += x - pivot[ch] and squares[ch] += (x - pivot[ch])^2 over rows of x[rows][c]. */
    void (*moments)(int64_t rows, int c, const hq_real *x, const hq_real *pivot, double *sum, double *squares);

    /* y = max(0, maximum over a cell of (x - mean[ch]) factor[ch] + shift[ch]); with pooling, choice[...] is the place
     * of the maximum in its cell, in memory order. */
    void (*norm_forward)(const hq_cells *shape, const hq_affine *affine, const hq_real *x, hq_real *y, uint8_t *choice);

    /* With g the gradient of the normalised numbers, dy where they pass ReLU, which is found once more from x:
     * sum_dy[ch] += g, sum_dyx[ch] += g (x - mean[ch]). */
    void (*norm_sums)(const hq_cells *shape, const hq_affine *affine, const hq_real *x, const uint8_t *choice,
                      const hq_real *dy, double *sum_dy, double *sum_dyx);

    /* dx from dy, through pooling, ReLU and norm. */
    void (*norm_backward)(const hq_cells *shape, const hq_affine *affine, const hq_real *x, const uint8_t *choice,
                          const hq_real *dy, hq_real *dx);
} hq_nn_kernels;

/* The variant of an instruction set (HQ_COMPUTE_KERNEL_* of config.h; AUTO: the best one), NULL when this processor
 * does not have it. */
const hq_nn_kernels *hq_nn_kernels_find(int kernel);

/* Width of the tile of output channels that begins at `first`: two vectors, which are computed together, while more
 * than one is left. */
static inline int hq_conv_tile(const hq_nn_kernels *kernels, int k, int first)
{
    return k - first > kernels->width ? 2 * kernels->width : kernels->width;
}

#endif
