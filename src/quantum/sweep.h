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

/* Ops first, ..., end - 1 that are applied as one: gates of one wire that follow each other, or any single op. */
typedef struct hq_step {
    int first, end;
    hq_form form;
    bool laned;                  /* some op has a matrix for each lane */
    hq_mat2 product;             /* of several ops, when there is one for all lanes */
    hq_lane_matrix lane_product; /* of several ops otherwise */
} hq_step;

/* Consecutive ops first, ..., end - 1 that stay within blocks of the state: the bits of `active` take every value in a
 * block, the others are its place. A block stays in the cache while all ops of a group go over it. */
typedef struct hq_group {
    int first, end;
    size_t active;
} hq_group;

typedef struct hq_sweep {
    const hq_circuit *circuit;
    const hq_kernels *kernels;
    int lane_bits;
    size_t lanes;
    hq_state psi, lambda;
    hq_step *step; /* [steps] */
    int *step_of;  /* [ops] */
    int steps;
    hq_group *group; /* [groups], at most one for each op; they hold whole steps */
    int groups;
    hq_mat2 *matrix;               /* [ops][blocks]: of the ops that have one matrix for all lanes */
    hq_lane_matrix *lane_matrix;   /* [lane ops][blocks]: of the others; none when there is one lane */
    hq_trigonometry *trigonometry; /* [lane ops] */
    hq_mat2 *generator;            /* [entries][blocks]: of the entries of ops without inputs, when they are ready */
    bool generators_ready;         /* for these weights; found when they are needed first */
    hq_lane_matrix products;       /* of one overlap */
    double *angle, *cosine, *sine; /* [lanes] */
    double *x;                     /* [Q][lanes] */
    double *w;                     /* [P] */
    double *gradient;              /* [Q + P][lanes] */
    double *value;                 /* [lanes] */
} hq_sweep;

/* Whether every lane of the op has a matrix of its own; its matrices; the matrices [blocks] of an op that has one for
 * all lanes. */
static inline bool hq_sweep_is_laned(const hq_sweep *sweep, const hq_op *op)
{
    return op->source == HQ_SOURCE_INPUT && sweep->lanes > 1;
}
static inline hq_lane_matrix *hq_sweep_lane_matrix(const hq_sweep *sweep, const hq_op *op, int block)
{
    return &sweep->lane_matrix[op->lane_op * HQ_GATE_BLOCKS_MAX + block];
}
static inline hq_mat2 *hq_sweep_matrix(const hq_sweep *sweep, int op)
{
    return &sweep->matrix[op * HQ_GATE_BLOCKS_MAX];
}

/* Values of the gate's parameters in one lane. */
void hq_sweep_lane_parameters(const hq_sweep *sweep, const hq_op *op, size_t lane, double *out);

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

/* Cuts the ops into steps, with memory from the arena; the product of a step whose matrices have changed. */
void hq_sweep_take_steps(hq_sweep *sweep, hq_arena *arena);
void hq_sweep_multiply(hq_sweep *sweep, hq_step *step);

/* A generator of an op as it acts behind the op's whole step, in one lane: conjugated by the later ops. Whether that
 * differs from lane to lane. */
hq_mat2 hq_sweep_carry(const hq_sweep *sweep, int op, size_t lane, const hq_mat2 *g);
bool hq_sweep_laned_behind(const hq_sweep *sweep, int op);

/* Cuts the steps into groups. */
void hq_sweep_group(hq_sweep *sweep);

/* The next block of a group behind `place`, 0 after the last one; starts at 0. */
static inline size_t hq_group_next(const hq_sweep *sweep, const hq_group *group, size_t place)
{
    const size_t places = (((size_t)1 << sweep->circuit->qubits) - 1) & ~group->active;
    return (place - places) & places;
}

/* Ops first, ..., end - 1 in order; whole steps as one. */
void hq_sweep_run(const hq_sweep *sweep, int first, int end, hq_state *state);

/* The first op of an op's step: where a state may wait that does not depend on the op, with the same bits as a whole
 * run.
 */
static inline int hq_sweep_front(const hq_sweep *sweep, int op) { return sweep->step[sweep->step_of[op]].first; }

/* A step, or its inverse, on a block of its group. */
void hq_sweep_apply(const hq_sweep *sweep, const hq_step *step, bool inverse, const hq_group *group, size_t place,
                    hq_state *state);

/* The pairs of an op's block that lie in a block of the group; false when there are none, because a control is 0. */
bool hq_group_pairs(const hq_sweep *sweep, const hq_op *op, int block, const hq_group *group, size_t place,
                    hq_pairs *pairs);

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
