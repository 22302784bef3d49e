/* conv.c: convolutions by direct kernels, or by Winograd's algorithm where that suits. Direct: the gradient of the
 * input is a convolution too: of the outputs' gradient, with the kernel turned by half a turn and inputs and outputs
 * exchanged. */
#include "hqcnn/nn.h"
#include "nn/conv_bf16.h"
#include "nn/kernels.h"
#include "nn/rows.h"
#include "nn/winograd.h"

#include <string.h>

/* No padding in depth for kernels of one plane. */
static int pad_d(const hq_conv *conv) { return conv->t > 1 ? conv->pad : 0; }

int hq_conv_out_d(const hq_conv *conv) { return conv->d + 2 * pad_d(conv) - conv->t + 1; }

int hq_conv_out_h(const hq_conv *conv) { return conv->h + 2 * conv->pad - conv->r + 1; }

int hq_conv_out_w(const hq_conv *conv) { return conv->w + 2 * conv->pad - conv->s + 1; }

static const hq_nn_kernels *kernels_of(const hq_conv *conv)
{
    const hq_nn_kernels *kernels = hq_nn_kernels_find(conv->kernel);
    HQ_ASSERT(kernels);
    return kernels;
}

/* ---- work memory ---- */

static size_t rounded(size_t n) { return (n + HQ_CONV_WIDTH_MAX - 1) / HQ_CONV_WIDTH_MAX * HQ_CONV_WIDTH_MAX; }

static size_t product(int a, int b, int c, int d) { return (size_t)a * (size_t)b * (size_t)c * (size_t)d; }

static size_t pixels_out(const hq_conv *conv)
{
    return product(conv->n, hq_conv_out_d(conv), hq_conv_out_h(conv), hq_conv_out_w(conv));
}
static int taps(const hq_conv *conv) { return conv->t * conv->r * conv->s; }

/* Numbers of: the images with padding around; weights in tiles; gradients of the outputs with a border as wide as the
 * kernel; the same with channels filled up to whole vectors. */
static size_t padded_size(const hq_conv *conv)
{
    if (conv->pad == 0) return 0;
    return rounded(product(conv->n, conv->d + 2 * pad_d(conv), conv->h + 2 * conv->pad, conv->w + 2 * conv->pad) *
                   (size_t)conv->c);
}
static size_t packed_size(const hq_conv *conv)
{
    return (size_t)taps(conv) * rounded((size_t)conv->c) * rounded((size_t)conv->k);
}
static size_t border_size(const hq_conv *conv)
{
    return rounded(product(conv->n, conv->d + conv->t - 1, conv->h + conv->r - 1, conv->w + conv->s - 1) *
                   (size_t)conv->k);
}
static size_t filled_size(const hq_conv *conv) { return pixels_out(conv) * rounded((size_t)conv->k); }

size_t hq_conv_work(const hq_conv *conv)
{
    if (hq_conv_bf16_suits(conv)) return hq_conv_bf16_work(conv);
    const size_t border = border_size(conv), filled = filled_size(conv), back = border > filled ? border : filled;
    const size_t forward = padded_size(conv) + packed_size(conv);
    if (!hq_winograd_suits_bwd(conv)) return forward + back;
    const size_t winograd = hq_winograd_work(conv);
    return hq_winograd_suits(conv) || winograd > forward ? winograd : forward;
}

size_t hq_conv_kept(const hq_conv *conv) { return hq_conv_bf16_suits(conv) ? hq_conv_bf16_kept(conv) : 0; }

/* ---- copies ---- */

/* Images [h][w][c] in larger ones [h + 2 pad_h][w + 2 pad_w][c] of zeros; a negative pad cuts off. x: NULL for an image
 * of zeros. Returns the end of what was written. */
