/* run.h: the state of one training run. Private to train. */
#ifndef HQCNN_TRAIN_RUN_H
#define HQCNN_TRAIN_RUN_H

#include "hqcnn/nn.h"
#include "hqcnn/train.h"

#include <limits.h>
#include <stdio.h>

#ifdef HQ_REAL_F64
#define HQ_NUMBER_REAL HQ_NUMBER_F64
#else
#define HQ_NUMBER_REAL HQ_NUMBER_F32
#endif

/* Where a run stands; saved in every checkpoint as block "progress". */
typedef struct hq_progress {
    int64_t epoch;         /* epochs completed */
    int64_t step;          /* updates made */
    int64_t step_in_epoch; /* updates made in the epoch that is under way */
    int64_t best_epoch;    /* 1-based, 0: none yet */
    int64_t stale;         /* epochs since the best one */
    int64_t correct;       /* right predictions in the epoch under way (multi-label: right labels) */
    int64_t seen;          /* samples of it: where the next batch starts */
    int64_t data;          /* hash of the data set */
} hq_progress;

enum {
    HQ_PROGRESS_NUMBERS = sizeof(hq_progress) / sizeof(int64_t),
    HQ_ROW_NUMBERS = sizeof(hq_epoch_row) / sizeof(double)
};

static inline hq_status hq_train_worse(hq_status a, hq_status b) { return a > b ? a : b; }

/* metrics.jsonl, open; rank 0. */
typedef struct hq_rows {
    int fd;        /* -1: not open */
    char *waiting; /* rows that could not be written yet, with checkpoint.on_failure = "continue" */
    size_t bytes, room;
} hq_rows;

/* When a run must have ended, and what it needs for that; known to rank 0. */
typedef struct hq_stop {
    double start, limit;               /* hq_clock; seconds from then, 0: none */
    double slack;                      /* seconds kept free for the end of the program */
    const char *reason;                /* where the limit comes from */
    double longest_step, longest_save; /* seconds */
    double heard;                      /* hq_clock when an evaluation last listened */
    int (*signal_of)(void);            /* of this rank; NULL: nobody asks */
} hq_stop;

typedef struct hq_run {
    hq_dist *dist;
    const hq_config *config;
    const char *dir;
    const char *resume;      /* checkpoint it goes on from, or NULL */
    int64_t until;           /* epochs after which it pauses; 0: it goes to its end */
    hq_train_result *result; /* filled if not NULL */
    bool borrows;            /* the data are the caller's */
    hq_node_data data;
    hq_reader *reader; /* of the training split; a slot for each own micro-batch */
    hq_model *model;
    hq_spreader *spreader;
    hq_optimizer optimizer;
    hq_schedule schedule;
    double *class_weight;      /* [classes] */
    int microbatch, most_held; /* images of a micro-batch; micro-batches under way at once */
    bool joint;                /* norms see the whole batch */
    int64_t steps_per_epoch;

    /* saved state besides the model's blocks */
    hq_real *moment1, *moment2; /* moment2 NULL where the rule keeps one */
    hq_progress progress;
    double epoch_loss;     /* sum over the samples seen in the epoch under way */
    hq_epoch_row *history; /* [train.epochs] */

    /* buffers of a step */
    hq_sum *sum;           /* of HQ_SUM_*, statistics (unless norms see the whole batch), gradients */
    int64_t gradients_at;  /* where the gradients start in it */
    hq_model_batch *batch; /* [most_held], with images, labels and sample numbers of each */
    hq_real *x;
    int32_t *labels;
    int64_t *samples;
    hq_real *mean_stats;

    double phases[HQ_PHASE_COUNT]; /* hq_phase_seconds when the epoch, or a measurement, began */
    hq_phase_event *trace;         /* NULL: none */
    double trace_offset;           /* from the clock of this rank to that of the trace */
    hq_rows rows;                  /* rank 0: metrics.jsonl */
    hq_stop stop;
    double saved_at; /* hq_clock when the last checkpoint was written */
    double started, epoch_started, last_line;
    int64_t steps_at_start;
    hq_circuit_load load;  /* of the training steps of the epoch under way, by this process */
    int64_t load_steps;    /* how many steps these are */
    int64_t seen_at_start; /* of the epoch under way: samples that an earlier process saw */
} hq_run;

/* Before statistics and gradients in hq_run.sum. */
enum { HQ_SUM_LOSS, HQ_SUM_REFUSED, HQ_SUM_CORRECT, HQ_SUM_STOP, HQ_SUM_SAVE, HQ_SUM_FAILED, HQ_SUM_COUNT };

/* What one step found; equal on all ranks. */
typedef struct hq_step_result {
    double loss; /* mean over the batch */
    double learning_rate;
    int batch;
    bool stop; /* some rank was asked to stop, or the time is nearly up */
    bool save; /* checkpoint.seconds have passed */
} hq_step_result;

/* run.c: the data set is loaded and every rank has its network; nothing has been written yet. Freed by
 * hq_train_release, whether it worked or not. Both collective. */
hq_status hq_train_set_up(hq_run *run);
void hq_train_release(hq_run *run);
/* The network, when the sizes of images, micro-batch and group are there. Local. */
hq_status hq_train_make_model(hq_run *run);

