/* sweep.h: one circuit on the lanes of one state: run forwards, measured, swept backwards.
 *
 * Lanes are samples (each with its own inputs), or the columns of a unitary, or there is one lane for a large state.
 * Order of use: bind weights, bind inputs, then run, measure or differentiate.
 */
#ifndef QUANTUM_SWEEP_H
#define QUANTUM_SWEEP_H

#include "quantum/circuit.h"
#include "quantum/kernels.h"

/* A gate of one parameter a: matrix = constant + cosine * cos(factor a) + sine * sin(factor a). */
typedef struct hq_trigonometry {
    double factor;
    hq_mat2 constant[HQ_GATE_BLOCKS_MAX], cosine[HQ_GATE_BLOCKS_MAX], sine[HQ_GATE_BLOCKS_MAX];
} hq_trigonometry;

typedef struct hq_sweep {
    const hq_circuit *circuit;
    const hq_kernels *kernels;
    int lane_bits;
    size_t lanes;
    hq_state psi, lambda;
    hq_mat2 *matrix;               /* [ops][blocks]: of the ops that have one matrix for all lanes */
    hq_lane_matrix *lane_matrix;   /* [lane ops][blocks]: of the others; none when there is one lane */
    hq_trigonometry *trigonometry; /* [lane ops] */
    hq_lane_matrix products;       /* of one overlap */
    double *angle, *cosine, *sine; /* [lanes] */
    double *x;                     /* [Q][lanes] */
    double *w;                     /* [P] */
    double *gradient;              /* [Q + P][lanes] */
    double *value;                 /* [lanes] */
} hq_sweep;

/* Takes all memory of a sweep from an arena; over an empty arena this measures. hq_sweep_start: fills what depends on
 * neither weights nor inputs. */
void hq_sweep_take(hq_sweep *sweep, const hq_circuit *circuit, const hq_kernels *kernels, int lane_bits,
                   hq_arena *arena);
void hq_sweep_start(hq_sweep *sweep);

/* Matrices for weights w[P] (copied); for inputs x[n][Q] of n <= lanes samples, zeros in the other lanes. */
void hq_sweep_bind_weights(hq_sweep *sweep, const double *w);
void hq_sweep_bind_inputs(hq_sweep *sweep, int64_t n, const double *x);

/* The matrix or matrices of one op again, with `shift` added to its parameter `slot`. */
void hq_sweep_bind_op(hq_sweep *sweep, int op, int slot, double shift);

/* Ops first, ..., end - 1 in order; one op, or its inverse. */
void hq_sweep_run(const hq_sweep *sweep, int first, int end, hq_state *state);
void hq_sweep_apply(const hq_sweep *sweep, int op, bool inverse, hq_state *state);

/* psi = the whole circuit on |0...0>. */
void hq_sweep_prepare(hq_sweep *sweep);

/* Outputs q[n][O] of the first n lanes of a state. */
void hq_sweep_measure(hq_sweep *sweep, const hq_state *state, int64_t n, double *q);

/* lambda = sum over k of dq[n][k] O_k psi in the first n lanes, zero in the others. */
void hq_sweep_seed(hq_sweep *sweep, int64_t n, const double *dq);

/* gradient[row][lane] for psi after the circuit and lambda; both states are swept back to where the first parameter
 * enters. Jones and Gacon, arXiv:2009.02823. */
void hq_sweep_back(hq_sweep *sweep);

#endif
