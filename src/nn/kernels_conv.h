/* kernels_conv.h: direct convolution kernels. Included once by each kernels_<variant>.c.
 *
 * A tile of outputs, HQ_ROWS of them times two registers of channels, stays in registers: for every number that a
 * kernel row sees there is one vector of weights and one broadcast for each pixel.
 */
#include "nn/kernels_vector.h"

/* Where row `row` of all rows of a kernel begins, in numbers from its first. */
INLINE size_t kernel_row(const hq_correlation *shape, int row)
{
    return (size_t)(row / shape->r) * shape->plane + (size_t)(row % shape->r) * shape->row;
}

/* ---- outputs ---- */

/* A kernel row is summed by itself, which keeps the chains of roundings short: `pixels` neighbours in a row of outputs,
 * `vectors` vectors of their channels, of which `channels` exist. */
INLINE void correlate_tile(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias,
                           hq_real *y, int channels, const int pixels, const int vectors)
{
    vec total[HQ_ROWS][2], sum[HQ_ROWS][2];
    const size_t c = (size_t)shape->c;
    vec start[2] = {{0}, {0}};
    for (int v = 0; bias && v < vectors; v++) start[v] = load_part(bias + v * HQ_LANES, channels - v * HQ_LANES);
#pragma GCC unroll 16
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < vectors; v++) total[p][v] = start[v];
    for (int row = 0; row < shape->t * shape->r; row++) {
        const hq_real *in = x + kernel_row(shape, row);
#pragma GCC unroll 16
        for (int p = 0; p < pixels; p++)
            for (int v = 0; v < vectors; v++) sum[p][v] = splat(0);
        for (int j = 0; j < shape->patch; j++, w += vectors * HQ_LANES) {
            const vec w0 = load(w), w1 = vectors > 1 ? load(w + HQ_LANES) : w0;
#pragma GCC unroll 16
            for (int p = 0; p < pixels; p++) {
                const vec number = splat(in[(size_t)p * c + (size_t)j]);
                sum[p][0] += number * w0;
                if (vectors > 1) sum[p][1] += number * w1;
            }
        }
#pragma GCC unroll 16
        for (int p = 0; p < pixels; p++)
            for (int v = 0; v < vectors; v++) total[p][v] += sum[p][v];
    }
#pragma GCC unroll 16
    for (int p = 0; p < pixels; p++)
        for (int v = 0; v < vectors; v++) store(y + p * shape->k + v * HQ_LANES, total[p][v], channels - v * HQ_LANES);
}

/* The same with one vector of channels and three taps in a row: a number of x is broadcast once for all of them. */
INLINE void correlate_three(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias,
                            hq_real *y, int channels, const int pixels)
{
    vec total[HQ_ROWS], sum[HQ_ROWS];
    const int c = shape->c;
    const vec start = bias ? load_part(bias, channels) : (vec){0};
#pragma GCC unroll 16
    for (int p = 0; p < pixels; p++) total[p] = start;
    for (int row = 0; row < shape->t * shape->r; row++, w += 3 * c * HQ_LANES) {
        const hq_real *in = x + kernel_row(shape, row);
#pragma GCC unroll 16
        for (int p = 0; p < pixels; p++) sum[p] = splat(0);
        for (int ch = 0; ch < c; ch++) {
            const vec left = load(w + ch * HQ_LANES), middle = load(w + (c + ch) * HQ_LANES),
                      right = load(w + (2 * c + ch) * HQ_LANES);
#pragma GCC unroll 16
            for (int q = 0; q < pixels + 2; q++) {
                const vec number = splat(in[q * c + ch]);
                if (q < pixels) sum[q] += number * left;
                if (q >= 1 && q <= pixels) sum[q - 1] += number * middle;
                if (q >= 2) sum[q - 2] += number * right;
            }
        }
#pragma GCC unroll 16
        for (int p = 0; p < pixels; p++) total[p] += sum[p];
    }
#pragma GCC unroll 16
    for (int p = 0; p < pixels; p++) store(y + p * shape->k, total[p], channels);
}

