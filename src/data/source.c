#include "data/source.h"

#include "data/phantom.h"

#include <string.h>

/* ---- the built-in set ------------------------------------------------------------------------------------------ */

static hq_status open_phantom(const hq_config *config, hq_data_source *source)
{
    hq_data_info *info = &source->info;
    if (config->phantom_channels != 1 && config->phantom_channels != 3)
        HQ_FAIL(HQ_ERR_CONFIG, "phantom.channels = %d; 1 and 3 are allowed", config->phantom_channels);
    if (config->data_classes.n > 0)
        HQ_FAIL(HQ_ERR_CONFIG,
                "data.classes cannot be used with the built-in set, which has classes 0 and 1; leave it empty");
    if (config->data_class_count != 0 && config->data_class_count != 2)
        HQ_FAIL(HQ_ERR_CONFIG, "data.class_count = %d; the built-in set has 2 classes, 0 and 2 are allowed",
                config->data_class_count);
    source->phantom_seed = (uint64_t)config->phantom_seed;
    hq_copy_text(info->name, sizeof info->name, "phantom");
    info->classes = 2;
    info->depth = 1;
    info->height = info->width = config->phantom_size;
    info->channels = config->phantom_channels;
    info->count[HQ_SPLIT_TRAIN] = config->phantom_train;
    info->count[HQ_SPLIT_VAL] = config->phantom_val;
    info->count[HQ_SPLIT_TEST] = config->phantom_test;
    return hq_labels_choose_task(config, "phantom", 1, info);
}

/* Part `part` of every split: images and labels of a contiguous run of samples. */
static hq_status fill_phantom(const hq_data_source *source, unsigned char *block, int part, int parts)
{
    const hq_data_info *info = &source->info;
    uint64_t image_bytes = hq_data_image_bytes(info);
    double *scratch;
    HQ_TRY(hq_alloc_array(hq_phantom_scratch(info->width), sizeof *scratch, "speckle of the built-in set", &scratch));
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        int32_t *label = (int32_t *)(block + source->layout.label[s]);
        int64_t end = info->count[s] * (part + 1) / parts;
        for (int64_t i = info->count[s] * part / parts; i < end; i++)
            label[i] = hq_phantom_draw(source->phantom_seed, s, i, info->width, info->channels, scratch,
                                       block + source->layout.image[s] + (uint64_t)i * image_bytes);
    }
    hq_free(scratch);
    return HQ_OK;
}

/* ---- HDF5 files ------------------------------------------------------------------------------------------------ */

/* What was settled when the file was made stays. */
static hq_status check_choices(const hq_config *config, hq_data_info *info)
{
    const char *path = config->data_source;
    if (config->data_classes.n > 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: data.classes cannot be used with an .h5 file; give it to `data import`", path);
    if (config->data_class_count != 0 && config->data_class_count != info->classes)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: data.class_count = %d; the file has %d classes, 0 and that number are allowed",
                path, config->data_class_count, info->classes);
    if (config->data_task == HQ_TASK_AUTO) return HQ_OK;
    return hq_labels_choose_task(config, path, info->labels, info);
}

static hq_status open_file(const hq_config *config, hq_data_source *source)
{
    HQ_TRY(hq_set_file_open(config->data_source, false, &source->file, &source->info));
    HQ_TRY(hq_set_file_load(&source->file, &source->info));
    HQ_TRY(hq_set_file_check(&source->file, &source->info));
    source->info.hash = source->file.hash;
    return check_choices(config, &source->info);
}

static hq_status fill_from_file(const hq_data_source *source, unsigned char *block)
{
    const hq_data_info *info = &source->info;
    const hq_set_file *file = &source->file;
    const size_t image = (size_t)hq_data_image_bytes(info);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const int64_t chunks = hq_data_chunks(info, s);
        unsigned char *to = block + source->layout.image[s];
        memcpy(block + source->layout.label[s], file->label[s],
               (size_t)(info->count[s] * info->labels) * sizeof(int32_t));
        if (info->stream) memcpy(to, file->chunk[s], (size_t)chunks * sizeof(uint64_t));
        for (int64_t c = 0; c < chunks && !info->stream; c++)
            HQ_TRY(hq_set_file_chunk(file->fd, file->path, info, s, c, file->chunk[s][c],
                                     to + (size_t)(c * info->chunk[s]) * image));
    }
    return HQ_OK;
}

