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
    int front, back, top, bottom, left, right; /* pixels of a cell, ends excluded */
} window;

/* Cell `i` of all cells of a volume, in memory order. */
static window cell_window(int d, int h, int w, int out_d, int out, int i)
{
    window cell;
    cell_range(d, out_d, i / (out * out), &cell.front, &cell.back);
    cell_range(h, out, i / out % out, &cell.top, &cell.bottom);
    cell_range(w, out, i % out, &cell.left, &cell.right);
    return cell;
}

static double window_size(window cell)
{
    return (double)(cell.back - cell.front) * (cell.bottom - cell.top) * (cell.right - cell.left);
}

/* Mean over the window of one volume x[d][h][w][c]. */
static void average_window(window cell, int h, int w, int c, const hq_real *x, hq_real *y)
{
    for (int first = 0; first < c; first += HQ_ROWS_BLOCK) {
        int width = hq_rows_width(first, c);
        double sum[HQ_ROWS_BLOCK] = {0};
        for (int z = cell.front; z < cell.back; z++)
            for (int iy = cell.top; iy < cell.bottom; iy++)
                hq_rows_sum(cell.right - cell.left, width, c, x + (((int64_t)z * h + iy) * w + cell.left) * c + first,
                            sum);
        for (int ch = 0; ch < width; ch++) y[first + ch] = (hq_real)(sum[ch] / window_size(cell));
    }
}

void hq_avgpool_fwd(int n, int d, int h, int w, int c, int out_d, int out, const hq_real *x, hq_real *y)
{
    for (int i = 0; i < n; i++, x += (int64_t)d * h * w * c)
        for (int cell = 0; cell < out_d * out * out; cell++, y += c)
            average_window(cell_window(d, h, w, out_d, out, cell), h, w, c, x, y);
}

static void spread_window(window cell, int h, int w, int c, const hq_real *dy, hq_real *dx)
{
    hq_real share = (hq_real)(1 / window_size(cell));
    for (int z = cell.front; z < cell.back; z++)
        for (int iy = cell.top; iy < cell.bottom; iy++)
            for (int ix = cell.left; ix < cell.right; ix++) {
                hq_real *pixel = dx + (((int64_t)z * h + iy) * w + ix) * c;
                HQ_ROWS_VECTOR
                for (int ch = 0; ch < c; ch++) pixel[ch] += share * dy[ch];
            }
}

void hq_avgpool_bwd(int n, int d, int h, int w, int c, int out_d, int out, const hq_real *dy, hq_real *dx)
{
    const size_t size = (size_t)d * (size_t)h * (size_t)w * (size_t)c;
    memset(dx, 0, (size_t)n * size * sizeof *dx);
    for (int i = 0; i < n; i++, dx += size)
        for (int cell = 0; cell < out_d * out * out; cell++, dy += c)
            spread_window(cell_window(d, h, w, out_d, out, cell), h, w, c, dy, dx);
}
