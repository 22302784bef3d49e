/* base.h: status codes, log, memory, counter-based random numbers, hashing, clock, files that appear whole, structure
 * of HDF5 files.
 *
 * The lowest layer: everything else may use it, it uses nothing of ours. Knows no MPI. Every function here is local.
 */
#ifndef HQCNN_BASE_H
#define HQCNN_BASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HQ_VERSION "0.1.0"

/* ---- status ---------------------------------------------------------------------------------------------------- */

/* X(name, exit code of the program, text). A larger position is a worse status: hq_dist_agree keeps the worst. */
#define HQ_STATUS_LIST(X)                                                                                              \
    X(OK, 0, "ok")                                                                                                     \
    X(INTERRUPTED, 75, "interrupted; the state is saved, run again to go on")                                          \
    X(ERR_USAGE, 2, "wrong use of the command line")                                                                   \
    X(ERR_CONFIG, 2, "bad configuration")                                                                              \
    X(ERR_DATA, 3, "bad data")                                                                                         \
    X(ERR_FILE, 3, "file cannot be read or written")                                                                   \
    X(ERR_NUMERIC, 4, "training diverged")                                                                             \
    X(ERR_EXECUTOR, 5, "the external executor failed; the state is saved")                                             \
    X(ERR_COMM, 5, "communication failed")                                                                             \
    X(ERR_MEMORY, 1, "out of memory")                                                                                  \
    X(ERR_INTERNAL, 1, "internal error")

typedef enum hq_status {
#define HQ_X(name, code, text) HQ_##name,
    HQ_STATUS_LIST(HQ_X)
#undef HQ_X
        HQ_STATUS_COUNT
} hq_status;

/* The text of a status, in static memory. */
const char *hq_status_text(hq_status status);

/* The exit code of the program for a status: 0 ok, 1 internal, 2 usage or configuration, 3 data or file, 4 numeric,
 * 5 communication, 75 interrupted. */
int hq_status_exit_code(hq_status status);

/* Returns from the calling function when an expression of type hq_status is not HQ_OK. The origin has logged it. */
#define HQ_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        hq_status hq_try_ = (expr);                                                                                    \
        if (hq_try_ != HQ_OK) return hq_try_;                                                                          \
    } while (0)

/* Logs an error, once, at its origin, and returns `status`. The text names file, key, value and what is allowed. */
#define HQ_FAIL(status, ...) return hq_fail((status), __VA_ARGS__)

/* For our own bugs only, never for bad input: logs place and condition, then ends the process by abort(). */
#define HQ_ASSERT(cond) ((cond) ? (void)0 : hq_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void hq_assert_failed(const char *condition, const char *file, int line);

/* ---- log ------------------------------------------------------------------------------------------------------- */

/* Tells the log who this process is. Before it is called the process counts as rank 0 of 1.
 * rank, size: MPI's; host: copied. */
void hq_log_identity(int rank, int size, const char *host);

