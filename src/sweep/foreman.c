/* foreman.c: which training comes next, and its result. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "sweep/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- results ----------------------------------------------------------------------------------------------------- */

static json_t *history_json(const hq_train_result *result)
{
    static const struct {
        const char *name;
        size_t offset;
    } column[] = {{"train_loss", offsetof(hq_epoch_row, train_loss)}, {"train_acc", offsetof(hq_epoch_row, train_acc)},
                  {"val_loss", offsetof(hq_epoch_row, val_loss)},     {"val_acc", offsetof(hq_epoch_row, val_acc)},
                  {"val_auc", offsetof(hq_epoch_row, val_auc)},       {"val_f1", offsetof(hq_epoch_row, val_f1)}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof column / sizeof *column; i++) {
        json_t *array = json_array();
        for (int64_t e = 0; result && e < result->epochs; e++) {
            const char *row = (const char *)&result->history[e];
            hq_json_append(&array, hq_json_number(*(const double *)(row + column[i].offset)));
        }
        hq_json_put(&object, column[i].name, array);
    }
    return object;
}

static json_t *test_json(const hq_train_result *result)
{
    const hq_metrics *m = &result->test.metrics;
    json_t *object = json_object();
    hq_json_put(&object, "acc", hq_json_number(m->acc));
    hq_json_put(&object, "auc", hq_json_number(m->auc));
    hq_json_put(&object, "precision", hq_json_number(m->precision));
    hq_json_put(&object, "recall", hq_json_number(m->recall));
    hq_json_put(&object, "f1", hq_json_number(m->f1));
    hq_json_put(&object, "loss", hq_json_number(result->test.loss));
    return object;
}

static json_t *settings_json(hq_sweep *sweep, int trial)
{
    json_t *object = json_object();
    for (int i = 0; i < hq_sweep_axes(sweep); i++) {
        const char *value = hq_sweep_value(sweep, trial + 1, i);
        if (*value) hq_json_put(&object, hq_sweep_key(sweep, i), hq_json_text(value));
    }
    return object;
}

/* A training that ended badly before it could say how far it was: that is what it had come to when it paused. */
static void take_history(hq_foreman *foreman, hq_run_key key, json_t **file)
{
    static const char *const member[] = {"epochs", "best_epoch", "history", "data", "kernels"};
    json_t *before = hq_results_load(&foreman->sweep->results, key);
    for (size_t i = 0; before && i < sizeof member / sizeof *member; i++)
        hq_json_put(file, member[i], json_incref(json_object_get(before, member[i])));
    json_decref(before);
}

/* "timing" and, where kernels differ, "kernels" depend on who trained it; a message may. */
static json_t *result_json(hq_foreman *foreman, const hq_work_order *order, hq_outcome outcome,
                           const hq_train_result *result, const char *message, double seconds, int ranks)
{
    char name[HQ_RUN_NAME_MAX], data[20] = "";
    json_t *file = json_object(), *timing = json_object();
    hq_run_name(hq_plan_key(foreman->sweep, order->trial, order->seed), name);
    hq_json_put(&file, "training", hq_json_text(name));
    hq_json_put(&file, "settings", settings_json(foreman->sweep, order->trial));
    hq_json_put(&file, "outcome", hq_json_text(hq_outcome_name(outcome)));
    if (message && *message) hq_json_put(&file, "message", hq_json_text(message));
    hq_json_put(&file, "epochs", json_integer(result ? result->epochs : 0));
    hq_json_put(&file, "best_epoch", json_integer(result ? result->best_epoch : 0));
    hq_json_put(&file, "history", history_json(result));
    if (result && result->tested) hq_json_put(&file, "test", test_json(result));
    if (result) snprintf(data, sizeof data, "%016" PRIx64, result->data);
    hq_json_put(&file, "data", hq_json_text(data));
    hq_json_put(&file, "kernels", hq_json_text(result ? result->variant : ""));
    if (!result || result->epochs == 0)
        take_history(foreman, hq_plan_key(foreman->sweep, order->trial, order->seed), &file);
    hq_json_put(&timing, "seconds", hq_json_number(seconds));
    hq_json_put(&timing, "ranks", json_integer(ranks));
    hq_json_put(&timing, "host", hq_json_text(hq_host_name()));
    hq_json_put(&file, "timing", timing);
    return file;
}

