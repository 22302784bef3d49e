/* gemm.c: matrix products through OpenBLAS: one thread, and kernels that fit the processor. */
#include "hqcnn/tensor.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HQ_REAL_F64
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

/* OpenBLAS's own (exported, undeclared) choice of kernels; weak, because builds for one fixed processor lack them. */
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

static char variant[96]; /* "": not yet named */

/* Kernels by instruction set instead of model number. */
static void choose_by_machine(void)
{
    static const char *const core[] = {"Prescott", "Haswell", "SkylakeX", "SkylakeX", "SkylakeX"};
    if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit) return;
    variant[0] = '\0';
    setenv("OPENBLAS_CORETYPE", core[hq_machine_have()], 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
}

static bool users_choice;

/* OpenBLAS knows processors by model number and takes its SSE3 kernels ("Prescott") for one that is newer than itself,
 * at a tenth of the speed. Then the kernels are chosen by the instruction sets instead; also where the user says that
 * the processor is a poorer one (HQCNN_MACHINE_LIMIT). A choice of the user's (OPENBLAS_CORETYPE) stays. A constructor,
 * so that no product is ever computed with other kernels. */
static __attribute__((constructor)) void choose_kernels(void)
{
    openblas_set_num_threads(1);
    users_choice = getenv("OPENBLAS_CORETYPE") != NULL;
    const bool limited = getenv("HQCNN_MACHINE_LIMIT") != NULL;
    if (!users_choice && (limited || strcmp(openblas_get_corename(), "Prescott") == 0)) choose_by_machine();
}

void hq_gemm_choose_common(void)
{
#if defined(__x86_64__)
    if (!users_choice) choose_by_machine();
#endif
}

void hq_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const hq_real *a, const hq_real *b, hq_real beta,
             hq_real *c)
{
    if (m == 0 || n == 0) return;
    GEMM(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
         transpose_a ? m : k, b, transpose_b ? k : n, beta, c, n);
}

const char *hq_kernel_variant(void)
{
    char version[32] = "";
    if (variant[0]) return variant;
    if (sscanf(openblas_get_config(), "OpenBLAS %31s", version) != 1) version[0] = '\0'; /* "OpenBLAS 0.3.21 ..." */
    snprintf(variant, sizeof variant, "openblas %s %s, %s", version, openblas_get_corename(), HQ_REAL_NAME);
    return variant;
}
