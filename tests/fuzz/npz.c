/* A data set in a .npz file, as a training loads it. */
#include "support.h"

#include "data/npz_set.h"

#include <string.h>

static hq_config config;

static hq_status load(void)
{
    hq_data_source *source;
    hq_data_info info;
    void *block;
    HQ_TRY(hq_data_open(&config, &source, &info));
    hq_status status = hq_alloc(info.bytes, "block", &block);
    if (status == HQ_OK) status = hq_data_fill(source, block, 0, 1);
    hq_free(block);
    hq_data_close(source);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!config.data_source[0]) hq_config_defaults(&config);
    config.data_memory = 1;
    hq_copy_text(config.data_source, sizeof config.data_source, fuzz_file(data, size));
    load();
    fuzz_check_memory();
    return 0;
}

/* ---- checksums ---- */

static uint32_t number(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint32_t)at[i] << (8 * i);
    return value;
}

static void put_crc(const uint8_t *from, size_t size, uint8_t *to)
{
    uint32_t crc = ~(uint32_t)0;
    for (size_t i = 0; i < size; i++) {
        crc ^= from[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(~crc >> (8 * i));
}

/* Gives the stored member of a directory entry, if it is one, the checksum that it has. */
static void repair_entry(uint8_t *data, size_t size, uint8_t *entry)
{
    const size_t start = number(entry + 42, 4), bytes = number(entry + 20, 4);
    if (number(entry + 10, 2) != 0 || start > size || size - start < 30) return;
    const size_t skip = 30 + number(data + start + 26, 2) + number(data + start + 28, 2), room = size - start;
    if (skip > room || bytes > room - skip) return;
    put_crc(data + start + skip, bytes, entry + 16);
    memcpy(data + start + 14, entry + 16, 4);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    if (seed % 4 == 0)
        size = LLVMFuzzerMutate(data, size, size_max);
    else
        fuzz_mutate_place(data, size, seed / 4);
    for (size_t at = 0; seed % 16 && at + 46 <= size; at++)
        if (memcmp(data + at, "PK\1\2", 4) == 0) repair_entry(data, size, data + at);
    return size;
}
