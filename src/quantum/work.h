/* work.h: the work memory of circuit evaluations, and the evaluation of one block of samples in it.
 *
 * A call first binds the weights (their sines and cosines are computed once), then goes through the batch block by
 * block: bind the inputs, run, and measure or sweep back.
 */
#ifndef QUANTUM_WORK_H
#define QUANTUM_WORK_H

#include "quantum/circuit.h"

struct hq_circuit_work {
    const hq_circuit *circuit;
    int64_t batch; /* capacity, samples */
    int lanes;     /* samples in a full block; depends on the qubits alone */
    hq_arena arena;
    hq_state psi, lambda;
    hq_mat2 *matrix;            /* [ops], of ops without an input */
    hq_mat2 *derivative;        /* [entries], of entries of such ops */
    hq_mat2_lanes *lane_matrix; /* [lane ops] */
    double *gradient;           /* [Q + P][lanes] of the current block */
    double *x_lanes;            /* [lanes][Q] */
    double *dq_lanes;           /* [lanes][O] */
    double *q_lanes;            /* [lanes][O] */
    double *rows;               /* [blocks * entries][lanes], from the runner */
};

/* Samples in a full block of `qubits` qubits: so many that a state stays in the cache, at least 1. */
int hq_work_lanes(int qubits);

/* Number of blocks of a batch, and samples in block `block` of it. */
int64_t hq_work_blocks(const hq_circuit_work *work, int64_t batch);
int hq_work_block_lanes(const hq_circuit_work *work, int64_t batch, int64_t block);

/* Matrices of all ops that have a weight and no input; with hq_work_bind_derivatives also their derivatives. */
void hq_work_bind_weights(hq_circuit_work *work, const double *w);
void hq_work_bind_derivatives(hq_circuit_work *work, const double *w);

/* Matrices of all ops with an input, for x[lanes][Q]; sets the number of lanes of the states. */
void hq_work_bind_inputs(hq_circuit_work *work, int lanes, const double *x, const double *w);

/* The matrix or matrices of one op of any kind, with `shift` added to its parameter `slot`. */
void hq_work_bind_op(hq_circuit_work *work, int op, const double *x, const double *w, int slot, double shift);

/* state <- U_op state, or its inverse. */
void hq_work_apply(const hq_circuit_work *work, int op, bool inverse, hq_state *state);

/* psi <- circuit |0...0> in all bound lanes; then the outputs q[lanes][O] of psi. */
void hq_work_run(hq_circuit_work *work);
void hq_work_measure(const hq_circuit_work *work, double *q);

/* Writes the block's inputs part of work->gradient to dx[lanes][Q] and adds its weights part to dw[P], sample by
 * sample. */
void hq_work_scatter(const hq_circuit_work *work, int lanes, double *dx, double *dw);

/* Jacobian of one sample by the two methods: jacobian[Q + P][O]. */
void hq_adjoint_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian);
void hq_shift_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian);

#endif
