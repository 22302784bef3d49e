/* sweep.c: hqcnn-dist sweep, and what shows a sweep: status, best, table, report. */
#include "cli/cli.h"
#include "hqcnn/report.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

/* ---- sweep ------------------------------------------------------------------------------------------------------- */

/* sweeps/<name of the configuration> */
static void name_sweep(hq_options *options)
{
    char name[200] = "phantom";
    const char *slash = strrchr(options->config, '/'), *base = slash ? slash + 1 : options->config;
    if (*base) hq_copy_text(name, sizeof name, base);
    char *dot = strrchr(name, '.');
    if (dot && dot > name) *dot = '\0';
    snprintf(options->run_dir, sizeof options->run_dir, "sweeps/%s", name);
}

/* Rank 0 decides for all. Without CONFIG a folder goes on with its plan. */
static hq_status settle(hq_options *options)
{
    char plan[PATH_MAX];
    if (!options->run_dir[0]) name_sweep(options);
    if (options->config[0]) return HQ_OK;
    if (snprintf(plan, sizeof plan, "%s/plan.cfg", options->run_dir) >= (int)sizeof plan)
        HQ_FAIL(HQ_ERR_USAGE, "--run-dir: the name is too long");
    if (access(plan, F_OK) == 0) hq_copy_text(options->config, sizeof options->config, plan);
    return HQ_OK;
}

static void print_settings(hq_sweep *sweep, int trial, const char *indent)
{
    for (int i = 0; i < hq_sweep_axes(sweep); i++) {
        const char *value = hq_sweep_value(sweep, trial, i);
        if (*value) hq_say("%s%s = %s\n", indent, hq_sweep_key(sweep, i), value);
    }
}

/* What the trials are, without training any: rank 0. */
static hq_status print_plan(const hq_config *config, const char *dir)
{
    enum { SHOWN = 5 };
    char message[512], first[512] = "";
    int refused = 0;
    hq_sweep *sweep;
    hq_config *trial;
    HQ_TRY(hq_alloc(sizeof *trial, "a configuration", &trial));
    hq_status status = hq_sweep_open(config, dir, &sweep);
    for (int t = 1; status == HQ_OK && t <= hq_sweep_known(sweep); t++) {
        hq_log_capture(message, sizeof message);
        if (hq_sweep_config(sweep, t, trial) != HQ_OK && refused++ == 0) hq_copy_text(first, sizeof first, message);
        hq_log_capture(NULL, 0);
    }
    if (status == HQ_OK) {
        const int trials = hq_sweep_trials(sweep), seeds = hq_sweep_seeds(sweep);
        int64_t epochs = (int64_t)(trials - hq_sweep_known(sweep)) * config->train_epochs;
        for (int t = 1; t <= hq_sweep_known(sweep); t++) epochs += hq_sweep_epochs(sweep, t);
        hq_say("%s: %d trials x %d seed%s, method %s%s, up to %lld epochs in all\n", dir, trials, seeds,
               seeds == 1 ? "" : "s", hq_config_word("sweep.method", config->sweep_method),
               config->sweep_halving == HQ_HALVING_ASHA ? " with asha" : "", (long long)(seeds * epochs));
        if (refused > 0) hq_say("  %d are refused by the configuration, the first: %s\n", refused, first);
        for (int t = 1; t <= hq_sweep_known(sweep) && t <= SHOWN; t++) {
            hq_say("  trial %d\n", t);
            print_settings(sweep, t, "    ");
        }
        if (trials > SHOWN) hq_say("  ...\n");
    }
    hq_sweep_close(sweep);
    hq_free(trial);
    return status;
}

static hq_status work(hq_dist *dist, hq_options *options, double started)
{
    hq_config config;
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    hq_status status = HQ_OK;
    if (hq_dist_rank(dist) == 0) {
        hq_say("hqcnn-dist %s\n", HQ_VERSION);
        status = hq_sweep_settle(&config, options->run_dir, options->force);
    }
    const bool plans = options->command == HQ_COMMAND_SWEEP_PLAN;
    if (status == HQ_OK && plans && hq_dist_rank(dist) == 0) status = print_plan(&config, options->run_dir);
    HQ_TRY(hq_dist_agree(dist, status));
    if (plans) return HQ_OK;
    status = hq_sweep_work(dist, &config,
                           &(hq_sweep_options){.dir = options->run_dir,
                                               .trial = options->trial,
                                               .retry = options->retry,
                                               .signal_of = hq_cli_signal_asked,
                                               .started = started});
    if (status == HQ_INTERRUPTED)
        hq_say("interrupted; what was under way is saved: run the same command again to go on\n");
    return status;
}

static hq_status status_of(const char *dir);

hq_status hq_cli_sweep(hq_dist *dist, const hq_options *given)
{
    hq_options *options;
    const double started = hq_clock();
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *options, "options", &options));
    *options = *given;
    hq_cli_signals_take(hq_dist_rank(dist));
    hq_status status = hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? settle(options) : HQ_OK);
    if (status == HQ_OK) status = hq_dist_bcast(dist, options, sizeof *options);
    if (status == HQ_OK) status = work(dist, options, started);
    if (status == HQ_OK && options->command == HQ_COMMAND_SWEEP && options->trial == 0) {
        status = hq_dist_rank(dist) == 0 ? status_of(options->run_dir) : HQ_OK;
        const hq_status rested = hq_dist_rest(dist);
        status = rested == HQ_OK ? hq_dist_agree(dist, status) : rested;
    }
    hq_free(options);
    return status;
}

