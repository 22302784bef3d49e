/* conv_bf16.c: convolutions by products of 16-bit numbers.
 *
 * All pixels of the padded images lie in one line, the grid. There a tap of the kernel is a constant shift, so the
 * convolution is a matrix product over the line: 16 neighbouring pixels are the rows of a tile, wherever an image's row
 * ends; what is computed at places that are no output is dropped. The outputs' gradient in the same grid, with zeros at
 * those places, gives the gradient of the input by the opposite shifts, and that of the weights by products along the
 * line. */
#include "nn/conv_bf16.h"

#include "nn/bf16.h"

#include <string.h>

#ifdef HQ_REAL_F64
bool hq_conv_bf16_suits(const hq_conv *conv)
{
    (void)conv;
    return false;
}
size_t hq_conv_bf16_work(const hq_conv *conv)
{
    (void)conv;
    return 0;
}
size_t hq_conv_bf16_kept(const hq_conv *conv)
{
    (void)conv;
    return 0;
}
void hq_conv_bf16_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                      hq_real *work, hq_real *kept)
{
    (void)conv, (void)x, (void)w, (void)bias, (void)y, (void)work, (void)kept;
}
void hq_conv_bf16_bwd(const hq_conv *conv, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *dw, hq_real *work,
                      const hq_real *kept)
{
    (void)conv, (void)w, (void)dy, (void)dx, (void)dw, (void)work, (void)kept;
}
#else

enum { BLOCK = 2 * HQ_BF16_TILE, DEPTH = HQ_BF16_DEPTH, MOST_STEPS = 27 * 4096 / DEPTH, CHUNK = 32 };

bool hq_conv_bf16_suits(const hq_conv *conv)
{
    return conv->precision != HQ_CONV_FP32 && conv->r == 3 && conv->s == 3 && conv->t <= 3 && conv->pad <= 1 &&
           conv->c % 16 == 0 && conv->k % 16 == 0;
}

static const hq_bf16_kernels *kernels_of(const hq_conv *conv)
{
    const hq_bf16_kernels *kernels = hq_bf16_kernels_find(conv->precision);
    HQ_ASSERT(kernels);
    return kernels;
}

/* ---- the grid ---- */

typedef struct hq_grid {
    int d, h, w;          /* of a padded image */
    int pad_d, pad;       /* where the image begins in it */
    int od, oh, ow;       /* outputs, which begin at its first pixel */
    size_t image, pixels; /* of one image, of all of them up to a multiple of DEPTH */
    size_t reach;         /* the largest shift */
    size_t slack;         /* pixels of zeros before and behind */
    size_t line;          /* pixels of all, with room for the largest shift behind them */
} hq_grid;

static hq_grid grid_of(const hq_conv *conv)
{
    hq_grid g = {.pad_d = conv->t > 1 ? conv->pad : 0, .pad = conv->pad};
    g.d = conv->d + 2 * g.pad_d, g.h = conv->h + 2 * g.pad, g.w = conv->w + 2 * g.pad;
    g.od = hq_conv_out_d(conv), g.oh = hq_conv_out_h(conv), g.ow = hq_conv_out_w(conv);
    g.image = (size_t)g.d * (size_t)g.h * (size_t)g.w;
    g.pixels = ((size_t)conv->n * g.image + DEPTH - 1) / DEPTH * DEPTH;
    g.reach = (size_t)(((conv->t - 1) * g.h + conv->r - 1) * g.w + conv->s - 1);
    g.slack = g.reach + 2 * BLOCK;
    g.line = g.pixels + (g.reach / DEPTH + 1) * DEPTH;
    if (g.line / DEPTH % 2 == 0) g.line += DEPTH; /* lines that do not share cache sets */
    return g;
}

/* The shift of row `row` of all rows of a kernel. */
static size_t row_shift(const hq_conv *conv, const hq_grid *g, int row)
{
    return (size_t)((row / conv->r * g->h + row % conv->r) * g->w);
}