/* step.c: one update. HQ_ERR_NUMERIC when a number was not finite. */
hq_status hq_train_step(hq_run *run, hq_step_result *result);
/* What it needs: whether norms see the whole batch; micro-batches under way at once; the sum, when the network is
 * there.
 */
bool hq_train_joint(const hq_config *config);
int hq_train_most_held(const hq_dist *dist, const hq_config *config, const hq_data_info *info);
hq_status hq_train_open_sum(hq_run *run);

/* measure.c: a step over a full batch (the epoch starts again when what is left of it is less); as many as it takes
 * until it is settled how sums travel. */
hq_status hq_train_full_step(hq_run *run);
hq_status hq_train_settle_sum(hq_run *run);

/* state.c: the run as a checkpoint state, which borrows the run's blocks (free its table with hq_free(state.tensor)).
 */
hq_status hq_train_pack(hq_run *run, hq_state *state, char **out_config_text);
/* Name of a file in the run folder. */
void hq_train_path(const hq_run *run, const char *name, char path[PATH_MAX]);

/* keep.c: the checkpoints of the run folder. Saves the state as a kept checkpoint and as last.h5, and as best.h5 too
 * when it is the best, or the first; removes kept ones that are too many. Rows of metrics.jsonl are on the disk before.
 * Collective. */
hq_status hq_train_save(hq_run *run, bool best);
/* The same for a run that goes on: with checkpoint.on_failure = "continue" a failure is no error; *saved tells. */
hq_status hq_train_save_on_the_way(hq_run *run, bool best, bool *saved);
/* Makes the folder of kept checkpoints and removes what a killed run left half written; whether there are checkpoints
 * in a run folder. Local, for rank 0. */
hq_status hq_train_keep_begin(const hq_run *run);
bool hq_train_has_checkpoint(const char *run_dir);
/* Gives the checkpoint that the run goes on from the name last.h5, before rows of metrics.jsonl that came after it are
 * dropped; and once more when an older process that still lived has lost the folder. Collective. */
hq_status hq_train_keep_resumed(const hq_run *run);

/* resume.c: the run from the state of a checkpoint, which is released; then, when the run folder is there, its
 * best.h5. Collective. */
hq_status hq_train_resume(hq_run *run, hq_state *state);
hq_status hq_train_restore_best(hq_run *run, const char *path);
/* Name of a file in the run folder that a checkpoint is of. */
void hq_train_beside(const char *path, const char *name, char beside[PATH_MAX]);

/* rows.c: metrics.jsonl. Opening keeps the rows of before for which `stays` is true, from the file `before` (NULL:
 * none). A row that cannot be written is an error, or waits for the next one (checkpoint.on_failure). Sync: every row
 * is on the disk. Local, for rank 0. */
typedef enum hq_row { HQ_ROW_GOES, HQ_ROW_STAYS, HQ_ROW_UNKNOWN /* no memory to look at it */ } hq_row;
typedef hq_row (*hq_row_stays)(const hq_run *run, const char *line);
hq_status hq_train_rows_open(hq_run *run, const char *before, hq_row_stays stays);
hq_status hq_train_rows_add(hq_run *run, const char *text);
hq_status hq_train_rows_sync(hq_run *run);
void hq_train_rows_close(hq_run *run);
/* Waits some seconds for a process that still trains in a run folder (one that was killed, but not all at once), so
 * that it saves nothing behind the checkpoint that this one goes on from. Local, for rank 0. */
void hq_train_rows_wait(const char *run_dir);
/* A process that starts in a run folder makes the file anew. So an older one that still runs (on a node that the batch
 * system took for dead) can tell that the folder is not its own any more: HQ_ERR_USAGE. Local, for rank 0. */
hq_status hq_train_rows_own(const hq_run *run);

/* events.c: what the user sees and what metrics.jsonl gets; rank 0 does the work. */
hq_status hq_train_events_open(hq_run *run);
hq_status hq_train_event_step(hq_run *run, const hq_step_result *result);
hq_status hq_train_event_epoch(hq_run *run, const hq_epoch_row *row, bool best);
hq_status hq_train_event_test(hq_run *run, const hq_evaluation *test, const hq_class_metrics *per_class);
void hq_train_print_sum(const hq_run *run); /* how gradients are summed over ranks */
void hq_train_progress_line(hq_run *run, const hq_step_result *result);

/* trace.c: begins when log.trace_steps asks for it; a step may be the last of it; the end writes what there is.
 * Collective.
 */
hq_status hq_train_trace_begin(hq_run *run);
hq_status hq_train_trace_step(hq_run *run);
hq_status hq_train_trace_end(hq_run *run);

/* summary.c: names the classes whose AUC is undefined in the validation or test split. Local; only rank 0 prints. */
void hq_train_print_absent(const hq_dataset *set);

/* stop.c: signals, train.time_limit and the end of a Slurm job ask for a stop at the end of the step. What steps and
 * saves take says how early that must be. Local. */
void hq_train_stop_begin(hq_run *run, const hq_train_options *options);
void hq_train_stop_print(const hq_run *run);
void hq_train_stop_timed(hq_run *run, bool save, double seconds);
bool hq_train_stop_asked(const hq_run *run);
void hq_train_stop_say(const hq_run *run); /* why */

#endif
