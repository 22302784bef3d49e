/* set_make.c: makes an HDF5 file of a source. HDF5 lays the file out; its numbers come by plain writes. */
#include "data/h5.h"
#include "data/layout.h"
#include "data/phantom.h"
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CHUNK_BYTES (1 << 20) /* about, by default */

/* ---- create ---------------------------------------------------------------------------------------------------- */

static void put_attribute(hq_handles *h5, hid_t file, const char *name, hid_t type, const void *value)
{
    hid_t space = hq_handles_keep(h5, H5Screate(H5S_SCALAR), name);
    hid_t attribute = hq_handles_keep(h5, H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name);
    hq_handles_check(h5, H5Awrite(attribute, type, value), name);
}

static void put_text(hq_handles *h5, hid_t file, const char *name, const char *text)
{
    hid_t type = hq_handles_keep(h5, H5Tcopy(H5T_C_S1), name);
    hq_handles_check(h5, H5Tset_size(type, strlen(text) + 1), name);
    put_attribute(h5, file, name, type, text);
}

static void put_attributes(hq_handles *h5, hid_t file, const hq_data_info *info)
{
    const int32_t version = HQ_SET_VERSION, classes = info->classes;
    const uint64_t unknown = 0;
    put_text(h5, file, "format", HQ_SET_FORMAT);
    put_attribute(h5, file, "version", H5T_STD_I32LE, &version);
    put_text(h5, file, "program", HQ_VERSION);
    put_text(h5, file, "name", info->name);
    put_text(h5, file, "task", hq_config_word("data.task", info->task));
    put_attribute(h5, file, "classes", H5T_STD_I32LE, &classes);
    put_attribute(h5, file, "hash", H5T_STD_U64LE, &unknown);
}

/* A member with its place in the file, without values; chunk: NULL for one piece. */
static void put_member(hq_handles *h5, hid_t file, hq_split split, const char *what, hid_t type, int rank,
                       const hsize_t *dims, const hsize_t *chunk)
{
    char name[32];
    hq_set_file_member(split, what, name);
    hid_t creation = hq_handles_keep(h5, H5Pcreate(H5P_DATASET_CREATE), name);
    hq_handles_check(h5, H5Pset_obj_track_times(creation, false), name);
    hq_handles_check(h5, H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), name);
    hq_handles_check(h5, H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), name);
    if (chunk) hq_handles_check(h5, H5Pset_chunk(creation, rank, chunk), name);
    hid_t space = hq_handles_keep(h5, H5Screate_simple(rank, dims, NULL), name);
    hq_handles_keep(h5, H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name);
}

static void put_split(hq_handles *h5, hid_t file, hq_split split, const hq_data_info *info)
{
    const hsize_t n = (hsize_t)info->count[split], labels[2] = {n, (hsize_t)info->labels};
    const hsize_t hashes = (hsize_t)hq_data_chunks(info, split);
    hsize_t dims[5] = {n}, chunk[5] = {(hsize_t)info->chunk[split]};
    int rank = 1;
    if (info->depth > 1) dims[rank++] = (hsize_t)info->depth;
    dims[rank++] = (hsize_t)info->height;
    dims[rank++] = (hsize_t)info->width;
    dims[rank++] = (hsize_t)info->channels;
    memcpy(chunk + 1, dims + 1, 4 * sizeof *dims);
    put_member(h5, file, split, "images", H5T_STD_U8LE, rank, dims, chunk);
    put_member(h5, file, split, "labels", H5T_STD_I32LE, 2, labels, NULL);
    put_member(h5, file, split, "hashes", H5T_STD_U64LE, 1, &hashes, NULL);
}

/* Sizes of chunks: of data.chunk images, of about a megabyte, or of all there are. */
static hq_status choose_chunks(const hq_config *config, hq_data_info *info)
{
    const uint64_t image = hq_data_image_bytes(info);
    int64_t images = config->data_chunk > 0 ? config->data_chunk : CHUNK_BYTES / (int64_t)image;
    if (images < 1) images = 1;
    if ((uint64_t)images > UINT32_MAX / image)
        HQ_FAIL(HQ_ERR_CONFIG, "data.chunk = %lld images of %llu bytes; a chunk may have at most %llu bytes",
                (long long)images, (unsigned long long)image, (unsigned long long)UINT32_MAX);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) info->chunk[s] = info->count[s] < images ? info->count[s] : images;
    return HQ_OK;
}

/* Whether the file can be made and has room, before HDF5, which does not get over a failed write, and before hours of
 * work. */
