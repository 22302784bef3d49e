/* state.c: a run as a checkpoint, and back. */
#include "train/run.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef HQ_REAL_F64
#define NUMBER_REAL HQ_NUMBER_F64
#else
#define NUMBER_REAL HQ_NUMBER_F32
#endif

enum { PROGRESS_NUMBERS = sizeof(hq_progress) / sizeof(int64_t), ROW_NUMBERS = sizeof(hq_epoch_row) / sizeof(double) };

static void add_block(hq_state *state, const char *name, hq_number number, int64_t count, void *data)
{
    hq_block *block = &state->block[state->blocks++];
    *block = (hq_block){.number = number, .count = count, .data = data};
    hq_copy_text(block->name, sizeof block->name, name);
}

static void add_tensors(hq_state *state, const char *block, const hq_param *list, int n)
{
    for (int i = 0; i < n; i++) {
        hq_tensor_entry *entry = &state->tensor[state->tensors++];
        memset(entry, 0, sizeof *entry);
        hq_copy_text(entry->name, sizeof entry->name, list[i].name);
        hq_copy_text(entry->block, sizeof entry->block, block);
        entry->offset = list[i].offset;
        entry->rank = list[i].rank;
        memcpy(entry->shape, list[i].shape, sizeof entry->shape);
    }
}

hq_status hq_train_pack(hq_run *run, hq_state *state, char **out_config_text)
{
    hq_model *model = run->model;
    const hq_param *params, *stats;
    const int n_params = hq_model_params_list(model, &params), n_stats = hq_model_stats_list(model, &stats);
    const int64_t p = hq_model_param_count(model);
    *state = (hq_state){.variant = hq_kernel_variant()};
    *out_config_text = NULL;
    HQ_TRY(hq_alloc_array((size_t)(n_params + n_stats), sizeof *state->tensor, "tensor table", &state->tensor));
    add_tensors(state, "parameters", params, n_params);
    add_tensors(state, "statistics", stats, n_stats);
    add_block(state, "parameters", NUMBER_REAL, p, hq_model_params(model));
    add_block(state, "statistics", NUMBER_REAL, hq_model_stat_count(model), hq_model_stats(model));
    add_block(state, "moment1", NUMBER_REAL, p, run->moment1);
    if (run->moment2) add_block(state, "moment2", NUMBER_REAL, p, run->moment2);
    add_block(state, "progress", HQ_NUMBER_I64, PROGRESS_NUMBERS, &run->progress);
    add_block(state, "epoch_loss", HQ_NUMBER_F64, 1, &run->epoch_loss);
    add_block(state, "history", HQ_NUMBER_F64, run->progress.epoch * ROW_NUMBERS, run->history);
    hq_status status = hq_config_dump(run->config, false, out_config_text);
    state->config = *out_config_text;
    return status;
}

static void run_path(const hq_run *run, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", run->dir, name);
}

hq_status hq_train_save(hq_run *run, bool best)
{
    char last[PATH_MAX], best_path[PATH_MAX], *text = NULL;
    hq_state state;
    run_path(run, "last.h5", last);
    run_path(run, "best.h5", best_path);
    hq_status status = hq_dist_agree(run->dist, hq_train_pack(run, &state, &text));
    if (status == HQ_OK) status = hq_checkpoint_write(run->dist, last, &state);
    if (status == HQ_OK && best) status = hq_checkpoint_link(run->dist, last, best_path);
    hq_free(state.tensor);
    hq_free(text);
    return status;
}

/* ---- back ------------------------------------------------------------------------------------------------------- */

static bool same_tensor(const hq_tensor_entry *entry, const hq_param *param)
{
    if (strcmp(entry->name, param->name) != 0 || entry->offset != param->offset || entry->rank != param->rank)
        return false;
    for (int i = 0; i < param->rank; i++)
        if (entry->shape[i] != param->shape[i]) return false;
    return true;
}

/* Every tensor of the list must stand at its place in the block of the file. */
static hq_status check_tensors(const hq_state *state, const char *block, const hq_param *list, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        bool found = false;
        for (int j = 0; j < state->tensors && !found; j++)
            found = strcmp(state->tensor[j].block, block) == 0 && same_tensor(&state->tensor[j], &list[i]);
        if (!found)
            HQ_FAIL(HQ_ERR_FILE, "%s: checkpoint of another network: tensor \"%s\" of %lld numbers is not in its %s",
                    name, list[i].name, (long long)list[i].count, block);
    }
    return HQ_OK;
}

static hq_status take_block(const hq_state *state, const char *name, hq_number number, int64_t count, void *to,
                            const char *file)
{
    const hq_block *block = hq_state_block(state, name);
    if (!block) HQ_FAIL(HQ_ERR_FILE, "%s: block \"%s\" is missing; the training was another one", file, name);
    if (block->number != number || block->count != count)
        HQ_FAIL(HQ_ERR_FILE, "%s: block \"%s\" has %lld numbers of kind %d, expected are %lld of kind %d", file, name,
                (long long)block->count, (int)block->number, (long long)count, (int)number);
    memcpy(to, block->data, (size_t)count * (number == HQ_NUMBER_F32 ? 4 : 8));
    return HQ_OK;
}

