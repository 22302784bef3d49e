/* Every backward function against finite differences of its forward function, in double.
 *
 * A layer becomes a number through fixed random coefficients: f = sum_i dy[i] y[i], so that df/dx is what _bwd computes
 * from dy. Four points: f' = (-f(x + 2h) + 8 f(x + h) - 8 f(x - h) + f(x - 2h)) / 12h, error of order h^4. */
#include "hqcnn/config.h"
#include "nn/arrays.h"

typedef double (*objective)(void *context);

static double difference(objective f, void *context, hq_real *x)
{
    const double h = 1e-3, weight[4] = {1, -8, 8, -1}, offset[4] = {-2, -1, 1, 2};
    hq_real kept = *x;
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        *x = kept + offset[i] * h;
        sum += weight[i] * f(context);
    }
    *x = kept;
    return sum / (12 * h);
}

static void check_gradient(const char *name, objective f, void *context, size_t count, hq_real *x, const hq_real *dx)
{
    double *expected = double_array(count);
    for (size_t i = 0; i < count; i++) expected[i] = difference(f, context, x + i);
    check_array(name, count, dx, expected, 1e-8);
    free(expected);
}

/* All arrays of a layer; `count` numbers go in, `out` come out, `params` per parameter array. */
typedef struct layer {
    void (*forward)(struct layer *);
    size_t count, out, params, work;
    int h, w, cells;
    hq_conv conv;
    hq_norm norm;
    hq_real *x, *a, *b, *dy, *y, *mean, *var, *scratch; /* a, b: weight and bias, or scale and shift */
    uint8_t *choice;
    hq_real *dx, *da, *db;
} layer;

static layer make_layer(size_t count, size_t out, size_t n_a, size_t n_b)
{
    layer l = {.count = count, .out = out};
    l.x = distinct_array(count), l.a = random_array(n_a), l.b = random_array(n_b), l.dy = random_array(out);
    l.y = output_array(out), l.dx = output_array(count), l.da = output_array(n_a), l.db = output_array(n_b);
    return l;
}

