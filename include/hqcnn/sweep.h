/* sweep.h: many trainings of one configuration, with some of its keys varied.
 *
 * A trial is a point of the space that sweep.space spans; it is trained with sweep.seeds seeds. Everything lies in one
 * folder that any number of jobs may share: plan.cfg (the configuration), results/ (a file for each training that has
 * come to its end, or to a pause of asha), trials/ (their run folders), claims/ (who trains what now). A training is
 * known by what its configuration does, not by a number, so that a plan may be changed and extended: what is there
 * already counts. The plan is a function of the configuration and of the results, and so are the points of tpe and the
 * decisions of asha: it does not matter who trained what, when, in which order and on how many ranks.
 */
#ifndef HQCNN_SWEEP_H
#define HQCNN_SWEEP_H

#include "hqcnn/config.h"
#include "hqcnn/dist.h"

#include <limits.h>

typedef struct hq_sweep hq_sweep;

typedef enum hq_outcome {
    HQ_OUTCOME_OPEN, /* no result yet */
    HQ_OUTCOME_OK,
    HQ_OUTCOME_DIVERGED,
    HQ_OUTCOME_FAILED /* refused by the configuration, no memory, or given up after sweep.attempts */
} hq_outcome;
const char *hq_outcome_name(hq_outcome outcome);

/* What one training found, at its best epoch. Numbers that are not known are NAN. */
typedef struct hq_finding {
    hq_outcome outcome;
    int64_t epochs, best_epoch;
    double val_auc, val_acc, val_f1, val_loss;
    double test_auc, test_acc, test_f1, test_loss; /* of a training that came to its end */
    uint64_t data, kernels;                        /* hashes of the data set and of the kernel variant, 0: not known */
} hq_finding;

/* Mean and standard deviation (of the sample; NAN for one) over the seeds that are ok. */
typedef struct hq_over_seeds {
    double mean, deviation;
} hq_over_seeds;

/* What is known of a trial. */
typedef struct hq_trial {
    int number; /* from 1 */
    uint64_t id;
    int done, ok, diverged, failed; /* seeds; done: to their end */
    bool ended;                     /* all seeds came to their end */
    bool stopped;                   /* asha let it go on no further */
    int64_t epochs;                 /* that all seeds have come to */
    double merit; /* mean of sweep.metric, the larger the better; -INFINITY if a seed failed; NAN: open */
    hq_over_seeds val_auc, val_acc, val_f1, val_loss, test_auc, test_acc, test_f1, test_loss, best_epoch;
} hq_trial;

/* Opens the sweep of a configuration in a folder, which need not be there yet: reads the space and looks at the
 * results. HQ_ERR_CONFIG, HQ_ERR_FILE, HQ_ERR_MEMORY. Local. Closed by hq_sweep_close (NULL is allowed). */
hq_status hq_sweep_open(const hq_config *config, const char *dir, hq_sweep **out_sweep);
void hq_sweep_close(hq_sweep *sweep);

/* Looks for new results, and decides what follows from them. Local. */
hq_status hq_sweep_refresh(hq_sweep *sweep);

int hq_sweep_trials(const hq_sweep *sweep); /* of the plan; tpe may not know all of their points yet */
int hq_sweep_known(const hq_sweep *sweep);  /* trials 1 to this have a point */
int hq_sweep_seeds(const hq_sweep *sweep);

/* Whether all trials have the same data set. */
bool hq_sweep_shares_data(const hq_sweep *sweep);

/* Epochs of a trial that comes to its end: train.epochs, which may be in the space; of trial 0: the most of any. */
int hq_sweep_epochs(const hq_sweep *sweep, int trial);

/* The axes, and values of a trial on them as text, "" where an axis is not varied. Borrowed, valid till the next call.
 */
int hq_sweep_axes(const hq_sweep *sweep);
const char *hq_sweep_key(const hq_sweep *sweep, int axis);
const char *hq_sweep_value(hq_sweep *sweep, int trial, int axis);
/* Where on the axis the value lies, 0 to 1; NAN where it is not varied. */
double hq_sweep_place(const hq_sweep *sweep, int trial, int axis);

/* What an axis spans: a list of so many choices, or (0) a range. hq_sweep_choice: one of them; hq_sweep_at: the value
 * of a range at a place. */
