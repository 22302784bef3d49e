/* tpe.h: the tree-structured Parzen estimator: J. Bergstra, R. Bardenet, Y. Bengio and B. Kegl, "Algorithms for
 * hyper-parameter optimization", NIPS 2011. Private to sweep. */
#ifndef HQCNN_SWEEP_TPE_H
#define HQCNN_SWEEP_TPE_H

#include "sweep/space.h"

/* A point of which the merit is known: the larger the better; -INFINITY for a trial that failed. */
typedef struct hq_observation {
    const double *point; /* [axes], borrowed */
    double merit;
} hq_observation;

/* A point where good ones are likelier than others; draws from the stream. seen[n]: the best first. HQ_ERR_MEMORY. */
hq_status hq_tpe_suggest(const hq_space *space, const hq_observation *seen, int n, hq_random *random, double *point);

#endif
