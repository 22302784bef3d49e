/* keep.c: the checkpoints of a run folder: the newest checkpoint.keep as checkpoints/step-<updates>.h5, the last one
 * also under the name last.h5, the best one under the name best.h5 (second names of the same file, where the file
 * system has them). A name is given to a file that is complete, so each of them always names a good one. */
#include "train/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "checkpoints"

/* ---- the folder -------------------------------------------------------------------------------------------------- */

/* The step in the name of a kept checkpoint; -1: it is another file. */
static int64_t step_of(const char *name)
{
    char *end;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9') return -1;
    const long long step = strtoll(name + 5, &end, 10);
    return strcmp(end, ".h5") == 0 ? step : -1;
}

static bool kept_path(const char *dir, const char *name, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/" FOLDER "/%s", dir, name) < PATH_MAX;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int newer_first(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Steps of the kept checkpoints, the newest first; freed with free. None when the folder cannot be read. */
static int list_steps(const char *dir, int64_t **out_steps)
{
    char path[PATH_MAX];
    int n = 0, room = 0;
    *out_steps = NULL;
    DIR *folder = kept_path(dir, "", path) ? opendir(path) : NULL;
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        const int64_t step = step_of(entry->d_name);
        if (step < 0) continue;
        if (n == room) {
            room = 2 * room + 16;
            int64_t *larger = realloc(*out_steps, (size_t)room * sizeof **out_steps);
            if (!larger) break;
            *out_steps = larger;
        }
        (*out_steps)[n++] = step;
    }
    if (folder) closedir(folder);
    if (n > 0) qsort(*out_steps, (size_t)n, sizeof **out_steps, newer_first);
    return n;
}

static void name_of(int64_t step, char name[40]) { snprintf(name, 40, "step-%09lld.h5", (long long)step); }

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

