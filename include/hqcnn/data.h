/* data.h: data sets: read .npz files, draw the built-in phantom set, give any sample in a rank-free order, augment.
 *
 * Knows no MPI. A data set lives in one block of memory that the caller provides (one per node, shared by its ranks):
 * open on the ranks that fill, allocate info.bytes, fill, then attach on every rank.
 */
#ifndef HQCNN_DATA_H
#define HQCNN_DATA_H

#include "hqcnn/config.h"
#include "hqcnn/tensor.h"

typedef enum hq_split { HQ_SPLIT_TRAIN, HQ_SPLIT_VAL, HQ_SPLIT_TEST, HQ_SPLIT_COUNT } hq_split;

/* "train", "val", "test". */
const char *hq_split_name(hq_split split);

/* What is known of a data set before its images are read. Plain bytes: may be broadcast. */
typedef struct hq_data_info {
    char name[64];                 /* file name without folder and ending, or "phantom" */
    int task;                      /* HQ_TASK_BINARY ... HQ_TASK_MULTI_LABEL, never auto */
    int classes;                   /* outputs of the network: classes, or label columns for multi-label */
    int labels;                    /* label columns: 1, or `classes` for multi-label */
    int depth, height, width;      /* depth 1 for images */
    int channels;                  /* 1 or 3 */
    int64_t count[HQ_SPLIT_COUNT]; /* samples of each split, after data.classes */
    uint64_t bytes;                /* of the block that holds images and labels of all splits */
} hq_data_info;

/* A data set at work: views into the shared block. Images u8 [count][depth][height][width][channels], labels i32
 * [count][labels] with class numbers 0..classes-1 (multi-label: 0 or 1). */
typedef struct hq_dataset {
    hq_data_info info;
    const uint8_t *image[HQ_SPLIT_COUNT];
    const int32_t *label[HQ_SPLIT_COUNT];
} hq_dataset;

/* A source being read: an open .npz file, or the settings of the phantom set. */
typedef struct hq_data_source hq_data_source;

/* Opens config's data.source, reads headers and labels, applies data.classes, fills `info`. Sizes in file headers are
 * not trusted. HQ_ERR_FILE when it cannot be opened, HQ_ERR_DATA for what it holds, HQ_ERR_CONFIG when data.* keys do
 * not fit it. */
hq_status hq_data_open(const hq_config *config, hq_data_source **out_source, hq_data_info *info);

/* Writes part `part` of `parts` of images and labels into `block` (info.bytes bytes, zeroed or not). All parts together
 * fill it; they may be written by different processes that share the block and each opened the source. An .npz file
 * is one stream: part 0 writes all of it. */
hq_status hq_data_fill(hq_data_source *source, void *block, int part, int parts);

void hq_data_close(hq_data_source *source);

/* Points the views of `dataset` into a filled block. */
void hq_data_attach(const hq_data_info *info, const void *block, hq_dataset *dataset);

/* The i-th sample (0 <= i < n) of a pseudo-random permutation of 0..n-1 that is a function of seed and epoch. Takes no
 * memory for n: a balanced Feistel network over the next power of four with cycle walking (Black and Rogaway, "Ciphers
 * with arbitrary finite domains", CT-RSA 2002), Philox as round function. */
int64_t hq_data_shuffle(uint64_t seed, uint32_t epoch, int64_t n, int64_t i);

/* Random changes to training images, keyed by (seed, epoch, sample). */
typedef struct hq_augment {
    int flip;      /* HQ_FLIP_* */
    int shift;     /* pixels */
    double rotate; /* degrees */
    uint64_t seed;
    uint32_t epoch;
} hq_augment;

/* Loads n samples as network input: x[n][depth][height][width][channels] = (p / 255 - 0.5) / 0.5.
 * augment: NULL for none; rotation and shift interpolate bilinearly, pixels from outside repeat the border. */
void hq_data_load(const hq_dataset *dataset, hq_split split, const int64_t *samples, int n, const hq_augment *augment,
                  hq_real *x);

/* Weights of the loss per class (multi-label: per label column, of its positives) for train.class_weights, from the
 * training split: weights[info.classes]. A class without samples gets weight 1 and a warning. */
void hq_data_class_weights(const hq_dataset *dataset, int kind, double *weights);

#endif
