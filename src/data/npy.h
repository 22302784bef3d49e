/* npy.h: the header of a .npy array (NumPy enhancement proposal "A simple file format for NumPy arrays", versions 1 to
 * 3). */
#ifndef HQ_DATA_NPY_H
#define HQ_DATA_NPY_H

#include "hqcnn/base.h"

#define HQ_NPY_DIMS 8           /* longest shape that is understood */
#define HQ_NPY_PREFIX 12        /* magic, version and length: 10 bytes in version 1.0, 12 in 2.0 and 3.0 */
#define HQ_NPY_HEADER_MAX 16384 /* longest header text that is read; NumPy's own limit is 10000 */
#define HQ_NPY_TYPE_MAX 16      /* bytes of a type text, with its end */

typedef struct hq_npy {
    char type[HQ_NPY_TYPE_MAX]; /* as in the header, for example "|u1" or "<i8" */
    bool fortran;               /* column-major */
    int dims;
    int64_t shape[HQ_NPY_DIMS]; /* never negative */
} hq_npy;

/* Length of the header text that follows the prefix; reads only the bytes of the prefix that its version has and tells
 * how many these are. NULL, or the complaint (static text) when this is not a .npy array. */
const char *hq_npy_prefix(const unsigned char prefix[HQ_NPY_PREFIX], size_t *prefix_bytes, size_t *header_bytes);

/* Reads the header text, a Python dictionary with descr, fortran_order and shape in any order. NULL or the complaint.
 */
const char *hq_npy_parse(const char *text, size_t length, hq_npy *npy);

/* Bytes of one element when `type` is an unsigned or signed integer of 1, 2, 4 or 8 bytes in little-endian order, else
 * 0. */
int hq_npy_integer_bytes(const hq_npy *npy, bool *is_signed);

/* The number of elements of dimension `first` and later ones; false when it does not fit into 62 bits. */
bool hq_npy_elements(const hq_npy *npy, int first, uint64_t *elements);

/* The shape as text, for example "(546, 28, 28)"; returns buffer. */
const char *hq_npy_shape_text(const hq_npy *npy, char *buffer, size_t size);

#endif
