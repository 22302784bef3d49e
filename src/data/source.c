#include "data/npz_set.h"
#include "data/phantom.h"

#include <string.h>

struct hq_data_source {
    hq_data_info info;
    hq_data_layout layout;
    bool is_phantom;
    uint64_t phantom_seed;
    hq_npz_set npz; /* not used by the phantom */
};

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
    source->is_phantom = true;
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

/* ---- any source ------------------------------------------------------------------------------------------------ */

static hq_status open_any(const hq_config *config, hq_data_source *source)
{
    bool is_phantom = strcmp(config->data_source, "phantom") == 0;
    HQ_TRY(is_phantom ? open_phantom(config, source) : hq_npz_set_open(config, &source->npz, &source->info));
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

hq_status hq_data_fill(hq_data_source *source, void *block, int part, int parts)
{
    HQ_ASSERT(part >= 0 && part < parts);
    if (source->is_phantom) return fill_phantom(source, block, part, parts);
    return part == 0 ? hq_npz_set_fill(&source->npz, &source->info, &source->layout, block) : HQ_OK;
}

void hq_data_close(hq_data_source *source)
{
    if (!source) return;
    hq_npz_set_close(&source->npz);
    hq_free(source);
}
