/* measure.c: how fast training steps and evaluations are. */
#include "hqcnn/nn.h"
#include "train/run.h"

#include <string.h>

hq_status hq_train_full_step(hq_run *run)
{
    hq_step_result result;
    const int64_t left = run->data.set.info.count[HQ_SPLIT_TRAIN] - run->progress.seen;
    if (left < run->config->train_batch) run->progress.seen = 0;
    return hq_train_step(run, &result);
}

hq_status hq_train_settle_sum(hq_run *run)
{
    const hq_sum_choice *list;
    while (hq_dist_sum_ways(run->sum, &list) > 1) HQ_TRY(hq_train_full_step(run));
    return HQ_OK;
}

/* What is repeated: a step, or the scores of the training split. */
static hq_status once(hq_run *run, bool infer)
{
    hq_evaluation evaluation;
    if (!infer) return hq_train_full_step(run);
    return hq_train_evaluate(run->dist, run->config, run->model, run->spreader, &run->data.set, HQ_SPLIT_TRAIN, NULL,
                             &evaluation, NULL, NULL, NULL);
}

static hq_status repeat(hq_run *run, bool infer, int times, double *seconds)
{
    const double start = hq_clock();
    for (int i = 0; i < times; i++) HQ_TRY(once(run, infer));
    *seconds = (hq_clock() - start) / times;
    return HQ_OK;
}

/* Bytes read and written per second by copies of half a block to its other half. */
static hq_status copy_rate(size_t block, double *rate)
{
    enum { TRIALS = 20 };
    const size_t half = block / 2;
    char *memory;
    double least = 1e300;
    HQ_TRY(hq_alloc(block, "block of a measurement", &memory));
    for (int i = 0; i < TRIALS; i++) {
        const double start = hq_clock();
        memcpy(i % 2 ? memory : memory + half, i % 2 ? memory + half : memory, half);
        const double seconds = hq_clock() - start;
        if (i > 1 && seconds < least) least = seconds;
    }
    hq_free(memory);
    *rate = 2 * (double)half / least;
    return HQ_OK;
}

/* The mean over the runs: other programs on the machine and the clock of the processor change it, as they change the
 * steps. */
static hq_status note_peaks(const hq_run *run, int before, hq_train_speed *speed)
{
    double bytes;
    speed->copied = hq_model_arena_bytes(run->model);
    HQ_TRY(copy_rate(speed->copied, &bytes));
    speed->peak_flops += (hq_nn_peak(run->config->compute_kernel) - speed->peak_flops) / (before + 1);
    speed->peak_bytes += (bytes - speed->peak_bytes) / (before + 1);
    return HQ_OK;
}

static hq_status measure(hq_run *run, const hq_speed_options *options, double *seconds, hq_train_speed *speed)
{
    double first;
    HQ_TRY(once(run, options->infer)); /* touches all memory */
    if (!options->infer) HQ_TRY(hq_train_settle_sum(run));
    HQ_TRY(repeat(run, options->infer, 1, &first));
    HQ_TRY(hq_dist_bcast(run->dist, &first, sizeof first));
    speed->steps = (int)(options->run_seconds / first) + 1;
    HQ_TRY(repeat(run, options->infer, speed->steps, &first));
    hq_balance memory;
    HQ_TRY(hq_dist_balance(run->dist, hq_memory_peak(), &memory));
    speed->memory = memory.most;
    hq_phase_seconds(run->phases);
    hq_model_clear_times(run->model);
    for (int i = 0; i < options->runs; i++) {
        HQ_TRY(repeat(run, options->infer, speed->steps, &seconds[i]));
        if (options->peaks) HQ_TRY(hq_dist_agree(run->dist, note_peaks(run, i, speed)));
    }
    return HQ_OK;
}

/* ---- what was found ---- */

static void note_times(const hq_run *run, int runs, hq_train_speed *speed)
{
    const double steps = (double)runs * speed->steps;
    const double images = steps * (double)speed->images / speed->ranks; /* of this rank, about */
    const hq_model_part *part;
    double in[HQ_PHASE_COUNT];
    hq_phase_seconds(in);
    for (int i = 0; i < HQ_PHASE_COUNT; i++) in[i] = (in[i] - run->phases[i]) / steps;
    speed->times = (hq_step_times){.data = in[HQ_PHASE_DATA],
                                   .network = in[HQ_PHASE_NETWORK] + in[HQ_PHASE_CIRCUITS] + in[HQ_PHASE_SPREAD],
                                   .exchange = in[HQ_PHASE_INTEGERS] + in[HQ_PHASE_SUM],
                                   .update = in[HQ_PHASE_UPDATE]};
    speed->parts = hq_model_parts(run->model, &part);
    for (int i = 0; i < speed->parts; i++) {
        speed->part[i] = part[i];
        speed->part[i].forward.seconds /= images;
        speed->part[i].backward.seconds /= images;
    }
}

static hq_status set_up_and_measure(hq_run *run, const hq_speed_options *options, double *seconds,
                                    hq_train_speed *speed)
{
    HQ_TRY(hq_train_set_up(run));
    const hq_data_info *info = &run->data.set.info;
    const int64_t count = info->count[HQ_SPLIT_TRAIN];
    speed->images = options->infer || count < run->config->train_batch ? count : run->config->train_batch;
    if (options->summary) hq_train_print_summary(run->dist, run->config, info, run->model);
    HQ_TRY(measure(run, options, seconds, speed));
    note_times(run, options->runs, speed);
    return HQ_OK;
}

hq_status hq_train_measure(hq_dist *dist, const hq_config *config, const hq_speed_options *options, double *seconds,
                           hq_train_speed *out_speed)
{
    hq_run run = {.dist = dist, .config = config};
    *out_speed = (hq_train_speed){.ranks = hq_dist_size(dist)};
    const hq_status status = set_up_and_measure(&run, options, seconds, out_speed);
    hq_train_release(&run);
    return status;
}
