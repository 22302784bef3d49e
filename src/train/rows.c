/* rows.c: metrics.jsonl: rows are appended, one write each; what cannot be written may wait in memory. */
#include "train/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "metrics.jsonl"

enum { WAIT = 3 }; /* seconds for an earlier process to leave */

/* ---- opening ----------------------------------------------------------------------------------------------------- */

typedef struct hq_kept_rows {
    const hq_run *run;
    const char *before;
    hq_row_stays stays;
} hq_kept_rows;

/* A row that a killed run has not ended is none. */
static bool write_kept(FILE *file, const void *ctx)
{
    const hq_kept_rows *kept = ctx;
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    bool good = true;
    FILE *before = kept->before ? fopen(kept->before, "r") : NULL;
    if (!before) return !kept->before || errno == ENOENT;
    while (good && (n = getline(&line, &size, before)) > 0) {
        const hq_row row = line[n - 1] == '\n' ? kept->stays(kept->run, line) : HQ_ROW_GOES;
        if (row == HQ_ROW_UNKNOWN) errno = ENOMEM;
        good = row == HQ_ROW_GOES || (row == HQ_ROW_STAYS && fputs(line, file) >= 0);
    }
    if (good && !feof(before)) good = false;
    const int error = errno;
    free(line);
    fclose(before);
    errno = error;
    return good;
}

/* Held until the process ends; a file system may have none. Who only looks holds it for a moment. */
static void lock(int fd)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    for (int i = 0; i < 10 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; i++) nanosleep(&moment, NULL);
}

hq_status hq_train_rows_open(hq_run *run, const char *before, hq_row_stays stays)
{
    char path[PATH_MAX];
    hq_train_path(run, NAME, path);
    const hq_kept_rows kept = {run, before, stays};
    run->rows.fd = -1;
    int error = hq_file_write(path, write_kept, &kept);
    if (!error && (run->rows.fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0) error = errno;
    if (!error) lock(run->rows.fd);
    if (!error) return HQ_OK;
    if (error == ENOMEM) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the rows of %s", path);
    HQ_FAIL(HQ_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
}

void hq_train_rows_wait(const char *run_dir)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" NAME, run_dir) >= (int)sizeof path) return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    const double start = hq_clock();
    bool held;
    while ((held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) && hq_clock() - start < WAIT)
        nanosleep(&moment, NULL);
    close(fd);
    if (held)
        hq_warn("another process still trains in %s, or its node was lost; this one takes over, that one ends at its "
                "next save",
                run_dir);
}

void hq_train_rows_close(hq_run *run)
{
    if (run->rows.fd > 0) close(run->rows.fd);
    hq_free(run->rows.waiting);
    run->rows = (hq_rows){.fd = -1};
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Writes what waits, as far as it goes. 0 or the error. */
static int flush(hq_rows *rows)
{
    size_t done = 0;
    int error = 0;
    while (done < rows->bytes && !error) {
        const ssize_t n = write(rows->fd, rows->waiting + done, rows->bytes - done);
        if (n < 0 && errno != EINTR) error = errno;
        if (n > 0) done += (size_t)n;
    }
    rows->bytes -= done;
    memmove(rows->waiting, rows->waiting + done, rows->bytes);
    return error;
}

static hq_status make_room(hq_rows *rows, size_t more)
{
    char *larger;
    if (rows->bytes + more <= rows->room) return HQ_OK;
    const size_t room = 2 * (rows->bytes + more);
    HQ_TRY(hq_alloc(room, "rows of " NAME, &larger));
    if (rows->bytes > 0) memcpy(larger, rows->waiting, rows->bytes);
    hq_free(rows->waiting);
    rows->waiting = larger;
    rows->room = room;
    return HQ_OK;
}

static hq_status failed(const hq_run *run, int error)
{
    HQ_FAIL(HQ_ERR_FILE, "%s/" NAME " cannot be written: %s", run->dir, strerror(error));
}

hq_status hq_train_rows_add(hq_run *run, const char *text)
{
    hq_rows *rows = &run->rows;
    const size_t n = strlen(text);
    const bool waited = rows->bytes > 0;
    HQ_TRY(make_room(rows, n + 1));
    memcpy(rows->waiting + rows->bytes, text, n);
    rows->waiting[rows->bytes + n] = '\n';
    rows->bytes += n + 1;
    const int error = flush(rows);
    if (!error) return HQ_OK;
    if (run->config->checkpoint_on_failure == HQ_ON_FAILURE_STOP) return failed(run, error);
    if (!waited)
        hq_warn("%s/" NAME " cannot be written: %s; its rows wait in memory (checkpoint.on_failure = \"continue\")",
                run->dir, strerror(error));
    return HQ_OK;
}

hq_status hq_train_rows_own(const hq_run *run)
{
    char path[PATH_MAX];
    struct stat mine, now;
    hq_train_path(run, NAME, path);
    if (fstat(run->rows.fd, &mine) == 0 && stat(path, &now) == 0 && mine.st_dev == now.st_dev &&
        mine.st_ino == now.st_ino)
        return HQ_OK;
    HQ_FAIL(HQ_ERR_USAGE,
            "run folder %s: " NAME " was replaced or removed, so another process goes on with this run; this one ends "
            "without another checkpoint",
            run->dir);
}

hq_status hq_train_rows_sync(hq_run *run)
{
    int error = flush(&run->rows);
    if (!error && fsync(run->rows.fd) != 0) error = errno;
    return error ? failed(run, error) : HQ_OK;
}