/* Logs an error on stderr, with rank and host when there is more than one rank; returns `status`. */
hq_status hq_fail(hq_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs a warning on stderr, on any rank. */
void hq_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints for the user on stdout, on rank 0 only (but see hq_say_let). No newline is added. */
void hq_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether hq_say prints on this process from now on: at first on rank 0 only. Returns what held before. */
bool hq_say_let(bool speaks);

/* Whether hq_say writes to a terminal: it prints here, and stdout is one. */
bool hq_say_is_terminal(void);

/* From now on the errors and warnings of this thread go to text[size] in place of stderr: the first one, or the first
 * error if there is one. NULL and 0: to stderr again. For what is tried, and reported in other words. */
void hq_log_capture(char *text, size_t size);

/* Number of errors and warnings logged by this process since its start. For tests. */
int hq_log_error_count(void);

/* ---- memory ---------------------------------------------------------------------------------------------------- */

#define HQ_ALIGN 64 /* bytes; every block of hq_alloc and hq_arena_take starts on such a boundary */

/* Zeroed memory of `bytes` bytes (a block even for 0), aligned to HQ_ALIGN. The caller frees it with hq_free.
 * Logs and returns HQ_ERR_MEMORY when there is none; `what` names the purpose in that message. */
hq_status hq_alloc(size_t bytes, const char *what, void *out_pointer);

/* As hq_alloc for count * size bytes; an overflowing product is HQ_ERR_MEMORY. */
hq_status hq_alloc_array(size_t count, size_t size, const char *what, void *out_pointer);

/* Makes room for one more of n elements of `size` bytes in an array of hq_alloc, which may move: *(T **)array, with
 * room for *room of them, NULL and 0 at first. On HQ_ERR_MEMORY it is as it was. */
hq_status hq_alloc_more(void *array, int64_t n, int64_t *room, size_t size, const char *what);

/* Frees a block of hq_alloc; NULL is allowed. */
void hq_free(void *pointer);

/* Blocks of hq_alloc that are not yet freed (zero at exit), and how many were ever made (constant during a step). */
int64_t hq_memory_balance(void);
int64_t hq_memory_count(void);
/* The most memory that this process has had resident, bytes; shared pages that it has touched count. */
double hq_memory_peak(void);
/* What is resident now, where a page that n processes share counts 1/n (Linux: Pss); the peak where that is not known.
 */
double hq_memory_share(void);

/* A growing-only region inside one block: layers take their arrays from it when the network is built. */
typedef struct hq_arena {
    unsigned char *base; /* owned */
    size_t size;         /* bytes */
    size_t used;         /* bytes */
} hq_arena;

/* Makes an arena of `bytes` bytes. A first pass over an arena of size 0 with base NULL measures: hq_arena_take then
 * only counts and returns NULL. */
hq_status hq_arena_create(size_t bytes, const char *what, hq_arena *arena);

/* Takes count * size bytes, aligned. An arena that was sized too small is our bug (HQ_ASSERT). */
void *hq_arena_take(hq_arena *arena, size_t count, size_t size);

void hq_arena_destroy(hq_arena *arena);

/* ---- random numbers -------------------------------------------------------------------------------------------- */

/* Every draw is a function of (seed, purpose, epoch, index, position), never of a rank or of the order of calls.
 * Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11 (library Random123). */
typedef enum hq_purpose {
    HQ_PURPOSE_INIT = 1,    /* index: hash of the tensor's name */
    HQ_PURPOSE_ORDER = 2,   /* permutation of the training samples of an epoch */
    HQ_PURPOSE_AUGMENT = 3, /* index: global sample */
    HQ_PURPOSE_DROPOUT = 4, /* index: global sample */
    HQ_PURPOSE_PHANTOM = 5, /* index: sample of the built-in set; epoch: split */
    HQ_PURPOSE_SHOTS = 6,   /* index: circuit evaluation */
    HQ_PURPOSE_SPSA = 7,    /* index: key of the sample */
    HQ_PURPOSE_SWEEP = 8,   /* index: number of a point; epoch: what for */
    HQ_PURPOSE_TEST = 100   /* for tests */
} hq_purpose;

typedef struct hq_random {
    uint64_t seed;
    uint32_t purpose; /* hq_purpose */
    uint32_t epoch;   /* below 2^24; or another small number, as the purpose says */
    uint64_t index;
    uint32_t position; /* block of four 32-bit numbers that comes next; the functions below move it on */
} hq_random;

/* A stream at its start. */
hq_random hq_random_make(uint64_t seed, hq_purpose purpose, uint32_t epoch, uint64_t index);

/* Four 32-bit numbers of block `position`; does not move the stream. */
void hq_random_block(const hq_random *stream, uint32_t position, uint32_t out[4]);

/* Next 64 bits; next number uniform in [0, 1) with 53 bits; next number of the standard normal distribution
 * (Box-Muller). Each takes one block. */
uint64_t hq_random_next(hq_random *stream);
double hq_random_uniform(hq_random *stream);
double hq_random_normal(hq_random *stream);

/* Most dimensions of a tensor: kernels of volumes, [T][R][S][C][K]. */
#define HQ_DIMENSIONS_MAX 5

/* ---- hashing, clock, machine ----------------------------------------------------------------------------------- */

/* XXH3 64-bit hash of `bytes` bytes. Chain pieces by passing the previous hash as `seed`. Equal on all machines of the
 * same byte order. */
uint64_t hq_hash(const void *data, size_t bytes, uint64_t seed);
uint64_t hq_hash_text(const char *text);

/* Seconds of a clock that never goes back. */
double hq_clock(void);
/* Seconds that this thread has spent on a processor. */
double hq_clock_cpu(void);
/* Adds the seconds since *since to *sum, and starts anew. */
void hq_clock_lap(double *since, double *sum);

/* The median of v[n] (of an even number the upper one), which is sorted by that. */
double hq_median(double *v, int n);

/* Name of this host, in static memory. */
const char *hq_host_name(void);

/* Hash of the version and of the bytes of the running program. */
uint64_t hq_program_hash(void);

/* Instruction sets that kernels are chosen by, from the poorest to the richest; each includes those before it: AVX2
 * with FMA; AVX-512 F, DQ, BW and VL; products of bfloat16; tiles (AMX) that multiply bfloat16, which the system must
 * have allowed: the first call asks for it. */
typedef enum hq_machine {
    HQ_MACHINE_PLAIN,
    HQ_MACHINE_AVX2,
    HQ_MACHINE_AVX512,
    HQ_MACHINE_AVX512_BF16,
    HQ_MACHINE_AMX
} hq_machine;

/* "plain", "avx2", "avx512", "avx512-bf16", "amx". */
const char *hq_machine_name(hq_machine machine);

/* The richest that kernels may use: what this processor has, or less by hq_machine_limit, or by the environment
 * variable HQCNN_MACHINE_LIMIT (one of the names; a poorer machine for tests and diagnosis). */
hq_machine hq_machine_have(void);

/* From now on no more than that: for what all ranks have. Call it before kernels are chosen. */
void hq_machine_limit(hq_machine most);

bool hq_machine_has_avx2(void);
bool hq_machine_has_avx512(void);
bool hq_machine_has_avx512_bf16(void);
bool hq_machine_has_amx(void);

/* What this process may still use of its machine. INFINITY: not known, or no limit. */
typedef struct hq_limits {
    double cores;  /* that its control groups allow at once, not whole ones; which cores is another question */
    double memory; /* bytes that are left: free memory of the machine, or what its control groups allow */
} hq_limits;

/* root: the folder in which /proc and /sys are, "" but for tests. */
hq_limits hq_limits_find(const char *root);

/* ---- phases ----------------------------------------------------------------------------------------------------- */

/* What a process can be doing. X(name, text, kind); kind: WORKS; WAITS, for other ranks, and does nothing else; MIXES:
 * works, and may wait in a library that does not tell; RESTS: has nothing to do, for as long as it takes. */
#define HQ_PHASE_LIST(X)                                                                                               \
    X(OTHER, "other", WORKS)                                                                                           \
    X(DATA, "data", WORKS)         /* images drawn, decoded, augmented */                                              \
    X(NETWORK, "network", WORKS)   /* forward and backward */                                                          \
    X(CIRCUITS, "circuits", WORKS) /* evaluated here */                                                                \
    X(INTEGERS, "integers", WORKS) /* gradients added as integers */                                                   \
    X(UPDATE, "update", WORKS)     /* of parameters and statistics */                                                  \
    X(EVALUATE, "evaluation", WORKS)                                                                                   \
    X(CHECKPOINT, "checkpoint", MIXES)                                                                                 \
    X(SUM, "sum", WAITS) /* of gradients over ranks */                                                                 \
    X(AGREE, "agreement", WAITS)                                                                                       \
    X(BROADCAST, "broadcast", WAITS)                                                                                   \
    X(BARRIER, "barrier", WAITS)                                                                                       \
    X(GATHER, "gathering", WAITS)                                                                                      \
    X(SPREAD, "spreading", WAITS) /* circuits of other ranks */                                                        \
    X(REST, "rest", RESTS)

typedef enum hq_phase {
#define HQ_X(name, text, kind) HQ_PHASE_##name,
    HQ_PHASE_LIST(HQ_X)
#undef HQ_X
        HQ_PHASE_COUNT
} hq_phase;
typedef enum hq_phase_kind { HQ_PHASE_WORKS, HQ_PHASE_WAITS, HQ_PHASE_MIXES, HQ_PHASE_RESTS } hq_phase_kind;

const char *hq_phase_name(hq_phase phase); /* its text, one word */
hq_phase_kind hq_phase_kind_of(hq_phase phase);

/* Enters a phase and returns the one before, to be entered again at its end: hq_phase before = hq_phase_enter(...);
 * ... hq_phase_enter(before). Costs a clock and two stores. One thread of a process does this. */
hq_phase hq_phase_enter(hq_phase phase);
/* The step that phases belong to from now on, counted from 1. */
void hq_phase_step(int64_t step);

/* Seconds in each phase since the start of the process, with what is under way. A phase inside another one does not
 * count for that. */
void hq_phase_seconds(double seconds[HQ_PHASE_COUNT]);

/* What a process does now, for others to read: in memory that they share. */
typedef struct hq_pulse {
    _Atomic int64_t step_and_phase; /* step << 8 | hq_phase */
    _Atomic double since;           /* hq_clock() when the phase was entered */
    _Atomic double alive;           /* hq_clock() when the process last ran, whatever it does; for whoever watches */
    int64_t rank, process;
    _Atomic int64_t part; /* 0: of all ranks; others: a part of them that works by itself */
    char padding[16];     /* a cache line each */
} hq_pulse;

/* Publishes phases there from now on; NULL: nowhere. */
void hq_phase_publish(hq_pulse *pulse);

/* A phase that is over. */
typedef struct hq_phase_event {
    double start, seconds; /* hq_clock() */
    int64_t step, phase;
} hq_phase_event;

/* From now on phases that end are noted in event[room], until it is full; NULL and 0: no more. hq_phase_recorded: how
 * many are there. */
void hq_phase_record(hq_phase_event *event, size_t room);
size_t hq_phase_recorded(void);

/* ---- files ------------------------------------------------------------------------------------------------------ */

/* A file that appears under its name whole or not at all, also when the machine stops in the midst: it is written under
 * a temporary name in the same folder, synced, renamed, and the folder is synced. These return 0 or the error (as
 * errno) and log nothing, but for a warning when only the folder could not be synced. */

/* Gives the complete file `temporary`, which nobody writes to any more, the name `path`; a file of that name is
 * replaced. On failure `path` is as it was and `temporary` is still there. */
int hq_file_replace(const char *temporary, const char *path);

/* Removes a file as unlink does. The space of a large file that was replaced or removed is freed in the background. */
int hq_file_remove(const char *path);

/* Returns when that space is free. These three are for one thread of a process. */
void hq_file_settle(void);

/* Has `write` write the file: to "<path>.tmp", which takes the name `path` when all is well and else is removed. write:
 * false for a failure, with errno; errors of the file itself need not be looked for. */
typedef bool (*hq_write)(FILE *file, const void *ctx);
int hq_file_write(const char *path, hq_write write, const void *ctx);
/* The same for a file that other processes may write at the same time: the last one stays. The temporary name has host
 * and process in it. */
int hq_file_write_among_others(const char *path, hq_write write, const void *ctx);

/* Puts a file in memory in the place of `path` wherever this process has it open. For a file that is complete, or given
 * up, but that HDF5 must still close: it writes the superblock once more then, the same as before, and when that fails
 * it crashes at the end of the process, and leaves other ranks in a barrier. The memory goes when the file is closed.
 */
void hq_file_divert(const char *path);

/* Closes a file; the error of that or of any write before. */
int hq_file_finish(FILE *file);

/* The folder of a file: "." when the path has none. */
void hq_file_folder(const char *path, char *folder, size_t size);

/* Whether an HDF5 file, with or without 512 bytes before it, consists of nothing but the structures that checkpoints
 * and data sets of ours are made of, each inside the file and apart from the others. To be asked before HDF5 opens a
 * file from outside, for HDF5 1.10 crashes on many of the others. Texts, numbers and checksums are not looked at.
 * `problem`: what is wrong. */
#define HQ_HDF5_PROBLEM_MAX 128
bool hq_hdf5_check(int fd, char problem[HQ_HDF5_PROBLEM_MAX]);

/* ---- text ------------------------------------------------------------------------------------------------------ */

/* Copies `text` into buffer[size], always terminated; false when it did not fit. */
bool hq_copy_text(char *buffer, size_t size, const char *text);

/* Number of single-character edits between two texts (Levenshtein). Used to name the nearest known word. */
int hq_edit_distance(const char *a, const char *b);

#endif
