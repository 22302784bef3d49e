/* config.h: the configuration: one table of keys that parses, checks, documents, overrides and dumps.
 *
 * To add a key, add one line to HQ_CONFIG_KEYS: the field of hq_config, the parser, the range check, the dump, the help
 * and docs/configuration.md all come from it. A new group needs its path too (HQ_GROUP_...).
 * Knows no MPI: rank 0 reads the file and the plain struct is broadcast.
 */
#ifndef HQCNN_CONFIG_H
#define HQCNN_CONFIG_H

#include "hqcnn/base.h"

#define HQ_TEXT_MAX 1024   /* bytes of a text value, with its end */
#define HQ_LIST_MAX 16     /* numbers in a list value */
#define HQ_LINES_MAX 16384 /* bytes of a list of texts, joined, with its end */

typedef struct hq_list {
    int n;
    int v[HQ_LIST_MAX];
} hq_list;

/* What a changed value means for a run that is resumed. */
typedef enum hq_scope {
    HQ_SCOPE_MODEL, /* shape of the network: must equal the checkpoint's */
    HQ_SCOPE_TRAIN, /* changes the numbers from here on: allowed on resume, with a warning */
    HQ_SCOPE_FREE   /* changes no number of the training (data.source: the same data may have moved) */
} hq_scope;

/* Paths of the groups. A group inside another one follows it in HQ_CONFIG_KEYS at once. */
#define HQ_GROUP_data "data"
#define HQ_GROUP_augment "augment"
#define HQ_GROUP_phantom "phantom"
#define HQ_GROUP_model "model"
#define HQ_GROUP_model_circuit "model.circuit"
#define HQ_GROUP_gradient "gradient"
#define HQ_GROUP_shots "shots"
#define HQ_GROUP_noise "noise"
#define HQ_GROUP_executor "executor"
#define HQ_GROUP_train "train"
#define HQ_GROUP_compute "compute"
#define HQ_GROUP_dist "dist"
#define HQ_GROUP_checkpoint "checkpoint"
#define HQ_GROUP_log "log"
#define HQ_GROUP_sweep "sweep"

/* INT(group, name, scope, default, min, max, help)      field int group_name
 * REAL(group, name, scope, default, min, max, help)     field double group_name
 * WORD(group, name, scope, default, "a|b|c", help)      field int group_name: position in the list of words
 * TEXT(group, name, scope, default, help)               field char group_name[HQ_TEXT_MAX]
 * LIST(group, name, scope, default, min, max, help)     field hq_list group_name; default as "16, 16, 64"
 * LINES(group, name, scope, default, help)              field char group_name[HQ_LINES_MAX]: texts, joined by "; ",
 *                                                       each without blanks at its ends and with single ones inside */
