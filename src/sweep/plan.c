/* plan.c: the trials of a sweep: their points, their names, their configurations. */
#include "sweep/private.h"
#include "sweep/sobol.h"

#include <math.h>
#include <stdlib.h>

enum { POINTS_MAX = 1000000, PLACES_MAX = 10000000 };

static const char *const outcome_name[] = {"open", "ok", "diverged", "failed"};
const char *hq_outcome_name(hq_outcome outcome) { return outcome_name[outcome]; }

/* ---- points ------------------------------------------------------------------------------------------------------ */

/* Position i in the grid, the last axis the fastest. False: the point is at another position too. */
static bool grid_point(const hq_space *space, int64_t i, double *point)
{
    int place[HQ_AXES_MAX];
    for (int k = space->axes - 1; k >= 0; k--) {
        place[k] = (int)(i % space->axis[k].points);
        i /= space->axis[k].points;
    }
    return hq_space_grid_point(space, place, point);
}

/* Behind the grid: 0; of random and sobol there is no end. */
static int64_t places(const hq_sweep *sweep)
{
    int64_t all = 1;
    if (sweep->base.sweep_method != HQ_SWEEP_GRID) return INT64_MAX;
    for (int i = 0; i < sweep->space.axes && all <= PLACES_MAX; i++) all *= sweep->space.axis[i].points;
    return all;
}

static bool point_at(const hq_sweep *sweep, int64_t i, double *point)
{
    enum { POINTS, SHIFT };
    const uint64_t seed = (uint64_t)sweep->base.sweep_seed;
    double u[HQ_AXES_MAX];
    if (sweep->base.sweep_method == HQ_SWEEP_GRID) return grid_point(&sweep->space, i, point);
    hq_random random = hq_random_make(seed, HQ_PURPOSE_SWEEP, POINTS, (uint64_t)i);
    for (int k = 0; k < sweep->space.axes; k++) {
        hq_random shift = hq_random_make(seed, HQ_PURPOSE_SWEEP, SHIFT, (uint64_t)k);
        const uint32_t number = hq_sobol((uint64_t)i, k) ^ (uint32_t)hq_random_next(&shift);
        u[k] = sweep->base.sweep_method == HQ_SWEEP_RANDOM ? hq_random_uniform(&random) : (number + 0.5) * 0x1p-32;
    }
    hq_space_point(&sweep->space, u, point);
    return true;
}

static hq_status identify(hq_sweep *sweep, const double *point, uint64_t *id)
{
    HQ_TRY(hq_space_apply(&sweep->space, point, &sweep->base, &sweep->scratch));
    *id = sweep->base_identity;
    for (int i = 0; i < sweep->space.axes; i++) *id += hq_config_identity_of(&sweep->scratch, sweep->space.axis[i].key);
    return HQ_OK;
}

hq_status hq_plan_add(hq_sweep *sweep, const double *point, bool *added)
{
    uint64_t id;
    HQ_TRY(identify(sweep, point, &id));
    *added = hq_map_find(&sweep->ids, id) < 0;
    if (!*added) return HQ_OK;
    HQ_TRY(hq_map_add(&sweep->ids, id, sweep->known));
    const int axes = sweep->space.axes;
    if (axes > 0) memcpy(&sweep->point[sweep->known * axes], point, (size_t)axes * sizeof *point);
    sweep->id[sweep->known++] = id;
    return HQ_OK;
}