/* ---- what stays of a run folder ---------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path) == 0 || errno == ENOENT ? 0 : errno;
}

static void remove_tree(const char *path)
{
    enum { FOLDERS_OPEN = 8 };
    const int error = nftw(path, remove_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    if (error > 0) hq_warn("%s cannot be removed: %s", path, strerror(error));
}

void hq_foreman_discard(const char *run_dir)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/checkpoints", run_dir);
    remove_tree(path);
    snprintf(path, sizeof path, "%s/last.h5", run_dir);
    unlink(path);
}

static void tidy(const hq_sweep *sweep, const char *run_dir)
{
    if (sweep->base.sweep_keep == HQ_KEEP_NONE) remove_tree(run_dir);
    if (sweep->base.sweep_keep == HQ_KEEP_BEST) hq_foreman_discard(run_dir);
}

static void say_result(const hq_foreman *foreman, const hq_work_order *order, hq_outcome outcome,
                       const hq_train_result *result, const char *message, double seconds)
{
    const bool spoke = hq_say_let(true);
    const int trials = hq_sweep_trials(foreman->sweep);
    char what[1200];
    if (outcome == HQ_OUTCOME_OK) {
        const hq_epoch_row *best = &result->history[result->best_epoch - 1];
        snprintf(what, sizeof what, "val AUC %.4f  acc %.4f  loss %.4f  epoch %lld of %lld%s", best->val_auc,
                 best->val_acc, best->val_loss, (long long)result->best_epoch, (long long)result->epochs,
                 result->tested ? "" : ", paused");
    } else {
        snprintf(what, sizeof what, "%s: %s", hq_outcome_name(outcome), message);
    }
    hq_say("trial %*d/%d  seed %d  %s  %.1f s%s\n", snprintf(NULL, 0, "%d", trials), order->trial + 1, trials,
           order->config.train_seed, what, seconds, foreman->group);
    hq_say_let(spoke);
}

hq_status hq_foreman_finish(hq_foreman *foreman, const hq_work_order *order, hq_outcome outcome,
                            const hq_train_result *result, const char *message, double seconds, int ranks)
{
    const hq_run_key key = hq_plan_key(foreman->sweep, order->trial, order->seed);
    const bool pauses = outcome == HQ_OUTCOME_OK && !result->tested;
    say_result(foreman, order, outcome, result, message, seconds);
    json_t *text = result_json(foreman, order, outcome, result, message, seconds, ranks);
    const hq_status status = hq_results_write(&foreman->sweep->results, key, text, pauses ? result->epochs : INT64_MAX);
    json_decref(text);
    if (status == HQ_OK && outcome != HQ_OUTCOME_FAILED && !pauses) tidy(foreman->sweep, order->run_dir);
    hq_claim_release(&foreman->claims, &foreman->claim, key);
    return status;
}

bool hq_foreman_has_result(hq_foreman *foreman, const hq_work_order *order)
{
    hq_results *results = &foreman->sweep->results;
    const hq_run_key key = hq_plan_key(foreman->sweep, order->trial, order->seed);
    const int64_t epochs = order->until > 0 ? order->until : INT64_MAX;
    return hq_results_look_for(results, key, epochs) == HQ_OK && hq_results_find(results, key, epochs, true);
}

void hq_foreman_put_back(hq_foreman *foreman, const hq_work_order *order)
{
    hq_claim_release(&foreman->claims, &foreman->claim, hq_plan_key(foreman->sweep, order->trial, order->seed));
}

/* ---- the next one ------------------------------------------------------------------------------------------------ */

/* A claimed training becomes an order, or gets its result at once: *out. */
static hq_status prepare(hq_foreman *foreman, hq_job job, int seed, hq_work_order *order, bool *out)
{
    char message[1024];
    hq_sweep *sweep = foreman->sweep;
    const int64_t epochs = sweep->results.rung_epochs[job.rung];
    *out = false;
    order->trial = job.trial;
    order->seed = seed;
    order->until = job.rung < sweep->results.rungs - 1 ? epochs : 0;
    HQ_TRY(hq_results_look_for(&sweep->results, hq_plan_key(sweep, job.trial, seed), epochs));
    if (hq_results_find(&sweep->results, hq_plan_key(sweep, job.trial, seed), epochs, false)) {
        /* a process that finished it between our looks has given its claim back behind its result */
        hq_foreman_put_back(foreman, order);
        foreman->news = true;
        return HQ_OK;
    }
    hq_log_capture(message, sizeof message);
    const hq_status status = hq_sweep_config(sweep, job.trial + 1, &order->config);
    hq_log_capture(NULL, 0);
    order->config.train_seed += seed;
    if (status == HQ_OK && foreman->claim.attempts >= foreman->attempts)
        snprintf(
            message, sizeof message,
            "given up: %d starts ended without a sign and without a new checkpoint (sweep.attempts); the system may "
            "have ended them for want of memory",
            foreman->claim.attempts);
    else if (status == HQ_OK)
        return *out = true, order->what = HQ_DO_TRAIN, HQ_OK;
    foreman->news = true;
    return hq_foreman_finish(foreman, order, HQ_OUTCOME_FAILED, NULL, message, 0, 0);
}

