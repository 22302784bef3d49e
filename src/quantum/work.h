/* work.h: the work memory of circuit evaluations: the path that serves the circuit, and the runs of samples in it. */
#ifndef QUANTUM_WORK_H
#define QUANTUM_WORK_H

#include "quantum/executor.h"
#include "quantum/fused.h"

struct hq_circuit_work {
    const hq_circuit *given; /* the caller's */
    hq_circuit *circuit;     /* the same with gates of a wire brought together (hq_circuit_order); owned */
    int64_t batch;           /* capacity, samples */
    int path;                /* HQ_COMPUTE_CIRCUIT_*, never _AUTO */
    const hq_kernels *kernels;
    hq_arena arena;
    hq_fused fused; /* of the fused path */
    hq_sweep sweep; /* of the others */
    double *dq;     /* [lanes][O] */
    double *x;      /* [lanes][Q] */
    double *row;    /* [Q + P] */
    hq_circuit_options options;
    int evaluations; /* of a sample whose gradient is wanted */
    bool one_by_one; /* evaluations go through single: with shots, noise or SPSA */
    hq_sweep single; /* one lane */
    bool is_noisy;   /* hardware is used */
    hq_hardware_settings settings;
    hq_hardware hardware;
    hq_executor *executor; /* evaluates in place of the simulation; NULL: none; owned */
    int pieces;            /* of one evaluation: 1, or its bases and chunks of shots */
    double *w_row;         /* [P] */
    double *rows;          /* [batch][Q + max(O, 1)]: inputs for the runner */
    double *outputs;       /* [batch][max(evaluations pieces O, Q + P)]: what the runner brings back */
};

/* HQ_ERR_CONFIG when the work has no memory for exact circuits, because its evaluations go one by one. */
hq_status hq_work_check_exact(const hq_circuit_work *work);

/* Rough seconds of one evaluation, of its adjoint gradient too. */
double hq_work_seconds(const hq_circuit_work *work, bool gradient);

/* Evaluates items [lo, hi) of a batch whose samples need `evaluations` each: item k is evaluation k % evaluations of
 * sample k / evaluations, number 0 unshifted, then for every entry the terms of its shift rule. in: rows [Q] from
 * sample lo / evaluations on; out[hi - lo][O]. Weights are bound before. */
typedef struct hq_shift_items {
    hq_circuit_work *work;
    const double *w;
    int evaluations;
} hq_shift_items;
hq_status hq_shift_evaluate(void *ctx, int64_t lo, int64_t hi, const double *in, double *out);

/* Entry and term of the rule of an evaluation; entry -1 for number 0. */
void hq_shift_find(const hq_circuit *circuit, int evaluation, int *entry, int *term);

/* Runs of consecutive items that belong together: samples first, ..., first + count - 1, evaluations from, ..., to - 1
 * of each. A range of items is up to three of them: the rest of a sample, whole samples, the start of a sample. */
typedef struct hq_rectangle {
    int64_t first, count;
    int from, to;
} hq_rectangle;
int hq_shift_rectangles(int64_t lo, int64_t hi, int evaluations, hq_rectangle out[3]);

/* Binds the weights of the items. */
void hq_shift_bind(hq_circuit_work *work, const double *w);

/* Adds one sample's gradient for dq[O] to dx[Q] and dw[P]: rows[evaluations][O] are its outputs. */
void hq_shift_contract(const hq_circuit *circuit, const double *rows, const double *dq, double *dx, double *dw);

/* Jacobian of one sample from shifted circuits, as hq_circuit_jacobian. */
hq_status hq_shift_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian);

#endif