#define HQ_CONFIG_KEYS(INT, REAL, WORD, TEXT, LIST, LINES)                                                             \
    TEXT(data, source, FREE, "phantom",                                                                                \
         "\"phantom\" for the built-in set, or the path of a MedMNIST .npz file or of an .h5 file made by `data "      \
         "import`, "                                                                                                   \
         "absolute or from the folder of this file")                                                                   \
    WORD(data, task, MODEL, "auto", "auto|binary|multi-class|ordinal|multi-label",                                     \
         "kind of task; auto: multi-label for several label columns, else binary for 2 classes, else multi-class")     \
    LIST(data, classes, MODEL, "", 0, 65535,                                                                           \
         "keep only samples of these labels, renumbered 0, 1, ... in this order; empty: all")                          \
    INT(data, class_count, MODEL, 0, 0, 65536,                                                                         \
        "number of classes (label columns for multi-label); 0: largest label of the training split plus 1")            \
    WORD(data, stream, TRAIN, "auto", "auto|on|off",                                                                   \
         "leave the images of an .h5 file there and read them as they are needed, in an order that makes that fast; "  \
         "auto: when they would take more than data.memory")                                                           \
    INT(data, memory, TRAIN, 4096, 0, 2147483647,                                                                      \
        "largest images that data.stream = \"auto\" loads, MB on each node; a member of an .npz file that is packed "  \
        "better than 200 to 1 has no more either")                                                                     \
    INT(data, window, TRAIN, 0, 0, 2147483647,                                                                         \
        "images of a micro-batch's part of a streamed set that are in memory and shuffled together, in whole chunks; " \
        "0: "                                                                                                          \
        "about 256 MB for all micro-batches of a batch")                                                               \
    INT(data, chunk, FREE, 0, 0, 2147483647, "images in a chunk of a file made by `data import`; 0: about 1 MB")       \
    WORD(augment, flip, TRAIN, "none", "none|horizontal|vertical|both", "random mirroring of training images")         \
    INT(augment, shift, TRAIN, 0, 0, 64, "random shift of training images, up to so many pixels each way")             \
    REAL(augment, rotate, TRAIN, 0, 0, 180, "random rotation of training images, up to so many degrees each way")      \
    INT(phantom, size, TRAIN, 28, 12, 1024, "height and width of a built-in image, pixels")                            \
    INT(phantom, channels, TRAIN, 1, 1, 3, "channels of a built-in image, 1 or 3")                                     \
    INT(phantom, train, TRAIN, 1024, 1, 100000000, "images in the training split of the built-in set")                 \
    INT(phantom, val, TRAIN, 256, 1, 100000000, "images in its validation split")                                      \
    INT(phantom, test, TRAIN, 512, 1, 100000000, "images in its test split")                                           \
    INT(phantom, seed, TRAIN, 1, 0, 2147483647, "seed of the built-in set")                                            \
    LIST(model, channels, MODEL, "16, 16, 64, 64, 64", 1, 4096, "output channels of each convolution (3x3)")           \
    LIST(model, padding, MODEL, "0, 0, 0, 0, 1", 0, 1, "zero padding of each convolution, pixels")                     \
    LIST(model, pool, MODEL, "0, 1, 0, 0, 1", 0, 1, "1: 2x2 max pooling after that convolution")                       \
    INT(model, features, MODEL, 4, 1, 64, "side of the map that adaptive average pooling leaves before flattening")    \
    WORD(model, norm, MODEL, "batch", "batch|group|none",                                                              \
         "normalisation after each convolution; batch: see norm_statistics")                                           \
    WORD(model, norm_statistics, TRAIN, "microbatch", "microbatch|batch",                                              \
         "statistics of batch norm in training: of each micro-batch, or of the whole batch over all ranks, which "     \
         "keeps the activations of all its micro-batches")                                                             \
    INT(model, norm_groups, MODEL, 8, 1, 4096, "groups of model.norm = \"group\"; must divide every channel count")    \
    WORD(model, scaling, MODEL, "half-pi-tanh", "half-pi-tanh|pi-tanh|tanh|identity",                                  \
         "from the features z to the angles of the circuit: (pi/2) tanh z, pi tanh z, tanh z or z")                    \
    INT(model, qubits, MODEL, 4, 1, 20, "qubits of the circuit")                                                       \
    INT(model, layers, MODEL, 1, 1, 64, "layers of a built-in circuit")                                                \
    WORD(model, attention, MODEL, "qft", "none|ladder|qft|trainable",                                                  \
         "phases of the attention step of each layer; template \"hqcnn\" only")                                        \
    WORD(model, observables, MODEL, "xz", "xz|z",                                                                      \
         "measured on every qubit, when model.circuit.measure is empty: X and Z, or Z only")                           \
    INT(model, head, MODEL, 128, 0, 65536, "width of the hidden layer of the classifier; 0: none")                     \
    REAL(model, dropout, MODEL, 0, 0, 0.95, "share of hidden units of the classifier dropped in training")             \
    WORD(model_circuit, template, MODEL, "hqcnn",                                                                      \
         "hqcnn|strongly-entangling|hardware-efficient|re-uploading|gates|classical",                                  \
         "hqcnn, strongly-entangling, hardware-efficient, re-uploading: built-in circuits (docs/circuits.md) with an " \
         "input for each qubit; gates: as model.circuit.gates says; classical: the circuit is replaced by a dense "    \
         "layer with tanh of the same inputs and outputs")                                                             \
    LINES(model_circuit, gates, MODEL, "",                                                                             \
          "circuit of template \"gates\", one gate for each entry: \"name(parameters) wires\", for example \"ry(x0) "  \
          "1\"; parameters are numbers, pi, x0, x1, ... (inputs) and w0, w1, ... (weights), also with factor and "     \
          "offset: 2*x0 + pi/2; inputs and weights are numbered from 0 without gaps; see docs/circuits.md")            \
    LINES(model_circuit, measure, MODEL, "",                                                                           \
          "Pauli strings that are measured, an output for each entry, for example \"X0\" and \"Z0 Z1\"; empty: as "    \
          "model.observables says")                                                                                    \
    WORD(gradient, method, TRAIN, "adjoint", "adjoint|parameter-shift|spsa",                                           \
         "how gradients of the circuit are computed; spsa: estimated from random perturbations of all parameters at "  \
         "once")                                                                                                       \
    REAL(gradient, spsa_step, TRAIN, 0.1, 1e-6, 10, "size of the random perturbation of spsa, radians")                \
    INT(gradient, spsa_samples, TRAIN, 1, 1, 1000, "perturbations of spsa that are averaged")                          \
    INT(shots, count, TRAIN, 0, 0, 1000000000,                                                                         \
        "shots for each measured basis and circuit evaluation; 0: exact expectation values")                           \
    INT(shots, chunk, TRAIN, 0, 0, 1000000000,                                                                         \
        "shots in one piece of work; small pieces spread better over the ranks, and are part of the result; 0: all "   \
        "in one")                                                                                                      \
    WORD(shots, mitigation, TRAIN, "none", "none|readout",                                                             \
         "readout: undo the readout error by the inverse of its confusion matrix")                                     \
    REAL(noise, depolarizing1, TRAIN, 0, 0, 1, "probability of depolarisation after every gate on one wire")           \
    REAL(noise, depolarizing2, TRAIN, 0, 0, 1, "the same after every gate on two or more wires")                       \
    REAL(noise, amplitude_damping, TRAIN, 0, 0, 1,                                                                     \
         "probability of decay from 1 to 0 on every wire of a gate, after it")                                         \
    REAL(noise, phase_damping, TRAIN, 0, 0, 1, "probability of phase damping on every wire of a gate, after it")       \
    REAL(noise, readout01, TRAIN, 0, 0, 1, "probability that a 0 is read as 1")                                        \
    REAL(noise, readout10, TRAIN, 0, 0, 1, "probability that a 1 is read as 0")                                        \
    WORD(noise, method, TRAIN, "auto", "auto|density|trajectories",                                                    \
         "how noisy circuits are simulated; auto: by density matrix up to 6 qubits, else by random trajectories")      \
    INT(noise, trajectories, TRAIN, 100, 1, 100000000, "trajectories averaged in one circuit evaluation")              \
    TEXT(executor, command, TRAIN, "",                                                                                 \
         "program that evaluates the circuits in place of the simulator, started once on every rank; empty: the "      \
         "built-in simulator")                                                                                         \
    WORD(executor, format, FREE, "qasm2", "qasm2|qasm3", "OpenQASM version of the circuits given to it")               \
    REAL(executor, timeout, FREE, 60, 0.01, 1e6, "longest wait for one answer, seconds")                               \
    INT(executor, retries, FREE, 2, 0, 1000, "restarts of the program for one job before the training stops")          \
    INT(train, epochs, TRAIN, 10, 1, 1000000, "passes over the training split")                                        \
    INT(train, batch, TRAIN, 64, 1, 16777216, "images in one update, over all ranks")                                  \
    INT(train, microbatch, TRAIN, 0, 0, 65536,                                                                         \
        "images computed together (batch norm sees so many, see model.norm_statistics); 0: chosen from train.batch, "  \
        "about 16")                                                                                                    \
    INT(train, seed, TRAIN, 1, 0, 2147483647, "seed of start weights, order, augmentation and dropout")                \
    WORD(train, shuffle, TRAIN, "on", "on|off", "new order of the training samples in every epoch")                    \
    WORD(train, optimizer, TRAIN, "adam", "sgd|adam|adamw|lars|lamb",                                                  \
         "update rule; lars, lamb: for large batches, with a rate for every tensor (docs/large_batch.md)")             \
    REAL(train, learning_rate, TRAIN, 1e-3, 0, 1000, "learning rate, before train.rate_rule and the schedule")         \
    WORD(train, rate_rule, TRAIN, "none", "none|linear|sqrt",                                                          \
         "linear: the learning rate times train.batch / train.rate_batch; sqrt: times its root")                       \
    INT(train, rate_batch, TRAIN, 0, 0, 16777216,                                                                      \
        "batch that train.learning_rate was chosen for; train.rate_rule needs it")                                     \
    REAL(train, momentum, TRAIN, 0.9, 0, 0.9999, "momentum of sgd and lars")                                           \
    REAL(train, beta1, TRAIN, 0.9, 0, 0.99999, "decay of the first moment of adam, adamw and lamb")                    \
    REAL(train, beta2, TRAIN, 0.999, 0, 0.9999999, "decay of their second moment")                                     \
    REAL(train, epsilon, TRAIN, 1e-8, 1e-16, 1, "added to the root of their second moment")                            \
    REAL(train, weight_decay, TRAIN, 0, 0, 10,                                                                         \
         "L2 penalty (sgd, adam, lars) or decoupled decay (adamw, lamb) of all but biases, norms and circuit weights") \
    REAL(train, trust, TRAIN, 1e-3, 1e-9, 1000,                                                                        \
         "lars: size of an update in units of the tensor's norm, before the learning rate (eta of the paper)")         \
    REAL(train, clip_norm, TRAIN, 0, 0, 1e9, "largest L2 norm of the gradient of a batch; 0: no clipping")             \
    WORD(train, schedule, TRAIN, "constant", "constant|step|cosine", "learning rate over the epochs")                  \
    LIST(train, schedule_steps, TRAIN, "50, 75", 0, 100, "for step: per cent of the epochs at which the rate drops")   \
    REAL(train, schedule_factor, TRAIN, 0.1, 0, 1, "for step: factor of a drop; for cosine: final share of the rate")  \
    REAL(train, warmup, TRAIN, 0, 0, 1000, "epochs over which the rate rises linearly from 0")                         \
    INT(train, early_stop, TRAIN, 0, 0, 1000000,                                                                       \
        "stop after so many epochs without a better validation AUC; 0: never")                                         \
    REAL(                                                                                                              \
        train, time_limit, FREE, 0, 0, 1e9,                                                                            \
        "seconds in which the training ends by itself, its state saved, with exit code 75; 0: only before the end of " \
        "a Slurm job (SLURM_JOB_END_TIME)")                                                                            \
    WORD(train, class_weights, TRAIN, "none", "none|balanced",                                                         \
         "balanced: weigh the loss by n / (classes * n_class); multi-label: positives by negatives / positives")       \
    WORD(compute, kernel, TRAIN, "auto", "auto|avx512|avx2|plain",                                                     \
         "instruction set of layers and circuits; auto: the best of the processor")                                    \
    WORD(compute, precision, TRAIN, "fp32", "fp32|bf16",                                                               \
         "numbers that convolutions multiply; bf16: 16-bit numbers, where channels in and out are multiples of 16, "   \
         "with sums and weights in single precision, on processors with AMX or AVX512-BF16")                           \
    WORD(compute, circuit, TRAIN, "auto", "auto|fused|batched|single",                                                 \
         "how exact circuits are evaluated; fused: one unitary for the whole batch; batched: samples side by side in " \
         "vector registers; single: one state at a time; auto: by estimated cost")                                     \
    WORD(dist, spread, FREE, "auto", "auto|on|off",                                                                    \
         "spread circuit evaluations over all ranks; auto: when that is estimated to pay")                             \
    WORD(dist, sum, FREE, "auto", "auto|flat|node",                                                                    \
         "sum of gradients; flat: over all ranks; node: through the shared memory of each node, then over the nodes; " \
         "auto: what the first steps find faster")                                                                     \
    WORD(dist, exchange, FREE, "auto", "auto|mpi|direct|packed",                                                       \
         "how it travels; mpi: as MPI does it; direct: messages from each to each, up to 32 ranks or nodes; packed: "  \
         "the same with numbers in as few bytes as they need; auto: what the first steps find faster")                 \
    WORD(dist, overlap, FREE, "auto", "auto|on|off",                                                                   \
         "on: gradients are summed layer by layer during the backward pass; off: behind it; auto: what the first "     \
         "steps find faster")                                                                                          \
    INT(dist, piece, FREE, 64, 1, 1048576, "least size of a piece of the gradients that is summed on its own, KiB")    \
    INT(dist, group, FREE, 4, 1, 64,                                                                                   \
        "micro-batches that may be computed together at the end of a step, to hide more of the sum behind them")       \
    REAL(dist, stall_timeout, FREE, 60, 0, 1e6, "seconds of waiting after which the ranks say who is late; 0: never")  \
    REAL(dist, stall_abort, FREE, 1800, 0, 1e6,                                                                        \
         "seconds of waiting after which the job ends with exit code 5; more than the longest step, checkpoint or "    \
         "answer of an executor takes; 0: never")                                                                      \
    INT(checkpoint, epochs, FREE, 1, 1, 1000000, "save after every so many epochs (and after the last)")               \
    INT(checkpoint, steps, FREE, 0, 0, 2147483647, "also save after every so many steps; 0: only at epochs")           \
    REAL(checkpoint, seconds, FREE, 0, 0, 1e9, "also save after every so many seconds; 0: only at epochs and steps")   \
    INT(checkpoint, keep, FREE, 2, 1, 10000,                                                                           \
        "newest checkpoints that stay in the folder \"checkpoints\" of the run; best.h5 stays besides")                \
    WORD(checkpoint, on_failure, FREE, "stop", "stop|continue",                                                        \
         "when a checkpoint or a row of metrics.jsonl cannot be written; continue: warn, train on, and try again at "  \
         "the next; the last checkpoint must be written in any case")                                                  \
    INT(log, steps, FREE, 0, 0, 2147483647,                                                                            \
        "also write a row to metrics.jsonl after every so many steps; 0: only at epochs")                              \
    INT(log, trace_steps, FREE, 0, 0, 1000000,                                                                         \
        "write what every rank does in the first so many steps to trace.json in the run folder (for chrome://tracing " \
        "or Perfetto); 0: no trace")                                                                                   \
    LINES(sweep, space, FREE, "",                                                                                      \
          "keys that a sweep varies, one for each entry, over a range or over a list of values, for example "          \
          "\"train.learning_rate = 1e-4 .. 1e-1 log\"; see docs/sweeps.md")                                            \
    WORD(sweep, method, FREE, "grid", "grid|random|sobol|tpe",                                                         \
         "grid: every combination; random, sobol: points all over the space; tpe: where the results so far are good")  \
    INT(sweep, trials, FREE, 0, 0, 1000000, "trials of random, sobol and tpe; 0: 64")                                  \
    INT(sweep, seeds, FREE, 1, 1, 1000,                                                                                \
        "trainings of each trial, with the seeds train.seed, train.seed + 1, ...; mean and deviation are told")        \
    INT(sweep, seed, FREE, 1, 0, 2147483647, "seed of the points of random, sobol and tpe")                            \
    WORD(sweep, metric, FREE, "val_auc", "val_auc|val_acc|val_f1|val_loss",                                            \
         "what trials are compared by: this of the best epoch of each training (as in best.h5)")                       \
    WORD(sweep, halving, FREE, "none", "none|asha",                                                                    \
         "asha: trials stop early, and only the best share 1 / sweep.eta of those that came as far goes on")           \
    INT(sweep, eta, FREE, 3, 2, 1000, "asha: how many times as many epochs those do")                                  \
    INT(sweep, first_epochs, FREE, 1, 1, 1000000, "asha: epochs after which a trial is judged for the first time")     \
    INT(sweep, lag, FREE, 0, 0, 1000000,                                                                               \
        "asha, tpe: a decision may not wait for the last so many trainings decided before, and does not know them "    \
        "either; part of the result; 0: 64 trials for asha, 16 for tpe")                                               \
    INT(sweep, ranks_per_trial, FREE, 0, 0, 2147483647,                                                                \
        "ranks that train a trial together, others train other trials at the same time; 0: all ranks")                 \
    REAL(sweep, lease, FREE, 120, 1, 1e6,                                                                              \
         "seconds without a sign of life after which a training that another job holds is taken over")                 \
    INT(sweep, attempts, FREE, 5, 1, 1000,                                                                             \
        "starts that ended without a sign and without a new checkpoint after which a training counts as failed")       \
    WORD(sweep, keep, FREE, "best", "all|best|none",                                                                   \
         "what stays of a finished training besides its result: everything, the best model with its configuration "    \
         "and metrics.jsonl, or nothing")