/* ---- what is known ----------------------------------------------------------------------------------------------- */

/* The sweep of a folder with its trials, the best first. */
typedef struct hq_known {
    hq_config *config;
    hq_sweep *sweep;
    hq_trial *trial; /* [n] */
    int n;
} hq_known;

static hq_status open_known(const char *dir, hq_known *known)
{
    *known = (hq_known){0};
    HQ_TRY(hq_alloc(sizeof *known->config, "the plan of a sweep", &known->config));
    HQ_TRY(hq_sweep_plan(dir, known->config));
    HQ_TRY(hq_sweep_open(known->config, dir, &known->sweep));
    HQ_TRY(hq_alloc_array((size_t)hq_sweep_trials(known->sweep) + 1, sizeof *known->trial, "trials", &known->trial));
    return hq_sweep_rank(known->sweep, known->trial, &known->n);
}

static void close_known(hq_known *known)
{
    hq_sweep_close(known->sweep);
    hq_free(known->trial);
    hq_free(known->config);
}

/* Opens, shows and closes. */
static hq_status show(const char *dir, hq_status (*print)(hq_known *known, void *ctx), void *ctx)
{
    hq_known known;
    hq_status status = open_known(dir, &known);
    if (status == HQ_OK) status = print(&known, ctx);
    close_known(&known);
    return status;
}

/* "0.9123" or "0.9123 +- 0.0045"; "-" when it is not known. */
static const char *number(hq_over_seeds of, char text[48])
{
    if (isnan(of.mean))
        snprintf(text, 48, "-");
    else if (isnan(of.deviation))
        snprintf(text, 48, "%.4f", of.mean);
    else
        snprintf(text, 48, "%.4f +- %.4f", of.mean, of.deviation);
    return text;
}

static void print_trial(hq_known *known, const hq_trial *trial)
{
    char a[48], b[48], c[48], d[48];
    hq_say("best: trial %d%s, %d seed%s, %lld epochs\n", trial->number,
           trial->stopped ? " (of those that asha stopped: none came to its end)" : "", hq_sweep_seeds(known->sweep),
           hq_sweep_seeds(known->sweep) == 1 ? "" : "s", (long long)trial->epochs);
    hq_say("  val   AUC %s  accuracy %s\n", number(trial->val_auc, a), number(trial->val_acc, b));
    if (!isnan(trial->test_auc.mean) || !isnan(trial->test_acc.mean))
        hq_say("  test  AUC %s  accuracy %s\n", number(trial->test_auc, c), number(trial->test_acc, d));
    print_settings(known->sweep, trial->number, "  ");
}

static bool has_best(const hq_known *known) { return known->n > 0 && !isinf(known->trial[0].merit); }

static hq_status print_status(hq_known *known, void *dir)
{
    hq_sweep_counts counts;
    HQ_TRY(hq_sweep_count(known->sweep, true, &counts));
    hq_say("%s: %d trials x %d seed%s, method %s%s\n", (const char *)dir, hq_sweep_trials(known->sweep),
           hq_sweep_seeds(known->sweep), hq_sweep_seeds(known->sweep) == 1 ? "" : "s",
           hq_config_word("sweep.method", known->config->sweep_method),
           known->config->sweep_halving == HQ_HALVING_ASHA ? " with asha" : "");
    hq_say("  trainings %lld%s: %lld done (%lld diverged, %lld failed), %lld under way, %lld open%s\n",
           (long long)counts.all, counts.over ? "" : " so far", (long long)counts.done, (long long)counts.diverged,
           (long long)counts.failed, (long long)counts.held, (long long)(counts.all - counts.done - counts.held),
           counts.lost > 0 ? " (some were lost in their midst: start the sweep again)" : "");
    if (counts.epochs_of_all > 0)
        hq_say("  epochs %lld, %.1f %% of what all trials take to their end\n", (long long)counts.epochs,
               100 * (double)counts.epochs / (double)counts.epochs_of_all);
    if (counts.other_data > 0)
        hq_warn(
            "%lld results are of another data set than the first: it was replaced by one of the same name; give the "
            "sweep another folder",
            (long long)counts.other_data);
    if (counts.other_kernels > 0)
        hq_warn("%lld results were computed with other kernels than the first: they may differ in the last bits",
                (long long)counts.other_kernels);
    if (has_best(known)) print_trial(known, &known->trial[0]);
    return HQ_OK;
}

static hq_status status_of(const char *dir) { return show(dir, print_status, (void *)dir); }

/* ---- best -------------------------------------------------------------------------------------------------------- */

static bool write_text(FILE *file, const void *ctx) { return fputs(ctx, file) >= 0; }

