/* gate_table.h: the one table of gates. Simulation, gradients, parameter shift, noise, OpenQASM, drawing and the tests
 * all read it; a new gate is one more line there.
 *
 * A gate acts on `controls` wires that must be |1>, followed by `targets` wires. It works on pairs of basis states of
 * the targets, each pair with a 2x2 matrix of its own: |0>, |1> of one target (block 0); of two targets |01>, |10>
 * (block 0) and, for a gate of two blocks, |00>, |11> (block 1). Everything else is left alone.
 */
#ifndef QUANTUM_GATE_TABLE_H
#define QUANTUM_GATE_TABLE_H

#include "hqcnn/base.h"

#define HQ_GATE_WIRES_MAX 3
#define HQ_GATE_BLOCKS_MAX 2
#define HQ_GATE_PARAMETERS_MAX 3
#define HQ_SHIFT_TERMS_MAX 4

/* A complex 2x2 matrix, row-major. */
typedef struct hq_mat2 {
    double re[4], im[4];
} hq_mat2;

/* What is known of every matrix of a gate; kernels use it to do less. */
typedef enum hq_form {
    HQ_FORM_FLIP,     /* [[0, 1], [1, 0]] */
    HQ_FORM_PHASE,    /* diag(1, e^ia) */
    HQ_FORM_DIAGONAL, /* diag(a, b) */
    HQ_FORM_REAL,     /* no imaginary part */
    HQ_FORM_DENSE
} hq_form;

/* df/dp = sum over terms of weight * f(p + shift), exact for every expectation value f. */
typedef struct hq_shift_rule {
    int terms;
    double shift[HQ_SHIFT_TERMS_MAX];
    double weight[HQ_SHIFT_TERMS_MAX];
} hq_shift_rule;

/* Generator with two eigenvalues, 1 apart (Schuld et al., Phys. Rev. A 99, 032331 (2019)). */
extern const hq_shift_rule hq_shift_two_term;
/* Generator with eigenvalues 0 and +-1/2 (Anselmetti et al., New J. Phys. 23, 113010 (2021)). */
extern const hq_shift_rule hq_shift_four_term;

typedef struct hq_gate {
    const char *name;   /* in configuration files, and in OpenQASM where that has the gate */
    const char *symbol; /* in drawings, of each target; controls are dots */
    int controls;
    int targets;
    int blocks;
    int parameters;
    hq_form form;
    const hq_shift_rule *shift[HQ_GATE_PARAMETERS_MAX]; /* one for each parameter */
    void (*matrix)(const double *parameters, hq_mat2 *out /* [blocks] */);
    /* The Hermitian G with d matrix / d parameters[slot] = -i G matrix; NULL for a gate without parameters. Outside the
     * gate's pairs it is zero. */
    void (*generator)(const double *parameters, int slot, hq_mat2 *out /* [blocks] */);
} hq_gate;

typedef enum hq_gate_id {
    HQ_GATE_ID,
    HQ_GATE_X,
    HQ_GATE_Y,
    HQ_GATE_Z,
    HQ_GATE_H,
    HQ_GATE_S,
    HQ_GATE_SDG,
    HQ_GATE_T,
    HQ_GATE_TDG,
    HQ_GATE_SX,
    HQ_GATE_RX,
    HQ_GATE_RY,
    HQ_GATE_RZ,
    HQ_GATE_P,
    HQ_GATE_U3,
    HQ_GATE_CX,
    HQ_GATE_CZ,
    HQ_GATE_SWAP,
    HQ_GATE_CP,
    HQ_GATE_CRX,
    HQ_GATE_CRY,
    HQ_GATE_CRZ,
    HQ_GATE_CU3,
    HQ_GATE_RXX,
    HQ_GATE_RYY,
    HQ_GATE_RZZ,
    HQ_GATE_CCX,
    HQ_GATE_CSWAP,
    HQ_GATE_COUNT
} hq_gate_id;

extern const hq_gate hq_gate_table[HQ_GATE_COUNT];

/* Number of wires of a gate. */
static inline int hq_gate_wires(const hq_gate *gate) { return gate->controls + gate->targets; }

/* The gate of that name, or NULL; "cnot", "toffoli" and "cphase" are known too. */
const hq_gate *hq_gate_find(const char *name);

/* a b. */
hq_mat2 hq_mat2_multiply(const hq_mat2 *a, const hq_mat2 *b);

/* The inverse of a unitary matrix: its conjugate transpose. */
hq_mat2 hq_mat2_dagger(const hq_mat2 *m);

#endif
