/* trial.c: what a training would take and write, found out without training. */
#include "train/run.h"

#include <string.h>

enum { FILE_PARTS = 8192 /* bytes of a checkpoint besides numbers, texts and the rows of its table, at most */ };

/* A run at the end of its last epoch, as far as its checkpoint shows; local. The state borrows from it. */
typedef struct hq_trial {
    hq_run run;
    hq_state state;
    char *text;
} hq_trial;

static hq_status take_blocks(hq_run *run)
{
    const size_t p = (size_t)hq_model_param_count(run->model);
    HQ_TRY(hq_alloc_array(p, sizeof(hq_real), "first moments", &run->moment1));
    if (hq_optimizer_moments(run->config->train_optimizer) > 1)
        HQ_TRY(hq_alloc_array(p, sizeof(hq_real), "second moments", &run->moment2));
    return hq_alloc_array((size_t)run->config->train_epochs, sizeof *run->history, "history", &run->history);
}

static hq_status open_trial(hq_dist *dist, const hq_config *config, const hq_data_info *info, hq_trial *trial)
{
    hq_run *run = &trial->run;
    *trial = (hq_trial){.run = {.dist = dist, .config = config}};
    run->data.set.info = *info;
    run->microbatch = hq_train_microbatch(config);
    run->joint = hq_train_joint(config);
    run->most_held = hq_train_most_held(dist, config, info);
    run->progress.epoch = config->train_epochs;
    HQ_TRY(hq_train_make_model(run));
    HQ_TRY(take_blocks(run));
    hq_model_init(run->model, (uint64_t)config->train_seed);
    return hq_train_pack(run, &trial->state, &trial->text);
}

static void close_trial(hq_trial *trial)
{
    hq_free(trial->state.tensor);
    hq_free(trial->text);
    hq_free(trial->run.moment1);
    hq_free(trial->run.moment2);
    hq_free(trial->run.history);
    hq_model_destroy(trial->run.model);
}

/* ---- needs ------------------------------------------------------------------------------------------------------ */

static double checkpoint_bytes(const hq_state *state)
{
    enum { ROW = 2 * HQ_CHECKPOINT_NAME_MAX + (2 + HQ_DIMENSIONS_MAX) * sizeof(int64_t) };
    return FILE_PARTS + (double)strlen(state->config) + (double)state->tensors * ROW + (double)hq_state_bytes(state);
}

/* Images of a streamed set that a rank has in memory. */
static double window_bytes(const hq_run *run, int64_t micro)
{
    const hq_data_info *info = &run->data.set.info;
    const double image = (double)info->depth * info->height * info->width * info->channels;
    int64_t lo, hi;
    if (!info->stream) return 0;
    hq_dist_share_of(run->dist, 0, micro, &lo, &hi);
    return (double)(hi - lo) * (double)hq_data_window(run->config, info, micro, run->microbatch) * image;
}

static void find_needs(const hq_trial *trial, hq_train_needs *needs)
{
    const hq_run *run = &trial->run;
    const hq_config *config = run->config;
    const double p = (double)hq_model_param_count(run->model), s = (double)hq_model_stat_count(run->model);
    const double held = (double)run->microbatch * run->most_held;
    const bool two_levels = config->dist_sum != HQ_SUM_FLAT && hq_dist_nodes(run->dist) < hq_dist_size(run->dist);
    needs->micro = (config->train_batch + run->microbatch - 1) / run->microbatch;
    needs->sum = HQ_SUM_COUNT + (size_t)p + (run->joint ? 0 : (size_t)s);
    const double sum = (double)needs->sum * sizeof(int64_t);
    needs->rank_memory = (double)hq_model_arena_bytes(run->model) + window_bytes(run, needs->micro) + 2 * sum +
                         sizeof(hq_real) * ((2 + hq_optimizer_moments(config->train_optimizer)) * p + 3 * s +
                                            held * (double)hq_model_input_size(run->model));
    needs->data_memory = (double)run->data.set.info.bytes;
    needs->sum_block = two_levels ? sum : 0;
    needs->checkpoint = checkpoint_bytes(&trial->state);
}

hq_status hq_train_estimate(hq_dist *dist, const hq_config *config, const hq_data_info *info, hq_train_needs *needs)
{
    hq_trial trial;
    *needs = (hq_train_needs){0};
    const hq_status status = open_trial(dist, config, info, &trial);
    if (status == HQ_OK) find_needs(&trial, needs);
    close_trial(&trial);
    return status;
}

/* ---- the state -------------------------------------------------------------------------------------------------- */

hq_status hq_train_visit_state(hq_dist *dist, const hq_config *config, const hq_data_info *info,
                               hq_status (*work)(void *ctx, const hq_state *state), void *ctx)
{
    hq_trial trial;
    hq_status status = hq_dist_agree(dist, open_trial(dist, config, info, &trial));
    if (status == HQ_OK) status = work(ctx, &trial.state);
    close_trial(&trial);
    return status;
}
