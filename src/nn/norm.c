/* norm.c: norm, ReLU and max pooling behind a convolution as one layer.
 * Batch norm: Ioffe and Szegedy, "Batch normalization", ICML 2015. Group norm: Wu and He, "Group normalization", ECCV
 * 2018; a group is a block of neighbouring channels of one sample. Variances by sums about a pivot, the first row, in
 * double: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983. */
#include "hqcnn/config.h"
#include "hqcnn/nn.h"
#include "nn/kernels.h"

#include <math.h>
#include <string.h>

static const hq_nn_kernels *kernels_of(const hq_norm *norm)
{
    const hq_nn_kernels *kernels = hq_nn_kernels_find(norm->kernel);
    HQ_ASSERT(kernels);
    return kernels;
}

static hq_cells cells_of(const hq_norm *norm)
{
    return (hq_cells){.d = norm->d, .h = norm->h, .w = norm->w, .c = norm->c, .pool = norm->pool};
}

int hq_norm_out_d(const hq_norm *norm) { return hq_cells_d(&(hq_cells){.d = norm->d, .pool = norm->pool}); }
int hq_norm_out_h(const hq_norm *norm) { return hq_cells_h(&(hq_cells){.h = norm->h, .pool = norm->pool}); }
int hq_norm_out_w(const hq_norm *norm) { return hq_cells_w(&(hq_cells){.w = norm->w, .pool = norm->pool}); }

static int64_t pixels_in(const hq_norm *norm) { return (int64_t)norm->d * norm->h * norm->w; }
static size_t size_in(const hq_norm *norm) { return (size_t)pixels_in(norm) * (size_t)norm->c; }
static size_t size_out(const hq_norm *norm)
{
    return (size_t)hq_norm_out_d(norm) * (size_t)hq_norm_out_h(norm) * (size_t)hq_norm_out_w(norm) * (size_t)norm->c;
}

size_t hq_norm_statistics_size(const hq_norm *norm)
{
    switch (norm->kind) {
    case HQ_NORM_BATCH:
        return (size_t)norm->c;
    case HQ_NORM_GROUP:
        return (size_t)norm->n * (size_t)norm->groups;
    default:
        return 0;
    }
}

/* ---- work memory ---- */

/* Per channel: two sums, and the numbers of an affine map or of a slope. */
typedef struct hq_scratch {
    double *sum, *product;
    hq_real *mean, *factor, *slope, *level;
} hq_scratch;

enum { DOUBLE = sizeof(double) / sizeof(hq_real) };

size_t hq_norm_work(const hq_norm *norm) { return (2 * DOUBLE + 4) * (size_t)norm->c; }

static hq_scratch scratch_of(const hq_norm *norm, void *work)
{
    const size_t c = (size_t)norm->c;
    double *sum = work;
    hq_real *mean = (hq_real *)(sum + 2 * c);
    return (hq_scratch){sum, sum + c, mean, mean + c, mean + 2 * c, mean + 3 * c};
}

static void clear_sums(const hq_norm *norm, const hq_scratch *s)
{
    memset(s->sum, 0, 2 * (size_t)norm->c * sizeof *s->sum);
}

/* ---- statistics ---- */

static void batch_statistics(const hq_norm *norm, const hq_real *x, hq_real *mean, hq_real *var, const hq_scratch *s)
{
    const int64_t rows = norm->n * pixels_in(norm);
    clear_sums(norm, s);
    kernels_of(norm)->moments(rows, norm->c, x, x, s->sum, s->product);
    for (int ch = 0; ch < norm->c; ch++) {
        const double offset = s->sum[ch] / (double)rows;
        mean[ch] = (hq_real)(x[ch] + offset);
        var[ch] = (hq_real)(s->product[ch] / (double)rows - offset * offset);
    }
}

