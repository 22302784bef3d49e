/* rows.h: passes over a block of neighbouring channels of a pixel-major array, shared by the layers.
 *
 * A block is `rows` rows of `width` numbers, `stride` numbers from row to row. Sums are kept in double, one per
 * channel, and always run over the rows in order, so that a result depends on the numbers alone. Private to nn.
 */
#ifndef HQCNN_NN_ROWS_H
#define HQCNN_NN_ROWS_H

#include "hqcnn/tensor.h"

/* Widest block of the functions with a width; callers cut wider arrays into blocks to keep the sums on the stack. */
#define HQ_ROWS_BLOCK 64

/* Tells gcc that the arrays of a loop are equal or disjoint, never shifted against each other: it may vectorise without
 * a test at run time, which short loops over channels do not pay for, and also when working in place. */
#if defined(__clang__)
#define HQ_ROWS_VECTOR /* clang tests at run time */
#else
#define HQ_ROWS_VECTOR _Pragma("GCC ivdep")
#endif

/* Width of the block that starts at channel `first` of c. */
static inline int hq_rows_width(int first, int c) { return c - first < HQ_ROWS_BLOCK ? c - first : HQ_ROWS_BLOCK; }

/* sum[ch] += x[row][ch] over all rows. */
void hq_rows_sum(int64_t rows, int width, int stride, const hq_real *x, double *sum);

/* Dense arrays of any width c: y[row][ch] = value[ch]; sum[ch] = sum of x[row][ch] over the rows. */
void hq_rows_fill(int64_t rows, int c, const hq_real *value, hq_real *y);
void hq_rows_total(int64_t rows, int c, const hq_real *x, hq_real *sum);

#endif
