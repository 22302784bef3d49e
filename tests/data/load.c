/* Samples as network input, with and without augmentation. */
#include "hqcnn/data.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 40, DEPTH = 3, HEIGHT = 9, WIDTH = 12, CHANNELS = 3, SIZE = DEPTH * HEIGHT * WIDTH * CHANNELS };

static uint8_t pixels[COUNT * SIZE];
static hq_real x[COUNT * SIZE], y[COUNT * SIZE];

static hq_dataset make_dataset(int depth, int height, int width, int channels)
{
    hq_dataset set = {.info = {.depth = depth, .height = height, .width = width, .channels = channels}};
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        set.info.count[s] = COUNT;
        set.image[s] = pixels;
    }
    return set;
}

static void fill_noise(void)
{
    for (int i = 0; i < COUNT * SIZE; i++) pixels[i] = (uint8_t)(hq_hash(&i, sizeof i, 3) & 255);
}

static hq_real formula(int p) { return ((hq_real)p / 255 - (hq_real)0.5) / (hq_real)0.5; }

static int64_t differences(const hq_real *a, const hq_real *b, int n)
{
    int64_t found = 0;
    for (int i = 0; i < n; i++) found += a[i] != b[i];
    return found;
}

static void test_plain(void)
{
    for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)i;
    hq_dataset set = make_dataset(1, 16, 16, 1);
    int64_t sample = 0, wrong = 0;
    hq_data_load(&set, HQ_SPLIT_VAL, &sample, 1, NULL, x);
    for (int i = 0; i < 256; i++) wrong += x[i] != formula(i);
    CHECK_INT(wrong, 0);
    CHECK(x[0] == -1 && x[255] == 1);
    fill_noise();
    set = make_dataset(DEPTH, HEIGHT, WIDTH, CHANNELS);
    static const int64_t order[3] = {17, 0, 39};
    hq_data_load(&set, HQ_SPLIT_TRAIN, order, 3, NULL, x);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < SIZE; i++) wrong += x[k * SIZE + i] != formula(pixels[order[k] * SIZE + i]);
    CHECK_INT(wrong, 0);
}

/* Everything switched off gives the very bits of no augmentation. */
static void test_nothing_on(void)
{
    hq_dataset set = make_dataset(DEPTH, HEIGHT, WIDTH, CHANNELS);
    hq_augment off = {.flip = HQ_FLIP_NONE, .seed = 1};
    for (int64_t sample = 0; sample < COUNT; sample++) {
        hq_data_load(&set, HQ_SPLIT_TRAIN, &sample, 1, NULL, x);
        hq_data_load(&set, HQ_SPLIT_TRAIN, &sample, 1, &off, y);
        CHECK_INT(differences(x, y, SIZE), 0);
    }
}

/* Exactly one of the mirrored images, in about the expected share of samples. */
static void check_flip(int flip, int kinds)
{
    hq_dataset set = make_dataset(DEPTH, HEIGHT, WIDTH, CHANNELS);
    hq_augment augment = {.flip = flip, .seed = 5};
    int count[4] = {0};
    for (int64_t sample = 0; sample < COUNT; sample++) {
        hq_data_load(&set, HQ_SPLIT_TRAIN, &sample, 1, &augment, x);
        int64_t wrong[4] = {0};
        for (int d = 0; d < DEPTH; d++)
            for (int i = 0; i < HEIGHT; i++)
                for (int j = 0; j < WIDTH; j++)
                    for (int c = 0; c < CHANNELS; c++)
                        for (int k = 0; k < 4; k++) {
                            int row = k & 2 ? HEIGHT - 1 - i : i, column = k & 1 ? WIDTH - 1 - j : j;
                            size_t from = (size_t)(((d * HEIGHT + row) * WIDTH + column) * CHANNELS + c);
                            size_t to = (size_t)(((d * HEIGHT + i) * WIDTH + j) * CHANNELS + c);
                            wrong[k] += x[to] != formula(pixels[(size_t)sample * SIZE + from]);
                        }
        for (int k = 0; k < 4; k++) count[k] += wrong[k] == 0;
    }
    CHECK_INT(count[0] + count[1] + count[2] + count[3], COUNT);
    for (int k = 0; k < 4; k++) {
        bool allowed = (k & ~kinds) == 0;
        CHECK_MSG(allowed ? count[k] >= 4 : count[k] == 0, "flip %d: %d of %d images are of kind %d", flip, count[k],
                  COUNT, k);
    }
}

static void test_flips(void)
{
    check_flip(HQ_FLIP_NONE, 0);
    check_flip(HQ_FLIP_HORIZONTAL, 1);
    check_flip(HQ_FLIP_VERTICAL, 2);
    check_flip(HQ_FLIP_BOTH, 3);
}

