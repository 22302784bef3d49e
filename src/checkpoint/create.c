/* create.c: rank 0 makes the image of a file: all places, texts, table and attributes; the numbers are the state's.
 *
 * HDF5 1.10 cannot recover when it cannot write what it holds back: the file never closes, other ranks are left in a
 * barrier, and MPI_Finalize crashes. So HDF5 makes the file in memory, and plain writes that may fail bring it to the
 * disk. What is written in parallel are only numbers, to places that are already there.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "checkpoint/h5.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct hq_maker {
    hq_h5 h5;
    const hq_state *state;
    hq_image *image;
    hid_t file;
} hq_maker;

/* A file that exists in memory only: HDF5 wants a name, so it opens the null device, and writes to `memory` from then
 * on. Checksummed metadata (the format of HDF5 1.8) without times: altered bytes are noticed, equal states give equal
 * files. */
static void create_file(hq_maker *maker, int memory)
{
    hq_h5 *h5 = &maker->h5;
    int *descriptor;
    hid_t access = hq_h5_keep(h5, H5Pcreate(H5P_FILE_ACCESS), "file access");
    hq_h5_check(h5, H5Pset_fapl_sec2(access), "file access");
    hq_h5_check(h5, H5Pset_alignment(access, 1, 8), "file access"); /* no number lies in two pieces */
    hq_h5_check(h5, H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18), "file format");
    hid_t creation = hq_h5_keep(h5, H5Pcreate(H5P_FILE_CREATE), "file creation");
    hq_h5_check(h5, H5Pset_obj_track_times(creation, false), "file creation");
    hq_h5_check(h5, H5Pset_userblock(creation, HQ_SEAL_BYTES), "file creation");
    maker->file = hq_h5_keep(h5, H5Fcreate("/dev/null", H5F_ACC_TRUNC, creation, access), "cannot make it in memory");
    if (hq_h5_check(h5, H5Fget_vfd_handle(maker->file, access, (void **)&descriptor), "cannot make it in memory") &&
        dup2(memory, *descriptor) < 0)
        hq_problem_set(h5->problem, HQ_ERR_FILE, "cannot make it in memory: %s", strerror(errno));
}

/* A contiguous data set with its place in the file, without fill values. n < 0: a single element. */
static hid_t create_dataset(hq_maker *maker, hid_t parent, const char *name, hid_t type, int64_t n)
{
    hq_h5 *h5 = &maker->h5;
    hsize_t extent = (hsize_t)n;
    hid_t creation = hq_h5_keep(h5, H5Pcreate(H5P_DATASET_CREATE), name);
    hq_h5_check(h5, H5Pset_obj_track_times(creation, false), name);
    hq_h5_check(h5, H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), name);
    hq_h5_check(h5, H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), name);
    hid_t space = hq_h5_keep(h5, n < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL), name);
    return hq_h5_keep(h5, H5Dcreate2(parent, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name);
}

/* The group remembers the order of the blocks, which is part of the state. */
static void create_blocks(hq_maker *maker)
{
    hq_h5 *h5 = &maker->h5;
    hid_t creation = hq_h5_keep(h5, H5Pcreate(H5P_GROUP_CREATE), HQ_H5_BLOCKS);
    hq_h5_check(h5, H5Pset_obj_track_times(creation, false), HQ_H5_BLOCKS);
    hq_h5_check(h5, H5Pset_link_phase_change(creation, 2 * HQ_CHECKPOINT_BLOCKS_MAX, HQ_CHECKPOINT_BLOCKS_MAX),
                HQ_H5_BLOCKS);
    hq_h5_check(h5, H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED), HQ_H5_BLOCKS);
    hid_t group =
        hq_h5_keep(h5, H5Gcreate2(maker->file, HQ_H5_BLOCKS, H5P_DEFAULT, creation, H5P_DEFAULT), HQ_H5_BLOCKS);
    for (int i = 0; i < maker->state->blocks; i++) {
        const hq_block *block = &maker->state->block[i];
        hid_t dataset = create_dataset(maker, group, block->name, hq_h5_file_type(block->number), block->count);
        maker->image->place[i] = (int64_t)H5Dget_offset(dataset);
        HQ_ASSERT(h5->problem->status != HQ_OK || block->count == 0 || maker->image->place[i] % 8 == 0);
    }
}

static void write_dataset(hq_maker *maker, hid_t dataset, hid_t type, const void *data, const char *name)
{
    hq_h5_check(&maker->h5, H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), name);
}

