/* Group norm: Wu and He, "Group normalization", ECCV 2018. A group is a block of neighbouring channels of one sample,
 * `pixels` rows of `width` numbers with c numbers from row to row. */
#include "hqcnn/nn.h"
#include "nn/rows.h"

#include <math.h>

static void group_statistics(int64_t pixels, int width, int c, const hq_real *x, hq_real *mean, hq_real *var)
{
    double count = (double)pixels * width, total = 0, squares = 0, average[HQ_ROWS_BLOCK];
    for (int first = 0; first < width; first += HQ_ROWS_BLOCK) {
        int block = hq_rows_width(first, width);
        double sum[HQ_ROWS_BLOCK] = {0};
        hq_rows_sum(pixels, block, c, x + first, sum);
        for (int ch = 0; ch < block; ch++) total += sum[ch];
    }
    for (int ch = 0; ch < HQ_ROWS_BLOCK; ch++) average[ch] = total / count;
    for (int first = 0; first < width; first += HQ_ROWS_BLOCK) {
        int block = hq_rows_width(first, width);
        double sum[HQ_ROWS_BLOCK] = {0};
        hq_rows_sum_squares(pixels, block, c, x + first, average, sum);
        for (int ch = 0; ch < block; ch++) squares += sum[ch];
    }
    *mean = (hq_real)(total / count);
    *var = (hq_real)(squares / count);
}

/* value repeated for a block of channels. */
static void spread(hq_real value, hq_real block[HQ_ROWS_BLOCK])
{
    for (int ch = 0; ch < HQ_ROWS_BLOCK; ch++) block[ch] = value;
}

static void group_normalize(int64_t pixels, int width, int c, double eps, const hq_real *x, const hq_real *scale,
                            const hq_real *shift, hq_real mean, hq_real var, hq_real *y)
{
    double root = sqrt(var + eps);
    hq_real means[HQ_ROWS_BLOCK], factor[HQ_ROWS_BLOCK];
    spread(mean, means);
    for (int first = 0; first < width; first += HQ_ROWS_BLOCK) {
        int block = hq_rows_width(first, width);
        for (int ch = 0; ch < block; ch++) factor[ch] = (hq_real)(scale[first + ch] / root);
        hq_rows_normalize(pixels, block, c, x + first, means, factor, shift + first, y + first);
    }
}

void hq_groupnorm_fwd(int n, int64_t pixels, int c, int groups, double eps, const hq_real *x, const hq_real *scale,
                      const hq_real *shift, hq_real *y, hq_real *mean, hq_real *var)
{
    int width = c / groups;
    for (int i = 0; i < n; i++)
        for (int group = 0; group < groups; group++) {
            int64_t at = i * pixels * c + (int64_t)group * width;
            int64_t cell = (int64_t)i * groups + group;
            group_statistics(pixels, width, c, x + at, mean + cell, var + cell);
            group_normalize(pixels, width, c, eps, x + at, scale + group * width, shift + group * width, mean[cell],
                            var[cell], y + at);
        }
}

/* Adds one sample to dscale and dshift of a group; returns through *sum_g and *sum_gx the sums over the group of
 * scale dy and scale dy (x - mean). */
static void group_sums(int64_t pixels, int width, int c, const hq_real *x, const hq_real *dy, const hq_real *scale,
                       hq_real mean, double inverse, hq_real *dscale, hq_real *dshift, double *sum_g, double *sum_gx)
{
    hq_real means[HQ_ROWS_BLOCK];
    spread(mean, means);
    *sum_g = *sum_gx = 0;
    for (int first = 0; first < width; first += HQ_ROWS_BLOCK) {
        int block = hq_rows_width(first, width);
        double sum_dy[HQ_ROWS_BLOCK] = {0}, sum_dyx[HQ_ROWS_BLOCK] = {0};
        hq_rows_sum_gradient(pixels, block, c, x + first, dy + first, means, sum_dy, sum_dyx);
        for (int ch = 0; ch < block; ch++) {
            dshift[first + ch] += (hq_real)sum_dy[ch];
            dscale[first + ch] += (hq_real)(sum_dyx[ch] * inverse);
            *sum_g += scale[first + ch] * sum_dy[ch];
            *sum_gx += scale[first + ch] * sum_dyx[ch];
        }
    }
}

/* With u = (x - mean) inverse and means over the group: dx = inverse (scale dy - mean(scale dy) - u mean(scale dy u)).
 */
static void group_input_gradient(int64_t pixels, int width, int c, const hq_real *x, const hq_real *dy,
                                 const hq_real *scale, hq_real mean, double inverse, double sum_g, double sum_gx,
                                 hq_real *dx)
{
    double count = (double)pixels * width;
    hq_real means[HQ_ROWS_BLOCK], factor[HQ_ROWS_BLOCK], slope[HQ_ROWS_BLOCK], level[HQ_ROWS_BLOCK];
    spread(mean, means);
    spread((hq_real)(inverse * inverse * inverse * sum_gx / count), slope);
    spread((hq_real)(inverse * sum_g / count), level);
    for (int first = 0; first < width; first += HQ_ROWS_BLOCK) {
        int block = hq_rows_width(first, width);
        for (int ch = 0; ch < block; ch++) factor[ch] = (hq_real)(scale[first + ch] * inverse);
        hq_rows_normalize_bwd(pixels, block, c, x + first, dy + first, means, factor, slope, level, dx + first);
    }
}

void hq_groupnorm_bwd(int n, int64_t pixels, int c, int groups, double eps, const hq_real *x, const hq_real *scale,
                      const hq_real *mean, const hq_real *var, const hq_real *dy, hq_real *dx, hq_real *dscale,
                      hq_real *dshift)
{
    int width = c / groups;
    for (int ch = 0; ch < c; ch++) dscale[ch] = dshift[ch] = 0;
    for (int i = 0; i < n; i++)
        for (int group = 0; group < groups; group++) {
            int64_t at = i * pixels * c + (int64_t)group * width;
            int64_t cell = (int64_t)i * groups + group;
            int ch = group * width;
            double inverse = 1 / sqrt(var[cell] + eps), sum_g, sum_gx;
            group_sums(pixels, width, c, x + at, dy + at, scale + ch, mean[cell], inverse, dscale + ch, dshift + ch,
                       &sum_g, &sum_gx);
            if (dx)
                group_input_gradient(pixels, width, c, x + at, dy + at, scale + ch, mean[cell], inverse, sum_g, sum_gx,
                                     dx + at);
        }
}
