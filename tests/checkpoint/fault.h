/* fault.h: system calls that fail on demand. fault.c defines the calls by which Open MPI, HDF5 and checkpoint change
 * files; programs that link it use them instead of libc's. */
#ifndef HQ_TEST_CHECKPOINT_FAULT_H
#define HQ_TEST_CHECKPOINT_FAULT_H

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_WRITE,   /* a write fails, and all after it */
    FAULT_SHORT,   /* a write writes half, all after it fail: a disk that is full now */
    FAULT_LOSE,    /* one write succeeds and writes nothing */
    FAULT_FLIP,    /* one write writes one wrong bit */
    FAULT_RESERVE, /* fallocate */
    FAULT_SYNC,    /* fsync of a temporary file */
    FAULT_RENAME,
    FAULT_LINK
} fault_kind;

/* The call number `after` (0: the first) of this kind on "*.tmp" files gets `error`. In this process. */
void fault_arm(fault_kind kind, int after, int error);
void fault_disarm(void);

/* Whether it came to that since fault_arm. */
int fault_fired(void);

#endif