typedef struct hq_axis_scale {
    int choices;
    double low, high; /* of a range */
    bool logarithmic;
} hq_axis_scale;
void hq_sweep_scale(const hq_sweep *sweep, int axis, hq_axis_scale *scale);
const char *hq_sweep_choice(const hq_sweep *sweep, int axis, int choice);
double hq_sweep_at(const hq_sweep *sweep, int axis, double place);

/* The configuration of a trial (from 1), with the first of its seeds. HQ_ERR_CONFIG when its keys do not go together.
 */
hq_status hq_sweep_config(hq_sweep *sweep, int trial, hq_config *config);

/* What is known of a trial; reads the results of its seeds. HQ_ERR_MEMORY. */
hq_status hq_sweep_look(hq_sweep *sweep, int trial, hq_trial *out);

/* The trials that have a merit, the best first: those that were trained further come before others. list[trials], *n of
 * them. */
hq_status hq_sweep_rank(hq_sweep *sweep, hq_trial *list, int *n);

/* How much of the differences in rank between the n trials of a list each key alone explains: share[axes], 0 to 1, NAN
 * where that cannot be said. Trials are grouped by the values of a list, or by fifths of a range; the share of the
 * variance between the groups, less what as many groups would have by chance: epsilon squared of T. L. Kelley, "An
 * unbiased correlation ratio measure", PNAS 21, 1935. With asha the trials' merits after sweep.first_epochs are
 * compared, which all have. HQ_ERR_MEMORY. */
hq_status hq_sweep_importance(hq_sweep *sweep, const hq_trial *list, int n, double *share);

/* sweep.metric after each epoch, the mean over the seeds: curve[epochs], NAN behind the last that all have. Reads the
 * files. HQ_ERR_MEMORY. */
hq_status hq_sweep_curve(hq_sweep *sweep, int trial, double *curve, size_t epochs);

/* Where a training of a trial has its run folder; seed: from 0. */
void hq_sweep_run_dir(const hq_sweep *sweep, int trial, int seed, char path[PATH_MAX]);

/* How far a sweep is. */
typedef struct hq_sweep_counts {
    int64_t all;           /* trainings that are planned so far */
    int64_t done;          /* have results */
    int64_t held, lost;    /* have a claim that is alive, that has ended */
    int64_t epochs_of_all; /* if every trial were trained to its end */
    bool over;             /* no more will be planned */

    /* contents */
    int64_t diverged, failed, epochs;
    int64_t other_data, other_kernels; /* results of another data set, of other kernels, than the first */
} hq_sweep_counts;
/* contents: reads the results, for the numbers of "contents" too. */
hq_status hq_sweep_count(hq_sweep *sweep, bool contents, hq_sweep_counts *counts);

/* ---- the folder of a sweep --------------------------------------------------------------------------------------- */

/* Makes the folder with the configuration as its plan.cfg. Where there is another plan this one takes its place, unless
 * the folder has results and none of them belongs to it: HQ_ERR_USAGE, if not `force`. Local. */
hq_status hq_sweep_settle(const hq_config *config, const char *dir, bool force);

/* Reads the plan of a folder. HQ_ERR_USAGE when it has none. Local. */
hq_status hq_sweep_plan(const char *dir, hq_config *config);

/* ---- working on a sweep ------------------------------------------------------------------------------------------ */

typedef struct hq_sweep_options {
    const char *dir;
    int trial;              /* from 1: this one only; 0: all */
    bool retry;             /* what failed is tried again */
    int (*signal_of)(void); /* as in hq_train_options */
    double started;         /* hq_clock from which train.time_limit counts */
} hq_sweep_options;

/* Trains what is not yet trained, sweep.ranks_per_trial ranks a trial, until nothing is left that no other job has.
 * Every group of ranks finds its next training by itself. Prints a line for each training, and at the end how much of
 * the time the ranks worked. HQ_INTERRUPTED: run again to go on. A training that diverges or fails is no error.
 * HQ_ERR_* of what would end any training: files, data, communication, executors. Collective. */
hq_status hq_sweep_work(hq_dist *dist, const hq_config *config, const hq_sweep_options *options);

#endif
