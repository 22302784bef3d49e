/* npz_make.h: small .npz files for tests, good and broken, and checks of what the reader says about them. */
#ifndef HQ_TEST_NPZ_MAKE_H
#define HQ_TEST_NPZ_MAKE_H

#include "hqcnn/data.h"
#include "support/check.h"

/* One array to be written. A default set (make_set) is changed by the tests one field at a time. */
typedef struct array_spec {
    char name[32];    /* member; empty: left out */
    char type[16];    /* "|u1" */
    char order[8];    /* "False" or "True" */
    char shape[64];   /* "(4, 3, 5)" */
    int version;      /* of .npy: 1, 2, 3 */
    const void *data; /* NULL: bytes 0, 1, 2, ... */
    size_t bytes;     /* of the payload that is written */
    char header[256]; /* when set: the header text, instead of one from the fields above */
} array_spec;

typedef struct set_spec {
    array_spec images[3], labels[3];
    bool stored; /* not deflated */
} set_spec;

/* 6 + 4 + 2 images of 3 x 5 pixels, |u1 labels (N, 1), 0 and 1 in turn. */
set_spec make_set(void);

/* Writes the file in the scratch folder; returns its path, in static memory. */
const char *write_set(const set_spec *spec, const char *name);

/* A configuration at its defaults that names the file. */
hq_config config_for(const char *path);

/* Opens, fills and attaches; the block is freed with hq_free. NULL after a failed check. */
void *load_set(const hq_config *config, hq_dataset *dataset);

/* hq_data_open (and hq_data_fill, when it opens) must fail with `status` and log exactly one error that holds all the
 * `words`, separated by '|'. */
void expect_refusal(const char *what, const hq_config *config, hq_status status, const char *words);

#endif
