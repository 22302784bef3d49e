/* kernels_winograd.h: the transforms of Winograd's convolution, F(2x2, 3x3) of Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", CVPR 2016, and their adjoints. Included once by each kernels_<variant>.c.
 *
 * With 3x3 weights g and a 4x4 tile x: y = A^T [(G g G^T) . (B^T x B)] A, where
 *
 *   B^T = 1  0 -1  0     G = 1    0    0     A^T = 1 1  1  0
 *         0  1  1  0         1/2  1/2  1/2         0 1 -1 -1
 *         0 -1  1  0         1/2 -1/2  1/2
 *         0  1  0 -1         0    0    1
 */
#include "nn/kernels_vector.h"

/* ---- products with the matrices, along one axis of numbers `step` apart ---- */

INLINE void times_bt(vec *x, int step) /* 4 to 4 */
{
    const vec a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    x[0] = a - c, x[step] = b + c, x[2 * step] = c - b, x[3 * step] = b - d;
}
INLINE void times_b(vec *x, int step) /* 4 to 4 */
{
    const vec a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    x[0] = a, x[step] = b - c + d, x[2 * step] = b + c - a, x[3 * step] = splat(0) - d;
}
INLINE void times_g(vec *x, int step) /* 3 to 4 */
{
    const vec a = x[0], b = x[step], c = x[2 * step];
    const vec half = (a + c) * splat((hq_real)0.5), middle = b * splat((hq_real)0.5);
    x[step] = half + middle, x[2 * step] = half - middle, x[3 * step] = c;
}
INLINE void times_gt(vec *x, int step) /* 4 to 3 */
{
    const vec a = x[0], d = x[3 * step];
    const vec sum = (x[step] + x[2 * step]) * splat((hq_real)0.5),
              difference = (x[step] - x[2 * step]) * splat((hq_real)0.5);
    x[0] = a + sum, x[step] = difference, x[2 * step] = sum + d;
}
INLINE void times_at(vec *x, int step) /* 4 to 2 */
{
    const vec b = x[step], c = x[2 * step];
    x[0] += b + c, x[step] = b - c - x[3 * step];
}
INLINE void times_a(vec *x, int step) /* 2 to 4 */
{
    const vec a = x[0], b = x[step];
    x[step] = a + b, x[2 * step] = a - b, x[3 * step] = splat(0) - b;
}

/* Both axes of a tile x[4][4]: `lines` lines of the first axis hold numbers before, or are wanted behind. */
#define BOTH_AXES(name, product, lines)                                                                                \
    INLINE void name(vec x[16])                                                                                        \
    {                                                                                                                  \
        for (int i = 0; i < (lines); i++) product(x + 4 * i, 1);                                                       \
        for (int j = 0; j < 4; j++) product(x + j, 4);                                                                 \
    }
/* The same where the second axis shrinks: first down, then along what is left. */
#define BOTH_AXES_DOWN(name, product, lines)                                                                           \
    INLINE void name(vec x[16])                                                                                        \
    {                                                                                                                  \
        for (int j = 0; j < 4; j++) product(x + j, 4);                                                                 \
        for (int i = 0; i < (lines); i++) product(x + 4 * i, 1);                                                       \
    }
BOTH_AXES(input_transform, times_bt, 4)
BOTH_AXES(input_adjoint, times_b, 4)
BOTH_AXES(weights_transform, times_g, 3)
BOTH_AXES_DOWN(weights_adjoint, times_gt, 3)
BOTH_AXES_DOWN(output_transform, times_at, 2)
BOTH_AXES(output_adjoint, times_a, 2)

/* ---- weights ---- */

