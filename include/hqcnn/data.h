/* data.h: data sets: read .npz and HDF5 files, draw the built-in phantom set, give any sample in a rank-free order,
 * augment; make HDF5 files.
 *
 * Knows no MPI; everything here is local. A data set lives in one block of memory that the caller provides (one per
 * node, shared by its ranks): open on the ranks that fill, allocate info.bytes, fill, then attach on every rank. The
 * images of a large HDF5 file may stay there; a reader serves them in either case.
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
    uint64_t bytes;                /* of the block that holds images (or hashes of chunks) and labels of all splits */

    /* HDF5 files only, else 0 */
    int64_t chunk[HQ_SPLIT_COUNT];   /* images in a chunk; the last one may be short */
    uint64_t offset[HQ_SPLIT_COUNT]; /* of the first chunk in the file, bytes; the others follow */
    uint64_t hash;                   /* of all the file holds */
    bool stream;                     /* the images stay in the file */
} hq_data_info;

/* Chunks of a split of an HDF5 file. */
int64_t hq_data_chunks(const hq_data_info *info, hq_split split);

/* A data set at work: views into the shared block. Images u8 [count][depth][height][width][channels], labels i32
 * [count][labels] with class numbers 0..classes-1 (multi-label: 0 or 1). */
typedef struct hq_dataset {
    hq_data_info info;
    const uint8_t *image[HQ_SPLIT_COUNT];  /* NULL when info.stream */
    const uint64_t *chunk[HQ_SPLIT_COUNT]; /* hash of each chunk's images; NULL unless info.stream */
    const int32_t *label[HQ_SPLIT_COUNT];

    /* The open file of a streamed set, hq_data_connect's */
    const char *path;
    int file;
} hq_dataset;

/* A source being read: an open .npz or HDF5 file, or the settings of the phantom set. */
typedef struct hq_data_source hq_data_source;

/* Whether config's data.source is drawn, so that any part of it can be had at once: the phantom set. */
bool hq_data_is_drawn(const hq_config *config);

/* Whether a name is that of an HDF5 file, a data set or a checkpoint: it ends in ".h5". */
bool hq_data_is_set_file(const char *path);

/* Opens config's data.source, reads headers and labels, applies data.classes, decides by data.stream and data.memory
 * where images will be, fills `info`. Sizes in file headers are not trusted. HQ_ERR_FILE when it cannot be opened,
 * HQ_ERR_DATA for what it holds, HQ_ERR_CONFIG when data.* keys do not fit it. */
hq_status hq_data_open(const hq_config *config, hq_data_source **out_source, hq_data_info *info);

/* Only fills `info`: opens and closes the source. */
hq_status hq_data_look(const hq_config *config, hq_data_info *info);

/* Writes part `part` of `parts` of images (or hashes of chunks) and labels into `block` (info.bytes bytes, zeroed or
 * not). All parts together fill it; they may be written by different processes that share the block and each opened the
 * source. Of a file part 0 writes all. */
hq_status hq_data_fill(hq_data_source *source, void *block, int part, int parts);

void hq_data_close(hq_data_source *source);

/* Points the views of `dataset` into a filled block. */
void hq_data_attach(const hq_data_info *info, const void *block, hq_dataset *dataset);

/* Opens the file of a streamed set for this process, once for all its readers; nothing to do for other sets. path: of
 * the data set, kept for messages. HQ_ERR_FILE. Closed by hq_data_disconnect, whether it worked or not. */
hq_status hq_data_connect(const char *path, hq_dataset *dataset);
void hq_data_disconnect(hq_dataset *dataset);

/* The i-th sample (0 <= i < n) of a pseudo-random permutation of 0..n-1 that is a function of seed and epoch. Takes no
 * memory for n: a balanced Feistel network over the next power of four with cycle walking (Black and Rogaway, "Ciphers
 * with arbitrary finite domains", CT-RSA 2002), Philox as round function. */
int64_t hq_data_shuffle(uint64_t seed, uint32_t epoch, int64_t n, int64_t i);
/* The way back: hq_data_unshuffle(..., hq_data_shuffle(..., i)) = i. */
int64_t hq_data_unshuffle(uint64_t seed, uint32_t epoch, int64_t n, int64_t sample);

/* Random changes to training images, keyed by (seed, epoch, sample). */
typedef struct hq_augment {
    int flip;      /* HQ_FLIP_* */
    int shift;     /* pixels */
    double rotate; /* degrees */
    uint64_t seed;
    uint32_t epoch;
} hq_augment;

