/* conv_kernels.h: the arithmetic of convolutions, compiled once for each instruction set from conv_direct.h.
 *
 * The s * c inputs that a kernel row sees lie side by side in x, so both kernels run over rows of `patch` = s * c
 * numbers. Nothing is padded here: the caller has put zeros around the images. Every sum has an order that depends on
 * the shape alone. Bits differ between variants.
 */
#ifndef NN_CONV_KERNELS_H
#define NN_CONV_KERNELS_H

#include "hqcnn/tensor.h"

/* Images x[n][h][w][c] under kernels of r rows of `patch` numbers; outputs [n][oh][ow][k]. */
typedef struct hq_correlation {
    int n, h, w, c, r, patch, oh, ow, k;
} hq_correlation;

typedef struct hq_conv_kernels {
    const char *name;
    int width; /* numbers in a register */

    /* y[n][oh][ow][k] = bias + correlation of x with w; w in tiles of output channels,
     * [tile][r][patch][hq_conv_tile], zeros behind the last channel; bias[k] or NULL for zeros. */
    void (*correlate)(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y);

    /* dw[r][patch][k] = sum over output pixels of x dy, dy[n][oh][ow][dy_stride] with zeros behind the first k up to
     * the next multiple of the width. */
    void (*weights)(const hq_correlation *shape, const hq_real *x, const hq_real *dy, int dy_stride, hq_real *dw);
} hq_conv_kernels;

/* The largest width of all variants, for sizes of memory. */
#define HQ_CONV_WIDTH_MAX 16

/* The variant of an instruction set (HQ_COMPUTE_KERNEL_* of config.h; AUTO: the best one), NULL when this processor
 * does not have it. */
const hq_conv_kernels *hq_conv_kernels_find(int kernel);

/* First of the two or fewer vectors of output channels that are computed together: tiles are 2 vectors wide while that
 * many are left. */
static inline int hq_conv_tile(const hq_conv_kernels *kernels, int k, int first)
{
    return k - first > kernels->width ? 2 * kernels->width : kernels->width;
}

#endif
