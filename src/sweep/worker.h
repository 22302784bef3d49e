/* worker.h: a group of ranks that trains one thing after the other. Private to sweep. */
#ifndef HQCNN_SWEEP_WORKER_H
#define HQCNN_SWEEP_WORKER_H

#include "sweep/claim.h"
#include "sweep/private.h"

/* What a group does next; from its first rank to all of it. Plain bytes. */
typedef enum hq_what { HQ_DO_TRAIN, HQ_DO_WAIT, HQ_DO_END } hq_what;
typedef struct hq_work_order {
    int what;
    int trial, seed; /* from 0 */
    int64_t until;   /* epochs; 0: to the end */
    char run_dir[PATH_MAX];
    hq_config config;
} hq_work_order;

/* The work of the first rank of a group. */
typedef struct hq_foreman {
    hq_sweep *sweep;
    hq_claims claims;
    hq_claim claim; /* of what is being trained */
    int64_t first;  /* jobs before this one are done */
    int trial;      /* from 1: this one only; 0: all */
    int number;     /* of the group */
    int skip;       /* trainings to leave to other groups at the start */
    int attempts;   /* sweep.attempts */
    char group[32]; /* its name in lines on the screen */
    bool news;      /* a training got its result without being trained */
} hq_foreman;

/* foreman.c; local. Finds the next training and claims it; a training that cannot be started gets its result at once.
 * HQ_ERR_FILE, HQ_ERR_MEMORY. */
hq_status hq_foreman_next(hq_foreman *foreman, hq_work_order *order);

/* What came of it: ok, diverged or failed (with a message) is told and becomes a result; then the claim is given back.
 */
hq_status hq_foreman_finish(hq_foreman *foreman, const hq_work_order *order, hq_outcome outcome,
                            const hq_train_result *result, const char *message, double seconds, int ranks);
/* How many trainings of a job have no result; who holds the first, if the text is still empty. */
int hq_foreman_left(hq_foreman *foreman, hq_job job, char *holder, size_t size);
/* Whether there is, or may come, anything without a result. */
bool hq_foreman_has_work(const hq_foreman *foreman);
/* Whether another process has made its result meanwhile. */
bool hq_foreman_has_result(hq_foreman *foreman, const hq_work_order *order);
/* Removes the checkpoints of a run folder, but for the best model. */
void hq_foreman_discard(const char *run_dir);
/* No result: it goes on later, here or elsewhere. */
void hq_foreman_put_back(hq_foreman *foreman, const hq_work_order *order);

#endif
