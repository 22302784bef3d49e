/* spin.c: loaded before the program, it lets one rank (HQ_SPIN_RANK) stay for ever in its matrix product number
 * HQ_SPIN_CALL: an endless loop in the midst of the network. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <cblas.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

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
