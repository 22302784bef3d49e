/* results.h: what trainings of a sweep have found: one file for each, "results/<2 digits>/<id>-s<seed>.json", or
 * "...-e<epochs>.json" when the training paused there. A file appears whole and is never changed, so that names tell
 * what is there; of a training that came further the shorter files may stay for a while. Private to sweep. */
#ifndef HQCNN_SWEEP_RESULTS_H
#define HQCNN_SWEEP_RESULTS_H

#include "sweep/map.h"

#include "hqcnn/json.h"
#include "hqcnn/sweep.h"
#include "hqcnn/train.h"

#include <sys/stat.h>

enum { HQ_RUNGS_MAX = 32, HQ_SHARDS = 256, HQ_RUN_NAME_MAX = 40 };

/* A training: a trial with one of its seeds. */
typedef struct hq_run_key {
    uint64_t id; /* of the trial */
    int seed;
} hq_run_key;

/* "<id>-s<seed>" */
void hq_run_name(hq_run_key key, char name[HQ_RUN_NAME_MAX]);
/* The same read from the start of a text; *rest: what follows. */
bool hq_run_name_read(const char *text, hq_run_key *key, const char **rest);
uint64_t hq_run_hash(hq_run_key key);

/* What is known of a training. */
typedef struct hq_record {
    hq_run_key key;
    int64_t epochs; /* as far as there are results; INT64_MAX: to the end */
    int64_t read;   /* the same, of what has been read from the file into `found`; 0: nothing yet */
    bool broken;    /* the file is no whole result */
    hq_finding found;
    double merit[HQ_RUNGS_MAX]; /* at the epochs of the rungs, the larger the better */
} hq_record;

typedef struct hq_results {
    char dir[PATH_MAX - 128]; /* of the sweep */
    int rungs, metric;
    int64_t rung_epochs[HQ_RUNGS_MAX];
    hq_map map;
    hq_record *record;
    int64_t n, room;
    struct timespec changed[HQ_SHARDS]; /* of a folder, when it was last looked at; 0: look again */
    bool told;                          /* of a file that cannot be read */
} hq_results;

/* Looks which files are new. HQ_ERR_MEMORY, HQ_ERR_FILE. Local. */
hq_status hq_results_look(hq_results *results);

/* Looks for the result of one training up to so many epochs, or to its end. HQ_ERR_MEMORY. */
hq_status hq_results_look_for(hq_results *results, hq_run_key key, int64_t epochs);

/* The record of a training that has results of so many epochs at least, or to its end; NULL: there is none. Reads the
 * file if `content`: one that is broken counts as none from then on, with a warning. */
hq_record *hq_results_find(hq_results *results, hq_run_key key, int64_t epochs, bool content);
/* Whether the file has been found broken: it could be read, and is no whole result. */
bool hq_results_broken(const hq_results *results, hq_run_key key);

/* Adds weight times the metric after each epoch to curve[epochs]; NAN behind the end. False: there is no whole result.
 */
bool hq_results_add_curve(hq_results *results, hq_run_key key, double weight, double *curve, size_t epochs);

/* The text of a file as what is known of a training; false: it is no whole result. */
bool hq_result_read(const hq_results *results, const char *text, size_t bytes, hq_record *record);

/* The file of a training, NULL without one; json_decref. What it was after so many epochs, of a longer one. */
json_t *hq_results_load(hq_results *results, hq_run_key key);
bool hq_results_find_at(hq_results *results, hq_run_key key, int64_t epochs, hq_finding *found);

/* Writes the result of a training, and forgets what was known before. HQ_ERR_FILE, HQ_ERR_MEMORY. Local. */
hq_status hq_results_write(hq_results *results, hq_run_key key, json_t *text, int64_t epochs);

/* Removes the result of a training, broken or not, so that it is trained again. */
void hq_results_forget(hq_results *results, hq_run_key key);

/* "<dir>/<folder>/<2 digits>/<id>-s<seed><ending>" */
void hq_run_path(const char *dir, const char *folder, hq_run_key key, const char *ending, char path[PATH_MAX]);

void hq_results_free(hq_results *results);

#endif
