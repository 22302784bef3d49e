/* Update rules against recurrences written out by hand in double, and closed forms. */
#include "hqcnn/config.h"
#include "nn/arrays.h"

enum { COUNT = 531, STEPS = 50 }; /* lamb: two pieces of 256 and a rest, which is no multiple of 8 */

/* One parameter as PyTorch's documentation of SGD, Adam and AdamW gives it. */
typedef struct scalar {
    double w, m, v;
} scalar;

static void scalar_step(scalar *p, const hq_optimizer *o, double rate, int step, double decay, double g)
{
    if (o->kind == HQ_OPTIMIZER_SGD) {
        g = g + decay * p->w;
        p->m = step == 1 ? g : o->momentum * p->m + g;
        p->w = p->w - rate * p->m;
        return;
    }
    if (o->kind == HQ_OPTIMIZER_ADAMW)
        p->w = p->w - rate * decay * p->w;
    else
        g = g + decay * p->w;
    p->m = o->beta1 * p->m + (1 - o->beta1) * g;
    p->v = o->beta2 * p->v + (1 - o->beta2) * g * g;
    double m_hat = p->m / (1 - pow(o->beta1, step)), v_hat = p->v / (1 - pow(o->beta2, step));
    p->w = p->w - rate * m_hat / (sqrt(v_hat) + o->epsilon);
}

static double length(const double *x)
{
    double squares = 0;
    for (int i = 0; i < COUNT; i++) squares += x[i] * x[i];
    return sqrt(squares);
}

/* A tensor as Algorithm 1 of arXiv:1708.03888 (LARS) and Algorithm 2 of arXiv:1904.00962 (LAMB) give it; adapts: with
 * decay and ratio, else without both. */
static void layer_step(scalar p[COUNT], const hq_optimizer *o, double rate, int step, bool adapts, const double *g)
{
    double w[COUNT], u[COUNT], ratio = 1, decay = adapts ? o->weight_decay : 0;
    for (int i = 0; i < COUNT; i++) {
        w[i] = p[i].w;
        if (o->kind == HQ_OPTIMIZER_LARS) continue;
        p[i].m = o->beta1 * p[i].m + (1 - o->beta1) * g[i];
        p[i].v = o->beta2 * p[i].v + (1 - o->beta2) * g[i] * g[i];
        double m_hat = p[i].m / (1 - pow(o->beta1, step)), v_hat = p[i].v / (1 - pow(o->beta2, step));
        u[i] = m_hat / (sqrt(v_hat) + o->epsilon) + decay * w[i];
    }
    if (o->kind == HQ_OPTIMIZER_LARS) {
        if (adapts) ratio = o->trust * length(w) / (length(g) + decay * length(w));
        for (int i = 0; i < COUNT; i++) p[i].m = o->momentum * p[i].m + rate * ratio * (g[i] + decay * w[i]);
        for (int i = 0; i < COUNT; i++) p[i].w = w[i] - p[i].m;
        return;
    }
    if (adapts) ratio = length(w) / length(u);
    for (int i = 0; i < COUNT; i++) p[i].w = w[i] - rate * ratio * u[i];
}

/* All numbers of a tensor by the rule of its kind. */
static void reference_step(scalar p[COUNT], const hq_optimizer *o, double rate, int step, bool decays, const hq_real *g)
{
    double gradient[COUNT];
    for (int i = 0; i < COUNT; i++) gradient[i] = g[i];
    if (o->kind == HQ_OPTIMIZER_LARS || o->kind == HQ_OPTIMIZER_LAMB) {
        layer_step(p, o, rate, step, decays, gradient);
        return;
    }
    for (int i = 0; i < COUNT; i++) scalar_step(&p[i], o, rate, step, decays ? o->weight_decay : 0, gradient[i]);
}

static void check_recurrence(hq_optimizer optimizer, bool decays)
{
    hq_real *w = random_array(COUNT), m[COUNT] = {0}, v[COUNT] = {0};
    scalar p[COUNT] = {{0, 0, 0}};
    double expected[COUNT];
    for (int i = 0; i < COUNT; i++) p[i].w = w[i];
    for (int step = 1; step <= STEPS; step++) {
        double rate = 0.01 / step;
        hq_real *g = random_array(COUNT);
        hq_optimizer_step(&optimizer, rate, step, COUNT, decays, g, w, m,
                          hq_optimizer_moments(optimizer.kind) == 2 ? v : NULL);
        reference_step(p, &optimizer, rate, step, decays, g);
        free(g);
    }
    for (int i = 0; i < COUNT; i++) expected[i] = p[i].w;
    check_array("weights", COUNT, w, expected, TOLERANCE);
    for (int i = 0; i < COUNT; i++) expected[i] = p[i].m;
    check_array("first moments", COUNT, m, expected, TOLERANCE);
    for (int i = 0; i < COUNT; i++) expected[i] = p[i].v;
    check_array("second moments", COUNT, v, expected, TOLERANCE);
    free(w);
}

