/* reference.h: the layers once more, straight from their definitions: one loop per index, sums in double, no sharing of
 * code or of formulas with src/nn. Layouts as in hqcnn/nn.h. Results are double in both precisions. */
#ifndef HQ_TEST_REFERENCE_H
#define HQ_TEST_REFERENCE_H

#include "hqcnn/nn.h"

void ref_conv_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, double *y);
void ref_conv_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, double *dx, double *dw,
                  double *dbias);

void ref_dense_fwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *bias, double *y);
void ref_dense_bwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *dy, double *dx,
                   double *dw, double *dbias);

/* Any norm: number i belongs to statistics set set[i] and has the scale and shift channel[i]. mean, var: [sets]. The
 * backward pass is the chain rule through mean and variance, one step at a time. */
typedef struct ref_norm {
    size_t count;
    int sets, channels;
    const int *set, *channel;
    double eps;
} ref_norm;

void ref_norm_fwd(const ref_norm *norm, const hq_real *x, const hq_real *scale, const hq_real *shift, double *y,
                  double *mean, double *var);
void ref_norm_bwd(const ref_norm *norm, const hq_real *x, const hq_real *scale, const hq_real *dy, double *dx,
                  double *dscale, double *dshift);

/* ReLU and, where asked for, max pooling of x[n][d][h][w][c] with the sizes of a layer: y = max(0, largest of a cell);
 * place[i]: where the first largest one of output i is in x. */
void ref_relu_pool(const hq_norm *norm, const double *x, double *y, size_t *place);

/* Adaptive average pooling to out_d x out x out cells. */
typedef struct ref_cells {
    int n, d, h, w, c, out_d, out;
} ref_cells;

void ref_avgpool_fwd(const ref_cells *cells, const hq_real *x, double *y);
void ref_avgpool_bwd(const ref_cells *cells, const hq_real *dy, double *dx);

/* Plain formulas, for logits of moderate size. dlogits as the derivative of exactly that. */
double ref_softmax_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                        double denominator, double *dlogits);
double ref_sigmoid_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                        double denominator, double *dlogits);

#endif
