#include "data/npz_set.h"

#include <stdio.h>
#include <string.h>

#define SIDE_MAX 65536    /* longest side of an image */
#define COLUMNS_MAX 65536 /* as data.class_count */

static void member_name(hq_split split, const char *what, char name[32])
{
    snprintf(name, 32, "%s_%s.npy", hq_split_name(split), what);
}

/* ---- images: headers ------------------------------------------------------------------------------------------- */

/* N x H x W, N x H x W x channels, or N x D x H x W when the last side is neither 1 nor 3. */
static bool image_shape(const hq_npy *npy, hq_data_info *shape)
{
    if (npy->dims != 3 && npy->dims != 4) return false;
    for (int i = 1; i < npy->dims; i++)
        if (npy->shape[i] < 1 || npy->shape[i] > SIDE_MAX) return false;
    int64_t last = npy->shape[npy->dims - 1];
    bool has_channels = npy->dims == 4 && (last == 1 || last == 3);
    bool is_volume = npy->dims == 4 && !has_channels;
    const int64_t *side = npy->shape + (is_volume ? 2 : 1);
    shape->depth = is_volume ? (int)npy->shape[1] : 1;
    shape->height = (int)side[0];
    shape->width = (int)side[1];
    shape->channels = has_channels ? (int)last : 1;
    return true;
}

static bool same_shape(const hq_data_info *a, const hq_data_info *b)
{
    return a->depth == b->depth && a->height == b->height && a->width == b->width && a->channels == b->channels;
}

static hq_status check_image_header(const hq_npz_array *array, hq_split split, hq_data_info *info, int64_t *rows)
{
    const char *path = array->npz->path;
    char text[200];
    hq_npy_shape_text(&array->npy, text, sizeof text);
    hq_data_info shape = *info;
    if (strcmp(array->npy.type + 1, "u1") != 0)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: element type \"%s\"; images must be \"|u1\" (bytes 0 to 255)", path, array->name,
                array->npy.type);
    if (!image_shape(&array->npy, &shape))
        HQ_FAIL(HQ_ERR_DATA,
                "%s: %s: shape %s; allowed are (N, H, W), (N, H, W, 1 or 3) and (N, D, H, W), sides 1 to %d", path,
                array->name, text, SIDE_MAX);
    if (array->npy.shape[0] == 0)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: shape %s: the split has no sample", path, array->name, text);
    if (split != HQ_SPLIT_TRAIN && !same_shape(&shape, info))
        HQ_FAIL(HQ_ERR_DATA,
                "%s: %s: shape %s; the training images are depth %d, height %d, width %d, channels %d, and all "
                "splits must agree",
                path, array->name, text, info->depth, info->height, info->width, info->channels);
    *info = shape;
    *rows = array->npy.shape[0];
    return HQ_OK;
}

static hq_status read_image_header(hq_npz_set *set, hq_split split, hq_data_info *info)
{
    char name[32];
    hq_npz_array array;
    member_name(split, "images", name);
    hq_status status = hq_npz_array_open(&set->npz, name, &array);
    if (status == HQ_OK) status = check_image_header(&array, split, info, &set->labels.rows[split]);
    hq_npz_array_close(&array);
    return status;
}

/* ---- labels ---------------------------------------------------------------------------------------------------- */

static hq_status check_label_header(const hq_npz_array *array, hq_split split, hq_labels *labels)
{
    const hq_npy *npy = &array->npy;
    const char *path = array->npz->path;
    char text[200];
    hq_npy_shape_text(npy, text, sizeof text);
    int64_t columns = npy->dims == 2 ? npy->shape[1] : 1;
    if (npy->dims < 1 || npy->dims > 2 || columns < 1 || columns > COLUMNS_MAX)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: shape %s; allowed are (N,) and (N, L) with L from 1 to %d", path, array->name,
                text, COLUMNS_MAX);
    if (npy->shape[0] != labels->rows[split])
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: %lld labels for the %lld images of %s_images.npy; the numbers must agree", path,
                array->name, (long long)npy->shape[0], (long long)labels->rows[split], hq_split_name(split));
    if (split != HQ_SPLIT_TRAIN && columns != labels->columns)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: %lld label columns, the training split has %d; all splits must agree", path,
                array->name, (long long)columns, labels->columns);
    labels->columns = (int)columns;
    return HQ_OK;
}

/* The number of `width` bytes at `p`, little-endian, on a machine of any byte order. A value beyond int64 counts as
 * INT64_MAX. */
