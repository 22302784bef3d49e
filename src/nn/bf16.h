/* bf16.h: products of 16-bit floating-point numbers (bfloat16: sign, 8 bits of exponent, 7 of mantissa) with sums in
 * single precision, compiled once for each instruction set. Private to nn; single precision only.
 *
 * A number times a number is exact in single precision. Numbers are rounded to nearest, ties to even. The order of sums
 * depends on shapes alone; bits differ between variants.
 */
#ifndef HQCNN_NN_BF16_H
#define HQCNN_NN_BF16_H

#include "hqcnn/tensor.h"

typedef uint16_t hq_bf16;

enum { HQ_BF16_TILE = 16, HQ_BF16_DEPTH = 32 };

/* For each row tile t: c[t][16][16 col_tiles] = (`add`: +=) sum over steps of a_step times b_step, where a_step is
 * [16][32] at a[t] + a_step[i], and b_step has pairs of its 32 rows side by side, [16][16 col_tiles][2] at
 * b + i * 16 * b_row. Numbers from row to row: a_row, b_row, c_row. */
typedef struct hq_bf16_product {
    int row_tiles, col_tiles; /* 1 to 4 times 1, or 1 to 2 times 2 */
    int steps;
    bool add;
    const hq_bf16 *a[4], *b;
    const int32_t *a_step;
    size_t a_row, b_row, c_row;
    float *c[4];
} hq_bf16_product;

typedef struct hq_bf16_kernels {
    const char *name;
    void (*begin)(void); /* before products, and after the last one */
    void (*end)(void);
    void (*product)(const hq_bf16_product *product);
    void (*convert)(size_t n, const float *x, hq_bf16 *out);
    /* out[rows][c] = x[rows][c] + bias[c]; bias NULL: a copy. c: a multiple of 16. */
    void (*add_bias)(size_t rows, size_t c, const float *x, const float *bias, float *out);
    /* Pairs of rows x[pairs][2][n] side by side: out[pairs][n][2]. n: a multiple of 16. */
    void (*interleave)(size_t pairs, size_t n, const hq_bf16 *x, hq_bf16 *out);
    /* x[rows][c] to out[c][rows], out_row numbers from row to row. rows: a multiple of 32, c of 16. */
    void (*transpose)(size_t rows, size_t c, const hq_bf16 *x, size_t out_row, hq_bf16 *out);
} hq_bf16_kernels;

/* The variant that a convolution's precision asks for (HQ_CONV_BF16*), NULL when this processor does not have it, and
 * in double precision. */
const hq_bf16_kernels *hq_bf16_kernels_find(int precision);

#endif
