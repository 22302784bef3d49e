/* resume.c: a run from a checkpoint. */
#include "train/run.h"

#include <string.h>
#include <unistd.h>

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
    HQ_TRY(take_block(state, "parameters", HQ_NUMBER_REAL, hq_model_param_count(model), hq_model_params(model), name));
    return take_block(state, "statistics", HQ_NUMBER_REAL, hq_model_stat_count(model), hq_model_stats(model), name);
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

/* A checkpoint on its way into a run. */
typedef struct hq_restoring {
    hq_run *run;
    const hq_state *state;
    const char *name;
} hq_restoring;

/* Rank 0: may this run go on from that one, and what changes? */
static hq_status check_settings(const hq_restoring *from)
{
    const hq_config *now = from->run->config;
    hq_config before;
    hq_config_defaults(&before);
    HQ_TRY(hq_config_read_text(&before, from->state->config, from->name));
    HQ_TRY(hq_config_compare(&before, now, from->name));
    if (!hq_optimizer_follows(now->train_optimizer, before.train_optimizer))
        HQ_FAIL(HQ_ERR_CONFIG, "%s: train.optimizer was \"%s\"; \"%s\" cannot go on from its moments", from->name,
                hq_config_word("train.optimizer", before.train_optimizer),
                hq_config_word("train.optimizer", now->train_optimizer));
    if (strcmp(from->state->variant, hq_model_variant(from->run->model)) != 0)
        hq_warn("%s was computed with \"%s\", this run uses \"%s\": results may differ in the last bits", from->name,
                from->state->variant, hq_model_variant(from->run->model));
    return HQ_OK;
}

/* Numbers that index and count, from a file that anyone may have written. */
static hq_status check_progress(const hq_progress *at, const char *name)
{
    const bool counts = at->epoch >= 0 && at->step >= 0 && at->step_in_epoch >= 0 && at->stale >= 0 &&
                        at->correct >= 0 && at->seen >= 0;
    if (counts && at->best_epoch >= 0 && at->best_epoch <= at->epoch) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE,
            "%s: block \"progress\" has numbers that no training has: epoch %lld, step %lld, best epoch %lld", name,
            (long long)at->epoch, (long long)at->step, (long long)at->best_epoch);
}

static hq_status restore_history(hq_run *run, const hq_state *state, const char *name)
{
    const int64_t epochs = run->progress.epoch;
    if (epochs < 0 || epochs > run->config->train_epochs)
        HQ_FAIL(HQ_ERR_CONFIG, "%s has %lld epochs behind it; train.epochs = %d, allowed is at least that number", name,
                (long long)epochs, run->config->train_epochs);
    return take_block(state, "history", HQ_NUMBER_F64, epochs * HQ_ROW_NUMBERS, run->history, name);
}

static hq_status restore(void *ctx)
{
    const hq_restoring *from = ctx;
    hq_run *run = from->run;
    const hq_state *state = from->state;
    const int64_t p = hq_model_param_count(run->model);
    HQ_TRY(hq_train_restore_model(run->model, state, from->name));
    HQ_TRY(take_block(state, "moment1", HQ_NUMBER_REAL, p, run->moment1, from->name));
    if (run->moment2) HQ_TRY(take_block(state, "moment2", HQ_NUMBER_REAL, p, run->moment2, from->name));
    HQ_TRY(take_block(state, "progress", HQ_NUMBER_I64, HQ_PROGRESS_NUMBERS, &run->progress, from->name));
    HQ_TRY(check_progress(&run->progress, from->name));
    HQ_TRY(take_block(state, "epoch_loss", HQ_NUMBER_F64, 1, &run->epoch_loss, from->name));
    return restore_history(run, state, from->name);
}

/* The images may be others than before: allowed, but said. */
static void note_data(hq_run *run, const char *name)
{
    const int64_t now = (int64_t)run->data.hash;
    if (run->progress.data != now && hq_dist_rank(run->dist) == 0)
        hq_warn("%s was trained on other images than those of data.source = \"%s\"", name, run->config->data_source);
    run->progress.data = now;
}

