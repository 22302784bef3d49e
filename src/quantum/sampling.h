/* sampling.h: exact random counts whose cost does not grow with the number of shots. */
#ifndef QUANTUM_SAMPLING_H
#define QUANTUM_SAMPLING_H

#include "hqcnn/base.h"

/* Successes in n trials of probability p in [0, 1]. By inversion for small n p, else by rejection: algorithm BTRS of W.
 * Hoermann, "The generation of binomial random variates", J. Stat. Comput. Simul. 46, 101 (1993). */
int64_t hq_binomial(hq_random *stream, int64_t n, double p);

/* Called for each outcome that was seen, in rising order. */
typedef void hq_outcome_fn(void *ctx, uint32_t outcome, int64_t count);

/* Probabilities of 2^bits outcomes stand in tree[2^bits], ..., tree[2 * 2^bits - 1], none negative, one positive; they
 * need not sum to one. hq_sampling_start fills tree[1], ..., tree[2^bits - 1]: node k holds the sum of its children, 2k
 * and the one after it. hq_sampling_draw: counts of `shots` independent outcomes (multinomial), by splitting them at
 * every node. */
void hq_sampling_start(int bits, double *tree);
void hq_sampling_draw(int bits, const double *tree, int64_t shots, hq_random *stream, hq_outcome_fn *seen, void *ctx);

#endif
