/* set_bytes.c: what is in a data set file: labels, hashes, images, by plain reads and writes. */
#include "data/set_file.h"

#include "data/layout.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "labels and hashes are read from the file as they are");

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

hq_status hq_set_file_read(int fd, const char *path, const char *what, void *to, uint64_t bytes, uint64_t offset)
{
    for (uint64_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            HQ_FAIL(HQ_ERR_FILE, "%s: %s cannot be read: %s", path, what,
                    n < 0 ? strerror(errno) : "the file has become shorter");
        done += (uint64_t)n;
    }
    return HQ_OK;
}

hq_status hq_set_file_write(const hq_set_file *file, const char *what, const void *from, uint64_t bytes,
                            uint64_t offset)
{
    for (uint64_t done = 0; done < bytes;) {
        ssize_t n = pwrite(file->fd, (const char *)from + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            HQ_FAIL(HQ_ERR_FILE, "%s: %s cannot be written: %s", file->path, what,
                    n < 0 ? strerror(errno) : "the system takes no more bytes");
        done += (uint64_t)n;
    }
    return HQ_OK;
}

int64_t hq_set_chunk_images(const hq_data_info *info, hq_split split, int64_t chunk)
{
    const int64_t left = info->count[split] - chunk * info->chunk[split];
    return left < info->chunk[split] ? left : info->chunk[split];
}

hq_status hq_set_file_chunk(int fd, const char *path, const hq_data_info *info, hq_split split, int64_t chunk,
                            uint64_t hash, uint8_t *to)
{
    const int64_t first = chunk * info->chunk[split], n = hq_set_chunk_images(info, split, chunk);
    const uint64_t image = hq_data_image_bytes(info), bytes = (uint64_t)n * image;
    char what[96];
    snprintf(what, sizeof what, "chunk %lld of %s_images (samples %lld to %lld)", (long long)chunk,
             hq_split_name(split), (long long)first, (long long)(first + n - 1));
    HQ_TRY(hq_set_file_read(fd, path, what, to, bytes, info->offset[split] + (uint64_t)first * image));
    const uint64_t found = hq_hash(to, (size_t)bytes, 0);
    if (found != hash)
        HQ_FAIL(HQ_ERR_DATA, "%s: %s was altered or damaged: its bytes have hash %016llx, stored is %016llx", path,
                what, (unsigned long long)found, (unsigned long long)hash);
    return HQ_OK;
}

/* ---- labels and hashes ----------------------------------------------------------------------------------------- */

static hq_status load_numbers(const hq_set_file *file, hq_split split, const char *what, int64_t n, size_t size,
                              uint64_t offset, void *out)
{
    char name[32];
    hq_set_file_member(split, what, name);
    HQ_TRY(hq_alloc_array((size_t)n, size, name, out));
    return hq_set_file_read(file->fd, file->path, name, *(void **)out, (uint64_t)n * size, offset);
}

hq_status hq_set_file_load(hq_set_file *file, const hq_data_info *info)
{
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        HQ_TRY(load_numbers(file, s, "labels", info->count[s] * info->labels, sizeof(int32_t), file->label_offset[s],
                            &file->label[s]));
        HQ_TRY(load_numbers(file, s, "hashes", hq_data_chunks(info, s), sizeof(uint64_t), file->hash_offset[s],
                            &file->chunk[s]));
    }
    return HQ_OK;
}

uint64_t hq_set_file_hash(const hq_set_file *file, const hq_data_info *info)
{
    const int64_t sizes[] = {info->task,   info->classes, info->labels,  info->depth,
                             info->height, info->width,   info->channels};
    uint64_t hash = hq_hash(sizes, sizeof sizes, 0);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const int64_t split[] = {info->count[s], info->chunk[s]};
        hash = hq_hash(split, sizeof split, hash);
        hash = hq_hash(file->label[s], (size_t)(info->count[s] * info->labels) * sizeof(int32_t), hash);
        hash = hq_hash(file->chunk[s], (size_t)hq_data_chunks(info, s) * sizeof(uint64_t), hash);
    }
    return hash;
}

hq_status hq_set_file_check(const hq_set_file *file, const hq_data_info *info)
{
    const uint64_t hash = hq_set_file_hash(file, info);
    const int32_t end = info->task == HQ_TASK_MULTI_LABEL ? 2 : info->classes;
    if (file->hash == 0) HQ_FAIL(HQ_ERR_DATA, "%s: its import did not come to an end; import it again", file->path);
    if (file->hash != hash)
        HQ_FAIL(HQ_ERR_DATA,
                "%s: was altered or damaged: sizes, labels and chunks have hash %016llx, stored is %016llx", file->path,
                (unsigned long long)hash, (unsigned long long)file->hash);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++)
        for (int64_t i = 0; i < info->count[s] * info->labels; i++)
            if (file->label[s][i] < 0 || file->label[s][i] >= end)
                HQ_FAIL(HQ_ERR_DATA, "%s: %s_labels: sample %lld has label %d; allowed are 0 to %d", file->path,
                        hq_split_name(s), (long long)(i / info->labels), (int)file->label[s][i], (int)end - 1);
    return HQ_OK;
}
