/* Good .npz files: every allowed shape, type and packing gives the right block. */
#include "npz_make.h"

#include <stdio.h>
#include <string.h>

static void check_images(const hq_dataset *set, hq_split split, size_t bytes)
{
    size_t wrong = 0;
    for (size_t i = 0; i < bytes; i++) wrong += set->image[split][i] != (unsigned char)i;
    CHECK_MSG(wrong == 0, "%s: %d wrong bytes", hq_split_name(split), (int)wrong);
}

static void check_default_set(const hq_config *config)
{
    hq_dataset set;
    void *block = load_set(config, &set);
    if (!block) return;
    CHECK_INT(set.info.count[HQ_SPLIT_TRAIN], 6);
    CHECK_INT(set.info.count[HQ_SPLIT_VAL], 4);
    CHECK_INT(set.info.count[HQ_SPLIT_TEST], 2);
    CHECK_INT(set.info.task, HQ_TASK_BINARY);
    CHECK_INT(set.info.classes, 2);
    CHECK_INT(set.info.labels, 1);
    check_images(&set, HQ_SPLIT_TRAIN, 90);
    check_images(&set, HQ_SPLIT_VAL, 60);
    check_images(&set, HQ_SPLIT_TEST, 30);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        CHECK_INT((uintptr_t)set.image[s] % HQ_ALIGN, 0);
        CHECK_INT((uintptr_t)set.label[s] % HQ_ALIGN, 0);
        for (int i = 0; i < set.info.count[s]; i++) CHECK_INT(set.label[s][i], i % 2);
    }
    hq_free(block);
}

static void test_packing(void)
{
    for (int version = 1; version <= 3; version++)
        for (int stored = 0; stored <= 1; stored++) {
            set_spec spec = make_set();
            spec.stored = stored;
            for (int s = 0; s < 3; s++) spec.images[s].version = spec.labels[s].version = version;
            hq_config config = config_for(write_set(&spec, "set.one.npz"));
            check_default_set(&config);
        }
}

static void test_info(void)
{
    set_spec spec = make_set();
    hq_config config = config_for(write_set(&spec, "set.one.npz"));
    hq_data_source *source;
    hq_data_info info;
    CHECK_INT(hq_data_open(&config, &source, &info), HQ_OK);
    CHECK_TEXT(info.name, "set.one");
    CHECK_INT(info.depth, 1);
    CHECK_INT(info.height, 3);
    CHECK_INT(info.width, 5);
    CHECK_INT(info.channels, 1);
    CHECK_INT(info.bytes, 128 + 64 + 64 + 64 + 64 + 64); /* each section rounded up to 64 */
    /* One stream: part 0 writes all, the other parts nothing. */
    unsigned char *block;
    CHECK_INT(hq_alloc(info.bytes, "block", &block), HQ_OK);
    CHECK_INT(hq_data_fill(source, block, 1, 2), HQ_OK);
    CHECK_INT(block[1], 0);
    CHECK_INT(hq_data_fill(source, block, 0, 2), HQ_OK);
    CHECK_INT(block[1], 1);
    CHECK_INT(hq_data_fill(source, block, 0, 1), HQ_OK); /* filling again is allowed */
    hq_free(block);
    hq_data_close(source);
    hq_data_close(NULL);
}

