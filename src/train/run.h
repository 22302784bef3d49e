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

/* One row per completed epoch; block "history". */
typedef struct hq_epoch_row {
    double epoch, learning_rate, train_loss, train_acc, val_loss, val_acc, val_auc, val_f1;
} hq_epoch_row;

enum {
    HQ_PROGRESS_NUMBERS = sizeof(hq_progress) / sizeof(int64_t),
    HQ_ROW_NUMBERS = sizeof(hq_epoch_row) / sizeof(double)
};

typedef struct hq_run {
    hq_dist *dist;
    const hq_config *config;
    const char *dir;
    const char *resume; /* checkpoint it goes on from, or NULL */
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
    FILE *metrics;                 /* rank 0 */
    double started, epoch_started, last_line;
    int64_t steps_at_start;
    hq_circuit_load load;  /* of the training steps of the epoch under way, by this process */
    int64_t load_steps;    /* how many steps these are */
    int64_t seen_at_start; /* of the epoch under way: samples that an earlier process saw */
} hq_run;

/* Before statistics and gradients in hq_run.sum. */
enum { HQ_SUM_LOSS, HQ_SUM_REFUSED, HQ_SUM_CORRECT, HQ_SUM_STOP, HQ_SUM_FAILED, HQ_SUM_COUNT };

/* What one step found; equal on all ranks. */
typedef struct hq_step_result {
    double loss; /* mean over the batch */
    double learning_rate;
    int batch;
    bool stop; /* some rank was asked to stop */
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
/* Writes last.h5, and gives it the name best.h5 too when it is the best, or the first. Collective. */
hq_status hq_train_save(hq_run *run, bool best);
/* Name of a file in the run folder. */
void hq_train_path(const hq_run *run, const char *name, char path[PATH_MAX]);

/* resume.c: the run from a checkpoint; then, when the run folder is there, its best.h5. Collective. */
hq_status hq_train_resume(hq_run *run, const char *path);
hq_status hq_train_restore_best(hq_run *run, const char *path);
/* Name of a file in the folder of another. */
void hq_train_beside(const char *path, const char *name, char beside[PATH_MAX]);

/* events.c: what the user sees and what metrics.jsonl gets; rank 0 does the work. */
hq_status hq_train_events_open(hq_run *run);
void hq_train_events_close(hq_run *run);
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

/* signals.c: SIGUSR1 and SIGTERM ask for a stop at the end of the step. */
void hq_train_signals_install(void);
bool hq_train_signals_asked(void);

#endif
