/* kernels_plain.c: the kernels for any processor; src/CMakeLists.txt gives the compiler the instruction sets. */
#include <math.h>

#include "quantum/kernels_state.h"

#include "quantum/kernels_fused.h"

HQ_DEFINE_KERNELS(hq_kernels_plain, "plain");
