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

/* Where the generator differs from lane to lane: it depends on parameters of its own, or on later gates of the step. */
static void add_laned(const hq_sweep *sweep, int op_index, int slot, int block, double *gradient)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    const size_t lanes = sweep->lanes;
    for (size_t l = 0; l < lanes; l++) {
        double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
        hq_mat2 g[HQ_GATE_BLOCKS_MAX];
        hq_sweep_lane_parameters(sweep, op, l, parameters);
        op->gate->generator(parameters, slot, g);
        const hq_mat2 carried = hq_sweep_carry(sweep, op_index, l, &g[block]);
        double sum = 0;
        for (size_t k = 0; k < 4; k++)
            sum +=
                carried.re[k] * sweep->products.im[k * lanes + l] + carried.im[k] * sweep->products.re[k * lanes + l];
        gradient[l] += 2 * op->binding[slot].scale * sum;
    }
}

/* The generator of an entry that has one for all lanes: with one lane, x is the sample; a gate of one parameter has a
 * constant generator. */
static void find_generator(const hq_sweep *sweep, int e)
{
    const hq_entry *entry = &sweep->circuit->entries[e];
    const hq_op *op = &sweep->circuit->ops[entry->op];
    double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
    if (!hq_sweep_is_laned(sweep, op)) hq_op_parameters(op, sweep->x, sweep->w, parameters);
    op->gate->generator(parameters, entry->slot, &sweep->generator[e * HQ_GATE_BLOCKS_MAX]);
}

static void find_generators(hq_sweep *sweep)
{
    if (sweep->generators_ready) return;
    for (int e = 0; e < sweep->circuit->n_entries; e++)
        if (sweep->circuit->ops[sweep->circuit->entries[e].op].source != HQ_SOURCE_INPUT) find_generator(sweep, e);
    sweep->generators_ready = true;
}

/* Adds the gradient by an entry, from the overlaps of one block of its op behind the whole step. */
static void add_entry(const hq_sweep *sweep, int e, int block)
{
    const hq_circuit *c = sweep->circuit;
    const int op_index = c->entries[e].op, slot = c->entries[e].slot;
    const hq_op *op = &c->ops[op_index];
    double *gradient = sweep->gradient + (size_t)hq_circuit_entry_row(c, e) * sweep->lanes;
    const bool laned = hq_sweep_is_laned(sweep, op);
    if ((laned && op->gate->parameters > 1) || hq_sweep_laned_behind(sweep, op_index)) {
        add_laned(sweep, op_index, slot, block, gradient);
        return;
    }
    const hq_mat2 *g = &sweep->generator[e * HQ_GATE_BLOCKS_MAX];
    if (op->source == HQ_SOURCE_INPUT) find_generator(sweep, e);
    const hq_mat2 carried = hq_sweep_carry(sweep, op_index, 0, &g[block]);
    add_shared(&carried, &sweep->products, op->binding[slot].scale, sweep->lanes, gradient);
}

/* Gradients of a step, entries first, ..., last, from one block of its group; then both states before it. */
static void back_step(hq_sweep *sweep, const hq_step *step, int first, int last, const hq_group *group, size_t place)
{
    const hq_op *op = &sweep->circuit->ops[step->first];
    hq_pairs pairs;
    for (int b = 0; b < op->gate->blocks && first <= last; b++) {
        if (!hq_group_pairs(sweep, op, b, group, place, &pairs)) continue;
        sweep->kernels->overlap(&sweep->lambda, &sweep->psi, &pairs, step->form, &sweep->products);
        for (int e = last; e >= first; e--) add_entry(sweep, e, b);
    }
    if (first == 0) return; /* nothing to learn before the first entry */
    hq_sweep_apply(sweep, step, true, group, place, &sweep->psi);
    hq_sweep_apply(sweep, step, true, group, place, &sweep->lambda);
}

/* The steps of a group backwards, on one block; *entries is how many entries lie before their end, or, after, before
 * their start. */
static void back_block(hq_sweep *sweep, const hq_group *group, size_t place, int *entries)
{
    const hq_circuit *c = sweep->circuit;
    for (int op = group->end - 1; op >= group->first && *entries > 0;) {
        const hq_step *step = &sweep->step[sweep->step_of[op]];
        const int last = *entries - 1;
        while (*entries > 0 && c->entries[*entries - 1].op >= step->first) (*entries)--;
        back_step(sweep, step, *entries, last, group, place);
        op = step->first - 1;
    }
}

void hq_sweep_back(hq_sweep *sweep)
{
    const hq_circuit *c = sweep->circuit;
    int entries = c->n_entries, left = entries;
    find_generators(sweep);
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
