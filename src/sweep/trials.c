/* trials.c: what is known of trials, over their seeds. */
#include "sweep/private.h"

#include "sweep/claim.h"

#include <math.h>
#include <stdlib.h>

/* ---- one trial --------------------------------------------------------------------------------------------------- */

typedef struct hq_gathered {
    int n;
    double sum, squares;
} hq_gathered;

/* Welford's way, so that equal numbers have no deviation. */
static void gather(hq_gathered *of, double x)
{
    if (isnan(x)) return;
    const double before = of->n ? of->sum : 0;
    of->n++;
    of->sum = before + (x - before) / of->n; /* the mean */
    of->squares += (x - before) * (x - of->sum);
}

static hq_over_seeds over_seeds(const hq_gathered *of)
{
    return (hq_over_seeds){of->n > 0 ? of->sum : NAN, of->n > 1 ? sqrt(of->squares / (of->n - 1)) : NAN};
}

enum { NUMBERS = 9 };

static void gather_finding(hq_gathered *of, const hq_finding *found)
{
    const double number[NUMBERS] = {found->val_auc,  found->val_acc,   found->val_f1,
                                    found->val_loss, found->test_auc,  found->test_acc,
                                    found->test_f1,  found->test_loss, (double)found->best_epoch};
    for (int i = 0; i < NUMBERS; i++) gather(&of[i], number[i]);
}

/* The highest rung that so many epochs reach; -1: none. */
static int rung_of(const hq_sweep *sweep, int64_t epochs)
{
    int rung = -1;
    for (int i = 0; i < sweep->results.rungs; i++)
        if (sweep->results.rung_epochs[i] <= epochs) rung = i;
    return rung;
}

double hq_merit_at(hq_sweep *sweep, int trial, int rung)
{
    double sum = 0;
    for (int seed = 0; seed < sweep->seeds && rung >= 0; seed++) {
        const hq_record *record =
            hq_results_find(&sweep->results, hq_plan_key(sweep, trial, seed), sweep->results.rung_epochs[rung], true);
        sum += record ? record->merit[rung] / sweep->seeds : NAN;
    }
    return rung >= 0 ? sum : NAN;
}

hq_status hq_sweep_look(hq_sweep *sweep, int number, hq_trial *out)
{
    hq_gathered of[NUMBERS] = {{0}};
    int64_t reached = INT64_MAX;
    *out = (hq_trial){.number = number, .id = sweep->id[number - 1], .epochs = INT64_MAX};
    for (int seed = 0; seed < sweep->seeds; seed++) {
        const hq_record *record = hq_results_find(&sweep->results, hq_plan_key(sweep, number - 1, seed), 1, true);
        const bool final = record && record->epochs == INT64_MAX;
        const int64_t epochs = record ? record->found.epochs : 0;
        if (epochs < out->epochs) out->epochs = epochs;
        if (!record || record->epochs < reached) reached = record ? record->epochs : 0;
        if (!record) continue;
        out->done += final;
        out->ok += final && record->found.outcome == HQ_OUTCOME_OK;
        out->diverged += record->found.outcome == HQ_OUTCOME_DIVERGED;
        out->failed += record->found.outcome == HQ_OUTCOME_FAILED;
        if (record->found.outcome == HQ_OUTCOME_OK) gather_finding(of, &record->found);
    }
    out->stopped = sweep->schedule.over && out->done < sweep->seeds && reached > 0;
    out->merit = hq_merit_at(sweep, number - 1, rung_of(sweep, reached));
    hq_over_seeds *number_of[NUMBERS] = {&out->val_auc,  &out->val_acc,   &out->val_f1,
                                         &out->val_loss, &out->test_auc,  &out->test_acc,
                                         &out->test_f1,  &out->test_loss, &out->best_epoch};
    for (int i = 0; i < NUMBERS; i++) *number_of[i] = over_seeds(&of[i]);
    return HQ_OK;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static int better_first(const void *a, const void *b)
{
    const hq_trial *x = a, *y = b;
    const bool x_failed = isinf(x->merit), y_failed = isinf(y->merit);
    if (x_failed != y_failed) return x_failed ? 1 : -1;
    if (x->stopped != y->stopped) return x->stopped ? 1 : -1;
    if (x->stopped && x->epochs != y->epochs) return x->epochs < y->epochs ? 1 : -1;
    if (x->merit != y->merit) return x->merit < y->merit ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

hq_status hq_sweep_rank(hq_sweep *sweep, hq_trial *list, int *n)
{
    *n = 0;
    for (int t = 1; t <= sweep->known; t++) {
        HQ_TRY(hq_sweep_look(sweep, t, &list[*n]));
        if (!isnan(list[*n].merit)) ++*n;
    }
    qsort(list, (size_t)*n, sizeof *list, better_first);
    return HQ_OK;
}

void hq_sweep_run_dir(const hq_sweep *sweep, int trial, int seed, char path[PATH_MAX])
{
    hq_run_path(sweep->results.dir, "trials", hq_plan_key(sweep, trial - 1, seed), "", path);
}

/* How far the trainings of the decisions so far are. */
static void count_trials(hq_sweep *sweep, hq_sweep_counts *counts)
{
    for (int t = 0; t < sweep->schedule.begun; t++)
        for (int seed = 0; seed < sweep->seeds; seed++) {
            const hq_record *record = hq_results_find(&sweep->results, hq_plan_key(sweep, t, seed), 1, true);
            if (!record) continue;
            counts->epochs += record->found.epochs;
            counts->diverged += record->found.outcome == HQ_OUTCOME_DIVERGED;
            counts->failed += record->found.outcome == HQ_OUTCOME_FAILED;
        }
}

hq_status hq_sweep_count(hq_sweep *sweep, hq_sweep_counts *counts)
{
    hq_claims claims = {0};
    *counts = (hq_sweep_counts){.over = sweep->schedule.over};
    hq_copy_text(claims.dir, sizeof claims.dir, sweep->results.dir);
    claims.lease = sweep->base.sweep_lease;
    HQ_TRY(hq_claims_peek(&claims));
    for (int64_t k = 0; k < sweep->schedule.n; k++) {
        const hq_job job = sweep->schedule.job[k];
        for (int seed = 0; seed < sweep->seeds && job.trial >= 0; seed++) {
            char holder[256];
            bool alive = false;
            const hq_run_key key = hq_plan_key(sweep, job.trial, seed);
            const bool done =
                hq_results_find(&sweep->results, key, sweep->results.rung_epochs[job.rung], false) != NULL;
            counts->all++;
            counts->done += done;
            if (done || !hq_claim_holder(&claims, key, holder, sizeof holder, &alive)) continue;
            counts->held += alive;
            counts->lost += !alive;
        }
    }
    count_trials(sweep, counts);
    counts->epochs_of_all = (int64_t)sweep->trials * sweep->seeds * sweep->base.train_epochs;
    hq_map_free(&claims.map);
    return HQ_OK;
}
