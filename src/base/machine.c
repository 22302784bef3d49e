#include "hqcnn/base.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hq_hash(const void *data, size_t bytes, uint64_t seed) { return XXH3_64bits_withSeed(data, bytes, seed); }

uint64_t hq_hash_text(const char *text) { return hq_hash(text, strlen(text), 0); }

double hq_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void hq_clock_lap(double *since, double *sum)
{
    const double now = hq_clock();
    *sum += now - *since;
    *since = now;
}

const char *hq_host_name(void)
{
    static char name[64];
    if (!name[0]) {
        if (gethostname(name, sizeof name - 1) != 0) strcpy(name, "unknown");
        name[sizeof name - 1] = '\0';
    }
    return name;
}

#if defined(__x86_64__)
bool hq_machine_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool hq_machine_has_avx512(void)
{
    return hq_machine_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#else
bool hq_machine_has_avx2(void) { return false; }
bool hq_machine_has_avx512(void) { return false; }
#endif