/* From the moments of each channel of a group about its pivot to those of the group. */
static void join_channels(int width, double pixels, const hq_real *pivot, const double *sum, const double *squares,
                          hq_real *mean, hq_real *var)
{
    double average = 0, total = 0;
    for (int ch = 0; ch < width; ch++) average += (pivot[ch] + sum[ch] / pixels) / width;
    for (int ch = 0; ch < width; ch++) {
        const double offset = sum[ch] / pixels, away = pivot[ch] + offset - average;
        total += squares[ch] / pixels - offset * offset + away * away;
    }
    *mean = (hq_real)average;
    *var = (hq_real)(total / width);
}

static void group_statistics(const hq_norm *norm, const hq_real *x, hq_real *mean, hq_real *var, const hq_scratch *s)
{
    const int width = norm->c / norm->groups;
    const int64_t pixels = pixels_in(norm);
    for (int i = 0; i < norm->n; i++, x += size_in(norm)) {
        clear_sums(norm, s);
        kernels_of(norm)->moments(pixels, norm->c, x, x, s->sum, s->product);
        for (int ch = 0; ch < norm->c; ch += width)
            join_channels(width, (double)pixels, x + ch, s->sum + ch, s->product + ch, mean++, var++);
    }
}

void hq_norm_statistics(const hq_norm *norm, const hq_real *x, hq_real *mean, hq_real *var, void *work)
{
    const hq_scratch s = scratch_of(norm, work);
    if (norm->kind == HQ_NORM_BATCH) batch_statistics(norm, x, mean, var, &s);
    if (norm->kind == HQ_NORM_GROUP) group_statistics(norm, x, mean, var, &s);
}

/* ---- per image ---- */

/* Mean and 1 / sqrt(var + eps) of a channel of image i. */
static double inverse_of(const hq_norm *norm, int i, int ch, const hq_real *mean, const hq_real *var, hq_real *average)
{
    *average = 0;
    if (norm->kind == HQ_NORM_NONE) return 1;
    const int at = norm->kind == HQ_NORM_BATCH ? ch : i * norm->groups + ch / (norm->c / norm->groups);
    *average = mean[at];
    return 1 / sqrt((double)var[at] + norm->eps);
}

static double scale_of(const hq_norm *norm, const hq_real *scale, int ch)
{
    return norm->kind == HQ_NORM_NONE ? 1 : (double)scale[ch];
}

static void prepare_forward(const hq_norm *norm, int i, const hq_real *scale, const hq_real *mean, const hq_real *var,
                            const hq_scratch *s)
{
    for (int ch = 0; ch < norm->c; ch++)
        s->factor[ch] = (hq_real)(scale_of(norm, scale, ch) * inverse_of(norm, i, ch, mean, var, &s->mean[ch]));
}

void hq_norm_fwd(const hq_norm *norm, const hq_real *x, const hq_real *scale, const hq_real *shift, const hq_real *mean,
                 const hq_real *var, hq_real *y, uint8_t *choice, void *work)
{
    const hq_cells cells = cells_of(norm);
    const hq_scratch s = scratch_of(norm, work);
    if (norm->kind == HQ_NORM_NONE) shift = memset(s.level, 0, (size_t)norm->c * sizeof *s.level);
    const hq_affine affine = {.mean = s.mean, .factor = s.factor, .shift = shift};
    for (int i = 0; i < norm->n; i++) {
        if (i == 0 || norm->kind == HQ_NORM_GROUP) prepare_forward(norm, i, scale, mean, var, &s);
        kernels_of(norm)->norm_forward(&cells, &affine, x, y, choice);
        x += size_in(norm), y += size_out(norm);
        if (norm->pool) choice += size_out(norm);
    }
}

/* ---- backward ---- */

/* One backward pass: its arrays, and the numbers per channel, of which slope and level are known behind the sums. */
typedef struct hq_pass {
    const hq_norm *norm;
    const hq_real *x, *dy, *shift;
    const uint8_t *choice;
    hq_real *dx;
    hq_scratch s;
} hq_pass;

