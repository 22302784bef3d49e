/* labels.h: the rules that turn the labels of a file into classes: data.task, data.classes, data.class_count. */
#ifndef HQ_DATA_LABELS_H
#define HQ_DATA_LABELS_H

#include "hqcnn/data.h"

#define HQ_LABEL_MAX 65535    /* largest label of a file */
#define HQ_LABEL_DROPPED (-1) /* sample left out by data.classes */

/* Labels of a source before and after the rules. */
typedef struct hq_labels {
    const char *path;               /* for messages */
    int columns;                    /* label columns of the file */
    int64_t rows[HQ_SPLIT_COUNT];   /* samples in the file */
    int32_t *value[HQ_SPLIT_COUNT]; /* [rows][columns], 0..HQ_LABEL_MAX; owned */
} hq_labels;

/* Applies the rules: renumbers or drops (HQ_LABEL_DROPPED) labels in place and sets info's task, classes, labels,
 * count. HQ_ERR_DATA, HQ_ERR_CONFIG. */
hq_status hq_labels_apply(const hq_config *config, hq_labels *labels, hq_data_info *info);

/* Settles info->task from data.task, columns and info->classes. Also used by the built-in set. */
hq_status hq_labels_choose_task(const hq_config *config, const char *path, int columns, hq_data_info *info);

#endif
