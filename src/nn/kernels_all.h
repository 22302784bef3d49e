/* kernels_all.h: all kernels of one variant, and its table of them. Included by each kernels_<variant>.c behind
 * HQ_BYTES and HQ_ROWS (see kernels_vector.h). */
#include "nn/kernels_conv.h"
#include "nn/kernels_norm.h"
#include "nn/kernels_winograd.h"

#define HQ_DEFINE_NN_KERNELS(variable, text)                                                                           \
    const hq_nn_kernels variable = {.name = (text),                                                                    \
                                    .width = HQ_LANES,                                                                 \
                                    .chains = 2 * HQ_ROWS,                                                             \
                                    .multiply_add = multiply_add,                                                      \
                                    .correlate = correlate,                                                            \
                                    .weights = weights,                                                                \
                                    .winograd_weights = winograd_weights,                                              \
                                    .winograd_input = winograd_input,                                                  \
                                    .winograd_output = winograd_output,                                                \
                                    .winograd_output_bwd = winograd_output_bwd,                                        \
                                    .winograd_input_bwd = winograd_input_bwd,                                          \
                                    .winograd_weights_bwd = winograd_weights_bwd,                                      \
                                    .moments = moments,                                                                \
                                    .norm_forward = norm_forward,                                                      \
                                    .norm_sums = norm_sums,                                                            \
                                    .norm_backward = norm_backward}