static hq_affine affine_of(const hq_pass *p)
{
    return (hq_affine){p->s.mean, p->s.factor, p->shift, p->s.slope, p->s.level};
}

static const uint8_t *choice_of(const hq_pass *p, int i)
{
    return p->norm->pool ? p->choice + (size_t)i * size_out(p->norm) : NULL;
}

/* The sums of image i are added to s.sum and s.product. */
static void add_sums(const hq_pass *p, int i)
{
    const hq_cells cells = cells_of(p->norm);
    const hq_affine affine = affine_of(p);
    kernels_of(p->norm)->norm_sums(&cells, &affine, p->x + (size_t)i * size_in(p->norm), choice_of(p, i),
                                   p->dy + (size_t)i * size_out(p->norm), p->s.sum, p->s.product);
}

static void image_bwd(const hq_pass *p, int i)
{
    const hq_cells cells = cells_of(p->norm);
    const hq_affine affine = affine_of(p);
    const size_t in = (size_t)i * size_in(p->norm);
    kernels_of(p->norm)->norm_backward(&cells, &affine, p->x + in, choice_of(p, i),
                                       p->dy + (size_t)i * size_out(p->norm), p->dx + in);
}

/* s.sum and s.product of all images: of dy, and of dy (x - mean). */
static void batch_sums(const hq_pass *p, const hq_real *scale, const hq_real *mean, const hq_real *var)
{
    clear_sums(p->norm, &p->s);
    prepare_forward(p->norm, 0, scale, mean, var, &p->s);
    for (int i = 0; i < p->norm->n; i++) add_sums(p, i);
}

/* With u = (x - mean) inverse and inverse = 1 / sqrt(var + eps): dx = scale inverse (dy - mean(dy) - u mean(dy u)),
 * means over rows, which need not be those of this micro-batch alone. */
static void batch_apply(const hq_pass *p, const hq_real *scale, const hq_real *mean, const hq_real *var,
                        const double *sum, const double *product, double rows)
{
    for (int ch = 0; ch < p->norm->c; ch++) {
        const double inverse = inverse_of(p->norm, 0, ch, mean, var, &p->s.mean[ch]), factor = scale[ch] * inverse;
        p->s.slope[ch] = (hq_real)(factor * inverse * inverse * product[ch] / rows);
        p->s.level[ch] = (hq_real)(factor * sum[ch] / rows);
    }
    for (int i = 0; i < p->norm->n; i++) image_bwd(p, i);
}

void hq_norm_gradients(const hq_norm *norm, const hq_real *var, const double *sum, const double *product,
                       hq_real *dscale, hq_real *dshift)
{
    for (int ch = 0; ch < norm->c; ch++) {
        dshift[ch] = (hq_real)sum[ch];
        dscale[ch] = (hq_real)(product[ch] * (1 / sqrt((double)var[ch] + norm->eps)));
    }
}

static void batch_bwd(const hq_pass *p, const hq_real *scale, const hq_real *mean, const hq_real *var, hq_real *dscale,
                      hq_real *dshift)
{
    batch_sums(p, scale, mean, var);
    hq_norm_gradients(p->norm, var, p->s.sum, p->s.product, dscale, dshift);
    batch_apply(p, scale, mean, var, p->s.sum, p->s.product, (double)(p->norm->n * pixels_in(p->norm)));
}

/* With u as above and means over the group: dx = inverse (scale dy - mean(scale dy) - u mean(scale dy u)). */
static void group_slopes(int width, double pixels, double inverse, const hq_real *scale, const double *sum,
                         const double *product, hq_real *slope, hq_real *level)
{
    double gradient = 0, along = 0;
    for (int ch = 0; ch < width; ch++) {
        gradient += scale[ch] * sum[ch];
        along += scale[ch] * product[ch];
    }
    for (int ch = 0; ch < width; ch++) {
        slope[ch] = (hq_real)(inverse * inverse * inverse * along / (pixels * width));
        level[ch] = (hq_real)(inverse * gradient / (pixels * width));
    }
}

