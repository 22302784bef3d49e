#include "hqcnn/tensor.h"

#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* The largest number, before scaling, of which `terms` cannot wrap a signed 64-bit sum: half the range is kept free. */
static double fixed_limit(int fraction_bits, int64_t terms)
{
    return ldexp(1.0, 62 - fraction_bits) / (double)(terms > 0 ? terms : 1);
}

/* Scaling by a power of two is exact, llrint rounds to even in the default mode. Numbers too large, infinite or no
 * numbers are refused. */
static int64_t add_plain(int64_t *sum, const hq_real *x, size_t n, double weight, double scale, double limit)
{
    int64_t refused = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = weight * (double)x[i];
        if (fabs(value) < limit)
            sum[i] += (int64_t)llrint(value * scale);
        else
            refused++;
    }
    return refused;
}

#if defined(__x86_64__) && !defined(HQ_REAL_F64)
/* The same bits, eight at a time. */
__attribute__((target("avx512f,avx512dq,avx512vl"))) static int64_t
add_avx512(int64_t *sum, const float *x, size_t n, double weight, double scale, double limit)
{
    const __m512d weights = _mm512_set1_pd(weight), scales = _mm512_set1_pd(scale), limits = _mm512_set1_pd(limit);
    const size_t whole = n / 8 * 8;
    int64_t refused = 0;
    for (size_t i = 0; i < whole; i += 8) {
        const __m512d value = _mm512_mul_pd(weights, _mm512_cvtps_pd(_mm256_loadu_ps(x + i)));
        const __mmask8 fits = _mm512_cmp_pd_mask(_mm512_abs_pd(value), limits, _CMP_LT_OQ);
        const __m512i before = _mm512_loadu_si512(sum + i), more = _mm512_cvtpd_epi64(_mm512_mul_pd(value, scales));
        _mm512_storeu_si512(sum + i, _mm512_mask_add_epi64(before, fits, before, more));
        refused += 8 - __builtin_popcount(fits);
    }
    return refused + add_plain(sum + whole, x + whole, n - whole, weight, scale, limit);
}
#endif

int64_t hq_fixed_add(int64_t *sum, const hq_real *x, size_t n, double weight, int fraction_bits, int64_t terms)
{
    const double limit = fixed_limit(fraction_bits, terms), scale = ldexp(1.0, fraction_bits);
#if defined(__x86_64__) && !defined(HQ_REAL_F64)
    if (hq_machine_has_avx512()) return add_avx512(sum, x, n, weight, scale, limit);
#endif
    return add_plain(sum, x, n, weight, scale, limit);
}

int64_t hq_fixed_add_one(int64_t *sum, double x, int fraction_bits, int64_t terms)
{
    if (!(fabs(x) < fixed_limit(fraction_bits, terms))) return 1;
    *sum += (int64_t)llrint(x * ldexp(1.0, fraction_bits));
    return 0;
}

void hq_fixed_get(const int64_t *sum, hq_real *x, size_t n, int fraction_bits)
{
    const double scale = ldexp(1.0, -fraction_bits);
    for (size_t i = 0; i < n; i++) x[i] = (hq_real)((double)sum[i] * scale);
}

double hq_fixed_get_one(int64_t sum, int fraction_bits) { return ldexp((double)sum, -fraction_bits); }
