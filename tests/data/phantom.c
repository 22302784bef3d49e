/* The built-in set: each image a function of seed, split and index; classes differ in outline and hardly in anything
 * else. */
#include "data/phantom.h"

#include "npz_make.h"

#include <stdlib.h>
#include <string.h>

static hq_config phantom(int size, int channels, int train, int val, int test)
{
    hq_config config = config_for("phantom");
    config.phantom_size = size;
    config.phantom_channels = channels;
    config.phantom_train = train;
    config.phantom_val = val;
    config.phantom_test = test;
    return config;
}

static void test_info(void)
{
    hq_config config = phantom(20, 3, 7, 5, 3);
    hq_dataset set;
    void *block = load_set(&config, &set);
    if (!block) return;
    CHECK_TEXT(set.info.name, "phantom");
    CHECK_INT(set.info.task, HQ_TASK_BINARY);
    CHECK_INT(set.info.classes, 2);
    CHECK_INT(set.info.labels, 1);
    CHECK_INT(set.info.depth, 1);
    CHECK_INT(set.info.height, 20);
    CHECK_INT(set.info.width, 20);
    CHECK_INT(set.info.channels, 3);
    CHECK_INT(set.info.count[HQ_SPLIT_TRAIN], 7);
    CHECK_INT(set.info.count[HQ_SPLIT_VAL], 5);
    CHECK_INT(set.info.count[HQ_SPLIT_TEST], 3);
    CHECK_INT(set.info.bytes,
              8448 + 6016 + 3648 + 3 * 64); /* 7, 5 and 3 images of 1200 bytes, rounded up to 64; labels */
    hq_free(block);
}

/* Fewer or more images, or other splits, do not change an image. */
static void test_counts(void)
{
    hq_config small = phantom(28, 1, 5, 3, 2), large = phantom(28, 1, 20, 30, 11);
    hq_dataset a, b;
    void *block_a = load_set(&small, &a), *block_b = load_set(&large, &b);
    if (!block_a || !block_b) return;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        size_t n = (size_t)a.info.count[s];
        CHECK(memcmp(a.image[s], b.image[s], n * 784) == 0);
        CHECK(memcmp(a.label[s], b.label[s], n * sizeof(int32_t)) == 0);
    }
    CHECK(memcmp(b.image[0], b.image[1], 784) != 0); /* splits, images and seeds differ */
    CHECK(memcmp(b.image[0], b.image[0] + 784, 784) != 0);
    small.phantom_seed = 2;
    hq_free(block_a);
    block_a = load_set(&small, &a);
    CHECK(block_a && memcmp(a.image[0], b.image[0], 784) != 0);
    hq_free(block_a);
    hq_free(block_b);
}

/* Any division into parts, also more parts than images, writes every byte once. */
static void test_parts(void)
{
    hq_config config = phantom(12, 1, 13, 4, 1);
    hq_dataset whole;
    unsigned char *want = load_set(&config, &whole);
    if (!want) return;
    for (int parts = 1; parts <= 17; parts += 4) {
        unsigned char *block;
        CHECK_INT(hq_alloc(whole.info.bytes, "block", &block), HQ_OK);
        memset(block, 0xee, whole.info.bytes); /* as load_set does: the gaps between sections are equal */
        for (int part = parts - 1; part >= 0; part--) {
            hq_data_source *source;
            hq_data_info info;
            CHECK_INT(hq_data_open(&config, &source, &info), HQ_OK);
            CHECK_INT(hq_data_fill(source, block, part, parts), HQ_OK);
            hq_data_close(source);
        }
        CHECK_MSG(memcmp(block, want, whole.info.bytes) == 0, "%d parts give another block", parts);
        hq_free(block);
    }
    hq_free(want);
}

/* Odd and large sizes stay inside their memory (sanitizers look on); three channels are tinted copies of the one. */
static void test_sizes(void)
{
    static const int sizes[] = {12, 13, 28, 31, 64, 129};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int size = sizes[k];
        hq_config grey = phantom(size, 1, 3, 1, 1), color = phantom(size, 3, 3, 1, 1);
        hq_dataset a, b;
        void *block_a = load_set(&grey, &a), *block_b = load_set(&color, &b);
        if (!block_a || !block_b) return;
        int64_t wrong = 0, tinted = 0;
        for (int64_t i = 0; i < (int64_t)3 * size * size; i++) {
            const uint8_t *p = b.image[0] + 3 * i;
            wrong += p[0] != a.image[0][i] || p[1] > p[0] || p[2] > p[0];
            tinted += p[2] != p[0];
        }
        CHECK_INT(wrong, 0);
        CHECK(tinted > size * size);
        hq_free(block_a);
        hq_free(block_b);
    }
}

