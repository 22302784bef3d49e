/* Loss weights per class. */
#include "hqcnn/data.h"
#include "support/check.h"

static hq_dataset with_labels(const int32_t *label, int64_t count, int classes, int labels)
{
    hq_dataset set = {.info = {.name = "weights", .classes = classes, .labels = labels}};
    set.info.task = labels > 1 ? HQ_TASK_MULTI_LABEL : HQ_TASK_MULTI_CLASS;
    set.info.count[HQ_SPLIT_TRAIN] = count;
    set.label[HQ_SPLIT_TRAIN] = label;
    return set;
}

static void test_classes(void)
{
    static const int32_t label[8] = {0, 0, 0, 0, 1, 1, 2, 0};
    hq_dataset set = with_labels(label, 8, 3, 1);
    double weights[4];
    hq_data_class_weights(&set, HQ_CLASS_WEIGHTS_NONE, weights);
    for (int c = 0; c < 3; c++) CHECK_NEAR(weights[c], 1, 0);
    hq_data_class_weights(&set, HQ_CLASS_WEIGHTS_BALANCED, weights);
    CHECK_NEAR(weights[0], 8.0 / 15, 1e-15);
    CHECK_NEAR(weights[1], 8.0 / 6, 1e-15);
    CHECK_NEAR(weights[2], 8.0 / 3, 1e-15);
    int logged = hq_log_error_count();
    set.info.classes = 4; /* class 3 has no sample */
    hq_data_class_weights(&set, HQ_CLASS_WEIGHTS_BALANCED, weights);
    CHECK_NEAR(weights[0], 8.0 / 20, 1e-15);
    CHECK_NEAR(weights[3], 1, 0);
    CHECK_INT(hq_log_error_count(), logged + 1);
}

static void test_multi_label(void)
{
    static const int32_t label[12] = {1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0};
    hq_dataset set = with_labels(label, 4, 3, 3);
    double weights[3];
    int logged = hq_log_error_count();
    hq_data_class_weights(&set, HQ_CLASS_WEIGHTS_BALANCED, weights);
    CHECK_NEAR(weights[0], 1.0 / 3, 1e-15);
    CHECK_NEAR(weights[1], 3, 1e-15);
    CHECK_NEAR(weights[2], 1, 0);
    CHECK_INT(hq_log_error_count(), logged + 1);
}

int main(void)
{
    HQ_RUN(test_classes);
    HQ_RUN(test_multi_label);
    return hq_check_result();
}
