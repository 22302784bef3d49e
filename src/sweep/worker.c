/* worker.c: all ranks of a program work on a sweep: groups of them, each of which trains one thing after the other. */
#include "sweep/worker.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef struct hq_worker {
    hq_dist *world, *group;
    const hq_sweep_options *options;
    const hq_config *config;
    int groups, number; /* of this one */
    hq_node_data data;  /* of all trainings */
    bool shares;        /* they have the same data */
    uint64_t launch;    /* a number for this start of the program */
    hq_foreman foreman; /* of the first rank of the group */
    hq_work_order *order;
    double worked;   /* seconds in trainings */
    int trained;     /* trainings */
    uint64_t warned; /* hash of the last warning of a training */
} hq_worker;

static bool leads(const hq_worker *worker) { return hq_dist_rank(worker->group) == 0; }

/* ---- one training ------------------------------------------------------------------------------------------------ */

/* None of its checkpoints can be loaded: they go. The result will be the same. */
static hq_status begin_anew(hq_worker *worker, char *text, size_t size, char last[PATH_MAX])
{
    hq_log_capture(NULL, 0);
    if (leads(worker)) {
        hq_warn("trial %d, seed %d begins anew: %s", worker->order->trial + 1, worker->order->config.train_seed, text);
        hq_foreman_discard(worker->order->run_dir);
    }
    last[0] = '\0';
    hq_log_capture(text, size);
    return hq_dist_barrier(worker->group);
}

/* From where its run folder is. Errors and warnings are kept in the text. */
static hq_status train(hq_worker *worker, hq_train_result *result, char *text, size_t size)
{
    const hq_work_order *order = worker->order;
    char last[PATH_MAX];
    hq_state state = {0};
    const bool spoke = hq_say_let(false);
    hq_log_capture(text, size);
    hq_status status = hq_train_open_last(worker->group, order->run_dir, last, &state);
    if (status == HQ_ERR_FILE) status = begin_anew(worker, text, size, last);
    const hq_train_options options = {.run_dir = order->run_dir,
                                      .resume = last[0] ? last : NULL,
                                      .state = &state,
                                      .signal_of = worker->options->signal_of,
                                      .data = worker->shares ? &worker->data : NULL,
                                      .until = order->until,
                                      .started = worker->options->started,
                                      .result = result};
    if (status == HQ_OK) status = hq_train_run(worker->group, &order->config, &options);
    hq_checkpoint_free(&state);
    hq_log_capture(NULL, 0);
    hq_say_let(spoke);
    return status;
}

/* What happens to a sweep when a training ends so. */
typedef enum hq_after { HQ_AFTER_RESULT, HQ_AFTER_LATER, HQ_AFTER_STOP } hq_after;

static hq_after after(const hq_worker *worker, hq_status status)
{
    switch (status) {
    case HQ_OK:
    case HQ_ERR_NUMERIC: /* diverged */
    case HQ_ERR_CONFIG:
    case HQ_ERR_MEMORY:
        return HQ_AFTER_RESULT;
    case HQ_ERR_USAGE: /* another process has taken the run folder over */
        return HQ_AFTER_LATER;
    case HQ_ERR_DATA:
        return worker->shares ? HQ_AFTER_STOP : HQ_AFTER_RESULT;
    default:
        return HQ_AFTER_STOP;
    }
}

/* A warning of a training is told once, not for each of hundreds. */
static void pass_warning(hq_worker *worker, const char *text)
{
    const uint64_t hash = hq_hash_text(text);
    if (!*text || hash == worker->warned) return;
    worker->warned = hash;
    hq_warn("trial %d: %s", worker->order->trial + 1, text);
}

