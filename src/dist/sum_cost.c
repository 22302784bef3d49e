/* sum_cost.c: what a sum between ranks costs: a time for each message, each byte sent, each byte added. */
#include "dist/sum_private.h"

#include <math.h>
#include <string.h>

enum { SIZES = 6, TRIALS = 9 };
static const size_t size[SIZES] = {1, 512, 4096, 32768, 131072, 524288}; /* numbers */

/* numbers[n], total[n]: of each rank, and of all. */
static hq_status time_sum(const hq_dist *dist, int64_t *numbers, int64_t *total, size_t n, double *seconds)
{
    double trial[TRIALS];
    hq_balance balance;
    HQ_TRY(hq_sum_at_once(dist, dist->all, numbers, total, n)); /* opens connections */
    for (int t = 0; t < TRIALS; t++) {
        HQ_TRY(hq_dist_barrier(dist));
        const double start = hq_clock();
        HQ_TRY(hq_sum_at_once(dist, dist->all, numbers, total, n));
        trial[t] = hq_clock() - start;
    }
    HQ_TRY(hq_dist_balance(dist, hq_median(trial, TRIALS), &balance));
    *seconds = balance.most;
    return HQ_OK;
}

hq_status hq_dist_sum_time(const hq_dist *dist, size_t n, double *seconds)
{
    int64_t *numbers;
    *seconds = 0;
    HQ_TRY(hq_dist_alloc(dist, 2 * n, sizeof *numbers, "timing", &numbers));
    const hq_status status = dist->size > 1 ? time_sum(dist, numbers, numbers + n, n, seconds) : HQ_OK;
    hq_free(numbers);
    return status;
}

/* Seconds to add a byte of one block to another. */
static double adding(int64_t *numbers, size_t n)
{
    double least = INFINITY;
    for (int t = 0; t < TRIALS; t++) {
        const double start = hq_clock();
        for (size_t i = 0; i < n / 2; i++) numbers[i] += numbers[n / 2 + i];
        least = fmin(least, hq_clock() - start);
    }
    return least / (double)(n / 2 * sizeof *numbers);
}

double hq_dist_sum_predict(const hq_sum_cost *cost, int ranks, double bytes)
{
    const double p = ranks, share = (p - 1) / p;
    return ranks < 2 ? 0 : ceil(log2(p)) * cost->alpha + 2 * share * bytes * cost->beta + share * bytes * cost->gamma;
}

/* Least squares of relative errors: each size counts alike. What comes out below zero is zero, and the other is fitted
 * alone. */
static void fit(const hq_dist *dist, const double *seconds, hq_sum_cost *cost)
{
    double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
    const double p = dist->size, share = (p - 1) / p;
    for (int i = 0; i < SIZES; i++) {
        const double bytes = (double)(size[i] * sizeof(int64_t)), y = seconds[i] - share * bytes * cost->gamma;
        const double a = ceil(log2(p)) / seconds[i], b = 2 * share * bytes / seconds[i], r = y / seconds[i];
        aa += a * a, ab += a * b, bb += b * b, ay += a * r, by += b * r;
    }
    const double determinant = aa * bb - ab * ab;
    cost->alpha = (ay * bb - by * ab) / determinant;
    cost->beta = (by * aa - ay * ab) / determinant;
    if (cost->alpha < 0) cost->alpha = 0, cost->beta = fmax(0, by / bb);
    if (cost->beta < 0) cost->beta = 0, cost->alpha = fmax(0, ay / aa);
    for (int i = 0; i < SIZES; i++) {
        const double model = hq_dist_sum_predict(cost, dist->size, (double)(size[i] * sizeof(int64_t)));
        cost->worst = fmax(cost->worst, fabs(model / seconds[i] - 1));
    }
}

hq_status hq_dist_sum_cost(const hq_dist *dist, hq_sum_cost *cost)
{
    double seconds[SIZES];
    int64_t *numbers;
    *cost = (hq_sum_cost){0};
    HQ_TRY(hq_dist_alloc(dist, 2 * size[SIZES - 1], sizeof *numbers, "timing", &numbers));
    hq_status status = HQ_OK;
    for (int i = 0; i < SIZES && status == HQ_OK && dist->size > 1; i++)
        status = time_sum(dist, numbers, numbers + size[SIZES - 1], size[i], &seconds[i]);
    cost->gamma = adding(numbers, size[SIZES - 1]);
    if (status == HQ_OK && dist->size > 1) fit(dist, seconds, cost);
    hq_free(numbers);
    return status == HQ_OK ? hq_dist_bcast(dist, cost, sizeof *cost) : status;
}
