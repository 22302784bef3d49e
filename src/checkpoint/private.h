/* private.h: what the parts of checkpoint share.
 *
 *   state.c    hash and checks of a state in memory     create.c  one process makes a file without its numbers
 *   problem.c  one message for a failure of any rank    write.c   create, write in parallel, seal, check, rename
 *   h5.c       HDF5: types, errors, handles             load.c    one process reads and checks a file
 *   file.c     POSIX: space, sync, rename               read.c    load on rank 0, broadcast
 *   seal.c     the first bytes of a file                link.c    a second name
 */
#ifndef HQCNN_CHECKPOINT_PRIVATE_H
#define HQCNN_CHECKPOINT_PRIVATE_H

#include "hqcnn/checkpoint.h"

#include <limits.h>

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

/* ---- file.c: for rank 0, except hq_file_reach and hq_file_divert ------------------------------------------------ */

/* The temporary name of a file, in the same folder; false when it is too long. */
bool hq_file_temporary(const char *path, char temporary[PATH_MAX]);

/* Makes the file `path` (removing one of that name) from the open file `image`: holds space for all of its length,
 * holes included, then copies what is not a hole. The message for a full disk names need and free space. */
void hq_file_place(int image, const char *path, hq_problem *problem);

/* Bytes free for this process in the folder of `path`; -1 when unknown. */
int64_t hq_file_free_space(const char *path);

/* Whether this process can open the file to write: on several nodes the folder must be a shared one. */
void hq_file_reach(const char *path, hq_problem *problem);

/* Puts a file in memory in the place of `path` wherever this process has it open. For a file that is complete but that
 * HDF5 must still close: it writes the superblock once more then, the same as before, and a rank where that fails
 * would leave the others in a barrier. The memory goes when the file is closed. */
void hq_file_divert(const char *path);

/* Syncs the temporary file, gives it its name (replacing a file of that name) and syncs the folder. */
void hq_file_commit(const char *temporary, const char *path, hq_problem *problem);

/* Makes `to` a copy of `from`, replacing a file of that name; not in one step. */
void hq_file_copy(const char *from, const char *to, hq_problem *problem);

/* ---- create.c --------------------------------------------------------------------------------------------------- */

/* Makes the file `path` with everything but the numbers of the blocks, in this process alone. */
void hq_checkpoint_create(const char *path, const hq_state *state, const hq_fingerprint *fingerprint,
                          hq_problem *problem);

/* ---- seal.c ----------------------------------------------------------------------------------------------------- */

#define HQ_SEAL_BYTES 512 /* before HDF5's part: a size that HDF5 allows */

/* Writes the seal of a file that is complete otherwise. */
void hq_seal_write(const char *path, hq_problem *problem);

/* Checks that the file is one of ours, of a version that this program knows, whole, and as it was written. */
void hq_seal_check(const char *path, hq_problem *problem);

/* ---- load.c ----------------------------------------------------------------------------------------------------- */

/* Reads and checks a file, in this process alone. On failure the state is empty and nothing stays allocated. */
void hq_checkpoint_load(const char *path, hq_state *state, hq_fingerprint *fingerprint, hq_problem *problem);

#endif
