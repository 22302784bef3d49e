/* run.c: a training from start to end: set up, epochs, best model, test. */
#include "train/run.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

static hq_status allocate(hq_run *run)
{
    const hq_data_info *info = &run->data.set.info;
    const size_t p = (size_t)hq_model_param_count(run->model), s = (size_t)hq_model_stat_count(run->model);
    const size_t n = (size_t)run->microbatch * (size_t)run->most_held;
    HQ_TRY(hq_alloc_array((size_t)info->classes, sizeof(double), "class weights", &run->class_weight));
    HQ_TRY(hq_alloc_array(p, sizeof(hq_real), "first moments", &run->moment1));
    if (hq_optimizer_moments(run->optimizer.kind) > 1)
        HQ_TRY(hq_alloc_array(p, sizeof(hq_real), "second moments", &run->moment2));
    HQ_TRY(hq_alloc_array((size_t)run->config->train_epochs, sizeof *run->history, "history", &run->history));
    HQ_TRY(hq_alloc_array((size_t)run->most_held, sizeof *run->batch, "micro-batches", &run->batch));
    HQ_TRY(hq_alloc_array(n, hq_model_input_size(run->model) * sizeof(hq_real), "images", &run->x));
    HQ_TRY(hq_alloc_array(n, (size_t)info->labels * sizeof(int32_t), "labels", &run->labels));
    HQ_TRY(hq_alloc_array(n, sizeof(int64_t), "sample numbers", &run->samples));
    return hq_alloc_array(s, sizeof(hq_real), "norm statistics", &run->mean_stats);
}

double hq_train_rate(const hq_config *config)
{
    return hq_rate_for_batch(config->train_rate_rule, config->train_learning_rate, config->train_batch,
                             config->train_rate_batch);
}

static void set_rules(hq_run *run)
{
    const hq_config *config = run->config;
    run->optimizer =
        (hq_optimizer){config->train_optimizer, config->train_momentum,     config->train_beta1, config->train_beta2,
                       config->train_epsilon,   config->train_weight_decay, config->train_trust};
    run->schedule = (hq_schedule){.kind = config->train_schedule,
                                  .rate = hq_train_rate(config),
                                  .factor = config->train_schedule_factor,
                                  .warmup_epochs = config->train_warmup,
                                  .epochs = config->train_epochs,
                                  .n_steps = config->train_schedule_steps.n};
    memcpy(run->schedule.steps, config->train_schedule_steps.v, sizeof run->schedule.steps);
}

/* Each rank serves its own micro-batches of a full batch; it has no more of a short one. */
static hq_status make_reader(hq_run *run)
{
    const int64_t micro = (run->config->train_batch + run->microbatch - 1) / run->microbatch;
    const int64_t window = hq_data_window(run->config, &run->data.set.info, micro, run->microbatch);
    int64_t lo, hi;
    hq_dist_share(run->dist, micro, &lo, &hi);
    return hq_reader_create(&run->data.set, window, (int)(hi - lo), &run->reader);
}

/* Micro-batches are computed together only while that takes little memory. */
hq_status hq_train_make_model(hq_run *run)
{
    enum { LITTLE = 128 << 20 }; /* bytes of activations */
    const hq_data_info *info = &run->data.set.info;
    if (run->joint) return hq_model_create(run->config, info, run->microbatch, run->most_held, &run->model);
    HQ_TRY(hq_model_create(run->config, info, run->microbatch, 1, &run->model));
    if (hq_model_arena_bytes(run->model) * (size_t)run->most_held > LITTLE) run->most_held = 1;
    if (run->most_held == 1) return HQ_OK;
    hq_model_destroy(run->model);
    return hq_model_create(run->config, info, run->microbatch, run->most_held, &run->model);
}

static hq_status build(void *ctx)
{
    hq_run *run = ctx;
    HQ_TRY(hq_train_make_model(run));
    HQ_TRY(make_reader(run));
    return allocate(run);
}

hq_status hq_train_set_up(hq_run *run)
{
    if (!run->borrows) HQ_TRY(hq_train_load_data(run->dist, run->config, &run->data));
    const hq_data_info *info = &run->data.set.info;
    run->microbatch = hq_train_microbatch(run->config);
    run->joint = hq_train_joint(run->config);
    run->most_held = hq_train_most_held(run->dist, run->config, info);
    run->steps_per_epoch = (info->count[HQ_SPLIT_TRAIN] + run->config->train_batch - 1) / run->config->train_batch;
    set_rules(run);
    run->progress.data = (int64_t)run->data.hash;
    HQ_TRY(hq_dist_in_turn(run->dist, build, run));
    if (hq_dist_rank(run->dist) == 0) /* which may warn */
        hq_data_class_weights(&run->data.set, run->config->train_class_weights, run->class_weight);
    HQ_TRY(hq_dist_bcast(run->dist, run->class_weight, (size_t)info->classes * sizeof(double)));
    hq_model_init(run->model, (uint64_t)run->config->train_seed);
    HQ_TRY(hq_train_open_sum(run));
    return hq_train_spreader_create(run->dist, run->config, run->model, &run->spreader);
}