static hq_status close_training(hq_worker *worker, hq_status status, const hq_train_result *result, const char *message,
                                double seconds)
{
    if (!leads(worker)) return HQ_OK;
    const hq_outcome outcome = status == HQ_OK            ? HQ_OUTCOME_OK
                               : status == HQ_ERR_NUMERIC ? HQ_OUTCOME_DIVERGED
                                                          : HQ_OUTCOME_FAILED;
    if (after(worker, status) != HQ_AFTER_RESULT || status == HQ_INTERRUPTED) {
        hq_foreman_put_back(&worker->foreman, worker->order);
        return HQ_OK;
    }
    return hq_foreman_finish(&worker->foreman, worker->order, outcome, result, message, seconds,
                             hq_dist_size(worker->group));
}

static hq_status train_and_tell(hq_worker *worker)
{
    char text[2048] = "";
    hq_train_result result = {0};
    hq_found found = {0};
    const double start = hq_clock();
    hq_status status = train(worker, &result, text, sizeof text);
    const double seconds = hq_clock() - start;
    worker->worked += seconds;
    worker->trained++;
    if (status == HQ_OK) pass_warning(worker, text);
    if (status == HQ_ERR_COMM) return *text ? hq_fail(status, "%s", text) : status;
    hq_status told = HQ_OK;
    int there = 0;
    if (status != HQ_OK && status != HQ_INTERRUPTED) {
        told = hq_dist_tell(worker->group, text[0] != '\0', text, sizeof text, &found);
        there = leads(worker) && hq_foreman_has_result(&worker->foreman, worker->order);
        if (told == HQ_OK) told = hq_dist_bcast(worker->group, &there, sizeof there);
    }
    if (there) status = HQ_ERR_USAGE; /* another process has trained it too, and its result counts */
    if (told == HQ_OK) told = hq_dist_agree(worker->group, close_training(worker, status, &result, text, seconds));
    hq_free(result.history);
    HQ_TRY(told);
    if (status == HQ_INTERRUPTED) return status;
    if (after(worker, status) != HQ_AFTER_STOP) return HQ_OK;
    return leads(worker) ? hq_fail(status, "trial %d, seed %d: %s", worker->order->trial + 1,
                                   worker->order->config.train_seed, text)
                         : status;
}

/* ---- one after the other ----------------------------------------------------------------------------------------- */

static bool asked_to_stop(const hq_worker *worker)
{
    const double limit = worker->config->train_time_limit;
    const bool late = limit > 0 && hq_clock() - worker->options->started >= limit;
    return late || (worker->options->signal_of && worker->options->signal_of() != 0);
}

/* On the first rank of the group: waits for what follows from the trainings of others. */
static hq_status find_next(hq_worker *worker)
{
    double nap = 0.02;
    for (;;) {
        HQ_TRY(hq_foreman_next(&worker->foreman, worker->order));
        if (worker->order->what != HQ_DO_WAIT) return HQ_OK;
        if (asked_to_stop(worker)) return HQ_INTERRUPTED;
        nanosleep(&(struct timespec){.tv_sec = (time_t)nap, .tv_nsec = (long)((nap - floor(nap)) * 1e9)}, NULL);
        nap = fmin(1.5 * nap, fmax(1, 0.02 * (double)worker->foreman.claims.map.used)); /* many look less often each */
    }
}

static hq_status work(hq_worker *worker)
{
    for (;;) {
        const hq_status mine = leads(worker) ? find_next(worker) : HQ_OK;
        HQ_TRY(hq_dist_rest(worker->group));
        HQ_TRY(hq_dist_agree(worker->group, mine));
        HQ_TRY(hq_dist_bcast(worker->group, worker->order, sizeof *worker->order));
        if (worker->order->what == HQ_DO_END) return HQ_OK;
        HQ_TRY(train_and_tell(worker));
    }
}

/* A group that cannot go on tells the others, which end when their trainings do. */
static hq_status work_and_tell(hq_worker *worker)
{
    const hq_status status = work(worker);
    const bool stops = status != HQ_OK && status != HQ_INTERRUPTED && status != HQ_ERR_COMM;
    if (stops && leads(worker)) hq_claims_stop(&worker->foreman.claims, true);
    return status;
}

/* ---- set up ------------------------------------------------------------------------------------------------------ */

