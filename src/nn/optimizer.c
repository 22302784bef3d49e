/* Update rules: SGD, Adam and AdamW in the formulas of PyTorch 1.13 (torch.optim, one tensor at a time), LARS and LAMB
 * in those of their papers. Norms are sums in double, in an order of their own: the same bits on every rank. */
#include "hqcnn/config.h"
#include "hqcnn/nn.h"

#include <math.h>

#ifdef HQ_REAL_F64
#define real_sqrt sqrt
#else
#define real_sqrt sqrtf
#endif

int hq_optimizer_moments(int kind) { return kind == HQ_OPTIMIZER_SGD || kind == HQ_OPTIMIZER_LARS ? 1 : 2; }

/* The velocity of sgd sums gradients, that of lars updates. */
bool hq_optimizer_follows(int kind, int before)
{
    return kind == before || (hq_optimizer_moments(kind) == 2 && hq_optimizer_moments(before) == 2);
}

/* ---- one moment -------------------------------------------------------------------------------------------------- */

/* The velocity starts at zero, so the first step makes it g itself, as PyTorch does. */
static void sgd_step(const hq_optimizer *optimizer, double rate, size_t count, bool decays, const hq_real *grad,
                     hq_real *weight, hq_real *velocity)
{
    hq_real momentum = (hq_real)optimizer->momentum, step_size = (hq_real)rate;
    hq_real l2 = (hq_real)(decays ? optimizer->weight_decay : 0);
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + (grad[i] + l2 * weight[i]);
        weight[i] -= step_size * velocity[i];
    }
}

/* The sum of squares of x, in lanes, so that compilers can use vectors without changing the order. */
static double squares(size_t count, const hq_real *x)
{
    enum { LANES = 8 };
    double lane[LANES] = {0}, sum = 0;
    for (; count >= LANES; count -= LANES, x += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += (double)x[l] * (double)x[l];
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    for (int l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

/* The velocity takes in the rate and the ratio, as in the paper. */
static void lars_step(const hq_optimizer *optimizer, double rate, size_t count, bool decays, const hq_real *grad,
                      hq_real *weight, hq_real *velocity)
{
    double decay = decays ? optimizer->weight_decay : 0, ratio = 1;
    double w = sqrt(squares(count, weight)), g = sqrt(squares(count, grad));
    if (decays && w > 0 && g > 0) ratio = optimizer->trust * w / (g + decay * w);
    hq_real momentum = (hq_real)optimizer->momentum, step_size = (hq_real)(rate * ratio), l2 = (hq_real)decay;
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + step_size * (grad[i] + l2 * weight[i]);
        weight[i] -= velocity[i];
    }
}

/* ---- two moments ------------------------------------------------------------------------------------------------- */

/* Constants of one step. */
typedef struct hq_adam {
    hq_real beta1, gain1, beta2, gain2;
    hq_real step_size, root2; /* with the bias corrections */
    hq_real epsilon;
} hq_adam;

static hq_adam adam_at(const hq_optimizer *optimizer, double rate, int64_t step)
{
    return (hq_adam){.beta1 = (hq_real)optimizer->beta1,
                     .gain1 = (hq_real)(1 - optimizer->beta1),
                     .beta2 = (hq_real)optimizer->beta2,
                     .gain2 = (hq_real)(1 - optimizer->beta2),
                     .step_size = (hq_real)(rate / (1 - pow(optimizer->beta1, (double)step))),
                     .root2 = (hq_real)sqrt(1 - pow(optimizer->beta2, (double)step)),
                     .epsilon = (hq_real)optimizer->epsilon};
}

static inline void adam_moments(const hq_adam *adam, hq_real g, hq_real *mean, hq_real *square)
{
    *mean = *mean * adam->beta1 + adam->gain1 * g;
    *square = *square * adam->beta2 + adam->gain2 * g * g;
}

static inline hq_real adam_update(const hq_adam *adam, hq_real mean, hq_real square)
{
    return adam->step_size * mean / (real_sqrt(square) / adam->root2 + adam->epsilon);
}

/* Adam: Kingma and Ba, ICLR 2015, with the decay added to the gradient. AdamW: Loshchilov and Hutter, ICLR 2019, where
 * it shrinks the weights instead. */
static void adam_step(const hq_optimizer *optimizer, double rate, int64_t step, size_t count, bool decays,
                      const hq_real *grad, hq_real *weight, hq_real *mean, hq_real *square)
{
    bool decoupled = optimizer->kind == HQ_OPTIMIZER_ADAMW;
    double decay = decays ? optimizer->weight_decay : 0;
    hq_real l2 = decoupled ? 0 : (hq_real)decay;
    hq_real shrink = decoupled ? (hq_real)(1 - rate * decay) : 1;
    hq_adam adam = adam_at(optimizer, rate, step);
    for (size_t i = 0; i < count; i++) {
        hq_real w = weight[i] * shrink;
        adam_moments(&adam, grad[i] + l2 * w, &mean[i], &square[i]);
        weight[i] = w - adam_update(&adam, mean[i], square[i]);
    }
}

/* The sum of squares of the direction of lamb, Adam's update + decay w, piece by piece. */
static double lamb_squares(const hq_adam *adam, size_t count, hq_real decay, const hq_real *weight, const hq_real *mean,
                           const hq_real *square)
{
    enum { PIECE = 256 };
    hq_real u[PIECE];
    double sum = 0;
    for (size_t at = 0; at < count; at += PIECE) {
        const size_t n = count - at < PIECE ? count - at : PIECE;
        for (size_t i = 0; i < n; i++) u[i] = adam_update(adam, mean[at + i], square[at + i]) + decay * weight[at + i];
        sum += squares(n, u);
    }
    return sum;
}

/* The direction is computed twice, for its norm and for the weights: it has no memory of its own. */
static void lamb_step(const hq_optimizer *optimizer, double rate, int64_t step, size_t count, bool decays,
                      const hq_real *grad, hq_real *weight, hq_real *mean, hq_real *square)
{
    hq_real decay = (hq_real)(decays ? optimizer->weight_decay : 0);
    hq_adam adam = adam_at(optimizer, 1, step);
    for (size_t i = 0; i < count; i++) adam_moments(&adam, grad[i], &mean[i], &square[i]);
    double w = squares(count, weight), u = lamb_squares(&adam, count, decay, weight, mean, square);
    hq_real step_size = (hq_real)(rate * (decays && w > 0 && u > 0 ? sqrt(w) / sqrt(u) : 1));
    for (size_t i = 0; i < count; i++)
        weight[i] -= step_size * (adam_update(&adam, mean[i], square[i]) + decay * weight[i]);
}

void hq_optimizer_step(const hq_optimizer *optimizer, double rate, int64_t step, size_t count, bool decays,
                       const hq_real *grad, hq_real *weight, hq_real *moment1, hq_real *moment2)
{
    switch (optimizer->kind) {
    case HQ_OPTIMIZER_SGD:
        sgd_step(optimizer, rate, count, decays, grad, weight, moment1);
        return;
    case HQ_OPTIMIZER_LARS:
        lars_step(optimizer, rate, count, decays, grad, weight, moment1);
        return;
    case HQ_OPTIMIZER_LAMB:
        lamb_step(optimizer, rate, step, count, decays, grad, weight, moment1, moment2);
        return;
    default:
        adam_step(optimizer, rate, step, count, decays, grad, weight, moment1, moment2);
    }
}
