#include "support/reference.h"

#include <math.h>
#include <string.h>

static size_t at5(int i, int z, int y, int x, int ch, int d, int h, int w, int c)
{
    return ((((size_t)i * (size_t)d + (size_t)z) * (size_t)h + (size_t)y) * (size_t)w + (size_t)x) * (size_t)c +
           (size_t)ch;
}

/* One product of a convolution: the places of its input, weight and output numbers. */
typedef void (*conv_term)(void *context, size_t in, size_t weight, size_t out);

static void each_conv_term(const hq_conv *conv, conv_term term, void *context)
{
    const hq_conv v = *conv;
    const int deep = v.t > 1 ? v.pad : 0,
              out[4] = {v.n, v.d + 2 * deep - v.t + 1, v.h + 2 * v.pad - v.r + 1, v.w + 2 * v.pad - v.s + 1};
    const int pixels = out[0] * out[1] * out[2] * out[3], taps = v.t * v.r * v.s;
    for (int pixel = 0; pixel < pixels; pixel++)
        for (int tap = 0; tap < taps; tap++) {
            const int x = pixel % out[3] + tap % v.s - v.pad, y = pixel / out[3] % out[2] + tap / v.s % v.r - v.pad,
                      z = pixel / (out[3] * out[2]) % out[1] + tap / (v.s * v.r) - deep,
                      i = pixel / (out[3] * out[2] * out[1]);
            if (x < 0 || y < 0 || z < 0 || x >= v.w || y >= v.h || z >= v.d) continue;
            for (int ch = 0; ch < v.c; ch++)
                for (int k = 0; k < v.k; k++)
                    term(context, at5(i, z, y, x, ch, v.d, v.h, v.w, v.c), (size_t)((tap * v.c + ch) * v.k + k),
                         (size_t)(pixel * v.k + k));
        }
}

typedef struct conv_arrays {
    const hq_real *x, *w, *dy;
    double *y, *dx, *dw;
} conv_arrays;

static void forward_term(void *context, size_t in, size_t weight, size_t out)
{
    conv_arrays *a = context;
    a->y[out] += (double)a->x[in] * a->w[weight];
}

static void backward_term(void *context, size_t in, size_t weight, size_t out)
{
    conv_arrays *a = context;
    a->dx[in] += (double)a->dy[out] * a->w[weight];
    a->dw[weight] += (double)a->dy[out] * a->x[in];
}

static size_t conv_outputs(const hq_conv *conv)
{
    return (size_t)(conv->n * hq_conv_out_d(conv) * hq_conv_out_h(conv) * hq_conv_out_w(conv));
}

void ref_conv_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, double *y)
{
    conv_arrays arrays = {.x = x, .w = w, .y = y};
    for (size_t i = 0; i < conv_outputs(conv) * (size_t)conv->k; i++) y[i] = bias[i % (size_t)conv->k];
    each_conv_term(conv, forward_term, &arrays);
}

void ref_conv_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, double *dx, double *dw,
                  double *dbias)
{
    conv_arrays arrays = {.x = x, .w = w, .dy = dy, .dx = dx, .dw = dw};
    memset(dx, 0, (size_t)(conv->n * conv->d * conv->h * conv->w * conv->c) * sizeof *dx);
    memset(dw, 0, (size_t)(conv->t * conv->r * conv->s * conv->c * conv->k) * sizeof *dw);
    memset(dbias, 0, (size_t)conv->k * sizeof *dbias);
    each_conv_term(conv, backward_term, &arrays);
    for (size_t i = 0; i < conv_outputs(conv) * (size_t)conv->k; i++) dbias[i % (size_t)conv->k] += dy[i];
}

void ref_dense_fwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *bias, double *y)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < out; k++) {
            double sum = bias[k];
            for (int j = 0; j < in; j++) sum += (double)x[i * in + j] * w[j * out + k];
            y[i * out + k] = sum;
        }
}

void ref_dense_bwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *dy, double *dx,
                   double *dw, double *dbias)
{
    memset(dx, 0, (size_t)(n * in) * sizeof *dx);
    memset(dw, 0, (size_t)(in * out) * sizeof *dw);
    memset(dbias, 0, (size_t)out * sizeof *dbias);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < out; k++) {
            double g = dy[i * out + k];
            dbias[k] += g;
            for (int j = 0; j < in; j++) {
                dx[i * in + j] += g * w[j * out + k];
                dw[j * out + k] += g * x[i * in + j];
            }
        }
}

/* Mean and variance of one set. */
static size_t set_statistics(const ref_norm *norm, int set, const hq_real *x, double *mean, double *var)
{
    size_t members = 0;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < norm->count; i++)
        if (norm->set[i] == set) members++, sum += x[i];
    *mean = sum / (double)members;
    for (size_t i = 0; i < norm->count; i++)
        if (norm->set[i] == set) squares += (x[i] - *mean) * (x[i] - *mean);
    *var = squares / (double)members;
    return members;
}

void ref_norm_fwd(const ref_norm *norm, const hq_real *x, const hq_real *scale, const hq_real *shift, double *y,
                  double *mean, double *var)
{
    for (int set = 0; set < norm->sets; set++) set_statistics(norm, set, x, mean + set, var + set);
    for (size_t i = 0; i < norm->count; i++) {
        int set = norm->set[i], ch = norm->channel[i];
        y[i] = scale[ch] * (x[i] - mean[set]) / sqrt(var[set] + norm->eps) + shift[ch];
    }
}

