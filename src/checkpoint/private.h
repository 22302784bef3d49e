/* private.h: what the parts of checkpoint share.
 *
 *   state.c    hash and checks of a state in memory     image.c   the bytes that must be in the file
 *   problem.c  one message for a failure of any rank    create.c  HDF5 makes an image in memory
 *   h5.c       HDF5: types, errors, handles             write.c   create, write, check, seal, rename
 *   file.c     POSIX: space, writes, copies             load.c    one process reads and checks a file
 *   seal.c     the first bytes of a file                read.c    load on rank 0, broadcast
 *   link.c     a second name
 */
#ifndef HQCNN_CHECKPOINT_PRIVATE_H
#define HQCNN_CHECKPOINT_PRIVATE_H

#include "hqcnn/checkpoint.h"

#include <limits.h>
#include <sys/types.h>

#define HQ_CHECKPOINT_FORMAT "hqcnn-checkpoint"

/* ---- problem.c -------------------------------------------------------------------------------------------------- */

/* The first failure of this rank, without the path. Not logged before hq_problem_settle, so that a failure that many
 * ranks see makes one message. An empty text: the origin has logged it (hq_alloc). */
typedef struct hq_problem {
    hq_status status;
    char text[HQ_CHECKPOINT_REASON_MAX];
} hq_problem;

/* Notes a failure unless there is one already. */
void hq_problem_set(hq_problem *problem, hq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes a failure of any rank everyone's; the lowest rank that has a text logs "checkpoint <path> <outcome>: <text>".
 * Collective; the status is equal on all ranks. */
hq_status hq_problem_settle(const hq_dist *dist, const hq_problem *problem, const char *path, const char *outcome);

/* ---- state.c ---------------------------------------------------------------------------------------------------- */

/* Row of the data set /tensors. The same in memory and in the file, without padding. */
typedef struct hq_record {
    char name[HQ_CHECKPOINT_NAME_MAX];
    char block[HQ_CHECKPOINT_NAME_MAX];
    int64_t offset;
    int64_t rank;
    int64_t shape[HQ_DIMENSIONS_MAX]; /* 0 beyond rank */
} hq_record;

/* What must be equal for two checkpoints to be the same. */
typedef struct hq_fingerprint {
    uint64_t state; /* hq_checkpoint_hash */
    uint64_t texts; /* configuration, variant, version of the program */
} hq_fingerprint;

hq_record hq_record_of(const hq_tensor_entry *entry);
hq_tensor_entry hq_record_entry(const hq_record *record);
hq_fingerprint hq_state_fingerprint(const hq_state *state, const char *program);

/* Bytes of one number, and of a block. */
size_t hq_number_size(hq_number number);
size_t hq_block_bytes(const hq_block *block);

/* Checks names, counts and that every tensor lies inside its block. */
void hq_state_check(const hq_state *state, hq_status status, hq_problem *problem);

/* ---- image.c ---------------------------------------------------------------------------------------------------- */

#define HQ_SEAL_BYTES 512 /* before HDF5's part: a size that HDF5 allows */

/* A part of the file, [lo, hi), and where its bytes are in memory. */
typedef struct hq_segment {
    int64_t lo, hi;
    const char *data;
    bool numbers; /* of a block of the state; else a piece of the rest */
} hq_segment;

/* All behind the seal, in order. */
typedef struct hq_image {
    int64_t bytes;                           /* of the file, with the seal */
    int64_t place[HQ_CHECKPOINT_BLOCKS_MAX]; /* in the file, of the numbers of each block */
    char *rest;                              /* owned: all that is not numbers, one piece behind the other */
    int64_t rest_bytes;
    int segments;
    hq_segment segment[2 * HQ_CHECKPOINT_BLOCKS_MAX + 1];
} hq_image;

/* Takes the memory for the rest, and lists the segments, from `bytes` and `place`. HQ_ERR_MEMORY. */
hq_status hq_image_make(hq_image *image, const hq_state *state);

/* Gives rank 0's image to the other ranks, which hold the same state. Collective; the status is equal on all ranks. */
hq_status hq_image_share(const hq_dist *dist, hq_image *image, const hq_state *state);

/* Whether `data` are the bytes [lo, hi) of the image. */
bool hq_image_equals(const hq_image *image, int64_t lo, int64_t hi, const char *data);

void hq_image_free(hq_image *image);

/* ---- file.c: for rank 0, except hq_file_reach and hq_file_read -------------------------------------------------- */

/* The temporary name of a file, in the same folder; false when it is too long. */
bool hq_file_temporary(const char *path, char temporary[PATH_MAX]);

/* Makes the file `path` (removing one of that name): holds space for all of it, then writes the image: all of it, or
 * without the numbers. The message for a full disk names need and free space. */
void hq_file_place(const hq_image *image, bool numbers, const char *path, hq_problem *problem);

/* Reads until `bytes` bytes are there or the file ends. Their number, or -1 for an error. */
ssize_t hq_file_read(int fd, void *data, size_t bytes, off_t offset);

/* Bytes free for this process in the folder of `path`; -1 when unknown. */
int64_t hq_file_free_space(const char *path);

/* Whether this process can open the file to write: on several nodes the folder must be a shared one. */
void hq_file_reach(const char *path, hq_problem *problem);

/* Syncs the temporary file, gives it its name (replacing a file of that name) and syncs the folder. */
void hq_file_commit(const char *temporary, const char *path, hq_problem *problem);

/* Makes `to` a copy of `from`, replacing a file of that name; not in one step. */
void hq_file_copy(const char *from, const char *to, hq_problem *problem);

/* ---- create.c --------------------------------------------------------------------------------------------------- */

/* Makes the image of a file, in this process alone. */
void hq_checkpoint_create(const hq_state *state, const hq_fingerprint *fingerprint, hq_image *image,
                          hq_problem *problem);

/* ---- seal.c ----------------------------------------------------------------------------------------------------- */

/* Bytes of a piece: a file is hashed by pieces behind the seal, so that many ranks can do it. The last may be short. */
#define HQ_SEAL_PIECE (1 << 20)

/* Pieces of a file of that length, and [*lo, *hi) of one of them in the file. */
int64_t hq_seal_pieces(int64_t bytes);
void hq_seal_piece(int64_t bytes, int64_t piece, int64_t *lo, int64_t *hi);

/* Writes the seal of a file that is complete otherwise, and reads it again. hash: hq_hash of each of its pieces, with
 * seed 0. */
void hq_seal_write(const char *path, int64_t bytes, const int64_t *hash, hq_problem *problem);

/* Checks that the file is one of ours, of a version that this program knows, whole, and as it was written. Returns that
 * version. */
int hq_seal_check(const char *path, hq_problem *problem);

/* ---- write.c ---------------------------------------------------------------------------------------------------- */

/* hq_checkpoint_write_timed, where rank 0 writes states of at most `small` bytes alone. */
hq_status hq_checkpoint_save(const hq_dist *dist, const char *path, const hq_state *state, int64_t small,
                             double seconds[HQ_SAVE_PARTS]);

/* ---- load.c ----------------------------------------------------------------------------------------------------- */

/* Reads and checks a file, in this process alone. On failure the state is empty and nothing stays allocated. */
void hq_checkpoint_load(const char *path, hq_state *state, hq_fingerprint *fingerprint, hq_problem *problem);

#endif
