/* Update rules in the formulas of PyTorch 1.13 (torch.optim.SGD, Adam, AdamW: one tensor at a time). */
#include "hqcnn/config.h"
#include "hqcnn/nn.h"

#include <math.h>

#ifdef HQ_REAL_F64
#define real_sqrt sqrt
#else
#define real_sqrt sqrtf
#endif

int hq_optimizer_moments(int kind) { return kind == HQ_OPTIMIZER_SGD ? 1 : 2; }

/* The velocity starts at zero, so the first step makes it g itself, as PyTorch does. */
static void sgd_step(const hq_optimizer *optimizer, double rate, size_t count, double decay, const hq_real *grad,
                     hq_real *weight, hq_real *velocity)
{
    hq_real momentum = (hq_real)optimizer->momentum, step_size = (hq_real)rate, l2 = (hq_real)decay;
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + (grad[i] + l2 * weight[i]);
        weight[i] -= step_size * velocity[i];
    }
}

/* Adam: Kingma and Ba, ICLR 2015, with the decay added to the gradient. AdamW: Loshchilov and Hutter, ICLR 2019, where
 * it shrinks the weights instead. */
static void adam_step(const hq_optimizer *optimizer, double rate, int64_t step, size_t count, double decay,
                      const hq_real *grad, hq_real *weight, hq_real *mean, hq_real *square)
{
    bool decoupled = optimizer->kind == HQ_OPTIMIZER_ADAMW;
    hq_real l2 = decoupled ? 0 : (hq_real)decay;
    hq_real shrink = decoupled ? (hq_real)(1 - rate * decay) : 1;
    hq_real beta1 = (hq_real)optimizer->beta1, gain1 = (hq_real)(1 - optimizer->beta1);
    hq_real beta2 = (hq_real)optimizer->beta2, gain2 = (hq_real)(1 - optimizer->beta2);
    hq_real step_size = (hq_real)(rate / (1 - pow(optimizer->beta1, (double)step)));
    hq_real root2 = (hq_real)sqrt(1 - pow(optimizer->beta2, (double)step));
    hq_real epsilon = (hq_real)optimizer->epsilon;
    for (size_t i = 0; i < count; i++) {
        hq_real w = weight[i] * shrink;
        hq_real g = grad[i] + l2 * w;
        mean[i] = mean[i] * beta1 + gain1 * g;
        square[i] = square[i] * beta2 + gain2 * g * g;
        weight[i] = w - step_size * mean[i] / (real_sqrt(square[i]) / root2 + epsilon);
    }
}

void hq_optimizer_step(const hq_optimizer *optimizer, double rate, int64_t step, size_t count, bool decays,
                       const hq_real *grad, hq_real *weight, hq_real *moment1, hq_real *moment2)
{
    double decay = decays ? optimizer->weight_decay : 0;
    if (optimizer->kind == HQ_OPTIMIZER_SGD)
        sgd_step(optimizer, rate, count, decay, grad, weight, moment1);
    else
        adam_step(optimizer, rate, step, count, decay, grad, weight, moment1, moment2);
}
