/* schedule.c: which trial is trained how far, one decision after the other. With asha a decision takes the best trial
 * of the highest rung that has one which is among the best share 1 / eta there and has not gone on; else a new trial
 * (L. Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020, algorithm 2). There a decision
 * knows what has come in by chance; here decision k knows the results of the decisions before k - lag, all of them and
 * no others. So it is the same whoever trains what when, and up to `lag` trainings may be under way. */
#include "sweep/private.h"

#include <math.h>

/* ---- results ----------------------------------------------------------------------------------------------------- */

hq_run_key hq_plan_key(const hq_sweep *sweep, int trial, int seed)
{
    return (hq_run_key){sweep->id[trial], sweep->base.train_seed + seed};
}

bool hq_job_done(hq_sweep *sweep, hq_job job)
{
    const int64_t epochs = sweep->results.rung_epochs[job.rung];
    for (int i = 0; i < sweep->seeds; i++)
        if (!hq_results_find(&sweep->results, hq_plan_key(sweep, job.trial, i), epochs, false)) return false;
    return true;
}

/* The mean over the seeds. False: a result is missing, or was broken. */
static bool merit_of(hq_sweep *sweep, hq_job job, double *merit)
{
    const int64_t epochs = sweep->results.rung_epochs[job.rung];
    *merit = 0;
    for (int i = 0; i < sweep->seeds; i++) {
        const hq_record *record = hq_results_find(&sweep->results, hq_plan_key(sweep, job.trial, i), epochs, true);
        if (!record) return false;
        *merit += record->merit[job.rung] / sweep->seeds;
    }
    return true;
}

static hq_status remember(hq_sweep *sweep, hq_rung *rung, hq_ranked item)
{
    HQ_TRY(hq_alloc_more(&rung->seen, rung->n, &rung->room, sizeof *rung->seen, "results of trials"));
    int low = 0, high = rung->n; /* behind those that are as good */
    while (low < high) {
        const int middle = (low + high) / 2;
        if (rung->seen[middle].merit >= item.merit)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&rung->seen[low + 1], &rung->seen[low], (size_t)(rung->n - low) * sizeof *rung->seen);
    rung->seen[low] = (hq_observation){&sweep->point[item.trial * sweep->space.axes], item.merit};
    return HQ_OK;
}

/* A trial has come to a rung. */
static hq_status take_in(hq_sweep *sweep, hq_job job, double merit)
{
    hq_rung *rung = &sweep->schedule.rung[job.rung];
    const hq_ranked item = {merit, job.trial};
    if (sweep->base.sweep_method == HQ_SWEEP_TPE) HQ_TRY(remember(sweep, rung, item));
    rung->n++;
    if (rung->best.n > 0 && hq_ranked_better(item, rung->best.item[0])) {
        HQ_TRY(hq_heap_push(&rung->others, hq_heap_pop(&rung->best)));
        HQ_TRY(hq_heap_push(&rung->best, item));
    } else {
        HQ_TRY(hq_heap_push(&rung->others, item));
    }
    if (rung->n / sweep->base.sweep_eta > rung->best.n) HQ_TRY(hq_heap_push(&rung->best, hq_heap_pop(&rung->others)));
    return hq_heap_push(&rung->waiting, item);
}

/* ---- decisions --------------------------------------------------------------------------------------------------- */

static bool promote(hq_sweep *sweep, hq_job *job)
{
    for (int i = sweep->results.rungs - 2; i >= 0; i--) {
        hq_rung *rung = &sweep->schedule.rung[i];
        if (rung->best.n == 0 || rung->waiting.n == 0) continue;
        const hq_ranked first = rung->waiting.item[0], least = rung->best.item[0];
        if (isinf(first.merit) || hq_ranked_better(least, first)) continue;
        hq_heap_pop(&rung->waiting);
        *job = (hq_job){first.trial, i + 1};
        return true;
    }
    return false;
}

/* The highest rung that has enough to learn from. */
static const hq_rung *teacher(const hq_sweep *sweep)
{
    enum { ENOUGH = 10 };
    for (int i = sweep->results.rungs - 1; i >= 0; i--)
        if (sweep->schedule.rung[i].n >= ENOUGH) return &sweep->schedule.rung[i];
    return NULL;
}