static int64_t decode(const unsigned char *p, int width, bool is_signed)
{
    uint64_t bits = 0;
    for (int i = 0; i < width; i++) bits |= (uint64_t)p[i] << (8 * i);
    uint64_t sign = (uint64_t)1 << (8 * width - 1);
    if (is_signed && (bits & sign)) return (int64_t)(bits ^ sign) - (int64_t)(sign - 1) - 1;
    return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

static hq_status read_label_values(hq_npz_array *array, int columns, int64_t n, int32_t *value)
{
    unsigned char piece[8 * 1024];
    bool is_signed = false;
    int width = hq_npy_integer_bytes(&array->npy, &is_signed);
    for (int64_t done = 0; done < n;) {
        int64_t count = n - done < 1024 ? n - done : 1024;
        HQ_TRY(hq_npz_array_read(array, piece, (uint64_t)(count * width)));
        for (int64_t i = 0; i < count; i++, done++) {
            int64_t label = decode(piece + i * width, width, is_signed);
            if (label < 0 || label > HQ_LABEL_MAX)
                HQ_FAIL(HQ_ERR_DATA, "%s: %s: sample %lld has label %lld; allowed are 0 to %d", array->npz->path,
                        array->name, (long long)(done / columns), (long long)label, HQ_LABEL_MAX);
            value[done] = (int32_t)label;
        }
    }
    return hq_npz_array_finish(array);
}

static hq_status read_open_labels(hq_npz_array *array, hq_split split, hq_labels *labels)
{
    HQ_TRY(check_label_header(array, split, labels));
    int64_t n = labels->rows[split] * labels->columns; /* hq_npz_array_open checked the product */
    HQ_TRY(hq_alloc_array((size_t)n, sizeof(int32_t), "labels", &labels->value[split]));
    return read_label_values(array, labels->columns, n, labels->value[split]);
}

static hq_status read_labels(hq_npz_set *set, hq_split split)
{
    char name[32];
    hq_npz_array array;
    member_name(split, "labels", name);
    hq_status status = hq_npz_array_open(&set->npz, name, &array);
    if (status == HQ_OK) status = read_open_labels(&array, split, &set->labels);
    hq_npz_array_close(&array);
    return status;
}

/* ---- open, fill, close ----------------------------------------------------------------------------------------- */

static void name_of(const char *path, hq_data_info *info)
{
    const char *slash = strrchr(path, '/');
    hq_copy_text(info->name, sizeof info->name, slash ? slash + 1 : path);
    size_t length = strlen(info->name);
    if (length > 4 && strcmp(info->name + length - 4, ".npz") == 0) info->name[length - 4] = '\0';
}

hq_status hq_npz_set_open(const hq_config *config, hq_npz_set *set, hq_data_info *info)
{
    memcpy(set->path, config->data_source, sizeof set->path);
    set->labels.path = set->path;
    name_of(set->path, info);
    HQ_TRY(hq_npz_open(set->path, config->data_memory, &set->npz));
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) HQ_TRY(read_image_header(set, s, info));
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) HQ_TRY(read_labels(set, s));
    return hq_labels_apply(config, &set->labels, info);
}

/* Kept images go straight to their place, run by run; the others are dropped on the way. */
static hq_status stream_images(hq_npz_array *array, const int32_t *label, int columns, int64_t rows,
                               uint64_t image_bytes, unsigned char *to)
{
    for (int64_t row = 0; row < rows;) {
        bool keep = label[row * columns] != HQ_LABEL_DROPPED;
        int64_t end = row + 1;
        while (end < rows && (label[end * columns] != HQ_LABEL_DROPPED) == keep) end++;
        uint64_t bytes = (uint64_t)(end - row) * image_bytes;
        HQ_TRY(hq_npz_array_read(array, keep ? to : NULL, bytes));
        if (keep) to += bytes;
        row = end;
    }
    return hq_npz_array_finish(array);
}

/* Opens the images of a split again. The caller closes the array, also after an error. */
static hq_status open_images(hq_npz_set *set, hq_split split, const hq_data_info *info, hq_npz_array *array)
{
    char name[32];
    member_name(split, "images", name);
    HQ_TRY(hq_npz_array_open(&set->npz, name, array));
    if (array->left != (uint64_t)set->labels.rows[split] * hq_data_image_bytes(info))
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: changed while it was read", set->path, name);
    return HQ_OK;
}

static hq_status fill_images(hq_npz_set *set, hq_split split, const hq_data_info *info, unsigned char *to)
{
    hq_npz_array array;
    hq_status status = open_images(set, split, info, &array);
    if (status == HQ_OK)
        status = stream_images(&array, set->labels.value[split], set->labels.columns, set->labels.rows[split],
                               hq_data_image_bytes(info), to);
    hq_npz_array_close(&array);
    return status;
}

static void fill_labels(const hq_labels *labels, hq_split split, int32_t *to)
{
    int64_t n = labels->rows[split] * labels->columns;
    for (int64_t i = 0; i < n; i++)
        if (labels->value[split][i] != HQ_LABEL_DROPPED) *to++ = labels->value[split][i];
}

hq_status hq_npz_set_fill(hq_npz_set *set, const hq_data_info *info, const hq_data_layout *layout, unsigned char *block)
{
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        HQ_TRY(fill_images(set, s, info, block + layout->image[s]));
        fill_labels(&set->labels, s, (int32_t *)(block + layout->label[s]));
    }
    return HQ_OK;
}

static hq_status visit_split(hq_npz_set *set, hq_npz_array *array, hq_split split, uint8_t *image, uint64_t bytes,
                             hq_visit visit, void *ctx)
{
    const int32_t *label = set->labels.value[split];
    int64_t kept = 0;
    for (int64_t row = 0; row < set->labels.rows[split]; row++, label += set->labels.columns) {
        HQ_TRY(hq_npz_array_read(array, image, bytes));
        if (*label != HQ_LABEL_DROPPED) HQ_TRY(visit(ctx, split, kept++, image, label));
    }
    return hq_npz_array_finish(array);
}

hq_status hq_npz_set_visit(hq_npz_set *set, const hq_data_info *info, hq_visit visit, void *ctx)
{
    uint8_t *image;
    const uint64_t bytes = hq_data_image_bytes(info);
    hq_status status = hq_alloc((size_t)bytes, "image", &image);
    for (int s = 0; s < HQ_SPLIT_COUNT && status == HQ_OK; s++) {
        hq_npz_array array;
        status = open_images(set, s, info, &array);
        if (status == HQ_OK) status = visit_split(set, &array, s, image, bytes, visit, ctx);
        hq_npz_array_close(&array);
    }
    hq_free(image);
    return status;
}

void hq_npz_set_close(hq_npz_set *set)
{
    hq_npz_close(&set->npz);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) hq_free(set->labels.value[s]);
}
