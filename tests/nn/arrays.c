#include "nn/arrays.h"

#include <string.h>

static void *memory(size_t bytes)
{
    void *block = malloc(bytes ? bytes : 1);
    if (!block) exit(1);
    return block;
}

static hq_random next_stream(void)
{
    static uint64_t calls;
    return hq_random_make(2509, HQ_PURPOSE_TEST, 0, calls++);
}

hq_real *random_array(size_t count)
{
    hq_random stream = next_stream();
    hq_real *x = memory(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (hq_real)(2 * hq_random_uniform(&stream) - 1);
    return x;
}

hq_real *distinct_array(size_t count)
{
    hq_random stream = next_stream();
    hq_real *x = memory(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (hq_real)(0.02 * ((double)i - (double)(count / 2) + 0.5));
    for (size_t i = count; i > 1; i--) {
        size_t j = hq_random_next(&stream) % i;
        hq_real moved = x[i - 1];
        x[i - 1] = x[j];
        x[j] = moved;
    }
    return x;
}

hq_real *output_array(size_t count)
{
    hq_real *x = memory(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (hq_real)NAN;
    return x;
}

double *double_array(size_t count)
{
    double *x = memory(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = NAN;
    return x;
}

void check_array(const char *name, size_t count, const hq_real *have, const double *want, double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        bool near = fabs(have[i] - want[i]) <= tolerance * fmax(1, fabs(want[i]));
        CHECK_MSG(near, "%s[%zu] is %.17g, expected %.17g within %g", name, i, (double)have[i], want[i], tolerance);
        if (!near) return; /* one message per array */
    }
}

void check_same(const char *name, size_t count, const hq_real *have, const hq_real *want)
{
    CHECK_MSG(memcmp(have, want, count * sizeof *have) == 0, "%s: not the same bits", name);
}

hq_real *aligned_copy(size_t count, const hq_real *x, int shift, void **block)
{
    char *start = *block = memory(128 + count * sizeof *x);
    hq_real *copy = (hq_real *)(void *)(start + (64 - (uintptr_t)start % 64)) + shift;
    if (x) memcpy(copy, x, count * sizeof *x);
    return copy;
}
