/* fault.h: calls that fail on demand. fault.c and fault_mpi.c define the calls by which memory is taken and files are
 * changed, and those of MPI: a program that links fault.c uses them instead of libc's, and so does one that is started
 * with both as a module (LD_PRELOAD), where the environment arms them:
 *
 *   HQCNN_FAULT=KIND:K[@RANK]  the K-th call (from 1) of this kind fails, on this rank (0), and is named
 *   HQCNN_FAULT=count          nothing fails; every call that could is named
 *   HQCNN_FAULT_LOG=FILE       to which the names are appended; without it on stderr
 *   HQCNN_FAULT_FOLDER=DIR     files below DIR count, and those named "*.tmp" anywhere
 *
 * Memory and MPI: calls by the program itself; what its libraries do for themselves is theirs. Files: whoever calls.
 */
#ifndef HQ_TEST_FAULT_H
#define HQ_TEST_FAULT_H

#include <stdbool.h>

/* X(name, word, error, whether all calls after it fail too, as on a disk that is full) */
#define FAULT_LIST(X)                                                                                                  \
    X(ALLOC, "alloc", ENOMEM, false)     /* aligned_alloc, open_memstream */                                           \
    X(JSON, "json", ENOMEM, false)       /* memory for jansson, which tells our code */                                \
    X(MEMFILE, "memfile", EMFILE, false) /* memfd_create */                                                            \
    X(THREAD, "thread", EAGAIN, false)   /* pthread_create */                                                          \
    X(OPEN, "open", EACCES, false)       /* open, fopen */                                                             \
    X(READ, "read", EIO, false)                                                                                        \
    X(WRITE, "write", ENOSPC, true)                                                                                    \
    X(SHORT, "short", ENOSPC, true)      /* a write writes half, all after it fail: a disk that is full now */         \
    X(LOSE, "lose", 0, false)            /* one write succeeds and writes nothing */                                   \
    X(FLIP, "flip", 0, false)            /* one write writes one wrong bit */                                          \
    X(RESERVE, "reserve", ENOSPC, false) /* fallocate */                                                               \
    X(SYNC, "sync", EIO, false)          /* fsync, its parts */                                                        \
    X(CLOSE, "close", EIO, false)        /* by the program itself */                                                   \
    X(RENAME, "rename", EROFS, false)                                                                                  \
    X(LINK, "link", EPERM, false)                                                                                      \
    X(MKDIR, "mkdir", EACCES, false)                                                                                   \
    X(MPI, "mpi", 0, false) /* a call of MPI; of those that look whether something came, one that finds it */

typedef enum fault_kind {
    FAULT_NONE,
#define X(name, word, error, stays) FAULT_##name,
    FAULT_LIST(X)
#undef X
        FAULT_KINDS
} fault_kind;

/* The call number `after` (0: the first) of this kind gets `error`. In this process. */
void fault_arm(fault_kind kind, int after, int error);
void fault_disarm(void);

/* Whether it came to that since fault_arm. */
bool fault_fired(void);

/* For the calls themselves: counts one; whether it shall fail (with errno as armed). what: its name, or its file. */
bool fault_due(fault_kind kind, const char *what);

/* Whether the address lies in the program itself. */
bool fault_from_program(const void *address);
#define FAULT_OURS() fault_from_program(__builtin_return_address(0))

#endif
