/* perturbed.h: items whose circuits are evaluated one by one: on hardware (shots, noise), simulated or by an external
 * executor, or with weights of their own (SPSA).
 *
 * Item k of a batch is piece k % pieces of evaluation k / pieces % evaluations of a sample: pieces are bases and chunks
 * of shots. Items that follow each other share what they can: the state in front of a shifted gate, the simulated
 * state of an evaluation, the probabilities of a basis.
 */
#ifndef QUANTUM_PERTURBED_H
#define QUANTUM_PERTURBED_H

#include "quantum/executor.h"
#include "quantum/spsa.h"

typedef struct hq_perturbed {
    hq_sweep *sweep;       /* one lane */
    hq_hardware *hardware; /* NULL: exact */
    hq_executor *executor; /* in place of the simulation; NULL: none */
    bool spsa;             /* else evaluations are those of parameter shift */
    hq_spsa settings;      /* of spsa */
    const double *w;       /* [P] */
    double *x_row, *w_row; /* [Q], [P] scratch */
    int evaluations;       /* of one sample in this batch */
    int pieces;            /* of one evaluation */
    uint32_t epoch;
} hq_perturbed;

/* An hq_items.evaluate: ctx is an hq_perturbed; in: x[Q] of a sample and its key; out[O]: the piece's share. */
hq_status hq_perturbed_evaluate(void *ctx, int64_t lo, int64_t hi, const double *in, double *out);

#endif
