/* results.c: see results.h. */
#include "sweep/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "results"
static const int64_t to_the_end = INT64_MAX;

/* ---- names ------------------------------------------------------------------------------------------------------- */

void hq_run_name(hq_run_key key, char name[HQ_RUN_NAME_MAX])
{
    snprintf(name, HQ_RUN_NAME_MAX, "%016" PRIx64 "-s%d", key.id, key.seed);
}

bool hq_run_name_read(const char *text, hq_run_key *key, const char **rest)
{
    char *end;
    if (strspn(text, "0123456789abcdef") != 16 || strncmp(text + 16, "-s", 2) != 0) return false;
    key->id = strtoull(text, NULL, 16);
    if (text[18] < '0' || text[18] > '9') return false;
    const long seed = strtol(text + 18, &end, 10);
    key->seed = (int)seed;
    *rest = end;
    return seed >= 0 && seed <= INT32_MAX;
}

uint64_t hq_run_hash(hq_run_key key) { return hq_hash(&key.seed, sizeof key.seed, key.id); }

static unsigned shard_of(hq_run_key key) { return (unsigned)(key.id >> 56); }

void hq_run_path(const char *dir, const char *folder, hq_run_key key, const char *ending, char path[PATH_MAX])
{
    char name[HQ_RUN_NAME_MAX];
    hq_run_name(key, name);
    snprintf(path, PATH_MAX, "%s/%s/%02x/%s%s", dir, folder, shard_of(key), name, ending);
}

/* Of "<id>-s<seed>.json" or "<id>-s<seed>-e<epochs>.json". */
static bool read_name(const char *name, hq_run_key *key, int64_t *epochs)
{
    const char *rest;
    char *end;
    if (!hq_run_name_read(name, key, &rest)) return false;
    *epochs = to_the_end;
    if (strcmp(rest, ".json") == 0) return true;
    if (strncmp(rest, "-e", 2) != 0 || rest[2] < '1' || rest[2] > '9') return false;
    *epochs = strtoll(rest + 2, &end, 10);
    return strcmp(end, ".json") == 0;
}

static void path_of(const hq_results *results, hq_run_key key, int64_t epochs, char path[PATH_MAX])
{
    char ending[40] = ".json";
    if (epochs != to_the_end) snprintf(ending, sizeof ending, "-e%lld.json", (long long)epochs);
    hq_run_path(results->dir, FOLDER, key, ending, path);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static hq_record *find(const hq_results *results, hq_run_key key)
{
    const int64_t at = hq_map_find(&results->map, hq_run_hash(key));
    return at < 0 ? NULL : &results->record[at];
}

static hq_status note(hq_results *results, hq_run_key key, int64_t epochs)
{
    hq_record *record = find(results, key);
    if (record) {
        if (epochs > record->epochs) record->epochs = epochs;
        record->broken = false; /* it may be another file by now */
        return HQ_OK;
    }
    HQ_TRY(hq_alloc_more(&results->record, results->n, &results->room, sizeof *results->record, "results of a sweep"));
    HQ_TRY(hq_map_add(&results->map, hq_run_hash(key), results->n));
    results->record[results->n++] = (hq_record){.key = key, .epochs = epochs};
    return HQ_OK;
}

static hq_status read_folder(hq_results *results, const char *path)
{
    hq_status status = HQ_OK;
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT ? HQ_OK : hq_fail(HQ_ERR_FILE, "%s cannot be read: %s", path, strerror(errno));
    for (struct dirent *entry = readdir(folder); entry && status == HQ_OK; entry = readdir(folder)) {
        hq_run_key key;
        int64_t epochs;
        if (read_name(entry->d_name, &key, &epochs)) status = note(results, key, epochs);
    }
    closedir(folder);
    return status;
}

/* A folder is read again when it has changed, or was so young that it may have changed without another time. */
hq_status hq_results_look(hq_results *results)
{
    enum { YOUNG = 5 }; /* seconds, also between clocks */
    for (unsigned i = 0; i < HQ_SHARDS; i++) {
        char path[PATH_MAX];
        struct stat info;
        snprintf(path, sizeof path, "%s/" FOLDER "/%02x", results->dir, i);
        if (stat(path, &info) != 0) continue;
        struct timespec *known = &results->changed[i];
        if (known->tv_sec == info.st_mtim.tv_sec && known->tv_nsec == info.st_mtim.tv_nsec) continue;
        HQ_TRY(read_folder(results, path));
        *known = labs((long)(time(NULL) - info.st_mtim.tv_sec)) < YOUNG ? (struct timespec){0} : info.st_mtim;
    }
    return HQ_OK;
}

hq_status hq_results_look_for(hq_results *results, hq_run_key key, int64_t epochs)
{
    const int64_t kind[] = {epochs, to_the_end};
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX];
        const hq_record *record = find(results, key);
        if (record && record->epochs >= kind[i]) continue;
        path_of(results, key, kind[i], path);
        if (access(path, F_OK) == 0) HQ_TRY(note(results, key, kind[i]));
    }
    return HQ_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* In one read: jansson itself takes a file letter by letter, which is half of the time. False: it cannot be read now,
 * or there is no memory for it; errno. */
