/* winograd.c: a convolution with 3x3 kernels in tiles of 2x2 outputs: transform, sixteen matrix products over the
 * channels, transform back. 16 multiplications for 4 outputs in place of 36; the transforms are additions.
 * kernels_winograd.h has the formulas. Volumes: each plane of a kernel is transformed by itself, and the products are
 * convolutions in depth.
 *
 * Tiles go in groups of whole rows, through all images of the micro-batch, that fit into half a megabyte (or of one
 * row, where that is more), so that what is between the transforms stays in the cache. The gradients are those of the
 * very same sums, term by term. */
#include "nn/winograd.h"

#include "nn/kernels.h"

#include <string.h>

enum { PLACES = 16, GROUP_BYTES = 1 << 19, CHAIN = 32 };

static bool suits(const hq_conv *conv)
{
    return conv->r == 3 && conv->s == 3 && conv->t <= 3 && conv->pad <= 1 && conv->c % HQ_CONV_WIDTH_MAX == 0 &&
           conv->k % HQ_CONV_WIDTH_MAX == 0;
}

/* Forward, products of few channels are too short to pay for the transforms. */
bool hq_winograd_suits(const hq_conv *conv) { return suits(conv) && conv->c * conv->k >= 32 * 32; }

bool hq_winograd_suits_bwd(const hq_conv *conv) { return suits(conv); }

static const hq_nn_kernels *kernels_of(const hq_conv *conv) { return hq_nn_kernels_find(conv->kernel); }

/* Planes of zeros before x, and before dy where dx is computed. */
static int pad_d(const hq_conv *conv) { return conv->t > 1 ? conv->pad : 0; }
static int border_d(const hq_conv *conv) { return conv->t - 1 - pad_d(conv); }

static int planes_in(const hq_conv *conv) { return conv->d + 2 * pad_d(conv); }
static int planes_bordered(const hq_conv *conv) { return hq_conv_out_d(conv) + 2 * border_d(conv); }

static hq_tiling tiling_of(const hq_conv *conv)
{
    const int oh = hq_conv_out_h(conv), ow = hq_conv_out_w(conv);
    return (hq_tiling){.d = conv->d,
                       .h = conv->h,
                       .w = conv->w,
                       .od = hq_conv_out_d(conv),
                       .oh = oh,
                       .ow = ow,
                       .pad = conv->pad,
                       .th = (oh + 1) / 2,
                       .tw = (ow + 1) / 2};
}

/* Numbers of transformed weights from place to place. */
static size_t weights_apart(const hq_conv *conv)
{
    return hq_places_apart((size_t)conv->t * (size_t)conv->c * (size_t)conv->k);
}

/* Rows of tiles in all images, and of these how many go together. */
static int all_rows(const hq_conv *conv) { return conv->n * tiling_of(conv).th; }
static int group_rows(const hq_conv *conv)
{
    const int numbers = planes_in(conv) * conv->c + planes_bordered(conv) * conv->k, all = all_rows(conv);
    const size_t row = (size_t)PLACES * (size_t)tiling_of(conv).tw * (size_t)numbers * sizeof(hq_real);
    const size_t rows = GROUP_BYTES / row;
    return rows < 1 ? 1 : rows > (size_t)all ? all : (int)rows;
}

/* Numbers of `planes` planes of a group's tiles from place to place. */
static size_t tiles_apart(int planes, int tiles, int channels)
{
    return hq_places_apart((size_t)planes * (size_t)tiles * (size_t)channels);
}

/* Parts of the work memory: transformed weights, their gradient, turned weights, tiles of x and of y. */
typedef struct hq_parts {
    hq_real *u, *du, *turned, *v, *m;
    size_t size;
} hq_parts;

static hq_parts parts_of(const hq_conv *conv, hq_real *work)
{
    const int tiles = group_rows(conv) * tiling_of(conv).tw;
    const size_t u = PLACES * weights_apart(conv), v = PLACES * tiles_apart(planes_in(conv), tiles, conv->c),
                 m = PLACES * tiles_apart(planes_bordered(conv), tiles, conv->k),
                 turned = (size_t)conv->t * 9 * (size_t)conv->c * (size_t)conv->k;
    hq_parts p = {.u = work, .size = 2 * u + turned + v + m};
    if (!work) return p;
    p.du = p.u + u, p.turned = p.du + u, p.v = p.turned + turned, p.m = p.v + v;
    return p;
}

size_t hq_winograd_work(const hq_conv *conv) { return parts_of(conv, NULL).size; }

/* One place of all tiles as a convolution in depth over planes of one line of `tiles` pixels: `planes` planes of
 * results. Sums over the channels go in chains, which keeps roundings small. */
static hq_correlation product(int t, int planes, int tiles, int c, int k)
{
    const int chains = c % CHAIN == 0 ? c / CHAIN : 1;
    const size_t plane = (size_t)tiles * (size_t)c;
    return (hq_correlation){.n = 1,
                            .c = c,
                            .k = k,
                            .t = t,
                            .r = chains,
                            .patch = c / chains,
                            .od = planes,
                            .oh = 1,
                            .ow = tiles,
                            .row = (size_t)(c / chains),
                            .plane = plane,
                            .image = (size_t)(planes + t - 1) * plane};
}

