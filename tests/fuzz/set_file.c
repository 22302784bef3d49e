/* A data set in an HDF5 file: structure, labels, hashes and images. */
#include "support.h"

#include "hdf5.h"

#include "data/layout.h"
#include "data/set_file.h"

static hq_status read_chunks(const hq_set_file *file, const hq_data_info *info, hq_split split)
{
    uint8_t *image;
    HQ_TRY(hq_alloc_array((size_t)info->chunk[split], (size_t)hq_data_image_bytes(info), "chunk", &image));
    hq_status status = HQ_OK;
    for (int64_t c = 0; c < hq_data_chunks(info, split) && status == HQ_OK; c++)
        status = hq_set_file_chunk(file->fd, file->path, info, split, c, file->chunk[split][c], image);
    hq_free(image);
    return status;
}

static hq_status read_set(hq_set_file *file, hq_data_info *info)
{
    HQ_TRY(hq_set_file_load(file, info));
    hq_set_file_check(file, info); /* its hash is wrong as soon as anything differs: no reason to stop here */
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) HQ_TRY(read_chunks(file, info, s));
    return HQ_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hq_set_file file;
    hq_data_info info;
    if (hq_set_file_open(fuzz_file(data, size), false, &file, &info) == HQ_OK) read_set(&file, &info);
    hq_set_file_close(&file);
    fuzz_check_memory();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return fuzz_mutate_hdf5(data, size, size_max, seed, 0);
}
