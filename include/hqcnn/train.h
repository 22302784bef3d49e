/* train.h: the training step, the epoch loop, evaluation, resume, events.
 *
 * Every function is collective unless it says otherwise: all ranks call it with equal arguments, and the results are
 * equal on all ranks.
 */
#ifndef HQCNN_TRAIN_H
#define HQCNN_TRAIN_H

#include "hqcnn/checkpoint.h"
#include "hqcnn/config.h"
#include "hqcnn/data.h"
#include "hqcnn/dist.h"
#include "hqcnn/metrics.h"
#include "hqcnn/model.h"

#include <limits.h>

/* ---- data with one copy per node --------------------------------------------------------------------------------- */

typedef struct hq_node_data {
    hq_dataset set;
    hq_shared *shared;
    uint64_t hash; /* of sizes, images and labels, as an HDF5 file has it or of the block; equal on all nodes */
} hq_node_data;

/* Opens config's data set on the first rank of each node, fills the node's copy (without the images of a streamed set)
 * and attaches every rank to it. `config` must outlive the data. */
hq_status hq_train_load_data(hq_dist *dist, const hq_config *config, hq_node_data *data);
void hq_train_free_data(hq_node_data *data);

/* ---- who evaluates circuits -------------------------------------------------------------------------------------- */

/* Evaluates the circuits of a run on their own ranks or spreads them, as dist.spread says. */
typedef struct hq_spreader hq_spreader;

/* Collective. Freed by hq_train_spreader_destroy (local; NULL is allowed). */
hq_status hq_train_spreader_create(hq_dist *dist, const hq_config *config, const hq_model *model,
                                   hq_spreader **out_spreader);
void hq_train_spreader_destroy(hq_spreader *spreader);

/* The runner for one round, in which the ranks together have about samples_total samples and none more than
 * samples_most; equal on all ranks. Local. */
const hq_runner *hq_train_spreader_round(hq_spreader *spreader, int64_t samples_total, int64_t samples_most);

/* The same runner, for a round that is told of later. Local. */
const hq_runner *hq_train_spreader_runner(const hq_spreader *spreader);

/* What this rank has done so far. Local. */
typedef struct hq_circuit_load {
    int64_t circuits; /* evaluated here */
    int64_t bytes;    /* sent to other ranks */
    double waiting;   /* seconds spent waiting for other ranks' circuits */
} hq_circuit_load;
hq_circuit_load hq_train_spreader_load(const hq_spreader *spreader);

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* One row per completed epoch; block "history" of a checkpoint. */
typedef struct hq_epoch_row {
    double epoch, learning_rate, train_loss, train_acc, val_loss, val_acc, val_auc, val_f1;
} hq_epoch_row;

typedef struct hq_evaluation {
    hq_metrics metrics;
    double loss; /* mean over samples, without class weights */
} hq_evaluation;

/* What a training found; equal on all ranks. */
typedef struct hq_train_result {
    int64_t epochs;        /* completed */
    int64_t best_epoch;    /* counted from 1; 0: none */
    hq_epoch_row *history; /* [epochs]; the caller frees it with hq_free */
    bool tested;           /* it came to its end */
    hq_evaluation test;    /* of the best model, then */
    uint64_t data;         /* hash of the data set */
    char variant[256];     /* the kernels */
} hq_train_result;

/* What is not given is 0 or NULL. */
typedef struct hq_train_options {
    const char *run_dir;      /* made if absent */
    const char *resume;       /* NULL: start anew; else the checkpoint to go on from */
    hq_state *state;          /* what it holds, loaded; released as soon as it is restored */
    int (*signal_of)(void);   /* the number of a signal that asked this rank to stop, 0: none; NULL: nobody asks */
    const hq_node_data *data; /* loaded already, of the same settings, on every node; borrowed */
    int64_t until;            /* pauses after so many epochs, with the state saved; 0: goes to the end */
    double started;           /* hq_clock from which train.time_limit counts; 0: now */
    hq_train_result *result;  /* filled when the result is HQ_OK, or HQ_ERR_NUMERIC: as far as it came */
} hq_train_options;

/* Trains to the end. The run folder then holds last.h5, best.h5 (best validation AUC), the newest checkpoints,
 * config.cfg and metrics.jsonl. After a signal, and in time for train.time_limit and the end of a Slurm job, the state
 * is saved at the end of the step and the result is HQ_INTERRUPTED. HQ_ERR_NUMERIC when the training diverged. */
hq_status hq_train_run(hq_dist *dist, const hq_config *config, const hq_train_options *options);

/* Loads the checkpoint that a run folder goes on from: last.h5, or the newest kept one when that is damaged or missing,
 * with a warning that says why. None at all: HQ_OK, and path is empty. HQ_ERR_FILE when there are some, but none can be
 * loaded. Free the state with hq_checkpoint_free. */
hq_status hq_train_open_last(const hq_dist *dist, const char *run_dir, char path[PATH_MAX], hq_state *state);

/* Where the time of training steps goes: seconds of this rank. */
typedef struct hq_step_times {
    double data;     /* images drawn, decoded, augmented */
    double network;  /* forward, backward, circuits; waiting for other ranks' circuits */
    double exchange; /* gradients as integers, and their sum over ranks: waiting for the slowest */
    double update;   /* of parameters and statistics */
} hq_step_times;

/* What is timed: training steps over full batches with nothing written, or evaluations of the training split. */
typedef struct hq_speed_options {
    bool infer;
    bool summary; /* prints what is trained first */
    bool peaks;   /* measures peak_flops and peak_bytes; takes as much memory as the activations once more */
    int runs;
    double run_seconds; /* of one run, about */
} hq_speed_options;

