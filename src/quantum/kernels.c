/* kernels.c: which variant of the kernels this processor can run. */
#include "quantum/kernels.h"

#include "hqcnn/config.h"

extern const hq_kernels hq_kernels_plain;
#if defined(__x86_64__)
extern const hq_kernels hq_kernels_avx2, hq_kernels_avx512;
#endif

const hq_kernels *hq_kernels_best(void)
{
#if defined(__x86_64__)
    if (hq_machine_has_avx512()) return &hq_kernels_avx512;
    if (hq_machine_has_avx2()) return &hq_kernels_avx2;
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
        return hq_machine_has_avx2() ? &hq_kernels_avx2 : NULL;
    case HQ_COMPUTE_KERNEL_AVX512:
        return hq_machine_has_avx512() ? &hq_kernels_avx512 : NULL;
#endif
    default:
        return NULL;
    }
}
