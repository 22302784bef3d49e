#include "hqcnn/data.h"

static int64_t count_label(const hq_dataset *dataset, int column, int32_t wanted)
{
    const int32_t *label = dataset->label[HQ_SPLIT_TRAIN] + column;
    int64_t found = 0;
    for (int64_t i = 0; i < dataset->info.count[HQ_SPLIT_TRAIN]; i++)
        found += label[i * dataset->info.labels] == wanted;
    return found;
}

void hq_data_class_weights(const hq_dataset *dataset, int kind, double *weights)
{
    const hq_data_info *info = &dataset->info;
    double n = (double)info->count[HQ_SPLIT_TRAIN];
    bool multi_label = info->task == HQ_TASK_MULTI_LABEL;
    for (int c = 0; c < info->classes; c++) {
        weights[c] = 1;
        if (kind != HQ_CLASS_WEIGHTS_BALANCED) continue;
        int64_t found = multi_label ? count_label(dataset, c, 1) : count_label(dataset, 0, c);
        double members = (double)found;
        if (found == 0)
            hq_warn("%s: no training sample has %s %d; its loss weight is 1", info->name,
                    multi_label ? "label" : "class", c);
        else
            weights[c] = multi_label ? (n - members) / members : n / (info->classes * members);
    }
}
