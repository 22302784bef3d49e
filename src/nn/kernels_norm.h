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

/* ---- norm, ReLU, pooling ---- */

/* The numbers of a vector of channels. */
typedef struct block {
    vec mean, factor, shift, slope, level;
} block;

INLINE block load_block(const hq_affine *affine, int ch, int count)
{
    block b = {.mean = load_part(affine->mean + ch, count),
               .factor = load_part(affine->factor + ch, count),
               .shift = load_part(affine->shift + ch, count)};
    if (affine->slope) {
        b.slope = load_part(affine->slope + ch, count);
        b.level = load_part(affine->level + ch, count);
    }
    return b;
}

INLINE vec normalised(const block *b, vec x) { return (x - b->mean) * b->factor + b->shift; }

/* Calls a macro for whole vectors of channels, then for what is left of them, each compiled for 1, 4 and 8 taps. */
#define FOR_BLOCKS(shape, CALL)                                                                                        \
    do {                                                                                                               \
        int ch = 0;                                                                                                    \
        for (const int count = HQ_LANES; ch + HQ_LANES <= (shape)->c; ch += HQ_LANES) BY_TAPS(shape, CALL);            \
        const int count = (shape)->c - ch;                                                                             \
        if (count > 0) BY_TAPS(shape, CALL);                                                                           \
    } while (0)
#define BY_TAPS(shape, CALL)                                                                                           \
    do {                                                                                                               \
        if (!(shape)->pool)                                                                                            \
            CALL(1);                                                                                                   \
        else if ((shape)->d == 1)                                                                                      \
            CALL(4);                                                                                                   \
        else                                                                                                           \
            CALL(8);                                                                                                   \
    } while (0)

/* ---- forward ---- */

/* The first maximum wins, and a NaN over every number. */
INLINE void forward_block(const hq_cells *shape, const block b, const hq_real *x, hq_real *y, uint8_t *choice,
                          int count, const int taps)
{
    const window cell = window_of(shape);
    FOR_CELLS(shape, in, at)
    {
        vec best = normalised(&b, load_part(x + in, count));
        mask place = {0};
#pragma GCC unroll 8
        for (int i = 1; i < taps; i++) {
            const vec v = normalised(&b, load_part(x + in + cell.offset[i], count));
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

static void norm_forward(const hq_cells *shape, const hq_affine *affine, const hq_real *x, hq_real *y, uint8_t *choice)
{
#define CALL(taps)                                                                                                     \
    forward_block(shape, load_block(affine, ch, count), x + ch, y + ch, choice ? choice + ch : NULL, count, taps)
    FOR_BLOCKS(shape, CALL);
#undef CALL
}

/* ---- backward ---- */

INLINE mask chosen_at(const uint8_t *choice, int count)
{
    bytes places = {0};
    memcpy(&places, choice, (size_t)count);
    return __builtin_convertvector(places, mask);
}

/* dy where ReLU lets x through. */
INLINE vec through_relu(const block *b, vec x, vec dy) { return keep(~(mask)(normalised(b, x) <= 0), dy); }

INLINE void sums_block(const hq_cells *shape, const block b, const hq_real *x, const uint8_t *choice, const hq_real *dy,
                       double *sum_dy, double *sum_dyx, int count, const int taps)
{
    const window cell = window_of(shape);
    wide total[HQ_HALVES] = {{0}}, product[HQ_HALVES] = {{0}};
    FOR_CELLS(shape, in, at)
    {
        vec v = load_part(x + in, count);
        if (taps > 1) {
            const mask place = chosen_at(choice + at, count);
#pragma GCC unroll 8
            for (int i = 1; i < taps; i++) v = choose((mask)(place == i), load_part(x + in + cell.offset[i], count), v);
        }
        const vec g = through_relu(&b, v, load_part(dy + at, count));
        for (int half = 0; half < HQ_HALVES; half++) {
            const wide gradient = widen(g, half);
            total[half] += gradient;
            product[half] += gradient * widen(v, half);
        }
    }
    for (int half = 0; half < HQ_HALVES; half++) product[half] -= total[half] * widen(b.mean, half);
    add_wide(sum_dy, total, count);
    add_wide(sum_dyx, product, count);
}

static void norm_sums(const hq_cells *shape, const hq_affine *affine, const hq_real *x, const uint8_t *choice,
                      const hq_real *dy, double *sum_dy, double *sum_dyx)
{
#define CALL(taps)                                                                                                     \
    sums_block(shape, load_block(affine, ch, count), x + ch, choice ? choice + ch : NULL, dy + ch, sum_dy + ch,        \
               sum_dyx + ch, count, taps)
    FOR_BLOCKS(shape, CALL);
#undef CALL
}

INLINE void backward_block(const hq_cells *shape, const block b, const hq_real *x, const uint8_t *choice,
                           const hq_real *dy, hq_real *dx, int count, const int taps)
{
    const window cell = window_of(shape);
    FOR_CELLS(shape, in, at)
    {
        const vec g = load_part(dy + at, count);
        mask place = {0};
        if (taps > 1) place = chosen_at(choice + at, count);
#pragma GCC unroll 8
        for (int i = 0; i < taps; i++) {
            const vec v = load_part(x + in + cell.offset[i], count);
            const vec mine = keep((mask)(place == i), through_relu(&b, v, g)) * b.factor;
            store(dx + in + cell.offset[i], mine - ((v - b.mean) * b.slope + b.level), count);
        }
    }
}

/* Pixels that belong to no cell: a last odd row, column or plane. */
static void backward_rest(const hq_cells *shape, const hq_affine *affine, const hq_real *x, hq_real *dx)
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
                        -((x[at + (size_t)ch] - affine->mean[ch]) * affine->slope[ch] + affine->level[ch]);
            }
}

static void norm_backward(const hq_cells *shape, const hq_affine *affine, const hq_real *x, const uint8_t *choice,
                          const hq_real *dy, hq_real *dx)
{
#define CALL(taps)                                                                                                     \
    backward_block(shape, load_block(affine, ch, count), x + ch, choice ? choice + ch : NULL, dy + ch, dx + ch, count, \
                   taps)
    FOR_BLOCKS(shape, CALL);
#undef CALL
    if (shape->pool) backward_rest(shape, affine, x, dx);
}
