/* support.h: states, scratch files and captured messages for the tests of checkpoint. */
#ifndef HQ_TEST_CHECKPOINT_SUPPORT_H
#define HQ_TEST_CHECKPOINT_SUPPORT_H

#include "hqcnn/checkpoint.h"
#include "support/check.h"

/* CHECK_INT evaluates its first argument twice, which a collective call does not allow. */
#define CHECK_VALUE(have, want) check_value((long long)(have), (long long)(want), #have, __FILE__, __LINE__)
void check_value(long long have, long long want, const char *text, const char *file, int line);

/* The communicators of the running test program. */
extern hq_dist *dist;

/* Starts MPI; ends it after summing the failed checks of all ranks, and returns what main returns. */
void start(int argc, char **argv);
int finish(void);

/* "<scratch of rank 0>/<name>", in static memory; at most 64 different ones. */
const char *file_named(const char *name);

/* A state with n numbers of every kind, an empty block and two tensors; equal on all ranks, a function of n and seed.
 */
hq_state make_state(int64_t n, uint64_t seed);
/* Adds blocks and tensors of the size of the default network with Adam: 1.1 MB, 60 tensors. */
void make_network_state(hq_state *state);
void drop_state(hq_state *state);

/* Same order, names, kinds, bits, tensors and texts. */
bool same_state(const hq_state *a, const hq_state *b);

/* Loads `path`, compares with `want` and checks that it is equal. */
void check_loads(const char *path, const hq_state *want);

/* Does the file exist; number of names in its folder that start with the name of the file and go on (0 on the other
 * ranks, which may see the next save). */
bool exists(const char *path);
int leftovers(const char *path);

/* Between the two, this rank's stderr goes into a file; end returns its text, in static memory. */
void capture_begin(void);
const char *capture_end(void);

/* Sum of one number over all ranks. */
int64_t total(int64_t mine);

/* Whole files, on this rank. The caller frees with hq_free. */
unsigned char *read_bytes(const char *path, size_t *bytes);
void write_bytes(const char *path, const void *data, size_t bytes);

#endif
