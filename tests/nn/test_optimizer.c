/* Update rules against a recurrence for one number, written out by hand in double, and closed forms. */
#include "hqcnn/config.h"
#include "nn/arrays.h"

enum { COUNT = 21, STEPS = 50 };

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
        for (int i = 0; i < COUNT; i++)
            scalar_step(&p[i], &optimizer, rate, step, decays ? optimizer.weight_decay : 0, g[i]);
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
    const int kinds[] = {HQ_OPTIMIZER_SGD, HQ_OPTIMIZER_ADAM, HQ_OPTIMIZER_ADAMW};
    for (int k = 0; k < 3; k++)
        for (int decays = 0; decays < 2; decays++) {
            check_recurrence((hq_optimizer){kinds[k], 0.9, 0.9, 0.999, 1e-8, 0.3}, decays);
            check_recurrence((hq_optimizer){kinds[k], 0, 0.8, 0.95, 1e-3, 0.01}, decays);
        }
}

static void test_moments(void)
{
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_SGD), 1);
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_ADAM), 2);
    CHECK_INT(hq_optimizer_moments(HQ_OPTIMIZER_ADAMW), 2);
}

/* Constant gradient 1: after t steps the velocity is (1 - q^t) / (1 - q). */
static void test_sgd_closed_form(void)
{
    hq_optimizer sgd = {HQ_OPTIMIZER_SGD, 0.5, 0, 0, 0, 0};
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
    hq_optimizer adam = {HQ_OPTIMIZER_ADAM, 0, 0.9, 0.999, 0.5, 0};
    hq_real w[2] = {1, 1}, m[2] = {0}, v[2] = {0};
    const hq_real g[2] = {2, -0.25};
    hq_optimizer_step(&adam, 0.1, 1, 2, true, g, w, m, v);
    CHECK_NEAR(w[0], 1 - 0.1 * 2 / 2.5, TOLERANCE);
    CHECK_NEAR(w[1], 1 + 0.1 * 0.25 / 0.75, TOLERANCE);
}

/* Decoupled decay does not enter the moments: with gradient 0 weights shrink by 1 - rate decay a step, exactly. */
static void test_adamw_decay(void)
{
    hq_optimizer adamw = {HQ_OPTIMIZER_ADAMW, 0, 0.9, 0.999, 1e-8, 0.5};
    hq_real w[2] = {8, 8}, m[2] = {0}, v[2] = {0};
    const hq_real g[2] = {0, 0};
    hq_optimizer_step(&adamw, 0.5, 1, 1, true, g, w, m, v);
    hq_optimizer_step(&adamw, 0.5, 1, 1, false, g + 1, w + 1, m + 1, v + 1);
    CHECK(w[0] == 6 && m[0] == 0 && v[0] == 0);
    CHECK(w[1] == 8);
}

static void test_nan(void)
{
    for (int kind = HQ_OPTIMIZER_SGD; kind <= HQ_OPTIMIZER_ADAMW; kind++) {
        hq_optimizer optimizer = {kind, 0.9, 0.9, 0.999, 1e-8, 0};
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
    HQ_RUN(test_sgd_closed_form);
    HQ_RUN(test_adam_first_step);
    HQ_RUN(test_adamw_decay);
    HQ_RUN(test_nan);
    return hq_check_result();
}