typedef struct hq_train_speed {
    int64_t images;      /* of a step, or of an evaluation */
    int ranks, steps;    /* steps or evaluations of a run */
    double memory;       /* bytes resident at most on the rank that had most */
    hq_step_times times; /* of a step, of the rank that calls; unused by evaluations */

    /* The parts of the network, with seconds per image of this rank, and what this machine does at most on one thread:
     * multiply-adds of the kernels in use, and copies of a block as large as the activations (read and written). */
    int parts;
    hq_model_part part[HQ_MODEL_PARTS_MAX];
    double peak_flops, peak_bytes; /* per second */
    size_t copied;                 /* bytes of that block */
} hq_train_speed;

/* Seconds of a step or an evaluation, in `runs` runs after one that is not counted: seconds[options.runs]. */
hq_status hq_train_measure(hq_dist *dist, const hq_config *config, const hq_speed_options *options, double *seconds,
                           hq_train_speed *out_speed);

/* Training steps on the ranks of dist, timed with and without their sums, in turn. */
typedef struct hq_scale_point {
    int ranks, nodes, microbatch;
    int64_t images;                /* of a step */
    double alone, at_end, settled; /* seconds of a step, medians of the slowest rank: ranks only wait for each other;
                                      sums behind the backward pass; as the first steps found fastest */
    double work;                   /* processor seconds per image outside waiting, of all ranks together */
    double backward;               /* share of the backward pass in what the network takes, on this rank */
    double memory;                 /* bytes resident at most on the rank that had most */
    double share;                  /* of them at the end, where each page counts by the processes that share it */
    double sum_bytes;              /* that a step sums */
    char way[128];                 /* as settled, in words */
} hq_scale_point;

/* run_seconds: of each of fifteen timings, about. */
hq_status hq_train_scale(hq_dist *dist, const hq_config *config, double run_seconds, hq_scale_point *point);

/* ---- without training -------------------------------------------------------------------------------------------- */

/* What a training on the images of `info` takes, about. */
typedef struct hq_train_needs {
    int64_t micro;      /* micro-batches of a full batch: as many ranks have work */
    double rank_memory; /* bytes of a rank, without what it shares with others of its node */
    double data_memory; /* bytes of the data set, which the ranks of a node share */
    double sum_block;   /* bytes of a block of sums in two levels, 0 if unused: a node shares one for each of its ranks,
                           and two more */
    double checkpoint;  /* bytes of the last checkpoint */
    size_t sum;         /* numbers that a step sums */
} hq_train_needs;

/* Builds the network once, and frees it. HQ_ERR_CONFIG, HQ_ERR_MEMORY. Local. */
hq_status hq_train_estimate(hq_dist *dist, const hq_config *config, const hq_data_info *info, hq_train_needs *needs);

/* Has `work` do something with a state as large as that at the end of a training, with its start weights, packed for a
 * checkpoint; it is valid during that. HQ_ERR_CONFIG, HQ_ERR_MEMORY, and what `work` returns. Collective. */
hq_status hq_train_visit_state(hq_dist *dist, const hq_config *config, const hq_data_info *info,
                               hq_status (*work)(void *ctx, const hq_state *state), void *ctx);

/* Micro-batch in force: train.microbatch, or chosen from train.batch alone, about 16. Local. */
int hq_train_microbatch(const hq_config *config);

/* Learning rate in force, before the schedule: train.learning_rate by train.rate_rule. Local. */
double hq_train_rate(const hq_config *config);

/* Prints what will be trained: data, network, ranks, micro-batches. Local; only rank 0 prints. */
void hq_train_print_summary(const hq_dist *dist, const hq_config *config, const hq_data_info *info,
                            const hq_model *model);

/* Prints what a checkpoint holds: hash, where the run stood, its epochs, its tensors, its configuration. Local; only
 * rank 0 prints. */
hq_status hq_train_print_state(const hq_state *state, const char *name);

/* ---- evaluation of a checkpoint -----------------------------------------------------------------------------------
 */

/* Copies parameters and norm statistics of a checkpoint into a model of the same shape. HQ_ERR_FILE, naming the first
 * tensor that does not fit. name: of the file, for messages. Local. */
hq_status hq_train_restore_model(hq_model *model, const hq_state *state, const char *name);

typedef struct hq_asked {
    bool (*stop)(void *ctx); /* local */
    void *ctx;
} hq_asked;

/* Evaluates a split, each sample exactly once. Shots and noise draw the same numbers whenever a model is evaluated
 * (those of epoch 0 for the split), so that models differ by what they learned. scores[count][classes],
 * per_class[classes] and confusion as in metrics.h are written on rank 0 only and may be NULL; evaluation is equal on
 * all ranks. asked (NULL: nobody): whether this rank was asked to stop; when some rank was, the result is
 * HQ_INTERRUPTED after a few more samples. */
hq_status hq_train_evaluate(hq_dist *dist, const hq_config *config, hq_model *model, hq_spreader *spreader,
                            const hq_dataset *data, hq_split split, const hq_asked *asked, hq_evaluation *evaluation,
                            double *scores, hq_class_metrics *per_class, int64_t *confusion);

/* Prints the table of an evaluation, and which classes have no AUC. per_class[classes]. Local; only rank 0 prints. */
void hq_train_print_table(const char *title, const hq_data_info *info, const hq_evaluation *result,
                          const hq_class_metrics *per_class);

#endif