static void winograd_weights(int t, int c, int k, const hq_real *w, hq_real *u)
{
    const size_t tap = (size_t)c * (size_t)k, apart = hq_places_apart((size_t)t * tap);
    size_t place = 0;
    for (int first = 0, vectors; first < k; first += vectors * HQ_LANES) {
        vectors = k - first > HQ_LANES ? 2 : 1;
        for (int ch = 0; ch < t * c; ch++)
            for (int v = 0; v < vectors; v++, place += HQ_LANES) {
                const hq_real *in =
                    w + (size_t)(ch / c) * 9 * tap + (size_t)(ch % c) * (size_t)k + first + v * HQ_LANES;
                vec x[16];
                for (int i = 0; i < 3; i++)
                    for (int j = 0; j < 3; j++) x[4 * i + j] = load(in + (size_t)(3 * i + j) * tap);
                weights_transform(x);
                for (int p = 0; p < 16; p++) store(u + (size_t)p * apart + place, x[p], HQ_LANES);
            }
    }
}

static void winograd_weights_bwd(int t, int c, int k, const hq_real *du, hq_real *dw)
{
    const size_t tap = (size_t)c * (size_t)k, apart = hq_places_apart((size_t)t * tap);
    for (int plane = 0; plane < t; plane++, du += tap, dw += 9 * tap)
        for (size_t at = 0; at < tap; at += HQ_LANES) {
            vec x[16];
            for (int p = 0; p < 16; p++) x[p] = load(du + (size_t)p * apart + at);
            weights_adjoint(x);
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) store(dw + (size_t)(3 * i + j) * tap + at, x[4 * i + j], HQ_LANES);
        }
}

/* ---- tiles ---- */

/* A square of pixels in an image of h x w: where it begins, which of its rows and columns exist. */
typedef struct square {
    int64_t at; /* of its first pixel, in pixels of all images */
    int top, bottom, left, right;
} square;

/* In plane z, which need not exist, of d planes. */
INLINE square square_at(int image, int d, int h, int w, int z, int y, int x, int side)
{
    const bool exists = z >= 0 && z < d;
    return (square){.at = (((int64_t)image * d + z) * h + y) * w + x,
                    .top = y < 0 ? -y : 0,
                    .bottom = !exists        ? 0
                              : h - y < side ? h - y
                                             : side,
                    .left = x < 0 ? -x : 0,
                    .right = w - x < side ? w - x : side};
}

INLINE bool has(const square *s, int i, int j) { return i >= s->top && i < s->bottom && j >= s->left && j < s->right; }
INLINE bool whole(const square *s, int side)
{
    return s->top == 0 && s->left == 0 && s->bottom == side && s->right == side;
}

/* `all`: the square is whole. */
INLINE void load_square(const square *s, int w, int c, const hq_real *x, int side, bool all, vec out[16])
{
#pragma GCC unroll 4
    for (int i = 0; i < side; i++)
#pragma GCC unroll 4
        for (int j = 0; j < side; j++) {
            out[4 * i + j] = splat(0);
            if (all || has(s, i, j)) out[4 * i + j] = load(x + (s->at + (int64_t)i * w + j) * c);
        }
}

INLINE void store_square(const square *s, int w, int c, hq_real *x, int side, bool all, bool add, const vec in[16])
{
#pragma GCC unroll 4
    for (int i = 0; i < side; i++)
#pragma GCC unroll 4
        for (int j = 0; j < side; j++) {
            if (!all && !has(s, i, j)) continue;
            hq_real *to = x + (s->at + (int64_t)i * w + j) * c;
            vec v = in[4 * i + j];
            if (add) v += load(to);
            store(to, v, HQ_LANES);
        }
}

INLINE void load_tile(const hq_real *tiles, size_t apart, vec x[16])
{
#pragma GCC unroll 16
    for (int p = 0; p < 16; p++) x[p] = load(tiles + (size_t)p * apart);
}
INLINE void store_tile(hq_real *tiles, size_t apart, const vec x[16])
{
#pragma GCC unroll 16
    for (int p = 0; p < 16; p++) store(tiles + (size_t)p * apart, x[p], HQ_LANES);
}

