/* Sobol's points: known ones, and that every dyadic interval has its share. */
#include "sweep/sobol.h"
#include "support/check.h"

/* The first points of three dimensions, in the order without Gray code, as published with the direction numbers. */
static void test_first_points(void)
{
    static const double want[8][3] = {{0, 0, 0},
                                      {0.5, 0.5, 0.5},
                                      {0.25, 0.75, 0.75},
                                      {0.75, 0.25, 0.25},
                                      {0.125, 0.625, 0.375},
                                      {0.625, 0.125, 0.875},
                                      {0.375, 0.375, 0.625},
                                      {0.875, 0.875, 0.125}};
    for (uint64_t i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++) CHECK_NEAR(hq_sobol(i, k) * 0x1p-32, want[i][k], 0);
}

/* Of the first 2^m points each interval of 2^-m has one, in every dimension; so a wrong direction number shows. */
static void test_stratified(void)
{
    enum { M = 10, N = 1 << M };
    for (int k = 0; k < HQ_SOBOL_DIMENSIONS; k++) {
        int there[N] = {0}, twice = 0;
        for (uint64_t i = 0; i < N; i++) twice += there[hq_sobol(i, k) >> (32 - M)]++ > 0;
        CHECK_INT(twice, 0);
    }
}

/* In pairs of dimensions every quarter of the square has nearly its share; equal dimensions would leave two empty. */
static void test_pairs(void)
{
    enum { N = 1024 };
    for (int a = 0; a < HQ_SOBOL_DIMENSIONS; a++)
        for (int b = 0; b < a; b++) {
            int quarter[4] = {0};
            for (uint64_t i = 0; i < N; i++) quarter[(hq_sobol(i, a) >> 31) * 2 + (hq_sobol(i, b) >> 31)]++;
            for (int q = 0; q < 4; q++) CHECK(quarter[q] >= N / 8 && quarter[q] <= 3 * N / 8);
        }
}

int main(void)
{
    HQ_RUN(test_first_points);
    HQ_RUN(test_stratified);
    HQ_RUN(test_pairs);
    return hq_check_result();
}
