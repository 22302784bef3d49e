#include "data/npz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the file -------------------------------------------------------------------------------------------------- */

/* The first bytes tell "not a zip" from "a zip cut short", which libzip does not. *bytes: of the file. */
static hq_status check_start(const char *path, uint64_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        HQ_FAIL(HQ_ERR_FILE, "%s: cannot be opened: %s (data.source names a .npz file or is \"phantom\")", path,
                strerror(errno));
    unsigned char start[4] = {0};
    struct stat info = {0};
    size_t have = fread(start, 1, sizeof start, file);
    int error = ferror(file) || fstat(fileno(file), &info) != 0 ? errno : 0;
    fclose(file);
    *bytes = (uint64_t)info.st_size;
    if (error) HQ_FAIL(HQ_ERR_FILE, "%s: cannot be read: %s", path, strerror(error));
    if (have < sizeof start || memcmp(start, "PK", 2) != 0)
        HQ_FAIL(HQ_ERR_DATA, "%s: is not a zip file; data.source must name a .npz file", path);
    return HQ_OK;
}

hq_status hq_npz_open(const char *path, int megabytes, hq_npz *npz)
{
    *npz = (hq_npz){.path = path, .megabytes = megabytes};
    HQ_TRY(check_start(path, &npz->bytes));
    int code = 0;
    npz->zip = zip_open(path, ZIP_RDONLY, &code);
    if (npz->zip) return HQ_OK;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    hq_status status =
        hq_fail(HQ_ERR_DATA, "%s: the zip file is truncated or damaged: %s", path, zip_error_strerror(&error));
    zip_error_fini(&error);
    return status;
}

void hq_npz_close(hq_npz *npz)
{
    if (npz->zip) zip_discard(npz->zip);
    npz->zip = NULL;
}

/* ---- one member ------------------------------------------------------------------------------------------------ */

/* The directory's sizes against the file's, against deflate (at most 1032:1), and against what is allowed: before
 * anything is allocated for them. */
static hq_status check_sizes(const hq_npz *npz, const char *name, uint64_t unpacked, uint64_t packed)
{
    if (unpacked >> 62 || unpacked / 1040 > packed || packed > npz->bytes)
        HQ_FAIL(HQ_ERR_DATA,
                "%s: %s: the zip directory claims %llu bytes from %llu packed ones in a file of %llu, which cannot be",
                npz->path, name, (unsigned long long)unpacked, (unsigned long long)packed,
                (unsigned long long)npz->bytes);
    if (unpacked / HQ_NPZ_RATIO_MAX > packed && unpacked > (uint64_t)npz->megabytes * 1000000)
        HQ_FAIL(HQ_ERR_DATA,
                "%s: %s: %llu bytes from %llu packed ones; allowed are %d MB (data.memory), or %d times the packed "
                "bytes: if it is meant, store it unpacked (numpy.savez)",
                npz->path, name, (unsigned long long)unpacked, (unsigned long long)packed, npz->megabytes,
                HQ_NPZ_RATIO_MAX);
    return HQ_OK;
}

/* Looks the member up; *bytes: its unpacked size. */
static hq_status find_member(const hq_npz *npz, const char *name, uint64_t *bytes)
{
    zip_stat_t stat;
    if (zip_stat(npz->zip, name, 0, &stat) != 0)
        HQ_FAIL(HQ_ERR_DATA, "%s: has no member %s; needed are {train,val,test}_{images,labels}.npy", npz->path, name);
    zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((stat.valid & wanted) != wanted)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: the zip directory gives no size or method", npz->path, name);
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: packed with method %d; stored (0) and deflate (8) are allowed", npz->path, name,
                stat.comp_method);
    HQ_TRY(check_sizes(npz, name, stat.size, stat.comp_size));
    *bytes = stat.size;
    return HQ_OK;
}

static hq_status read_exactly(hq_npz_array *array, void *to, uint64_t bytes)
{
    unsigned char *at = to;
    while (bytes > 0) {
        uint64_t piece = bytes < (1u << 30) ? bytes : 1u << 30;
        zip_int64_t have = zip_fread(array->file, at, piece);
        if (have < 0)
            HQ_FAIL(HQ_ERR_DATA, "%s: %s: damaged: %s", array->npz->path, array->name, zip_file_strerror(array->file));
        if (have == 0)
            HQ_FAIL(HQ_ERR_DATA, "%s: %s: ends %llu bytes too early", array->npz->path, array->name,
                    (unsigned long long)bytes);
        at += have;
        bytes -= (uint64_t)have;
    }
    return HQ_OK;
}

