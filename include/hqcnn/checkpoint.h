/* checkpoint.h: save and load a training state with parallel HDF5. The file does not know the rank count.
 *
 * A state is a few flat blocks of numbers, a table of the named tensors inside them, and texts. docs/formats.md
 * describes the file.
 */
#ifndef HQCNN_CHECKPOINT_H
#define HQCNN_CHECKPOINT_H

#include "hqcnn/dist.h"

#define HQ_CHECKPOINT_VERSION 3
#define HQ_CHECKPOINT_NAME_MAX 48
#define HQ_CHECKPOINT_BLOCKS_MAX 16
#define HQ_CHECKPOINT_REASON_MAX 1024 /* bytes of a text */

typedef enum hq_number { HQ_NUMBER_F32, HQ_NUMBER_F64, HQ_NUMBER_I64 } hq_number;

/* One flat block, for example all parameters. Every rank holds all of it, with equal bits. */
typedef struct hq_block {
    char name[HQ_CHECKPOINT_NAME_MAX]; /* data set /blocks/<name> */
    hq_number number;
    int64_t count;
    void *data; /* when saving: borrowed; after loading: owned by the hq_state */
} hq_block;

/* A named tensor inside a block. */
typedef struct hq_tensor_entry {
    char name[HQ_CHECKPOINT_NAME_MAX];  /* for example "conv1.weight" */
    char block[HQ_CHECKPOINT_NAME_MAX]; /* "parameters" */
    int64_t offset;                     /* numbers from the start of the block */
    int32_t rank;                       /* dimensions used, 1..HQ_DIMENSIONS_MAX */
    int64_t shape[HQ_DIMENSIONS_MAX];
} hq_tensor_entry;

typedef struct hq_state {
    hq_block block[HQ_CHECKPOINT_BLOCKS_MAX];
    int blocks;
    hq_tensor_entry *tensor;
    int tensors;
    const char *config;  /* effective configuration as text */
    const char *variant; /* kernel variant that computed it; information, not part of the hash */
    bool owned;          /* made by hq_checkpoint_read: hq_checkpoint_free releases everything */
} hq_state;

/* Hash of the state: names, kinds, counts and bits of all blocks and the tensor table. Not of texts: a run with other
 * file names has the same hash. Equal on all ranks; independent of the rank count. Local. */
uint64_t hq_checkpoint_hash(const hq_state *state);

/* Starts HDF5, before MPI starts, and has it end with the process only. Where it finds MPI running, HDF5 1.10 ends
 * itself in MPI_Finalize, and crashes there when a file could not be closed for a failed write. For programs, once. */
void hq_checkpoint_library(void);

/* Saves atomically: rank 0 makes the file under a temporary name in the same folder and holds space for all of it; a
 * state of at most HQ_CHECKPOINT_SMALL bytes it writes alone, of a larger one all nodes write their part in parallel.
 * Every byte is read back and compared with what it must be, by who wrote it; then the file is sealed, synced and
 * renamed to `path`, and the folder is synced. On failure `path` is as it was before, the temporary file is gone, and
 * one message names path and reason, for a full disk also the bytes needed and free. Collective; all ranks must hold
 * the same bits and pass the same path. HQ_OK; HQ_ERR_FILE; HQ_ERR_INTERNAL for a state that is not valid or differs
 * between ranks; HQ_ERR_MEMORY; HQ_ERR_COMM (this rank must then make no further collective call). The result is equal
 * on all ranks, but for HQ_ERR_COMM. */
#define HQ_CHECKPOINT_SMALL (16 << 20)
hq_status hq_checkpoint_write(const hq_dist *dist, const char *path, const hq_state *state);

/* The same, with the seconds that this rank spent in each part, waiting for other ranks included. */
typedef enum hq_save_part {
    HQ_SAVE_HASH,   /* of the state in memory */
    HQ_SAVE_CREATE, /* the file with everything but the numbers of large states */
    HQ_SAVE_WRITE,  /* numbers of large states, in parallel, each read back at once */
    HQ_SAVE_CHECK,  /* reading small states back */
    HQ_SAVE_SYNC,   /* seal, sync, rename */
    HQ_SAVE_PARTS
} hq_save_part;
hq_status hq_checkpoint_write_timed(const hq_dist *dist, const char *path, const hq_state *state,
                                    double seconds[HQ_SAVE_PARTS]);

/* Gives the file `from` the second name `to` (atomically replacing it): a hard link, or a copy where links are not
 * supported. Collective; rank 0 does it. HQ_ERR_FILE with one message, and `to` as it was. Equal on all ranks. */
hq_status hq_checkpoint_link(const hq_dist *dist, const char *from, const char *to);

/* Loads: rank 0 reads and checks (version, length and hash of the file, sizes against the file's, hashes of state and
 * texts), then broadcasts. A missing, foreign, newer, truncated or altered file is HQ_ERR_FILE with one message that
 * says which. On failure the state is empty. Collective; the state is equal on all ranks; free it with
 * hq_checkpoint_free. */
hq_status hq_checkpoint_read(const hq_dist *dist, const char *path, hq_state *state);

/* The same, for who has another file to try: nothing is logged of a file that cannot be loaded; `reason` says why on
 * rank 0, and is empty on the others. */
hq_status hq_checkpoint_try(const hq_dist *dist, const char *path, hq_state *state,
                            char reason[HQ_CHECKPOINT_REASON_MAX]);

/* Releases what hq_checkpoint_read made, and empties the state; a state made by hand is only emptied. Local. */
void hq_checkpoint_free(hq_state *state);

/* Bytes of all numbers. Local. */
int64_t hq_state_bytes(const hq_state *state);

/* The block of that name, or NULL. Local. */
hq_block *hq_state_block(const hq_state *state, const char *name);

#endif
