/* measure.c: how fast training steps are. */
#include "train/run.h"

/* One step over a full batch; the epoch starts again when what is left of it is less. */
static hq_status full_step(hq_run *run)
{
    hq_step_result result;
    const int64_t left = run->data.set.info.count[HQ_SPLIT_TRAIN] - run->progress.seen;
    if (left < run->config->train_batch) run->progress.seen = 0;
    return hq_train_step(run, &result);
}

static hq_status time_steps(hq_run *run, int steps, double *seconds_per_step)
{
    const double start = hq_clock();
    for (int i = 0; i < steps; i++) HQ_TRY(full_step(run));
    *seconds_per_step = (hq_clock() - start) / steps;
    return HQ_OK;
}

static hq_status measure(hq_run *run, int runs, double run_seconds, double *seconds_per_step, hq_train_speed *speed)
{
    double first;
    HQ_TRY(full_step(run)); /* touches all memory */
    HQ_TRY(time_steps(run, 1, &first));
    HQ_TRY(hq_dist_bcast(run->dist, &first, sizeof first));
    speed->steps = (int)(run_seconds / first) + 1;
    HQ_TRY(time_steps(run, speed->steps, &first));
    run->times = (hq_step_times){0};
    for (int i = 0; i < runs; i++) HQ_TRY(time_steps(run, speed->steps, &seconds_per_step[i]));
    const double steps = (double)runs * speed->steps;
    speed->times = (hq_step_times){run->times.data / steps, run->times.network / steps, run->times.exchange / steps,
                                   run->times.update / steps};
    return HQ_OK;
}

hq_status hq_train_measure(hq_dist *dist, const hq_config *config, bool summary, int runs, double run_seconds,
                           double *seconds_per_step, hq_train_speed *out_speed)
{
    hq_run run = {.dist = dist, .config = config};
    *out_speed = (hq_train_speed){.ranks = hq_dist_size(dist)};
    hq_status status = hq_train_set_up(&run);
    if (status == HQ_OK) {
        const int64_t count = run.data.set.info.count[HQ_SPLIT_TRAIN];
        out_speed->images = (int)(count < config->train_batch ? count : config->train_batch);
        if (summary) hq_train_print_summary(dist, config, &run.data.set.info, run.model);
        status = measure(&run, runs, run_seconds, seconds_per_step, out_speed);
    }
    hq_train_release(&run);
    return status;
}