static hq_real *copy_padded(int h, int w, int c, int pad_h, int pad_w, const hq_real *x, hq_real *out)
{
    const int oh = h + 2 * pad_h, ow = w + 2 * pad_w;
    const int left = pad_w > 0 ? pad_w : 0, from = pad_w < 0 ? -pad_w : 0, width = w - 2 * from;
    const size_t row = (size_t)ow * (size_t)c;
    for (int y = 0; y < oh; y++, out += row) {
        const int iy = y - pad_h;
        if (!x || iy < 0 || iy >= h) {
            memset(out, 0, row * sizeof *out);
            continue;
        }
        const hq_real *in = x + ((size_t)iy * (size_t)w + (size_t)from) * (size_t)c;
        memset(out, 0, (size_t)(left * c) * sizeof *out);
        memcpy(out + left * c, in, (size_t)(width * c) * sizeof *out);
        memset(out + (left + width) * c, 0, (size_t)((ow - left - width) * c) * sizeof *out);
    }
    return out;
}

/* The same of volumes x[n][d][h][w][c]. */
static void copy_padded_volumes(int n, int d, int h, int w, int c, const int pad[3], const hq_real *x, hq_real *out)
{
    const size_t plane = product(1, h, w, c);
    for (int i = 0; i < n; i++, x += (size_t)d * plane)
        for (int z = -pad[0]; z < d + pad[0]; z++)
            out = copy_padded(h, w, c, pad[1], pad[2], z >= 0 && z < d ? x + (size_t)z * plane : NULL, out);
}

/* Channels filled up with zeros to a multiple of the width. */
static void copy_filled(size_t pixels, int k, int filled, const hq_real *dy, hq_real *out)
{
    for (size_t p = 0; p < pixels; p++, dy += k, out += filled) {
        memcpy(out, dy, (size_t)k * sizeof *out);
        memset(out + k, 0, (size_t)(filled - k) * sizeof *out);
    }
}

/* One row of a tile: `channels` weights, `stride` numbers apart, zeros behind them. */
static void pack_tile(const hq_real *w, size_t stride, int channels, int width, hq_real *out)
{
    for (int ch = 0; ch < width; ch++) out[ch] = ch < channels ? w[(size_t)ch * stride] : 0;
}

/* Weights [t][r][s][c][k] in tiles of output channels: [tile][t][r][s][c][width of the tile]. */
static void pack(const hq_nn_kernels *kernels, const hq_conv *conv, const hq_real *w, hq_real *out)
{
    const int rows = taps(conv) * conv->c, k = conv->k;
    for (int first = 0, width; first < k; first += width) {
        width = hq_conv_tile(kernels, k, first);
        for (int row = 0; row < rows; row++, out += width)
            pack_tile(w + (size_t)row * (size_t)k + first, 1, k - first, width, out);
    }
}

/* The same of the turned kernel [t][r][s][k][c], inputs and outputs exchanged. */
static void pack_turned(const hq_nn_kernels *kernels, const hq_conv *conv, const hq_real *w, hq_real *out)
{
    const int c = conv->c, k = conv->k;
    for (int first = 0, width; first < c; first += width) {
        width = hq_conv_tile(kernels, c, first);
        for (int tap = taps(conv) - 1; tap >= 0; tap--)
            for (int from = 0; from < k; from++, out += width)
                pack_tile(w + ((size_t)tap * (size_t)c + (size_t)first) * (size_t)k + from, (size_t)k, c - first, width,
                          out);
    }
}

/* ---- convolutions ---- */

/* The images with their padding: as they are, or copied into work memory. */
static const hq_real *with_padding(const hq_conv *conv, const hq_real *x, hq_real *work)
{
    const int pad[3] = {pad_d(conv), conv->pad, conv->pad};
    if (conv->pad == 0) return x;
    copy_padded_volumes(conv->n, conv->d, conv->h, conv->w, conv->c, pad, x, work);
    return work;
}

