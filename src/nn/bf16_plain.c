/* bf16_plain.c: 16-bit products for any processor, as the reference of the others; and which variant there is. */
#include "nn/bf16.h"

#include "hqcnn/nn.h"

#ifndef HQ_REAL_F64
#include <string.h>

static float widen(hq_bf16 x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static hq_bf16 narrow(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (hq_bf16)(bits >> 16 | 0x40); /* stays a NaN */
    return (hq_bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void nothing(void) {}

static void product_tile(const hq_bf16_product *p, const hq_bf16 *a, float *c)
{
    const int columns = HQ_BF16_TILE * p->col_tiles;
    for (int i = 0; i < HQ_BF16_TILE; i++, a += p->a_row, c += p->c_row) {
        if (!p->add) memset(c, 0, (size_t)columns * sizeof *c);
        for (int step = 0; step < p->steps; step++) {
            const hq_bf16 *x = a + p->a_step[step], *b = p->b + (size_t)(16 * step) * p->b_row;
            for (int pair = 0; pair < HQ_BF16_DEPTH / 2; pair++, b += p->b_row)
                for (int j = 0; j < columns; j++)
                    c[j] += widen(x[2 * pair]) * widen(b[2 * j]) + widen(x[2 * pair + 1]) * widen(b[2 * j + 1]);
        }
    }
}

static void product(const hq_bf16_product *p)
{
    for (int t = 0; t < p->row_tiles; t++) product_tile(p, p->a[t], p->c[t]);
}

static void convert(size_t n, const float *x, hq_bf16 *out)
{
    for (size_t i = 0; i < n; i++) out[i] = narrow(x[i]);
}

static void add_bias(size_t rows, size_t c, const float *x, const float *bias, float *out)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t ch = 0; ch < c; ch++) *out++ = *x++ + (bias ? bias[ch] : 0);
}

static void interleave(size_t pairs, size_t n, const hq_bf16 *x, hq_bf16 *out)
{
    for (size_t pair = 0; pair < pairs; pair++, x += 2 * n, out += 2 * n)
        for (size_t i = 0; i < n; i++) out[2 * i] = x[i], out[2 * i + 1] = x[n + i];
}

static void transpose(size_t rows, size_t c, const hq_bf16 *x, size_t out_row, hq_bf16 *out)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t ch = 0; ch < c; ch++) out[ch * out_row + row] = x[row * c + ch];
}

static const hq_bf16_kernels plain = {"emulated", nothing, nothing, product, convert, add_bias, interleave, transpose};
#if defined(__x86_64__)
extern const hq_bf16_kernels hq_bf16_avx512, hq_bf16_amx;
#endif

const hq_bf16_kernels *hq_bf16_kernels_find(int precision)
{
    if (precision == HQ_CONV_BF16_EMULATED) return &plain;
#if defined(__x86_64__)
    if (precision == HQ_CONV_BF16 && hq_machine_has_amx()) return &hq_bf16_amx;
    if (hq_machine_has_avx512_bf16()) return &hq_bf16_avx512;
#endif
    return NULL;
}
#else
const hq_bf16_kernels *hq_bf16_kernels_find(int precision)
{
    (void)precision;
    return NULL;
}
#endif

const char *hq_bf16_kernel_name(int precision)
{
    const hq_bf16_kernels *kernels = hq_bf16_kernels_find(precision);
    return kernels ? kernels->name : NULL;
}
