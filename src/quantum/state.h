/* state.h: state vectors of a block of samples, and the gate kernels on them.
 *
 * A block holds `lanes` samples side by side: re[2^n][lanes], im[2^n][lanes]. All arithmetic is lane by lane and every
 * sum runs in the order of the amplitudes, so a sample's result does not depend on its lane or on the number of lanes.
 */
#ifndef QUANTUM_STATE_H
#define QUANTUM_STATE_H

#include "quantum/gate_table.h"

#define HQ_LANES_MAX 16

typedef struct hq_state {
    int qubits;
    int lanes;
    double *re, *im; /* not owned */
} hq_state;

/* The pairs of basis states that a gate on certain wires works on: every index with index & mask == value, and index ^
 * flip. They come in runs of consecutive indices. */
typedef struct hq_pairs {
    uint32_t value, flip;
    int fixed;                       /* how many bits of an index the gate fixes */
    int position[HQ_GATE_WIRES_MAX]; /* their positions, ascending */
    size_t runs, run;                /* number of runs and their length */
} hq_pairs;

/* Pairs of `gate` on wires[controls + targets], all different, of `qubits`. */
hq_pairs hq_pairs_make(const hq_gate *gate, int qubits, const int *wires);

/* One matrix for each lane. */
typedef struct hq_mat2_lanes {
    double re[4][HQ_LANES_MAX], im[4][HQ_LANES_MAX];
} hq_mat2_lanes;

/* |0...0> in every lane; all amplitudes zero (not a state). */
void hq_state_reset(hq_state *state);
void hq_state_clear(hq_state *state);

/* Applies one matrix, of the given form, to all lanes. */
void hq_state_apply(hq_state *state, const hq_pairs *pairs, hq_form form, const hq_mat2 *m);

/* Applies to every lane its own matrix, or the inverse of it. */
void hq_state_apply_lanes(hq_state *state, const hq_pairs *pairs, const hq_mat2_lanes *m, bool inverse);

/* out[r][c][lane] = sum over pairs of conj(bra_r) ket_c: then <bra| D |ket> = sum of D_rc out_rc for any matrix D of
 * the gate's kind. For HQ_FORM_PHASE only the entry (1, 1) is computed, the others are zero. */
void hq_state_overlap(const hq_state *bra, const hq_state *ket, const hq_pairs *pairs, hq_form form,
                      hq_mat2_lanes *out);

#endif
