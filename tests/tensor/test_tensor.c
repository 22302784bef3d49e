/* Matrix products against three loops; exact sums: order, range, refusal. */
#include "hqcnn/tensor.h"
#include "support/check.h"

#include <string.h>

enum { MOST = 40 };

static double random_value(hq_random *stream) { return 2 * hq_random_uniform(stream) - 1; }

static void check_gemm(bool ta, bool tb, int m, int n, int k, double beta, hq_random *stream)
{
    static hq_real a[MOST * MOST], b[MOST * MOST], c[MOST * MOST];
    static double want[MOST * MOST];
    for (int i = 0; i < m * k; i++) a[i] = (hq_real)random_value(stream);
    for (int i = 0; i < k * n; i++) b[i] = (hq_real)random_value(stream);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            c[i * n + j] = (hq_real)random_value(stream);
            want[i * n + j] = beta * (double)c[i * n + j];
            for (int l = 0; l < k; l++)
                want[i * n + j] += (double)a[ta ? l * m + i : i * k + l] * (double)b[tb ? j * k + l : l * n + j];
        }
    hq_gemm(ta, tb, m, n, k, a, b, (hq_real)beta, c);
    for (int i = 0; i < m * n; i++) CHECK_NEAR(c[i], want[i], sizeof(hq_real) == 4 ? 2e-5 : 1e-13);
}

static void test_gemm(void)
{
    hq_random stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, 0);
    static const int size[][3] = {{1, 1, 1}, {3, 5, 7}, {16, 4, 40}, {40, 33, 17}, {1, 40, 9}, {37, 1, 40}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int flags = 0; flags < 8; flags++)
            check_gemm(flags & 1, flags & 2, size[i][0], size[i][1], size[i][2], flags & 4 ? 1 : 0, &stream);
}

static void test_kernels(void)
{
    CHECK(strstr(hq_kernel_variant(), HQ_REAL_NAME) != NULL);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        CHECK_MSG(!strstr(hq_kernel_variant(), "Prescott"), "slow kernels on a fast processor: %s",
                  hq_kernel_variant());
#endif
}

/* The sum of many numbers of very different size has the same bits in any order; in floating point it has not. */
static void test_fixed_order(void)
{
    enum { N = 1000 };
    static hq_real x[N];
    hq_random stream = hq_random_make(2, HQ_PURPOSE_TEST, 0, 0);
    for (int i = 0; i < N; i++) x[i] = (hq_real)(hq_random_normal(&stream) * pow(10, (i % 7) - 6));
    int64_t forward = 0, backward = 0;
    double plain[2] = {0, 0};
    for (int i = 0; i < N; i++) {
        CHECK_INT(hq_fixed_add(&forward, &x[i], 1, 1, HQ_FIXED_GRADIENT, N), 0);
        CHECK_INT(hq_fixed_add(&backward, &x[N - 1 - i], 1, 1, HQ_FIXED_GRADIENT, N), 0);
        plain[0] += (double)x[i];
        plain[1] = (double)((hq_real)plain[1] + x[N - 1 - i]);
    }
    CHECK(forward == backward);
    CHECK_NEAR(hq_fixed_get_one(forward, HQ_FIXED_GRADIENT), plain[0], 1e-11);
    CHECK(plain[1] != plain[0]);
}

static void test_fixed_accuracy(void)
{
    const hq_real x[4] = {(hq_real)1e-7, (hq_real)-0.3, 0, (hq_real)123.456};
    int64_t sum[4] = {0};
    hq_real back[4];
    CHECK_INT(hq_fixed_add(sum, x, 4, 1, HQ_FIXED_GRADIENT, 8), 0);
    hq_fixed_get(sum, back, 4, HQ_FIXED_GRADIENT);
    for (int i = 0; i < 4; i++) CHECK(fabs((double)back[i] - (double)x[i]) <= 0x1p-49);
    CHECK_INT(hq_fixed_add(sum, x, 4, -1, HQ_FIXED_GRADIENT, 8), 0);
    for (int i = 0; i < 4; i++) CHECK_INT(sum[i], 0);
}

/* Many at a time as one at a time. */
static void test_fixed_many(void)
{
    enum { MANY = 45 };
    hq_real x[MANY];
    int64_t together[MANY], alone[MANY], refused = 0;
    for (int i = 0; i < MANY; i++) {
        x[i] = (hq_real)(sin(i) * pow(10, i % 12 - 9));
        together[i] = alone[i] = 1000 - 77 * i;
    }
    x[3] = (hq_real)NAN, x[10] = (hq_real)INFINITY, x[22] = (hq_real)-1e30, x[44] = (hq_real)-INFINITY;
    for (int i = 0; i < MANY; i++) refused += hq_fixed_add(&alone[i], &x[i], 1, 0.7, HQ_FIXED_GRADIENT, 9);
    CHECK_INT(refused, 4);
    CHECK_INT(hq_fixed_add(together, x, MANY, 0.7, HQ_FIXED_GRADIENT, 9), refused);
    for (int i = 0; i < MANY; i++) CHECK_INT(together[i], alone[i]);
}

static void test_fixed_refuses(void)
{
    const hq_real limit = (hq_real)16384;
    const hq_real bad[5] = {(hq_real)NAN, (hq_real)INFINITY, (hq_real)-INFINITY, limit, -limit};
    int64_t sum[5] = {0};
    CHECK_INT(hq_fixed_add(sum, bad, 5, 1, HQ_FIXED_GRADIENT, 1), 5);
    for (int i = 0; i < 5; i++) CHECK_INT(sum[i], 0);
    CHECK_INT(hq_fixed_add_one(sum, NAN, HQ_FIXED_STATISTIC, 1), 1);
    /* `terms` of the largest accepted numbers do not wrap */
    enum { TERMS = 1000 };
    const hq_real most = (hq_real)(16384.0 / TERMS * 0.999);
    sum[0] = 0;
    for (int i = 0; i < TERMS; i++) CHECK_INT(hq_fixed_add(sum, &most, 1, 1, HQ_FIXED_GRADIENT, TERMS), 0);
    CHECK(sum[0] > 0);
    CHECK_NEAR(hq_fixed_get_one(sum[0], HQ_FIXED_GRADIENT), TERMS * (double)most, 1e-9);
}

int main(void)
{
    HQ_RUN(test_gemm);
    HQ_RUN(test_kernels);
    HQ_RUN(test_fixed_order);
    HQ_RUN(test_fixed_accuracy);
    HQ_RUN(test_fixed_many);
    HQ_RUN(test_fixed_refuses);
    return hq_check_result();
}