/* A point of tpe that no other trial has. */
static hq_status suggest(hq_sweep *sweep, bool *found)
{
    enum { TRIES = 20 };
    double point[HQ_AXES_MAX];
    const hq_rung *rung = teacher(sweep);
    hq_random random = hq_random_make((uint64_t)sweep->base.sweep_seed, HQ_PURPOSE_SWEEP, 2, (uint64_t)sweep->known);
    *found = false;
    for (int i = 0; rung && i < TRIES && !*found; i++) {
        HQ_TRY(hq_tpe_suggest(&sweep->space, rung->seen, rung->n, &random, point));
        HQ_TRY(hq_plan_add(sweep, point, found));
    }
    return *found ? HQ_OK : hq_plan_next(sweep, found);
}

/* The next trial that has not begun. */
static hq_status begin(hq_sweep *sweep, hq_job *job)
{
    hq_schedule *schedule = &sweep->schedule;
    bool found = schedule->begun < sweep->known;
    if (!found && sweep->known < sweep->trials) HQ_TRY(suggest(sweep, &found));
    if (!found) sweep->trials = sweep->known; /* the space has no more points */
    *job = (hq_job){-1, 0};
    if (!found) return HQ_OK;
    *job = (hq_job){schedule->order ? schedule->order[schedule->begun] : schedule->begun, 0};
    schedule->begun++;
    return HQ_OK;
}

/* A grid has its like neighbours together, and the first to come would be promoted for being less bad than those: asha
 * takes its trials in any order (Fisher and Yates). */
hq_status hq_schedule_shuffle(hq_sweep *sweep)
{
    int *order;
    hq_random random = hq_random_make((uint64_t)sweep->base.sweep_seed, HQ_PURPOSE_SWEEP, 3, 0);
    HQ_TRY(hq_alloc_array((size_t)sweep->trials + 1, sizeof *order, "the order of trials", &order));
    for (int i = 0; i < sweep->trials; i++) {
        const int k = (int)(hq_random_uniform(&random) * (i + 1));
        order[i] = order[k];
        order[k] = i;
    }
    sweep->schedule.order = order;
    return HQ_OK;
}

static hq_status push(hq_schedule *schedule, hq_job job)
{
    HQ_TRY(hq_alloc_more(&schedule->job, schedule->n, &schedule->room, sizeof *schedule->job, "decisions of a sweep"));
    schedule->job[schedule->n++] = job;
    if (job.trial >= 0) schedule->top[job.trial] = (int8_t)job.rung;
    schedule->idle = job.trial < 0 ? schedule->idle + 1 : 0;
    return HQ_OK;
}

/* Takes in what the next decision must know. *there: all of that has a result. */
static hq_status learn(hq_sweep *sweep, bool *there)
{
    hq_schedule *schedule = &sweep->schedule;
    *there = false;
    while (schedule->known < schedule->n - schedule->lag) {
        const hq_job job = schedule->job[schedule->known];
        double merit;
        if (job.trial >= 0) {
            if (!hq_job_done(sweep, job) || !merit_of(sweep, job, &merit)) return HQ_OK;
            HQ_TRY(take_in(sweep, job, merit));
        }
        schedule->known++;
    }
    *there = true;
    return HQ_OK;
}

hq_status hq_schedule_advance(hq_sweep *sweep)
{
    hq_schedule *schedule = &sweep->schedule;
    while (!schedule->over) {
        bool there;
        hq_job job;
        HQ_TRY(learn(sweep, &there));
        if (!there) return HQ_OK;
        if (!promote(sweep, &job)) HQ_TRY(begin(sweep, &job));
        schedule->over = job.trial < 0 && (schedule->idle >= schedule->lag || !schedule->learns);
        if (!schedule->over) HQ_TRY(push(schedule, job));
    }
    return HQ_OK;
}

void hq_schedule_free(hq_schedule *schedule)
{
    for (int i = 0; i < HQ_RUNGS_MAX; i++) {
        hq_rung *rung = &schedule->rung[i];
        hq_free(rung->best.item);
        hq_free(rung->others.item);
        hq_free(rung->waiting.item);
        hq_free(rung->seen);
    }
    hq_free(schedule->job);
    hq_free(schedule->order);
    hq_free(schedule->top);
    *schedule = (hq_schedule){0};
}
