/* Batch norm: Ioffe and Szegedy, "Batch normalization", ICML 2015. Channels are handled in blocks, row by row. */
#include "hqcnn/nn.h"
#include "nn/rows.h"

#include <math.h>

static void batch_statistics(int64_t rows, int c, const hq_real *x, hq_real *mean, hq_real *var)
{
    for (int first = 0; first < c; first += HQ_ROWS_BLOCK) {
        int width = hq_rows_width(first, c);
        double average[HQ_ROWS_BLOCK] = {0}, squares[HQ_ROWS_BLOCK] = {0};
        hq_rows_sum(rows, width, c, x + first, average);
        for (int ch = 0; ch < width; ch++) average[ch] /= (double)rows;
        hq_rows_sum_squares(rows, width, c, x + first, average, squares);
        for (int ch = 0; ch < width; ch++) {
            mean[first + ch] = (hq_real)average[ch];
            var[first + ch] = (hq_real)(squares[ch] / (double)rows);
        }
    }
}

void hq_batchnorm_fwd_train(int64_t rows, int c, double eps, const hq_real *x, const hq_real *scale,
                            const hq_real *shift, hq_real *y, hq_real *mean, hq_real *var)
{
    batch_statistics(rows, c, x, mean, var);
    hq_batchnorm_fwd_eval(rows, c, eps, x, scale, shift, mean, var, y);
}

void hq_batchnorm_fwd_eval(int64_t rows, int c, double eps, const hq_real *x, const hq_real *scale,
                           const hq_real *shift, const hq_real *mean, const hq_real *var, hq_real *y)
{
    for (int first = 0; first < c; first += HQ_ROWS_BLOCK) {
        int width = hq_rows_width(first, c);
        hq_real factor[HQ_ROWS_BLOCK];
        for (int ch = 0; ch < width; ch++) factor[ch] = (hq_real)(scale[first + ch] / sqrt(var[first + ch] + eps));
        hq_rows_normalize(rows, width, c, x + first, mean + first, factor, shift + first, y + first);
    }
}

/* With u = (x - mean) / sqrt(var + eps): dx = scale / sqrt(var + eps) (dy - mean(dy) - u mean(dy u)), means over rows.
 */
void hq_batchnorm_bwd(int64_t rows, int c, double eps, const hq_real *x, const hq_real *scale, const hq_real *mean,
                      const hq_real *var, const hq_real *dy, hq_real *dx, hq_real *dscale, hq_real *dshift)
{
    for (int first = 0; first < c; first += HQ_ROWS_BLOCK) {
        int width = hq_rows_width(first, c);
        double sum_dy[HQ_ROWS_BLOCK] = {0}, sum_dyx[HQ_ROWS_BLOCK] = {0};
        hq_real factor[HQ_ROWS_BLOCK], slope[HQ_ROWS_BLOCK], level[HQ_ROWS_BLOCK];
        hq_rows_sum_gradient(rows, width, c, x + first, dy + first, mean + first, sum_dy, sum_dyx);
        for (int ch = 0; ch < width; ch++) {
            double inverse = 1 / sqrt(var[first + ch] + eps), f = scale[first + ch] * inverse;
            dshift[first + ch] = (hq_real)sum_dy[ch];
            dscale[first + ch] = (hq_real)(sum_dyx[ch] * inverse);
            factor[ch] = (hq_real)f;
            slope[ch] = (hq_real)(f * inverse * inverse * sum_dyx[ch] / (double)rows);
            level[ch] = (hq_real)(f * sum_dy[ch] / (double)rows);
        }
        if (dx)
            hq_rows_normalize_bwd(rows, width, c, x + first, dy + first, mean + first, factor, slope, level,
                                  dx + first);
    }
}
