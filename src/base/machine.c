#include "hqcnn/base.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sys/syscall.h>
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

double hq_clock_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
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

bool hq_machine_has_avx512_bf16(void)
{
    return hq_machine_has_avx512() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512bf16");
}

/* Linux gives a process the registers of tiles only when asked: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). */
static bool ask_for_tiles(void)
{
    enum { REQUEST = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

/* CPUID leaf 7: compilers differ in whether __builtin_cpu_supports knows these. */
static bool lists_tiles(void)
{
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE);
}

bool hq_machine_has_amx(void)
{
    static int known; /* 1: no, 2: yes */
    if (known == 0) known = hq_machine_has_avx512_bf16() && lists_tiles() && ask_for_tiles() ? 2 : 1;
    return known == 2;
}
#else
bool hq_machine_has_avx2(void) { return false; }
bool hq_machine_has_avx512(void) { return false; }
bool hq_machine_has_avx512_bf16(void) { return false; }
bool hq_machine_has_amx(void) { return false; }
#endif
