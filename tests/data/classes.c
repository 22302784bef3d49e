/* data.task, data.classes, data.class_count: what is accepted and what comes out. */
#include "npz_make.h"

#include <string.h>

static const unsigned char five[6] = {0, 4, 2, 1, 3, 4};

/* Labels 0..4 in training, then the given ones. */
static set_spec five_classes(void)
{
    set_spec spec = make_set();
    for (int s = 0; s < 3; s++) spec.labels[s].data = five;
    return spec;
}

static void test_auto_task(void)
{
    set_spec spec = five_classes();
    hq_config config = config_for(write_set(&spec, "five.npz"));
    hq_dataset set;
    static const int tasks[] = {HQ_TASK_AUTO, HQ_TASK_MULTI_CLASS, HQ_TASK_ORDINAL};
    static const int want[] = {HQ_TASK_MULTI_CLASS, HQ_TASK_MULTI_CLASS, HQ_TASK_ORDINAL};
    for (int t = 0; t < 3; t++) {
        config.data_task = tasks[t];
        void *block = load_set(&config, &set);
        if (!block) return;
        CHECK_INT(set.info.task, want[t]);
        CHECK_INT(set.info.classes, 5);
        hq_free(block);
    }
}

static void test_class_count(void)
{
    set_spec spec = five_classes();
    hq_config config = config_for(write_set(&spec, "five.npz"));
    hq_dataset set;
    config.data_class_count = 9;
    void *block = load_set(&config, &set);
    if (!block) return;
    CHECK_INT(set.info.classes, 9);
    hq_free(block);
    config.data_class_count = 4;
    expect_refusal("label above data.class_count", &config, HQ_ERR_CONFIG,
                   "five.npz|train_labels.npy|sample 1 has label 4|data.class_count = 4|0 to 3");
}

static void test_keep_classes(void)
{
    set_spec spec = five_classes();
    hq_config config = config_for(write_set(&spec, "five.npz"));
    hq_dataset set;
    config.data_classes = (hq_list){.n = 2, .v = {4, 0}};
    void *block = load_set(&config, &set);
    if (!block) return;
    CHECK_INT(set.info.classes, 2);
    CHECK_INT(set.info.task, HQ_TASK_BINARY);
    CHECK_INT(set.info.count[HQ_SPLIT_TRAIN], 3); /* samples 0, 1 and 5 */
    CHECK_INT(set.info.count[HQ_SPLIT_VAL], 2);
    static const int sample[3] = {0, 1, 5}, label[3] = {1, 0, 0};
    for (int i = 0; i < 3; i++) {
        CHECK_INT(set.label[HQ_SPLIT_TRAIN][i], label[i]);
        for (int p = 0; p < 15; p++) CHECK_INT(set.image[HQ_SPLIT_TRAIN][15 * i + p], 15 * sample[i] + p);
    }
    hq_free(block);
}

static void test_bad_classes(void)
{
    set_spec spec = five_classes();
    hq_config config = config_for(write_set(&spec, "five.npz"));
    config.data_classes = (hq_list){.n = 2, .v = {0, 7}};
    expect_refusal("class that does not occur", &config, HQ_ERR_CONFIG, "five.npz|data.classes|label 7|0 to 4");
    config.data_classes = (hq_list){.n = 3, .v = {0, 1, 0}};
    expect_refusal("class twice", &config, HQ_ERR_CONFIG, "data.classes|label 0|twice");
    config.data_classes = (hq_list){.n = 2, .v = {1, 3}}; /* the test split has labels 0 and 4 only */
    expect_refusal("empty split after data.classes", &config, HQ_ERR_CONFIG, "five.npz|test split|data.classes");
    config.data_classes = (hq_list){.n = 1, .v = {0}};
    expect_refusal("one class", &config, HQ_ERR_DATA, "five.npz|1 class|at least 2");
}

static void test_bad_tasks(void)
{
    set_spec spec = five_classes();
    hq_config config = config_for(write_set(&spec, "five.npz"));
    config.data_task = HQ_TASK_BINARY;
    expect_refusal("binary with 5", &config, HQ_ERR_CONFIG, "five.npz|\"binary\"|2 classes|5");
    config.data_task = HQ_TASK_MULTI_LABEL;
    expect_refusal("multi-label with one column", &config, HQ_ERR_CONFIG, "five.npz|\"multi-label\"|1 label column");
}

