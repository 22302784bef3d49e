#include "hqcnn/base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static atomic_llong live, made;

hq_status hq_alloc(size_t bytes, const char *what, void *out_pointer)
{
    size_t size = bytes ? bytes : 1;
    void *pointer = NULL;
    memcpy(out_pointer, &pointer, sizeof pointer);
    if (size > SIZE_MAX - HQ_ALIGN) HQ_FAIL(HQ_ERR_MEMORY, "no memory for %s: %zu bytes asked", what, bytes);
    size = (size + HQ_ALIGN - 1) / HQ_ALIGN * HQ_ALIGN;
    pointer = aligned_alloc(HQ_ALIGN, size);
    if (!pointer) HQ_FAIL(HQ_ERR_MEMORY, "no memory for %s: %zu bytes asked", what, bytes);
    memset(pointer, 0, size);
    memcpy(out_pointer, &pointer, sizeof pointer);
    atomic_fetch_add(&live, 1);
    atomic_fetch_add(&made, 1);
    return HQ_OK;
}

hq_status hq_alloc_array(size_t count, size_t size, const char *what, void *out_pointer)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    return hq_alloc(bytes, what, out_pointer);
}

hq_status hq_alloc_more(void *array, int64_t n, int64_t *room, size_t size, const char *what)
{
    enum { LEAST = 64 };
    void *old, *larger;
    if (n < *room) return HQ_OK;
    const int64_t more = *room > 0 ? 2 * *room : LEAST;
    HQ_TRY(hq_alloc_array((size_t)more, size, what, &larger));
    memcpy(&old, array, sizeof old);
    if (n > 0) memcpy(larger, old, (size_t)n * size);
    hq_free(old);
    memcpy(array, &larger, sizeof larger);
    *room = more;
    return HQ_OK;
}

void hq_free(void *pointer)
{
    if (!pointer) return;
    atomic_fetch_sub(&live, 1);
    free(pointer);
}

int64_t hq_memory_balance(void) { return atomic_load(&live); }
int64_t hq_memory_count(void) { return atomic_load(&made); }

double hq_memory_peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

double hq_memory_share(void)
{
    char line[128];
    long long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && kib < 0 && fgets(line, sizeof line, file)) sscanf(line, "Pss: %lld", &kib);
    if (file) fclose(file);
    return kib < 0 ? hq_memory_peak() : 1024.0 * (double)kib;
}

hq_status hq_arena_create(size_t bytes, const char *what, hq_arena *arena)
{
    *arena = (hq_arena){.size = bytes};
    return hq_alloc(bytes, what, &arena->base);
}

void *hq_arena_take(hq_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    HQ_ASSERT(!__builtin_mul_overflow(count, size, &bytes) && bytes < SIZE_MAX - HQ_ALIGN - arena->used);
    size_t start = arena->used;
    arena->used += (bytes + HQ_ALIGN - 1) / HQ_ALIGN * HQ_ALIGN;
    if (!arena->base) return NULL; /* measuring */
    HQ_ASSERT(arena->used <= arena->size);
    return arena->base + start;
}

void hq_arena_destroy(hq_arena *arena)
{
    hq_free(arena->base);
    *arena = (hq_arena){0};
}
