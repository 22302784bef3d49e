/* kernels_plain.c: layers for any processor. */
#define HQ_BYTES 16
#define HQ_ROWS 6

#include "nn/kernels_conv.h"
#include "nn/kernels_norm.h"
#include "nn/kernels_winograd.h"

const hq_nn_kernels hq_nn_kernels_plain = {.name = "plain",
                                           .width = HQ_LANES,
                                           .chains = 2 * HQ_ROWS,
                                           .multiply_add = multiply_add,
                                           .correlate = correlate,
                                           .weights = weights,
                                           .winograd_weights = winograd_weights,
                                           .winograd_input = winograd_input,
                                           .winograd_output = winograd_output,
                                           .winograd_output_bwd = winograd_output_bwd,
                                           .winograd_input_bwd = winograd_input_bwd,
                                           .winograd_weights_bwd = winograd_weights_bwd,
                                           .moments = moments,
                                           .norm_forward = norm_forward,
                                           .norm_sums = norm_sums,
                                           .norm_backward = norm_backward};
