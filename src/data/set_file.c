#include "data/set_file.h"

#include "data/h5.h"
#include "data/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE_MAX 65536
#define LABELS_MAX 65536

/* A file whose structure is being read. */
typedef struct hq_looking {
    hq_handles h5;
    hid_t file;
    uint64_t bytes; /* of the file */
    hq_set_file *set;
    hq_data_info *info;
} hq_looking;

static bool well(const hq_looking *look) { return look->h5.status == HQ_OK; }

void hq_set_file_member(hq_split split, const char *what, char name[32])
{
    snprintf(name, 32, "%s_%s", hq_split_name(split), what);
}

/* ---- attributes ------------------------------------------------------------------------------------------------ */

static hid_t open_attribute(hq_looking *look, const char *name)
{
    if (well(look) && H5Aexists(look->file, name) <= 0)
        hq_handles_fail(&look->h5, "is an HDF5 file, but no data set of hqcnn-dist: it has no attribute \"%s\"", name);
    if (!well(look)) return H5I_INVALID_HID;
    hid_t attribute = hq_handles_keep(&look->h5, H5Aopen(look->file, name, H5P_DEFAULT), name);
    hid_t space = hq_handles_keep(&look->h5, H5Aget_space(attribute), name);
    if (well(look) && H5Sget_simple_extent_type(space) != H5S_SCALAR)
        hq_handles_fail(&look->h5, "attribute \"%s\" is not a single value", name);
    return attribute;
}

static void get_text(hq_looking *look, const char *name, char *text, size_t size)
{
    hid_t attribute = open_attribute(look, name);
    if (!well(look)) return;
    hid_t type = hq_handles_keep(&look->h5, H5Aget_type(attribute), name);
    if (well(look) && (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || H5Tget_size(type) > size))
        hq_handles_fail(&look->h5, "attribute \"%s\" is not a text of fixed length, at most %zu bytes", name, size);
    if (well(look)) hq_handles_check(&look->h5, H5Aread(attribute, type, text), name);
    text[size - 1] = '\0';
}

static void get_number(hq_looking *look, const char *name, hid_t type, void *value)
{
    hid_t attribute = open_attribute(look, name);
    if (!well(look)) return;
    hid_t found = hq_handles_keep(&look->h5, H5Aget_type(attribute), name);
    if (well(look) && H5Tequal(found, type) <= 0)
        hq_handles_fail(&look->h5, "attribute \"%s\" is not of the type of docs/formats.md", name);
    if (well(look)) hq_handles_check(&look->h5, H5Aread(attribute, type, value), name);
}

static int task_of(const char *word)
{
    for (int task = HQ_TASK_BINARY; task <= HQ_TASK_MULTI_LABEL; task++)
        if (strcmp(word, hq_config_word("data.task", task)) == 0) return task;
    return HQ_TASK_AUTO;
}

static void get_attributes(hq_looking *look)
{
    hq_data_info *info = look->info;
    char format[32] = "", program[32] = "", task[32] = "";
    int32_t version = 0, classes = 0;
    get_text(look, "format", format, sizeof format);
    if (well(look) && strcmp(format, HQ_SET_FORMAT) != 0)
        hq_handles_fail(&look->h5, "is no data set of hqcnn-dist: its format is \"%s\", expected is \"%s\"", format,
                        HQ_SET_FORMAT);
    get_text(look, "program", program, sizeof program);
    get_number(look, "version", H5T_STD_I32LE, &version);
    if (well(look) && version != HQ_SET_VERSION)
        hq_handles_fail(&look->h5, "has version %d of the format, written by hqcnn-dist %s; this program (%s) reads %d",
                        (int)version, program, HQ_VERSION, HQ_SET_VERSION);
    get_text(look, "name", info->name, sizeof info->name);
    get_text(look, "task", task, sizeof task);
    get_number(look, "classes", H5T_STD_I32LE, &classes);
    get_number(look, "hash", H5T_STD_U64LE, &look->set->hash);
    info->task = task_of(task);
    info->classes = classes;
    if (well(look) && (info->task == HQ_TASK_AUTO || classes < 2 || classes > LABELS_MAX))
        hq_handles_fail(&look->h5, "task \"%s\" with %d classes; allowed are the words of data.task and 2 to %d", task,
                        (int)classes, LABELS_MAX);
    info->labels = info->task == HQ_TASK_MULTI_LABEL ? classes : 1;
}

/* ---- members --------------------------------------------------------------------------------------------------- */

