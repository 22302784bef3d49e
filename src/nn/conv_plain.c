/* conv_plain.c: convolutions for any processor. */
#define HQ_BYTES 16
#define HQ_ROWS 6

#include "nn/conv_direct.h"

HQ_DEFINE_CONV_KERNELS(hq_conv_plain, "plain");