typedef struct hq_config {
#define HQ_INT(group, name, ...) int group##_##name;
#define HQ_REAL(group, name, ...) double group##_##name;
#define HQ_WORD(group, name, ...) int group##_##name;
#define HQ_TEXT(group, name, ...) char group##_##name[HQ_TEXT_MAX];
#define HQ_LIST(group, name, ...) hq_list group##_##name;
#define HQ_LINES(group, name, ...) char group##_##name[HQ_LINES_MAX];
    HQ_CONFIG_KEYS(HQ_INT, HQ_REAL, HQ_WORD, HQ_TEXT, HQ_LIST, HQ_LINES)
#undef HQ_INT
#undef HQ_REAL
#undef HQ_WORD
#undef HQ_TEXT
#undef HQ_LIST
#undef HQ_LINES
} hq_config; /* plain bytes: may be broadcast and compared field by field */

/* Positions in the WORD lists above, in their order. */
enum { HQ_TASK_AUTO, HQ_TASK_BINARY, HQ_TASK_MULTI_CLASS, HQ_TASK_ORDINAL, HQ_TASK_MULTI_LABEL };
enum { HQ_STREAM_AUTO, HQ_STREAM_ON, HQ_STREAM_OFF };
enum { HQ_FLIP_NONE, HQ_FLIP_HORIZONTAL, HQ_FLIP_VERTICAL, HQ_FLIP_BOTH };
enum { HQ_NORM_BATCH, HQ_NORM_GROUP, HQ_NORM_NONE };
enum { HQ_NORM_STATISTICS_MICROBATCH, HQ_NORM_STATISTICS_BATCH };
enum { HQ_SCALING_HALF_PI_TANH, HQ_SCALING_PI_TANH, HQ_SCALING_TANH, HQ_SCALING_IDENTITY };
enum { HQ_ATTENTION_NONE, HQ_ATTENTION_LADDER, HQ_ATTENTION_QFT, HQ_ATTENTION_TRAINABLE };
enum { HQ_OBSERVABLES_XZ, HQ_OBSERVABLES_Z };
enum {
    HQ_TEMPLATE_HQCNN,
    HQ_TEMPLATE_STRONGLY_ENTANGLING,
    HQ_TEMPLATE_HARDWARE_EFFICIENT,
    HQ_TEMPLATE_RE_UPLOADING,
    HQ_TEMPLATE_GATES,
    HQ_TEMPLATE_CLASSICAL
};
enum { HQ_GRADIENT_ADJOINT, HQ_GRADIENT_PARAMETER_SHIFT, HQ_GRADIENT_SPSA };
enum { HQ_MITIGATION_NONE, HQ_MITIGATION_READOUT };
enum { HQ_NOISE_METHOD_AUTO, HQ_NOISE_METHOD_DENSITY, HQ_NOISE_METHOD_TRAJECTORIES };
enum { HQ_EXECUTOR_FORMAT_QASM2, HQ_EXECUTOR_FORMAT_QASM3 };
enum { HQ_SHUFFLE_ON, HQ_SHUFFLE_OFF };
enum { HQ_OPTIMIZER_SGD, HQ_OPTIMIZER_ADAM, HQ_OPTIMIZER_ADAMW, HQ_OPTIMIZER_LARS, HQ_OPTIMIZER_LAMB };
enum { HQ_RATE_RULE_NONE, HQ_RATE_RULE_LINEAR, HQ_RATE_RULE_SQRT };
enum { HQ_SCHEDULE_CONSTANT, HQ_SCHEDULE_STEP, HQ_SCHEDULE_COSINE };
enum { HQ_CLASS_WEIGHTS_NONE, HQ_CLASS_WEIGHTS_BALANCED };
enum { HQ_COMPUTE_KERNEL_AUTO, HQ_COMPUTE_KERNEL_AVX512, HQ_COMPUTE_KERNEL_AVX2, HQ_COMPUTE_KERNEL_PLAIN };
enum { HQ_COMPUTE_PRECISION_FP32, HQ_COMPUTE_PRECISION_BF16 };
enum { HQ_COMPUTE_CIRCUIT_AUTO, HQ_COMPUTE_CIRCUIT_FUSED, HQ_COMPUTE_CIRCUIT_BATCHED, HQ_COMPUTE_CIRCUIT_SINGLE };
enum { HQ_SPREAD_AUTO, HQ_SPREAD_ON, HQ_SPREAD_OFF };
enum { HQ_ON_FAILURE_STOP, HQ_ON_FAILURE_CONTINUE };
enum { HQ_SWEEP_GRID, HQ_SWEEP_RANDOM, HQ_SWEEP_SOBOL, HQ_SWEEP_TPE };
enum { HQ_METRIC_VAL_AUC, HQ_METRIC_VAL_ACC, HQ_METRIC_VAL_F1, HQ_METRIC_VAL_LOSS };
enum { HQ_HALVING_NONE, HQ_HALVING_ASHA };
enum { HQ_KEEP_ALL, HQ_KEEP_BEST, HQ_KEEP_NONE };