static void test_labels_beyond_training(void)
{
    static const unsigned char more[6] = {0, 2};
    set_spec spec = make_set();
    spec.labels[HQ_SPLIT_TEST].data = more;
    hq_config config = config_for(write_set(&spec, "more.npz"));
    expect_refusal("label only in test", &config, HQ_ERR_DATA,
                   "more.npz|test_labels.npy|sample 1 has label 2|training split, 1|data.class_count");
    hq_dataset set;
    config.data_class_count = 3;
    void *block = load_set(&config, &set);
    if (!block) return;
    CHECK_INT(set.info.classes, 3);
    CHECK_INT(set.label[HQ_SPLIT_TEST][1], 2);
    hq_free(block);
}

static void test_one_label(void)
{
    static const unsigned char zeros[6];
    set_spec spec = make_set();
    for (int s = 0; s < 3; s++) spec.labels[s].data = zeros;
    hq_config config = config_for(write_set(&spec, "zeros.npz"));
    expect_refusal("all labels 0", &config, HQ_ERR_DATA, "zeros.npz|1 class|at least 2");
}

/* ---- several label columns ------------------------------------------------------------------------------------- */

static const unsigned char columns[18] = {1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1};

static set_spec three_columns(void)
{
    set_spec spec = make_set();
    strcpy(spec.labels[0].shape, "(6, 3)");
    strcpy(spec.labels[1].shape, "(4, 3)");
    strcpy(spec.labels[2].shape, "(2, 3)");
    for (int s = 0; s < 3; s++) {
        spec.labels[s].data = columns;
        spec.labels[s].bytes *= 3;
    }
    return spec;
}

static void test_multi_label(void)
{
    set_spec spec = three_columns();
    hq_config config = config_for(write_set(&spec, "multi.npz"));
    for (int count = 0; count <= 3; count += 3) {
        hq_dataset set;
        config.data_class_count = count;
        void *block = load_set(&config, &set);
        if (!block) return;
        CHECK_INT(set.info.task, HQ_TASK_MULTI_LABEL);
        CHECK_INT(set.info.classes, 3);
        CHECK_INT(set.info.labels, 3);
        for (int i = 0; i < 18; i++) CHECK_INT(set.label[HQ_SPLIT_TRAIN][i], columns[i]);
        for (int i = 0; i < 6; i++) CHECK_INT(set.label[HQ_SPLIT_TEST][i], columns[i]);
        hq_free(block);
    }
}

static void test_bad_multi_label(void)
{
    set_spec spec = three_columns();
    hq_config config = config_for(write_set(&spec, "multi.npz"));
    config.data_class_count = 4;
    expect_refusal("wrong class_count", &config, HQ_ERR_CONFIG, "multi.npz|data.class_count = 4|3 label columns");
    config.data_class_count = 0;
    config.data_classes = (hq_list){.n = 2, .v = {0, 1}};
    expect_refusal("data.classes", &config, HQ_ERR_CONFIG, "multi.npz|data.classes|several label columns");
    config.data_classes.n = 0;
    config.data_task = HQ_TASK_BINARY;
    expect_refusal("binary", &config, HQ_ERR_CONFIG, "multi.npz|\"binary\"|3 label columns|\"multi-label\"");
    static const unsigned char two[12] = {0, 0, 0, 0, 2};
    spec.labels[HQ_SPLIT_VAL].data = two;
    config = config_for(write_set(&spec, "two.npz"));
    expect_refusal("label 2", &config, HQ_ERR_DATA, "two.npz|val_labels.npy|sample 1 has label 2|0 and 1");
}

int main(void)
{
    HQ_RUN(test_auto_task);
    HQ_RUN(test_class_count);
    HQ_RUN(test_keep_classes);
    HQ_RUN(test_bad_classes);
    HQ_RUN(test_bad_tasks);
    HQ_RUN(test_labels_beyond_training);
    HQ_RUN(test_one_label);
    HQ_RUN(test_multi_label);
    HQ_RUN(test_bad_multi_label);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
