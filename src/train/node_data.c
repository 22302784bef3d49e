/* node_data.c: one copy of a data set per node. */
#include "hqcnn/train.h"

#include <string.h>

/* A file is opened by the first rank of a node alone; the phantom set is drawn by all ranks of a node together. */
hq_status hq_train_load_data(hq_dist *dist, const hq_config *config, hq_node_data *data)
{
    *data = (hq_node_data){0};
    hq_data_source *source = NULL;
    hq_data_info info = {0};
    const bool drawn = strcmp(config->data_source, "phantom") == 0;
    const bool reads = drawn || hq_dist_node_rank(dist) == 0;
    const int parts = drawn ? hq_dist_node_size(dist) : 1, part = drawn ? hq_dist_node_rank(dist) : 0;
    hq_status status = hq_dist_agree(dist, reads ? hq_data_open(config, &source, &info) : HQ_OK);
    if (status == HQ_OK) status = hq_dist_node_bcast(dist, &info, sizeof info);
    if (status == HQ_OK) status = hq_dist_shared_alloc(dist, info.bytes, "data set", &data->shared);
    if (status == HQ_OK) {
        hq_status filled = reads ? hq_data_fill(source, hq_dist_shared_block(data->shared), part, parts) : HQ_OK;
        status = hq_dist_agree(dist, filled);
    }
    if (status == HQ_OK) status = hq_dist_shared_sync(data->shared);
    hq_data_close(source);
    if (status != HQ_OK) {
        hq_train_free_data(data);
        return status;
    }
    hq_data_attach(&info, hq_dist_shared_block(data->shared), &data->set);
    return HQ_OK;
}

void hq_train_free_data(hq_node_data *data)
{
    hq_dist_shared_free(data->shared);
    *data = (hq_node_data){0};
}
