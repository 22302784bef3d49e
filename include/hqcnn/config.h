/* config.h: the configuration: one table of keys that parses, checks, documents, overrides and dumps.
 *
 * To add a key, add one line to HQ_CONFIG_KEYS: the field of hq_config, the parser, the range check, the dump, the help
 * and docs/configuration.md all come from it. Knows no MPI: rank 0 reads the file and the plain struct is broadcast.
 */
#ifndef HQCNN_CONFIG_H
#define HQCNN_CONFIG_H

#include "hqcnn/base.h"

#define HQ_TEXT_MAX 1024 /* bytes of a text value, with its end */
#define HQ_LIST_MAX 16   /* numbers in a list value */

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

/* INT(group, name, scope, default, min, max, help)      field int group_name
 * REAL(group, name, scope, default, min, max, help)     field double group_name
 * WORD(group, name, scope, default, "a|b|c", help)      field int group_name: position in the list of words
 * TEXT(group, name, scope, default, help)               field char group_name[HQ_TEXT_MAX]
 * LIST(group, name, scope, default, min, max, help)     field hq_list group_name; default as "16, 16, 64"        */
#define HQ_CONFIG_KEYS(INT, REAL, WORD, TEXT, LIST)                                                                    \
    TEXT(data, source, FREE, "phantom",                                                                                \
         "\"phantom\" for the built-in set, or the path of a MedMNIST .npz file, absolute or from the folder of this " \
         "file")                                                                                                       \
    WORD(data, task, MODEL, "auto", "auto|binary|multi-class|ordinal|multi-label",                                     \
         "kind of task; auto: multi-label for several label columns, else binary for 2 classes, else multi-class")     \
    LIST(data, classes, MODEL, "", 0, 65535,                                                                           \
         "keep only samples of these labels, renumbered 0, 1, ... in this order; empty: all")                          \
    INT(data, class_count, MODEL, 0, 0, 65536,                                                                         \
        "number of classes (label columns for multi-label); 0: largest label of the training split plus 1")            \
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
         "normalisation after each convolution; batch: statistics of the micro-batch")                                 \
    INT(model, norm_groups, MODEL, 8, 1, 4096, "groups of model.norm = \"group\"; must divide every channel count")    \
    WORD(model, scaling, MODEL, "half-pi-tanh", "half-pi-tanh|pi-tanh|tanh|identity",                                  \
         "from the features z to the angles of the circuit: (pi/2) tanh z, pi tanh z, tanh z or z")                    \
    WORD(model, circuit, MODEL, "quantum", "quantum|classical",                                                        \
         "classical: the circuit is replaced by a dense layer with tanh of the same inputs and outputs")               \
    INT(model, qubits, MODEL, 4, 1, 20, "qubits of the circuit")                                                       \
    INT(model, layers, MODEL, 1, 1, 64, "rotate-entangle-attend layers of the circuit")                                \
    WORD(model, attention, MODEL, "qft", "none|ladder|qft|trainable", "phases of the attention step of each layer")    \
    WORD(model, observables, MODEL, "xz", "xz|z", "measured on every qubit: X and Z, or Z only")                       \
    INT(model, head, MODEL, 128, 0, 65536, "width of the hidden layer of the classifier; 0: none")                     \
    REAL(model, dropout, MODEL, 0, 0, 0.95, "share of hidden units of the classifier dropped in training")             \
    WORD(gradient, method, TRAIN, "adjoint", "adjoint|parameter-shift", "how gradients of the circuit are computed")   \
    INT(train, epochs, TRAIN, 10, 1, 1000000, "passes over the training split")                                        \
    INT(train, batch, TRAIN, 64, 1, 16777216, "images in one update, over all ranks")                                  \
    INT(train, microbatch, TRAIN, 0, 0, 65536,                                                                         \
        "images computed together (batch norm sees so many); 0: chosen from train.batch, about 16")                    \
    INT(train, seed, TRAIN, 1, 0, 2147483647, "seed of start weights, order, augmentation and dropout")                \
    WORD(train, shuffle, TRAIN, "on", "on|off", "new order of the training samples in every epoch")                    \
    WORD(train, optimizer, TRAIN, "adam", "sgd|adam|adamw", "update rule")                                             \
    REAL(train, learning_rate, TRAIN, 1e-3, 0, 1000, "learning rate, before the schedule")                             \
    REAL(train, momentum, TRAIN, 0.9, 0, 0.9999, "momentum of sgd")                                                    \
    REAL(train, beta1, TRAIN, 0.9, 0, 0.99999, "decay of the first moment of adam and adamw")                          \
    REAL(train, beta2, TRAIN, 0.999, 0, 0.9999999, "decay of their second moment")                                     \
    REAL(train, epsilon, TRAIN, 1e-8, 1e-16, 1, "added to the root of their second moment")                            \
    REAL(train, weight_decay, TRAIN, 0, 0, 10,                                                                         \
         "L2 penalty (sgd, adam) or decoupled decay (adamw) of all but biases, norms and circuit weights")             \
    REAL(train, clip_norm, TRAIN, 0, 0, 1e9, "largest L2 norm of the gradient of a batch; 0: no clipping")             \
    WORD(train, schedule, TRAIN, "constant", "constant|step|cosine", "learning rate over the epochs")                  \
    LIST(train, schedule_steps, TRAIN, "50, 75", 0, 100, "for step: per cent of the epochs at which the rate drops")   \
    REAL(train, schedule_factor, TRAIN, 0.1, 0, 1, "for step: factor of a drop; for cosine: final share of the rate")  \
    REAL(train, warmup, TRAIN, 0, 0, 1000, "epochs over which the rate rises linearly from 0")                         \
    INT(train, early_stop, TRAIN, 0, 0, 1000000,                                                                       \
        "stop after so many epochs without a better validation AUC; 0: never")                                         \
    WORD(train, class_weights, TRAIN, "none", "none|balanced",                                                         \
         "balanced: weigh the loss by n / (classes * n_class); multi-label: positives by negatives / positives")       \
    INT(checkpoint, epochs, FREE, 1, 1, 1000000, "save after every so many epochs (and after the last)")               \
    INT(checkpoint, steps, FREE, 0, 0, 2147483647, "also save after every so many steps; 0: only at epochs")           \
    INT(log, steps, FREE, 0, 0, 2147483647,                                                                            \
        "also write a row to metrics.jsonl after every so many steps; 0: only at epochs")

