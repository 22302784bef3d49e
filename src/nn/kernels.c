/* kernels.c: which variant of the kernels this processor can run. */
#include "nn/kernels.h"

#include "hqcnn/config.h"
#include "hqcnn/nn.h"

extern const hq_nn_kernels hq_nn_kernels_plain;
#if defined(__x86_64__)
extern const hq_nn_kernels hq_nn_kernels_avx2, hq_nn_kernels_avx512;
#endif

static const hq_nn_kernels *best(void)
{
#if defined(__x86_64__)
    if (hq_machine_has_avx512()) return &hq_nn_kernels_avx512;
    if (hq_machine_has_avx2()) return &hq_nn_kernels_avx2;
#endif
    return &hq_nn_kernels_plain;
}

const hq_nn_kernels *hq_nn_kernels_find(int kernel)
{
    switch (kernel) {
    case HQ_COMPUTE_KERNEL_AUTO:
        return best();
    case HQ_COMPUTE_KERNEL_PLAIN:
        return &hq_nn_kernels_plain;
#if defined(__x86_64__)
    case HQ_COMPUTE_KERNEL_AVX2:
        return hq_machine_has_avx2() ? &hq_nn_kernels_avx2 : NULL;
    case HQ_COMPUTE_KERNEL_AVX512:
        return hq_machine_has_avx512() ? &hq_nn_kernels_avx512 : NULL;
#endif
    default:
        return NULL;
    }
}

const char *hq_nn_kernel_name(int kernel)
{
    const hq_nn_kernels *kernels = hq_nn_kernels_find(kernel);
    return kernels ? kernels->name : NULL;
}

double hq_nn_peak(int kernel)
{
    enum { TRIALS = 20, REPEATS = 20000 };
    const hq_nn_kernels *kernels = hq_nn_kernels_find(kernel);
    double least = 1e300;
    hq_real sink = 0;
    for (int i = 0; i < TRIALS; i++) {
        const double start = hq_clock();
        sink += kernels->multiply_add(REPEATS, (hq_real)0.5);
        const double seconds = hq_clock() - start;
        if (seconds < least) least = seconds;
    }
    return sink == 0 ? 0 : 2.0 * kernels->width * kernels->chains * REPEATS / least; /* the sink is not 0 */
}