/* A part of a volume inside the grid. */
typedef struct hq_inside {
    int z, y, x, d, h, w;
} hq_inside;

static hq_inside inputs(const hq_conv *conv, const hq_grid *g)
{
    return (hq_inside){g->pad_d, g->pad, g->pad, conv->d, conv->h, conv->w};
}
static hq_inside outputs(const hq_grid *g) { return (hq_inside){0, 0, 0, g->od, g->oh, g->ow}; }

/* A row of the grid: zeros, and in between a row of an image or, NULL, nothing. */
static void fill_row(const hq_conv *conv, const hq_grid *g, const hq_inside *part, size_t c, const float *x,
                     hq_bf16 *out)
{
    const size_t left = (size_t)part->x * c, line = (size_t)part->w * c, all = (size_t)g->w * c;
    if (!x) {
        memset(out, 0, all * sizeof *out);
        return;
    }
    memset(out, 0, left * sizeof *out);
    kernels_of(conv)->convert(line, x, out + left);
    memset(out + left + line, 0, (all - left - line) * sizeof *out);
}

/* Images [d][h][w][c] to their places in the grid, zeros elsewhere. out: the first pixel of the grid. */
static void fill_grid(const hq_conv *conv, const hq_grid *g, const hq_inside *part, int c, const float *x, hq_bf16 *out)
{
    const size_t numbers = (size_t)c, slack = g->slack * numbers, all = (size_t)conv->n * g->image * numbers;
    memset(out - slack, 0, slack * sizeof *out);
    memset(out + all, 0, (g->pixels * numbers + slack - all) * sizeof *out);
    if (part->d == g->d && part->h == g->h && part->w == g->w) {
        kernels_of(conv)->convert(all, x, out);
        return;
    }
    for (int i = 0; i < conv->n; i++)
        for (int z = 0; z < g->d; z++)
            for (int y = 0; y < g->h; y++, out += (size_t)g->w * numbers) {
                const bool inside = z >= part->z && z < part->z + part->d && y >= part->y && y < part->y + part->h;
                fill_row(conv, g, part, numbers, inside ? x : NULL, out);
                if (inside) x += (size_t)part->w * numbers;
            }
}

/* The other way for one image, from sums in single precision, with a bias or NULL. */
static void take_inside(const hq_conv *conv, const hq_grid *g, const hq_inside *part, int c, const float *grid,
                        const float *bias, float *out)
{
    const size_t line = (size_t)part->w * (size_t)c;
    for (int z = 0; z < part->d; z++)
        for (int y = 0; y < part->h; y++, out += line) {
            const size_t row = (size_t)((z + part->z) * g->h + y + part->y);
            kernels_of(conv)->add_bias((size_t)part->w, (size_t)c,
                                       grid + (row * (size_t)g->w + (size_t)part->x) * (size_t)c, bias, out);
        }
}

/* ---- work memory ---- */

/* Steps of DEPTH numbers in what a kernel row sees of c channels. */
static int row_steps(const hq_conv *conv, int c) { return (conv->s * c + DEPTH - 1) / DEPTH; }
static int kernel_rows(const hq_conv *conv) { return conv->t * conv->r; }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* In 16-bit numbers unless noted: the grid of dy; x with pixels along rows; dy in pairs; weights in pairs, and
 * what they are made from; one image of sums (float). */
typedef struct hq_parts {
    hq_bf16 *dy, *turned, *pairs, *weights, *rows;
    float *sums;
    size_t bytes;
} hq_parts;

static void *take(size_t *at, void *work, size_t bytes)
{
    void *place = work ? (char *)work + *at : NULL;
    *at += (bytes + 63) / 64 * 64;
    return place;
}