/* The kernels of `conv` over images of d x h x w x c, k outputs, no padding. */
static hq_correlation correlation(const hq_conv *conv, int d, int h, int w, int c, int k)
{
    const size_t row = (size_t)w * (size_t)c, plane = (size_t)h * row;
    return (hq_correlation){.n = conv->n,
                            .c = c,
                            .k = k,
                            .t = conv->t,
                            .r = conv->r,
                            .patch = conv->s * c,
                            .od = d - conv->t + 1,
                            .oh = h - conv->r + 1,
                            .ow = w - conv->s + 1,
                            .row = row,
                            .plane = plane,
                            .image = (size_t)d * plane};
}

static hq_correlation forward_shape(const hq_conv *conv)
{
    HQ_ASSERT(hq_conv_out_d(conv) > 0 && hq_conv_out_h(conv) > 0 && hq_conv_out_w(conv) > 0);
    return correlation(conv, conv->d + 2 * pad_d(conv), conv->h + 2 * conv->pad, conv->w + 2 * conv->pad, conv->c,
                       conv->k);
}

void hq_conv_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                 hq_real *work, hq_real *kept)
{
    if (hq_conv_bf16_suits(conv)) {
        hq_conv_bf16_fwd(conv, x, w, bias, y, work, kept);
        return;
    }
    if (hq_winograd_suits(conv)) {
        hq_winograd_fwd(conv, x, w, bias, y, work);
        return;
    }
    const hq_nn_kernels *kernels = kernels_of(conv);
    const hq_correlation shape = forward_shape(conv);
    hq_real *packed = work + padded_size(conv);
    pack(kernels, conv, w, packed);
    kernels->correlate(&shape, with_padding(conv, x, work), packed, bias, y);
}

static void weights_bwd(const hq_conv *conv, const hq_real *x, const hq_real *dy, hq_real *dw, hq_real *work)
{
    const hq_nn_kernels *kernels = kernels_of(conv);
    const hq_correlation shape = forward_shape(conv);
    const int filled = (conv->k + kernels->width - 1) / kernels->width * kernels->width;
    hq_real *copy = work + padded_size(conv) + packed_size(conv);
    if (filled != conv->k) {
        copy_filled(pixels_out(conv), conv->k, filled, dy, copy);
        dy = copy;
    }
    memset(dw, 0, (size_t)taps(conv) * (size_t)conv->c * (size_t)conv->k * sizeof *dw);
    kernels->weights(&shape, with_padding(conv, x, work), dy, filled, dw);
}

static void input_bwd(const hq_conv *conv, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *work)
{
    const hq_nn_kernels *kernels = kernels_of(conv);
    hq_real *packed = work + padded_size(conv), *bordered = packed + packed_size(conv);
    const int border[3] = {conv->t - 1 - pad_d(conv), conv->r - 1 - conv->pad, conv->s - 1 - conv->pad};
    const hq_correlation shape =
        correlation(conv, conv->d + conv->t - 1, conv->h + conv->r - 1, conv->w + conv->s - 1, conv->k, conv->c);
    copy_padded_volumes(conv->n, hq_conv_out_d(conv), hq_conv_out_h(conv), hq_conv_out_w(conv), conv->k, border, dy,
                        bordered);
    pack_turned(kernels, conv, w, packed);
    kernels->correlate(&shape, bordered, packed, NULL, dx);
}

void hq_conv_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *dw,
                 hq_real *dbias, hq_real *work, const hq_real *kept)
{
    if (dbias) hq_rows_total((int64_t)pixels_out(conv), conv->k, dy, dbias);
    if (hq_conv_bf16_suits(conv)) {
        hq_conv_bf16_bwd(conv, w, dy, dx, dw, work, kept);
        return;
    }
    if (hq_winograd_suits_bwd(conv)) {
        hq_winograd_bwd(conv, x, w, dy, dx, dw, work);
        return;
    }
    weights_bwd(conv, x, dy, dw, work);
    if (dx) input_bwd(conv, w, dy, dx, work);
}
