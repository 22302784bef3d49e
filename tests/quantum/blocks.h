/* blocks.h: for tests of the kernels: random states in the lanes of an hq_state and the same as complex vectors, all
 * choices of wires, all kernel variants of this processor. */
#ifndef TEST_QUANTUM_BLOCKS_H
#define TEST_QUANTUM_BLOCKS_H

#include "dense.h"
#include "quantum/kernels.h"

#define BLOCK_SIZE 256 /* lanes times basis states: 16 lanes of 4 qubits */
#define BLOCK_LANES 16

typedef struct block {
    hq_state state; /* points to re and im below */
    int lanes;
    _Alignas(HQ_ALIGN) double re[BLOCK_SIZE];
    _Alignas(HQ_ALIGN) double im[BLOCK_SIZE];
    dense_number dense[BLOCK_SIZE]; /* [lanes][2^n] */
} block;

/* Fills a block with another random state of norm 1 in every lane. */
void block_fill(hq_random *stream, int n, int lane_bits, block *b);

/* Sets re and im from the reference states; also after copying a block. */
void block_load(block *b);

/* The reference states of a lane. */
dense_number *block_lane(block *b, int lane);

/* Largest difference between the two representations; numbers beyond the last amplitude must be zero. */
double block_distance(const block *b);

/* The kernel variants of this processor; returns how many. */
#define VARIANTS_MAX 3
int block_variants(const hq_kernels *out[VARIANTS_MAX]);

/* Calls test for every variant, gate of the table, number of lanes 1, 8 and 16 and ordered choice of different wires:
 * of up to 6 qubits for one lane, of up to 4 else. */
typedef void (*block_test)(const hq_kernels *kernels, int lane_bits, const hq_gate *gate, int n, const int *wires);
void block_for_all(block_test test);

#endif
