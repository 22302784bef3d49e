/* kernels_avx512.c: layers for x86-64 processors with AVX-512; src/CMakeLists.txt gives the compiler the instruction
 * sets. */
#if defined(__x86_64__)
#define HQ_BYTES 64
#define HQ_ROWS 12

#include "nn/kernels_all.h"

HQ_DEFINE_NN_KERNELS(hq_nn_kernels_avx512, "avx512");
#endif
