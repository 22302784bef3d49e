/* A checkpoint behind its seal, which is written anew; where the hashes of state and texts are wrong, they are put
 * right too. */
#include "support.h"

#include "checkpoint/private.h"
#include "hdf5.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_ours(const char *path)
{
    char problem[HQ_HDF5_PROBLEM_MAX];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool ours = hq_hdf5_check(fd, problem);
    close(fd);
    return ours;
}

/* Writes the seal of version 2 that the other bytes have. */
static void put_seal(uint8_t *data, size_t size)
{
    enum { PIECE = 1 << 16 };
    static const char form[] = HQ_CHECKPOINT_FORMAT "\nversion 2\nprogram %s\nbytes %zu\nhash %016llx\n";
    char text[HQ_SEAL_BYTES] = "";
    snprintf(text, sizeof text, form, HQ_VERSION, (size_t)0, 0ull);
    uint64_t hash = hq_hash(text, sizeof text, 0);
    for (size_t at = HQ_SEAL_BYTES; at < size; at += PIECE)
        hash = hq_hash(data + at, size - at < PIECE ? size - at : PIECE, hash);
    memset(text, 0, sizeof text);
    snprintf(text, sizeof text, form, HQ_VERSION, size, (unsigned long long)hash);
    memcpy(data, text, sizeof text);
}

static hq_status load(uint8_t *data, size_t size, hq_fingerprint *fingerprint)
{
    hq_state state;
    hq_problem problem = {0};
    put_seal(data, size);
    const char *path = fuzz_file(data, size);
    if (!is_ours(path)) return HQ_ERR_FILE;
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
    hq_fingerprint fingerprint = {0};
    if (size < HQ_SEAL_BYTES) return 0;
    uint8_t *mended = malloc(size);
    HQ_ASSERT(mended);
    memcpy(mended, data, size);
    if (load(mended, size, &fingerprint) != HQ_OK && fingerprint.state != 0) {
        put_value(mended, size, "hash", fingerprint.state);
        put_value(mended, size, "text_hash", fingerprint.texts);
        fuzz_repair_hdf5(mended, size, HQ_SEAL_BYTES);
        load(mended, size, &fingerprint);
    }
    free(mended);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return fuzz_mutate_hdf5(data, size, size_max, seed, HQ_SEAL_BYTES);
}
