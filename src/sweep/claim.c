/* claim.c: see claim.h. */
#include "sweep/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "claims"

/* ---- the sign of life -------------------------------------------------------------------------------------------- */

struct hq_heartbeat {
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t change;
    bool stop;
    int fd; /* of the claim that is held; -1: none. Not its name: that may be another's claim by now */
    double interval;
};

static void *beat(void *argument)
{
    struct hq_heartbeat *heart = argument;
    pthread_mutex_lock(&heart->mutex);
    while (!heart->stop) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (time_t)heart->interval;
        until.tv_nsec += (long)((heart->interval - (double)(time_t)heart->interval) * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&heart->change, &heart->mutex, &until);
        if (!heart->stop && heart->fd >= 0) futimens(heart->fd, NULL);
    }
    pthread_mutex_unlock(&heart->mutex);
    return NULL;
}

static hq_status start_heart(double lease, struct hq_heartbeat **out)
{
    struct hq_heartbeat *heart;
    sigset_t all, before;
    HQ_TRY(hq_alloc(sizeof *heart, "claims", &heart));
    heart->interval = lease / 6;
    heart->fd = -1;
    pthread_mutex_init(&heart->mutex, NULL);
    pthread_cond_init(&heart->change, NULL);
    sigfillset(&all); /* signals are for the thread that trains */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&heart->thread, NULL, beat, heart);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        hq_free(heart);
        HQ_FAIL(HQ_ERR_INTERNAL, "the thread that keeps claims alive cannot start: %s", strerror(error));
    }
    *out = heart;
    return HQ_OK;
}

static void hold(struct hq_heartbeat *heart, int fd)
{
    pthread_mutex_lock(&heart->mutex);
    if (heart->fd >= 0) close(heart->fd);
    heart->fd = fd;
    pthread_mutex_unlock(&heart->mutex);
}

