/* winograd.h: 3x3 convolutions by Winograd's algorithm, for the shapes where it saves time. Private to nn; as the
 * functions of nn.h. */
#ifndef HQCNN_NN_WINOGRAD_H
#define HQCNN_NN_WINOGRAD_H

#include "hqcnn/nn.h"

/* Whether a convolution, and its gradients, are computed this way: by its shape alone. */
bool hq_winograd_suits(const hq_conv *conv);
bool hq_winograd_suits_bwd(const hq_conv *conv);
size_t hq_winograd_work(const hq_conv *conv);
void hq_winograd_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                     hq_real *work);
/* Without the bias; dx may be NULL. */
void hq_winograd_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx,
                     hq_real *dw, hq_real *work);

#endif
