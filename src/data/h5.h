/* h5.h: HDF5 as far as files of data sets need it: handles that are closed together, the first failure as a message. */
#ifndef HQ_DATA_H5_H
#define HQ_DATA_H5_H

#include "hqcnn/base.h"

#include <hdf5.h>

/* The handles that a piece of work has open, and its first failure, which is logged. */
typedef struct hq_handles {
    const char *path; /* of the file, for messages */
    hq_status status;
    hid_t handle[64];
    int n;
    H5E_auto2_t print; /* the caller's error printing, put back at the end */
    void *print_data;
} hq_handles;

/* Silences HDF5's own error printing until hq_handles_end (after a failure for good), which closes all handles, the
 * last opened first, and returns the status of the work. */
void hq_handles_begin(hq_handles *handles, const char *path);
hq_status hq_handles_end(hq_handles *handles);

/* Remembers a handle and returns it; a negative one is a failure: "<path>: <what>: HDF5 says: ...". */
hid_t hq_handles_keep(hq_handles *handles, hid_t handle, const char *what);

/* A negative result is a failure too. Returns whether all is well so far. */
bool hq_handles_check(hq_handles *handles, herr_t result, const char *what);

/* Logs a failure unless there was one before: "<path>: " and the text. */
void hq_handles_fail(hq_handles *handles, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
