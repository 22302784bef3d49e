/* Every system call of a save fails once, on one rank or on all: nobody hangs, everybody learns it, the file that was
 * there stays, no temporary file remains, one message tells why, and the next save works. */
#include "support.h"

#include "support/fault.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

enum { CALLS_MAX = 40 };

/* How often each system call is reached differs by rank count; what must hold does not. */
typedef struct fault_outcome {
    bool fired; /* on any rank */
    bool failed;
} fault_outcome;

/* One save of `state` over a good file, with the fault on rank `where` (-1: on all). */
static fault_outcome save_with_fault(fault_kind kind, int after, int error, int where, const hq_state *good,
                                     const hq_state *state)
{
    const char *path = file_named("state.h5");
    int before = hq_log_error_count();
    capture_begin();
    if (where < 0 || where == hq_dist_rank(dist)) fault_arm(kind, after, error);
    hq_status status = hq_checkpoint_write(dist, path, state);
    fault_disarm();
    const char *text = capture_end();
    fault_outcome outcome = {.fired = total(fault_fired()) > 0, .failed = status != HQ_OK};
    CHECK_VALUE(total(status == HQ_OK), outcome.failed ? 0 : hq_dist_size(dist));
    CHECK_VALUE(total(hq_log_error_count() - before), outcome.failed);
    CHECK_MSG(hq_log_error_count() == before || strstr(text, path), "kind %d, call %d: no path in: %s", kind, after,
              text);
    CHECK_VALUE(leftovers(path), 0);
    check_loads(path, outcome.failed ? good : state);
    hq_dist_barrier(dist);
    return outcome;
}

static int open_files(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder)) n++;
    if (folder) closedir(folder);
    return n;
}

/* Lets call 0, 1, 2, ... fail until a save does not come so far. always: a fault that is reached must fail the save;
 * otherwise (a lost write of something that is written again) the file may be good, which was checked above.
 * Returns how many saves failed. */
static int sweep(fault_kind kind, int error, int where, bool always)
{
    hq_state good = make_state(20000, 1), state = make_state(30000, 2);
    int after = 0, failed = 0, files = 0;
    for (bool fired = true; fired && after < CALLS_MAX; after++) {
        CHECK_VALUE(hq_checkpoint_write(dist, file_named("state.h5"), &good), HQ_OK);
        fault_arm(FAULT_NONE, 0, 0);
        fault_outcome outcome = save_with_fault(kind, after, error, where, &good, &state);
        fired = outcome.fired;
        if (after == 0) files = open_files();
        failed += outcome.failed;
        CHECK_MSG(!outcome.failed || fired, "kind %d, call %d: a save failed without a fault", kind, after);
        CHECK_MSG(outcome.failed || !fired || !always, "kind %d, call %d, rank %d: no effect", kind, after, where);
    }
    CHECK(after < CALLS_MAX);
    CHECK_VALUE(open_files(), files);
    drop_state(&good);
    drop_state(&state);
    return failed;
}

static void test_write_refused(void)
{
    CHECK(sweep(FAULT_WRITE, ENOSPC, -1, true) > 0);
    CHECK(sweep(FAULT_WRITE, ENOSPC, 0, true) > 0);
    for (int rank = 1; rank < hq_dist_size(dist); rank++)
        sweep(FAULT_WRITE, ENOSPC, rank, true); /* if it writes at all */
}

static void test_write_short(void) { CHECK(sweep(FAULT_SHORT, ENOSPC, 0, true) > 0); }

/* The disk says it has written, but has not. */
static void test_write_lost(void)
{
    CHECK(sweep(FAULT_LOSE, 0, 0, false) > 0);
    CHECK(sweep(FAULT_FLIP, 0, 0, false) > 0);
}

static void test_other_calls(void)
{
    CHECK(sweep(FAULT_RESERVE, ENOSPC, 0, true) > 0);
    CHECK(sweep(FAULT_SYNC, EIO, 0, true) > 0);
    CHECK(sweep(FAULT_RENAME, EROFS, 0, true) > 0);
}

/* A file system that cannot reserve is no obstacle. */
static void test_no_reservation(void)
{
    hq_state state = make_state(100, 1);
    fault_arm(FAULT_RESERVE, 0, EOPNOTSUPP);
    hq_status status = hq_checkpoint_write(dist, file_named("plain.h5"), &state);
    int fired = fault_fired();
    fault_disarm();
    CHECK_VALUE(status, HQ_OK);
    if (hq_dist_rank(dist) == 0) CHECK(fired);
    check_loads(file_named("plain.h5"), &state);
    drop_state(&state);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    HQ_RUN(test_write_refused);
    HQ_RUN(test_write_short);
    HQ_RUN(test_write_lost);
    HQ_RUN(test_other_calls);
    HQ_RUN(test_no_reservation);
    return finish();
}
