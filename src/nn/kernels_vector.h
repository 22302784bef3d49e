/* kernels_vector.h: vectors of one register. Included by each kernels_<variant>.c through the kernels; the variant
 * defines HQ_BYTES, the size of a register, and HQ_ROWS, how many rows of two accumulators its registers hold.
 */
#ifndef HQCNN_NN_KERNELS_VECTOR_H
#define HQCNN_NN_KERNELS_VECTOR_H

#include "nn/kernels.h"

#include <string.h>
#if HQ_BYTES > 16
#include <immintrin.h>
#endif

#define HQ_LANES ((int)(HQ_BYTES / sizeof(hq_real)))
#define INLINE static inline __attribute__((always_inline))

typedef hq_real vec __attribute__((vector_size(HQ_BYTES), aligned(sizeof(hq_real)), may_alias));

INLINE vec splat(hq_real x) { return x - (vec){0}; }
INLINE vec load(const hq_real *p) { return *(const vec *)p; }

/* The first `count` numbers, zeros behind them. */
INLINE vec load_part(const hq_real *p, int count)
{
    vec v = {0};
    if (count >= HQ_LANES) return load(p);
    memcpy(&v, p, (size_t)count * sizeof *p);
    return v;
}

/* Stores the first `count` numbers. */
INLINE void store(hq_real *to, vec v, int count)
{
    if (count >= HQ_LANES)
        *(vec *)to = v;
    else if (count > 0)
        memcpy(to, &v, (size_t)count * sizeof *to);
}

/* Lanes as integers of the same size, all bits set where a comparison holds; and as bytes. */
#ifdef HQ_REAL_F64
typedef int64_t lane;
#else
typedef int32_t lane;
#endif
typedef lane mask __attribute__((vector_size(HQ_BYTES), aligned(sizeof(lane)), may_alias));
typedef uint8_t bytes __attribute__((vector_size(HQ_BYTES / sizeof(hq_real)), aligned(1), may_alias));

INLINE vec choose(mask where, vec a, vec b) { return (vec)(((mask)a & where) | ((mask)b & ~where)); }
INLINE vec keep(mask where, vec a) { return (vec)((mask)a & where); }

/* Sums in double: the two halves of a vector, or the vector and nothing. */
typedef double wide __attribute__((vector_size(HQ_BYTES), aligned(sizeof(double))));
#ifdef HQ_REAL_F64
#define HQ_HALVES 1
INLINE wide widen(vec v, int half)
{
    (void)half;
    return (wide)v;
}
#else
#define HQ_HALVES 2
typedef float narrow __attribute__((vector_size(HQ_BYTES / 2)));
/* gcc's __builtin_convertvector takes many shuffles where the processor has one instruction. */
INLINE wide widen(vec v, int half)
{
#if HQ_BYTES == 64
    return (wide)(half ? _mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1))
                       : _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)));
#elif HQ_BYTES == 32
    return (wide)(half ? _mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1))
                       : _mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)));
#else
    narrow parts[2];
    memcpy(parts, &v, sizeof v);
    return __builtin_convertvector(parts[half], wide);
#endif
}
#endif

/* See multiply_add in kernels.h. */
static hq_real multiply_add(size_t n, hq_real x)
{
    vec sum[2 * HQ_ROWS];
    const vec factor = splat(x);
    for (int i = 0; i < 2 * HQ_ROWS; i++) sum[i] = splat((hq_real)i);
    for (size_t k = 0; k < n; k++)
#pragma GCC unroll 24
        for (int i = 0; i < 2 * HQ_ROWS; i++) sum[i] = sum[i] * factor + factor;
    for (int i = 1; i < 2 * HQ_ROWS; i++) sum[0] += sum[i];
    return sum[0][0];
}

#endif
