/* h5.c: HDF5's handles, errors and types. */
#include "checkpoint/h5.h"

#include <stdio.h>
#include <stdlib.h>

/* Rows of the table and hashes are taken from memory as they are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "checkpoints are little-endian");

void hq_checkpoint_library(void)
{
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0); /* what the user has set stays; HDF5 1.12 reads it in H5open */
    H5dont_atexit();
    H5open();
}

void hq_h5_begin(hq_h5 *h5, hq_problem *problem)
{
    *h5 = (hq_h5){.problem = problem};
    H5Eget_auto2(H5E_DEFAULT, &h5->print, &h5->print_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void hq_h5_end(hq_h5 *h5)
{
    hq_h5_release(h5);
    H5Eset_auto2(H5E_DEFAULT, h5->print, h5->print_data);
}

/* Called from the innermost place outwards. */
static herr_t innermost(unsigned n, const H5E_error2_t *error, void *out_text)
{
    if (n == 0) snprintf(out_text, 256, "%s", error->desc ? error->desc : "");
    return 0;
}

static void fail(hq_h5 *h5, const char *what)
{
    char text[256] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
    hq_problem_set(h5->problem, HQ_ERR_FILE, "%s: HDF5 says: %s", what, text[0] ? text : "no reason");
}

bool hq_h5_check(hq_h5 *h5, herr_t result, const char *what)
{
    if (result < 0) fail(h5, what);
    return h5->problem->status == HQ_OK;
}

hid_t hq_h5_keep(hq_h5 *h5, hid_t handle, const char *what)
{
    HQ_ASSERT(h5->handles < HQ_H5_HANDLES_MAX);
    if (handle >= 0)
        h5->handle[h5->handles++] = handle;
    else
        fail(h5, what);
    return handle;
}

void hq_h5_release(hq_h5 *h5)
{
    while (h5->handles > 0)
        if (H5Idec_ref(h5->handle[--h5->handles]) < 0) fail(h5, "cannot close it");
}

hid_t hq_h5_file_type(hq_number number)
{
    if (number == HQ_NUMBER_I64) return H5T_STD_I64LE;
    return number == HQ_NUMBER_F64 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
}

hid_t hq_h5_memory_type(hq_number number)
{
    if (number == HQ_NUMBER_I64) return H5T_NATIVE_INT64;
    return number == HQ_NUMBER_F64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
}

hid_t hq_h5_text_type(hq_h5 *h5, size_t size)
{
    hid_t type = hq_h5_keep(h5, H5Tcopy(H5T_C_S1), "text type");
    hq_h5_check(h5, H5Tset_size(type, size), "text type");
    return type;
}

hid_t hq_h5_record_type(hq_h5 *h5)
{
    hid_t name = hq_h5_text_type(h5, HQ_CHECKPOINT_NAME_MAX);
    hid_t shape = hq_h5_keep(h5, H5Tarray_create2(H5T_STD_I64LE, 1, (hsize_t[]){HQ_DIMENSIONS_MAX}), "shape type");
    hid_t type = hq_h5_keep(h5, H5Tcreate(H5T_COMPOUND, sizeof(hq_record)), "record type");
    hq_h5_check(h5, H5Tinsert(type, "name", HOFFSET(hq_record, name), name), "record type");
    hq_h5_check(h5, H5Tinsert(type, "block", HOFFSET(hq_record, block), name), "record type");
    hq_h5_check(h5, H5Tinsert(type, "offset", HOFFSET(hq_record, offset), H5T_STD_I64LE), "record type");
    hq_h5_check(h5, H5Tinsert(type, "rank", HOFFSET(hq_record, rank), H5T_STD_I64LE), "record type");
    hq_h5_check(h5, H5Tinsert(type, "shape", HOFFSET(hq_record, shape), shape), "record type");
    return type;
}
