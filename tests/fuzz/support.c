#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACE_MAX = 16 };

void fuzz_mutate_place(uint8_t *data, size_t size, unsigned seed)
{
    uint8_t piece[PLACE_MAX];
    if (size == 0) return;
    const size_t at = seed % size, room = size - at, n = room < PLACE_MAX ? room : PLACE_MAX;
    const size_t bytes = 1 + seed / 7 % n;
    memcpy(piece, data + at, bytes);
    memcpy(data + at, piece, LLVMFuzzerMutate(piece, bytes, bytes));
}

static char path[64];

static void remove_file(void) { unlink(path); }

/* HDF5 wants the name of a file in a folder, and takes a file with the number of one that it has open for that one: so
 * each gets a new number where it can. */
const char *fuzz_file(const uint8_t *data, size_t size)
{
    if (!path[0]) {
        const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(path, sizeof path, "%s/hqcnn-fuzz-%ld", folder, (long)getpid());
        atexit(remove_file);
    }
    unlink(path);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    HQ_ASSERT(file >= 0 && write(file, data, size) == (ssize_t)size);
    close(file);
    return path;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    HQ_ASSERT(text);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

void fuzz_check_memory(void) { HQ_ASSERT(hq_memory_balance() == 0); }