/* Calls a macro with a number from 1 to HQ_ROWS as a constant. */
#if HQ_ROWS > 6
#define MORE_ROWS(CALL)                                                                                                \
    case 7:                                                                                                            \
        CALL(7);                                                                                                       \
        break;                                                                                                         \
    case 8:                                                                                                            \
        CALL(8);                                                                                                       \
        break;                                                                                                         \
    case 9:                                                                                                            \
        CALL(9);                                                                                                       \
        break;                                                                                                         \
    case 10:                                                                                                           \
        CALL(10);                                                                                                      \
        break;                                                                                                         \
    case 11:                                                                                                           \
        CALL(11);                                                                                                      \
        break;                                                                                                         \
    case 12:                                                                                                           \
        CALL(12);                                                                                                      \
        break;
#else
#define MORE_ROWS(CALL)
#endif
#define WITH_ROWS(number, CALL)                                                                                        \
    switch (number) {                                                                                                  \
    case 1:                                                                                                            \
        CALL(1);                                                                                                       \
        break;                                                                                                         \
    case 2:                                                                                                            \
        CALL(2);                                                                                                       \
        break;                                                                                                         \
    case 3:                                                                                                            \
        CALL(3);                                                                                                       \
        break;                                                                                                         \
    case 4:                                                                                                            \
        CALL(4);                                                                                                       \
        break;                                                                                                         \
    case 5:                                                                                                            \
        CALL(5);                                                                                                       \
        break;                                                                                                         \
    case 6:                                                                                                            \
        CALL(6);                                                                                                       \
        break;                                                                                                         \
        MORE_ROWS(CALL)                                                                                                \
    }

/* Part i of `size`, cut into parts of at most HQ_ROWS that differ by one at most. */
INLINE int parts_of(int size) { return (size + HQ_ROWS - 1) / HQ_ROWS; }
INLINE int part_start(int size, int i) { return (int)((int64_t)i * size / parts_of(size)); }

static void correlate_row(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias,
                          hq_real *y, int channels)
{
    const int parts = parts_of(shape->ow);
    for (int i = 0; i < parts; i++) {
        const int first = part_start(shape->ow, i), pixels = part_start(shape->ow, i + 1) - first;
        const hq_real *from = x + (size_t)first * (size_t)shape->c;
        hq_real *to = y + (size_t)first * (size_t)shape->k;
#define ONE(p) correlate_tile(shape, from, w, bias, to, channels, p, 1)
#define TWO(p) correlate_tile(shape, from, w, bias, to, channels, p, 2)
#define THREE(p) correlate_three(shape, from, w, bias, to, channels, p)
        if (channels > HQ_LANES)
            WITH_ROWS(pixels, TWO)
        else if (shape->patch == 3 * shape->c)
            WITH_ROWS(pixels, THREE)
        else
            WITH_ROWS(pixels, ONE)
#undef THREE
#undef ONE
#undef TWO
    }
}

static void correlate_image(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias,
                            hq_real *y)
{
    const size_t out_row = (size_t)shape->ow * (size_t)shape->k;
    for (int first = 0; first < shape->k; first += 2 * HQ_LANES) {
        const int left = shape->k - first, channels = left < 2 * HQ_LANES ? left : 2 * HQ_LANES;
        for (int i = 0; i < shape->od * shape->oh; i++) {
            const size_t at = (size_t)(i / shape->oh) * shape->plane + (size_t)(i % shape->oh) * shape->row;
            correlate_row(shape, x + at, w, bias ? bias + first : NULL, y + (size_t)i * out_row + first, channels);
        }
        w += (size_t)(shape->t * shape->r * shape->patch) * (size_t)(channels > HQ_LANES ? 2 : 1) * HQ_LANES;
    }
}

