/* Folders that cannot be written and disks that are full: the message says what is needed and what is there, the file
 * that was there stays, and nothing else remains. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* One message, on one rank, that names the path and both texts. */
static void check_not_saved(const char *path, const hq_state *state, const char *reason, const char *more)
{
    int before = hq_log_error_count();
    capture_begin();
    hq_status status = hq_checkpoint_write(dist, path, state);
    const char *text = capture_end();
    CHECK_VALUE(status, HQ_ERR_FILE);
    CHECK_VALUE(total(hq_log_error_count() - before), 1);
    if (hq_dist_rank(dist) == 0)
        CHECK_MSG(strstr(text, path) && strstr(text, reason) && strstr(text, more), "no '%s', '%s' in: %s", reason,
                  more, text);
    CHECK_VALUE(leftovers(path), 0);
}

static void on_rank_0(int result, const char *what) { CHECK_MSG(result == 0, "%s failed", what); }

#define ON_RANK_0(call)                                                                                                \
    do {                                                                                                               \
        if (hq_dist_rank(dist) == 0) on_rank_0((call), #call);                                                         \
        hq_dist_barrier(dist);                                                                                         \
    } while (0)

static void test_no_folder(void)
{
    hq_state state = make_state(100, 1);
    const char *file = file_named("file"), *good = file_named("good.h5");
    if (hq_dist_rank(dist) == 0) write_bytes(file, "x", 1);
    check_not_saved(file_named("missing/state.h5"), &state, "No such file", "");
    check_not_saved(file_named("file/state.h5"), &state, "Not a directory", "");
    CHECK_VALUE(hq_checkpoint_write(dist, good, &state), HQ_OK);
    ON_RANK_0(mkdir(file_named("good.h5.tmp"), 0700));
    hq_state other = make_state(50, 2);
    int before = hq_log_error_count();
    capture_begin();
    hq_status status = hq_checkpoint_write(dist, good, &other);
    capture_end();
    CHECK_VALUE(status, HQ_ERR_FILE);
    CHECK_VALUE(total(hq_log_error_count() - before), 1);
    check_loads(good, &state);
    ON_RANK_0(rmdir(file_named("good.h5.tmp")));
    drop_state(&state);
    drop_state(&other);
}

static void test_long_name(void)
{
    static char path[5000];
    hq_state state = make_state(10, 1);
    memset(path, 'a', sizeof path - 1);
    capture_begin();
    hq_status status = hq_checkpoint_write(dist, path, &state);
    const char *text = capture_end();
    CHECK_VALUE(status, HQ_ERR_FILE);
    if (hq_dist_rank(dist) == 0) CHECK(strstr(text, "aaaa"));
    drop_state(&state);
}

static void test_forbidden_folder(void)
{
    if (geteuid() == 0) return; /* permissions do not bind root; the read-only file system below does */
    const char *folder = file_named("locked");
    hq_state state = make_state(10, 1);
    ON_RANK_0(mkdir(folder, 0500));
    check_not_saved(file_named("locked/state.h5"), &state, "Permission denied", "");
    drop_state(&state);
}

/* A file system in memory of that size, for all ranks. False when this user may not mount. */
static bool mount_small(const char *folder, const char *size)
{
    int ok = 0;
    if (hq_dist_rank(dist) == 0) {
        on_rank_0(mkdir(folder, 0700), "mkdir");
        ok = mount("tmpfs", folder, "tmpfs", 0, size) == 0;
        if (!ok) printf("SKIPPED: a full disk and a read-only one, because this user may not mount file systems\n");
    }
    hq_dist_bcast(dist, &ok, sizeof ok);
    return ok;
}

static void test_full_disk(void)
{
    const char *folder = file_named("small"), *path = file_named("small/state.h5");
    if (!mount_small(folder, "size=256k")) return;
    hq_state little = make_state(3000, 1), large = make_state(20000, 2); /* 60 kB and 400 kB */
    CHECK_VALUE(hq_checkpoint_write(dist, path, &little), HQ_OK);
    check_not_saved(path, &large, "No space left on device", "bytes are needed");
    check_not_saved(path, &large, "bytes are free", "");
    check_loads(path, &little);
    check_not_saved(file_named("small/new.h5"), &large, "No space left on device", "");
    CHECK(!exists(file_named("small/new.h5")));
    /* What fits once fits again: the old file is there until the new one is complete, and nothing is lost on the way.
     */
    hq_state other = make_state(3000, 3);
    for (int i = 0; i < 4; i++) {
        CHECK_VALUE(hq_checkpoint_write(dist, path, &other), HQ_OK);
        CHECK_VALUE(hq_checkpoint_write(dist, path, &little), HQ_OK);
    }
    check_loads(path, &little);
    hq_dist_barrier(dist);
    ON_RANK_0(mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL));
    check_not_saved(path, &other, "Read-only file system", "");
    check_loads(path, &little);
    hq_dist_barrier(dist);
    ON_RANK_0(umount2(folder, MNT_DETACH));
    drop_state(&little);
    drop_state(&large);
    drop_state(&other);
}

/* Ranks that do not hold the same are told so, and nothing is written. */
static void test_different_states(void)
{
    const char *path = file_named("different.h5");
    if (hq_dist_size(dist) == 1) return;
    hq_state state = make_state(100, 1);
    if (hq_dist_rank(dist) == 1) ((float *)state.block[0].data)[99] += 1;
    int before = hq_log_error_count();
    capture_begin();
    hq_status status = hq_checkpoint_write(dist, path, &state);
    const char *text = capture_end();
    CHECK_VALUE(status, HQ_ERR_INTERNAL);
    CHECK_VALUE(total(hq_log_error_count() - before), 1);
    if (hq_dist_rank(dist) == 1) CHECK_MSG(strstr(text, "differs from rank 0"), "%s", text);
    CHECK(!exists(path));
    CHECK_VALUE(leftovers(path), 0);
    drop_state(&state);
}

/* States that are not valid are our bug, and are refused before a file is touched. */
static void check_invalid(const hq_state *state, const char *reason)
{
    const char *path = file_named("invalid.h5");
    capture_begin();
    hq_status status = hq_checkpoint_write(dist, path, state);
    const char *text = capture_end();
    CHECK_VALUE(status, HQ_ERR_INTERNAL);
    if (hq_dist_rank(dist) == 0) CHECK_MSG(strstr(text, reason), "no '%s' in: %s", reason, text);
    CHECK(!exists(path));
}

static void test_invalid_states(void)
{
    hq_state state = make_state(100, 1);
    hq_copy_text(state.block[1].name, sizeof state.block[1].name, "parameters");
    check_invalid(&state, "two blocks 'parameters'");
    hq_copy_text(state.block[1].name, sizeof state.block[1].name, "a/b");
    check_invalid(&state, "block 1");
    hq_copy_text(state.block[1].name, sizeof state.block[1].name, "");
    check_invalid(&state, "block 1");
    hq_copy_text(state.block[1].name, sizeof state.block[1].name, "moment");
    state.tensor[1].offset = 99;
    check_invalid(&state, "'conv1.bias' lies outside");
    state.tensor[1].offset = 4;
    hq_copy_text(state.tensor[1].block, sizeof state.tensor[1].block, "elsewhere");
    check_invalid(&state, "'elsewhere'");
    drop_state(&state);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    HQ_RUN(test_no_folder);
    HQ_RUN(test_long_name);
    HQ_RUN(test_forbidden_folder);
    HQ_RUN(test_full_disk);
    HQ_RUN(test_different_states);
    HQ_RUN(test_invalid_states);
    return finish();
}