/* Every key at its default. */
void hq_config_defaults(hq_config *config);

/* Reads a libconfig file over `config` (keys that are absent keep their value). Unknown keys are refused with the
 * nearest known one; values are checked against type and range. A relative data.source starts from the folder of the
 * file and is stored as an absolute path, so that a dump can be read from any folder. HQ_ERR_FILE, HQ_ERR_CONFIG;
 * `config` is then unchanged. */
hq_status hq_config_read_file(hq_config *config, const char *path);

/* The same for text in libconfig syntax; `name` stands for the file in messages. data.source stays as it is. */
hq_status hq_config_read_text(hq_config *config, const char *text, const char *name);

/* Applies one override "group.key=value"; words and texts may stand without quotes, lists as [1, 2] or 1,2, lists of
 * texts as ("a", "b") or a; b. A relative data.source starts from the working folder. HQ_ERR_CONFIG, HQ_ERR_MEMORY;
 * `config` is then unchanged. */
hq_status hq_config_set(hq_config *config, const char *assignment);

/* The same with key and value apart; `where` begins the message. */
hq_status hq_config_put(hq_config *config, const char *path, const char *value, const char *where);

/* The value of a key, which must exist, as a text: cut when it is longer than text[size]. Equal values have equal
 * texts.
 */
void hq_config_get(const hq_config *config, const char *path, char *text, size_t size);