static hq_status print_best(hq_known *known, void *ctx)
{
    const hq_options *options = ctx;
    char run_dir[PATH_MAX], *text;
    hq_config *config;
    if (!has_best(known))
        HQ_FAIL(HQ_ERR_USAGE, "%s: no trial has a result yet that is not diverged or failed", options->run_dir);
    const int trial = known->trial[0].number;
    print_trial(known, &known->trial[0]);
    hq_sweep_run_dir(known->sweep, trial, 0, run_dir);
    hq_say("  run folder %s\n", run_dir);
    if (!options->output[0]) return HQ_OK;
    HQ_TRY(hq_alloc(sizeof *config, "a configuration", &config));
    hq_status status = hq_sweep_config(known->sweep, trial, config);
    if (status == HQ_OK) status = hq_config_dump(config, true, &text);
    hq_free(config);
    HQ_TRY(status);
    status = hq_cli_write("--output", options->output, write_text, text);
    hq_free(text);
    if (status == HQ_OK && strcmp(options->output, "-") != 0) hq_say("  configuration %s\n", options->output);
    return status;
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

/* A text of CSV, in quotes where it needs them. */
static void print_text(FILE *file, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text; text++) fprintf(file, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', file);
}

static void print_number(FILE *file, double x)
{
    fputc(',', file);
    if (isfinite(x)) fprintf(file, "%.17g", x);
}

static const char *state_of(const hq_trial *trial, int seeds)
{
    if (trial->failed) return "failed";
    if (trial->diverged) return "diverged";
    if (trial->done == seeds) return "ok";
    return trial->stopped ? "stopped" : "open";
}

/* Nothing in it depends on who trained what when. */
static bool write_table(FILE *file, const void *ctx)
{
    static const struct {
        const char *name;
        size_t offset;
    } column[] = {{"val_auc", offsetof(hq_trial, val_auc)},      {"val_acc", offsetof(hq_trial, val_acc)},
                  {"val_f1", offsetof(hq_trial, val_f1)},        {"val_loss", offsetof(hq_trial, val_loss)},
                  {"test_auc", offsetof(hq_trial, test_auc)},    {"test_acc", offsetof(hq_trial, test_acc)},
                  {"test_f1", offsetof(hq_trial, test_f1)},      {"test_loss", offsetof(hq_trial, test_loss)},
                  {"best_epoch", offsetof(hq_trial, best_epoch)}};
    enum { COLUMNS = sizeof column / sizeof *column };
    const hq_known *known = ctx;
    hq_sweep *sweep = known->sweep;
    fputs("trial,id,state,epochs,seeds", file);
    for (int i = 0; i < hq_sweep_axes(sweep); i++) fprintf(file, ",%s", hq_sweep_key(sweep, i));
    for (int i = 0; i < COLUMNS; i++) fprintf(file, ",%s,%s_sd", column[i].name, column[i].name);
    fputc('\n', file);
    for (int t = 1; t <= hq_sweep_known(sweep); t++) {
        hq_trial trial;
        if (hq_sweep_look(sweep, t, &trial) != HQ_OK) return false;
        fprintf(file, "%d,%016llx,%s,%lld,%d", t, (unsigned long long)trial.id, state_of(&trial, hq_sweep_seeds(sweep)),
                (long long)trial.epochs, trial.ok);
        for (int i = 0; i < hq_sweep_axes(sweep); i++) {
            fputc(',', file);
            print_text(file, hq_sweep_value(sweep, t, i));
        }
        for (int i = 0; i < COLUMNS; i++) {
            const hq_over_seeds *of = (const hq_over_seeds *)((const char *)&trial + column[i].offset);
            print_number(file, of->mean);
            print_number(file, of->deviation);
        }
        fputc('\n', file);
    }
    return true;
}

static hq_status print_table(hq_known *known, void *ctx)
{
    const hq_options *options = ctx;
    return hq_cli_write("--output", options->output, write_table, known);
}

/* ---- report ------------------------------------------------------------------------------------------------------ */

static hq_status print_report(hq_known *known, void *ctx)
{
    const hq_options *options = ctx;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/report.html", options->run_dir) >= (int)sizeof path)
        HQ_FAIL(HQ_ERR_USAGE, "%s: the name is too long", options->run_dir);
    if (options->output[0]) hq_copy_text(path, sizeof path, options->output);
    HQ_TRY(hq_report_sweep(known->sweep, known->config, options->run_dir, path));
    hq_say("report %s\n", path);
    return HQ_OK;
}

hq_status hq_cli_sweep_show(hq_dist *dist, const hq_options *options)
{
    hq_status status = HQ_OK;
    if (hq_dist_rank(dist) == 0) {
        if (options->command == HQ_COMMAND_SWEEP_STATUS) status = status_of(options->run_dir);
        if (options->command == HQ_COMMAND_SWEEP_BEST) status = show(options->run_dir, print_best, (void *)options);
        if (options->command == HQ_COMMAND_SWEEP_TABLE) status = show(options->run_dir, print_table, (void *)options);
        if (options->command == HQ_COMMAND_SWEEP_REPORT) status = show(options->run_dir, print_report, (void *)options);
    }
    return hq_dist_agree(dist, status);
}