static hq_status check_room(const hq_data_info *info, const char *path)
{
    struct statvfs disk;
    double bytes = CHUNK_BYTES; /* more than HDF5's own structures need */
    for (int s = 0; s < HQ_SPLIT_COUNT; s++)
        bytes += (double)(hq_data_chunks(info, s) * info->chunk[s]) * (double)hq_data_image_bytes(info) +
                 (double)info->count[s] * info->labels * 4 + (double)hq_data_chunks(info, s) * 8;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) HQ_FAIL(HQ_ERR_FILE, "%s: cannot be made: %s", path, strerror(errno));
    const double room = fstatvfs(fd, &disk) == 0 && disk.f_blocks > 0 ? (double)disk.f_bavail * (double)disk.f_frsize
                                                                      : bytes; /* unknown */
    close(fd);
    if (bytes <= room) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE, "%s: %.0f bytes are needed, %.0f bytes are free", path, bytes, room);
}

/* In the format of HDF5 1.10 chunks without filters lie one behind the other, and metadata has checksums. */
static hq_status lay_out(const hq_data_info *info, const char *path)
{
    hq_handles h5;
    hq_handles_begin(&h5, path);
    hid_t access = hq_handles_keep(&h5, H5Pcreate(H5P_FILE_ACCESS), "file access");
    hq_handles_check(&h5, H5Pset_fapl_sec2(access), "file access");
    hq_handles_check(&h5, H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "file format");
    hid_t creation = hq_handles_keep(&h5, H5Pcreate(H5P_FILE_CREATE), "file creation");
    hq_handles_check(&h5, H5Pset_obj_track_times(creation, false), "file creation");
    hid_t file = hq_handles_keep(&h5, H5Fcreate(path, H5F_ACC_TRUNC, creation, access), "cannot be made");
    if (h5.status == HQ_OK) put_attributes(&h5, file, info);
    for (int s = 0; s < HQ_SPLIT_COUNT && h5.status == HQ_OK; s++) put_split(&h5, file, s, info);
    return hq_handles_end(&h5);
}

hq_status hq_data_file_create(const hq_config *config, const hq_data_info *info, const char *path)
{
    hq_data_info laid = *info;
    HQ_TRY(choose_chunks(config, &laid));
    hq_status status = check_room(&laid, path);
    if (status == HQ_OK) status = lay_out(&laid, path);
    if (status != HQ_OK) unlink(path);
    return status;
}

/* ---- write ----------------------------------------------------------------------------------------------------- */

/* The file that samples of a source go to. */
typedef struct hq_writing {
    hq_set_file file;
    hq_data_info info;
} hq_writing;

static hq_status put_sample(void *ctx, hq_split split, int64_t sample, const uint8_t *image, const int32_t *label)
{
    const hq_writing *writing = ctx;
    const hq_data_info *info = &writing->info;
    const uint64_t bytes = hq_data_image_bytes(info), labels = (uint64_t)info->labels * sizeof *label;
    const uint64_t row =
        (uint64_t)(split == HQ_SPLIT_TRAIN ? hq_data_shuffle(HQ_DATA_FILE_SEED, 0, info->count[split], sample)
                                           : sample);
    HQ_TRY(hq_set_file_write(&writing->file, "an image", image, bytes, info->offset[split] + row * bytes));
    return hq_set_file_write(&writing->file, "a label", label, labels,
                             writing->file.label_offset[split] + row * labels);
}

/* Row by row of the file: the images are drawn in its order. */
static hq_status draw_samples(const hq_data_source *source, hq_writing *writing, int part, int parts, double *scratch,
                              uint8_t *image)
{
    const hq_data_info *info = &writing->info;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const int64_t n = info->count[s], end = n * (part + 1) / parts;
        for (int64_t row = n * part / parts; row < end; row++) {
            const int64_t sample = s == HQ_SPLIT_TRAIN ? hq_data_unshuffle(HQ_DATA_FILE_SEED, 0, n, row) : row;
            const int32_t label =
                hq_phantom_draw(source->phantom_seed, s, sample, info->width, info->channels, scratch, image);
            HQ_TRY(put_sample(writing, s, sample, image, &label));
        }
    }
    return HQ_OK;
}

static hq_status write_phantom(const hq_data_source *source, hq_writing *writing, int part, int parts)
{
    double *scratch;
    uint8_t *image = NULL;
    HQ_TRY(hq_alloc_array(hq_phantom_scratch(source->info.width), sizeof *scratch, "speckle", &scratch));
    hq_status status = hq_alloc((size_t)hq_data_image_bytes(&source->info), "image", &image);
    if (status == HQ_OK) status = draw_samples(source, writing, part, parts, scratch, image);
    hq_free(scratch);
    hq_free(image);
    return status;
}

