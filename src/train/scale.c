/* scale.c: training steps on some number of ranks, with and without their sums. */
#include "train/run.h"

#include <string.h>

enum { TRIALS = 5, WAYS = 3 };

/* What is timed in turn: steps whose ranks only wait for each other; that sum behind the backward pass; that sum in the
 * way that was settled. */
enum { ALONE, AT_END, SETTLED };

static void use(hq_run *run, int way, hq_sum_choice settled)
{
    if (way == AT_END) settled.overlap = false, settled.group = 1;
    hq_dist_sum_mute(run->sum, way == ALONE ? HQ_SUM_COUNT : 0);
    hq_dist_sum_use(run->sum, &settled);
}

/* Seconds of a step; *work: those of this rank's processor outside waiting, of all of them, are added. */
static hq_status time_steps(hq_run *run, int steps, double *seconds, double *work)
{
    HQ_TRY(hq_dist_barrier(run->dist));
    const double start = hq_clock(), cpu = hq_clock_cpu() - hq_dist_sum_waiting(run->sum).cpu;
    for (int i = 0; i < steps; i++) HQ_TRY(hq_train_full_step(run));
    *work += hq_clock_cpu() - hq_dist_sum_waiting(run->sum).cpu - cpu;
    *seconds = (hq_clock() - start) / steps;
    return HQ_OK;
}

/* The median, of the slowest rank. */
static hq_status median(const hq_run *run, double *trial, double *out)
{
    hq_balance balance;
    HQ_TRY(hq_dist_balance(run->dist, hq_median(trial, TRIALS), &balance));
    *out = balance.most;
    return HQ_OK;
}

static hq_status time_ways(hq_run *run, double run_seconds, hq_scale_point *point)
{
    const hq_sum_choice *list;
    hq_dist_sum_ways(run->sum, &list);
    const hq_sum_choice settled = *list;
    double trial[WAYS][TRIALS], work[WAYS] = {0}, first;
    HQ_TRY(time_steps(run, 1, &first, &work[ALONE]));
    HQ_TRY(hq_dist_bcast(run->dist, &first, sizeof first));
    const int steps = (int)(run_seconds / first) + 1;
    for (int t = 0; t < TRIALS; t++)
        for (int way = 0; way < WAYS; way++) {
            use(run, way, settled);
            HQ_TRY(time_steps(run, steps, &trial[way][t], &work[way]));
        }
    HQ_TRY(median(run, trial[ALONE], &point->alone));
    HQ_TRY(median(run, trial[AT_END], &point->at_end));
    HQ_TRY(median(run, trial[SETTLED], &point->settled));
    hq_balance balance;
    HQ_TRY(hq_dist_balance(run->dist, work[SETTLED], &balance));
    point->work = balance.mean * point->ranks / ((double)TRIALS * steps * (double)point->images);
    hq_dist_sum_describe_choice(&settled, point->way, sizeof point->way);
    return HQ_OK;
}

static double backward_share(const hq_run *run)
{
    const hq_model_part *part;
    double forward = 0, backward = 0;
    for (int i = hq_model_parts(run->model, &part) - 1; i >= 0; i--) {
        forward += part[i].forward.seconds;
        backward += part[i].backward.seconds;
    }
    return backward > 0 ? backward / (forward + backward) : 0;
}

static hq_status measure(hq_run *run, double run_seconds, hq_scale_point *point)
{
    hq_balance memory;
    HQ_TRY(hq_train_set_up(run));
    const int64_t n = run->data.set.info.count[HQ_SPLIT_TRAIN], batch = run->config->train_batch;
    point->images = n < batch ? n : batch;
    point->microbatch = run->microbatch;
    point->sum_bytes = 8.0 * (double)(run->gradients_at + hq_model_param_count(run->model));
    HQ_TRY(hq_train_full_step(run));
    HQ_TRY(hq_train_settle_sum(run));
    HQ_TRY(time_ways(run, run_seconds, point));
    point->backward = backward_share(run);
    HQ_TRY(hq_dist_balance(run->dist, hq_memory_peak(), &memory));
    point->memory = memory.most;
    HQ_TRY(hq_dist_balance(run->dist, hq_memory_share(), &memory));
    point->share = memory.most;
    return HQ_OK;
}

hq_status hq_train_scale(hq_dist *dist, const hq_config *config, double run_seconds, hq_scale_point *point)
{
    hq_run run = {.dist = dist, .config = config};
    *point = (hq_scale_point){.ranks = hq_dist_size(dist), .nodes = hq_dist_nodes(dist)};
    const hq_status status = measure(&run, run_seconds, point);
    hq_train_release(&run);
    return status;
}