void hq_train_release(hq_run *run)
{
    hq_train_rows_close(run);
    hq_free(run->class_weight);
    hq_free(run->moment1);
    hq_free(run->moment2);
    hq_free(run->history);
    hq_free(run->batch);
    hq_free(run->x);
    hq_free(run->labels);
    hq_free(run->samples);
    hq_free(run->mean_stats);
    hq_dist_sum_destroy(run->sum);
    hq_free(run->trace);
    hq_train_spreader_destroy(run->spreader);
    hq_model_destroy(run->model);
    hq_reader_destroy(run->reader);
    if (!run->borrows) hq_train_free_data(&run->data);
}

/* ---- epochs ------------------------------------------------------------------------------------------------------ */

static hq_status stop(hq_run *run)
{
    hq_train_stop_say(run);
    HQ_TRY(hq_train_save(run, false));
    return HQ_INTERRUPTED;
}

/* Steps from where the run stands to the end of its epoch. */
static hq_status train_epoch(hq_run *run)
{
    while (run->progress.seen < run->data.set.info.count[HQ_SPLIT_TRAIN]) {
        hq_step_result result;
        const double start = hq_clock();
        const hq_status status = hq_train_step(run, &result);
        if (status == HQ_ERR_EXECUTOR) HQ_TRY(hq_train_save(run, false)); /* the step has changed nothing */
        HQ_TRY(status);
        hq_train_stop_timed(run, false, hq_clock() - start);
        if (hq_dist_sum_news(run->sum)) hq_train_print_sum(run);
        HQ_TRY(hq_train_trace_step(run));
        hq_train_progress_line(run, &result);
        const int64_t step = run->progress.step;
        if (run->config->log_steps > 0 && step % run->config->log_steps == 0) HQ_TRY(hq_train_event_step(run, &result));
        const bool due = run->config->checkpoint_steps > 0 && step % run->config->checkpoint_steps == 0;
        bool saved;
        if (result.stop) return stop(run);
        if (due || result.save) HQ_TRY(hq_train_save_on_the_way(run, false, &saved));
    }
    return HQ_OK;
}

/* The same, and what its circuits cost this rank. */
static hq_status train_epoch_counted(hq_run *run)
{
    const hq_circuit_load before = hq_train_spreader_load(run->spreader);
    const int64_t steps = run->progress.step;
    hq_status status = train_epoch(run);
    const hq_circuit_load after = hq_train_spreader_load(run->spreader);
    run->load =
        (hq_circuit_load){after.circuits - before.circuits, after.bytes - before.bytes, after.waiting - before.waiting};
    run->load_steps = run->progress.step - steps;
    return status;
}

/* What best.h5 is chosen by: validation AUC, or accuracy where the AUC is undefined. */
static double merit(const hq_epoch_row *row) { return isnan(row->val_auc) ? row->val_acc : row->val_auc; }

/* Closes the epoch: its row of history, whether it is the best so far. */
static bool close_epoch(hq_run *run, const hq_evaluation *val, hq_epoch_row **out_row)
{
    hq_progress *at = &run->progress;
    const bool multi = run->data.set.info.task == HQ_TASK_MULTI_LABEL;
    hq_epoch_row *row = &run->history[at->epoch];
    const double last =
        (double)((run->steps_per_epoch - 1) * run->config->train_batch); /* samples before the last step */
    *row =
        (hq_epoch_row){.epoch = (double)at->epoch + 1,
                       .learning_rate = hq_schedule_rate(&run->schedule, (double)at->epoch + last / (double)at->seen,
                                                         (double)at->epoch + 1),
                       .train_loss = run->epoch_loss / (double)at->seen,
                       .train_acc = (double)at->correct / ((double)at->seen * (multi ? run->data.set.info.classes : 1)),
                       .val_loss = val->loss,
                       .val_acc = val->metrics.acc,
                       .val_auc = val->metrics.auc,
                       .val_f1 = val->metrics.f1};
    bool best = at->best_epoch == 0 || merit(row) > merit(&run->history[at->best_epoch - 1]);
    at->epoch++;
    at->step_in_epoch = at->correct = at->seen = 0;
    run->epoch_loss = 0;
    at->stale = best ? 0 : at->stale + 1;
    if (best) at->best_epoch = at->epoch;
    *out_row = row;
    return best;
}