/* out[16][planes][tiles][k] = in[16][planes + t - 1][tiles][c] u[16]. */
static void multiply(const hq_conv *conv, int planes, int tiles, int c, int k, const hq_real *in, const hq_real *u,
                     hq_real *out)
{
    const hq_correlation shape = product(conv->t, planes, tiles, c, k);
    const size_t in_apart = tiles_apart(planes + conv->t - 1, tiles, c), out_apart = tiles_apart(planes, tiles, k);
    for (size_t p = 0; p < PLACES; p++)
        kernels_of(conv)->correlate(&shape, in + p * in_apart, u + p * weights_apart(conv), NULL, out + p * out_apart);
}

/* The tiles of x; of y, and back. */
static void input_tiles(const hq_conv *conv, hq_tiling tiling, const hq_real *x, hq_real *v)
{
    tiling.plane = -pad_d(conv), tiling.planes = planes_in(conv);
    kernels_of(conv)->winograd_input(&tiling, conv->c, x, v);
}
static void add_input_tiles(const hq_conv *conv, hq_tiling tiling, const hq_real *dv, hq_real *dx)
{
    tiling.plane = 0, tiling.planes = conv->d;
    kernels_of(conv)->winograd_input_bwd(&tiling, conv->c, dv, dx);
}
static void output_tiles(const hq_conv *conv, hq_tiling tiling, const hq_real *m, const hq_real *bias, hq_real *y)
{
    tiling.plane = 0, tiling.planes = tiling.od;
    kernels_of(conv)->winograd_output(&tiling, conv->k, m, bias, y);
}
static void bordered_tiles(const hq_conv *conv, hq_tiling tiling, const hq_real *dy, hq_real *dm)
{
    tiling.plane = -border_d(conv), tiling.planes = planes_bordered(conv);
    kernels_of(conv)->winograd_output_bwd(&tiling, conv->k, dy, dm);
}

/* The next group of rows of tiles; false: there is none. */
static bool next_group(const hq_conv *conv, hq_tiling *tiling)
{
    const int step = group_rows(conv), all = all_rows(conv);
    tiling->first += tiling->rows;
    tiling->rows = all - tiling->first < step ? all - tiling->first : step;
    return tiling->rows > 0;
}

void hq_winograd_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                     hq_real *work)
{
    const hq_parts parts = parts_of(conv, work);
    kernels_of(conv)->winograd_weights(conv->t, conv->c, conv->k, w, parts.u);
    for (hq_tiling tiling = tiling_of(conv); next_group(conv, &tiling);) {
        input_tiles(conv, tiling, x, parts.v);
        multiply(conv, tiling.od, tiling.rows * tiling.tw, conv->c, conv->k, parts.v, parts.u, parts.m);
        output_tiles(conv, tiling, parts.m, bias, y);
    }
}

/* w[t][9][c][k] to out[t][9][k][c], the last plane first, in blocks that stay in the cache. */
static void turn(const hq_conv *conv, const hq_real *w, hq_real *out)
{
    const int c = conv->c, k = conv->k, plane = 9 * c * k;
    for (int tap = 0; tap < 9 * conv->t; tap++) {
        const hq_real *in = w + (conv->t - 1 - tap / 9) * plane + tap % 9 * c * k;
        for (int first = 0; first < k; first += HQ_CONV_WIDTH_MAX)
            for (int ch = 0; ch < c; ch++)
                for (int i = first; i < first + HQ_CONV_WIDTH_MAX; i++) out[i * c + ch] = in[ch * k + i];
        out += c * k;
    }
}

/* du += tiles of x times tiles of dy, summed over the tiles. */
static void add_weights(const hq_conv *conv, int tiles, const hq_parts *parts)
{
    hq_correlation shape = product(conv->t, hq_conv_out_d(conv), tiles, conv->c, conv->k);
    const size_t v_apart = tiles_apart(planes_in(conv), tiles, conv->c),
                 m_apart = tiles_apart(planes_bordered(conv), tiles, conv->k);
    const hq_real *m = parts->m + border_d(conv) * tiles * conv->k;
    shape.r = 1, shape.patch = conv->c;
    for (size_t p = 0; p < PLACES; p++)
        kernels_of(conv)->weights(&shape, parts->v + p * v_apart, m + p * m_apart, conv->k,
                                  parts->du + p * weights_apart(conv));
}

void hq_winograd_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx,
                     hq_real *dw, hq_real *work)
{
    const hq_nn_kernels *kernels = kernels_of(conv);
    const hq_parts parts = parts_of(conv, work);
    memset(parts.du, 0, PLACES * weights_apart(conv) * sizeof *parts.du);
    if (dx) {
        memset(dx, 0, (size_t)conv->n * (size_t)(conv->d * conv->h * conv->w) * (size_t)conv->c * sizeof *dx);
        turn(conv, w, parts.turned);
        kernels->winograd_weights(conv->t, conv->k, conv->c, parts.turned, parts.u);
    }
    for (hq_tiling tiling = tiling_of(conv); next_group(conv, &tiling);) {
        const int tiles = tiling.rows * tiling.tw;
        input_tiles(conv, tiling, x, parts.v);
        bordered_tiles(conv, tiling, dy, parts.m);
        add_weights(conv, tiles, &parts);
        if (!dx) continue;
        multiply(conv, conv->d, tiles, conv->k, conv->c, parts.m, parts.u, parts.v);
        add_input_tiles(conv, tiling, parts.v, dx);
    }
    kernels->winograd_weights_bwd(conv->t, conv->c, conv->k, parts.du, dw);
}
