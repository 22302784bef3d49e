/* kernels_avx2.c: layers for x86-64 processors with AVX2 and FMA; src/CMakeLists.txt gives the compiler the instruction
 * sets. */
#if defined(__x86_64__)
#define HQ_BYTES 32
#define HQ_ROWS 6

#include "nn/kernels_conv.h"
#include "nn/kernels_norm.h"
#include "nn/kernels_winograd.h"

const hq_nn_kernels hq_nn_kernels_avx2 = {.name = "avx2",
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
#endif