static hq_status write_part(hq_data_source *source, hq_writing *writing, int part, int parts)
{
    if (source->kind == HQ_SOURCE_PHANTOM) return write_phantom(source, writing, part, parts);
    return part == 0 ? hq_npz_set_visit(&source->npz, &source->info, put_sample, writing) : HQ_OK;
}

static hq_status sync_file(const hq_set_file *file)
{
    if (fsync(file->fd) == 0) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE, "%s: cannot be synced: %s", file->path, strerror(errno));
}

hq_status hq_data_file_write(hq_data_source *source, const char *path, int part, int parts)
{
    hq_writing writing;
    HQ_ASSERT(part >= 0 && part < parts && source->kind != HQ_SOURCE_FILE);
    hq_status status = hq_set_file_open(path, true, &writing.file, &writing.info);
    if (status == HQ_OK) status = write_part(source, &writing, part, parts);
    if (status == HQ_OK) status = sync_file(&writing.file);
    hq_set_file_close(&writing.file);
    return status;
}

/* ---- hash ------------------------------------------------------------------------------------------------------ */

static hq_status hash_split(const hq_set_file *file, const hq_data_info *info, hq_split split, int part, int parts,
                            uint8_t *images)
{
    const int64_t chunks = hq_data_chunks(info, split), end = chunks * (part + 1) / parts;
    const uint64_t image = hq_data_image_bytes(info);
    for (int64_t c = chunks * part / parts; c < end; c++) {
        const uint64_t bytes = (uint64_t)hq_set_chunk_images(info, split, c) * image;
        const uint64_t at = info->offset[split] + (uint64_t)(c * info->chunk[split]) * image;
        HQ_TRY(hq_set_file_read(file->fd, file->path, "a chunk", images, bytes, at));
        const uint64_t hash = hq_hash(images, (size_t)bytes, 0);
        HQ_TRY(hq_set_file_write(file, "a hash", &hash, sizeof hash, file->hash_offset[split] + (uint64_t)c * 8));
    }
    return HQ_OK;
}

static hq_status hash_part(const hq_set_file *file, const hq_data_info *info, int part, int parts)
{
    uint8_t *images;
    int64_t largest = 0;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++)
        if (largest < info->chunk[s]) largest = info->chunk[s];
    HQ_TRY(hq_alloc((size_t)largest * (size_t)hq_data_image_bytes(info), "chunk of images", &images));
    hq_status status = HQ_OK;
    for (int s = 0; s < HQ_SPLIT_COUNT && status == HQ_OK; s++) status = hash_split(file, info, s, part, parts, images);
    hq_free(images);
    return status == HQ_OK ? sync_file(file) : status;
}

hq_status hq_data_file_hash(const char *path, int part, int parts)
{
    hq_set_file file;
    hq_data_info info;
    HQ_ASSERT(part >= 0 && part < parts);
    hq_status status = hq_set_file_open(path, true, &file, &info);
    if (status == HQ_OK) status = hash_part(&file, &info, part, parts);
    hq_set_file_close(&file);
    return status;
}

/* ---- finish ---------------------------------------------------------------------------------------------------- */

static hq_status store_hash(const char *path, uint64_t hash)
{
    hq_handles h5;
    hq_handles_begin(&h5, path);
    hid_t file = hq_handles_keep(&h5, H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), "cannot be opened");
    hid_t attribute = hq_handles_keep(&h5, H5Aopen(file, "hash", H5P_DEFAULT), "hash");
    hq_handles_check(&h5, H5Awrite(attribute, H5T_STD_U64LE, &hash), "hash");
    return hq_handles_end(&h5);
}

/* Reads the file as a training does, once its hash is there. */
static hq_status check_file(const char *path, hq_data_info *info)
{
    hq_set_file file;
    hq_status status = hq_set_file_open(path, false, &file, info);
    if (status == HQ_OK) status = hq_set_file_load(&file, info);
    if (status == HQ_OK) status = hq_set_file_check(&file, info);
    info->hash = file.hash;
    hq_set_file_close(&file);
    return status;
}

hq_status hq_data_file_finish(const char *path, const char *to, hq_data_info *info)
{
    hq_set_file file;
    uint64_t hash = 0;
    hq_status status = hq_set_file_open(path, false, &file, info);
    if (status == HQ_OK) status = hq_set_file_load(&file, info);
    if (status == HQ_OK) hash = hq_set_file_hash(&file, info);
    hq_set_file_close(&file);
    if (status == HQ_OK) status = store_hash(path, hash);
    if (status == HQ_OK) status = check_file(path, info);
    int error = status == HQ_OK ? hq_file_replace(path, to) : 0;
    if (error) HQ_FAIL(HQ_ERR_FILE, "%s cannot be synced and renamed to %s: %s", path, to, strerror(error));
    return status;
}
