/* sweep_back.c: a sweep backwards: gradients by the adjoint method. */
#include "quantum/sweep.h"

#include <string.h>

void hq_sweep_seed(hq_sweep *sweep, int64_t n, const double *dq)
{
    const int outputs = sweep->circuit->n_observables;
    hq_state_clear(&sweep->lambda);
    for (int k = 0; k < outputs; k++) {
        for (int64_t l = 0; l < (int64_t)sweep->lanes; l++) sweep->value[l] = l < n ? dq[l * outputs + k] : 0;
        sweep->kernels->accumulate(&sweep->psi, sweep->circuit->observables[k], sweep->value, &sweep->lambda);
    }
}

/* With dU/dp = -i G U the gradient by p is 2 Re <lambda| -i G |psi> = 2 Im sum over r, c of G_rc T_rc, where psi is the
 * state behind the gate and T the overlaps. */
static void add_shared(const hq_mat2 *g, const hq_lane_matrix *t, double scale, size_t lanes, double *gradient)
{
    for (size_t k = 0; k < 4; k++) {
        const double re = 2 * scale * g->re[k], im = 2 * scale * g->im[k];
        const double *t_re = t->re + k * lanes, *t_im = t->im + k * lanes;
        if (re != 0)
            for (size_t l = 0; l < lanes; l++) gradient[l] += re * t_im[l];
        if (im != 0)
            for (size_t l = 0; l < lanes; l++) gradient[l] += im * t_re[l];
    }
}

/* Generators of gates with several parameters depend on them, so on the lane. */
static void add_laned(const hq_sweep *sweep, const hq_op *op, int slot, int block, double *gradient)
{
    const size_t lanes = sweep->lanes;
    for (size_t l = 0; l < lanes; l++) {
        double parameters[HQ_GATE_PARAMETERS_MAX];
        hq_mat2 g[HQ_GATE_BLOCKS_MAX];
        hq_sweep_lane_parameters(sweep, op, l, parameters);
        op->gate->generator(parameters, slot, g);
        double sum = 0;
        for (size_t k = 0; k < 4; k++)
            sum +=
                g[block].re[k] * sweep->products.im[k * lanes + l] + g[block].im[k] * sweep->products.re[k * lanes + l];
        gradient[l] += 2 * op->binding[slot].scale * sum;
    }
}

/* Adds the gradient by every entry of the op, entries first, ..., last, from the overlaps of one block. */
static void add_entries(const hq_sweep *sweep, int first, int last, int block)
{
    const hq_circuit *c = sweep->circuit;
    for (int e = last; e >= first; e--) {
        const hq_op *op = &c->ops[c->entries[e].op];
        const int slot = c->entries[e].slot;
        double *gradient = sweep->gradient + (size_t)hq_circuit_entry_row(c, e) * sweep->lanes;
        if (hq_sweep_is_laned(sweep, op) && op->gate->parameters > 1) {
            add_laned(sweep, op, slot, block, gradient);
            continue;
        }
        double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
        hq_mat2 g[HQ_GATE_BLOCKS_MAX];
        if (!hq_sweep_is_laned(sweep, op)) hq_op_parameters(op, sweep->x, sweep->w, parameters);
        op->gate->generator(parameters, slot, g);
        add_shared(&g[block], &sweep->products, op->binding[slot].scale, sweep->lanes, gradient);
    }
}

/* Gradients of an op, entries first, ..., last, from one block of its group; then both states before it. */
static void back_op(hq_sweep *sweep, int op_index, int first, int last, const hq_group *group, size_t place)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    hq_pairs pairs;
    for (int b = 0; b < op->gate->blocks && first <= last; b++) {
        if (!hq_group_pairs(sweep, op, b, group, place, &pairs)) continue;
        sweep->kernels->overlap(&sweep->lambda, &sweep->psi, &pairs, op->gate->form, &sweep->products);
        add_entries(sweep, first, last, b);
    }
    if (first == 0) return; /* nothing to learn before the first entry */
    hq_sweep_apply(sweep, op_index, true, group, place, &sweep->psi);
    hq_sweep_apply(sweep, op_index, true, group, place, &sweep->lambda);
}

/* The ops of a group backwards, on one block; *entries is how many entries lie before their end, or, after, before
 * their start. */
static void back_block(hq_sweep *sweep, const hq_group *group, size_t place, int *entries)
{
    const hq_circuit *c = sweep->circuit;
    for (int op = group->end - 1; op >= group->first && *entries > 0; op--) {
        const int last = *entries - 1;
        while (*entries > 0 && c->entries[*entries - 1].op == op) (*entries)--;
        back_op(sweep, op, *entries, last, group, place);
    }
}

void hq_sweep_back(hq_sweep *sweep)
{
    const hq_circuit *c = sweep->circuit;
    int entries = c->n_entries, left = entries;
    memset(sweep->gradient, 0, (size_t)(c->inputs + c->weights) * sweep->lanes * sizeof(double));
    for (int g = sweep->groups - 1; g >= 0 && entries > 0; g--) {
        size_t place = 0;
        do {
            left = entries;
            back_block(sweep, &sweep->group[g], place, &left);
            place = hq_group_next(sweep, &sweep->group[g], place);
        } while (place);
        entries = left;
    }
}
