/* kernels_plain.c: the kernels for any processor; src/CMakeLists.txt gives the compiler the instruction sets. */
#define HQ_WIDTH 2

#include <math.h>

#include "quantum/kernels_state.h"

#include "quantum/kernels_fused.h"

HQ_DEFINE_KERNELS(hq_kernels_plain, "plain");
