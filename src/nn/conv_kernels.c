/* conv_kernels.c: which variant of the convolutions this processor can run. */
#include "nn/conv_kernels.h"

#include "hqcnn/config.h"
#include "hqcnn/nn.h"

extern const hq_conv_kernels hq_conv_plain;
#if defined(__x86_64__)
extern const hq_conv_kernels hq_conv_avx2, hq_conv_avx512;

static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static const hq_conv_kernels *best(void)
{
#if defined(__x86_64__)
    if (has_avx512()) return &hq_conv_avx512;
    if (has_avx2()) return &hq_conv_avx2;
#endif
    return &hq_conv_plain;
}

const hq_conv_kernels *hq_conv_kernels_find(int kernel)
{
    switch (kernel) {
    case HQ_COMPUTE_KERNEL_AUTO:
        return best();
    case HQ_COMPUTE_KERNEL_PLAIN:
        return &hq_conv_plain;
#if defined(__x86_64__)
    case HQ_COMPUTE_KERNEL_AVX2:
        return has_avx2() ? &hq_conv_avx2 : NULL;
    case HQ_COMPUTE_KERNEL_AVX512:
        return has_avx512() ? &hq_conv_avx512 : NULL;
#endif
    default:
        return NULL;
    }
}

const char *hq_conv_kernel_name(int kernel)
{
    const hq_conv_kernels *kernels = hq_conv_kernels_find(kernel);
    return kernels ? kernels->name : NULL;
}
