/* A second name: replaces in one step, survives its source, and is never written through. */
#include "support.h"

#include "support/fault.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t file_number(const char *path)
{
    struct stat info = {0};
    CHECK(stat(path, &info) == 0);
    return info.st_ino;
}

static void test_link(void)
{
    const char *a = file_named("a.h5"), *b = file_named("b.h5"), *best = file_named("best.h5");
    hq_state state_a = make_state(100, 1), state_b = make_state(200, 2);
    CHECK_VALUE(hq_checkpoint_write(dist, a, &state_a), HQ_OK);
    CHECK_VALUE(hq_checkpoint_write(dist, b, &state_b), HQ_OK);
    CHECK_VALUE(hq_checkpoint_link(dist, a, best), HQ_OK);
    check_loads(best, &state_a);
    CHECK(file_number(a) == file_number(best));
    hq_dist_barrier(dist);
    CHECK_VALUE(hq_checkpoint_link(dist, a, best), HQ_OK); /* already so */
    CHECK_VALUE(leftovers(best), 0);
    CHECK_VALUE(hq_checkpoint_link(dist, b, best), HQ_OK);
    check_loads(best, &state_b);
    check_loads(a, &state_a);
    CHECK_VALUE(hq_checkpoint_link(dist, b, b), HQ_OK);
    check_loads(b, &state_b);
    CHECK_VALUE(leftovers(b), 0);
    hq_dist_barrier(dist);
    /* Writing one name leaves the other as it was. */
    CHECK_VALUE(hq_checkpoint_write(dist, b, &state_a), HQ_OK);
    check_loads(best, &state_b);
    drop_state(&state_a);
    drop_state(&state_b);
}

/* A run killed between link and rename leaves best.h5.tmp, a second name of a good file. */
static void test_stale_temporary(void)
{
    const char *good = file_named("good.h5"), *stale = file_named("next.h5.tmp"), *next = file_named("next.h5");
    hq_state state = make_state(100, 1), other = make_state(300, 2);
    CHECK_VALUE(hq_checkpoint_write(dist, good, &state), HQ_OK);
    if (hq_dist_rank(dist) == 0) CHECK(link(good, stale) == 0);
    CHECK_VALUE(hq_checkpoint_write(dist, next, &other), HQ_OK);
    check_loads(good, &state);
    check_loads(next, &other);
    CHECK(!exists(stale));
    drop_state(&state);
    drop_state(&other);
}

/* Where the file system refuses links the second name is a copy; symbolic links are followed. */
static void test_copy(void)
{
    const char *a = file_named("copy_a.h5"), *sym = file_named("copy_s.h5"), *copy = file_named("copy.h5");
    hq_state state = make_state(30000, 1);
    CHECK_VALUE(hq_checkpoint_write(dist, a, &state), HQ_OK);
    if (hq_dist_rank(dist) == 0) CHECK(symlink(a, sym) == 0);
    fault_arm(FAULT_LINK, 0, EPERM);
    CHECK_VALUE(hq_checkpoint_link(dist, sym, copy), HQ_OK);
    fault_disarm();
    check_loads(copy, &state);
    CHECK(file_number(a) != file_number(copy));
    hq_dist_barrier(dist);
    CHECK_VALUE(hq_checkpoint_link(dist, sym, copy), HQ_OK);
    CHECK(file_number(a) == file_number(copy));
    CHECK_VALUE(leftovers(copy), 0);
    drop_state(&state);
}

/* The target stays as it is, and one message of one rank tells why. */
static void check_refused(const char *from, const char *to, const char *reason)
{
    int before = hq_log_error_count();
    capture_begin();
    hq_status status = hq_checkpoint_link(dist, from, to);
    const char *text = capture_end();
    CHECK_VALUE(status, HQ_ERR_FILE);
    CHECK_VALUE(total(hq_log_error_count() - before), 1);
    if (hq_dist_rank(dist) == 0) CHECK_MSG(strstr(text, to) && strstr(text, reason), "no '%s' in: %s", reason, text);
    CHECK_VALUE(leftovers(to), 0);
}

static void test_failures(void)
{
    const char *a = file_named("fail_a.h5"), *b = file_named("fail_b.h5");
    hq_state state_a = make_state(100, 1), state_b = make_state(200, 2);
    CHECK_VALUE(hq_checkpoint_write(dist, a, &state_a), HQ_OK);
    CHECK_VALUE(hq_checkpoint_write(dist, b, &state_b), HQ_OK);
    check_refused(file_named("missing.h5"), b, "No such file");
    check_refused(file_named("."), b, "is not a file");
    check_refused(a, file_named("no_folder/b.h5"), "No such file");
    check_refused(b, file_named("fail_a.h5/c.h5"), "Not a directory");
    fault_arm(FAULT_SYNC, 0, EIO);
    check_refused(a, b, "Input/output error");
    fault_arm(FAULT_RENAME, 0, EACCES);
    check_refused(a, b, "Permission denied");
    fault_disarm();
    check_loads(a, &state_a);
    check_loads(b, &state_b);
    drop_state(&state_a);
    drop_state(&state_b);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    HQ_RUN(test_link);
    HQ_RUN(test_stale_temporary);
    HQ_RUN(test_copy);
    HQ_RUN(test_failures);
    return finish();
}