static void free_layer(layer *l)
{
    void *arrays[] = {l->x, l->a, l->b, l->dy, l->y, l->mean, l->var, l->scratch, l->choice, l->dx, l->da, l->db};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static double layer_value(void *context)
{
    layer *l = context;
    l->forward(l);
    double sum = 0;
    for (size_t i = 0; i < l->out; i++) sum += l->dy[i] * l->y[i];
    return sum;
}

static void conv_forward(layer *l) { hq_conv_fwd(&l->conv, l->x, l->a, l->b, l->y, l->scratch, NULL); }

static void test_conv(void)
{
    for (int variant = 0; variant < 4; variant++) {
        const int volume = variant / 2;
        hq_conv conv = {2, 1 + 2 * volume, 4, 5, 3, 4, 1 + volume, 3, 2, variant % 2, HQ_COMPUTE_KERNEL_AUTO, 0};
        const size_t in = (size_t)(2 * conv.d * 4 * 5 * 3), weights = (size_t)(conv.t * 3 * 2 * 3 * 4);
        const size_t out = (size_t)(2 * hq_conv_out_d(&conv) * hq_conv_out_h(&conv) * hq_conv_out_w(&conv) * 4);
        layer l = make_layer(in, out, weights, 4);
        l.forward = conv_forward, l.conv = conv, l.scratch = output_array(hq_conv_work(&conv));
        hq_conv_bwd(&conv, l.x, l.a, l.dy, l.dx, l.da, l.db, l.scratch, NULL);
        check_gradient("conv dx", layer_value, &l, l.count, l.x, l.dx);
        check_gradient("conv dw", layer_value, &l, weights, l.a, l.da);
        check_gradient("conv dbias", layer_value, &l, 4, l.b, l.db);
        free_layer(&l);
    }
}

static void dense_forward(layer *l) { hq_dense_fwd(5, 7, 3, l->x, l->a, l->b, l->y); }

static void test_dense(void)
{
    layer l = make_layer(5 * 7, 5 * 3, 7 * 3, 3);
    l.forward = dense_forward;
    hq_dense_bwd(5, 7, 3, l.x, l.a, l.dy, l.dx, l.da, l.db);
    check_gradient("dense dx", layer_value, &l, l.count, l.x, l.dx);
    check_gradient("dense dw", layer_value, &l, 7 * 3, l.a, l.da);
    check_gradient("dense dbias", layer_value, &l, 3, l.b, l.db);
    free_layer(&l);
}

static void norm_forward(layer *l)
{
    hq_norm_statistics(&l->norm, l->x, l->mean, l->var, l->scratch);
    hq_norm_fwd(&l->norm, l->x, l->a, l->b, l->mean, l->var, l->y, l->choice, l->scratch);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Shifts such that 0, the kink of ReLU, lies in the widest gap of the middle half of a channel's numbers before ReLU.
 */
static void shift_from_zero(layer *l)
{
    const hq_norm *norm = &l->norm;
    const size_t c = (size_t)norm->c, rows = l->count / c, image = rows / (size_t)norm->n;
    double *y = double_array(rows);
    for (size_t ch = 0; ch < c; ch++) {
        for (size_t row = 0; row < rows; row++) {
            const size_t group = row / image * (size_t)norm->groups + ch * (size_t)norm->groups / c;
            const size_t set = norm->kind == HQ_NORM_BATCH ? ch : group;
            y[row] = l->a[ch] * (l->x[row * c + ch] - l->mean[set]) / sqrt(l->var[set] + norm->eps);
        }
        qsort(y, rows, sizeof *y, by_size);
        size_t widest = rows / 4;
        for (size_t i = widest; i + 1 < rows && i <= 3 * rows / 4; i++)
            if (y[i + 1] - y[i] > y[widest + 1] - y[widest]) widest = i;
        l->b[ch] = -(y[widest] + y[widest + 1]) / 2;
    }
    free(y);
}

/* Norm, ReLU and pooling. */
static void check_norm(hq_norm norm)
{
    norm.eps = 1e-5;
    const size_t c = (size_t)norm.c, count = (size_t)(norm.n * norm.d * norm.h * norm.w) * c,
                 out = (size_t)(norm.n * hq_norm_out_d(&norm) * hq_norm_out_h(&norm) * hq_norm_out_w(&norm)) * c;
    layer l = make_layer(count, out, c, c);
    for (size_t i = 0; i < count; i++) l.x[i] *= 100 / (double)count;
    for (size_t i = 0; i < c; i++) l.a[i] += l.a[i] < 0 ? -1 : 1;
    l.forward = norm_forward, l.norm = norm, l.choice = malloc(out);
    l.mean = output_array(hq_norm_statistics_size(&norm)), l.var = output_array(hq_norm_statistics_size(&norm));
    l.scratch = output_array(hq_norm_work(&norm));
    norm_forward(&l);
    if (norm.kind != HQ_NORM_NONE) shift_from_zero(&l);
    norm_forward(&l);
    hq_norm_bwd(&norm, l.x, l.choice, l.a, l.b, l.mean, l.var, l.dy, l.dx, l.da, l.db, l.scratch);
    check_gradient("norm dx", layer_value, &l, count, l.x, l.dx);
    if (norm.kind != HQ_NORM_NONE) {
        check_gradient("norm dscale", layer_value, &l, c, l.a, l.da);
        check_gradient("norm dshift", layer_value, &l, c, l.b, l.db);
    }
    free_layer(&l);
}

static void test_norm(void)
{
    for (int pool = 0; pool < 2; pool++) {
        /*                    kind      groups eps n  d  h  w  c */
        check_norm((hq_norm){HQ_NORM_BATCH, 0, 0, 2, 1, 3, 4, 3, pool, 0});
        check_norm((hq_norm){HQ_NORM_BATCH, 0, 0, 1, 3, 2, 3, 10, pool, 0});
        check_norm((hq_norm){HQ_NORM_GROUP, 3, 0, 2, 1, 5, 2, 6, pool, 0});
        check_norm((hq_norm){HQ_NORM_GROUP, 1, 0, 2, 2, 2, 2, 4, pool, 0});
        check_norm((hq_norm){HQ_NORM_NONE, 0, 0, 2, 2, 3, 2, 5, pool, 0});
    }
}

static void relu_forward(layer *l) { hq_relu_fwd(l->count, l->x, l->y); }

static void test_relu(void)
{
    layer l = make_layer(33, 33, 0, 0);
    l.forward = relu_forward;
    relu_forward(&l);
    hq_relu_bwd(33, l.y, l.dy, l.dx);
    check_gradient("relu dx", layer_value, &l, 33, l.x, l.dx);
    free_layer(&l);
}

static void tanh_forward(layer *l) { hq_tanh_fwd(l->count, 1.5707963267948966, l->x, l->y); }

static void test_tanh(void)
{
    layer l = make_layer(200, 200, 0, 0); /* up to x = 2 */
    l.forward = tanh_forward;
    tanh_forward(&l);
    hq_tanh_bwd(200, 1.5707963267948966, l.y, l.dy, l.dx);
    check_gradient("tanh dx", layer_value, &l, 200, l.x, l.dx);
    free_layer(&l);
}

static void avgpool_forward(layer *l) { hq_avgpool_fwd(2, 1, l->h, l->w, 3, 1, l->cells, l->x, l->y); }

static void test_avgpool(void)
{
    const int sizes[][3] = {{7, 5, 3}, {3, 4, 4}, {8, 8, 4}};
    for (int i = 0; i < 3; i++) {
        int h = sizes[i][0], w = sizes[i][1], cells = sizes[i][2];
        layer l = make_layer((size_t)(2 * h * w * 3), (size_t)(2 * cells * cells * 3), 0, 0);
        l.forward = avgpool_forward, l.h = h, l.w = w, l.cells = cells;
        hq_avgpool_bwd(2, 1, h, w, 3, 1, cells, l.dy, l.dx);
        check_gradient("avgpool dx", layer_value, &l, l.count, l.x, l.dx);
        free_layer(&l);
    }
}

static void dropout_forward(layer *l) { hq_dropout_apply(l->count, l->a, l->x, l->y); }

static void test_dropout(void)
{
    const int64_t samples[4] = {3, 1, 4, 15};
    layer l = make_layer(4 * 10, 4 * 10, 4 * 10, 0);
    l.forward = dropout_forward;
    hq_dropout_mask(4, 10, 0.3, 1, 2, samples, l.a);
    hq_dropout_apply(40, l.a, l.dy, l.dx);
    check_gradient("dropout dx", layer_value, &l, 40, l.x, l.dx);
    free_layer(&l);
}

/* A loss is a number already; labels and weights stand in the context. */
typedef struct loss_case {
    void (*loss)(int, int, const hq_real *, const int32_t *, const double *, double, double *, hq_real *);
    hq_real *logits;
    const int32_t *labels;
} loss_case;

static const double class_weight[4] = {1, 0.3, 2, 5};

static double loss_value(void *context)
{
    loss_case *l = context;
    double loss;
    l->loss(6, 4, l->logits, l->labels, class_weight, 7.5, &loss, NULL);
    return loss;
}

static void test_losses(void)
{
    const int32_t classes[6] = {0, 3, 1, 2, 2, 0};
    int32_t columns[24];
    for (int i = 0; i < 24; i++) columns[i] = i % 5 < 2;
    loss_case cases[2] = {{hq_softmax_loss, NULL, classes}, {hq_sigmoid_loss, NULL, columns}};
    for (int i = 0; i < 2; i++) {
        cases[i].logits = random_array(24);
        for (int j = 0; j < 24; j++) cases[i].logits[j] *= 4;
        hq_real grad[24];
        double loss;
        cases[i].loss(6, 4, cases[i].logits, cases[i].labels, class_weight, 7.5, &loss, grad);
        check_gradient(i ? "sigmoid dlogits" : "softmax dlogits", loss_value, &cases[i], 24, cases[i].logits, grad);
        free(cases[i].logits);
    }
}

int main(void)
{
    HQ_RUN(test_conv);
    HQ_RUN(test_dense);
    HQ_RUN(test_norm);
    HQ_RUN(test_relu);
    HQ_RUN(test_tanh);
    HQ_RUN(test_avgpool);
    HQ_RUN(test_dropout);
    HQ_RUN(test_losses);
    return hq_check_result();
}
