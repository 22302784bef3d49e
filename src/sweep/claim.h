/* claim.h: who trains what now. A claim is a file "claims/<id>-s<seed>.<number>" that is made by one process alone; the
 * highest number counts. It is no lock: it only saves work, for whoever trains something twice gets the same result,
 * and of two processes in one run folder the older one ends (train/rows.c). A claim ends with its process: at once when
 * that is seen to be gone (on this host, or an earlier start of this Slurm job), else when its file has not been
 * touched for sweep.lease seconds. Private to sweep; local. */
#ifndef HQCNN_SWEEP_CLAIM_H
#define HQCNN_SWEEP_CLAIM_H

#include "sweep/results.h"

typedef enum hq_claiming {
    HQ_CLAIM_MINE,  /* it is ours now */
    HQ_CLAIM_OTHERS /* another process has it */
} hq_claiming;

typedef struct hq_claim {
    char path[PATH_MAX]; /* "" when it is not held */
    int number;
    int attempts; /* starts before this one that ended without a sign and without a new checkpoint */
} hq_claim;

/* All claims of a folder, and what this process needs to make one. */
typedef struct hq_claims {
    char dir[PATH_MAX - 128];
    double lease;
    char self[512];      /* who this process is, as JSON */
    hq_map map;          /* of hq_run_hash: the highest number, when it was looked */
    struct timespec now; /* by the clock of the file system, soon after that; 0: not asked yet */
    char stop[64];       /* name of a file that tells the groups of this job that one of them had to stop; "": none */
    bool stopped;        /* it was there */
    struct hq_heartbeat *heartbeat; /* touches what is held; owned */
} hq_claims;

/* Makes the folder and starts the thread that touches claims. HQ_ERR_FILE, HQ_ERR_MEMORY, HQ_ERR_INTERNAL. */
hq_status hq_claims_open(const char *dir, double lease, hq_claims *claims);
void hq_claims_close(hq_claims *claims);

/* Looks which claims there are. peek: also without hq_claims_open, and where there is no folder. */
hq_status hq_claims_look(hq_claims *claims);
hq_status hq_claims_peek(hq_claims *claims);

/* Tells the other groups to take nothing more, or takes that back. */
void hq_claims_stop(hq_claims *claims, bool stop);

/* Whether somebody has, or had, a claim when it was looked. */
bool hq_claims_known(const hq_claims *claims, hq_run_key key);

/* Which trainings a process may take: those that nobody has claimed; those too whose claim has ended with a new
 * checkpoint since, or for the first time without; all. A training whose starts end without a sign may itself end them,
 * with all that others do in the same job: one group alone takes such ones, one after the other. */
typedef enum hq_takes { HQ_TAKES_UNKNOWN, HQ_TAKES_ENDED, HQ_TAKES_ALL } hq_takes;

/* Tries to get a training; run_dir: its run folder, whose last checkpoint tells whether it gets further. HQ_ERR_FILE.
 */
hq_status hq_claim_try(hq_claims *claims, hq_run_key key, hq_takes takes, const char *run_dir, hq_claim *claim,
                       hq_claiming *out);

/* Gives it back, with all that came before it. */
void hq_claim_release(hq_claims *claims, hq_claim *claim, hq_run_key key);

/* Who holds the claim that counts, for people: "job 17 on n3"; "" when nobody does. alive: whether it has not ended. */
bool hq_claim_holder(hq_claims *claims, hq_run_key key, char *text, size_t size, bool *alive);

#endif
