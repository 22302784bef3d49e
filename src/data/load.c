#include "hqcnn/data.h"

#include "data/layout.h"

#include <math.h>

#define PI 3.14159265358979323846

/* One byte, or a value between bytes, as network input. */
static inline hq_real normalize(hq_real p) { return (p / 255 - (hq_real)0.5) / (hq_real)0.5; }

static void load_plain(const uint8_t *image, size_t n, hq_real *x)
{
    for (size_t i = 0; i < n; i++) x[i] = normalize(image[i]);
}

/* ---- augmentation ---------------------------------------------------------------------------------------------- */

/* From a pixel of the result, seen from the centre of the image, to its place in the source. */
typedef struct transform {
    double xx, xy, yx, yy; /* source x = xx x + xy y - shift_x, likewise y */
    double shift_x, shift_y;
} transform;

/* All draws are made whatever is switched on, so that one key does not change what another one does. */
static transform draw_transform(const hq_augment *augment, int64_t sample)
{
    hq_random stream = hq_random_make(augment->seed, HQ_PURPOSE_AUGMENT, augment->epoch, (uint64_t)sample);
    uint64_t coins = hq_random_next(&stream);
    double shift_x = augment->shift * (2 * hq_random_uniform(&stream) - 1);
    double shift_y = augment->shift * (2 * hq_random_uniform(&stream) - 1);
    double angle = augment->rotate * (2 * hq_random_uniform(&stream) - 1) * PI / 180;
    bool horizontal = augment->flip == HQ_FLIP_HORIZONTAL || augment->flip == HQ_FLIP_BOTH;
    bool vertical = augment->flip == HQ_FLIP_VERTICAL || augment->flip == HQ_FLIP_BOTH;
    double mirror_x = horizontal && (coins >> 63) ? -1 : 1, mirror_y = vertical && (coins >> 62 & 1) ? -1 : 1;
    double c = cos(angle), s = sin(angle);
    return (transform){mirror_x * c, mirror_x * s, -mirror_y * s, mirror_y * c, shift_x, shift_y};
}

/* A coordinate of the source, moved into 0..side-1 (pixels outside repeat the border), as a pixel and the way to the
 * next. */
static int split_coordinate(double at, int side, hq_real *part)
{
    double inside = at < 0 ? 0 : at > side - 1 ? side - 1 : at;
    int low = (int)inside;
    *part = (hq_real)(inside - low);
    return low;
}

/* One slice [height][width][channels], interpolated bilinearly. */
static void load_slice(const uint8_t *slice, int height, int width, int channels, const transform *t, hq_real *x)
{
    double centre_x = 0.5 * (width - 1), centre_y = 0.5 * (height - 1);
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++) {
            double dx = j - centre_x, dy = i - centre_y;
            hq_real fx, fy;
            int column = split_coordinate(centre_x + t->xx * dx + t->xy * dy - t->shift_x, width, &fx);
            int row = split_coordinate(centre_y + t->yx * dx + t->yy * dy - t->shift_y, height, &fy);
            const uint8_t *p = slice + ((size_t)row * (size_t)width + (size_t)column) * (size_t)channels;
            size_t right = column + 1 < width ? (size_t)channels : 0;
            size_t down = row + 1 < height ? (size_t)width * (size_t)channels : 0;
            for (int c = 0; c < channels; c++, p++) {
                hq_real top = (1 - fx) * p[0] + fx * p[right], bottom = (1 - fx) * p[down] + fx * p[down + right];
                *x++ = normalize((1 - fy) * top + fy * bottom);
            }
        }
}

static void load_augmented(const hq_data_info *info, const uint8_t *image, const hq_augment *augment, int64_t sample,
                           hq_real *x)
{
    transform t = draw_transform(augment, sample);
    size_t slice = (size_t)info->height * (size_t)info->width * (size_t)info->channels;
    for (int d = 0; d < info->depth; d++)
        load_slice(image + (size_t)d * slice, info->height, info->width, info->channels, &t, x + (size_t)d * slice);
}

void hq_data_convert(const hq_data_info *info, const uint8_t *image, int64_t sample, const hq_augment *augment,
                     hq_real *x)
{
    if (augment)
        load_augmented(info, image, augment, sample, x);
    else
        load_plain(image, (size_t)hq_data_image_bytes(info), x);
}

void hq_data_load(const hq_dataset *dataset, hq_split split, const int64_t *samples, int n, const hq_augment *augment,
                  hq_real *x)
{
    size_t size = (size_t)hq_data_image_bytes(&dataset->info);
    for (int i = 0; i < n; i++)
        hq_data_convert(&dataset->info, dataset->image[split] + (size_t)samples[i] * size, samples[i], augment,
                        x + (size_t)i * size);
}
