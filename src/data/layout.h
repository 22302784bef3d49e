/* layout.h: where images and labels of each split lie in the block of a data set. */
#ifndef HQ_DATA_LAYOUT_H
#define HQ_DATA_LAYOUT_H

#include "hqcnn/data.h"

typedef struct hq_data_layout {
    uint64_t
        image[HQ_SPLIT_COUNT]; /* offsets, multiples of HQ_ALIGN: images, or hashes of chunks when they are streamed */
    uint64_t label[HQ_SPLIT_COUNT];
    uint64_t bytes; /* of the whole block */
} hq_data_layout;

/* Bytes of one image. */
uint64_t hq_data_image_bytes(const hq_data_info *info);

/* One image as network input: see hq_data_load. */
void hq_data_convert(const hq_data_info *info, const uint8_t *image, int64_t sample, const hq_augment *augment,
                     hq_real *x);

/* Computes the layout from counts and shapes (info->bytes is not used); false when it does not fit into 62 bits. */
bool hq_data_layout_make(const hq_data_info *info, hq_data_layout *layout);

#endif
