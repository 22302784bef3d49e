/* kernels_avx2.c: the kernels for x86-64 processors with AVX2 and FMA; src/CMakeLists.txt gives the compiler the
 * instruction sets. */
#if defined(__x86_64__)
#define HQ_WIDTH 4

#include <math.h>

#include "quantum/kernels_state.h"

#include "quantum/kernels_fused.h"

HQ_DEFINE_KERNELS(hq_kernels_avx2, "avx2");
#endif