/* Whether a file is the claim that is held. */
static bool held_as(struct hq_heartbeat *heart, const char *path)
{
    struct stat mine, there;
    return heart->fd >= 0 && fstat(heart->fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev &&
           mine.st_ino == there.st_ino;
}

static void stop_heart(struct hq_heartbeat *heart)
{
    if (!heart) return;
    pthread_mutex_lock(&heart->mutex);
    heart->stop = true;
    pthread_cond_signal(&heart->change);
    pthread_mutex_unlock(&heart->mutex);
    pthread_join(heart->thread, NULL);
    hold(heart, -1);
    pthread_cond_destroy(&heart->change);
    pthread_mutex_destroy(&heart->mutex);
    hq_free(heart);
}

/* ---- who a process is -------------------------------------------------------------------------------------------- */

/* The first line of a file, or the target of a link. */
static void read_word(const char *path, bool link, char *out, size_t size)
{
    const int fd = link ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = link ? readlink(path, out, size - 1) : fd < 0 ? 0 : read(fd, out, size - 1);
    if (fd >= 0) close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* When a process started, in the system's ticks; "" when there is none (Linux). */
static void started(long process, char out[32])
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    read_word(path, false, line, sizeof line);
    const char *at = strrchr(line, ')'); /* the name may have blanks */
    for (int i = 0; at && i < 20; i++) at = strchr(at + 1, ' ');
    hq_copy_text(out, 32, at ? at + 1 : "");
    out[strcspn(out, " ")] = '\0';
}

/* The start of the machine and the view of its processes, which a container may have for itself. */
static void machine(char out[160])
{
    char boot[64], space[64];
    read_word("/proc/sys/kernel/random/boot_id", false, boot, sizeof boot);
    read_word("/proc/self/ns/pid", true, space, sizeof space);
    snprintf(out, 160, "%s %s", boot, space);
}

static const char *environment(const char *name)
{
    const char *text = getenv(name);
    return text ? text : "";
}

static hq_status describe_self(char *out, size_t size)
{
    char where[160], since[32];
    machine(where);
    started(getpid(), since);
    json_t *self = json_object();
    hq_json_put(&self, "host", hq_json_text(hq_host_name()));
    hq_json_put(&self, "machine", hq_json_text(where));
    hq_json_put(&self, "process", json_integer(getpid()));
    hq_json_put(&self, "since", hq_json_text(since));
    hq_json_put(&self, "job", hq_json_text(environment("SLURM_JOB_ID")));
    hq_json_put(&self, "restart", json_integer(atoi(environment("SLURM_RESTART_COUNT"))));
    char *text = self ? json_dumps(self, JSON_COMPACT) : NULL;
    json_decref(self);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for claims");
    const bool fits = hq_copy_text(out, size, text);
    free(text);
    if (!fits) HQ_FAIL(HQ_ERR_INTERNAL, "the name of this host is too long for a claim");
    return HQ_OK;
}

/* ---- whether it has ended ---------------------------------------------------------------------------------------- */

/* A claim as its file has it. */
typedef struct hq_held {
    json_t *file; /* owned; NULL: it is not whole yet, or no claim */
    struct timespec touched;
} hq_held;

static bool read_claim(const char *path, hq_held *held)
{
    char text[1024];
    struct stat info;
    json_error_t error;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    *held = (hq_held){0};
    if (fd < 0) return false;
    const ssize_t n = read(fd, text, sizeof text - 1);
    const bool there = fstat(fd, &info) == 0;
    close(fd);
    if (n > 0) held->file = json_loadb(text, (size_t)n, JSON_DISABLE_EOF_CHECK, &error);
    held->touched = info.st_mtim;
    return there;
}

static const char *text_of(const json_t *file, const char *key)
{
    const char *text = json_string_value(json_object_get(file, key));
    return text ? text : "";
}

/* The clock of the file system, by a file that is made for that. */
static bool now_there(hq_claims *claims)
{
    char path[PATH_MAX];
    struct stat info;
    if (claims->now.tv_sec != 0) return true;
    snprintf(path, sizeof path, "%s/" FOLDER "/.now-XXXXXX", claims->dir);
    const int fd = mkstemp(path);
    if (fd < 0) return false;
    const bool known = fstat(fd, &info) == 0;
    close(fd);
    unlink(path);
    if (known) claims->now = info.st_mtim;
    return known;
}

static bool process_gone(const json_t *file)
{
    char where[160], since[32];
    machine(where);
    if (strcmp(text_of(file, "machine"), where) != 0) return false;
    started((long)json_integer_value(json_object_get(file, "process")), since);
    return strcmp(text_of(file, "since"), since) != 0;
}

/* A Slurm job that was put back to the queue starts when its processes have ended. */
static bool job_restarted(const json_t *file)
{
    const char *mine = environment("SLURM_JOB_ID");
    return *mine && strcmp(text_of(file, "job"), mine) == 0 &&
           json_integer_value(json_object_get(file, "restart")) < atoi(environment("SLURM_RESTART_COUNT"));
}

static bool ended(hq_claims *claims, const hq_held *held)
{
    if (held->file && (process_gone(held->file) || job_restarted(held->file))) return true;
    return now_there(claims) && difftime(claims->now.tv_sec, held->touched.tv_sec) > claims->lease;
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static void path_of(const hq_claims *claims, hq_run_key key, int64_t number, char path[PATH_MAX])
{
    char name[HQ_RUN_NAME_MAX];
    hq_run_name(key, name);
    snprintf(path, PATH_MAX, "%s/" FOLDER "/%s.%lld", claims->dir, name, (long long)number);
}

hq_status hq_claims_open(const char *dir, double lease, hq_claims *claims)
{
    char path[PATH_MAX];
    *claims = (hq_claims){.lease = lease};
    hq_copy_text(claims->dir, sizeof claims->dir, dir);
    snprintf(path, sizeof path, "%s/" FOLDER, claims->dir);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        HQ_FAIL(HQ_ERR_FILE, "folder %s cannot be made: %s", path, strerror(errno));
    HQ_TRY(describe_self(claims->self, sizeof claims->self - 128));
    return start_heart(lease, &claims->heartbeat);
}

void hq_claims_close(hq_claims *claims)
{
    stop_heart(claims->heartbeat);
    hq_map_free(&claims->map);
    *claims = (hq_claims){0};
}

static hq_status note(hq_claims *claims, hq_run_key key, int64_t number)
{
    const uint64_t hash = hq_run_hash(key);
    const int64_t before = hq_map_find(&claims->map, hash);
    if (before < 0) return hq_map_add(&claims->map, hash, number);
    if (number > before) hq_map_set(&claims->map, hash, number);
    return HQ_OK;
}

/* The number in "<id>-s<seed>.<number>"; 0: it is another file. */
static int64_t number_of(const char *name, hq_run_key *key)
{
    const char *rest;
    char *end;
    if (!hq_run_name_read(name, key, &rest) || rest[0] != '.' || rest[1] < '1' || rest[1] > '9') return 0;
    const long long number = strtoll(rest + 1, &end, 10);
    return *end ? 0 : number;
}

hq_status hq_claims_look(hq_claims *claims)
{
    char path[PATH_MAX];
    hq_status status = HQ_OK;
    snprintf(path, sizeof path, "%s/" FOLDER, claims->dir);
    hq_map_free(&claims->map);
    claims->now = (struct timespec){0};
    DIR *folder = opendir(path);
    if (!folder) HQ_FAIL(HQ_ERR_FILE, "folder %s cannot be read: %s", path, strerror(errno));
    for (struct dirent *entry = readdir(folder); entry && status == HQ_OK; entry = readdir(folder)) {
        hq_run_key key;
        const int64_t number = number_of(entry->d_name, &key);
        if (number > 0) status = note(claims, key, number);
        if (claims->stop[0] && strcmp(entry->d_name, claims->stop) == 0) claims->stopped = true;
    }
    closedir(folder);
    return status;
}

hq_status hq_claims_peek(hq_claims *claims)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" FOLDER, claims->dir);
    return access(path, F_OK) == 0 ? hq_claims_look(claims) : HQ_OK;
}

void hq_claims_stop(hq_claims *claims, bool stop)
{
    char path[PATH_MAX];
    if (!claims->stop[0]) return;
    snprintf(path, sizeof path, "%s/" FOLDER "/%s", claims->dir, claims->stop);
    const int fd = stop ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) close(fd);
    if (!stop) unlink(path);
}

