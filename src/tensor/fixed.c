#include "hqcnn/tensor.h"

#include <math.h>

/* The largest number, before scaling, of which `terms` cannot wrap a signed 64-bit sum: half the range is kept free. */
static double fixed_limit(int fraction_bits, int64_t terms)
{
    return ldexp(1.0, 62 - fraction_bits) / (double)(terms > 0 ? terms : 1);
}

/* Scaling by a power of two is exact, llrint rounds to even in the default mode. */
int64_t hq_fixed_add(int64_t *sum, const hq_real *x, size_t n, double weight, int fraction_bits, int64_t terms)
{
    const double limit = fixed_limit(fraction_bits, terms), scale = ldexp(1.0, fraction_bits);
    int64_t refused = 0;
    for (size_t i = 0; i < n; i++) {
        double value = weight * (double)x[i];
        if (fabs(value) < limit)
            sum[i] += (int64_t)llrint(value * scale);
        else /* too large, infinite or not a number */
            refused++;
    }
    return refused;
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
