/* spsa.h: gradients from a few evaluations with all parameters perturbed at once, the cheap way on hardware. Spall,
 * IEEE Trans. Autom. Control 37, 332 (1992).
 *
 * Evaluations 1 + 2k and 2 + 2k of a sample add +step and -step times a vector of random signs to all its inputs and
 * weights; the difference of the outputs over 2 step, times the sign of a parameter, estimates its gradient. Signs are
 * a function of (seed, epoch, key of the sample, k): every sample has its own, so that errors average out.
 */
#ifndef QUANTUM_SPSA_H
#define QUANTUM_SPSA_H

#include "quantum/circuit.h"

typedef struct hq_spsa {
    double step;
    uint64_t seed;
    uint32_t epoch;
} hq_spsa;

/* x[Q] and w[P] of evaluation `evaluation` of the sample with this key: in place. Evaluation 0 changes nothing. */
void hq_spsa_perturb(const hq_circuit *circuit, const hq_spsa *spsa, uint64_t key, int evaluation, double *x,
                     double *w);

/* Adds the estimate of one sample to dx[Q] and dw[P]: rows[1 + 2 samples][O] are its outputs. */
void hq_spsa_contract(const hq_circuit *circuit, const hq_spsa *spsa, uint64_t key, int samples, const double *rows,
                      const double *dq, double *dx, double *dw);

#endif