static void test_recurrence(void)
{
    for (int kind = HQ_OPTIMIZER_SGD; kind <= HQ_OPTIMIZER_LAMB; kind++)
        for (int decays = 0; decays < 2; decays++) {
            check_recurrence((hq_optimizer){kind, 0.9, 0.9, 0.999, 1e-8, 0.3, 0.02}, decays);
            check_recurrence((hq_optimizer){kind, 0, 0.8, 0.95, 1e-3, 0.01, 1.5}, decays);
            check_recurrence((hq_optimizer){kind, 0.5, 0, 0.9, 1e-2, 0, 0.1}, decays);
        }
}

static void test_moments(void)
{
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_SGD), 1);
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_ADAM), 2);
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_ADAMW), 2);
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_LARS), 1);
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_LAMB), 2);
}

/* Rules with two moments can follow one another, a velocity belongs to its rule. */
static void test_follows(void)
{
    for (int kind = HQ_OPTIMIZER_SGD; kind <= HQ_OPTIMIZER_LAMB; kind++)
        for (int before = HQ_OPTIMIZER_SGD; before <= HQ_OPTIMIZER_LAMB; before++) {
            bool velocity = hq_optimizer_moments(kind) == 1 || hq_optimizer_moments(before) == 1;
            CHECK(hq_optimizer_follows(kind, before) == (kind == before || !velocity));
        }
}

/* Constant gradient 1: after t steps the velocity is (1 - q^t) / (1 - q). */
static void test_sgd_closed_form(void)
{
    hq_optimizer sgd = {.kind = HQ_OPTIMIZER_SGD, .momentum = 0.5};
    hq_real w = 0, m = 0;
    const hq_real g = 1;
    for (int step = 1; step <= 10; step++) {
        hq_optimizer_step(&sgd, 0.25, step, 1, true, &g, &w, &m, NULL);
        CHECK(m == 2 - pow(0.5, step - 1));
    }
    CHECK(w == -0.25 * (20 - 2 * (1 - pow(0.5, 10))));
}

/* The first step of Adam is rate g / (|g| + epsilon), whatever the betas are. */
static void test_adam_first_step(void)
{
    hq_optimizer adam = {HQ_OPTIMIZER_ADAM, 0, 0.9, 0.999, 0.5, 0, 0};
    hq_real w[2] = {1, 1}, m[2] = {0}, v[2] = {0};
    const hq_real g[2] = {2, -0.25};
    hq_optimizer_step(&adam, 0.1, 1, 2, true, g, w, m, v);
    CHECK_NEAR(w[0], 1 - 0.1 * 2 / 2.5, TOLERANCE);
    CHECK_NEAR(w[1], 1 + 0.1 * 0.25 / 0.75, TOLERANCE);
}

/* Decoupled decay does not enter the moments: with gradient 0 weights shrink by 1 - rate decay a step, exactly. */
static void test_adamw_decay(void)
{
    hq_optimizer adamw = {HQ_OPTIMIZER_ADAMW, 0, 0.9, 0.999, 1e-8, 0.5, 0};
    hq_real w[2] = {8, 8}, m[2] = {0}, v[2] = {0};
    const hq_real g[2] = {0, 0};
    hq_optimizer_step(&adamw, 0.5, 1, 1, true, g, w, m, v);
    hq_optimizer_step(&adamw, 0.5, 1, 1, false, g + 1, w + 1, m + 1, v + 1);
    CHECK(w[0] == 6 && m[0] == 0 && v[0] == 0);
    CHECK(w[1] == 8);
}