/* For every tile and vector of channels from `ch` on: `here` is its square in x or y, `at` its place among the tiles.
 * CALL(all) is compiled for whole squares by themselves. */
#define FOR_TILES(tiling, channels, square_of, side, CALL)                                                             \
    const int lines_ = (tiling)->planes * (tiling)->rows;                                                              \
    const size_t apart = hq_places_apart((size_t)(lines_ * (tiling)->tw) * (size_t)(channels));                        \
    size_t at = 0;                                                                                                     \
    for (int line_ = 0; line_ < lines_; line_++)                                                                       \
        for (int tx_ = 0; tx_ < (tiling)->tw; tx_++, at += (size_t)(channels)) {                                       \
            const square here = square_of(tiling, line_, tx_);                                                         \
            if (whole(&here, side))                                                                                    \
                for (int ch = 0; ch < (channels); ch += HQ_LANES) CALL(true);                                          \
            else                                                                                                       \
                for (int ch = 0; ch < (channels); ch += HQ_LANES) CALL(false);                                         \
        }

INLINE square input_square(const hq_tiling *t, int line, int tx)
{
    const int row = t->first + line % t->rows, z = t->plane + line / t->rows;
    return square_at(row / t->th, t->d, t->h, t->w, z, 2 * (row % t->th) - t->pad, 2 * tx - t->pad, 4);
}
INLINE square output_square(const hq_tiling *t, int line, int tx)
{
    const int row = t->first + line % t->rows, z = t->plane + line / t->rows;
    return square_at(row / t->th, t->od, t->oh, t->ow, z, 2 * (row % t->th), 2 * tx, 2);
}

static void winograd_input(const hq_tiling *tiling, int c, const hq_real *x, hq_real *v)
{
#define CALL(all)                                                                                                      \
    do {                                                                                                               \
        vec tile[16];                                                                                                  \
        load_square(&here, tiling->w, c, x + ch, 4, all, tile);                                                        \
        input_transform(tile);                                                                                         \
        store_tile(v + at + ch, apart, tile);                                                                          \
    } while (0)
    FOR_TILES(tiling, c, input_square, 4, CALL)
#undef CALL
}

static void winograd_input_bwd(const hq_tiling *tiling, int c, const hq_real *dv, hq_real *dx)
{
#define CALL(all)                                                                                                      \
    do {                                                                                                               \
        vec tile[16];                                                                                                  \
        load_tile(dv + at + ch, apart, tile);                                                                          \
        input_adjoint(tile);                                                                                           \
        store_square(&here, tiling->w, c, dx + ch, 4, all, true, tile);                                                \
    } while (0)
    FOR_TILES(tiling, c, input_square, 4, CALL)
#undef CALL
}

static void winograd_output(const hq_tiling *tiling, int k, const hq_real *m, const hq_real *bias, hq_real *y)
{
#define CALL(all)                                                                                                      \
    do {                                                                                                               \
        vec tile[16];                                                                                                  \
        const vec b = load(bias + ch);                                                                                 \
        load_tile(m + at + ch, apart, tile);                                                                           \
        output_transform(tile);                                                                                        \
        tile[0] += b, tile[1] += b, tile[4] += b, tile[5] += b;                                                        \
        store_square(&here, tiling->ow, k, y + ch, 2, all, false, tile);                                               \
    } while (0)
    FOR_TILES(tiling, k, output_square, 2, CALL)
#undef CALL
}

static void winograd_output_bwd(const hq_tiling *tiling, int k, const hq_real *dy, hq_real *dm)
{
#define CALL(all)                                                                                                      \
    do {                                                                                                               \
        vec tile[16];                                                                                                  \
        load_square(&here, tiling->ow, k, dy + ch, 2, all, tile);                                                      \
        output_adjoint(tile);                                                                                          \
        store_tile(dm + at + ch, apart, tile);                                                                         \
    } while (0)
    FOR_TILES(tiling, k, output_square, 2, CALL)
#undef CALL
}
