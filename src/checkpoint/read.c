/* read.c: loading: rank 0 reads and checks, the others receive. */
#include "checkpoint/private.h"

#include <string.h>

/* What a rank must know to take the memory. */
typedef struct hq_header {
    hq_block block[HQ_CHECKPOINT_BLOCKS_MAX];
    int64_t blocks, tensors, config_bytes, variant_bytes; /* of texts: with the ending zero */
} hq_header;

static hq_header describe(const hq_state *state)
{
    hq_header header = {.blocks = state->blocks, .tensors = state->tensors};
    memcpy(header.block, state->block, sizeof header.block);
    header.config_bytes = (int64_t)strlen(state->config) + 1;
    header.variant_bytes = (int64_t)strlen(state->variant) + 1;
    return header;
}

/* Memory on a rank that has not read the file. */
static hq_status take_memory(const hq_header *header, hq_state *state)
{
    *state = (hq_state){.owned = true, .blocks = (int)header->blocks, .tensors = (int)header->tensors};
    memcpy(state->block, header->block, sizeof state->block);
    for (int i = 0; i < state->blocks; i++) state->block[i].data = NULL; /* rank 0's address */
    for (int i = 0; i < state->blocks; i++)
        HQ_TRY(hq_alloc(hq_block_bytes(&state->block[i]), state->block[i].name, &state->block[i].data));
    HQ_TRY(hq_alloc_array((size_t)state->tensors, sizeof *state->tensor, "tensor table", &state->tensor));
    HQ_TRY(hq_alloc((size_t)header->config_bytes, "configuration text", &state->config));
    return hq_alloc((size_t)header->variant_bytes, "kernel variant", &state->variant);
}

static hq_status send_all(const hq_dist *dist, const hq_header *header, hq_state *state)
{
    for (int i = 0; i < state->blocks; i++)
        HQ_TRY(hq_dist_bcast(dist, state->block[i].data, hq_block_bytes(&state->block[i])));
    HQ_TRY(hq_dist_bcast(dist, state->tensor, (size_t)state->tensors * sizeof *state->tensor));
    HQ_TRY(hq_dist_bcast(dist, (void *)state->config, (size_t)header->config_bytes));
    return hq_dist_bcast(dist, (void *)state->variant, (size_t)header->variant_bytes);
}

static hq_status share(const hq_dist *dist, hq_state *state)
{
    bool reader = hq_dist_rank(dist) == 0;
    hq_header header = {0};
    if (reader) header = describe(state);
    HQ_TRY(hq_dist_bcast(dist, &header, sizeof header));
    HQ_TRY(hq_dist_agree(dist, reader ? HQ_OK : take_memory(&header, state)));
    return send_all(dist, &header, state);
}

hq_status hq_checkpoint_try(const hq_dist *dist, const char *path, hq_state *state,
                            char reason[HQ_CHECKPOINT_REASON_MAX])
{
    hq_problem problem = {0};
    hq_fingerprint fingerprint;
    *state = (hq_state){.owned = true};
    if (hq_dist_rank(dist) == 0) hq_checkpoint_load(path, state, &fingerprint, &problem);
    hq_copy_text(reason, HQ_CHECKPOINT_REASON_MAX, problem.text);
    hq_status status = hq_dist_agree(dist, problem.status);
    if (status == HQ_OK) status = share(dist, state);
    if (status != HQ_OK) hq_checkpoint_free(state);
    return status;
}

hq_status hq_checkpoint_read(const hq_dist *dist, const char *path, hq_state *state)
{
    char reason[HQ_CHECKPOINT_REASON_MAX];
    const hq_status status = hq_checkpoint_try(dist, path, state, reason);
    if (status != HQ_OK && reason[0]) return hq_fail(status, "checkpoint %s cannot be loaded: %s", path, reason);
    return status;
}
