#include "quantum/spsa.h"

/* Sign of parameter `row` (inputs, then weights) in perturbation k: bit `row` of the stream's blocks for k. */
typedef struct hq_signs {
    hq_random stream;
    int row, blocks; /* next row; blocks of 128 bits of one perturbation */
    uint32_t first;  /* of this perturbation */
    uint32_t bits[4];
} hq_signs;

static hq_signs signs_of(const hq_circuit *c, const hq_spsa *spsa, uint64_t key, int k)
{
    const int blocks = (c->inputs + c->weights + 127) / 128;
    return (hq_signs){.stream = hq_random_make(spsa->seed, HQ_PURPOSE_SPSA, spsa->epoch, key),
                      .blocks = blocks,
                      .first = (uint32_t)(k * blocks)};
}

static double next_sign(hq_signs *signs)
{
    const int row = signs->row++;
    if (row % 128 == 0) hq_random_block(&signs->stream, signs->first + (uint32_t)(row / 128), signs->bits);
    return signs->bits[row % 128 / 32] >> (row % 32) & 1 ? 1 : -1;
}

void hq_spsa_perturb(const hq_circuit *c, const hq_spsa *spsa, uint64_t key, int evaluation, double *x, double *w)
{
    if (evaluation == 0) return;
    const double step = evaluation % 2 ? spsa->step : -spsa->step;
    hq_signs signs = signs_of(c, spsa, key, (evaluation - 1) / 2);
    for (int i = 0; i < c->inputs; i++) x[i] += step * next_sign(&signs);
    for (int i = 0; i < c->weights; i++) w[i] += step * next_sign(&signs);
}

void hq_spsa_contract(const hq_circuit *c, const hq_spsa *spsa, uint64_t key, int samples, const double *rows,
                      const double *dq, double *dx, double *dw)
{
    const int outputs = c->n_observables;
    for (int k = 0; k < samples; k++) {
        const double *plus = rows + (1 + 2 * k) * outputs, *minus = plus + outputs;
        double slope = 0;
        for (int o = 0; o < outputs; o++) slope += dq[o] * (plus[o] - minus[o]);
        slope /= 2 * spsa->step * samples;
        hq_signs signs = signs_of(c, spsa, key, k);
        for (int i = 0; i < c->inputs; i++) dx[i] += slope * next_sign(&signs);
        for (int i = 0; i < c->weights; i++) dw[i] += slope * next_sign(&signs);
    }
}
