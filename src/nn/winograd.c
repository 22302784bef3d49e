/* winograd.c: a 3x3 convolution in tiles of 2x2 outputs: transform, sixteen matrix products over the channels,
 * transform back. 16 multiplications for 4 outputs in place of 36; the transforms are additions. kernels_winograd.h has
 * the formulas.
 *
 * Tiles go in groups of whole rows that fit into half a megabyte, through all images of the micro-batch, so that what
 * is between the transforms stays in the cache. The gradients are those of the very same sums, term by term. */
#include "nn/winograd.h"

#include "nn/kernels.h"

#include <string.h>

enum { PLACES = 16, GROUP_BYTES = 1 << 19, CHAIN = 32 };

bool hq_winograd_suits(const hq_conv *conv)
{
    return conv->r == 3 && conv->s == 3 && conv->pad <= 1 && conv->c % HQ_CONV_WIDTH_MAX == 0 &&
           conv->k % HQ_CONV_WIDTH_MAX == 0;
}

static const hq_nn_kernels *kernels_of(const hq_conv *conv) { return hq_nn_kernels_find(conv->kernel); }

static hq_tiling tiling_of(const hq_conv *conv)
{
    const int oh = hq_conv_out_h(conv), ow = hq_conv_out_w(conv);
    return (hq_tiling){
        .h = conv->h, .w = conv->w, .oh = oh, .ow = ow, .pad = conv->pad, .th = (oh + 1) / 2, .tw = (ow + 1) / 2};
}

/* Rows of tiles that go together. */
static int group_rows(const hq_conv *conv, const hq_tiling *tiling)
{
    const size_t row = (size_t)PLACES * (size_t)tiling->tw * (size_t)(conv->c + conv->k) * sizeof(hq_real);
    const size_t rows = GROUP_BYTES / row, all = (size_t)conv->n * (size_t)tiling->th;
    return (int)(rows < 1 ? 1 : rows > all ? all : rows);
}

static size_t weights_apart(const hq_conv *conv) { return hq_places_apart((size_t)conv->c * (size_t)conv->k); }
static size_t tiles_size(const hq_conv *conv, int channels)
{
    const hq_tiling tiling = tiling_of(conv);
    return PLACES * hq_places_apart((size_t)(group_rows(conv, &tiling) * tiling.tw) * (size_t)channels);
}

/* Parts of the work memory: transformed weights, their gradient, transposed weights, tiles of x and of y. */
typedef struct hq_parts {
    hq_real *u, *du, *turned, *v, *m;
} hq_parts;

static hq_parts parts_of(const hq_conv *conv, hq_real *work)
{
    hq_parts p;
    p.u = work;
    p.du = p.u + PLACES * weights_apart(conv);
    p.turned = p.du + PLACES * weights_apart(conv);
    p.v = p.turned + 9 * conv->c * conv->k;
    p.m = p.v + tiles_size(conv, conv->c);
    return p;
}

size_t hq_winograd_work(const hq_conv *conv)
{
    return 2 * PLACES * weights_apart(conv) + (size_t)(9 * conv->c * conv->k) + tiles_size(conv, conv->c) +
           tiles_size(conv, conv->k);
}

/* One place of all tiles as a correlation over a line of `tiles` pixels. Its sums go in chains of CHAIN channels, which
 * keeps roundings small. */
static hq_correlation product(int tiles, int c, int k)
{
    const int chains = c % CHAIN == 0 ? c / CHAIN : 1;
    return (hq_correlation){.n = 1,
                            .c = c,
                            .k = k,
                            .t = 1,
                            .r = chains,
                            .patch = c / chains,
                            .od = 1,
                            .oh = 1,
                            .ow = tiles,
                            .row = (size_t)(c / chains),
                            .image = (size_t)tiles * (size_t)c};
}