static hq_parts parts_of(const hq_conv *conv, const hq_grid *g, void *work)
{
    const size_t c = (size_t)conv->c, k = (size_t)conv->k, line = g->pixels + 2 * g->slack, two = sizeof(hq_bf16);
    const size_t weights = (size_t)kernel_rows(conv) * DEPTH *
                           larger((size_t)row_steps(conv, conv->c) * k, (size_t)row_steps(conv, conv->k) * c);
    hq_parts p = {0};
    p.dy = take(&p.bytes, work, line * k * two);
    p.turned = take(&p.bytes, work, g->line * c * two);
    p.pairs = take(&p.bytes, work, g->pixels * k * two);
    p.weights = take(&p.bytes, work, weights * two);
    p.rows = take(&p.bytes, work, weights * two);
    p.sums = take(&p.bytes, work, (g->image + BLOCK) * larger(c, k) * sizeof(float));
    if (work) p.dy += g->slack * k;
    return p;
}

size_t hq_conv_bf16_work(const hq_conv *conv)
{
    const hq_grid g = grid_of(conv);
    return (parts_of(conv, &g, NULL).bytes + 64) / sizeof(hq_real);
}

/* What is kept is the grid of x; its first pixel. */
size_t hq_conv_bf16_kept(const hq_conv *conv)
{
    const hq_grid g = grid_of(conv);
    return ((g.pixels + 2 * g.slack) * (size_t)conv->c * sizeof(hq_bf16) + 64) / sizeof(hq_real);
}
static hq_bf16 *kept_grid(const hq_conv *conv, const hq_grid *g, const hq_real *kept)
{
    return (hq_bf16 *)(((uintptr_t)kept + 63) / 64 * 64) + g->slack * (size_t)conv->c;
}

static hq_parts aligned_parts(const hq_conv *conv, const hq_grid *g, void *work)
{
    return parts_of(conv, g, (void *)(((uintptr_t)work + 63) / 64 * 64));
}

/* ---- weights ---- */

/* Rows [kernel_rows][s * c][k] in pairs, [kernel_rows][row_steps * 16][k][2], zeros behind the last row. */
static void pair_rows(const hq_conv *conv, int c, int k, hq_bf16 *rows, hq_bf16 *out)
{
    kernels_of(conv)->interleave((size_t)kernel_rows(conv) * (size_t)row_steps(conv, c) * (DEPTH / 2), (size_t)k, rows,
                                 out);
}

static void pack_weights(const hq_conv *conv, const float *w, const hq_parts *p)
{
    const size_t row = (size_t)(conv->s * conv->c) * (size_t)conv->k,
                 padded = (size_t)(row_steps(conv, conv->c) * DEPTH) * (size_t)conv->k;
    memset(p->rows, 0, (size_t)kernel_rows(conv) * padded * sizeof *p->rows);
    for (int i = 0; i < kernel_rows(conv); i++)
        kernels_of(conv)->convert(row, w + (size_t)i * row, p->rows + (size_t)i * padded);
    pair_rows(conv, conv->c, conv->k, p->rows, p->weights);
}

/* The turned kernel: the last tap first, inputs and outputs exchanged. */
static void pack_turned(const hq_conv *conv, const float *w, const hq_parts *p)
{
    const size_t c = (size_t)conv->c, k = (size_t)conv->k, padded = (size_t)(row_steps(conv, conv->k) * DEPTH) * c;
    const int taps = kernel_rows(conv) * conv->s;
    hq_bf16 *tap_16 = p->weights; /* not in use yet */
    memset(p->rows, 0, (size_t)kernel_rows(conv) * padded * sizeof *p->rows);
    for (int tap = 0; tap < taps; tap++) {
        const int from = taps - 1 - tap;
        hq_bf16 *out = p->rows + (size_t)(tap / conv->s) * padded + (size_t)(tap % conv->s) * k * c;
        kernels_of(conv)->convert(c * k, w + (size_t)from * c * k, tap_16);
        if (c % DEPTH == 0)
            kernels_of(conv)->transpose(c, k, tap_16, c, out);
        else
            for (size_t ch = 0; ch < c; ch++)
                for (size_t i = 0; i < k; i++) out[i * c + ch] = tap_16[ch * k + i];
    }
    pair_rows(conv, conv->k, conv->c, p->rows, p->weights);
}

