/* kernels.h: the arithmetic of the circuit engine, compiled once for each instruction set from kernels_state.h and
 * kernels_fused.h.
 *
 * All arithmetic is lane by lane, and every sum over amplitudes has an order of its own, so that a sample's result does
 * not depend on its lane or on the other samples of a batch. Bits differ between variants, which fuse multiplications
 * and additions or do not.
 */
#ifndef QUANTUM_KERNELS_H
#define QUANTUM_KERNELS_H

#include "quantum/state.h"

/* A matrix for each lane: entry k of lane l is re[k * lanes + l], im[k * lanes + l]. */
typedef struct hq_lane_matrix {
    double *re, *im; /* [4][lanes], aligned */
} hq_lane_matrix;

/* A factor of a product of such matrices: one for each lane, or one for all of them (re[4], im[4]). */
typedef struct hq_lane_factor {
    const double *re, *im;
    bool laned;
} hq_lane_factor;

/* The unitary that follows the encoding, U = re + i im, row-major [2^n][columns] (columns: 2^n, at least HQ_VECTOR),
 * and what is measured; for the fused path. */
typedef struct hq_unitary {
    int qubits;
    size_t columns;
    const double *re, *im;
    int n_observables;
    const hq_pauli *observables;
    const double *sign; /* [observables][2^n]: of the term of basis state j, see hq_pauli_signs */
} hq_unitary;

#define HQ_FUSED_QUBITS_MAX 7
#define HQ_FUSED_DIM_MAX (1 << HQ_FUSED_QUBITS_MAX)

/* HQ_VECTOR samples on their way through the fused path; arrays hold one vector for each of their entries. */
typedef struct hq_fused_block {
    const double *cosine, *sine;   /* [n]: of half the angle on every wire */
    double *psi;                   /* [2^n]: encoded state */
    double *y_re, *y_im;           /* [2^n]: U psi */
    double *lambda_re, *lambda_im; /* [2^n] */
    double *scratch;               /* [2 * 2^n] */
} hq_fused_block;

typedef struct hq_kernels {
    const char *name;
    int width; /* numbers in a register */

    /* cosine[i], sine[i] of angle[i], i < n; n a multiple of HQ_VECTOR, arrays aligned. */
    void (*cosine_sine)(size_t n, const double *angle, double *cosine, double *sine);

    /* Applies one matrix of the given form to all lanes. */
    void (*apply)(hq_state *state, const hq_pairs *pairs, hq_form form, const hq_mat2 *m);

    /* Applies to every lane its own matrix, or the inverse of it; at least HQ_VECTOR lanes. */
    void (*apply_lanes)(hq_state *state, const hq_pairs *pairs, hq_form form, const hq_lane_matrix *m, bool inverse);

    /* out = left right, lane by lane; out may be one of them. */
    void (*multiply_lanes)(size_t lanes, const hq_lane_factor *left, const hq_lane_factor *right, hq_lane_matrix *out);

    /* out entry (r, c) of each lane = sum over pairs of conj(bra_r) ket_c: then <bra| D |ket> = sum of D_rc out_rc for
     * any matrix D on these pairs. HQ_FORM_PHASE computes only (1, 1), HQ_FORM_DIAGONAL only (0, 0) and (1, 1); the
     * others are zero. */
    void (*overlap)(const hq_state *bra, const hq_state *ket, const hq_pairs *pairs, hq_form form, hq_lane_matrix *out);

    /* out[lane] = <state| P |state>. */
    void (*expect)(const hq_state *state, hq_pauli pauli, double *out);

    /* out += factor[lane] P |state>. */
    void (*accumulate)(const hq_state *state, hq_pauli pauli, const double *factor, hq_state *out);

    /* psi from cosine and sine, then y. */
    void (*fused_state)(const hq_unitary *u, const hq_fused_block *block);

    /* q[observables] vectors from y. */
    void (*fused_measure)(const hq_unitary *u, const hq_fused_block *block, double *q);

    /* lambda = sum over k of dq[k] O_k y, and dangle[n] = d/d(angle on wire): all vectors. */
    void (*fused_backward)(const hq_unitary *u, const hq_fused_block *block, const double *dq, double *dangle);

    /* sum_re + i sum_im [2^n][columns] += lambda psi^T, summed over the samples of n_blocks blocks in order, whose psi,
     * lambda_re and lambda_im stand [block][2^n] vectors apart. panel: [n_blocks * HQ_VECTOR][3 * columns] scratch. */
    void (*fused_outer)(const hq_unitary *u, int n_blocks, const double *psi, const double *lambda_re,
                        const double *lambda_im, double *panel, double *sum_re, double *sum_im);

    /* For bounds of measured times: n times HQ_PEAK_VECTORS independent multiply-adds of registers; and every number of
     * a state read, multiplied and written. */
    double (*multiply_add)(size_t n, double factor);
    void (*rescale)(hq_state *state, double factor);
} hq_kernels;

#define HQ_PEAK_VECTORS 8

/* The variant of an instruction set (HQ_COMPUTE_KERNEL_* of config.h; AUTO: the best one), NULL when this processor
 * does not have it; and the best one. */
const hq_kernels *hq_kernels_find(int kernel);
const hq_kernels *hq_kernels_best(void);

/* The term of P |j> is phase(j) |j ^ x>, with phase i^(number of Y) (-1)^popcount(j & z): real, or imaginary. */
static inline bool hq_pauli_imaginary(hq_pauli pauli) { return __builtin_popcount(pauli.x & pauli.z) & 1; }
static inline double hq_pauli_sign(hq_pauli pauli, size_t j)
{
    int quarter_turns = __builtin_popcount(pauli.x & pauli.z);
    return ((quarter_turns >> 1) ^ __builtin_popcountll(j & pauli.z)) & 1 ? -1 : 1;
}

#endif
