/* source.h: any source of a data set. */
#ifndef HQ_DATA_SOURCE_H
#define HQ_DATA_SOURCE_H

#include "data/npz_set.h"
#include "data/set_file.h"

typedef enum hq_source_kind { HQ_SOURCE_PHANTOM, HQ_SOURCE_NPZ, HQ_SOURCE_FILE } hq_source_kind;

struct hq_data_source {
    hq_source_kind kind;
    hq_data_info info;
    hq_data_layout layout;
    uint64_t phantom_seed; /* of the phantom */
    hq_npz_set npz;        /* of an .npz file */
    hq_set_file file;      /* of an HDF5 file */
};

#endif
