#include "data/labels.h"

/* The first label above `max`, or -1: *row tells where. */
static int32_t find_above(const hq_labels *labels, int split, int32_t max, int64_t *row)
{
    int64_t n = labels->rows[split] * labels->columns;
    for (int64_t i = 0; i < n; i++) {
        if (labels->value[split][i] <= max) continue;
        *row = i / labels->columns;
        return labels->value[split][i];
    }
    return -1;
}

static int32_t largest(const hq_labels *labels, int split)
{
    int32_t max = -1;
    for (int64_t i = 0; i < labels->rows[split]; i++)
        if (labels->value[split][i] > max) max = labels->value[split][i];
    return max;
}

/* data.class_count against the labels of every split. */
static hq_status check_class_count(const hq_labels *labels, int class_count)
{
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        int64_t row = 0;
        int32_t label = find_above(labels, s, class_count - 1, &row);
        if (label >= 0)
            HQ_FAIL(HQ_ERR_CONFIG, "%s: %s_labels.npy: sample %lld has label %d; data.class_count = %d allows 0 to %d",
                    labels->path, hq_split_name(s), (long long)row, label, class_count, class_count - 1);
    }
    return HQ_OK;
}

/* Without data.class_count the training split says how many classes there are. */
static hq_status count_classes(const hq_labels *labels, int *classes)
{
    int32_t max = largest(labels, HQ_SPLIT_TRAIN);
    for (int s = HQ_SPLIT_VAL; s < HQ_SPLIT_COUNT; s++) {
        int64_t row = 0;
        int32_t label = find_above(labels, s, max, &row);
        if (label >= 0)
            HQ_FAIL(HQ_ERR_DATA,
                    "%s: %s_labels.npy: sample %lld has label %d, above the largest of the training split, %d; "
                    "give data.class_count if the class is meant",
                    labels->path, hq_split_name(s), (long long)row, label, max);
    }
    *classes = max + 1;
    return HQ_OK;
}

/* ---- data.classes ---------------------------------------------------------------------------------------------- */

static int position_in(const hq_list *list, int32_t label)
{
    for (int i = 0; i < list->n; i++)
        if (list->v[i] == label) return i;
    return HQ_LABEL_DROPPED;
}

static hq_status check_list(const hq_labels *labels, const hq_list *list)
{
    for (int i = 0; i < list->n; i++) {
        if (position_in(list, list->v[i]) != i)
            HQ_FAIL(HQ_ERR_CONFIG, "data.classes names label %d twice; each label may stand once", list->v[i]);
        int64_t found = 0;
        for (int64_t r = 0; r < labels->rows[HQ_SPLIT_TRAIN]; r++)
            found += labels->value[HQ_SPLIT_TRAIN][r] == list->v[i];
        if (!found)
            HQ_FAIL(HQ_ERR_CONFIG,
                    "%s: data.classes names label %d, which no training sample has; labels there are 0 to %d",
                    labels->path, list->v[i], largest(labels, HQ_SPLIT_TRAIN));
    }
    return HQ_OK;
}

/* Renumbers the labels by their position in the list, drops the others. */
static hq_status keep_classes(hq_labels *labels, const hq_list *list, hq_data_info *info)
{
    HQ_TRY(check_list(labels, list));
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        int64_t kept = 0;
        for (int64_t i = 0; i < labels->rows[s]; i++) {
            labels->value[s][i] = position_in(list, labels->value[s][i]);
            kept += labels->value[s][i] >= 0;
        }
        if (!kept)
            HQ_FAIL(HQ_ERR_CONFIG, "%s: no sample of the %s split has a label of data.classes; every split needs one",
                    labels->path, hq_split_name(s));
        info->count[s] = kept;
    }
    info->classes = list->n;
    return HQ_OK;
}

/* ---- kinds of sets --------------------------------------------------------------------------------------------- */

static hq_status apply_multi_label(const hq_config *config, const hq_labels *labels, hq_data_info *info)
{
    if (config->data_classes.n > 0)
        HQ_FAIL(HQ_ERR_CONFIG,
                "%s: data.classes cannot be used with several label columns (there are %d); leave it empty",
                labels->path, labels->columns);
    if (config->data_class_count && config->data_class_count != labels->columns)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: data.class_count = %d, but there are %d label columns; give that number or 0",
                labels->path, config->data_class_count, labels->columns);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        int64_t row = 0;
        int32_t label = find_above(labels, s, 1, &row);
        if (label >= 0)
            HQ_FAIL(HQ_ERR_DATA,
                    "%s: %s_labels.npy: sample %lld has label %d; with several label columns 0 and 1 are allowed",
                    labels->path, hq_split_name(s), (long long)row, label);
    }
    info->classes = labels->columns;
    return HQ_OK;
}

static hq_status apply_classes(const hq_config *config, hq_labels *labels, hq_data_info *info)
{
    const hq_list *list = &config->data_classes;
    if (config->data_class_count) {
        HQ_TRY(check_class_count(labels, config->data_class_count));
        info->classes = config->data_class_count;
    } else if (list->n == 0) {
        HQ_TRY(count_classes(labels, &info->classes));
    }
    return list->n ? keep_classes(labels, list, info) : HQ_OK;
}

hq_status hq_labels_choose_task(const hq_config *config, const char *path, int columns, hq_data_info *info)
{
    int task = config->data_task;
    bool several = columns > 1;
    if (info->classes < 2)
        HQ_FAIL(HQ_ERR_DATA,
                "%s: has %d class; at least 2 are needed (labels 0 and 1, see data.classes and data.class_count)", path,
                info->classes);
    if (task == HQ_TASK_AUTO)
        task = several ? HQ_TASK_MULTI_LABEL : info->classes == 2 ? HQ_TASK_BINARY : HQ_TASK_MULTI_CLASS;
    if ((task == HQ_TASK_MULTI_LABEL) != several)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: data.task = \"%s\" does not fit %d label column%s; allowed are \"auto\" and %s",
                path, hq_config_word("data.task", task), columns, several ? "s" : "",
                several ? "\"multi-label\"" : "tasks with one label column");
    if (task == HQ_TASK_BINARY && info->classes != 2)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: data.task = \"binary\" needs 2 classes, there are %d; choose two with data.classes",
                path, info->classes);
    info->task = task;
    info->labels = several ? info->classes : 1;
    return HQ_OK;
}

hq_status hq_labels_apply(const hq_config *config, hq_labels *labels, hq_data_info *info)
{
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) info->count[s] = labels->rows[s];
    if (labels->columns > 1)
        HQ_TRY(apply_multi_label(config, labels, info));
    else
        HQ_TRY(apply_classes(config, labels, info));
    return hq_labels_choose_task(config, labels->path, labels->columns, info);
}
