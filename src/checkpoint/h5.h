/* h5.h: the few helpers around HDF5 that writing and reading share. */
#ifndef HQCNN_CHECKPOINT_H5_H
#define HQCNN_CHECKPOINT_H5_H

#include "checkpoint/private.h"

#include <hdf5.h>

/* Names in the file. */
#define HQ_H5_BLOCKS "blocks"
#define HQ_H5_TENSORS "tensors"
#define HQ_H5_CONFIG "config"
#define HQ_H5_VARIANT "variant"
#define HQ_H5_FORMAT "format"
#define HQ_H5_VERSION "version"
#define HQ_H5_PROGRAM "program"
#define HQ_H5_HASH "hash"
#define HQ_H5_TEXT_HASH "text_hash"

/* The handles that a piece of work has open, and its first problem. */
enum { HQ_H5_HANDLES_MAX = 8 * HQ_CHECKPOINT_BLOCKS_MAX };
typedef struct hq_h5 {
    hid_t handle[HQ_H5_HANDLES_MAX];
    int handles;
    hq_problem *problem;
    H5E_auto2_t print; /* the caller's error printing, put back at the end */
    void *print_data;
} hq_h5;

/* Silences HDF5's own error printing until hq_h5_end. */
void hq_h5_begin(hq_h5 *h5, hq_problem *problem);

/* Closes all handles, the last opened first; a failure becomes a problem. */
void hq_h5_release(hq_h5 *h5);
void hq_h5_end(hq_h5 *h5);

/* Remembers a handle for hq_h5_release and returns it; a negative one becomes the problem "<what>: <text of HDF5>". */
hid_t hq_h5_keep(hq_h5 *h5, hid_t handle, const char *what);

/* A negative result becomes such a problem too. Returns whether all is well so far. */
bool hq_h5_check(hq_h5 *h5, herr_t result, const char *what);

/* Types. The file's ones are little-endian; all but the file type of numbers are new handles (kept). */
hid_t hq_h5_file_type(hq_number number);
hid_t hq_h5_memory_type(hq_number number);
hid_t hq_h5_text_type(hq_h5 *h5, size_t size);
hid_t hq_h5_record_type(hq_h5 *h5);

#endif
