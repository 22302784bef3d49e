/* A checkpoint behind its seal, which is written anew; where the hashes of state and texts are wrong, they are put
 * right too. */
#include "support.h"

#include "checkpoint/private.h"
#include "hdf5.h"

#include <stdlib.h>
#include <string.h>

/* Seals a file of that size as a writer would. */
static void seal(const char *path, const uint8_t *data, size_t size)
{
    hq_problem problem = {0};
    int64_t *hash, lo, hi;
    const int64_t pieces = size > HQ_SEAL_BYTES ? hq_seal_pieces((int64_t)size) : 0;
    HQ_ASSERT(hq_alloc_array((size_t)pieces, sizeof *hash, "hashes", &hash) == HQ_OK);
    for (int64_t i = 0; i < pieces; i++) {
        hq_seal_piece((int64_t)size, i, &lo, &hi);
        hash[i] = (int64_t)hq_hash(data + lo, (size_t)(hi - lo), 0);
    }
    hq_seal_write(path, (int64_t)size, hash, &problem);
    hq_free(hash);
}

static hq_status load(const uint8_t *data, size_t size, hq_fingerprint *fingerprint)
{
    hq_state state;
    hq_problem problem = {0};
    const char *path = fuzz_file(data, size);
    *fingerprint = (hq_fingerprint){0};
    seal(path, data, size);
    hq_checkpoint_load(path, &state, fingerprint, &problem);
    hq_checkpoint_free(&state);
    fuzz_check_memory();
    return problem.status;
}

/* The value of an attribute of 64 bits: behind its name, its type (12 bytes) and its shape (4 bytes). */
static void put_value(uint8_t *data, size_t size, const char *name, uint64_t value)
{
    const size_t bytes = strlen(name) + 1;
    for (size_t at = 1; at + bytes + 24 <= size; at++)
        if (data[at - 1] != '_' && memcmp(data + at, name, bytes) == 0)
            memcpy(data + at + bytes + 16, &value, sizeof value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hq_fingerprint fingerprint;
    if (load(data, size, &fingerprint) == HQ_OK || fingerprint.state == 0) return 0;
    uint8_t *mended = malloc(size);
    HQ_ASSERT(mended);
    memcpy(mended, data, size);
    put_value(mended, size, "hash", fingerprint.state);
    put_value(mended, size, "text_hash", fingerprint.texts);
    fuzz_repair_hdf5(mended, size, HQ_SEAL_BYTES);
    load(mended, size, &fingerprint);
    free(mended);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return fuzz_mutate_hdf5(data, size, size_max, seed, HQ_SEAL_BYTES);
}
