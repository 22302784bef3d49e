/* bf16_vector.h: conversions and changes of order with AVX-512. Included by bf16_avx512.c and bf16_amx.c, which have
 * products of their own. */
#include "nn/bf16.h"

#include <immintrin.h>
#include <string.h>

static void convert(size_t n, const float *x, hq_bf16 *out)
{
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 there = n - i >= 16 ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        const __m256bh v = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, x + i));
        _mm256_mask_storeu_epi16(out + i, there, (__m256i)v);
    }
}

static void add_bias(size_t rows, size_t c, const float *x, const float *bias, float *out)
{
    if (!bias) {
        memcpy(out, x, rows * c * sizeof *out);
        return;
    }
    for (size_t ch = 0; ch < c; ch += 16) {
        const __m512 b = _mm512_loadu_ps(bias + ch);
        for (size_t row = 0; row < rows; row++)
            _mm512_storeu_ps(out + row * c + ch, _mm512_add_ps(_mm512_loadu_ps(x + row * c + ch), b));
    }
}

static void interleave(size_t pairs, size_t n, const hq_bf16 *x, hq_bf16 *out)
{
    for (size_t pair = 0; pair < pairs; pair++, x += 2 * n, out += 2 * n)
        for (size_t i = 0; i < n; i += 16) {
            const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(x + i)));
            const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(x + n + i)));
            _mm512_storeu_si512(out + 2 * i, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
        }
}

/* 16 vectors of 16 numbers of 32 bits: rows become columns. */
static inline void turn_square(__m512i v[16])
{
    __m512i w[16];
    for (int i = 0; i < 16; i += 2) {
        w[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        w[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            v[i + 2 * j] = _mm512_unpacklo_epi64(w[i + j], w[i + 2 + j]);
            v[i + 2 * j + 1] = _mm512_unpackhi_epi64(w[i + j], w[i + 2 + j]);
        }
    for (int i = 0; i < 4; i++) { /* column 4 lane + i of rows 4 r .. 4 r + 3 is in 128-bit lane `lane` of v[4 r + i] */
        const __m512i a = _mm512_shuffle_i32x4(v[i], v[4 + i], 0x88), b = _mm512_shuffle_i32x4(v[i], v[4 + i], 0xdd);
        const __m512i c = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0x88),
                      d = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0xdd);
        w[i] = _mm512_shuffle_i32x4(a, c, 0x88);
        w[4 + i] = _mm512_shuffle_i32x4(b, d, 0x88);
        w[8 + i] = _mm512_shuffle_i32x4(a, c, 0xdd);
        w[12 + i] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
    for (int i = 0; i < 16; i++) v[i] = w[i];
}

/* 32 rows and 16 columns at a time: pairs of rows side by side, then a square of 16 pairs. */
static void transpose(size_t rows, size_t c, const hq_bf16 *x, size_t out_row, hq_bf16 *out)
{
    for (size_t row = 0; row < rows; row += 32)
        for (size_t ch = 0; ch < c; ch += 16) {
            __m512i v[16];
            for (size_t i = 0; i < 16; i++) {
                const hq_bf16 *in = x + (row + 2 * i) * c + ch;
                const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)in));
                const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(in + c)));
                v[i] = _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
            }
            turn_square(v);
            for (size_t i = 0; i < 16; i++) _mm512_storeu_si512(out + (ch + i) * out_row + row, v[i]);
        }
}
