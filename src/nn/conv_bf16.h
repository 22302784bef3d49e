/* conv_bf16.h: convolutions by 16-bit products with sums in single precision. Private to nn; as the functions of nn.h.
 */
#ifndef HQCNN_NN_CONV_BF16_H
#define HQCNN_NN_CONV_BF16_H

#include "hqcnn/nn.h"

/* Whether a convolution that asks for it is computed this way, by its shape alone; others stay in single precision. */
bool hq_conv_bf16_suits(const hq_conv *conv);
size_t hq_conv_bf16_work(const hq_conv *conv);
size_t hq_conv_bf16_kept(const hq_conv *conv);
void hq_conv_bf16_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                      hq_real *work, hq_real *kept);
/* Without the bias; dx may be NULL. */
void hq_conv_bf16_bwd(const hq_conv *conv, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *dw, hq_real *work,
                      const hq_real *kept);

#endif