static void put_tensors(hq_maker *maker)
{
    const hq_state *state = maker->state;
    hid_t type = hq_h5_record_type(&maker->h5);
    hid_t dataset = create_dataset(maker, maker->file, HQ_H5_TENSORS, type, state->tensors);
    hq_record *record;
    if (hq_alloc_array((size_t)state->tensors, sizeof *record, "tensor table", &record) != HQ_OK) {
        hq_problem_set(maker->h5.problem, HQ_ERR_MEMORY, "%s", "");
        return;
    }
    for (int i = 0; i < state->tensors; i++) record[i] = hq_record_of(&state->tensor[i]);
    if (state->tensors > 0) write_dataset(maker, dataset, type, record, HQ_H5_TENSORS);
    hq_free(record);
}

static void put_text(hq_maker *maker, const char *name, const char *text)
{
    hid_t type = hq_h5_text_type(&maker->h5, (text ? strlen(text) : 0) + 1);
    write_dataset(maker, create_dataset(maker, maker->file, name, type, -1), type, text ? text : "", name);
}

static void put_attribute(hq_maker *maker, const char *name, hid_t type, const void *value)
{
    hq_h5 *h5 = &maker->h5;
    hid_t space = hq_h5_keep(h5, H5Screate(H5S_SCALAR), name);
    hid_t attribute = hq_h5_keep(h5, H5Acreate2(maker->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name);
    hq_h5_check(h5, H5Awrite(attribute, type, value), name);
}

static void put_attributes(hq_maker *maker, const hq_fingerprint *fingerprint)
{
    hq_h5 *h5 = &maker->h5;
    const int32_t version = HQ_CHECKPOINT_VERSION;
    put_attribute(maker, HQ_H5_FORMAT, hq_h5_text_type(h5, sizeof HQ_CHECKPOINT_FORMAT), HQ_CHECKPOINT_FORMAT);
    put_attribute(maker, HQ_H5_VERSION, H5T_STD_I32LE, &version);
    put_attribute(maker, HQ_H5_PROGRAM, hq_h5_text_type(h5, sizeof HQ_VERSION), HQ_VERSION);
    put_attribute(maker, HQ_H5_HASH, H5T_STD_U64LE, &fingerprint->state);
    put_attribute(maker, HQ_H5_TEXT_HASH, H5T_STD_U64LE, &fingerprint->texts);
}

/* The numbers are a hole: the memory file only has pages for the rest. */
static void make(int memory, const hq_state *state, const hq_fingerprint *fingerprint, hq_image *image,
                 hq_problem *problem)
{
    hq_maker maker = {.state = state, .image = image};
    hq_h5_begin(&maker.h5, problem);
    create_file(&maker, memory);
    create_blocks(&maker);
    put_tensors(&maker);
    put_text(&maker, HQ_H5_CONFIG, state->config);
    put_text(&maker, HQ_H5_VARIANT, state->variant);
    put_attributes(&maker, fingerprint);
    hq_h5_end(&maker.h5);
}

/* Everything but the numbers, from the file in memory. */
static void take_rest(int memory, const hq_state *state, hq_image *image, hq_problem *problem)
{
    struct stat info;
    bool good = fstat(memory, &info) == 0;
    image->bytes = good ? (int64_t)info.st_size : HQ_SEAL_BYTES;
    if (good && hq_image_make(image, state) != HQ_OK) {
        hq_problem_set(problem, HQ_ERR_MEMORY, "%s", "");
        return;
    }
    for (int i = 0; good && i < image->segments; i++) {
        const hq_segment *segment = &image->segment[i];
        const size_t n = (size_t)(segment->hi - segment->lo);
        if (!segment->numbers) good = hq_file_read(memory, (char *)segment->data, n, segment->lo) == (ssize_t)n;
    }
    if (!good) hq_problem_set(problem, HQ_ERR_FILE, "cannot read it in memory: %s", strerror(errno));
}

void hq_checkpoint_create(const hq_state *state, const hq_fingerprint *fingerprint, hq_image *image,
                          hq_problem *problem)
{
    int memory = memfd_create("checkpoint", MFD_CLOEXEC);
    if (memory < 0) {
        hq_problem_set(problem, HQ_ERR_FILE, "cannot make it in memory: %s", strerror(errno));
        return;
    }
    make(memory, state, fingerprint, image, problem);
    if (problem->status == HQ_OK) take_rest(memory, state, image, problem);
    close(memory);
}
