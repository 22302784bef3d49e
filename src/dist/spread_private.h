/* spread_private.h: inside of hq_spread, for spread.c, spread_cost.c and the tests. */
#ifndef HQCNN_DIST_SPREAD_PRIVATE_H
#define HQCNN_DIST_SPREAD_PRIVATE_H

#include "hqcnn/dist.h"

/* A block that only grows. Its content is lost when it does. */
typedef struct hq_spread_block {
    void *data; /* owned; NULL at first */
    size_t bytes;
} hq_spread_block;

/* What calls of some size take at most, on any rank: a function of sizes that all ranks know, so that all ranks find
 * together that a buffer must grow. INT64_MAX: more than can be counted. */
typedef struct hq_spread_need {
    int64_t inputs, rows; /* numbers */
    int64_t requests;     /* messages under way */
} hq_spread_need;

struct hq_spread {
    const hq_dist *dist; /* borrowed */
    int64_t piece;       /* numbers in one message, at most; equal on all ranks. Counts of MPI are ints */
    int64_t *first;      /* [ranks + 1] samples before those of a rank, in the last call */
    hq_spread_need have; /* what every rank has */
    hq_spread_block inputs, rows, requests;
    hq_spread_counts counts;
    double call_seconds, message_seconds, number_seconds; /* a call, a message, a number in one; equal on all ranks */
};

/* Measures the three. Collective. */
hq_status hq_spread_measure(hq_spread *spread);

#endif
