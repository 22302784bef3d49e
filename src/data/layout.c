#include "data/layout.h"

const char *hq_split_name(hq_split split)
{
    static const char *const names[HQ_SPLIT_COUNT] = {"train", "val", "test"};
    return names[split];
}

uint64_t hq_data_image_bytes(const hq_data_info *info)
{
    return (uint64_t)info->depth * (uint64_t)info->height * (uint64_t)info->width * (uint64_t)info->channels;
}

int64_t hq_data_chunks(const hq_data_info *info, hq_split split)
{
    return (info->count[split] + info->chunk[split] - 1) / info->chunk[split];
}

/* Adds a section of count * size bytes at *end; false on overflow. */
static bool add_section(uint64_t count, uint64_t size, uint64_t *offset, uint64_t *end)
{
    uint64_t bytes;
    *offset = *end;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes >> 58) return false;
    *end += (bytes + HQ_ALIGN - 1) / HQ_ALIGN * HQ_ALIGN;
    return true;
}

bool hq_data_layout_make(const hq_data_info *info, hq_data_layout *layout)
{
    layout->bytes = 0;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        uint64_t count = (uint64_t)info->count[s];
        uint64_t images = info->stream ? (uint64_t)hq_data_chunks(info, s) : count;
        uint64_t size = info->stream ? sizeof(uint64_t) : hq_data_image_bytes(info);
        if (!add_section(images, size, &layout->image[s], &layout->bytes) ||
            !add_section(count, (uint64_t)info->labels * sizeof(int32_t), &layout->label[s], &layout->bytes))
            return false;
    }
    return true;
}

void hq_data_attach(const hq_data_info *info, const void *block, hq_dataset *dataset)
{
    hq_data_layout layout;
    bool fits = hq_data_layout_make(info, &layout);
    HQ_ASSERT(fits && layout.bytes == info->bytes);
    *dataset = (hq_dataset){.info = *info};
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const void *images = (const uint8_t *)block + layout.image[s];
        if (info->stream)
            dataset->chunk[s] = images;
        else
            dataset->image[s] = images;
        dataset->label[s] = (const int32_t *)((const uint8_t *)block + layout.label[s]);
    }
}