static void test_shapes(void)
{
    static const struct {
        const char *sides;
        int bytes, depth, height, width, channels;
    } cases[] = {{"4, 2", 8, 1, 4, 2, 1},     {"4, 2, 3", 24, 1, 4, 2, 3},    {"4, 2, 1", 8, 1, 4, 2, 1},
                 {"3, 4, 2", 24, 3, 4, 2, 1}, {"2, 3, 28", 168, 2, 3, 28, 1}, {"4, 3", 12, 1, 4, 3, 1},
                 {"1, 1", 1, 1, 1, 1, 1},     {"1, 1, 2", 2, 1, 1, 2, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        set_spec spec = make_set();
        static const int count[3] = {6, 4, 2};
        for (int s = 0; s < 3; s++) {
            snprintf(spec.images[s].shape, sizeof spec.images[s].shape, "(%d, %s)", count[s], cases[c].sides);
            spec.images[s].bytes = (size_t)(count[s] * cases[c].bytes);
        }
        hq_config config = config_for(write_set(&spec, "shape.npz"));
        hq_dataset set;
        void *block = load_set(&config, &set);
        if (!block) continue;
        CHECK_INT(set.info.depth, cases[c].depth);
        CHECK_INT(set.info.height, cases[c].height);
        CHECK_INT(set.info.width, cases[c].width);
        CHECK_INT(set.info.channels, cases[c].channels);
        for (int s = 0; s < 3; s++) check_images(&set, s, spec.images[s].bytes);
        hq_free(block);
    }
}

static void test_label_types(void)
{
    static const char *const types[] = {"|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8"};
    for (int t = 0; t < 8; t++) {
        int width = 1 << (t / 2);
        unsigned char data[6 * 8] = {0};
        for (int i = 0; i < 6; i++) data[i * width] = (unsigned char)(i % 2);
        set_spec spec = make_set();
        for (int s = 0; s < 3; s++) {
            strcpy(spec.labels[s].type, types[t]);
            spec.labels[s].data = data;
            spec.labels[s].bytes *= (size_t)width;
        }
        strcpy(spec.labels[0].shape, "(6,)"); /* without columns is allowed, too */
        hq_config config = config_for(write_set(&spec, "types.npz"));
        check_default_set(&config);
    }
}

/* The bytes above the lowest count as well. */
static void test_wide_labels(void)
{
    unsigned char data[6 * 4] = {0};
    for (int i = 0; i < 6; i++) data[4 * i + 1] = (unsigned char)(i % 3);
    set_spec spec = make_set();
    for (int s = 0; s < 3; s++) {
        strcpy(spec.labels[s].type, "<i4");
        spec.labels[s].data = data;
        spec.labels[s].bytes *= 4;
    }
    hq_config config = config_for(write_set(&spec, "wide.npz"));
    hq_dataset set;
    void *block = load_set(&config, &set);
    if (!block) return;
    CHECK_INT(set.info.classes, 513);
    CHECK_INT(set.info.task, HQ_TASK_MULTI_CLASS);
    for (int i = 0; i < 6; i++) CHECK_INT(set.label[0][i], 256 * (i % 3));
    hq_free(block);
}

/* More images and labels than any buffer of the reader. */
static void test_large(void)
{
    enum { COUNT = 5000, PIXELS = 23 * 31 };
    static unsigned char labels[COUNT];
    for (int i = 0; i < COUNT; i++) labels[i] = (unsigned char)(i * i % 7);
    set_spec spec = make_set();
    for (int s = 0; s < 3; s++) {
        strcpy(spec.images[s].shape, "(5000, 23, 31)");
        spec.images[s].bytes = COUNT * PIXELS;
        strcpy(spec.labels[s].shape, "(5000, 1)");
        spec.labels[s].data = labels;
        spec.labels[s].bytes = COUNT;
    }
    hq_config config = config_for(write_set(&spec, "large.npz"));
    config.data_classes = (hq_list){.n = 2, .v = {4, 1}};
    hq_dataset set;
    void *block = load_set(&config, &set);
    if (!block) return;
    int64_t kept = 0, wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        if (labels[i] != 4 && labels[i] != 1) continue;
        wrong += set.label[1][kept] != (labels[i] == 1);
        for (int p = 0; p < PIXELS; p++) wrong += set.image[1][kept * PIXELS + p] != (unsigned char)(i * PIXELS + p);
        kept++;
    }
    CHECK_INT(set.info.count[1], kept);
    CHECK_INT(wrong, 0);
    hq_free(block);
}

int main(void)
{
    HQ_RUN(test_packing);
    HQ_RUN(test_info);
    HQ_RUN(test_shapes);
    HQ_RUN(test_label_types);
    HQ_RUN(test_wide_labels);
    HQ_RUN(test_large);
    CHECK_INT(hq_log_error_count(), 0);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
