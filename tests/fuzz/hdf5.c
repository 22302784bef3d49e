#include "hdf5.h"

#include "support.h"

#include <string.h>

/* HDF5's own, in the library though in no header. */
uint32_t H5_checksum_metadata(const void *data, size_t bytes, uint32_t start);

/* A file of which sizes and addresses have 8 bytes. */
typedef struct image {
    uint8_t *data;
    size_t size, base;
} image;

static uint64_t number(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* The last 4 of `bytes` bytes at `at` become the checksum of the others. */
static void seal(image *file, size_t at, uint64_t bytes)
{
    if (at > file->size || bytes > file->size - at || bytes < 8) return;
    const uint32_t sum = H5_checksum_metadata(file->data + at, bytes - 4, 0);
    memcpy(file->data + at + bytes - 4, &sum, sizeof sum);
}

/* ---- object headers ---- */

/* Messages from `at` on: seals the pieces of the header that lie elsewhere. */
static void follow(image *file, size_t at, size_t end, bool ordered)
{
    const size_t head = ordered ? 6 : 4;
    while (at + head <= end) {
        const uint8_t *message = file->data + at;
        const size_t bytes = number(message + 1, 2);
        if (bytes > end - at - head) return;
        if (message[0] == 0x10 && bytes >= 16)
            seal(file, file->base + number(message + head, 8), number(message + head + 8, 8));
        at += head + bytes;
    }
}

static void seal_header(image *file, size_t at)
{
    const uint8_t *header = file->data + at;
    if (file->size - at < 64) return;
    const int flags = header[5], width = 1 << (flags & 3);
    size_t prefix = 6u + (flags & 0x20 ? 16u : 0u) + (flags & 0x10 ? 4u : 0u);
    const uint64_t messages = number(header + prefix, width);
    prefix += (size_t)width;
    if (messages > file->size - at) return;
    if (messages + prefix <= file->size - at) follow(file, at + prefix, at + prefix + messages, flags & 4);
    seal(file, at, prefix + messages + 4);
}

/* ---- groups with many links ---- */

enum { HEAP_BYTES = 146, TREE_BYTES = 38, LINK_RECORD = 11 };

/* A block of a heap: its checksum stands behind its head, and is that of the block with zeros there. */
static void seal_block(image *file, size_t at, size_t bytes)
{
    enum { HEAD = 17 };
    if (file->size - at < bytes) return;
    memset(file->data + at + HEAD, 0, 4);
    const uint32_t sum = H5_checksum_metadata(file->data + at, bytes, 0);
    memcpy(file->data + at + HEAD, &sum, sizeof sum);
}

/* The signatures as numbers. */
enum { OHDR = 0x5244484f, FRHP = 0x50485246, BTHD = 0x44485442, FHDB = 0x42444846, BTLF = 0x464c5442 };

static void repair_at(image *file, size_t at, size_t *block_bytes, size_t *records)
{
    const uint8_t *data = file->data + at;
    const size_t room = file->size - at;
    switch (number(data, 4)) {
    case OHDR:
        seal_header(file, at);
        break;
    case FRHP:
        if (room >= HEAP_BYTES) *block_bytes = number(data + 112, 8);
        seal(file, at, HEAP_BYTES);
        break;
    case BTHD:
        if (room >= TREE_BYTES) *records = number(data + 24, 2);
        seal(file, at, TREE_BYTES);
        break;
    case FHDB:
        seal_block(file, at, *block_bytes);
        break;
    case BTLF:
        seal(file, at, 6 + *records * LINK_RECORD + 4);
        break;
    }
}

void fuzz_repair_hdf5(uint8_t *data, size_t size, size_t base)
{
    enum { SUPERBLOCK = 48, ROOM = 24 };
    image file = {data, size, base};
    size_t block_bytes = 512, records = 0;
    seal(&file, base, SUPERBLOCK);
    for (size_t at = base; at + ROOM <= size; at++)
        if (data[at] == 'O' || data[at] == 'F' || data[at] == 'B') repair_at(&file, at, &block_bytes, &records);
}

size_t fuzz_mutate_hdf5(uint8_t *data, size_t size, size_t size_max, unsigned seed, size_t base)
{
    const size_t before = size;
    if (seed % 16 == 0)
        size = LLVMFuzzerMutate(data, size, size_max);
    else
        fuzz_mutate_place(data, size, seed / 16);
    if (seed / 256 % 4 == 0) fuzz_mutate_place(data, size, seed / 1024);
    if (seed % 32 && before > base) fuzz_repair_hdf5(data, size, base);
    return size;
}
