/* kernels_avx512.c: the kernels for x86-64 processors with AVX-512; src/CMakeLists.txt gives the compiler the
 * instruction sets. */
#if defined(__x86_64__)
#define HQ_WIDTH 8

#include <math.h>

#include "quantum/kernels_state.h"

#include "quantum/kernels_fused.h"

HQ_DEFINE_KERNELS(hq_kernels_avx512, "avx512");
#endif