static void correlate(const hq_correlation *shape, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y)
{
    const size_t out = (size_t)shape->od * (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->k;
    for (int i = 0; i < shape->n; i++) correlate_image(shape, x + (size_t)i * shape->image, w, bias, y + i * out);
}

/* ---- gradients of weights ---- */

/* `inputs` neighbours in a kernel row times `vectors` vectors of channels, summed over all output pixels of some
 * images and added to dw. */
INLINE void weights_tile(const hq_correlation *shape, int images, const hq_real *x, const hq_real *dy, int dy_stride,
                         hq_real *dw, int channels, const int inputs, const int vectors)
{
    vec sum[HQ_ROWS][2];
    const size_t c = (size_t)shape->c;
#pragma GCC unroll 16
    for (int j = 0; j < inputs; j++)
        for (int v = 0; v < vectors; v++) sum[j][v] = splat(0);
    for (int i = 0; i < images; i++) {
        for (int line = 0; line < shape->od * shape->oh; line++) {
            const hq_real *in = x + (size_t)i * shape->image + (size_t)(line / shape->oh) * shape->plane +
                                (size_t)(line % shape->oh) * shape->row;
            for (int ox = 0; ox < shape->ow; ox++, in += c, dy += dy_stride) {
                const vec g0 = load(dy), g1 = vectors > 1 ? load(dy + HQ_LANES) : g0;
#pragma GCC unroll 16
                for (int j = 0; j < inputs; j++) {
                    const vec broadcast = splat(in[j]);
                    sum[j][0] += broadcast * g0;
                    if (vectors > 1) sum[j][1] += broadcast * g1;
                }
            }
        }
    }
#pragma GCC unroll 16
    for (int j = 0; j < inputs; j++)
        for (int v = 0; v < vectors; v++) {
            const int count = channels - v * HQ_LANES;
            hq_real *to = dw + j * shape->k + v * HQ_LANES;
            store(to, load_part(to, count) + sum[j][v], count);
        }
}

/* Images whose inputs and gradients stay in a cache of half a megabyte, by the shape alone. */
static int image_group(const hq_correlation *shape)
{
    const size_t numbers = shape->image + (size_t)(shape->od * shape->oh * shape->ow * shape->k);
    const size_t group = ((size_t)1 << 19) / (numbers * sizeof(hq_real));
    return group < 1 ? 1 : group > 64 ? 64 : (int)group;
}

static void add_weights(const hq_correlation *shape, int images, const hq_real *x, const hq_real *dy, int dy_stride,
                        hq_real *dw)
{
    const int parts = parts_of(shape->patch);
    for (int first = 0; first < shape->k; first += 2 * HQ_LANES) {
        const int left = shape->k - first, channels = left < 2 * HQ_LANES ? left : 2 * HQ_LANES;
        for (int row = 0; row < shape->t * shape->r; row++)
            for (int i = 0; i < parts; i++) {
                const int j = part_start(shape->patch, i), inputs = part_start(shape->patch, i + 1) - j;
                const hq_real *in = x + kernel_row(shape, row) + j;
                hq_real *to = dw + (size_t)(row * shape->patch + j) * (size_t)shape->k + first;
#define ONE(p) weights_tile(shape, images, in, dy + first, dy_stride, to, channels, p, 1)
#define TWO(p) weights_tile(shape, images, in, dy + first, dy_stride, to, channels, p, 2)
                if (channels > HQ_LANES)
                    WITH_ROWS(inputs, TWO)
                else
                    WITH_ROWS(inputs, ONE)
#undef ONE
#undef TWO
            }
    }
}

static void weights(const hq_correlation *shape, const hq_real *x, const hq_real *dy, int dy_stride, hq_real *dw)
{
    const int group = image_group(shape);
    const size_t out = (size_t)shape->od * (size_t)shape->oh * (size_t)shape->ow * (size_t)dy_stride;
    for (int first = 0; first < shape->n; first += group) {
        const int images = shape->n - first < group ? shape->n - first : group;
        add_weights(shape, images, x + (size_t)first * shape->image, dy + (size_t)first * out, dy_stride, dw);
    }
}
