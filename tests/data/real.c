/* Three MedMNIST sets, when HQCNN_DATA_DIR names their folder: known shapes, counts and content. */
#include "hqcnn/data.h"
#include "support/check.h"

#include <stdio.h>

typedef struct known {
    const char *name;
    int task, classes, depth, height, width, channels;
    int64_t count[3];
    uint64_t image_sum, label_sum; /* of all splits */
} known;

static const known sets[] = {
    {"breastmnist", HQ_TASK_BINARY, 2, 1, 28, 28, 1, {546, 78, 156}, 51518829, 570},
    {"retinamnist", HQ_TASK_MULTI_CLASS, 5, 1, 28, 28, 3, {1080, 120, 400}, 252800536, 2052},
    {"adrenalmnist3d", HQ_TASK_BINARY, 2, 28, 28, 28, 1, {1188, 98, 298}, 140364240, 350},
};

static void *load(const hq_config *config, hq_dataset *set)
{
    hq_data_source *source;
    hq_data_info info;
    void *block = NULL;
    CHECK_INT(hq_data_open(config, &source, &info), HQ_OK);
    if (!source) return NULL;
    CHECK_INT(hq_alloc(info.bytes, "block", &block), HQ_OK);
    CHECK_INT(hq_data_fill(source, block, 0, 1), HQ_OK);
    hq_data_close(source);
    hq_data_attach(&info, block, set);
    return block;
}

static hq_config config_of(const char *folder, const char *name)
{
    hq_config config;
    hq_config_defaults(&config);
    snprintf(config.data_source, sizeof config.data_source, "%s/%s.npz", folder, name);
    return config;
}

static void check_set(const char *folder, const known *want)
{
    hq_config config = config_of(folder, want->name);
    hq_dataset set;
    void *block = load(&config, &set);
    if (!block) return;
    const hq_data_info *info = &set.info;
    CHECK_TEXT(info->name, want->name);
    CHECK_INT(info->task, want->task);
    CHECK_INT(info->classes, want->classes);
    CHECK_INT(info->depth, want->depth);
    CHECK_INT(info->height, want->height);
    CHECK_INT(info->width, want->width);
    CHECK_INT(info->channels, want->channels);
    uint64_t images = 0, labels = 0;
    int64_t size = (int64_t)info->depth * info->height * info->width * info->channels;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        CHECK_INT(info->count[s], want->count[s]);
        for (int64_t i = 0; i < info->count[s] * size; i++) images += set.image[s][i];
        for (int64_t i = 0; i < info->count[s]; i++) labels += (uint64_t)set.label[s][i];
    }
    CHECK_INT(images, want->image_sum);
    CHECK_INT(labels, want->label_sum);
    hq_free(block);
}

static void check_two_classes(const char *folder)
{
    hq_config config = config_of(folder, "retinamnist");
    config.data_classes = (hq_list){.n = 2, .v = {2, 0}};
    hq_dataset set;
    void *block = load(&config, &set);
    if (!block) return;
    CHECK_INT(set.info.task, HQ_TASK_BINARY);
    int64_t ones = 0;
    for (int64_t i = 0; i < set.info.count[HQ_SPLIT_TRAIN]; i++) ones += set.label[HQ_SPLIT_TRAIN][i];
    CHECK_INT(set.info.count[HQ_SPLIT_TRAIN], 692);
    CHECK_INT(ones, 486);
    hq_free(block);
}

int main(void)
{
    const char *folder = hq_check_data_dir();
    if (!folder) return 77;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        hq_check_begin(sets[i].name);
        check_set(folder, &sets[i]);
    }
    hq_check_begin("data.classes");
    check_two_classes(folder);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