void ref_norm_bwd(const ref_norm *norm, const hq_real *x, const hq_real *scale, const hq_real *dy, double *dx,
                  double *dscale, double *dshift)
{
    memset(dscale, 0, (size_t)norm->channels * sizeof *dscale);
    memset(dshift, 0, (size_t)norm->channels * sizeof *dshift);
    for (int set = 0; set < norm->sets; set++) {
        double mean, var, dmean = 0, dvar = 0;
        double members = (double)set_statistics(norm, set, x, &mean, &var);
        double root = sqrt(var + norm->eps);
        for (size_t i = 0; i < norm->count; i++) {
            if (norm->set[i] != set) continue;
            int ch = norm->channel[i];
            dscale[ch] += dy[i] * (x[i] - mean) / root;
            dshift[ch] += dy[i];
            dvar += (double)dy[i] * scale[ch] * (x[i] - mean) * -0.5 / (root * root * root);
            dmean -= (double)dy[i] * scale[ch] / root;
        }
        for (size_t i = 0; i < norm->count; i++)
            if (norm->set[i] == set)
                dx[i] = (double)dy[i] * scale[norm->channel[i]] / root + dvar * 2 * (x[i] - mean) / members +
                        dmean / members;
    }
}

/* Place of the first largest input of a cell of dz x dy x dx pixels. */
static size_t largest(const hq_norm *l, const double *x, int i, int z, int y, int col, int ch)
{
    const int side = l->pool ? 2 : 1, deep = l->pool && l->d > 1 ? 2 : 1;
    size_t best = at5(i, deep * z, side * y, side * col, ch, l->d, l->h, l->w, l->c);
    for (int dz = 0; dz < deep; dz++)
        for (int dy = 0; dy < side; dy++)
            for (int dx = 0; dx < side; dx++) {
                size_t at = at5(i, deep * z + dz, side * y + dy, side * col + dx, ch, l->d, l->h, l->w, l->c);
                if (x[at] > x[best]) best = at;
            }
    return best;
}

void ref_relu_pool(const hq_norm *l, const double *x, double *y, size_t *place)
{
    const int d = l->pool && l->d > 1 ? l->d / 2 : l->d, h = l->pool ? l->h / 2 : l->h, w = l->pool ? l->w / 2 : l->w;
    for (int i = 0; i < l->n; i++)
        for (int z = 0; z < d; z++)
            for (int row = 0; row < h; row++)
                for (int col = 0; col < w; col++)
                    for (int ch = 0; ch < l->c; ch++) {
                        size_t at = at5(i, z, row, col, ch, d, h, w, l->c);
                        place[at] = largest(l, x, i, z, row, col, ch);
                        y[at] = x[place[at]] > 0 ? x[place[at]] : 0;
                    }
}

/* Whether a pixel of `size` lies in cell i of `out`, and how many do. */
static bool in_cell(int size, int out, int i, int pixel)
{
    return pixel >= floor((double)i * size / out) && pixel < ceil((i + 1.0) * size / out);
}

static double cell_size(int size, int out, int i)
{
    return ceil((i + 1.0) * size / out) - floor((double)i * size / out);
}

/* Share of pixel (z, y, x) in the mean of cell (oz, oy, ox). */
static double share(const ref_cells *p, const int cell[3], const int pixel[3])
{
    const int size[3] = {p->d, p->h, p->w}, out[3] = {p->out_d, p->out, p->out};
    double part = 1;
    for (int axis = 0; axis < 3; axis++) {
        if (!in_cell(size[axis], out[axis], cell[axis], pixel[axis])) return 0;
        part /= cell_size(size[axis], out[axis], cell[axis]);
    }
    return part;
}

/* Adds share times `from` to `to`, for all pixels and cells; forwards from pixels to cells. */
static void each_share(const ref_cells *p, bool forwards, const hq_real *from, double *to)
{
    const int pixels = p->d * p->h * p->w, cells = p->out_d * p->out * p->out;
    for (int i = 0; i < p->n; i++)
        for (int a = 0; a < pixels; a++)
            for (int b = 0; b < cells; b++) {
                const int pixel[3] = {a / (p->h * p->w), a / p->w % p->h, a % p->w};
                const int cell[3] = {b / (p->out * p->out), b / p->out % p->out, b % p->out};
                const double part = share(p, cell, pixel);
                for (int ch = 0; ch < p->c; ch++) {
                    const int in = (i * pixels + a) * p->c + ch, out = (i * cells + b) * p->c + ch;
                    to[forwards ? out : in] += part * from[forwards ? in : out];
                }
            }
}

void ref_avgpool_fwd(const ref_cells *p, const hq_real *x, double *y)
{
    memset(y, 0, (size_t)(p->n * p->out_d * p->out * p->out * p->c) * sizeof *y);
    each_share(p, true, x, y);
}

void ref_avgpool_bwd(const ref_cells *p, const hq_real *dy, double *dx)
{
    memset(dx, 0, (size_t)(p->n * p->d * p->h * p->w * p->c) * sizeof *dx);
    each_share(p, false, dy, dx);
}

double ref_softmax_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                        double denominator, double *dlogits)
{
    double loss = 0;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < classes; k++) sum += exp(logits[i * classes + k]);
        for (int k = 0; k < classes; k++) {
            double p = exp(logits[i * classes + k]) / sum, hot = k == labels[i] ? 1 : 0;
            loss -= class_weight[labels[i]] * hot * log(p) / denominator;
            dlogits[i * classes + k] = class_weight[labels[i]] * (p - hot) / denominator;
        }
    }
    return loss;
}

double ref_sigmoid_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                        double denominator, double *dlogits)
{
    double loss = 0;
    for (int i = 0; i < n * classes; i++) {
        double p = 1 / (1 + exp(-logits[i])), t = labels[i], weight = class_weight[i % classes];
        loss -= (weight * t * log(p) + (1 - t) * log(1 - p)) / denominator;
        dlogits[i] = ((1 - t) * p - weight * t * (1 - p)) / denominator;
    }
    return loss;
}
