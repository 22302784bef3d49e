/* kernels_norm.h: norm, ReLU and max pooling of one image in as few passes as there can be. Included once by each
 * kernels_<variant>.c.
 *
 * Everything runs a vector of channels at a time over all pixels, so that what belongs to the channels stays in
 * registers; sums over pixels are kept in double, in an order that depends on the shape alone.
 */
#include "nn/kernels_vector.h"

/* Offsets, in numbers, of the pixels that one cell of the output is the maximum of. */
typedef struct window {
    int taps;
    size_t offset[8];
} window;

INLINE window window_of(const hq_cells *shape)
{
    window w = {.taps = 1};
    if (!shape->pool) return w;
    const size_t c = (size_t)shape->c, row = c * (size_t)shape->w, plane = row * (size_t)shape->h;
    w.taps = shape->d > 1 ? 8 : 4;
    for (size_t i = 0; i < 8; i++) w.offset[i] = (i & 1) * c + (i >> 1 & 1) * row + (i >> 2) * plane;
    return w;
}

/* For every cell: `in` is its first pixel, `at` its place in the output, in numbers. */
#define FOR_CELLS(shape, in, at)                                                                                       \
    const size_t step_ = (shape)->pool ? 2 : 1, c_ = (size_t)(shape)->c, row_ = c_ * (size_t)(shape)->w,               \
                 plane_ = row_ * (size_t)(shape)->h;                                                                   \
    size_t at = 0;                                                                                                     \
    for (size_t z_ = 0; z_ < (size_t)hq_cells_d(shape); z_++)                                                          \
        for (size_t y_ = 0; y_ < (size_t)hq_cells_h(shape); y_++)                                                      \
            for (size_t x_ = 0, in = z_ * step_ * plane_ + y_ * step_ * row_; x_ < (size_t)hq_cells_w(shape);          \
                 x_++, in += step_ * c_, at += c_)

/* ---- sums over pixels ---- */

INLINE void add_wide(double *to, const wide sum[HQ_HALVES], int count)
{
    double all[HQ_HALVES * HQ_BYTES / sizeof(double)];
    memcpy(all, sum, sizeof all);
    for (int ch = 0; ch < count; ch++) to[ch] += all[ch];
}

/* Four rows at a time: chains of additions that do not wait for each other. */
INLINE void moments_block(int64_t rows, size_t c, const hq_real *x, const hq_real *pivot, double *sum, double *squares,
                          int count)
{
    wide total[4][HQ_HALVES] = {{{0}}}, square[4][HQ_HALVES] = {{{0}}};
    const vec about = load_part(pivot, count);
    for (int64_t row = 0; row < rows; row += 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            if (row + i >= rows) break;
            const vec v = load_part(x + (size_t)(row + i) * c, count);
            for (int half = 0; half < HQ_HALVES; half++) {
                const wide difference = widen(v, half) - widen(about, half);
                total[i][half] += difference;
                square[i][half] += difference * difference;
            }
        }
    for (int i = 0; i < 4; i++) {
        add_wide(sum, total[i], count);
        add_wide(squares, square[i], count);
    }
}

static void moments(int64_t rows, int c, const hq_real *x, const hq_real *pivot, double *sum, double *squares)
{
    int ch = 0;
    for (; ch + HQ_LANES <= c; ch += HQ_LANES)
        moments_block(rows, (size_t)c, x + ch, pivot + ch, sum + ch, squares + ch, HQ_LANES);
    if (ch < c) moments_block(rows, (size_t)c, x + ch, pivot + ch, sum + ch, squares + ch, c - ch);
}

/* ---- forward ---- */

/* The first maximum wins, and a NaN over every number. */
INLINE void forward_block(const hq_cells *shape, const hq_real *x, const hq_real *mean, const hq_real *factor,
                          const hq_real *shift, hq_real *y, uint8_t *choice, int count, const int taps)
{
    const window cell = window_of(shape);
    const vec m = load_part(mean, count), f = load_part(factor, count), s = load_part(shift, count);
    FOR_CELLS(shape, in, at)
    {
        vec best = (load_part(x + in, count) - m) * f + s;
        mask place = {0};
#pragma GCC unroll 8
        for (int i = 1; i < taps; i++) {
            const vec v = (load_part(x + in + cell.offset[i], count) - m) * f + s;
            const mask better = (mask)(v > best) | (mask)(v != v);
            best = choose(better, v, best);
            place = (better & i) | (~better & place);
        }
        store(y + at, keep(~(mask)(best <= 0), best), count);
        if (taps > 1) {
            const bytes places = __builtin_convertvector(place, bytes);
            memcpy(choice + at, &places, (size_t)count);
        }
    }
}

#define BY_TAPS(shape, CALL)                                                                                           \
    do {                                                                                                               \
        if (!(shape)->pool)                                                                                            \
            CALL(1);                                                                                                   \
        else if ((shape)->d == 1)                                                                                      \
            CALL(4);                                                                                                   \
        else                                                                                                           \
            CALL(8);                                                                                                   \
    } while (0)