/* Opens a member of a type, and finds its shape: dims[*rank], at most 5 of them. */
static hid_t open_member(hq_looking *look, const char *name, hid_t type, int *rank, hsize_t dims[5])
{
    if (well(look) && H5Lexists(look->file, name, H5P_DEFAULT) <= 0) hq_handles_fail(&look->h5, "%s is missing", name);
    if (!well(look)) return H5I_INVALID_HID;
    hid_t dataset = hq_handles_keep(&look->h5, H5Dopen2(look->file, name, H5P_DEFAULT), name);
    hid_t found = hq_handles_keep(&look->h5, H5Dget_type(dataset), name);
    hid_t space = hq_handles_keep(&look->h5, H5Dget_space(dataset), name);
    if (!well(look)) return H5I_INVALID_HID;
    *rank = H5Sget_simple_extent_ndims(space);
    if (H5Tequal(found, type) <= 0 || *rank < 1 || *rank > 5)
        hq_handles_fail(&look->h5, "%s has not the type or the dimensions of docs/formats.md", name);
    else
        hq_handles_check(&look->h5, H5Sget_simple_extent_dims(space, dims, NULL), name);
    return dataset;
}

/* Images of a split: shape, chunk and count. dims: N, D for volumes, H, W, C. */
static void note_shape(hq_looking *look, hq_split split, const char *name, int rank, const hsize_t dims[5])
{
    hq_data_info *info = look->info;
    const int side[4] = {rank == 5 ? (int)dims[1] : 1, (int)dims[rank - 3], (int)dims[rank - 2], (int)dims[rank - 1]};
    for (int i = 1; i < rank; i++)
        if (dims[i] < 1 || dims[i] > SIDE_MAX) hq_handles_fail(&look->h5, "%s: a side is not 1 to %d", name, SIDE_MAX);
    if (side[3] != 1 && side[3] != 3) hq_handles_fail(&look->h5, "%s: %d channels; 1 and 3 are allowed", name, side[3]);
    if (split == HQ_SPLIT_TRAIN)
        info->depth = side[0], info->height = side[1], info->width = side[2], info->channels = side[3];
    if (side[0] != info->depth || side[1] != info->height || side[2] != info->width || side[3] != info->channels)
        hq_handles_fail(&look->h5, "%s: images of another size than in the training split", name);
    if (!well(look)) return;
    if (dims[0] < 1 || dims[0] > look->bytes / hq_data_image_bytes(info))
        hq_handles_fail(&look->h5, "%s: %llu images in a file of %llu bytes", name, (unsigned long long)dims[0],
                        (unsigned long long)look->bytes);
    info->count[split] = (int64_t)dims[0];
}

/* Where a chunk lies. */
static uint64_t chunk_offset(hq_looking *look, hid_t dataset, const char *name, int64_t first)
{
    hsize_t at[5] = {(hsize_t)first}, bytes = 0;
    unsigned mask = 0;
    haddr_t offset = HADDR_UNDEF;
    hq_handles_check(&look->h5, H5Dget_chunk_info_by_coord(dataset, at, &mask, &offset, &bytes), name);
    if (well(look) && offset == HADDR_UNDEF)
        hq_handles_fail(&look->h5, "%s: image %lld was never written", name, (long long)first);
    return (uint64_t)offset;
}

/* Chunks of whole images, without filters, one behind the other: then the place of the first tells all. */
static void locate_images(hq_looking *look, hq_split split, hid_t dataset, const char *name, int rank,
                          const hsize_t dims[5])
{
    hq_data_info *info = look->info;
    hsize_t chunk[5] = {0};
    hid_t creation = hq_handles_keep(&look->h5, H5Dget_create_plist(dataset), name);
    if (!well(look)) return;
    bool plain = H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, 5, chunk) == rank;
    for (int i = 1; i < rank && plain; i++) plain = chunk[i] == dims[i];
    if (!plain || H5Pget_nfilters(creation) != 0 || chunk[0] < 1 || chunk[0] > dims[0]) {
        hq_handles_fail(&look->h5, "%s is not stored in uncompressed chunks of whole images: import it again", name);
        return;
    }
    info->chunk[split] = (int64_t)chunk[0];
    const int64_t last = hq_data_chunks(info, split) - 1;
    const uint64_t bytes = chunk[0] * hq_data_image_bytes(info);
    info->offset[split] = chunk_offset(look, dataset, name, 0);
    const uint64_t end = chunk_offset(look, dataset, name, last * info->chunk[split]);
    if (well(look) && (info->offset[split] > look->bytes || end != info->offset[split] + (uint64_t)last * bytes ||
                       end + bytes > look->bytes))
        hq_handles_fail(&look->h5, "%s: its chunks do not lie one behind the other in the file: import it again", name);
}

static void look_at_images(hq_looking *look, hq_split split)
{
    char name[32];
    int rank = 0;
    hsize_t dims[5] = {0};
    hq_set_file_member(split, "images", name);
    hid_t dataset = open_member(look, name, H5T_STD_U8LE, &rank, dims);
    if (well(look) && rank < 4) hq_handles_fail(&look->h5, "%s has %d dimensions; allowed are 4 and 5", name, rank);
    if (well(look)) note_shape(look, split, name, rank, dims);
    if (well(look)) locate_images(look, split, dataset, name, rank, dims);
}