bool hq_claims_known(const hq_claims *claims, hq_run_key key)
{
    return hq_map_find(&claims->map, hq_run_hash(key)) > 0;
}

/* ---- claiming ---------------------------------------------------------------------------------------------------- */

/* Another process that made the same file first has won. */
static hq_status make(hq_claims *claims, hq_run_key key, uint64_t progress, hq_claim *claim, hq_claiming *out)
{
    char text[640];
    path_of(claims, key, claim->number, claim->path);
    const int n = snprintf(text, sizeof text, "%.*s,\"attempts\":%d,\"progress\":\"%016llx\"}\n",
                           (int)strlen(claims->self) - 1, claims->self, claim->attempts, (unsigned long long)progress);
    const int fd = open(claim->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) return *out = HQ_CLAIM_OTHERS, claim->path[0] = '\0', HQ_OK;
    int error = fd < 0 ? errno : write(fd, text, (size_t)n) == n ? 0 : errno ? errno : EIO;
    if (!error && fsync(fd) != 0) error = errno; /* on NFS it is written only then */
    if (error) {
        if (fd >= 0) close(fd);
        unlink(claim->path);
        HQ_FAIL(HQ_ERR_FILE, "%s cannot be written: %s", claim->path, strerror(error));
    }
    hold(claims->heartbeat, fd);
    *out = HQ_CLAIM_MINE;
    return HQ_OK;
}

/* What an ended claim says of the attempts: starts that came no further count. */
static int attempts_after(const json_t *file, uint64_t progress)
{
    const bool further = strtoull(text_of(file, "progress"), NULL, 16) != progress;
    return further ? 0 : (int)json_integer_value(json_object_get(file, "attempts")) + 1;
}

/* A number for the last checkpoint of a run folder; its first bytes have the hash of all others. 0: there is none. */
static uint64_t progress_of(const char *run_dir)
{
    char path[PATH_MAX + 16], seal[512];
    snprintf(path, sizeof path, "%s/last.h5", run_dir);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : read(fd, seal, sizeof seal);
    if (fd >= 0) close(fd);
    return n > 0 ? hq_hash(seal, (size_t)n, 0) : 0;
}

hq_status hq_claim_try(hq_claims *claims, hq_run_key key, hq_takes takes, const char *run_dir, hq_claim *claim,
                       hq_claiming *out)
{
    const int64_t before = hq_map_find(&claims->map, hq_run_hash(key));
    uint64_t progress = 0;
    hq_held held;
    *claim = (hq_claim){.number = 1};
    *out = HQ_CLAIM_OTHERS;
    if (before > 0) {
        if (takes == HQ_TAKES_UNKNOWN) return HQ_OK;
        path_of(claims, key, before, claim->path);
        const bool there = read_claim(claim->path, &held);
        const bool free = there && ended(claims, &held);
        if (free) progress = progress_of(run_dir);
        if (free && held.file) claim->attempts = attempts_after(held.file, progress);
        json_decref(held.file);
        claim->path[0] = '\0';
        if (!free) return HQ_OK; /* one that is gone was released: there is news */
        if (claim->attempts > 0 && takes != HQ_TAKES_ALL) return HQ_OK;
        claim->number = (int)before + 1;
    } else {
        progress = progress_of(run_dir);
    }
    return make(claims, key, progress, claim, out);
}

/* A claim that another process has followed up, or that has another's file by now, is not ours to remove. */
void hq_claim_release(hq_claims *claims, hq_claim *claim, hq_run_key key)
{
    char path[PATH_MAX];
    if (!claim->path[0]) return;
    const bool ours = held_as(claims->heartbeat, claim->path);
    for (int i = 1; ours && i <= claim->number; i++) {
        path_of(claims, key, i, path);
        unlink(path);
    }
    hold(claims->heartbeat, -1);
    claim->path[0] = '\0';
}

bool hq_claim_holder(hq_claims *claims, hq_run_key key, char *text, size_t size, bool *alive)
{
    char path[PATH_MAX];
    hq_held held;
    const int64_t number = hq_map_find(&claims->map, hq_run_hash(key));
    text[0] = '\0';
    if (number <= 0) return false;
    path_of(claims, key, number, path);
    if (!read_claim(path, &held)) return false;
    *alive = !ended(claims, &held);
    const char *job = text_of(held.file, "job");
    snprintf(text, size, "%s%s%sprocess %lld on %s", *job ? "job " : "", job, *job ? ", " : "",
             (long long)json_integer_value(json_object_get(held.file, "process")), text_of(held.file, "host"));
    json_decref(held.file);
    return true;
}