/* The first step of LARS has length rate trust |w| whatever the gradient's length is, against the gradient. */
static void test_lars_first_step(void)
{
    hq_optimizer lars = {.kind = HQ_OPTIMIZER_LARS, .momentum = 0.9, .trust = 0.125};
    for (double scale = 1e-6; scale < 1e7; scale *= 100) {
        hq_real w[2] = {3, 4}, m[2] = {0};
        const hq_real g[2] = {(hq_real)(-4 * scale), (hq_real)(3 * scale)};
        hq_optimizer_step(&lars, 0.5, 1, 2, true, g, w, m, NULL);
        CHECK_NEAR(w[0], 3 + 0.5 * 0.125 * 4, TOLERANCE);
        CHECK_NEAR(w[1], 4 - 0.5 * 0.125 * 3, TOLERANCE);
    }
}

/* Every step of LAMB has length rate |w|. */
static void test_lamb_length(void)
{
    hq_optimizer lamb = {HQ_OPTIMIZER_LAMB, 0, 0.9, 0.999, 1e-6, 0.1, 0};
    hq_real *w = random_array(COUNT), m[COUNT] = {0}, v[COUNT] = {0};
    for (int step = 1; step <= 10; step++) {
        double before[COUNT], moved[COUNT];
        hq_real *g = random_array(COUNT);
        for (int i = 0; i < COUNT; i++) before[i] = w[i];
        hq_optimizer_step(&lamb, 0.01, step, COUNT, true, g, w, m, v);
        for (int i = 0; i < COUNT; i++) moved[i] = w[i] - before[i];
        CHECK_NEAR(length(moved), 0.01 * length(before), 10 * TOLERANCE);
        free(g);
    }
    free(w);
}

/* Where a norm is 0 the ratio is 1: weights that are 0 leave 0 at the plain rate, a gradient of 0 moves nothing. */
static void test_zero_norms(void)
{
    hq_optimizer lars = {.kind = HQ_OPTIMIZER_LARS, .momentum = 0.9, .trust = 1e-3};
    hq_optimizer lamb = {HQ_OPTIMIZER_LAMB, 0, 0.9, 0.999, 0.5, 0, 0};
    const hq_real zero[2] = {0, 0}, g[2] = {2, -1};
    hq_real w[2] = {0, 0}, m[2] = {0}, v[2] = {0};
    hq_optimizer_step(&lars, 0.5, 1, 2, true, g, w, m, NULL);
    CHECK(w[0] == -1 && w[1] == (hq_real)0.5);
    hq_real w2[2] = {0, 0}, m2[2] = {0};
    hq_optimizer_step(&lamb, 0.5, 1, 2, true, g, w2, m2, v);
    CHECK_NEAR(w2[0], -0.5 * 2 / 2.5, TOLERANCE);
    CHECK_NEAR(w2[1], 0.5 * 1 / 1.5, TOLERANCE);
    for (int k = 0; k < 2; k++) {
        hq_real still[2] = {3, 4}, mean[2] = {0}, square[2] = {0};
        hq_optimizer_step(k ? &lamb : &lars, 0.5, 1, 2, true, zero, still, mean, square);
        CHECK(still[0] == 3 && still[1] == 4 && mean[0] == 0 && square[0] == 0);
    }
    lars.weight_decay = 0.5; /* the ratio is 1, not trust / decay */
    hq_real shrinks[2] = {4, 8}, none[2] = {0};
    hq_optimizer_step(&lars, 0.5, 1, 2, true, zero, shrinks, none, NULL);
    CHECK(shrinks[0] == 3 && shrinks[1] == 6);
}

static void test_nan(void)
{
    for (int kind = HQ_OPTIMIZER_SGD; kind <= HQ_OPTIMIZER_LAMB; kind++) {
        hq_optimizer optimizer = {kind, 0.9, 0.9, 0.999, 1e-8, 0, 1e-3};
        hq_real w[3] = {1, 1, 1}, m[3] = {0}, v[3] = {0};
        const hq_real g[3] = {1, (hq_real)NAN, 1};
        hq_optimizer_step(&optimizer, 0.1, 1, 3, true, g, w, m, v);
        CHECK(!isnan(w[0]) && isnan(w[1]) && !isnan(w[2]));
    }
}

int main(void)
{
    HQ_RUN(test_recurrence);
    HQ_RUN(test_moments);
    HQ_RUN(test_follows);
    HQ_RUN(test_sgd_closed_form);
    HQ_RUN(test_adam_first_step);
    HQ_RUN(test_adamw_decay);
    HQ_RUN(test_lars_first_step);
    HQ_RUN(test_lamb_length);
    HQ_RUN(test_zero_norms);
    HQ_RUN(test_nan);
    return hq_check_result();
}
