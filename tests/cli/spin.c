/* spin.c: loaded before the program, it lets one rank (HQ_SPIN_RANK) stay for ever in its matrix product number
 * HQ_SPIN_CALL: an endless loop in the midst of the network; or rank 0 sleep for HQ_SLOW_OPEN seconds before it opens
 * its first HDF5 file (a data set that takes its time); or all ranks for HQ_SLOW_CLOSE seconds before they close their
 * first handle (a checkpoint on a slow file system). */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <cblas.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*product)(CBLAS_LAYOUT, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, blasint, blasint, blasint, float, const float *,
                        blasint, const float *, blasint, float, float *, blasint);

void cblas_sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE a_turned, CBLAS_TRANSPOSE b_turned, blasint m, blasint n,
                 blasint k, float alpha, const float *a, blasint lda, const float *b, blasint ldb, float beta, float *c,
                 blasint ldc)
{
    static int calls;
    static product next;
    const char *where = getenv("HQ_SPIN_RANK"), *when = getenv("HQ_SPIN_CALL"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (where && when && rank && strcmp(where, rank) == 0 && ++calls == atoi(when))
        for (volatile int i = 0;; i++) {}
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "cblas_sgemm");
    next(layout, a_turned, b_turned, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Sleeps for the seconds that the variable tells. */
static void be_slow(const char *variable)
{
    const char *seconds = getenv(variable);
    if (seconds) sleep((unsigned)atoi(seconds));
}

typedef int64_t (*opening)(const char *, unsigned, int64_t); /* hid_t is int64_t */
typedef int (*closing)(int64_t);

int64_t H5Fopen(const char *name, unsigned flags, int64_t access);
int64_t H5Fopen(const char *name, unsigned flags, int64_t access)
{
    static opening next;
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!next && rank && strcmp(rank, "0") == 0) be_slow("HQ_SLOW_OPEN");
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "H5Fopen");
    return next(name, flags, access);
}

int H5Idec_ref(int64_t handle);
int H5Idec_ref(int64_t handle)
{
    static closing next;
    if (!next) be_slow("HQ_SLOW_CLOSE");
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "H5Idec_ref");
    return next(handle);
}