/* Results that are broken go, and with --retry those of what failed. Each group looks at a share of them; where results
 * decide they are all read anyway. */
static void forget(hq_worker *worker)
{
    hq_sweep *sweep = worker->foreman.sweep;
    const int one = worker->options->trial, groups = worker->groups;
    const int64_t n = sweep->known;
    const int first = one > 0 ? one - 1 : (int)(n * worker->number / groups);
    const int end = one > 0 ? one : (int)(n * (worker->number + 1) / groups);
    for (int t = first; t < end; t++)
        for (int seed = 0; seed < sweep->seeds; seed++) {
            const hq_run_key key = hq_plan_key(sweep, t, seed);
            const hq_record *record = hq_results_find(&sweep->results, key, 1, true);
            const bool failed = record && record->found.outcome == HQ_OUTCOME_FAILED;
            if (hq_results_broken(&sweep->results, key) || (failed && worker->options->retry))
                hq_results_forget(&sweep->results, key);
        }
}

static hq_status open_foreman(hq_worker *worker)
{
    hq_foreman *foreman = &worker->foreman;
    HQ_TRY(hq_claims_open(worker->options->dir, worker->config->sweep_lease, &foreman->claims));
    HQ_TRY(hq_sweep_open(worker->config, worker->options->dir, &foreman->sweep));
    foreman->trial = worker->options->trial;
    foreman->attempts = worker->config->sweep_attempts;
    foreman->number = foreman->skip = worker->number;
    snprintf(foreman->claims.stop, sizeof foreman->claims.stop, ".stop-%016llx", (unsigned long long)worker->launch);
    forget(worker);
    if (worker->groups != 1) snprintf(foreman->group, sizeof foreman->group, "  group %d", worker->number + 1);
    return HQ_OK;
}

static hq_status split(hq_worker *worker)
{
    const int ranks = hq_dist_size(worker->world), each = worker->config->sweep_ranks_per_trial;
    if (each > ranks) {
        if (hq_dist_rank(worker->world) != 0) return HQ_ERR_CONFIG;
        HQ_FAIL(HQ_ERR_CONFIG, "sweep.ranks_per_trial = %d, but there are %d ranks; allowed: up to that", each, ranks);
    }
    worker->groups = each > 0 ? ranks / each : 1;
    worker->number = (int)((int64_t)hq_dist_rank(worker->world) * worker->groups / ranks);
    return hq_dist_split(worker->world, worker->number, &worker->group);
}

/* Rank 0, before the groups begin. */
static hq_status look_first(hq_worker *worker)
{
    hq_sweep *sweep;
    hq_sweep_counts counts;
    HQ_TRY(hq_sweep_open(worker->config, worker->options->dir, &sweep));
    hq_status status = HQ_OK;
    if (worker->options->trial > hq_sweep_trials(sweep))
        status = hq_fail(HQ_ERR_USAGE, "--trial %d: the plan of %s has the trials 1 to %d", worker->options->trial,
                         worker->options->dir, hq_sweep_trials(sweep));
    if (status == HQ_OK && worker->options->trial > 0 && sweep->schedule.learns)
        status = hq_fail(HQ_ERR_USAGE,
                         "--trial %d: with asha and tpe results decide what is trained; start any number of "
                         "jobs without --trial, and each finds its work",
                         worker->options->trial);
    if (status == HQ_OK) status = hq_sweep_count(sweep, false, &counts);
    if (status == HQ_OK) {
        worker->shares = hq_sweep_shares_data(sweep);
        worker->launch =
            hq_hash(&worker->options->started, sizeof(double), hq_hash_text(hq_host_name()) + (uint64_t)getpid());
        hq_say("sweep %s: %d trials x %d seed%s, %lld of %lld trainings have results\n", worker->options->dir,
               hq_sweep_trials(sweep), hq_sweep_seeds(sweep), hq_sweep_seeds(sweep) == 1 ? "" : "s",
               (long long)counts.done, (long long)counts.all);
    }
    hq_sweep_close(sweep);
    return status;
}

