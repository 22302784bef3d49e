#include "hqcnn/nn.h"
#include "nn/rows.h"

#include <math.h>

/* The comparisons are false for NaN, so that NaN goes through. */
void hq_relu_fwd(size_t count, const hq_real *x, hq_real *y)
{
    HQ_ROWS_VECTOR
    for (size_t i = 0; i < count; i++) y[i] = x[i] <= 0 ? 0 : x[i];
}

void hq_relu_bwd(size_t count, const hq_real *y, const hq_real *dy, hq_real *dx)
{
    HQ_ROWS_VECTOR
    for (size_t i = 0; i < count; i++) {
        hq_real g = dy[i]; /* always read: a conditional read would not be vectorised */
        dx[i] = y[i] <= 0 ? 0 : g;
    }
}

void hq_tanh_fwd(size_t count, double factor, const hq_real *x, hq_real *y)
{
    for (size_t i = 0; i < count; i++) y[i] = (hq_real)(factor * tanh(x[i]));
}

/* factor (1 - tanh^2) with tanh = y / factor. */
void hq_tanh_bwd(size_t count, double factor, const hq_real *y, const hq_real *dy, hq_real *dx)
{
    for (size_t i = 0; i < count; i++) dx[i] = (hq_real)(dy[i] * (factor - (double)y[i] * y[i] / factor));
}
