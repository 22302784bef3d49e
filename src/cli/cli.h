/* cli.h: the command line. Private to the program. */
#ifndef HQCNN_CLI_H
#define HQCNN_CLI_H

#include "hqcnn/train.h"

#include <limits.h>
#include <stdio.h>

enum { HQ_SETS_MAX = 64, HQ_NUMBERS_MAX = 65536 /* bytes of a list of numbers */ };

typedef enum hq_command {
    HQ_COMMAND_TRAIN,
    HQ_COMMAND_EVALUATE,
    HQ_COMMAND_PREDICT,
    HQ_COMMAND_CHECK,
    HQ_COMMAND_INSPECT,
    HQ_COMMAND_CIRCUIT,
    HQ_COMMAND_CIRCUIT_EVAL,
    HQ_COMMAND_BENCH_CIRCUIT,
    HQ_COMMAND_BENCH_TRAIN,
    HQ_COMMAND_BENCH_INFER,
    HQ_COMMAND_BENCH_LAYERS,
    HQ_COMMAND_BENCH_SCALE,
    HQ_COMMAND_BENCH_CHECKPOINT,
    HQ_COMMAND_DATA_IMPORT,
    HQ_COMMAND_DOCTOR,
    HQ_COMMAND_SWEEP,
    HQ_COMMAND_SWEEP_PLAN,
    HQ_COMMAND_SWEEP_STATUS,
    HQ_COMMAND_SWEEP_BEST,
    HQ_COMMAND_SWEEP_TABLE,
    HQ_COMMAND_SWEEP_REPORT,
    HQ_COMMAND_COUNT
} hq_command;

/* A command line, parsed on rank 0 and broadcast. Plain bytes; an empty text means: not given. */
typedef struct hq_options {
    int command; /* hq_command */
    char config[PATH_MAX];
    char checkpoint[PATH_MAX]; /* evaluate, predict, inspect, circuit: the file */
    char run_dir[PATH_MAX];
    bool resume;
    char resume_file[PATH_MAX];
    char output[PATH_MAX];
    char cases[PATH_MAX]; /* circuit eval: the file */
    bool has_source;      /* data import: SOURCE, in `set` */
    char target[PATH_MAX];
    bool force;
    char svg[PATH_MAX], qasm2[PATH_MAX], qasm3[PATH_MAX], probabilities[PATH_MAX];
    char inputs[HQ_NUMBERS_MAX], weights[HQ_NUMBERS_MAX];
    int trial;     /* sweep: this one only, from 1; 0: all */
    bool retry;    /* sweep */
    int split;     /* hq_split */
    int64_t bytes; /* bench checkpoint: of a synthetic state; 0: that of the network */
    bool json, hash, document, dump, binding;
    int sets;
    char set[HQ_SETS_MAX][HQ_TEXT_MAX];
} hq_options;

/* Handles --help and --version, which need no MPI: true when there is nothing left to do. Under a launcher only the
 * first process prints. */
bool hq_cli_answer_early(int argc, char **argv);

/* Parses the command line. HQ_ERR_USAGE. Local; looks at the file system to tell folders from files. */
hq_status hq_cli_parse(int argc, char **argv, hq_options *options);

/* Agrees on kernels that all ranks have; for commands that compute on all ranks: warns of ranks that share cores, and
 * prints what --print-binding asks for. Collective. */
hq_status hq_cli_start(const hq_dist *dist, const hq_options *options);
/* The first part of it, which "doctor" leaves to one of its checks. Collective. */
hq_status hq_cli_agree_on_kernels(const hq_dist *dist);

/* Rank 0 reads the configuration (defaults, then `text` of the checkpoint `name` if there is one, then the file, then
 * --set) and checks it; with a checkpoint the network must stay as it was. All ranks get it. Collective. */
hq_status hq_cli_configure(hq_dist *dist, const hq_options *options, const char *text, const char *name,
                           hq_config *config);

/* Has `write` write to a file: the standard output when path is "" or "-", else as hq_file_write does. HQ_ERR_FILE,
 * naming option and path; `path` is then as it was. Local. */
hq_status hq_cli_write(const char *option, const char *path, hq_write write, const void *ctx);

/* A checkpoint with its data and network, for evaluate and predict. Collective. */
typedef struct hq_loaded {
    hq_config config;
    hq_node_data data;
    hq_model *model;
    hq_spreader *spreader;
} hq_loaded;
hq_status hq_cli_load(hq_dist *dist, const hq_options *options, hq_loaded *loaded);
void hq_cli_unload(hq_loaded *loaded);

/* SIGUSR1 and SIGTERM. Held back they wait, from before MPI starts, for who can hear them. Taken, the first one is
 * noted (its number, 0: none came), and a second one, more than a second later, ends the process at once with exit code
 * 75. Local. */
void hq_cli_signals_hold(bool hold);
void hq_cli_signals_take(int rank);
int hq_cli_signal_asked(void);

/* The commands. Collective. */
hq_status hq_cli_train(hq_dist *dist, const hq_options *options);
hq_status hq_cli_evaluate(hq_dist *dist, const hq_options *options);
hq_status hq_cli_predict(hq_dist *dist, const hq_options *options);
hq_status hq_cli_check(hq_dist *dist, const hq_options *options);
hq_status hq_cli_inspect(hq_dist *dist, const hq_options *options);
hq_status hq_cli_circuit(hq_dist *dist, const hq_options *options);
hq_status hq_cli_circuit_eval(hq_dist *dist, const hq_options *options);
hq_status hq_cli_bench_circuit(hq_dist *dist, const hq_options *options);
hq_status hq_cli_bench_train(hq_dist *dist, const hq_options *options); /* train, infer, layers */
hq_status hq_cli_bench_scale(hq_dist *dist, const hq_options *options);
hq_status hq_cli_bench_checkpoint(hq_dist *dist, const hq_options *options);
hq_status hq_cli_data_import(hq_dist *dist, const hq_options *options);
hq_status hq_cli_doctor(hq_dist *dist, const hq_options *options);
hq_status hq_cli_sweep(hq_dist *dist, const hq_options *options);      /* and sweep plan */
hq_status hq_cli_sweep_show(hq_dist *dist, const hq_options *options); /* status, best, table, report */

#endif
