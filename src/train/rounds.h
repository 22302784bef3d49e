/* rounds.h: groups of samples (micro-batches, groups of an evaluation) that the ranks work through together.
 *
 * Group after group every rank takes one of its own, or none once it has no more: so all of them meet in the circuits
 * of a round, which may be spread.
 */
#ifndef HQCNN_TRAIN_ROUNDS_H
#define HQCNN_TRAIN_ROUNDS_H

#include "hqcnn/dist.h"

typedef struct hq_rounds {
    int64_t groups;
    int64_t lo, hi;  /* this rank's groups */
    int64_t count;   /* rounds: groups of the busiest rank */
    int64_t each;    /* rounds in which every rank has a group */
    int ranks, rest; /* ranks; ranks that have one in the last round, when it is not full */
} hq_rounds;

static inline hq_rounds hq_rounds_make(const hq_dist *dist, int64_t groups)
{
    hq_rounds rounds = {.groups = groups, .ranks = hq_dist_size(dist)};
    hq_dist_share(dist, groups, &rounds.lo, &rounds.hi);
    rounds.each = groups / rounds.ranks;
    rounds.rest = (int)(groups % rounds.ranks);
    rounds.count = rounds.each + (rounds.rest > 0);
    return rounds;
}

/* This rank's group in a round, or -1; how many ranks have one. */
static inline int64_t hq_rounds_group(const hq_rounds *rounds, int64_t round)
{
    return rounds->lo + round < rounds->hi ? rounds->lo + round : -1;
}
static inline int hq_rounds_active(const hq_rounds *rounds, int64_t round)
{
    return round < rounds->each ? rounds->ranks : rounds->rest;
}

#endif
