/* kernels_plain.c: layers for any processor. */
#define HQ_BYTES 16
#define HQ_ROWS 6

#include "nn/kernels_all.h"

HQ_DEFINE_NN_KERNELS(hq_nn_kernels_plain, "plain");