static void norm_forward(const hq_cells *shape, const hq_real *x, const hq_real *mean, const hq_real *factor,
                         const hq_real *shift, hq_real *y, uint8_t *choice)
{
    int ch = 0;
#define CALL(taps) forward_block(shape, x + ch, mean + ch, factor + ch, shift + ch, y + ch, choice + ch, count, taps)
    for (const int count = HQ_LANES; ch + HQ_LANES <= shape->c; ch += HQ_LANES) BY_TAPS(shape, CALL);
    const int count = shape->c - ch;
    if (count > 0) BY_TAPS(shape, CALL);
#undef CALL
}

/* ---- backward ---- */

INLINE mask chosen_at(const uint8_t *choice, int count)
{
    bytes places = {0};
    memcpy(&places, choice, (size_t)count);
    return __builtin_convertvector(places, mask);
}

INLINE void sums_block(const hq_cells *shape, const hq_real *x, const hq_real *y, const uint8_t *choice,
                       const hq_real *dy, const hq_real *mean, double *sum_dy, double *sum_dyx, int count,
                       const int taps)
{
    const window cell = window_of(shape);
    const vec m = load_part(mean, count);
    wide total[HQ_HALVES] = {{0}}, product[HQ_HALVES] = {{0}};
    FOR_CELLS(shape, in, at)
    {
        const vec g = keep(~(mask)(load_part(y + at, count) <= 0), load_part(dy + at, count));
        vec v = load_part(x + in, count);
        if (taps > 1) {
            const mask place = chosen_at(choice + at, count);
#pragma GCC unroll 8
            for (int i = 1; i < taps; i++) v = choose((mask)(place == i), load_part(x + in + cell.offset[i], count), v);
        }
        for (int half = 0; half < HQ_HALVES; half++) {
            const wide gradient = widen(g, half);
            total[half] += gradient;
            product[half] += gradient * (widen(v, half) - widen(m, half));
        }
    }
    add_wide(sum_dy, total, count);
    add_wide(sum_dyx, product, count);
}

static void norm_sums(const hq_cells *shape, const hq_real *x, const hq_real *y, const uint8_t *choice,
                      const hq_real *dy, const hq_real *mean, double *sum_dy, double *sum_dyx)
{
    int ch = 0;
#define CALL(taps)                                                                                                     \
    sums_block(shape, x + ch, y + ch, choice + ch, dy + ch, mean + ch, sum_dy + ch, sum_dyx + ch, count, taps)
    for (const int count = HQ_LANES; ch + HQ_LANES <= shape->c; ch += HQ_LANES) BY_TAPS(shape, CALL);
    const int count = shape->c - ch;
    if (count > 0) BY_TAPS(shape, CALL);
#undef CALL
}

INLINE void backward_block(const hq_cells *shape, const hq_real *x, const hq_real *y, const uint8_t *choice,
                           const hq_real *dy, const hq_slopes *slopes, size_t first, hq_real *dx, int count,
                           const int taps)
{
    const window cell = window_of(shape);
    const vec m = load_part(slopes->mean + first, count), f = load_part(slopes->factor + first, count),
              s = load_part(slopes->slope + first, count), l = load_part(slopes->level + first, count);
    FOR_CELLS(shape, in, at)
    {
        const vec g = keep(~(mask)(load_part(y + at, count) <= 0), load_part(dy + at, count)) * f;
        mask place = {0};
        if (taps > 1) place = chosen_at(choice + at, count);
#pragma GCC unroll 8
        for (int i = 0; i < taps; i++) {
            const vec v = load_part(x + in + cell.offset[i], count);
            store(dx + in + cell.offset[i], keep((mask)(place == i), g) - ((v - m) * s + l), count);
        }
    }
}

/* Pixels that belong to no cell: a last odd row, column or plane. */
static void backward_rest(const hq_cells *shape, const hq_real *x, const hq_slopes *slopes, hq_real *dx)
{
    const int covered_d = shape->d > 1 ? shape->d / 2 * 2 : 1, covered_h = shape->h / 2 * 2,
              covered_w = shape->w / 2 * 2;
    size_t at = 0;
    for (int z = 0; z < shape->d; z++)
        for (int r = 0; r < shape->h; r++)
            for (int s = 0; s < shape->w; s++, at += (size_t)shape->c) {
                if (z < covered_d && r < covered_h && s < covered_w) continue;
                for (int ch = 0; ch < shape->c; ch++)
                    dx[at + (size_t)ch] =
                        -((x[at + (size_t)ch] - slopes->mean[ch]) * slopes->slope[ch] + slopes->level[ch]);
            }
}

static void norm_backward(const hq_cells *shape, const hq_real *x, const hq_real *y, const uint8_t *choice,
                          const hq_real *dy, const hq_slopes *slopes, hq_real *dx)
{
    int ch = 0;
#define CALL(taps) backward_block(shape, x + ch, y + ch, choice + ch, dy + ch, slopes, (size_t)ch, dx + ch, count, taps)
    for (const int count = HQ_LANES; ch + HQ_LANES <= shape->c; ch += HQ_LANES) BY_TAPS(shape, CALL);
    const int count = shape->c - ch;
    if (count > 0) BY_TAPS(shape, CALL);
#undef CALL
    if (shape->pool) backward_rest(shape, x, slopes, dx);
}