/* Tries the trainings that have no result. Jobs are over for good when their results have been read, where that
 * matters.
 */
static hq_status search(hq_foreman *foreman, hq_takes takes, hq_work_order *order, bool *found)
{
    hq_sweep *sweep = foreman->sweep;
    const hq_schedule *schedule = &sweep->schedule;
    for (int64_t k = foreman->first; k < schedule->n; k++) {
        const hq_job job = schedule->job[k];
        const bool done = job.trial < 0 || hq_job_done(sweep, job);
        if (done && k == foreman->first && (!schedule->learns || k < schedule->known)) foreman->first++;
        if (done || (foreman->trial > 0 && job.trial != foreman->trial - 1)) continue;
        for (int seed = 0; seed < sweep->seeds; seed++) {
            const hq_run_key key = hq_plan_key(sweep, job.trial, seed);
            hq_claiming got;
            if (hq_results_find(&sweep->results, key, sweep->results.rung_epochs[job.rung], false)) continue;
            if (takes == HQ_TAKES_UNKNOWN && (hq_claims_known(&foreman->claims, key) || foreman->skip-- > 0)) continue;
            hq_run_path(sweep->results.dir, "trials", key, "", order->run_dir);
            HQ_TRY(hq_claim_try(&foreman->claims, key, takes, order->run_dir, &foreman->claim, &got));
            if (got == HQ_CLAIM_MINE) HQ_TRY(prepare(foreman, job, seed, order, found));
            if (*found) return HQ_OK;
        }
    }
    return HQ_OK;
}

bool hq_foreman_has_work(const hq_foreman *foreman)
{
    const hq_schedule *schedule = &foreman->sweep->schedule;
    bool left = !schedule->over;
    for (int64_t k = 0; k < schedule->n && !left; k++)
        left = schedule->job[k].trial >= 0 && !hq_job_done(foreman->sweep, schedule->job[k]);
    return left;
}

int hq_foreman_left(hq_foreman *foreman, hq_job job, char *holder, size_t size)
{
    hq_sweep *sweep = foreman->sweep;
    int left = 0;
    bool alive;
    for (int seed = 0; seed < sweep->seeds; seed++) {
        const hq_run_key key = hq_plan_key(sweep, job.trial, seed);
        if (hq_results_find(&sweep->results, key, sweep->results.rung_epochs[job.rung], false)) continue;
        left++;
        if (!*holder) hq_claim_holder(&foreman->claims, key, holder, size, &alive);
    }
    return left;
}

/* Claims are looked at before results: one that has just been given back has its result by then. */
static hq_status look(hq_foreman *foreman)
{
    HQ_TRY(hq_claims_look(&foreman->claims));
    return hq_sweep_refresh(foreman->sweep);
}

hq_status hq_foreman_next(hq_foreman *foreman, hq_work_order *order)
{
    bool found = false;
    do { /* again when a training has got its result at once: more may follow from that */
        foreman->news = false;
        HQ_TRY(look(foreman));
        if (foreman->claims.stopped) return order->what = HQ_DO_END, HQ_OK;
        HQ_TRY(search(foreman, HQ_TAKES_UNKNOWN, order, &found));
        if (!found && foreman->skip > 0) foreman->news = true;
        foreman->skip = 0;
        if (!found && !foreman->news) HQ_TRY(look(foreman));
        if (!found && !foreman->news)
            HQ_TRY(search(foreman, foreman->number == 0 ? HQ_TAKES_ALL : HQ_TAKES_ENDED, order, &found));
    } while (!found && foreman->news);
    if (!found) order->what = foreman->sweep->schedule.over ? HQ_DO_END : HQ_DO_WAIT;
    return HQ_OK;
}