typedef struct hq_config {
#define HQ_INT(group, name, ...) int group##_##name;
#define HQ_REAL(group, name, ...) double group##_##name;
#define HQ_WORD(group, name, ...) int group##_##name;
#define HQ_TEXT(group, name, ...) char group##_##name[HQ_TEXT_MAX];
#define HQ_LIST(group, name, ...) hq_list group##_##name;
    HQ_CONFIG_KEYS(HQ_INT, HQ_REAL, HQ_WORD, HQ_TEXT, HQ_LIST)
#undef HQ_INT
#undef HQ_REAL
#undef HQ_WORD
#undef HQ_TEXT
#undef HQ_LIST
} hq_config; /* plain bytes: may be broadcast and compared field by field */

/* Positions in the WORD lists above, in their order. */
enum { HQ_TASK_AUTO, HQ_TASK_BINARY, HQ_TASK_MULTI_CLASS, HQ_TASK_ORDINAL, HQ_TASK_MULTI_LABEL };
enum { HQ_FLIP_NONE, HQ_FLIP_HORIZONTAL, HQ_FLIP_VERTICAL, HQ_FLIP_BOTH };
enum { HQ_NORM_BATCH, HQ_NORM_GROUP, HQ_NORM_NONE };
enum { HQ_SCALING_HALF_PI_TANH, HQ_SCALING_PI_TANH, HQ_SCALING_TANH, HQ_SCALING_IDENTITY };
enum { HQ_CIRCUIT_QUANTUM, HQ_CIRCUIT_CLASSICAL };
enum { HQ_ATTENTION_NONE, HQ_ATTENTION_LADDER, HQ_ATTENTION_QFT, HQ_ATTENTION_TRAINABLE };
enum { HQ_OBSERVABLES_XZ, HQ_OBSERVABLES_Z };
enum { HQ_GRADIENT_ADJOINT, HQ_GRADIENT_PARAMETER_SHIFT };
enum { HQ_SHUFFLE_ON, HQ_SHUFFLE_OFF };
enum { HQ_OPTIMIZER_SGD, HQ_OPTIMIZER_ADAM, HQ_OPTIMIZER_ADAMW };
enum { HQ_SCHEDULE_CONSTANT, HQ_SCHEDULE_STEP, HQ_SCHEDULE_COSINE };
enum { HQ_CLASS_WEIGHTS_NONE, HQ_CLASS_WEIGHTS_BALANCED };

/* Every key at its default. */
void hq_config_defaults(hq_config *config);

/* Reads a libconfig file over `config` (keys that are absent keep their value). Unknown keys are refused with the
 * nearest known one; values are checked against type and range. A relative data.source starts from the folder of the
 * file and is stored as an absolute path, so that a dump can be read from any folder. HQ_ERR_FILE, HQ_ERR_CONFIG;
 * `config` is then unchanged. */
hq_status hq_config_read_file(hq_config *config, const char *path);

/* The same for text in libconfig syntax; `name` stands for the file in messages. data.source stays as it is. */
hq_status hq_config_read_text(hq_config *config, const char *text, const char *name);

/* Applies one override "group.key=value"; words and texts may stand without quotes, lists as [1, 2] or 1,2.
 * A relative data.source starts from the working folder. HQ_ERR_CONFIG; `config` is then unchanged. */
hq_status hq_config_set(hq_config *config, const char *assignment);

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

/* For evaluation: a key of the group "model" that differs is HQ_ERR_CONFIG, naming key and both values; all others are
 * free. */
hq_status hq_config_same_model(const hq_config *before, const hq_config *now, const char *checkpoint_name);

/* The word chosen for a WORD key, for example hq_config_word("model.norm", HQ_NORM_GROUP) = "group". */
const char *hq_config_word(const char *key, int position);

#endif