hq_status hq_train_restore_model(hq_model *model, const hq_state *state, const char *name)
{
    const hq_param *params, *stats;
    const int n_params = hq_model_params_list(model, &params), n_stats = hq_model_stats_list(model, &stats);
    HQ_TRY(check_tensors(state, "parameters", params, n_params, name));
    HQ_TRY(check_tensors(state, "statistics", stats, n_stats, name));
    HQ_TRY(take_block(state, "parameters", NUMBER_REAL, hq_model_param_count(model), hq_model_params(model), name));
    return take_block(state, "statistics", NUMBER_REAL, hq_model_stat_count(model), hq_model_stats(model), name);
}

static hq_status restore_history(hq_run *run, const hq_state *state, const char *name)
{
    const int64_t epochs = run->progress.epoch;
    if (epochs < 0 || epochs > run->config->train_epochs)
        HQ_FAIL(HQ_ERR_CONFIG,
                "%s has %lld epochs behind it; train.epochs = %d leaves nothing to do, allowed is a larger number",
                name, (long long)epochs, run->config->train_epochs);
    return take_block(state, "history", HQ_NUMBER_F64, epochs * ROW_NUMBERS, run->history, name);
}

static hq_status restore(hq_run *run, const hq_state *state, const char *name)
{
    const int64_t p = hq_model_param_count(run->model);
    hq_config before;
    hq_config_defaults(&before);
    HQ_TRY(hq_config_read_text(&before, state->config, name));
    HQ_TRY(hq_config_compare(&before, run->config, name));
    HQ_TRY(hq_train_restore_model(run->model, state, name));
    HQ_TRY(take_block(state, "moment1", NUMBER_REAL, p, run->moment1, name));
    if (run->moment2) HQ_TRY(take_block(state, "moment2", NUMBER_REAL, p, run->moment2, name));
    HQ_TRY(take_block(state, "progress", HQ_NUMBER_I64, PROGRESS_NUMBERS, &run->progress, name));
    HQ_TRY(take_block(state, "epoch_loss", HQ_NUMBER_F64, 1, &run->epoch_loss, name));
    HQ_TRY(restore_history(run, state, name));
    if (strcmp(state->variant, hq_kernel_variant()) != 0)
        hq_warn("%s was computed with \"%s\", this run uses \"%s\": results may differ in the last bits", name,
                state->variant, hq_kernel_variant());
    return HQ_OK;
}

/* Equal on all ranks but for the messages, which rank 0 alone writes. */
static hq_status restore_quietly(hq_run *run, const hq_state *state, const char *path)
{
    hq_status status = hq_dist_rank(run->dist) == 0 ? restore(run, state, path) : HQ_OK;
    HQ_TRY(hq_dist_agree(run->dist, status));
    return hq_dist_rank(run->dist) == 0 ? HQ_OK : restore(run, state, path);
}

/* The run folder always has a best.h5. It is missing after a kill between the two names of one save, and when a run
 * goes on in a new folder: then it is the checkpoint itself if that is the best epoch, else the best.h5 beside it. */
hq_status hq_train_restore_best(hq_run *run, const char *path)
{
    char best[PATH_MAX], beside[PATH_MAX];
    run_path(run, "best.h5", best);
    const hq_progress *at = &run->progress;
    if (at->best_epoch == 0) return HQ_OK;
    if (at->best_epoch == at->epoch && at->step_in_epoch == 0) return hq_checkpoint_link(run->dist, path, best);
    hq_copy_text(beside, sizeof beside, path);
    char *slash = strrchr(beside, '/');
    size_t room = slash ? (size_t)(slash + 1 - beside) : 0;
    snprintf(beside + room, sizeof beside - room, "best.h5");
    int found[2] = {access(best, R_OK) == 0, access(beside, R_OK) == 0};
    HQ_TRY(hq_dist_bcast(run->dist, found, sizeof found));
    if (found[0]) return HQ_OK;
    if (found[1]) return hq_checkpoint_link(run->dist, beside, best);
    if (hq_dist_rank(run->dist) == 0)
        hq_warn("%s: the best model (epoch %lld) is not beside it; %s holds the resumed one until a better comes", path,
                (long long)at->best_epoch, best);
    return hq_checkpoint_link(run->dist, path, best);
}

hq_status hq_train_resume(hq_run *run, const char *path)
{
    hq_state state;
    HQ_TRY(hq_checkpoint_read(run->dist, path, &state));
    hq_status status = restore_quietly(run, &state, path);
    hq_checkpoint_free(&state);
    return status;
}