/* Reads prefix and header text; *header: bytes of both. */
static hq_status read_header(hq_npz_array *array, uint64_t member_bytes, uint64_t *header)
{
    const char *path = array->npz->path;
    if (member_bytes < HQ_NPY_PREFIX)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: has only %d bytes, too few for a .npy array", path, array->name,
                (int)member_bytes);
    unsigned char prefix[HQ_NPY_PREFIX];
    char text[HQ_NPY_HEADER_MAX];
    size_t prefix_bytes = 10, text_bytes = 0;
    HQ_TRY(read_exactly(array, prefix, 10));
    bool short_prefix = prefix[6] == 1;
    if (short_prefix)
        prefix[10] = prefix[11] = 0;
    else
        HQ_TRY(read_exactly(array, prefix + 10, 2));
    const char *complaint = hq_npy_prefix(prefix, &prefix_bytes, &text_bytes);
    if (complaint) HQ_FAIL(HQ_ERR_DATA, "%s: %s: %s", path, array->name, complaint);
    HQ_TRY(read_exactly(array, text, text_bytes));
    complaint = hq_npy_parse(text, text_bytes, &array->npy);
    if (complaint) HQ_FAIL(HQ_ERR_DATA, "%s: %s: %s", path, array->name, complaint);
    *header = prefix_bytes + text_bytes;
    return HQ_OK;
}

/* Type, order, and shape against the size of the member. */
static hq_status check_array(hq_npz_array *array, uint64_t payload)
{
    const char *path = array->npz->path;
    const hq_npy *npy = &array->npy;
    bool is_signed;
    int width = hq_npy_integer_bytes(npy, &is_signed);
    if (!width)
        HQ_FAIL(HQ_ERR_DATA,
                "%s: %s: element type \"%s\"; images must be \"|u1\", labels an integer of 1, 2, 4 or 8 bytes, "
                "little-endian",
                path, array->name, npy->type);
    if (npy->fortran)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: is in Fortran (column-major) order; save it in C order (numpy.ascontiguousarray)",
                path, array->name);
    uint64_t elements;
    char shape[200];
    hq_npy_shape_text(npy, shape, sizeof shape);
    bool fits = hq_npy_elements(npy, 0, &elements) && elements <= UINT64_MAX / 8;
    if (!fits || elements * (uint64_t)width != payload)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: shape %s of \"%s\" does not match the %llu bytes that the member holds", path,
                array->name, shape, npy->type, (unsigned long long)payload);
    array->left = payload;
    return HQ_OK;
}

hq_status hq_npz_array_open(const hq_npz *npz, const char *name, hq_npz_array *array)
{
    memset(array, 0, sizeof *array);
    array->npz = npz;
    hq_copy_text(array->name, sizeof array->name, name);
    uint64_t bytes = 0, header = 0;
    HQ_TRY(find_member(npz, name, &bytes));
    array->file = zip_fopen(npz->zip, name, 0);
    if (!array->file) HQ_FAIL(HQ_ERR_DATA, "%s: %s: cannot be unpacked: %s", npz->path, name, zip_strerror(npz->zip));
    HQ_TRY(read_header(array, bytes, &header));
    if (header > bytes) HQ_FAIL(HQ_ERR_DATA, "%s: %s: ends inside its header", npz->path, name);
    return check_array(array, bytes - header);
}

hq_status hq_npz_array_read(hq_npz_array *array, void *to, uint64_t bytes)
{
    HQ_ASSERT(bytes <= array->left);
    array->left -= bytes;
    if (to) return read_exactly(array, to, bytes);
    unsigned char dropped[16384];
    for (uint64_t piece; bytes > 0; bytes -= piece) {
        piece = bytes < sizeof dropped ? bytes : sizeof dropped;
        HQ_TRY(read_exactly(array, dropped, piece));
    }
    return HQ_OK;
}

hq_status hq_npz_array_finish(hq_npz_array *array)
{
    unsigned char byte;
    HQ_ASSERT(array->left == 0);
    zip_int64_t have =
        zip_fread(array->file, &byte, 1); /* libzip compares size and checksum at the end of the stream */
    if (have < 0)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s: damaged: %s", array->npz->path, array->name, zip_file_strerror(array->file));
    if (have > 0) HQ_FAIL(HQ_ERR_DATA, "%s: %s: holds more bytes than its shape needs", array->npz->path, array->name);
    return HQ_OK;
}

void hq_npz_array_close(hq_npz_array *array)
{
    if (array->file) zip_fclose(array->file);
    array->file = NULL;
}
