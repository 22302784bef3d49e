/* events.c: the lines of a run: on the screen, and as rows of metrics.jsonl. Rank 0 does the work.
 *
 * Every row has "event", "epoch" and "step". Whatever depends on clock or rank count stands under "timing": all other
 * values are the same for any rank count.
 */
#include "train/run.h"

#include "hqcnn/json.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Writes a row and takes it over. */
static hq_status write_row(hq_run *run, json_t *row)
{
    char *text = row ? json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(row);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for a row of %s/metrics.jsonl", run->dir);
    hq_status status = hq_train_rows_add(run, text);
    free(text);
    return status;
}

static json_t *timing(const hq_run *run, double seconds, double images)
{
    json_t *object = json_object();
    hq_json_put(&object, "seconds", hq_json_number(seconds));
    hq_json_put(&object, "images_per_second", hq_json_number(seconds > 0 ? images / seconds : 0));
    hq_json_put(&object, "ranks", json_integer(hq_dist_size(run->dist)));
    return object;
}

static json_t *new_row(const hq_run *run, const char *event)
{
    return json_pack("{s:s, s:I, s:I}", "event", event, "epoch", (json_int_t)run->progress.epoch, "step",
                     (json_int_t)run->progress.step);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* jansson says nothing, and sets no code, when it has no memory for its first buffer. */
static bool lacks_memory(const json_error_t *error)
{
    return error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory;
}

/* Whether a row of an earlier part of the run belongs to the state that is resumed: what came after it will come again.
 */
static hq_row row_stays(const hq_run *run, const char *line)
{
    json_error_t error;
    json_t *row = json_loads(line, 0, &error);
    if (!row) return lacks_memory(&error) ? HQ_ROW_UNKNOWN : HQ_ROW_GOES;
    const char *event = json_string_value(json_object_get(row, "event"));
    const int64_t epoch = json_integer_value(json_object_get(row, "epoch"));
    const int64_t step = json_integer_value(json_object_get(row, "step"));
    bool stays = event && strcmp(event, "test") != 0 && step <= run->progress.step && epoch <= run->progress.epoch;
    json_decref(row);
    return stays ? HQ_ROW_STAYS : HQ_ROW_GOES;
}

/* The rows of before are in the run folder, or in the checkpoint's when the run goes on in a new folder. */
static hq_status open_file(hq_run *run)
{
    char before[PATH_MAX];
    if (!run->resume) return hq_train_rows_open(run, NULL, row_stays);
    hq_train_path(run, "metrics.jsonl", before);
    if (access(before, F_OK) != 0) hq_train_beside(run->resume, "metrics.jsonl", before);
    return hq_train_rows_open(run, before, row_stays);
}

static hq_status open_rows(hq_run *run)
{
    HQ_TRY(open_file(run));
    json_t *row = new_row(run, run->resume ? "resume" : "start"), *about = json_object();
    hq_json_put(&about, "version", json_string(HQ_VERSION));
    hq_json_put(&about, "kernels", json_string(hq_model_variant(run->model)));
    hq_json_put(&about, "ranks", json_integer(hq_dist_size(run->dist)));
    hq_json_put(&about, "nodes", json_integer(hq_dist_nodes(run->dist)));
    hq_json_put(&row, "timing", about);
    return write_row(run, row);
}

hq_status hq_train_events_open(hq_run *run)
{
    hq_status status = hq_dist_rank(run->dist) == 0 ? open_rows(run) : HQ_OK;
    return hq_dist_agree(run->dist, status);
}

/* ---- during the run ---------------------------------------------------------------------------------------------- */

static void clear_line(void)
{
    if (hq_say_is_terminal()) hq_say("\r\033[K");
}

/* "1:02:03" or "2:03" */
static const char *duration(double seconds, char buffer[32])
{
    long s = lround(fmin(fmax(seconds, 0), 1e9));
    if (s >= 3600)
        snprintf(buffer, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(buffer, 32, "%ld:%02ld", s / 60, s % 60);
    return buffer;
}

void hq_train_progress_line(hq_run *run, const hq_step_result *result)
{
    const double now = hq_clock();
    if (!hq_say_is_terminal() || now - run->last_line < 0.2) return;
    run->last_line = now;
    const int64_t total = run->steps_per_epoch * run->config->train_epochs;
    const double steps = (double)(run->progress.step - run->steps_at_start), seconds = now - run->started;
    char left[32];
    hq_say("\r\033[Kepoch %lld/%d  step %lld/%lld  loss %.4f  %.0f images/s  %s left",
           (long long)run->progress.epoch + 1, run->config->train_epochs, (long long)run->progress.step_in_epoch,
           (long long)run->steps_per_epoch, result->loss, steps * run->config->train_batch / seconds,
           duration(seconds / steps * (double)(total - run->progress.step), left));
}

hq_status hq_train_event_step(hq_run *run, const hq_step_result *result)
{
    hq_status status = HQ_OK;
    if (hq_dist_rank(run->dist) == 0) {
        json_t *row = new_row(run, "step");
        hq_json_put(&row, "loss", hq_json_number(result->loss));
        hq_json_put(&row, "learning_rate", hq_json_number(result->learning_rate));
        status = write_row(run, row);
    }
    return hq_dist_agree(run->dist, status);
}

void hq_train_print_sum(const hq_run *run)
{
    char text[HQ_SUM_TEXT];
    hq_dist_sum_describe(run->sum, text, sizeof text);
    if (!text[0]) return;
    clear_line();
    hq_say("sums      %s\n", text);
}

static json_t *epoch_json(const hq_run *run, const hq_epoch_row *row, bool best)
{
    json_t *object = new_row(run, "epoch"), *train = json_object(), *val = json_object();
    hq_json_put(&object, "learning_rate", hq_json_number(row->learning_rate));
    hq_json_put(&train, "loss", hq_json_number(row->train_loss));
    hq_json_put(&train, "acc", hq_json_number(row->train_acc));
    hq_json_put(&val, "loss", hq_json_number(row->val_loss));
    hq_json_put(&val, "acc", hq_json_number(row->val_acc));
    hq_json_put(&val, "auc", hq_json_number(row->val_auc));
    hq_json_put(&val, "f1", hq_json_number(row->val_f1));
    hq_json_put(&object, "train", train);
    hq_json_put(&object, "val", val);
    hq_json_put(&object, "best", json_boolean(best));
    return object;
}

/* How evenly the circuits of the epoch's steps were spread, and what that sent. Collective. */
static hq_status circuits_json(const hq_run *run, json_t **out)
{
    const double steps = run->load_steps > 0 ? (double)run->load_steps : 1;
    hq_balance items, bytes, waiting;
    HQ_TRY(hq_dist_balance(run->dist, (double)run->load.circuits, &items));
    HQ_TRY(hq_dist_balance(run->dist, (double)run->load.bytes / steps, &bytes));
    HQ_TRY(hq_dist_balance(run->dist, run->load.waiting / steps, &waiting));
    *out =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "mean", hq_json_number(items.mean), "most", hq_json_number(items.most),
                  "bytes_per_step_mean", hq_json_number(bytes.mean), "bytes_per_step_most", hq_json_number(bytes.most),
                  "waiting_per_step_most", hq_json_number(waiting.most));
    return HQ_OK;
}

/* Where the time of the epoch went, over all ranks. */
typedef struct hq_epoch_times {
    hq_balance phase[HQ_PHASE_COUNT]; /* seconds */
    hq_balance waiting;               /* share of a rank's time in which it waited for others */
    double seconds;                   /* all phases of a rank, on average */
} hq_epoch_times;

static hq_status balance_phases(const hq_run *run, hq_epoch_times *times)
{
    double mine[HQ_PHASE_COUNT + 1], total = 0, waiting = 0;
    hq_balance all[HQ_PHASE_COUNT + 1];
    hq_phase_seconds(mine);
    for (int i = 0; i < HQ_PHASE_COUNT; i++) {
        mine[i] -= run->phases[i];
        total += mine[i];
        if (hq_phase_kind_of((hq_phase)i) == HQ_PHASE_WAITS) waiting += mine[i];
    }
    mine[HQ_PHASE_COUNT] = total > 0 ? waiting / total : 0;
    HQ_TRY(hq_dist_balances(run->dist, HQ_PHASE_COUNT + 1, mine, all));
    *times = (hq_epoch_times){.waiting = all[HQ_PHASE_COUNT]};
    for (int i = 0; i < HQ_PHASE_COUNT; i++) {
        times->phase[i] = all[i];
        times->seconds += all[i].mean;
    }
    return HQ_OK;
}

static json_t *balance_json(const hq_balance *balance)
{
    return json_pack("{s:o, s:o, s:o}", "least", hq_json_number(balance->least), "mean", hq_json_number(balance->mean),
                     "most", hq_json_number(balance->most));
}

static json_t *phases_json(const hq_epoch_times *times)
{
    json_t *object = json_object();
    for (int i = 0; i < HQ_PHASE_COUNT; i++)
        if (times->phase[i].most > 0) hq_json_put(&object, hq_phase_name((hq_phase)i), balance_json(&times->phase[i]));
    return object;
}

/* One line, when ranks had to wait at all: phases of at least a hundredth of the time. */
static void say_phases(const hq_epoch_times *times)
{
    const double tells = 0.01;
    if (times->waiting.most < tells) return;
    hq_say("          ranks work %.0f %% of the time (%.0f to %.0f %%):", 100 * (1 - times->waiting.mean),
           100 * (1 - times->waiting.most), 100 * (1 - times->waiting.least));
    for (int i = 0; i < HQ_PHASE_COUNT; i++)
        if (times->phase[i].mean >= tells * times->seconds)
            hq_say(" %s %.0f", hq_phase_name((hq_phase)i), 100 * times->phase[i].mean / times->seconds);
    hq_say("\n");
}

hq_status hq_train_event_epoch(hq_run *run, const hq_epoch_row *row, bool best)
{
    json_t *circuits = NULL;
    hq_epoch_times spent;
    HQ_TRY(balance_phases(run, &spent));
    HQ_TRY(circuits_json(run, &circuits));
    const double seconds = hq_clock() - run->epoch_started;
    const double images = (double)(run->data.set.info.count[HQ_SPLIT_TRAIN] - run->seen_at_start);
    char auc[16] = "none  ";
    hq_status status = HQ_OK;
    clear_line();
    if (!isnan(row->val_auc)) snprintf(auc, sizeof auc, "%.4f", row->val_auc);
    hq_say("epoch %*d/%d  loss %.4f  acc %.4f | val loss %.4f  acc %.4f  AUC %s %s | %.0f images/s  %.1f s\n",
           snprintf(NULL, 0, "%d", run->config->train_epochs), (int)row->epoch, run->config->train_epochs,
           row->train_loss, row->train_acc, row->val_loss, row->val_acc, auc, best ? "best" : "    ", images / seconds,
           seconds);
    say_phases(&spent);
    if (hq_dist_rank(run->dist) == 0) {
        json_t *object = epoch_json(run, row, best);
        json_t *times = timing(run, seconds, images);
        hq_json_put(&times, "circuits", json_incref(circuits));
        hq_json_put(&times, "phases", phases_json(&spent));
        hq_json_put(&times, "efficiency", hq_json_number(1 - spent.waiting.mean));
        hq_json_put(&object, "timing", times);
        status = write_row(run, object);
    }
    json_decref(circuits);
    return hq_dist_agree(run->dist, status);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static json_t *test_json(const hq_run *run, const hq_evaluation *test, const hq_class_metrics *per_class)
{
    const hq_metrics *m = &test->metrics;
    json_t *row = new_row(run, "test"), *classes = json_array();
    hq_json_put(&row, "best_epoch", json_integer(run->progress.best_epoch));
    hq_json_put(&row, "samples", json_integer(m->samples));
    hq_json_put(&row, "loss", hq_json_number(test->loss));
    hq_json_put(&row, "acc", hq_json_number(m->acc));
    hq_json_put(&row, "auc", hq_json_number(m->auc));
    hq_json_put(&row, "precision", hq_json_number(m->precision));
    hq_json_put(&row, "recall", hq_json_number(m->recall));
    hq_json_put(&row, "f1", hq_json_number(m->f1));
    for (int k = 0; k < run->data.set.info.classes; k++) hq_json_append(&classes, hq_json_number(per_class[k].auc));
    hq_json_put(&row, "auc_of_class", classes);
    return row;
}

void hq_train_print_table(const char *title, const hq_data_info *info, const hq_evaluation *result,
                          const hq_class_metrics *per_class)
{
    const hq_metrics *m = &result->metrics;
    hq_say("\n%s\n", title);
    hq_say("  images  accuracy     AUC  precision  recall      F1    loss\n");
    hq_say("  %6lld    %.4f  %.4f     %.4f  %.4f  %.4f  %.4f\n", (long long)m->samples, m->acc, m->auc, m->precision,
           m->recall, m->f1, result->loss);
    for (int k = 0; k < info->classes && m->auc_undefined > 0; k++)
        if (isnan(per_class[k].auc))
            hq_say("  the AUC of class %d is undefined (%lld of %lld samples are of that class) and left out of the "
                   "mean\n",
                   k, (long long)per_class[k].support, (long long)m->samples);
}

hq_status hq_train_event_test(hq_run *run, const hq_evaluation *test, const hq_class_metrics *per_class)
{
    hq_status status = HQ_OK;
    hq_balance memory;
    HQ_TRY(hq_dist_balance(run->dist, hq_memory_peak(), &memory));
    if (hq_dist_rank(run->dist) == 0) {
        char title[320];
        const int64_t best = run->progress.best_epoch;
        snprintf(title, sizeof title, "test split of %s, model of epoch %lld (best validation %s), %.1f s in all",
                 run->data.set.info.name, (long long)best, isnan(run->history[best - 1].val_auc) ? "accuracy" : "AUC",
                 hq_clock() - run->started);
        hq_train_print_table(title, &run->data.set.info, test, per_class);
        hq_say("resident memory of a rank: %.0f MB at most, %.0f MB on average\n", memory.most / 1e6,
               memory.mean / 1e6);
        hq_say("run folder %s\n", run->dir);
        status = write_row(run, test_json(run, test, per_class));
        if (status == HQ_OK) status = hq_train_rows_sync(run);
    }
    return hq_dist_agree(run->dist, status);
}
