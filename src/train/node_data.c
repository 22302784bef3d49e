/* node_data.c: one copy of a data set per node. */
#include "hqcnn/train.h"

typedef struct hq_loading {
    const hq_config *config;
    bool reads;
    int part, parts;
    hq_data_source *source;
    hq_data_info info;
} hq_loading;

static hq_status open_source(void *ctx)
{
    hq_loading *loading = ctx;
    return loading->reads ? hq_data_open(loading->config, &loading->source, &loading->info) : HQ_OK;
}

/* Files may differ between nodes that do not share a file system; a training on them would hang or be wrong. */
static hq_status check_nodes(hq_dist *dist, const hq_loading *loading, hq_node_data *data)
{
    const hq_data_info *info = &loading->info;
    if (hq_dist_node_rank(dist) == 0)
        data->hash = info->hash ? info->hash
                                : hq_hash(hq_dist_shared_block(data->shared), info->bytes,
                                          hq_hash(&info->count, sizeof info->count, 0));
    HQ_TRY(hq_dist_node_bcast(dist, &data->hash, sizeof data->hash));
    uint64_t first = data->hash;
    HQ_TRY(hq_dist_bcast(dist, &first, sizeof first));
    hq_status status = HQ_OK;
    if (data->hash != first && hq_dist_node_rank(dist) == 0)
        status = hq_fail(HQ_ERR_DATA, "%s: this node's copy differs from that of rank 0's node",
                         loading->config->data_source);
    return hq_dist_agree(dist, status);
}

static hq_status load(hq_dist *dist, hq_loading *loading, hq_node_data *data)
{
    HQ_TRY(hq_dist_in_turn(dist, open_source, loading));
    HQ_TRY(hq_dist_node_bcast(dist, &loading->info, sizeof loading->info));
    HQ_TRY(hq_dist_agree(dist, hq_dist_shared_alloc(dist, loading->info.bytes, "data set", &data->shared)));
    void *block = hq_dist_shared_block(data->shared);
    HQ_TRY(hq_dist_agree(dist,
                         loading->reads ? hq_data_fill(loading->source, block, loading->part, loading->parts) : HQ_OK));
    HQ_TRY(hq_dist_shared_sync(data->shared));
    return check_nodes(dist, loading, data);
}

/* The first rank of a node may read a large file for longer than ranks may wait in a step: those that wait say who is
 * late, but do not end the job. Each rank watches as before once its last wait for the data is over.
 *
 * A file is opened by the first rank of a node alone (its images may stay there: readers); the phantom set is drawn by
 * all ranks of a node together. */
hq_status hq_train_load_data(hq_dist *dist, const hq_config *config, hq_node_data *data)
{
    const bool drawn = hq_data_is_drawn(config);
    hq_loading loading = {.config = config,
                          .reads = drawn || hq_dist_node_rank(dist) == 0,
                          .part = drawn ? hq_dist_node_rank(dist) : 0,
                          .parts = drawn ? hq_dist_node_size(dist) : 1};
    *data = (hq_node_data){0};
    hq_dist_watch(dist, config->dist_stall_timeout, 0);
    hq_status status = load(dist, &loading, data);
    hq_data_close(loading.source);
    if (status == HQ_OK) {
        hq_data_attach(&loading.info, hq_dist_shared_block(data->shared), &data->set);
        status = hq_dist_agree(dist, hq_data_connect(config->data_source, &data->set));
    }
    hq_dist_watch(dist, config->dist_stall_timeout, config->dist_stall_abort);
    if (status != HQ_OK) hq_train_free_data(data);
    return status;
}

void hq_train_free_data(hq_node_data *data)
{
    hq_data_disconnect(&data->set);
    hq_dist_shared_free(data->shared);
    *data = (hq_node_data){0};
}
