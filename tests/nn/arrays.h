/* arrays.h: arrays for the tests of nn. Every array is a malloc of exactly its size, so that the address sanitizer sees
 * an access beyond it; free with free(). */
#ifndef HQ_TEST_NN_ARRAYS_H
#define HQ_TEST_NN_ARRAYS_H

#include "hqcnn/nn.h"
#include "support/check.h"
#include <stdlib.h>

#ifdef HQ_REAL_F64
#define TOLERANCE 1e-12
#else
#define TOLERANCE 1e-5
#endif

/* Uniform numbers in [-1, 1), other ones for every call. */
hq_real *random_array(size_t count);

/* Distinct numbers at least 0.02 apart and from 0, in random order: no kink of ReLU or max pooling within a small step.
 */
hq_real *distinct_array(size_t count);

/* An output array: NaN everywhere, so that a number that is not written is seen. */
hq_real *output_array(size_t count);
double *double_array(size_t count);

/* |have - want| <= tolerance max(1, |want|) for all; the message names array and position. */
void check_array(const char *name, size_t count, const hq_real *have, const double *want, double tolerance);

/* The same bytes. */
void check_same(const char *name, size_t count, const hq_real *have, const hq_real *want);

/* A copy that starts one number past a 64-byte boundary (shift 1) or on it (shift 0); *block is what to free. */
hq_real *aligned_copy(size_t count, const hq_real *x, int shift, void **block);

#endif
