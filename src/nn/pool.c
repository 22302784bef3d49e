#include "hqcnn/nn.h"
#include "nn/rows.h"

#include <string.h>

/* One output pixel: the four input pixels a, b (upper row), c, d (lower row). A NaN wins over every number. */
static void pool_pixel(int channels, const hq_real *a, const hq_real *b, const hq_real *c, const hq_real *d, hq_real *y,
                       uint8_t *choice)
{
    HQ_ROWS_VECTOR
    for (int ch = 0; ch < channels; ch++) {
        hq_real best = a[ch];
        uint8_t at = 0;
        bool better = (b[ch] > best) | (b[ch] != b[ch]);
        best = better ? b[ch] : best;
        at = better ? 1 : at;
        better = (c[ch] > best) | (c[ch] != c[ch]);
        best = better ? c[ch] : best;
        at = better ? 2 : at;
        better = (d[ch] > best) | (d[ch] != d[ch]);
        y[ch] = better ? d[ch] : best;
        choice[ch] = better ? 3 : at;
    }
}

void hq_maxpool_fwd(int n, int h, int w, int c, const hq_real *x, hq_real *y, uint8_t *choice)
{
    int64_t row = (int64_t)w * c;
    for (int i = 0; i < n; i++)
        for (int oy = 0; oy < h / 2; oy++)
            for (int ox = 0; ox < w / 2; ox++, y += c, choice += c) {
                const hq_real *a = x + ((int64_t)i * h + 2 * oy) * row + (int64_t)2 * ox * c;
                pool_pixel(c, a, a + c, a + row, a + row + c, y, choice);
            }
}

/* Every input pixel that belongs to a cell is written here: dy where it was chosen, else 0. */
static void unpool_pixel(int channels, const uint8_t *choice, const hq_real *dy, uint8_t place, hq_real *dx)
{
    HQ_ROWS_VECTOR
    for (int ch = 0; ch < channels; ch++) {
        hq_real g = dy[ch]; /* always read: a conditional read would not be vectorised */
        dx[ch] = choice[ch] == place ? g : 0;
    }
}

void hq_maxpool_bwd(int n, int h, int w, int c, const uint8_t *choice, const hq_real *dy, hq_real *dx)
{
    int64_t row = (int64_t)w * c;
    for (int i = 0; i < n; i++, dx += h * row) {
        for (int oy = 0; oy < h / 2; oy++) {
            hq_real *upper = dx + 2 * oy * row, *lower = upper + row;
            for (int ox = 0; ox < w / 2; ox++, choice += c, dy += c) {
                for (uint8_t place = 0; place < 2; place++) {
                    int64_t at = (int64_t)(2 * ox + place) * c;
                    unpool_pixel(c, choice, dy, place, upper + at);
                    unpool_pixel(c, choice, dy, (uint8_t)(place + 2), lower + at);
                }
            }
            if (w % 2 == 0) continue;
            memset(upper + row - c, 0, (size_t)c * sizeof *dx);
            memset(lower + row - c, 0, (size_t)c * sizeof *dx);
        }
        if (h % 2) memset(dx + (h - 1) * row, 0, (size_t)row * sizeof *dx);
    }
}

/* Pixels [from, to) of `size` under cell i of `out`. */
static void cell_range(int size, int out, int i, int *from, int *to)
{
    *from = (int)((int64_t)i * size / out);
    *to = (int)(((int64_t)(i + 1) * size + out - 1) / out);
}

typedef struct window {
    int top, bottom, left, right; /* pixels of a cell, ends excluded */
} window;

static window cell_window(int h, int w, int out, int oy, int ox)
{
    window cell;
    cell_range(h, out, oy, &cell.top, &cell.bottom);
    cell_range(w, out, ox, &cell.left, &cell.right);
    return cell;
}

static double window_area(window cell) { return (double)(cell.bottom - cell.top) * (cell.right - cell.left); }

/* Mean over the window of one image x[h][w][c]. */
static void average_window(window cell, int w, int c, const hq_real *x, hq_real *y)
{
    for (int first = 0; first < c; first += HQ_ROWS_BLOCK) {
        int width = hq_rows_width(first, c);
        double sum[HQ_ROWS_BLOCK] = {0};
        for (int iy = cell.top; iy < cell.bottom; iy++)
            hq_rows_sum(cell.right - cell.left, width, c, x + ((int64_t)iy * w + cell.left) * c + first, sum);
        for (int ch = 0; ch < width; ch++) y[first + ch] = (hq_real)(sum[ch] / window_area(cell));
    }
}

void hq_avgpool_fwd(int n, int h, int w, int c, int out, const hq_real *x, hq_real *y)
{
    for (int i = 0; i < n; i++, x += (int64_t)h * w * c)
        for (int oy = 0; oy < out; oy++)
            for (int ox = 0; ox < out; ox++, y += c) average_window(cell_window(h, w, out, oy, ox), w, c, x, y);
}

static void spread_window(window cell, int w, int c, const hq_real *dy, hq_real *dx)
{
    hq_real share = (hq_real)(1 / window_area(cell));
    for (int iy = cell.top; iy < cell.bottom; iy++)
        for (int ix = cell.left; ix < cell.right; ix++) {
            hq_real *pixel = dx + ((int64_t)iy * w + ix) * c;
            HQ_ROWS_VECTOR
            for (int ch = 0; ch < c; ch++) pixel[ch] += share * dy[ch];
        }
}

void hq_avgpool_bwd(int n, int h, int w, int c, int out, const hq_real *dy, hq_real *dx)
{
    memset(dx, 0, (size_t)n * h * w * c * sizeof *dx);
    for (int i = 0; i < n; i++, dx += (int64_t)h * w * c)
        for (int oy = 0; oy < out; oy++)
            for (int ox = 0; ox < out; ox++, dy += c) spread_window(cell_window(h, w, out, oy, ox), w, c, dy, dx);
}
