/* kernels.h: the arithmetic of layers, compiled once for each instruction set from kernels_conv.h and kernels_norm.h.
 *
 * Every sum has an order that depends on the shape alone. Bits differ between variants. Convolutions: the s * c inputs
 * that a kernel row sees lie side by side in x, so both kernels run over rows of `patch` = s * c numbers; nothing is
 * padded here: the caller has put zeros around the images. Private to nn.
 */
#ifndef HQCNN_NN_KERNELS_H
#define HQCNN_NN_KERNELS_H

#include "hqcnn/tensor.h"

/* Images x[n][h][w][c] under kernels of r rows of `patch` numbers; outputs [n][oh][ow][k]. */
typedef struct hq_correlation {
    int n, h, w, c, r, patch, oh, ow, k;
} hq_correlation;

/* Behind a convolution: one image x[d][h][w][c] and what is left of it after 2x2 (d > 1: 2x2x2) max pooling with stride
 * 2, or without: y[cells_d][cells_h][cells_w][c]. */
typedef struct hq_cells {
    int d, h, w, c;
    bool pool;
} hq_cells;

static inline int hq_cells_d(const hq_cells *shape) { return shape->pool && shape->d > 1 ? shape->d / 2 : shape->d; }
static inline int hq_cells_h(const hq_cells *shape) { return shape->pool ? shape->h / 2 : shape->h; }
static inline int hq_cells_w(const hq_cells *shape) { return shape->pool ? shape->w / 2 : shape->w; }

/* The gradient of a norm by its input, per channel: dx = dy factor - (x - mean) slope - level. */
typedef struct hq_slopes {
    const hq_real *mean, *factor, *slope, *level;
} hq_slopes;

typedef struct hq_nn_kernels {
    const char *name;
    int width; /* numbers in a register */

    /* y[n][oh][ow][k] = bias + correlation of x with w; w in tiles of output channels,
     * [tile][r][patch][hq_conv_tile], zeros behind the last channel; bias[k] or NULL for zeros. */
    void (*correlate)(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y);

    /* dw[r][patch][k] = sum over output pixels of x dy, dy[n][oh][ow][dy_stride] with zeros behind the first k up to
     * the next multiple of the width. */
    void (*weights)(const hq_correlation *shape, const hq_real *x, const hq_real *dy, int dy_stride, hq_real *dw);

    /* sum[ch] += x - pivot[ch] and squares[ch] += (x - pivot[ch])^2 over rows of x[rows][c]. */
    void (*moments)(int64_t rows, int c, const hq_real *x, const hq_real *pivot, double *sum, double *squares);

    /* y = max(0, maximum over a cell of (x - mean[ch]) factor[ch] + shift[ch]); with pooling, choice[...] is the place
     * of the maximum in its cell, in memory order. */
    void (*norm_forward)(const hq_cells *shape, const hq_real *x, const hq_real *mean, const hq_real *factor,
                         const hq_real *shift, hq_real *y, uint8_t *choice);

    /* With g the gradient of the normalised numbers: sum_dy[ch] += g, sum_dyx[ch] += g (x - mean[ch]). */
    void (*norm_sums)(const hq_cells *shape, const hq_real *x, const hq_real *y, const uint8_t *choice,
                      const hq_real *dy, const hq_real *mean, double *sum_dy, double *sum_dyx);

    /* dx from dy, through pooling, ReLU and norm. */
    void (*norm_backward)(const hq_cells *shape, const hq_real *x, const hq_real *y, const uint8_t *choice,
                          const hq_real *dy, const hq_slopes *slopes, hq_real *dx);
} hq_nn_kernels;

/* The largest width of all variants, for sizes of memory. */
#define HQ_CONV_WIDTH_MAX 16

/* The variant of an instruction set (HQ_COMPUTE_KERNEL_* of config.h; AUTO: the best one), NULL when this processor
 * does not have it. */
const hq_nn_kernels *hq_nn_kernels_find(int kernel);

/* First of the two or fewer vectors of output channels that are computed together: tiles are 2 vectors wide while that
 * many are left. */
static inline int hq_conv_tile(const hq_nn_kernels *kernels, int k, int first)
{
    return k - first > kernels->width ? 2 * kernels->width : kernels->width;
}

#endif
