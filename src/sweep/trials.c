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

/* The finding of a training, not further than its trial was to go: a file may have more, of a plan of before. */
static hq_finding finding_at(hq_sweep *sweep, const hq_record *record, int64_t limit)
{
    hq_finding found = record->found;
    const bool beyond = found.epochs > limit || (found.epochs == limit && found.outcome != HQ_OUTCOME_OK);
    if (beyond && !hq_results_find_at(&sweep->results, record->key, limit, &found)) found = record->found;
    return found;
}

hq_status hq_sweep_look(hq_sweep *sweep, int number, hq_trial *out)
{
    const int top = sweep->results.rungs > 1 ? sweep->schedule.top[number - 1] : sweep->results.rungs - 1;
    const bool ends = top == sweep->results.rungs - 1;
    const int64_t limit = ends ? INT64_MAX : sweep->results.rung_epochs[top > 0 ? top : 0];
    hq_gathered of[NUMBERS] = {{0}};
    int64_t reached = INT64_MAX;
    *out = (hq_trial){.number = number, .id = sweep->id[number - 1], .epochs = INT64_MAX};
    for (int seed = 0; seed < sweep->seeds; seed++) {
        const hq_record *record =
            top >= 0 ? hq_results_find(&sweep->results, hq_plan_key(sweep, number - 1, seed), 1, true) : NULL;
        const hq_finding found = record ? finding_at(sweep, record, limit) : (hq_finding){0};
        const int64_t end = !record ? 0 : record->epochs < limit ? record->epochs : limit;
        if (found.epochs < out->epochs) out->epochs = found.epochs;
        if (end < reached) reached = end;
        out->done += end == INT64_MAX;
        out->ok += found.outcome == HQ_OUTCOME_OK;
        out->diverged += found.outcome == HQ_OUTCOME_DIVERGED;
        out->failed += found.outcome == HQ_OUTCOME_FAILED;
        if (found.outcome == HQ_OUTCOME_OK) gather_finding(of, &found);
    }
    out->ended = out->done == sweep->seeds;
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
    if (x->ended != y->ended) return x->ended ? -1 : 1;
    if (!x->ended && x->epochs != y->epochs) return x->epochs < y->epochs ? 1 : -1;
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

/* What the results say; which data and kernels most have is that of the first. */
static void count_contents(hq_sweep *sweep, hq_sweep_counts *counts)
{
    uint64_t data = 0, kernels = 0;
    for (int t = 0; t < sweep->known; t++)
        for (int seed = 0; seed < sweep->seeds; seed++) {
            const hq_record *record = hq_results_find(&sweep->results, hq_plan_key(sweep, t, seed), 1, true);
            if (!record) continue;
            const hq_finding *found = &record->found;
            counts->epochs += found->epochs;
            counts->diverged += found->outcome == HQ_OUTCOME_DIVERGED;
            counts->failed += found->outcome == HQ_OUTCOME_FAILED;
            if (data == 0) data = found->data;
            if (kernels == 0) kernels = found->kernels;
            counts->other_data += found->data != 0 && found->data != data && hq_sweep_shares_data(sweep);
            counts->other_kernels += found->kernels != 0 && found->kernels != kernels;
        }
}

hq_status hq_sweep_count(hq_sweep *sweep, bool contents, hq_sweep_counts *counts)
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
    if (contents) count_contents(sweep, counts);
    for (int t = 1; t <= sweep->known; t++) counts->epochs_of_all += (int64_t)sweep->seeds * hq_sweep_epochs(sweep, t);
    counts->epochs_of_all += (int64_t)(sweep->trials - sweep->known) * sweep->seeds * sweep->base.train_epochs;
    hq_map_free(&claims.map);
    return HQ_OK;
}
