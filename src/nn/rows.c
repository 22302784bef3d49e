#include "nn/rows.h"

#include <string.h>

void hq_rows_sum(int64_t rows, int width, int stride, const hq_real *x, double *sum)
{
    for (int64_t row = 0; row < rows; row++, x += stride) {
        HQ_ROWS_VECTOR
        for (int ch = 0; ch < width; ch++) sum[ch] += x[ch];
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