/* ---- products ---- */

/* sums[pixels][k] of one image: the run of s * c numbers from every shifted pixel times the weights in pairs. `in`: the
 * image's first pixel for the first tap. */
static void correlate(const hq_conv *conv, const hq_grid *g, int c, int k, size_t pixels, const hq_bf16 *in,
                      const hq_bf16 *weights, float *sums)
{
    const int each = row_steps(conv, c), steps = kernel_rows(conv) * each;
    int32_t shift[MOST_STEPS];
    HQ_ASSERT(steps <= MOST_STEPS);
    for (int i = 0; i < steps; i++) shift[i] = (int32_t)(row_shift(conv, g, i / each) * (size_t)c) + i % each * DEPTH;
    hq_bf16_product product = {
        .steps = steps, .a_step = shift, .a_row = (size_t)c, .b_row = 2 * (size_t)k, .c_row = (size_t)k};
    for (int column = 0; column < k; column += BLOCK) {
        product.col_tiles = k - column > HQ_BF16_TILE ? 2 : 1;
        product.b = weights + 2 * column;
        const size_t tiles = (pixels + HQ_BF16_TILE - 1) / HQ_BF16_TILE, group = product.col_tiles > 1 ? 2 : 4;
        for (size_t tile = 0; tile < tiles; tile += group) {
            product.row_tiles = (int)(tiles - tile < group ? tiles - tile : group);
            for (int t = 0; t < product.row_tiles; t++) {
                const size_t pixel = (tile + (size_t)t) * HQ_BF16_TILE;
                product.a[t] = in + pixel * (size_t)c;
                product.c[t] = sums + pixel * (size_t)k + column;
            }
            kernels_of(conv)->product(&product);
        }
    }
}

void hq_conv_bf16_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                      hq_real *work, hq_real *kept)
{
    const hq_grid g = grid_of(conv);
    const hq_parts p = aligned_parts(conv, &g, work);
    const hq_inside in = inputs(conv, &g), out = outputs(&g);
    const size_t c = (size_t)conv->c, pixels = g.image - g.reach, image_out = (size_t)(g.od * g.oh * g.ow * conv->k);
    hq_bf16 *grid = kept_grid(conv, &g, kept);
    fill_grid(conv, &g, &in, conv->c, x, grid);
    pack_weights(conv, w, &p);
    kernels_of(conv)->begin();
    for (int i = 0; i < conv->n; i++) {
        correlate(conv, &g, conv->c, conv->k, pixels, grid + (size_t)i * g.image * c, p.weights, p.sums);
        take_inside(conv, &g, &out, conv->k, p.sums, bias, y + (size_t)i * image_out);
    }
    kernels_of(conv)->end();
}

/* Adds to (first chunk: writes) the gradient of all weights: x at each tap's shift times dy, over the pixels of some
 * steps. x: turned, at the first of these pixels. */
static void add_weights(const hq_conv *conv, const hq_grid *g, const hq_bf16_product *chunk, const hq_bf16 *x,
                        const hq_bf16 *pairs, float *dw)
{
    hq_bf16_product product = *chunk;
    const int each = conv->c / HQ_BF16_TILE, tiles = kernel_rows(conv) * conv->s * each;
    for (int column = 0; column < conv->k; column += BLOCK) {
        product.col_tiles = conv->k - column > HQ_BF16_TILE ? 2 : 1;
        product.b = pairs + 2 * column;
        const int group = product.col_tiles > 1 ? 2 : 4;
        for (int tile = 0; tile < tiles; tile += group) { /* of 16 rows of dw[tap][c] */
            product.row_tiles = tiles - tile < group ? tiles - tile : group;
            for (int t = 0; t < product.row_tiles; t++) {
                const int tap = (tile + t) / each, row = (tile + t) % each * HQ_BF16_TILE;
                product.a[t] = x + (size_t)row * g->line + row_shift(conv, g, tap / conv->s) + tap % conv->s;
                product.c[t] = dw + (size_t)(tap * conv->c + row) * (size_t)conv->k + column;
            }
            kernels_of(conv)->product(&product);
        }
    }
}

