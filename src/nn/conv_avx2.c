/* conv_avx2.c: convolutions for x86-64 processors with AVX2 and FMA; src/CMakeLists.txt gives the compiler the
 * instruction sets. */
#if defined(__x86_64__)
#define HQ_BYTES 32
#define HQ_ROWS 6

#include "nn/conv_direct.h"

HQ_DEFINE_CONV_KERNELS(hq_conv_avx2, "avx2");
#endif