static bool load(const char *path, char **out_text, size_t *out_bytes)
{
    enum { LARGEST = 1 << 28 }; /* bytes; what is larger is some other file */
    struct stat info;
    bool good = false;
    errno = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    if (fstat(fd, &info) == 0 && info.st_size <= LARGEST &&
        hq_alloc((size_t)info.st_size, "the result of a training", out_text) == HQ_OK) {
        good = read(fd, *out_text, (size_t)info.st_size) == info.st_size;
        if (!good) hq_free(*out_text);
    }
    close(fd);
    *out_bytes = good ? (size_t)info.st_size : 0;
    return good;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double entry(const json_t *history, const char *key, int64_t i)
{
    const json_t *value = json_array_get(json_object_get(history, key), (size_t)i);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *const metric_key[] = {"val_auc", "val_acc", "val_f1", "val_loss"};

static double metric_at(const json_t *history, int metric, int64_t epoch)
{
    const double value = entry(history, metric_key[metric], epoch);
    if (isnan(value)) return -INFINITY;
    return metric == HQ_METRIC_VAL_LOSS ? -value : value;
}

/* By which the trainer chooses its best epoch: train/run.c. */
static double choice(const json_t *history, int64_t epoch)
{
    const double auc = entry(history, "val_auc", epoch);
    return isnan(auc) ? entry(history, "val_acc", epoch) : auc;
}

/* The metric of the best epoch, as far as each rung goes. A training that ended badly keeps what it was at the rungs
 * that it had passed: decisions were made by that. */
static void take_merits(const hq_results *results, const json_t *history, int64_t epochs, hq_record *record)
{
    const bool good = record->found.outcome == HQ_OUTCOME_OK;
    int64_t best = 0, at = 0;
    for (int i = 0; i < results->rungs; i++) {
        const bool last = i == results->rungs - 1; /* train.epochs may be in the space: to the end, wherever that is */
        for (; at < epochs && (last || at < results->rung_epochs[i]); at++)
            if (choice(history, at) > choice(history, best)) best = at;
        const bool passed = !last && results->rung_epochs[i] <= epochs;
        record->merit[i] = good || passed ? metric_at(history, results->metric, best) : -INFINITY;
    }
    record->found.best_epoch = epochs > 0 ? best + 1 : 0;
    record->found.val_auc = entry(history, "val_auc", best);
    record->found.val_acc = entry(history, "val_acc", best);
    record->found.val_f1 = entry(history, "val_f1", best);
    record->found.val_loss = entry(history, "val_loss", best);
}

static bool take_outcome(const json_t *file, hq_outcome *out)
{
    const char *text = json_string_value(json_object_get(file, "outcome"));
    for (int i = HQ_OUTCOME_OK; text && i <= HQ_OUTCOME_FAILED; i++)
        if (strcmp(text, hq_outcome_name((hq_outcome)i)) == 0) return *out = (hq_outcome)i, true;
    return false;
}

/* False: it is no whole result. */
static bool take(const hq_results *results, const json_t *file, hq_record *record)
{
    const json_t *history = json_object_get(file, "history"), *test = json_object_get(file, "test");
    const char *data = json_string_value(json_object_get(file, "data"));
    const char *kernels = json_string_value(json_object_get(file, "kernels"));
    hq_finding *found = &record->found;
    *found = (hq_finding){0};
    if (!take_outcome(file, &found->outcome) || !json_is_object(history)) return false;
    found->epochs = json_integer_value(json_object_get(file, "epochs"));
    if ((int64_t)json_array_size(json_object_get(history, "val_loss")) != found->epochs) return false;
    take_merits(results, history, found->epochs, record);
    found->test_auc = number(test, "auc");
    found->test_acc = number(test, "acc");
    found->test_f1 = number(test, "f1");
    found->test_loss = number(test, "loss");
    found->data = data ? strtoull(data, NULL, 16) : 0;
    found->kernels = kernels && *kernels ? hq_hash_text(kernels) : 0;
    return true;
}

bool hq_result_read(const hq_results *results, const char *text, size_t bytes, hq_record *record)
{
    json_error_t error;
    json_t *file = json_loadb(text, bytes, 0, &error);
    const bool good = file && take(results, file, record);
    json_decref(file);
    return good;
}

/* A file that cannot be read now is not broken: it is not there for this time. */
static bool read_record(hq_results *results, hq_record *record)
{
    char path[PATH_MAX], *text;
    size_t bytes;
    path_of(results, record->key, record->epochs, path);
    if (!load(path, &text, &bytes)) {
        if (errno == ENOENT) record->epochs = 0; /* somebody has removed it, or a longer one has taken its place: */
        results->changed[shard_of(record->key)] = (struct timespec){0}; /* look again */
        if (errno != ENOENT && !results->told) hq_warn("%s cannot be read: %s", path, strerror(errno));
        results->told |= errno != ENOENT;
        return false;
    }
    const bool good = hq_result_read(results, text, bytes, record);
    hq_free(text);
    record->read = good ? record->epochs : 0;
    record->broken = !good;
    if (!good) hq_warn("%s is no whole result: it counts as none", path);
    return good;
}

hq_record *hq_results_find(hq_results *results, hq_run_key key, int64_t epochs, bool content)
{
    hq_record *record = find(results, key);
    if (!record || record->broken || record->epochs < epochs || record->epochs == 0) return NULL;
    if (content && record->read < record->epochs && !read_record(results, record)) return NULL;
    return record;
}

bool hq_results_add_curve(hq_results *results, hq_run_key key, double weight, double *curve, size_t epochs)
{
    json_t *file = hq_results_load(results, key);
    const json_t *history = json_object_get(file, "history");
    for (size_t i = 0; i < epochs; i++) curve[i] += weight * entry(history, metric_key[results->metric], (int64_t)i);
    const bool there = file != NULL;
    json_decref(file);
    return there;
}

bool hq_results_find_at(hq_results *results, hq_run_key key, int64_t epochs, hq_finding *found)
{
    hq_record cut = {.key = key};
    json_t *file = hq_results_load(results, key);
    json_t *history = json_object_get(file, "history");
    const char *name;
    json_t *column;
    json_object_foreach(history, name, column) while ((int64_t)json_array_size(column) > epochs)
        json_array_remove(column, (size_t)epochs);
    const bool good = file && json_object_set_new(file, "epochs", json_integer(epochs)) == 0 &&
                      json_object_del(file, "test") <= 0 &&
                      json_object_set_new(file, "outcome", json_string("ok")) == 0 && take(results, file, &cut);
    json_decref(file);
    *found = cut.found;
    return good;
}

bool hq_results_broken(const hq_results *results, hq_run_key key)
{
    const hq_record *record = find(results, key);
    return record && record->broken;
}

json_t *hq_results_load(hq_results *results, hq_run_key key)
{
    char path[PATH_MAX], *text;
    size_t bytes;
    json_error_t error;
    const hq_record *record = find(results, key);
    if (!record || record->broken || record->epochs == 0) return NULL;
    path_of(results, key, record->epochs, path);
    if (!load(path, &text, &bytes)) return NULL;
    json_t *file = json_loadb(text, bytes, 0, &error);
    hq_free(text);
    return file;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool write_json(FILE *file, const void *ctx)
{
    return json_dumpf(ctx, file, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 && fputc('\n', file) != EOF;
}

hq_status hq_results_write(hq_results *results, hq_run_key key, json_t *text, int64_t epochs)
{
    char path[PATH_MAX], folder[PATH_MAX];
    const hq_record *before = find(results, key);
    const int64_t shorter = before ? before->epochs : 0;
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the result of a training");
    path_of(results, key, epochs, path);
    hq_file_folder(path, folder, sizeof folder);
    int error = mkdir(folder, 0777) == 0 || errno == EEXIST ? 0 : errno;
    if (!error) error = hq_file_write_among_others(path, write_json, text);
    if (error) HQ_FAIL(HQ_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
    if (shorter > 0 && shorter < epochs) {
        path_of(results, key, shorter, path);
        unlink(path);
    }
    HQ_TRY(note(results, key, epochs));
    find(results, key)->read = 0; /* it is read when somebody asks */
    return HQ_OK;
}

void hq_results_forget(hq_results *results, hq_run_key key)
{
    char path[PATH_MAX];
    hq_record *record = find(results, key);
    if (!record) return;
    path_of(results, key, record->epochs, path);
    unlink(path);
    record->epochs = record->read = 0;
    record->broken = false;
}

void hq_results_free(hq_results *results)
{
    hq_map_free(&results->map);
    hq_free(results->record);
    *results = (hq_results){0};
}