/* ---- any source ------------------------------------------------------------------------------------------------ */

bool hq_data_is_drawn(const hq_config *config) { return strcmp(config->data_source, "phantom") == 0; }

bool hq_data_is_set_file(const char *path)
{
    const size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".h5") == 0;
}

/* Whether the images stay in the file: by configuration and data alone. */
static hq_status choose_place(const hq_config *config, const hq_data_source *source, bool *stream)
{
    const bool is_file = source->kind == HQ_SOURCE_FILE;
    double images = 0;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) images += (double)source->info.count[s];
    const double megabytes = images * (double)hq_data_image_bytes(&source->info) / 1e6;
    if (config->data_stream == HQ_STREAM_ON && !is_file)
        HQ_FAIL(
            HQ_ERR_CONFIG,
            "data.stream = \"on\", but data.source = \"%s\" is no .h5 file; allowed are \"auto\" and \"off\", or make "
            "one: hqcnn-dist data import SOURCE TARGET.h5",
            config->data_source);
    *stream = is_file && (config->data_stream == HQ_STREAM_ON ||
                          (config->data_stream == HQ_STREAM_AUTO && megabytes > config->data_memory));
    return HQ_OK;
}

static hq_status open_any(const hq_config *config, hq_data_source *source)
{
    source->kind = hq_data_is_drawn(config)                   ? HQ_SOURCE_PHANTOM
                   : hq_data_is_set_file(config->data_source) ? HQ_SOURCE_FILE
                                                              : HQ_SOURCE_NPZ;
    if (source->kind == HQ_SOURCE_PHANTOM) HQ_TRY(open_phantom(config, source));
    if (source->kind == HQ_SOURCE_FILE) HQ_TRY(open_file(config, source));
    if (source->kind == HQ_SOURCE_NPZ) HQ_TRY(hq_npz_set_open(config, &source->npz, &source->info));
    HQ_TRY(choose_place(config, source, &source->info.stream));
    if (!hq_data_layout_make(&source->info, &source->layout))
        HQ_FAIL(HQ_ERR_DATA, "%s: the images of all splits do not fit into memory", config->data_source);
    source->info.bytes = source->layout.bytes;
    return HQ_OK;
}

hq_status hq_data_open(const hq_config *config, hq_data_source **out_source, hq_data_info *info)
{
    hq_data_source *source;
    *out_source = NULL;
    HQ_TRY(hq_alloc(sizeof *source, "data source", &source));
    hq_status status = open_any(config, source);
    if (status != HQ_OK) {
        hq_data_close(source);
        return status;
    }
    *info = source->info;
    *out_source = source;
    return HQ_OK;
}

hq_status hq_data_look(const hq_config *config, hq_data_info *info)
{
    hq_data_source *source;
    HQ_TRY(hq_data_open(config, &source, info));
    hq_data_close(source);
    return HQ_OK;
}

hq_status hq_data_fill(hq_data_source *source, void *block, int part, int parts)
{
    HQ_ASSERT(part >= 0 && part < parts);
    if (source->kind == HQ_SOURCE_PHANTOM) return fill_phantom(source, block, part, parts);
    if (part > 0) return HQ_OK;
    if (source->kind == HQ_SOURCE_FILE) return fill_from_file(source, block);
    return hq_npz_set_fill(&source->npz, &source->info, &source->layout, block);
}

void hq_data_close(hq_data_source *source)
{
    if (!source) return;
    if (source->kind == HQ_SOURCE_FILE) hq_set_file_close(&source->file);
    hq_npz_set_close(&source->npz);
    hq_free(source);
}