/* dw[tap][c][k], some steps at a time, so that their pixels stay in the cache for all taps. */
static void weights_bwd(const hq_conv *conv, const hq_grid *g, const hq_parts *p, const hq_bf16 *x, hq_real *dw)
{
    const size_t k = (size_t)conv->k;
    const int steps = (int)(g->pixels / DEPTH);
    int32_t along[CHUNK];
    for (int i = 0; i < CHUNK; i++) along[i] = i * DEPTH;
    kernels_of(conv)->transpose(g->pixels + (g->reach / DEPTH + 1) * DEPTH, (size_t)conv->c, x, g->line, p->turned);
    kernels_of(conv)->interleave(g->pixels / 2, k, p->dy, p->pairs);
    for (int first = 0; first < steps; first += CHUNK) {
        const hq_bf16_product chunk = {.steps = steps - first < CHUNK ? steps - first : CHUNK,
                                       .add = first > 0,
                                       .a_step = along,
                                       .a_row = g->line,
                                       .b_row = 2 * k,
                                       .c_row = k};
        add_weights(conv, g, &chunk, p->turned + (size_t)first * DEPTH, p->pairs + (size_t)first * DEPTH * k, dw);
    }
}

/* Without padding the grid is dx, but for the last pixels that do not fill a tile. */
static void whole_input_bwd(const hq_conv *conv, const hq_grid *g, const hq_parts *p, const hq_bf16 *dy, hq_real *dx)
{
    const size_t c = (size_t)conv->c, all = (size_t)conv->n * g->image, full = all / HQ_BF16_TILE * HQ_BF16_TILE;
    correlate(conv, g, conv->k, conv->c, full, dy, p->weights, dx);
    if (full == all) return;
    correlate(conv, g, conv->k, conv->c, all - full, dy + full * (size_t)conv->k, p->weights, p->sums);
    memcpy(dx + full * c, p->sums, (all - full) * c * sizeof *dx);
}

static void input_bwd(const hq_conv *conv, const hq_grid *g, const hq_parts *p, const hq_real *w, hq_real *dx)
{
    const hq_inside in = inputs(conv, g);
    const size_t k = (size_t)conv->k, image_in = (size_t)(conv->d * conv->h * conv->w * conv->c);
    const hq_bf16 *dy = p->dy - g->reach * k;
    pack_turned(conv, w, p);
    if (g->pad == 0) {
        whole_input_bwd(conv, g, p, dy, dx);
        return;
    }
    for (int i = 0; i < conv->n; i++) {
        correlate(conv, g, conv->k, conv->c, g->image, dy + (size_t)i * g->image * k, p->weights, p->sums);
        take_inside(conv, g, &in, conv->c, p->sums, NULL, dx + (size_t)i * image_in);
    }
}

void hq_conv_bf16_bwd(const hq_conv *conv, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *dw, hq_real *work,
                      const hq_real *kept)
{
    const hq_grid g = grid_of(conv);
    const hq_parts p = aligned_parts(conv, &g, work);
    const hq_inside out = outputs(&g);
    fill_grid(conv, &g, &out, conv->k, dy, p.dy);
    kernels_of(conv)->begin();
    weights_bwd(conv, &g, &p, kept_grid(conv, &g, kept), dw);
    if (dx) input_bwd(conv, &g, &p, w, dx);
    kernels_of(conv)->end();
}
#endif
