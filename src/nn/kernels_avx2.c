/* kernels_avx2.c: layers for x86-64 processors with AVX2 and FMA; src/CMakeLists.txt gives the compiler the instruction
 * sets. */
#if defined(__x86_64__)
#define HQ_BYTES 32
#define HQ_ROWS 6

#include "nn/kernels_all.h"

HQ_DEFINE_NN_KERNELS(hq_nn_kernels_avx2, "avx2");
#endif
