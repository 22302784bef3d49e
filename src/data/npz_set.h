/* npz_set.h: a data set in a .npz file with MedMNIST's member names. */
#ifndef HQ_DATA_NPZ_SET_H
#define HQ_DATA_NPZ_SET_H

#include "data/labels.h"
#include "data/layout.h"
#include "data/npz.h"

typedef struct hq_npz_set {
    char path[HQ_TEXT_MAX];
    hq_npz npz;
    hq_labels labels; /* with the rules applied */
} hq_npz_set;

/* Opens config's data.source, reads headers and labels, sets all of `info` but its bytes. The caller closes the set,
 * also after an error. */
hq_status hq_npz_set_open(const hq_config *config, hq_npz_set *set, hq_data_info *info);

/* Streams images and labels of all kept samples into the block. */
hq_status hq_npz_set_fill(hq_npz_set *set, const hq_data_info *info, const hq_data_layout *layout,
                          unsigned char *block);

/* Calls `visit` for every kept sample, split by split, in the order of the file. */
typedef hq_status (*hq_visit)(void *ctx, hq_split split, int64_t sample, const uint8_t *image, const int32_t *label);
hq_status hq_npz_set_visit(hq_npz_set *set, const hq_data_info *info, hq_visit visit, void *ctx);

void hq_npz_set_close(hq_npz_set *set);

#endif