static void test_keys(void)
{
    hq_dataset set = make_dataset(DEPTH, HEIGHT, WIDTH, CHANNELS);
    hq_augment augment = {.flip = HQ_FLIP_BOTH, .shift = 2, .rotate = 20, .seed = 1, .epoch = 3};
    int64_t order[COUNT];
    for (int i = 0; i < COUNT; i++) order[i] = (i * 7 + 3) % COUNT;
    hq_data_load(&set, HQ_SPLIT_TRAIN, order, COUNT, &augment, x);
    for (int i = 0; i < COUNT; i++) { /* one at a time, in another place of the batch: the same bits */
        hq_data_load(&set, HQ_SPLIT_TRAIN, &order[i], 1, &augment, y);
        CHECK_INT(differences(x + i * SIZE, y, SIZE), 0);
    }
    augment.epoch = 4;
    hq_data_load(&set, HQ_SPLIT_TRAIN, order, 1, &augment, y);
    CHECK(differences(x, y, SIZE) > SIZE / 2);
    augment.epoch = 3;
    augment.seed = 2;
    hq_data_load(&set, HQ_SPLIT_TRAIN, order, 1, &augment, y);
    CHECK(differences(x, y, SIZE) > SIZE / 2);
}

static void test_slices_move_together(void)
{
    for (int i = 0; i < COUNT; i++)
        for (int d = 1; d < DEPTH; d++) memcpy(pixels + i * SIZE + d * SIZE / DEPTH, pixels + i * SIZE, SIZE / DEPTH);
    hq_dataset set = make_dataset(DEPTH, HEIGHT, WIDTH, CHANNELS);
    hq_augment augment = {.flip = HQ_FLIP_BOTH, .shift = 3, .rotate = 90, .seed = 8};
    for (int64_t sample = 0; sample < COUNT; sample++) {
        hq_data_load(&set, HQ_SPLIT_TRAIN, &sample, 1, &augment, x);
        for (int d = 1; d < DEPTH; d++) CHECK_INT(differences(x, x + d * SIZE / DEPTH, SIZE / DEPTH), 0);
    }
}

/* A ramp is moved to itself plus a constant: bilinear interpolation is exact on it, and the constant is the shift. */
static void test_shift(void)
{
    enum { SIDE = 16, SHIFT = 3 };
    for (int i = 0; i < SIDE * SIDE; i++) pixels[i] = (uint8_t)(100 + 4 * (i % SIDE) + (i / SIDE));
    hq_dataset set = make_dataset(1, SIDE, SIDE, 1);
    hq_augment augment = {.shift = SHIFT, .seed = 4};
    double low = 0, high = 0;
    for (uint32_t epoch = 0; epoch < 60; epoch++) {
        int64_t sample = 0;
        augment.epoch = epoch;
        hq_data_load(&set, HQ_SPLIT_TRAIN, &sample, 1, &augment, x);
        double moved = 0;
        for (int i = SHIFT; i < SIDE - SHIFT; i++)
            for (int j = SHIFT; j < SIDE - SHIFT; j++) {
                double change = (x[i * SIDE + j] - formula(pixels[i * SIDE + j])) * 127.5;
                if (i == SHIFT && j == SHIFT) moved = change;
                CHECK_NEAR(change, moved, 1e-4);
            }
        CHECK(fabs(moved) <= 5 * SHIFT + 1e-3); /* 4 per pixel to the side, 1 per pixel down */
        low = fmin(low, moved);
        high = fmax(high, moved);
        CHECK(x[0] >= formula(100) &&
              x[SIDE * SIDE - 1] <= formula(175)); /* the border is repeated, nothing else comes in */
    }
    CHECK(low < -7 && high > 7);
}

enum { ROUND = 33, MIDDLE = 16 };

/* Loads a ramp of 3 per pixel, along x or along y; its slopes in the result, in units of the ramp's. */
static void turned_ramp(const hq_augment *augment, bool along_y, double *right, double *below)
{
    for (int i = 0; i < ROUND * ROUND; i++)
        pixels[i] = (uint8_t)(127 + 3 * ((along_y ? i / ROUND : i % ROUND) - MIDDLE));
    hq_dataset set = make_dataset(1, ROUND, ROUND, 1);
    int64_t sample = 0;
    hq_data_load(&set, HQ_SPLIT_TRAIN, &sample, 1, augment, x);
    const hq_real *middle = x + MIDDLE * ROUND + MIDDLE;
    CHECK_NEAR(middle[0], formula(127), 1e-6);
    *right = (double)(middle[10] - middle[0]) * 127.5 / 30;
    *below = (double)(middle[10 * ROUND] - middle[0]) * 127.5 / 30;
}

/* Rotation keeps the centre, turns both axes by the same angle, and stays within the largest angle. */
static void test_rotate(void)
{
    hq_augment augment = {.rotate = 30, .seed = 4};
    double low = 0, high = 0;
    for (uint32_t epoch = 0; epoch < 60; epoch++) {
        double c, s, minus_s, also_c;
        augment.epoch = epoch;
        turned_ramp(&augment, false, &c, &s);
        turned_ramp(&augment, true, &minus_s, &also_c);
        double angle = atan2(s, c) * 180 / 3.14159265358979;
        CHECK_NEAR(c * c + s * s, 1, 1e-4);
        CHECK_NEAR(also_c, c, 1e-4);
        CHECK_NEAR(minus_s, -s, 1e-4);
        CHECK(fabs(angle) <= 30.01);
        low = fmin(low, angle);
        high = fmax(high, angle);
    }
    CHECK(low < -20 && high > 20);
}

int main(void)
{
    HQ_RUN(test_plain);
    HQ_RUN(test_nothing_on);
    HQ_RUN(test_flips);
    HQ_RUN(test_keys);
    HQ_RUN(test_slices_move_together);
    HQ_RUN(test_shift);
    HQ_RUN(test_rotate);
    CHECK_INT(hq_memory_count(), 0);
    return hq_check_result();
}
