/* describe.c: a checkpoint in words, for `hqcnn-dist inspect`. */
#include "train/run.h"

#include <string.h>

static void print_progress(const hq_state *state)
{
    const hq_block *block = hq_state_block(state, "progress");
    hq_progress at;
    if (!block || block->number != HQ_NUMBER_I64 || block->count * sizeof(int64_t) != sizeof at) return;
    memcpy(&at, block->data, sizeof at);
    hq_say("progress  %lld epochs and %lld steps of the next one; %lld updates; best epoch %lld\n", (long long)at.epoch,
           (long long)at.step_in_epoch, (long long)at.step, (long long)at.best_epoch);
}

static void print_history(const hq_state *state)
{
    const hq_block *block = hq_state_block(state, "history");
    const int64_t width = sizeof(hq_epoch_row) / sizeof(double);
    if (!block || block->number != HQ_NUMBER_F64 || block->count < width) return;
    hq_say("\nepoch      rate  train loss    acc  val loss    acc     AUC      F1\n");
    for (int64_t i = 0; i + width <= block->count; i += width) {
        hq_epoch_row row;
        memcpy(&row, (const double *)block->data + i, sizeof row);
        hq_say("%5.0f  %8.2g    %8.4f %6.4f  %8.4f %6.4f  %6.4f  %6.4f\n", row.epoch, row.learning_rate, row.train_loss,
               row.train_acc, row.val_loss, row.val_acc, row.val_auc, row.val_f1);
    }
}

static void print_tensors(const hq_state *state)
{
    static const char *const number[] = {[HQ_NUMBER_F32] = "f32", [HQ_NUMBER_F64] = "f64", [HQ_NUMBER_I64] = "i64"};
    hq_say("\nblock               kind     numbers\n");
    for (int i = 0; i < state->blocks; i++)
        hq_say("%-18s  %s  %10lld\n", state->block[i].name, number[state->block[i].number],
               (long long)state->block[i].count);
    hq_say("\ntensor              block           offset  shape\n");
    for (int i = 0; i < state->tensors; i++) {
        const hq_tensor_entry *entry = &state->tensor[i];
        hq_say("%-18s  %-12s %9lld ", entry->name, entry->block, (long long)entry->offset);
        for (int d = 0; d < entry->rank; d++) hq_say("%s%lld", d ? " x " : " ", (long long)entry->shape[d]);
        hq_say("\n");
    }
}

hq_status hq_train_print_state(const hq_state *state, const char *name)
{
    hq_say("file      %s\nhash      %016llx\nkernels   %s\n", name, (unsigned long long)hq_checkpoint_hash(state),
           state->variant);
    print_progress(state);
    print_history(state);
    print_tensors(state);
    hq_say("\n%s", state->config);
    return HQ_OK;
}
