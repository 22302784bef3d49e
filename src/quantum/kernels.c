/* kernels.c: which variant of the kernels this processor can run. */
#include "quantum/kernels.h"

#include "hqcnn/config.h"

extern const hq_kernels hq_kernels_plain;
#if defined(__x86_64__)
extern const hq_kernels hq_kernels_avx2, hq_kernels_avx512;

static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

const hq_kernels *hq_kernels_best(void)
{
#if defined(__x86_64__)
    if (has_avx512()) return &hq_kernels_avx512;
    if (has_avx2()) return &hq_kernels_avx2;
#endif
    return &hq_kernels_plain;
}

const hq_kernels *hq_kernels_find(int kernel)
{
    switch (kernel) {
    case HQ_COMPUTE_KERNEL_AUTO:
        return hq_kernels_best();
    case HQ_COMPUTE_KERNEL_PLAIN:
        return &hq_kernels_plain;
#if defined(__x86_64__)
    case HQ_COMPUTE_KERNEL_AVX2:
        return has_avx2() ? &hq_kernels_avx2 : NULL;
    case HQ_COMPUTE_KERNEL_AVX512:
        return has_avx512() ? &hq_kernels_avx512 : NULL;
#endif
    default:
        return NULL;
    }
}
