/* state.h: state vectors, and which of their amplitudes a gate works on.
 *
 * A state holds `1 << lane_bits` lanes side by side: re[2^n][lanes] and im[2^n][lanes], one flat array each. Samples of
 * a batch are lanes; a large state has one lane. The flat index of an amplitude is (basis state << lane_bits) | lane:
 * for the kernels lanes are low bits that no gate touches.
 */
#ifndef QUANTUM_STATE_H
#define QUANTUM_STATE_H

#include "hqcnn/base.h"
#include "quantum/gate_table.h"

#define HQ_VECTOR 8 /* the widest registers hold so many doubles; a state has at least so many, and so have lanes */

typedef struct hq_state {
    int qubits;
    int lane_bits;   /* 0, or at least log2 HQ_VECTOR */
    double *re, *im; /* [hq_state_size], aligned to HQ_ALIGN; not owned */
} hq_state;

/* Numbers in re, and in im. Those beyond the last amplitude of a very small state are zero and stay so. */
size_t hq_state_size(int qubits, int lane_bits);

/* The pairs of basis states that a gate on certain wires works on: every index i with (i & fixed) == value, and
 * i ^ flip. */
typedef struct hq_pairs {
    size_t value, fixed, flip;
} hq_pairs;

/* Pairs of block `block` of `gate` on wires[controls + targets], all different, of `qubits`. */
hq_pairs hq_pairs_make(const hq_gate *gate, int block, int qubits, const int *wires);

/* A product of X, Y, Z on some wires, as bit masks of basis state numbers: X sets a bit of x, Z of z, Y of both. */
typedef struct hq_pauli {
    uint32_t x, z;
} hq_pauli;

/* |0...0> in every lane; all amplitudes zero (not a state); the amplitudes of another state of the same shape. */
void hq_state_reset(hq_state *state);
void hq_state_clear(hq_state *state);
void hq_state_copy(hq_state *state, const hq_state *from);

/* Takes the arrays of a state from an arena. */
void hq_state_take(hq_state *state, int qubits, int lane_bits, hq_arena *arena);

#endif