/* out[16][tiles][k] = in[16][tiles][c] u[16]. */
static void multiply(const hq_conv *conv, int tiles, int c, int k, const hq_real *in, const hq_real *u, hq_real *out)
{
    const hq_correlation shape = product(tiles, c, k);
    const size_t in_apart = hq_places_apart((size_t)(tiles * c)), out_apart = hq_places_apart((size_t)(tiles * k));
    for (size_t p = 0; p < PLACES; p++)
        kernels_of(conv)->correlate(&shape, in + p * in_apart, u + p * weights_apart(conv), NULL, out + p * out_apart);
}

void hq_winograd_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                     hq_real *work)
{
    const hq_nn_kernels *kernels = kernels_of(conv);
    const hq_parts parts = parts_of(conv, work);
    hq_tiling tiling = tiling_of(conv);
    const int rows = conv->n * tiling.th, step = group_rows(conv, &tiling);
    kernels->winograd_weights(conv->c, conv->k, w, parts.u);
    for (int first = 0; first < rows; first += step) {
        tiling.first = first;
        tiling.rows = rows - first < step ? rows - first : step;
        kernels->winograd_input(&tiling, conv->c, x, parts.v);
        multiply(conv, tiling.rows * tiling.tw, conv->c, conv->k, parts.v, parts.u, parts.m);
        kernels->winograd_output(&tiling, conv->k, parts.m, bias, y);
    }
}

/* w[9][c][k] to out[9][k][c], in blocks that stay in the cache. */
static void transpose(const hq_conv *conv, const hq_real *w, hq_real *out)
{
    const int c = conv->c, k = conv->k;
    for (int tap = 0; tap < 9; tap++, w += c * k, out += c * k)
        for (int first = 0; first < k; first += HQ_CONV_WIDTH_MAX)
            for (int ch = 0; ch < c; ch++)
                for (int i = first; i < first + HQ_CONV_WIDTH_MAX; i++) out[i * c + ch] = w[ch * k + i];
}

/* du += tiles of x times tiles of dy, summed over the tiles. */
static void add_weights(const hq_conv *conv, int tiles, const hq_parts *parts)
{
    hq_correlation shape = product(tiles, conv->c, conv->k);
    shape.r = 1, shape.patch = conv->c;
    const size_t v_apart = hq_places_apart((size_t)(tiles * conv->c)),
                 m_apart = hq_places_apart((size_t)(tiles * conv->k));
    for (size_t p = 0; p < PLACES; p++)
        kernels_of(conv)->weights(&shape, parts->v + p * v_apart, parts->m + p * m_apart, conv->k,
                                  parts->du + p * weights_apart(conv));
}

void hq_winograd_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx,
                     hq_real *dw, hq_real *work)
{
    const hq_nn_kernels *kernels = kernels_of(conv);
    const hq_parts parts = parts_of(conv, work);
    hq_tiling tiling = tiling_of(conv);
    const int rows = conv->n * tiling.th, step = group_rows(conv, &tiling);
    memset(parts.du, 0, PLACES * weights_apart(conv) * sizeof *parts.du);
    if (dx) {
        memset(dx, 0, (size_t)conv->n * (size_t)conv->h * (size_t)conv->w * (size_t)conv->c * sizeof *dx);
        transpose(conv, w, parts.turned);
        kernels->winograd_weights(conv->k, conv->c, parts.turned, parts.u);
    }
    for (int first = 0; first < rows; first += step) {
        tiling.first = first;
        tiling.rows = rows - first < step ? rows - first : step;
        const int tiles = tiling.rows * tiling.tw;
        kernels->winograd_input(&tiling, conv->c, x, parts.v);
        kernels->winograd_output_bwd(&tiling, conv->k, dy, parts.m);
        add_weights(conv, tiles, &parts);
        if (!dx) continue;
        multiply(conv, tiles, conv->k, conv->c, parts.m, parts.u, parts.v);
        kernels->winograd_input_bwd(&tiling, conv->c, parts.v, dx);
    }
    kernels->winograd_weights_bwd(conv->c, conv->k, parts.du, dw);
}