/* Ranks that waited for others at the end, or for results, had nothing to do. */
static hq_status tell_idle(const hq_worker *worker, double seconds)
{
    hq_balance share;
    HQ_TRY(hq_dist_balance(worker->world, seconds > 0 ? worker->worked / seconds : 1, &share));
    if (worker->groups != 1)
        hq_say("%d groups of ranks trained for %.1f %% of %.1f s (%.1f to %.1f %%): idle share %.1f %%\n",
               worker->groups, 100 * share.mean, seconds, 100 * share.least, 100 * share.most, 100 * (1 - share.mean));
    return HQ_OK;
}

/* On rank 0, when no group finds more to do: who has what is left. */
static hq_status tell_left(hq_foreman *foreman)
{
    char holder[256] = "";
    int left = 0;
    HQ_TRY(hq_claims_look(&foreman->claims));
    HQ_TRY(hq_sweep_refresh(foreman->sweep));
    for (int64_t k = 0; k < foreman->sweep->schedule.n; k++) {
        const hq_job job = foreman->sweep->schedule.job[k];
        if (job.trial < 0 || (foreman->trial > 0 && job.trial != foreman->trial - 1)) continue;
        left += hq_foreman_left(foreman, job, holder, sizeof holder);
    }
    if (left > 0)
        hq_say("%d training%s left to other processes, the first of them %s; when one is lost, start again\n", left,
               left == 1 ? " is" : "s are", *holder ? holder : "unknown");
    return HQ_OK;
}

static hq_status run(hq_worker *worker)
{
    const double start = hq_clock();
    hq_found work_left;
    hq_status status = leads(worker) ? open_foreman(worker) : HQ_OK;
    HQ_TRY(hq_dist_rest(worker->world));
    HQ_TRY(hq_dist_agree(worker->world, status));
    HQ_TRY(hq_dist_find(worker->world, leads(worker) && hq_foreman_has_work(&worker->foreman), &work_left));
    worker->shares = worker->shares && work_left.count > 0;
    if (worker->shares) HQ_TRY(hq_train_load_data(worker->world, worker->config, &worker->data));
    status = work_and_tell(worker);
    if (status == HQ_ERR_COMM) return status;
    HQ_TRY(hq_dist_rest(worker->world));
    if (hq_dist_rank(worker->world) == 0) hq_claims_stop(&worker->foreman.claims, false);
    if (work_left.count > 0) HQ_TRY(tell_idle(worker, hq_clock() - start));
    HQ_TRY(hq_dist_agree(worker->world, status));
    status = hq_dist_rank(worker->world) == 0 ? tell_left(&worker->foreman) : HQ_OK;
    HQ_TRY(hq_dist_rest(worker->world));
    return hq_dist_agree(worker->world, status);
}

static hq_status set_up(hq_worker *worker)
{
    const hq_status mine = hq_dist_rank(worker->world) == 0 ? look_first(worker) : HQ_OK;
    HQ_TRY(hq_dist_rest(worker->world)); /* a plan of many trials takes its time */
    HQ_TRY(hq_dist_agree(worker->world, mine));
    int shares = worker->shares;
    HQ_TRY(hq_dist_bcast(worker->world, &shares, sizeof shares));
    HQ_TRY(hq_dist_bcast(worker->world, &worker->launch, sizeof worker->launch));
    worker->shares = shares;
    HQ_TRY(hq_dist_alloc(worker->world, 1, sizeof *worker->order, "an order", &worker->order));
    HQ_TRY(split(worker));
    return run(worker);
}

hq_status hq_sweep_work(hq_dist *dist, const hq_config *config, const hq_sweep_options *options)
{
    hq_worker worker = {.world = dist, .options = options, .config = config, .groups = 1};
    const hq_status status = set_up(&worker);
    hq_claims_close(&worker.foreman.claims);
    hq_sweep_close(worker.foreman.sweep);
    hq_dist_split_free(worker.group);
    if (worker.data.shared) hq_train_free_data(&worker.data);
    hq_free(worker.order);
    return status;
}