/* ---- the two classes ------------------------------------------------------------------------------------------- */

/* Mann-Whitney: how often a number of class 1 is above one of class 0. */
static double auc(const double *score, const int32_t *label, int n)
{
    double above = 0, pairs = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (label[i] != 1 || label[j] != 0) continue;
            above += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
            pairs++;
        }
    return above / pairs;
}

static void test_balance_and_brightness(void)
{
    enum { N = 2000 };
    static double mean[N], spread[N], lower[N];
    hq_config config = phantom(28, 1, N, 1, 1);
    hq_dataset set;
    void *block = load_set(&config, &set);
    if (!block) return;
    int ones = 0;
    double all = 0, dark = 0;
    for (int i = 0; i < N; i++) {
        const uint8_t *p = set.image[0] + i * 784;
        double sum = 0, squares = 0, below = 0;
        for (int k = 0; k < 784; k++) {
            sum += p[k];
            squares += p[k] * p[k];
            below += k >= 392 ? p[k] : 0;
            dark += p[k] == 0 || p[k] == 255;
        }
        ones += set.label[0][i];
        mean[i] = sum / 784;
        spread[i] = squares / 784 - mean[i] * mean[i];
        lower[i] = below / sum;
        all += mean[i] / N;
    }
    CHECK_MSG(abs(ones - N / 2) < 100, "%d of %d images are of class 1", ones, N); /* 4.5 standard deviations */
    CHECK_MSG(all > 90 && all < 165, "mean brightness %g", all);
    CHECK_MSG(dark < 0.01 * N * 784, "%g saturated pixels", dark);
    /* Not told apart by brightness, contrast or shadow alone. */
    CHECK_NEAR(auc(mean, set.label[0], N), 0.5, 0.1);
    CHECK_NEAR(auc(spread, set.label[0], N), 0.5, 0.1);
    CHECK_NEAR(auc(lower, set.label[0], N), 0.5, 0.1);
    hq_free(block);
}

/* Length of the outline, for one area: the property that tells the classes apart. */
static double circumference(const hq_outline *outline)
{
    double sum = 0, step = 2 * 3.14159265358979 / HQ_OUTLINE_STEPS;
    for (int i = 0; i < HQ_OUTLINE_STEPS; i++)
        sum += hypot(outline->radius[i] * step, outline->radius[i + 1] - outline->radius[i]);
    return sum;
}

static void test_outlines(void)
{
    enum { N = 400 };
    double length[N];
    int32_t label[N];
    for (int i = 0; i < N; i++) {
        hq_random stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, (uint64_t)i);
        hq_outline outline;
        label[i] = i % 2;
        hq_outline_draw(&stream, label[i], 0.2, &outline);
        double square = 0, reach = 0;
        for (int k = 0; k < HQ_OUTLINE_STEPS; k++) {
            square += outline.radius[k] * outline.radius[k] / HQ_OUTLINE_STEPS;
            reach = fmax(reach, outline.radius[k]);
            CHECK(outline.radius[k] > 0.02);
        }
        CHECK_NEAR(square, 0.04, 1e-12); /* the area is that of the circle */
        CHECK_NEAR(outline.reach, reach, 0);
        CHECK_NEAR(outline.radius[HQ_OUTLINE_STEPS], outline.radius[0], 0);
        CHECK(reach < 0.5);
        length[i] = circumference(&outline);
    }
    CHECK_MSG(auc(length, label, N) > 0.98, "outlines tell the classes apart with AUC %g only", auc(length, label, N));
}

static void test_refusals(void)
{
    hq_config config = phantom(28, 2, 1, 1, 1);
    expect_refusal("2 channels", &config, HQ_ERR_CONFIG, "phantom.channels = 2|1 and 3");
    config = phantom(28, 1, 1, 1, 1);
    config.data_classes = (hq_list){.n = 2, .v = {0, 1}};
    expect_refusal("data.classes", &config, HQ_ERR_CONFIG, "data.classes|built-in");
    config.data_classes.n = 0;
    config.data_class_count = 3;
    expect_refusal("data.class_count", &config, HQ_ERR_CONFIG, "data.class_count = 3|2 classes");
    config.data_class_count = 2;
    config.data_task = HQ_TASK_MULTI_LABEL;
    expect_refusal("multi-label", &config, HQ_ERR_CONFIG, "phantom|\"multi-label\"|1 label column");
}

int main(void)
{
    HQ_RUN(test_info);
    HQ_RUN(test_counts);
    HQ_RUN(test_parts);
    HQ_RUN(test_sizes);
    HQ_RUN(test_balance_and_brightness);
    HQ_RUN(test_outlines);
    HQ_RUN(test_refusals);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
