/* folder.c: the folder of a sweep and its plan. */
#include "sweep/private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static hq_status plan_path(const char *dir, char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/plan.cfg", dir) < PATH_MAX) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE, "sweep folder \"%.60s...\": the name is too long", dir);
}

hq_status hq_sweep_plan(const char *dir, hq_config *config)
{
    char path[PATH_MAX];
    HQ_TRY(plan_path(dir, path));
    if (access(path, F_OK) != 0) HQ_FAIL(HQ_ERR_USAGE, "%s is no folder of a sweep: it has no plan.cfg", dir);
    hq_config_defaults(config);
    HQ_TRY(hq_config_read_file(config, path));
    return hq_config_check(config);
}

/* Results that the folder has, and those of them that belong to the plan. */
static hq_status count_results(const hq_config *config, const char *dir, int64_t *all, int64_t *ours)
{
    hq_sweep *sweep;
    HQ_TRY(hq_sweep_open(config, dir, &sweep));
    *all = sweep->results.n;
    *ours = 0;
    for (int t = 0; t < sweep->known; t++)
        for (int seed = 0; seed < sweep->seeds; seed++)
            *ours += hq_results_find(&sweep->results, hq_plan_key(sweep, t, seed), 1, false) != NULL;
    hq_sweep_close(sweep);
    return HQ_OK;
}

static bool write_text(FILE *file, const void *ctx) { return fputs(ctx, file) >= 0; }

static hq_status write_plan(const hq_config *config, const char *path)
{
    char *text;
    HQ_TRY(hq_config_dump(config, true, &text));
    const int error = hq_file_write_among_others(path, write_text, text);
    hq_free(text);
    if (error) HQ_FAIL(HQ_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
    return HQ_OK;
}

/* Keys that say how a start works, and nothing of the plan. */
static const char *const of_a_start[] = {"sweep.ranks_per_trial",
                                         "sweep.lease",
                                         "sweep.attempts",
                                         "sweep.keep",
                                         "train.time_limit",
                                         "dist.spread",
                                         "dist.sum",
                                         "dist.exchange",
                                         "dist.overlap",
                                         "dist.piece",
                                         "dist.group",
                                         "dist.stall_timeout",
                                         "dist.stall_abort",
                                         "checkpoint.epochs",
                                         "checkpoint.steps",
                                         "checkpoint.seconds",
                                         "checkpoint.keep",
                                         "checkpoint.on_failure",
                                         "log.steps",
                                         "log.trace_steps"};

/* Whether the plan of the folder is this one already. */
static hq_status same_plan(const hq_config *config, const char *dir, bool *same)
{
    hq_config *there;
    char *a = NULL, *b = NULL;
    HQ_TRY(hq_alloc(sizeof *there, "the plan of a sweep", &there));
    hq_status status = hq_sweep_plan(dir, there);
    for (size_t i = 0; status == HQ_OK && i < sizeof of_a_start / sizeof *of_a_start; i++)
        hq_config_take(there, config, of_a_start[i]);
    if (status == HQ_OK) status = hq_config_dump(there, false, &a);
    if (status == HQ_OK) status = hq_config_dump(config, false, &b);
    *same = status == HQ_OK && strcmp(a, b) == 0;
    hq_free(a);
    hq_free(b);
    hq_free(there);
    return status;
}

static hq_status make_folder(const char *dir, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s%s", dir, *name ? "/" : "", name);
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE, "folder %s cannot be made: %s", path, strerror(errno));
}

static hq_status make_folders(const char *dir)
{
    char path[PATH_MAX];
    hq_copy_text(path, sizeof path, dir);
    for (char *at = path + 1; *at; at++) {
        if (*at != '/') continue;
        *at = '\0';
        HQ_TRY(make_folder(path, ""));
        *at = '/';
    }
    HQ_TRY(make_folder(dir, ""));
    HQ_TRY(make_folder(dir, "results"));
    HQ_TRY(make_folder(dir, "trials"));
    return make_folder(dir, "claims");
}

hq_status hq_sweep_settle(const hq_config *config, const char *dir, bool force)
{
    char path[PATH_MAX];
    int64_t all, ours;
    bool same = false;
    HQ_TRY(plan_path(dir, path));
    HQ_TRY(count_results(config, dir, &all, &ours)); /* and checks the space before anything is made */
    HQ_TRY(make_folders(dir));
    const bool there = access(path, F_OK) == 0;
    if (there) HQ_TRY(same_plan(config, dir, &same));
    if (same) return HQ_OK;
    if (there && all > 0 && ours == 0 && !force)
        HQ_FAIL(
            HQ_ERR_USAGE,
            "%s holds another sweep: none of its %lld results belongs to this plan; give another --run-dir, or --force "
            "to replace its plan (results stay)",
            dir, (long long)all);
    if (there)
        hq_say("the plan of %s changes; %lld of its %lld results belong to the new one\n", dir, (long long)ours,
               (long long)all);
    return write_plan(config, path);
}