/* Loads n samples of a set in memory as network input: x[n][depth][height][width][channels] = (p / 255 - 0.5) / 0.5.
 * augment: NULL for none; rotation and shift interpolate bilinearly, pixels from outside repeat the border. */
void hq_data_load(const hq_dataset *dataset, hq_split split, const int64_t *samples, int n, const hq_augment *augment,
                  hq_real *x);

/* ---- readers ----------------------------------------------------------------------------------------------------- */

/* The order in which an epoch goes over a split. */
typedef struct hq_order {
    hq_split split;
    bool shuffle;  /* else the samples come as they are numbered */
    uint64_t seed; /* of the shuffle, with the epoch */
    uint32_t epoch;
    int64_t batch; /* samples of a full step */
} hq_order;

/* n samples that are computed together: those from `start` on of a step over the positions [first, first + count) of
 * the epoch. All full steps are cut alike. */
typedef struct hq_piece {
    int64_t first, count, start;
    int n;
} hq_piece;

/* Number of the i-th sample of a piece: a function of its arguments alone. In memory it is the permutation of
 * hq_data_shuffle. Streamed, the chunks are permuted; piece m of all full steps together has a lane, a contiguous part
 * of them; a lane is permuted within windows of `window` images (decision 15). */
int64_t hq_data_sample(const hq_data_info *info, int64_t window, const hq_order *order, const hq_piece *piece, int i);

/* Images of a window for training: data.window, or so many that the lanes of a batch of `lanes` micro-batches of
 * `microbatch` images have about 256 MB together; whole chunks. 0 when the set is in memory. */
int64_t hq_data_window(const hq_config *config, const hq_data_info *info, int64_t lanes, int microbatch);

/* Serves images of a set, wherever they are. Streamed, it has a window of images in memory for each of its slots. */
typedef struct hq_reader hq_reader;

/* window: as hq_data_window; 0: as small as possible (evaluation). slots: pieces that take turns; each goes its own way
 * through the split. Takes all memory that it will need. `set` must be connected and outlive it. HQ_ERR_MEMORY. Freed
 * with hq_reader_destroy (NULL is allowed). */
hq_status hq_reader_create(const hq_dataset *set, int64_t window, int slots, hq_reader **out_reader);
void hq_reader_destroy(hq_reader *reader);

/* Loads a piece as hq_data_load does, and tells the numbers of its samples[n]. Streamed, `slot` reads on where it must,
 * compares the hashes of the chunks, and asks the system for those that come next. HQ_ERR_FILE; HQ_ERR_DATA when the
 * file was altered. */
hq_status hq_reader_load(hq_reader *reader, const hq_order *order, const hq_piece *piece, int slot,
                         const hq_augment *augment, int64_t *samples, hq_real *x);

/* ---- making an HDF5 file ----------------------------------------------------------------------------------------- */

/* In this order, with all parts of a step behind the step before: create (one process), write, hash (any number of
 * processes, each a part), finish (one process). docs/formats.md describes the file. Images go
 * through one by one or by chunks; labels and hashes are in memory in the last step. Each: HQ_ERR_FILE, HQ_ERR_DATA,
 * HQ_ERR_CONFIG, HQ_ERR_MEMORY. */

/* Makes the file `path`, which may be there, with place for all that `info` tells, in chunks of data.chunk images. It
 * is removed when that fails, or when the disk has less room. */
hq_status hq_data_file_create(const hq_config *config, const hq_data_info *info, const char *path);

/* Writes images and labels: sample i of the training split to row hq_data_shuffle(HQ_DATA_FILE_SEED, 0, n, i), the
 * other splits as they are. An .npz file is one stream: part 0 writes all of it. */
#define HQ_DATA_FILE_SEED 0x696d706f7274 /* "import" */
hq_status hq_data_file_write(hq_data_source *source, const char *path, int part, int parts);

/* Reads the chunks of a part and writes their hashes. */
hq_status hq_data_file_hash(const char *path, int part, int parts);

/* Completes the file with the hash of all, syncs it, gives it its name `to` and syncs the folder. */
hq_status hq_data_file_finish(const char *path, const char *to, hq_data_info *info);

/* Weights of the loss per class (multi-label: per label column, of its positives) for train.class_weights, from the
 * training split: weights[info.classes]. A class without samples gets weight 1 and a warning. */
void hq_data_class_weights(const hq_dataset *dataset, int kind, double *weights);

#endif
