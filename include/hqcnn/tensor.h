/* tensor.h: the number type, matrix products through OpenBLAS, exact (fixed-point) sums.
 *
 * Arrays are plain pointers, row-major, with shapes in the callers' arguments. Knows no MPI. Every function is local.
 */
#ifndef HQCNN_TENSOR_H
#define HQCNN_TENSOR_H

#include "hqcnn/base.h"

/* The number type of images, activations, parameters and gradients. Single precision in the product; the same code is
 * built in double for the tests that compare with other programs (library hqcnn64, program hqcnn-dist-f64). The quantum
 * module always computes in double. */
#ifdef HQ_REAL_F64
typedef double hq_real;
#define HQ_REAL_NAME "fp64"
#else
typedef float hq_real;
#define HQ_REAL_NAME "fp32"
#endif

/* C[M][N] = op(A) op(B) + beta C, where op(A) is M x K and op(B) is K x N; op transposes when the flag is set.
 * A is stored M x K (or K x M when transposed), likewise B; all dense, row-major, no padding between rows. */
void hq_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const hq_real *a, const hq_real *b, hq_real beta,
             hq_real *c);

/* Chooses OpenBLAS's kernels by hq_machine_have() alone, so that machines of different models use the same. A choice of
 * the user's (OPENBLAS_CORETYPE) stays. Call it between products, never during one. Local. */
void hq_gemm_choose_common(void);

/* Name of the kernel variant in use, for example "openblas 0.3.21 SkylakeX, fp32": bits are promised for one variant.
 * In static memory. */
const char *hq_kernel_variant(void);

/* ---- exact sums ------------------------------------------------------------------------------------------------
 *
 * A real number becomes round(x * 2^bits) in a 64-bit integer. Integer addition is associative, so a sum has the same
 * bits in any order, over any number of ranks. A number that is not finite, or so large that `terms` of them might
 * wrap, is not added but counted; callers report it as divergence.
 */
#define HQ_FIXED_GRADIENT 48  /* fraction bits for gradients and losses: resolution 3.6e-15, range +-16384 / terms */
#define HQ_FIXED_STATISTIC 40 /* fraction bits for norm statistics: resolution 9.1e-13, range +-4.2e6 / terms */

/* sum[i] += fixed(weight * x[i]), i < n; the product is taken in double. terms: how many such additions the whole sum
 * may have over all ranks. Returns how many numbers were refused. */
int64_t hq_fixed_add(int64_t *sum, const hq_real *x, size_t n, double weight, int fraction_bits, int64_t terms);

/* The same for one double. */
int64_t hq_fixed_add_one(int64_t *sum, double x, int fraction_bits, int64_t terms);

/* x[i] = sum[i] / 2^bits, and one number. */
void hq_fixed_get(const int64_t *sum, hq_real *x, size_t n, int fraction_bits);
double hq_fixed_get_one(int64_t sum, int fraction_bits);

#endif
