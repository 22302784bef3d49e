#include "hqcnn/base.h"

#include <stdio.h>
#include <stdlib.h>
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

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double hq_median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[n / 2];
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

uint64_t hq_program_hash(void)
{
    char piece[1 << 16];
    size_t n;
    uint64_t hash = hq_hash_text(HQ_VERSION);
    FILE *file = fopen("/proc/self/exe", "rb");
    while (file && (n = fread(piece, 1, sizeof piece, file)) > 0) hash = hq_hash(piece, n, hash);
    if (file) fclose(file);
    return hash;
}

/* ---- instruction sets ---- */

static const char *const machine_name[] = {"plain", "avx2", "avx512", "avx512-bf16", "amx"};

const char *hq_machine_name(hq_machine machine) { return machine_name[machine]; }

#if defined(__x86_64__)
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

static hq_machine detect(void)
{
    __builtin_cpu_init(); /* the first caller is a constructor */
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return HQ_MACHINE_PLAIN;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl"))
        return HQ_MACHINE_AVX2;
    if (!__builtin_cpu_supports("avx512bf16")) return HQ_MACHINE_AVX512;
    return lists_tiles() && ask_for_tiles() ? HQ_MACHINE_AMX : HQ_MACHINE_AVX512_BF16;
}
#else
static hq_machine detect(void) { return HQ_MACHINE_PLAIN; }
#endif

/* A name that is none limits nothing: it is for tests and diagnosis. */
static hq_machine limited(hq_machine machine)
{
    const char *limit = getenv("HQCNN_MACHINE_LIMIT");
    for (int i = 0; limit && i < (int)machine; i++)
        if (strcmp(limit, machine_name[i]) == 0) return (hq_machine)i;
    return machine;
}

static int machine = -1; /* not yet known */

hq_machine hq_machine_have(void)
{
    if (machine < 0) machine = (int)limited(detect());
    return (hq_machine)machine;
}

void hq_machine_limit(hq_machine most)
{
    if (hq_machine_have() > most) machine = (int)most;
}

bool hq_machine_has_avx2(void) { return hq_machine_have() >= HQ_MACHINE_AVX2; }
bool hq_machine_has_avx512(void) { return hq_machine_have() >= HQ_MACHINE_AVX512; }
bool hq_machine_has_avx512_bf16(void) { return hq_machine_have() >= HQ_MACHINE_AVX512_BF16; }
bool hq_machine_has_amx(void) { return hq_machine_have() >= HQ_MACHINE_AMX; }