/* Copies the value of one key, which must exist. */
void hq_config_take(hq_config *config, const hq_config *from, const char *path);

/* What is known of a key. False: there is no such key. */
typedef struct hq_key_about {
    bool number, integer; /* INT: both, REAL: the first */
    hq_scope scope;
} hq_key_about;
bool hq_config_about(const char *path, hq_key_about *about);

/* All keys of a group, or one, to their defaults. */
void hq_config_reset(hq_config *config, const char *group);

/* One number for all that a configuration does to the numbers of a training: the sum of that of each key, which is 0
 * for a key at its default and for one of scope FREE, so that keys which a later version brings do not change it. Of
 * data.source the name of the file counts, without its folder. */
uint64_t hq_config_identity(const hq_config *config);
uint64_t hq_config_identity_of(const hq_config *config, const char *path);

/* Checks what depends on several keys (lists of equal length, groups that divide channels, micro-batch <= batch, ...).
 * Call it after all reads and overrides. */
hq_status hq_config_check(const hq_config *config);

/* Writes the whole configuration as a libconfig file, every key with its help as a comment when `comments` is set.
 * Reading it back gives the same configuration, to the bit. The caller frees *out_text with hq_free. */
hq_status hq_config_dump(const hq_config *config, bool comments, char **out_text);

/* The table of all keys, defaults, ranges and texts as Markdown (docs/configuration.md). Freed with hq_free. */
hq_status hq_config_document(char **out_text);

/* For resume: compares `now` with `before` (the checkpoint's). A differing key of scope MODEL is HQ_ERR_CONFIG, naming
 * key and both values; of scope TRAIN a warning; texts of data.source may differ without a word. */
hq_status hq_config_compare(const hq_config *before, const hq_config *now, const char *checkpoint_name);

/* For evaluation: a key of the group "model" or of one inside it that differs is HQ_ERR_CONFIG, naming key and both
 * values; all others are free. */
hq_status hq_config_same_model(const hq_config *before, const hq_config *now, const char *checkpoint_name);

/* The word chosen for a WORD key, for example hq_config_word("model.norm", HQ_NORM_GROUP) = "group". */
const char *hq_config_word(const char *key, int position);

#endif