/* Where a contiguous member of n x columns numbers lies. */
static void locate_numbers(hq_looking *look, const char *name, hid_t type, uint64_t n, uint64_t columns,
                           uint64_t *offset)
{
    int rank = 0;
    hsize_t dims[5] = {0, 1};
    hid_t dataset = open_member(look, name, type, &rank, dims);
    if (!well(look)) return;
    uint64_t bytes;
    const bool large = __builtin_mul_overflow(n, columns, &bytes) ||
                       __builtin_mul_overflow(bytes, (uint64_t)H5Tget_size(type), &bytes);
    if (rank > 2 || dims[0] != n || dims[1] != columns)
        hq_handles_fail(&look->h5, "%s does not have %llu x %llu numbers", name, (unsigned long long)n,
                        (unsigned long long)columns);
    *offset = H5Dget_offset(dataset);
    if (well(look) && (large || *offset == HADDR_UNDEF || *offset > look->bytes || bytes > look->bytes - *offset))
        hq_handles_fail(&look->h5, "%s is not stored in one piece inside the file", name);
}

static void look_at_split(hq_looking *look, hq_split split)
{
    const hq_data_info *info = look->info;
    char name[32];
    look_at_images(look, split);
    if (!well(look)) return;
    hq_set_file_member(split, "labels", name);
    locate_numbers(look, name, H5T_STD_I32LE, (uint64_t)info->count[split], (uint64_t)info->labels,
                   &look->set->label_offset[split]);
    hq_set_file_member(split, "hashes", name);
    locate_numbers(look, name, H5T_STD_U64LE, (uint64_t)hq_data_chunks(info, split), 1, &look->set->hash_offset[split]);
}

/* One number of images to a chunk in all splits; a split with fewer images is one chunk. */
static void check_chunks(hq_looking *look)
{
    const hq_data_info *info = look->info;
    int64_t chunk = 0;
    for (int s = 0; s < HQ_SPLIT_COUNT; s++)
        if (info->chunk[s] > chunk) chunk = info->chunk[s];
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const int64_t allowed = info->count[s] < chunk ? info->count[s] : chunk;
        if (well(look) && info->chunk[s] != allowed)
            hq_handles_fail(&look->h5,
                            "%s_images: chunks of %lld images; allowed are %lld, as in the split with the largest "
                            "chunks: import it again",
                            hq_split_name(s), (long long)info->chunk[s], (long long)allowed);
    }
}

/* ---- open and close -------------------------------------------------------------------------------------------- */

static void look_at_file(hq_looking *look)
{
    hid_t access = hq_handles_keep(&look->h5, H5Pcreate(H5P_FILE_ACCESS), "file access");
    hq_handles_check(&look->h5, H5Pset_fapl_sec2(access), "file access");
    hq_handles_check(&look->h5, H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "file access");
    look->file = hq_handles_keep(&look->h5, H5Fopen(look->set->path, H5F_ACC_RDONLY, access),
                                 "is no HDF5 file, or it is truncated or damaged");
    get_attributes(look);
    for (int s = 0; s < HQ_SPLIT_COUNT && well(look); s++) look_at_split(look, s);
    if (well(look)) check_chunks(look);
}

hq_status hq_set_file_open(const char *path, bool writing, hq_set_file *file, hq_data_info *info)
{
    struct stat found;
    *file = (hq_set_file){.fd = -1};
    *info = (hq_data_info){0};
    if (!hq_copy_text(file->path, sizeof file->path, path))
        HQ_FAIL(HQ_ERR_FILE, "%.60s...: the name is too long", path);
    file->fd = open(path, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK); /* does not wait at a pipe */
    if (file->fd < 0 || fstat(file->fd, &found) != 0)
        HQ_FAIL(HQ_ERR_FILE, "%s: cannot be opened: %s (data.source is \"phantom\" or the path of a file)", path,
                strerror(errno));
    if (!S_ISREG(found.st_mode)) HQ_FAIL(HQ_ERR_FILE, "%s: is not a file", path);
    char problem[HQ_HDF5_PROBLEM_MAX];
    if (!hq_hdf5_check(file->fd, problem))
        HQ_FAIL(HQ_ERR_DATA, "%s: is no HDF5 file by hqcnn-dist, or it is truncated or damaged: %s", path, problem);
    hq_looking look = {.bytes = (uint64_t)found.st_size, .set = file, .info = info};
    hq_handles_begin(&look.h5, file->path);
    look_at_file(&look);
    return hq_handles_end(&look.h5);
}

void hq_set_file_close(hq_set_file *file)
{
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        hq_free(file->label[s]);
        hq_free(file->chunk[s]);
    }
    if (file->fd >= 0) close(file->fd);
    *file = (hq_set_file){.fd = -1};
}