static bool early(const hq_run *run)
{
    return run->config->train_early_stop > 0 && run->progress.stale >= run->config->train_early_stop;
}

static hq_status check_finite(const hq_run *run, const hq_evaluation *val)
{
    if (isfinite(val->loss)) return HQ_OK;
    if (hq_dist_rank(run->dist) != 0) return HQ_ERR_NUMERIC;
    HQ_FAIL(
        HQ_ERR_NUMERIC,
        "training diverged in epoch %lld: the validation loss is not finite; try a lower train.learning_rate (now %g), "
        "train.warmup or train.clip_norm",
        (long long)run->progress.epoch + 1, hq_train_rate(run->config));
}

/* The best epoch is one that best.h5 holds. */
static hq_status save_epoch(hq_run *run, bool best, const hq_progress *before)
{
    const int64_t epoch = run->progress.epoch;
    const int patience = run->config->train_early_stop;
    const bool last_chance = patience > 0 && before->stale + 1 >= patience; /* the training ends if this is not saved */
    const bool end = epoch == run->config->train_epochs || epoch == run->until || early(run) || last_chance;
    bool saved = true;
    if (end) return hq_train_save(run, best);
    if (best || epoch % run->config->checkpoint_epochs == 0) HQ_TRY(hq_train_save_on_the_way(run, best, &saved));
    if (saved || !best) return HQ_OK;
    run->progress.best_epoch = before->best_epoch;
    run->progress.stale = before->stale + 1;
    return HQ_OK;
}

/* What asks the run to stop is heard during an evaluation too: its state is that behind the last step. */
static bool asked(void *ctx)
{
    hq_run *run = ctx;
    const double now = hq_clock();
    hq_train_stop_timed(run, false, now - run->stop.heard);
    run->stop.heard = now;
    return hq_train_stop_asked(run);
}

static hq_status finish_epoch(hq_run *run)
{
    hq_evaluation val;
    hq_epoch_row *row;
    run->stop.heard = hq_clock();
    const hq_status status = hq_train_evaluate(run->dist, run->config, run->model, run->spreader, &run->data.set,
                                               HQ_SPLIT_VAL, &(hq_asked){asked, run}, &val, NULL, NULL, NULL);
    if (status == HQ_INTERRUPTED) return stop(run);
    if (status == HQ_ERR_EXECUTOR) HQ_TRY(hq_train_save(run, false)); /* behind the last step of the epoch */
    HQ_TRY(status);
    HQ_TRY(check_finite(run, &val));
    const hq_progress before = run->progress;
    bool best = close_epoch(run, &val, &row);
    HQ_TRY(hq_train_event_epoch(run, row, best));
    return save_epoch(run, best, &before);
}

/* The best model on its way back for the test. */
typedef struct hq_best {
    hq_run *run;
    hq_state state;
    char path[PATH_MAX];
    hq_class_metrics *per_class;
} hq_best;

static hq_status restore_best(void *ctx)
{
    hq_best *best = ctx;
    HQ_TRY(hq_train_restore_model(best->run->model, &best->state, best->path));
    return hq_alloc_array((size_t)best->run->data.set.info.classes, sizeof *best->per_class, "metrics",
                          &best->per_class);
}

/* Test metrics of the best model. */
static hq_status test_best(hq_run *run)
{
    hq_best best = {.run = run};
    hq_evaluation test;
    hq_train_path(run, "best.h5", best.path);
    HQ_TRY(hq_checkpoint_read(run->dist, best.path, &best.state));
    hq_status status = hq_dist_in_turn(run->dist, restore_best, &best);
    hq_checkpoint_free(&best.state);
    run->stop.heard = hq_clock();
    if (status == HQ_OK)
        status = hq_train_evaluate(run->dist, run->config, run->model, run->spreader, &run->data.set, HQ_SPLIT_TEST,
                                   &(hq_asked){asked, run}, &test, NULL, best.per_class, NULL);
    if (status == HQ_INTERRUPTED) hq_train_stop_say(run);
    if (status == HQ_OK) status = hq_train_event_test(run, &test, best.per_class);
    hq_free(best.per_class);
    if (status == HQ_OK && run->result) {
        run->result->tested = true;
        run->result->test = test;
    }
    return status;
}

static hq_status train(hq_run *run)
{
    run->started = run->epoch_started = run->saved_at = hq_clock();
    hq_phase_seconds(run->phases);
    run->steps_at_start = run->progress.step;
    run->seen_at_start = run->progress.seen;
    HQ_TRY(hq_train_trace_begin(run));
    while (run->progress.epoch < run->config->train_epochs && !early(run)) {
        if (run->until > 0 && run->progress.epoch >= run->until) return HQ_OK;
        HQ_TRY(train_epoch_counted(run));
        HQ_TRY(finish_epoch(run));
        run->epoch_started = hq_clock();
        hq_phase_seconds(run->phases);
        run->seen_at_start = 0;
    }
    if (run->progress.epoch < run->config->train_epochs)
        hq_say("stopped early: no better model in %lld epochs (train.early_stop)\n", (long long)run->progress.stale);
    return test_best(run);
}

