/* pool.c: adaptive average pooling. */
#include "hqcnn/nn.h"
#include "nn/rows.h"

#include <string.h>

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
