/* private.h: a sweep: its space, its trials, their results, and what follows from them. Private to sweep. */
#ifndef HQCNN_SWEEP_PRIVATE_H
#define HQCNN_SWEEP_PRIVATE_H

#include "sweep/results.h"
#include "sweep/space.h"
#include "sweep/tpe.h"

/* What is trained: a trial up to a rung, with all its seeds. */
typedef struct hq_job {
    int trial; /* from 0; -1: when this was decided there was nothing to do */
    int rung;
} hq_job;

/* Trials with a merit, in a heap. */
typedef struct hq_ranked {
    double merit;
    int trial;
} hq_ranked;
typedef struct hq_heap {
    hq_ranked *item;
    int n;
    int64_t room;
    bool worst; /* the first is the worst of them, not the best */
} hq_heap;

/* The trials that have come to a rung: the best share 1 / eta, the others, and those that have not gone on. */
typedef struct hq_rung {
    hq_heap best, others, waiting;
    hq_observation *seen; /* [n] all of them, the best first; of tpe only */
    int n;
    int64_t room;
} hq_rung;

/* schedule.c. The jobs in the order of their decision. Job k is decided by the results of the jobs before k - lag. */
typedef struct hq_schedule {
    hq_job *job;
    int64_t n, room;
    int64_t known; /* the results of the jobs before this one have been taken in */
    int64_t lag;   /* INT64_MAX: decisions do not depend on results */
    bool learns;   /* they do */
    int begun;     /* trials, */
    int *order;    /* in this order; NULL: as they are numbered */
    int8_t *top;   /* [trials]: the rung that a trial is trained to so far; -1: none */
    int idle;      /* decisions one behind the other that found nothing to do */
    bool over;     /* no more will come */
    hq_rung rung[HQ_RUNGS_MAX];
} hq_schedule;

struct hq_sweep {
    hq_config base, scratch; /* scratch: of the trial looked at last */
    hq_space space;
    hq_results results;
    int seeds, trials; /* trials: as many as there will be */
    int known;         /* trials that have a point */
    double *point;     /* [trials][axes] */
    uint64_t *id;      /* [trials] */
    int64_t place;     /* of the next point of grid, random and sobol */
    hq_map ids;
    uint64_t base_identity; /* of base, without the keys of the space and the seed */
    hq_schedule schedule;
    char value[HQ_VALUE_MAX];
};

/* plan.c: the next trial gets a point: of grid, random and sobol the next one that no other trial has; false: there is
 * none. Or it gets this one, if no other trial has it. */
hq_status hq_plan_next(hq_sweep *sweep, bool *found);
hq_status hq_plan_add(hq_sweep *sweep, const double *point, bool *added);
/* A training of a trial (from 0). */
hq_run_key hq_plan_key(const hq_sweep *sweep, int trial, int seed);
/* Whether all seeds of a job have come to its end. */
bool hq_job_done(hq_sweep *sweep, hq_job job);

/* trials.c: the mean of the metric of all seeds of a trial (from 0) at a rung; NAN if one has not come there, or for
 * -1.
 */
double hq_merit_at(hq_sweep *sweep, int trial, int rung);

/* schedule.c: decides as far as the results allow. */
hq_status hq_schedule_advance(hq_sweep *sweep);
hq_status hq_schedule_shuffle(hq_sweep *sweep); /* once, when all points are known and nothing is decided */
void hq_schedule_free(hq_schedule *schedule);

/* heap.c: the better of two, the earlier one of two that are equal; the first of a heap may be looked at. */
bool hq_ranked_better(hq_ranked a, hq_ranked b);
hq_status hq_heap_push(hq_heap *heap, hq_ranked item);
hq_ranked hq_heap_pop(hq_heap *heap);

#endif