/* ---- the run folder ---------------------------------------------------------------------------------------------- */

/* mkdir -p */
static hq_status make_folders(const char *dir)
{
    char path[PATH_MAX];
    if (!hq_copy_text(path, sizeof path - 16, dir))
        HQ_FAIL(HQ_ERR_FILE, "run folder \"%.60s...\": the name is longer than %d characters", dir,
                (int)sizeof path - 17);
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') continue;
        const char kept = *at;
        *at = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            HQ_FAIL(HQ_ERR_FILE, "run folder %s cannot be made: %s", dir, strerror(errno));
        *at = kept;
        if (kept == '\0') return HQ_OK;
    }
}

/* Whether the file lies in the folder. */
static bool lies_in(const char *file, const char *dir)
{
    char folder[PATH_MAX];
    struct stat a, b;
    hq_train_beside(file, ".", folder);
    return stat(folder, &a) == 0 && stat(dir, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static hq_status claim_folder(const hq_run *run)
{
    HQ_TRY(make_folders(run->dir));
    if (!hq_train_has_checkpoint(run->dir)) return HQ_OK;
    if (!run->resume)
        HQ_FAIL(HQ_ERR_USAGE,
                "run folder %s holds a run already; add --resume to go on with it, or give another --run-dir",
                run->dir);
    if (!lies_in(run->resume, run->dir))
        HQ_FAIL(HQ_ERR_USAGE,
                "run folder %s holds another run than %s; a checkpoint goes on in its own folder or in a new one",
                run->dir, run->resume);
    return HQ_OK;
}

static bool write_text(FILE *file, const void *ctx) { return fputs(ctx, file) >= 0; }

static hq_status write_config(const hq_run *run)
{
    char path[PATH_MAX], *text;
    HQ_TRY(hq_config_dump(run->config, true, &text));
    hq_train_path(run, "config.cfg", path);
    int error = hq_file_write(path, write_text, text);
    hq_free(text);
    if (!error) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
}

static hq_status prepare_folder(const hq_run *run)
{
    hq_status status = HQ_OK;
    if (hq_dist_rank(run->dist) == 0) {
        status = claim_folder(run);
        if (status == HQ_OK) status = hq_train_keep_begin(run);
        if (status == HQ_OK) status = write_config(run);
    }
    return hq_dist_agree(run->dist, status);
}

static void tell_result(hq_run *run)
{
    hq_train_result *result = run->result;
    if (!result) return;
    result->epochs = run->progress.epoch;
    result->best_epoch = run->progress.best_epoch;
    result->history = run->history;
    run->history = NULL;
    result->data = run->data.hash;
    hq_copy_text(result->variant, sizeof result->variant, hq_model_variant(run->model));
}

hq_status hq_train_run(hq_dist *dist, const hq_config *config, const hq_train_options *options)
{
    hq_run run = {.dist = dist,
                  .config = config,
                  .dir = options->run_dir,
                  .resume = options->resume,
                  .until = options->until,
                  .result = options->result,
                  .borrows = options->data != NULL,
                  .rows = {.fd = -1}};
    if (options->data) run.data = *options->data;
    if (options->result) *options->result = (hq_train_result){0};
    hq_train_stop_begin(&run, options);
    hq_status status = hq_train_set_up(&run);
    if (status == HQ_OK && run.resume) status = hq_train_resume(&run, options->state);
    if (status == HQ_OK) status = prepare_folder(&run);
    if (status == HQ_OK && run.resume) status = hq_train_keep_resumed(&run);
    if (status == HQ_OK && run.resume) status = hq_train_restore_best(&run, run.resume);
    if (status == HQ_OK) status = hq_train_events_open(&run);
    if (status == HQ_OK && run.resume) status = hq_train_keep_resumed(&run);
    if (status == HQ_OK) {
        hq_train_print_summary(dist, config, &run.data.set.info, run.model);
        hq_train_print_sum(&run);
        hq_train_stop_print(&run);
        if (hq_dist_rank(dist) == 0) hq_train_print_absent(&run.data.set);
        status = train(&run);
        if (status != HQ_ERR_COMM) status = hq_train_worse(status, hq_train_trace_end(&run));
    }
    if (status == HQ_OK || status == HQ_ERR_NUMERIC) tell_result(&run);
    hq_train_release(&run);
    return status;
}
