#include "hqcnn/nn.h"
#include "nn/rows.h"

void hq_dense_fwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y)
{
    hq_rows_fill(n, out, bias, y);
    hq_gemm(false, false, n, out, in, x, w, 1, y);
}

void hq_dense_bwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx,
                  hq_real *dw, hq_real *dbias)
{
    hq_gemm(true, false, in, out, n, x, dy, 0, dw);
    hq_rows_total(n, out, dy, dbias);
    if (dx) hq_gemm(false, true, n, in, out, dy, w, 0, dx);
}