hq_status hq_train_resume(hq_run *run, hq_state *state)
{
    hq_restoring from = {run, state, run->resume};
    hq_status status = hq_dist_agree(run->dist, hq_dist_rank(run->dist) == 0 ? check_settings(&from) : HQ_OK);
    if (status == HQ_OK) status = hq_dist_in_turn(run->dist, restore, &from);
    hq_checkpoint_free(state);
    if (status != HQ_OK) return status;
    note_data(run, run->resume);
    hq_say("resumed   %s: %lld updates, %lld epochs\n", run->resume, (long long)run->progress.step,
           (long long)run->progress.epoch);
    return HQ_OK;
}

/* ---- the best model -----------------------------------------------------------------------------------------------
 */

/* Whether the state is that of this run at the end of its best epoch: it stopped there, with the same history. */
static bool is_best_state(const hq_run *run, const hq_state *state)
{
    const int64_t best = run->progress.best_epoch;
    const hq_block *block = hq_state_block(state, "progress"), *history = hq_state_block(state, "history");
    hq_progress at;
    if (!block || block->number != HQ_NUMBER_I64 || block->count != HQ_PROGRESS_NUMBERS) return false;
    if (!history || history->number != HQ_NUMBER_F64 || history->count != best * HQ_ROW_NUMBERS) return false;
    memcpy(&at, block->data, sizeof at);
    return at.epoch == best && at.step_in_epoch == 0 &&
           memcmp(history->data, run->history, (size_t)best * sizeof *run->history) == 0;
}

/* A file that is damaged is not it. */
static hq_status is_best(const hq_run *run, const char *path, bool *result)
{
    int there = access(path, F_OK) == 0;
    char reason[HQ_CHECKPOINT_REASON_MAX];
    hq_state state;
    *result = false;
    HQ_TRY(hq_dist_bcast(run->dist, &there, sizeof there));
    if (!there) return HQ_OK;
    const hq_status status = hq_checkpoint_try(run->dist, path, &state, reason);
    if (status == HQ_ERR_FILE && hq_dist_rank(run->dist) == 0)
        hq_warn("checkpoint %s cannot be loaded: %s", path, reason);
    if (status != HQ_OK) return status == HQ_ERR_FILE ? HQ_OK : status;
    *result = is_best_state(run, &state);
    hq_checkpoint_free(&state);
    return HQ_OK;
}

/* The best.h5 of the folder may be missing (a kill between the two names of one save, a new folder) or that of a later
 * time (an older checkpoint is resumed). Then it is the checkpoint itself, if that is the best epoch, or the best.h5
 * beside it. */
hq_status hq_train_restore_best(hq_run *run, const char *path)
{
    char best[PATH_MAX], beside[PATH_MAX];
    bool good = false;
    hq_train_path(run, "best.h5", best);
    hq_train_beside(path, "best.h5", beside);
    if (run->progress.best_epoch == 0) return hq_checkpoint_link(run->dist, path, best);
    HQ_TRY(is_best(run, best, &good));
    if (good) return HQ_OK;
    HQ_TRY(is_best(run, path, &good));
    if (good) return hq_checkpoint_link(run->dist, path, best);
    HQ_TRY(is_best(run, beside, &good));
    if (good) return hq_checkpoint_link(run->dist, beside, best);
    if (hq_dist_rank(run->dist) == 0)
        hq_warn(
            "%s: the model of its best epoch, %lld, is not beside it; %s holds the resumed one until a better comes",
            path, (long long)run->progress.best_epoch, best);
    return hq_checkpoint_link(run->dist, path, best);
}

/* A checkpoint of the folder of kept ones is of the folder above. */
void hq_train_beside(const char *path, const char *name, char beside[PATH_MAX])
{
    static const char kept[] = "checkpoints/";
    const char *slash = strrchr(path, '/');
    size_t room = slash ? (size_t)(slash + 1 - path) : 0;
    const size_t n = sizeof kept - 1;
    if (room >= n && memcmp(path + room - n, kept, n) == 0 && (room == n || path[room - n - 1] == '/')) room -= n;
    snprintf(beside, PATH_MAX, "%.*s%s", (int)room, path, name);
}