static void group_bwd(const hq_pass *p, const hq_real *scale, const hq_real *mean, const hq_real *var, hq_real *dscale,
                      hq_real *dshift)
{
    const hq_norm *norm = p->norm;
    const int width = norm->c / norm->groups;
    for (int ch = 0; ch < norm->c; ch++) dscale[ch] = dshift[ch] = 0;
    for (int i = 0; i < norm->n; i++) {
        clear_sums(norm, &p->s);
        prepare_forward(norm, i, scale, mean, var, &p->s);
        add_sums(p, i);
        for (int ch = 0; ch < norm->c; ch++) {
            const double inverse = inverse_of(norm, i, ch, mean, var, &p->s.mean[ch]);
            dshift[ch] += (hq_real)p->s.sum[ch];
            dscale[ch] += (hq_real)(p->s.product[ch] * inverse);
            if (ch % width == 0)
                group_slopes(width, (double)pixels_in(norm), inverse, scale + ch, p->s.sum + ch, p->s.product + ch,
                             p->s.slope + ch, p->s.level + ch);
        }
        image_bwd(p, i);
    }
}

static void plain_bwd(const hq_pass *p)
{
    for (int ch = 0; ch < p->norm->c; ch++) {
        p->s.factor[ch] = 1;
        p->s.mean[ch] = p->s.slope[ch] = p->s.level[ch] = 0;
    }
    for (int i = 0; i < p->norm->n; i++) image_bwd(p, i);
}

void hq_norm_bwd(const hq_norm *norm, const hq_real *x, const uint8_t *choice, const hq_real *scale,
                 const hq_real *shift, const hq_real *mean, const hq_real *var, const hq_real *dy, hq_real *dx,
                 hq_real *dscale, hq_real *dshift, void *work)
{
    hq_pass pass = {norm, x, dy, shift, choice, dx, scratch_of(norm, work)};
    if (norm->kind == HQ_NORM_NONE) pass.shift = pass.s.level; /* zeros */
    if (norm->kind == HQ_NORM_BATCH)
        batch_bwd(&pass, scale, mean, var, dscale, dshift);
    else if (norm->kind == HQ_NORM_GROUP)
        group_bwd(&pass, scale, mean, var, dscale, dshift);
    else
        plain_bwd(&pass);
}

/* ---- statistics of more than one micro-batch ---- */

void hq_norm_moments(const hq_norm *norm, const hq_real *x, const hq_real *pivot, double *sum, double *squares)
{
    memset(sum, 0, (size_t)norm->c * sizeof *sum);
    memset(squares, 0, (size_t)norm->c * sizeof *squares);
    kernels_of(norm)->moments(norm->n * pixels_in(norm), norm->c, x, pivot, sum, squares);
}

void hq_norm_bwd_sums(const hq_norm *norm, const hq_real *x, const uint8_t *choice, const hq_real *scale,
                      const hq_real *shift, const hq_real *mean, const hq_real *var, const hq_real *dy, double *sum,
                      double *product, void *work)
{
    const hq_pass pass = {norm, x, dy, shift, choice, NULL, scratch_of(norm, work)};
    batch_sums(&pass, scale, mean, var);
    memcpy(sum, pass.s.sum, (size_t)norm->c * sizeof *sum);
    memcpy(product, pass.s.product, (size_t)norm->c * sizeof *product);
}

void hq_norm_bwd_apply(const hq_norm *norm, const hq_real *x, const uint8_t *choice, const hq_real *scale,
                       const hq_real *shift, const hq_real *mean, const hq_real *var, const hq_real *dy,
                       const double *sum, const double *product, double rows, hq_real *dx, void *work)
{
    const hq_pass pass = {norm, x, dy, shift, choice, dx, scratch_of(norm, work)};
    prepare_forward(norm, 0, scale, mean, var, &pass.s);
    batch_apply(&pass, scale, mean, var, sum, product, rows);
}
