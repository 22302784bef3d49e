#include "nn/rows.h"

#include <string.h>

void hq_rows_sum(int64_t rows, int width, int stride, const hq_real *x, double *sum)
{
    for (int64_t row = 0; row < rows; row++, x += stride) {
        HQ_ROWS_VECTOR
        for (int ch = 0; ch < width; ch++) sum[ch] += x[ch];
    }
}

void hq_rows_sum_squares(int64_t rows, int width, int stride, const hq_real *x, const double *mean, double *sum)
{
    for (int64_t row = 0; row < rows; row++, x += stride) {
        HQ_ROWS_VECTOR
        for (int ch = 0; ch < width; ch++) {
            double d = x[ch] - mean[ch];
            sum[ch] += d * d;
        }
    }
}

void hq_rows_sum_gradient(int64_t rows, int width, int stride, const hq_real *x, const hq_real *dy, const hq_real *mean,
                          double *sum_dy, double *sum_dyx)
{
    for (int64_t row = 0; row < rows; row++, x += stride, dy += stride) {
        HQ_ROWS_VECTOR
        for (int ch = 0; ch < width; ch++) {
            double g = dy[ch];
            sum_dy[ch] += g;
            sum_dyx[ch] += g * ((double)x[ch] - (double)mean[ch]);
        }
    }
}

void hq_rows_normalize(int64_t rows, int width, int stride, const hq_real *x, const hq_real *mean,
                       const hq_real *factor, const hq_real *shift, hq_real *y)
{
    for (int64_t row = 0; row < rows; row++, x += stride, y += stride) {
        HQ_ROWS_VECTOR
        for (int ch = 0; ch < width; ch++) y[ch] = (x[ch] - mean[ch]) * factor[ch] + shift[ch];
    }
}

void hq_rows_normalize_bwd(int64_t rows, int width, int stride, const hq_real *x, const hq_real *dy,
                           const hq_real *mean, const hq_real *factor, const hq_real *slope, const hq_real *level,
                           hq_real *dx)
{
    for (int64_t row = 0; row < rows; row++, x += stride, dy += stride, dx += stride) {
        HQ_ROWS_VECTOR
        for (int ch = 0; ch < width; ch++) dx[ch] = dy[ch] * factor[ch] - (x[ch] - mean[ch]) * slope[ch] - level[ch];
    }
}

void hq_rows_fill(int64_t rows, int c, const hq_real *value, hq_real *y)
{
    for (int64_t row = 0; row < rows; row++) memcpy(y + row * c, value, (size_t)c * sizeof *y);
}

void hq_rows_total(int64_t rows, int c, const hq_real *x, hq_real *sum)
{
    for (int first = 0; first < c; first += HQ_ROWS_BLOCK) {
        int width = hq_rows_width(first, c);
        double total[HQ_ROWS_BLOCK] = {0};
        hq_rows_sum(rows, width, c, x + first, total);
        for (int ch = 0; ch < width; ch++) sum[first + ch] = (hq_real)total[ch];
    }
}