hq_status hq_plan_next(hq_sweep *sweep, bool *found)
{
    enum { TRIES = 1000 };
    double point[HQ_AXES_MAX];
    const int64_t end = places(sweep);
    *found = false;
    for (int i = 0; !*found && sweep->place < end && (end < INT64_MAX || i < TRIES); i++)
        if (point_at(sweep, sweep->place++, point)) HQ_TRY(hq_plan_add(sweep, point, found));
    return HQ_OK;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static hq_status check_grid(const hq_sweep *sweep)
{
    if (sweep->base.sweep_trials > 0)
        HQ_FAIL(HQ_ERR_CONFIG, "sweep.trials = %d, but sweep.method = \"grid\" tries every combination; allowed: 0",
                sweep->base.sweep_trials);
    for (int i = 0; i < sweep->space.axes; i++)
        if (sweep->space.axis[i].points == 0)
            HQ_FAIL(
                HQ_ERR_CONFIG,
                "sweep.space: the range of %s has no points for sweep.method = \"grid\"; write \"grid N\" behind it, "
                "or choose \"random\", \"sobol\" or \"tpe\"",
                sweep->space.axis[i].key);
    if (places(sweep) > PLACES_MAX)
        HQ_FAIL(HQ_ERR_CONFIG,
                "sweep.space: the grid has more than %d combinations; choose fewer, or sweep.method "
                "\"random\", \"sobol\" or \"tpe\"",
                PLACES_MAX);
    return HQ_OK;
}

static hq_status set_rungs(hq_sweep *sweep)
{
    const hq_config *config = &sweep->base;
    hq_results *results = &sweep->results;
    if (config->sweep_halving == HQ_HALVING_ASHA) {
        if (hq_space_axis(&sweep->space, "train.epochs") >= 0)
            HQ_FAIL(HQ_ERR_CONFIG, "sweep.space: train.epochs cannot be varied with sweep.halving = \"asha\", which "
                                   "compares trials by their epochs");
        if (config->sweep_first_epochs >= config->train_epochs)
            HQ_FAIL(HQ_ERR_CONFIG,
                    "sweep.first_epochs = %d leaves nothing to stop early in train.epochs = %d; allowed: "
                    "less than that",
                    config->sweep_first_epochs, config->train_epochs);
        for (int64_t e = config->sweep_first_epochs; e < config->train_epochs; e *= config->sweep_eta)
            results->rung_epochs[results->rungs++] = e;
    }
    results->rung_epochs[results->rungs++] = config->train_epochs;
    return HQ_OK;
}

static void set_schedule(hq_sweep *sweep)
{
    enum { LAG_ASHA = 64, LAG_TPE = 16 };
    const bool tpe = sweep->base.sweep_method == HQ_SWEEP_TPE;
    hq_schedule *schedule = &sweep->schedule;
    schedule->learns = tpe || sweep->results.rungs > 1;
    schedule->lag = sweep->base.sweep_lag > 0 ? sweep->base.sweep_lag : tpe ? LAG_TPE : LAG_ASHA;
    if (!schedule->learns) schedule->lag = INT64_MAX;
    for (int i = 0; i < HQ_RUNGS_MAX; i++) schedule->rung[i].best.worst = true;
}

/* How many trials there may be. */
static int trials_most(const hq_sweep *sweep)
{
    enum { USUAL = 64 };
    if (sweep->base.sweep_method != HQ_SWEEP_GRID)
        return sweep->base.sweep_trials > 0 ? sweep->base.sweep_trials : USUAL;
    const int64_t all = places(sweep);
    return all < POINTS_MAX ? (int)all : POINTS_MAX;
}

/* All points but those of tpe are known at once. */
static hq_status make_points(hq_sweep *sweep)
{
    const size_t most = (size_t)trials_most(sweep), axes = (size_t)sweep->space.axes;
    bool found = true;
    sweep->trials = (int)most;
    HQ_TRY(hq_alloc_array(most, (axes + 1) * sizeof *sweep->point, "points of a sweep", &sweep->point));
    HQ_TRY(hq_alloc_array(most, sizeof *sweep->id, "trials of a sweep", &sweep->id));
    HQ_TRY(hq_alloc_array(most, sizeof *sweep->schedule.top, "trials of a sweep", &sweep->schedule.top));
    memset(sweep->schedule.top, -1, most);
    sweep->base_identity = hq_config_identity(&sweep->base) - hq_config_identity_of(&sweep->base, "train.seed");
    for (int i = 0; i < sweep->space.axes; i++)
        sweep->base_identity -= hq_config_identity_of(&sweep->base, sweep->space.axis[i].key);
    if (sweep->base.sweep_method == HQ_SWEEP_TPE) return HQ_OK;
    while (found && sweep->known < sweep->trials) HQ_TRY(hq_plan_next(sweep, &found));
    if (found && sweep->base.sweep_method == HQ_SWEEP_GRID && sweep->known == POINTS_MAX)
        HQ_FAIL(HQ_ERR_CONFIG, "sweep.space: the grid has more than %d points; choose fewer, or another sweep.method",
                POINTS_MAX);
    sweep->trials = sweep->known;
    return HQ_OK;
}

static hq_status open_sweep(const hq_config *config, const char *dir, hq_sweep *sweep)
{
    sweep->base = *config;
    sweep->seeds = config->sweep_seeds;
    sweep->results.metric = config->sweep_metric;
    if (!hq_copy_text(sweep->results.dir, sizeof sweep->results.dir, dir))
        HQ_FAIL(HQ_ERR_FILE, "the name of the sweep's folder is longer than %zu characters",
                sizeof sweep->results.dir - 1);
    if (config->train_seed > INT32_MAX - config->sweep_seeds)
        HQ_FAIL(HQ_ERR_CONFIG, "train.seed = %d and sweep.seeds = %d go beyond %d", config->train_seed,
                config->sweep_seeds, INT32_MAX);
    HQ_TRY(hq_space_read(config, &sweep->space));
    if (config->sweep_method == HQ_SWEEP_GRID) HQ_TRY(check_grid(sweep));
    HQ_TRY(set_rungs(sweep));
    set_schedule(sweep);
    hq_config_reset(&sweep->base, "sweep");
    sweep->scratch = sweep->base;
    sweep->base = *config;
    HQ_TRY(make_points(sweep));
    if (sweep->results.rungs > 1 && config->sweep_method == HQ_SWEEP_GRID) HQ_TRY(hq_schedule_shuffle(sweep));
    return hq_sweep_refresh(sweep);
}

hq_status hq_sweep_open(const hq_config *config, const char *dir, hq_sweep **out_sweep)
{
    hq_sweep *sweep;
    *out_sweep = NULL;
    HQ_TRY(hq_alloc(sizeof *sweep, "a sweep", &sweep));
    const hq_status status = open_sweep(config, dir, sweep);
    if (status == HQ_OK)
        *out_sweep = sweep;
    else
        hq_sweep_close(sweep);
    return status;
}

void hq_sweep_close(hq_sweep *sweep)
{
    if (!sweep) return;
    hq_schedule_free(&sweep->schedule);
    hq_results_free(&sweep->results);
    hq_space_free(&sweep->space);
    hq_map_free(&sweep->ids);
    hq_free(sweep->point);
    hq_free(sweep->id);
    hq_free(sweep);
}

hq_status hq_sweep_refresh(hq_sweep *sweep)
{
    HQ_TRY(hq_results_look(&sweep->results));
    return hq_schedule_advance(sweep);
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

int hq_sweep_trials(const hq_sweep *sweep) { return sweep->trials; }
int hq_sweep_known(const hq_sweep *sweep) { return sweep->known; }
int hq_sweep_seeds(const hq_sweep *sweep) { return sweep->seeds; }
int hq_sweep_axes(const hq_sweep *sweep) { return sweep->space.axes; }
const char *hq_sweep_key(const hq_sweep *sweep, int axis) { return sweep->space.axis[axis].key; }

static double value_of(const hq_sweep *sweep, int trial, int axis)
{
    return sweep->point[(trial - 1) * sweep->space.axes + axis];
}

const char *hq_sweep_value(hq_sweep *sweep, int trial, int axis)
{
    hq_axis_text(&sweep->space.axis[axis], value_of(sweep, trial, axis), sweep->value);
    return sweep->value;
}

double hq_sweep_place(const hq_sweep *sweep, int trial, int axis)
{
    const double value = value_of(sweep, trial, axis);
    return isnan(value) ? NAN : hq_axis_unit(&sweep->space.axis[axis], value);
}

bool hq_sweep_shares_data(const hq_sweep *sweep)
{
    for (int i = 0; i < sweep->space.axes; i++) {
        const char *key = sweep->space.axis[i].key;
        if (strncmp(key, "data.", 5) == 0 || strncmp(key, "phantom.", 8) == 0) return false;
    }
    return true;
}

int hq_sweep_epochs(const hq_sweep *sweep, int trial)
{
    const int axis = hq_space_axis(&sweep->space, "train.epochs");
    int most = sweep->base.train_epochs;
    for (int t = trial > 0 ? trial : 1; axis >= 0 && t <= (trial > 0 ? trial : sweep->known); t++) {
        char text[HQ_VALUE_MAX];
        hq_axis_text(&sweep->space.axis[axis], value_of(sweep, t, axis), text);
        const int epochs = *text ? atoi(text) : sweep->base.train_epochs;
        most = trial > 0 || epochs > most ? epochs : most;
    }
    return most;
}

void hq_sweep_scale(const hq_sweep *sweep, int axis, hq_axis_scale *scale)
{
    const hq_axis *of = &sweep->space.axis[axis];
    *scale = (hq_axis_scale){of->range ? 0 : of->points, of->low, of->high, of->logarithmic};
}

const char *hq_sweep_choice(const hq_sweep *sweep, int axis, int choice)
{
    return sweep->space.axis[axis].choice[choice];
}

double hq_sweep_at(const hq_sweep *sweep, int axis, double place)
{
    return hq_axis_value(&sweep->space.axis[axis], place);
}

hq_status hq_sweep_config(hq_sweep *sweep, int trial, hq_config *config)
{
    const double *point = &sweep->point[(trial - 1) * sweep->space.axes];
    HQ_TRY(hq_space_apply(&sweep->space, point, &sweep->base, &sweep->scratch));
    *config = sweep->scratch;
    return hq_config_check(config);
}
