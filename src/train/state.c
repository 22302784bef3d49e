/* state.c: a run as a checkpoint. */
#include "train/run.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

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
    *state = (hq_state){.variant = hq_model_variant(model)};
    *out_config_text = NULL;
    HQ_TRY(hq_alloc_array((size_t)(n_params + n_stats), sizeof *state->tensor, "tensor table", &state->tensor));
    add_tensors(state, "parameters", params, n_params);
    add_tensors(state, "statistics", stats, n_stats);
    add_block(state, "parameters", HQ_NUMBER_REAL, p, hq_model_params(model));
    add_block(state, "statistics", HQ_NUMBER_REAL, hq_model_stat_count(model), hq_model_stats(model));
    add_block(state, "moment1", HQ_NUMBER_REAL, p, run->moment1);
    if (run->moment2) add_block(state, "moment2", HQ_NUMBER_REAL, p, run->moment2);
    add_block(state, "progress", HQ_NUMBER_I64, HQ_PROGRESS_NUMBERS, &run->progress);
    add_block(state, "epoch_loss", HQ_NUMBER_F64, 1, &run->epoch_loss);
    add_block(state, "history", HQ_NUMBER_F64, run->progress.epoch * HQ_ROW_NUMBERS, run->history);
    hq_status status = hq_config_dump(run->config, false, out_config_text);
    state->config = *out_config_text;
    return status;
}

void hq_train_path(const hq_run *run, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", run->dir, name);
}