hq_status hq_train_keep_begin(const hq_run *run)
{
    char path[PATH_MAX];
    hq_train_path(run, FOLDER, path);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        HQ_FAIL(HQ_ERR_FILE, "folder %s cannot be made: %s", path, strerror(errno));
    DIR *folder = opendir(path);
    if (!folder) HQ_FAIL(HQ_ERR_FILE, "folder %s cannot be read: %s", path, strerror(errno));
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        if (ends_with(entry->d_name, ".h5.tmp") && kept_path(run->dir, entry->d_name, path)) unlink(path);
    closedir(folder);
    hq_train_path(run, "last.h5.tmp", path);
    unlink(path);
    hq_train_path(run, "best.h5.tmp", path);
    unlink(path);
    return HQ_OK;
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

/* What lies behind the step was made by a run that is gone on with from an earlier one, and will come again. */
static void remove_old(const hq_run *run)
{
    int64_t *steps;
    char name[40], path[PATH_MAX];
    const int n = list_steps(run->dir, &steps);
    for (int i = 0, kept = 0; i < n; i++) {
        if (steps[i] <= run->progress.step && kept++ < run->config->checkpoint_keep) continue;
        name_of(steps[i], name);
        const int error = kept_path(run->dir, name, path) ? hq_file_remove(path) : 0;
        if (error && error != ENOENT) hq_warn("the old checkpoint %s cannot be removed: %s", path, strerror(error));
    }
    free(steps);
}

/* On rank 0; the others have no part in it. */
static hq_status own(const hq_run *run) { return hq_dist_rank(run->dist) == 0 ? hq_train_rows_own(run) : HQ_OK; }

/* A row that counts for the state must be on the disk before it. */
static hq_status prepare(hq_run *run, hq_state *state, char **text)
{
    const hq_status packed = hq_train_pack(run, state, text);
    hq_status mine = own(run);
    if (hq_dist_rank(run->dist) == 0 && mine == HQ_OK) mine = hq_train_rows_sync(run);
    return hq_dist_agree(run->dist, hq_train_worse(packed, mine));
}

static hq_status write_all(const hq_run *run, const hq_state *state, bool best)
{
    char name[40], kept[PATH_MAX], path[PATH_MAX];
    name_of(run->progress.step, name);
    kept_path(run->dir, name, kept);
    HQ_TRY(hq_checkpoint_write(run->dist, kept, state));
    HQ_TRY(hq_dist_agree(run->dist, own(run))); /* still: the write may have taken long */
    hq_train_path(run, "last.h5", path);
    HQ_TRY(hq_checkpoint_link(run->dist, kept, path));
    const bool first = run->progress.best_epoch == 0; /* best.h5 is there from the first save on */
    hq_train_path(run, "best.h5", path);
    if (best || first) HQ_TRY(hq_checkpoint_link(run->dist, kept, path));
    HQ_TRY(hq_dist_agree(run->dist, own(run)));
    if (hq_dist_rank(run->dist) == 0) remove_old(run);
    return HQ_OK;
}

/* A file that vanished from under it is another process's work. */
static hq_status explain(const hq_run *run, hq_status status)
{
    if (status != HQ_ERR_FILE) return status;
    int mine = own(run) == HQ_OK;
    HQ_TRY(hq_dist_bcast(run->dist, &mine, sizeof mine));
    return mine ? status : HQ_ERR_USAGE;
}

hq_status hq_train_save(hq_run *run, bool best)
{
    char *text = NULL;
    hq_state state;
    const hq_phase before = hq_phase_enter(HQ_PHASE_CHECKPOINT);
    const double start = hq_clock();
    hq_status status = prepare(run, &state, &text);
    if (status == HQ_OK) status = explain(run, write_all(run, &state, best));
    hq_free(state.tensor);
    hq_free(text);
    run->saved_at = hq_clock(); /* also when it failed: not again at once */
    hq_train_stop_timed(run, true, run->saved_at - start);
    hq_phase_enter(before);
    return status;
}

hq_status hq_train_save_on_the_way(hq_run *run, bool best, bool *saved)
{
    const hq_status status = hq_train_save(run, best);
    *saved = status == HQ_OK;
    if (status != HQ_ERR_FILE || run->config->checkpoint_on_failure == HQ_ON_FAILURE_STOP) return status;
    if (hq_dist_rank(run->dist) == 0)
        hq_warn("the training goes on without that checkpoint (checkpoint.on_failure = \"continue\")");
    return HQ_OK;
}

/* The first bytes of a checkpoint have the hash of all others. */
static bool same_seal(const char *a, const char *b)
{
    char seal[2][512] = {{0}};
    const char *path[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        const int fd = open(path[i], O_RDONLY | O_CLOEXEC);
        const bool whole = fd >= 0 && read(fd, seal[i], sizeof seal[i]) == sizeof seal[i];
        if (fd >= 0) close(fd);
        if (!whole) return false;
    }
    return memcmp(seal[0], seal[1], sizeof seal[0]) == 0;
}

/* last.h5 may be another one than that which was read, of an older process that has saved since. */
static hq_status put_back(const hq_run *run, const char *last)
{
    char name[40], kept[PATH_MAX], reason[HQ_CHECKPOINT_REASON_MAX];
    hq_state state;
    name_of(run->progress.step, name);
    int other = kept_path(run->dir, name, kept) && access(kept, R_OK) == 0 && !same_seal(kept, last);
    HQ_TRY(hq_dist_bcast(run->dist, &other, sizeof other));
    if (!other) return HQ_OK;
    const hq_status status = hq_checkpoint_try(run->dist, kept, &state, reason);
    hq_checkpoint_free(&state);
    if (status != HQ_OK) return status == HQ_ERR_FILE ? HQ_OK : status; /* a damaged one takes the place of none */
    return hq_checkpoint_link(run->dist, kept, last);
}

hq_status hq_train_keep_resumed(const hq_run *run)
{
    char last[PATH_MAX];
    hq_train_path(run, "last.h5", last);
    HQ_TRY(put_back(run, last));
    int there = same_file(run->resume, last);
    HQ_TRY(hq_dist_bcast(run->dist, &there, sizeof there));
    return there ? HQ_OK : hq_checkpoint_link(run->dist, run->resume, last);
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

/* The checkpoints of a run folder in the order in which a resume tries them; on rank 0. */
typedef struct hq_candidates {
    const char *dir;
    bool last; /* last.h5 comes first */
    int64_t *steps;
    int n; /* of steps */
} hq_candidates;

static bool path_of(const hq_candidates *list, int i, char path[PATH_MAX])
{
    char name[40];
    if (list->last && i == 0) return snprintf(path, PATH_MAX, "%s/last.h5", list->dir) < PATH_MAX;
    name_of(list->steps[i - list->last], name);
    return kept_path(list->dir, name, path);
}

static void look(const char *dir, hq_candidates *list)
{
    char last[PATH_MAX], path[PATH_MAX];
    *list = (hq_candidates){.dir = dir};
    const int n = list_steps(dir, &list->steps);
    list->last = snprintf(last, sizeof last, "%s/last.h5", dir) < PATH_MAX && access(last, F_OK) == 0;
    for (int i = 0; i < n; i++) { /* last.h5 is one of them: not twice */
        char name[40];
        name_of(list->steps[i], name);
        if (list->last && kept_path(dir, name, path) && same_file(path, last)) continue;
        list->steps[list->n++] = list->steps[i];
    }
}

bool hq_train_has_checkpoint(const char *run_dir)
{
    hq_candidates list;
    look(run_dir, &list);
    free(list.steps);
    return list.last || list.n > 0;
}

/* Tries one after the other. All ranks know how many there are; names and warnings are rank 0's. */
static hq_status open_first(const hq_dist *dist, const hq_candidates *list, int n, char path[PATH_MAX], hq_state *state)
{
    const bool first = hq_dist_rank(dist) == 0;
    char reason[HQ_CHECKPOINT_REASON_MAX] = "";
    for (int i = 0; i < n; i++) {
        if (first) path_of(list, i, path);
        const hq_status status = hq_checkpoint_try(dist, path, state, reason);
        if (status == HQ_OK && i > 0) hq_say("going on from %s, the newest checkpoint that is whole\n", path);
        if (status != HQ_ERR_FILE) return status;
        if (first) hq_warn("checkpoint %s cannot be loaded: %s", path, reason);
    }
    return first ? hq_fail(HQ_ERR_FILE, "run folder %s: none of its %d checkpoints can be loaded", list->dir, n)
                 : HQ_ERR_FILE;
}

hq_status hq_train_open_last(const hq_dist *dist, const char *run_dir, char path[PATH_MAX], hq_state *state)
{
    hq_candidates list = {0};
    *state = (hq_state){0};
    path[0] = '\0';
    if (hq_dist_rank(dist) == 0) {
        hq_train_rows_wait(run_dir);
        look(run_dir, &list);
    }
    int n = list.n + list.last;
    hq_status status = hq_dist_bcast(dist, &n, sizeof n);
    if (status == HQ_OK && n > 0) status = open_first(dist, &list, n, path, state);
    if (status == HQ_OK) status = hq_dist_bcast(dist, path, PATH_MAX);
    if (status != HQ_OK) hq_checkpoint_free(state);
    free(list.steps);
    return status;
}
