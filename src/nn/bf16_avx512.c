/* bf16_avx512.c: 16-bit products with AVX512-BF16; src/CMakeLists.txt gives the compiler the instruction sets. */
#if defined(__x86_64__) && !defined(HQ_REAL_F64)
#include "nn/bf16_vector.h"

#include <string.h>

/* 8 rows times one or two vectors of columns stay in registers. */
static inline __attribute__((always_inline)) void block(const hq_bf16_product *p, const hq_bf16 *rows, float *c,
                                                        const int vectors)
{
    enum { ROWS = 8 };
    __m512 sum[ROWS][2];
    for (int i = 0; i < ROWS; i++)
        for (int v = 0; v < 2; v++)
            sum[i][v] =
                p->add && v < vectors ? _mm512_loadu_ps(c + (size_t)i * p->c_row + 16 * v) : _mm512_setzero_ps();
    for (int step = 0; step < p->steps; step++) {
        const hq_bf16 *a = rows + p->a_step[step], *b = p->b + (size_t)(16 * step) * p->b_row;
        for (int pair = 0; pair < HQ_BF16_DEPTH / 2; pair++, a += 2, b += p->b_row) {
            const __m512bh b0 = (__m512bh)_mm512_loadu_si512(b),
                           b1 = vectors > 1 ? (__m512bh)_mm512_loadu_si512(b + 32) : b0;
#pragma GCC unroll 8
            for (int i = 0; i < ROWS; i++) {
                int32_t two;
                memcpy(&two, a + (size_t)i * p->a_row, sizeof two);
                const __m512bh both = (__m512bh)_mm512_set1_epi32(two);
                sum[i][0] = _mm512_dpbf16_ps(sum[i][0], both, b0);
                if (vectors > 1) sum[i][1] = _mm512_dpbf16_ps(sum[i][1], both, b1);
            }
        }
    }
    for (int i = 0; i < ROWS; i++)
        for (int v = 0; v < vectors; v++) _mm512_storeu_ps(c + (size_t)i * p->c_row + 16 * v, sum[i][v]);
}

static void nothing(void) {}

static void product(const hq_bf16_product *p)
{
    for (int i = 0; i < 2 * p->row_tiles; i++) {
        const hq_bf16 *a = p->a[i / 2] + (size_t)(8 * (i % 2)) * p->a_row;
        float *c = p->c[i / 2] + (size_t)(8 * (i % 2)) * p->c_row;
        if (p->col_tiles > 1)
            block(p, a, c, 2);
        else
            block(p, a, c, 1);
    }
}

const hq_bf16_kernels hq_bf16_avx512 = {"AVX512-BF16", nothing,  nothing,    product,
                                        convert,       add_bias, interleave, transpose};
#endif
