/* sweep.c: a sweep forwards. */
#include "quantum/sweep.h"

/* ---- blocks ---- */

enum {
    ACTIVE_LOW = 9,  /* consecutive amplitudes of a block */
    ACTIVE_ALL = 13, /* amplitudes of a block: two states of 128 KiB stay in the second cache */
};

/* Bits that must be active for an op: those of its targets. Controls need not. */
static size_t targets_of(const hq_op *op)
{
    size_t bits = 0;
    for (int b = 0; b < op->gate->blocks; b++) bits |= op->pairs[b].flip;
    return bits;
}

/* Fills the active bits of a group up with the lowest ones, so that blocks are long runs. */
static size_t filled(size_t active, int qubits)
{
    for (int bit = 0; bit < qubits && __builtin_popcountll(active) < ACTIVE_ALL; bit++) active |= (size_t)1 << bit;
    return active;
}

void hq_sweep_group(hq_sweep *sweep)
{
    const hq_circuit *c = sweep->circuit;
    const size_t low = ((size_t)1 << (c->qubits < ACTIVE_LOW ? c->qubits : ACTIVE_LOW)) - 1;
    sweep->groups = 0;
    for (int i = 0; i < sweep->steps; i++) {
        hq_group *group = sweep->groups ? &sweep->group[sweep->groups - 1] : NULL;
        const size_t needed = targets_of(&c->ops[sweep->step[i].first]);
        if (!group || __builtin_popcountll(group->active | needed) > ACTIVE_ALL) {
            if (group) group->active = filled(group->active, c->qubits);
            group = &sweep->group[sweep->groups++];
            *group = (hq_group){sweep->step[i].first, 0, low};
        }
        group->active |= needed;
        group->end = sweep->step[i].end;
    }
    if (sweep->groups) {
        hq_group *last = &sweep->group[sweep->groups - 1];
        last->active = filled(last->active, c->qubits);
    }
}

bool hq_group_pairs(const hq_sweep *sweep, const hq_op *op, int block, const hq_group *group, size_t place,
                    hq_pairs *pairs)
{
    const size_t places = (((size_t)1 << sweep->circuit->qubits) - 1) & ~group->active;
    const hq_pairs *p = &op->pairs[block];
    if ((place ^ p->value) & p->fixed & places) return false;
    *pairs = (hq_pairs){p->value | place, p->fixed | places, p->flip};
    return true;
}

/* ---- forwards ---- */

static void apply_shared(const hq_sweep *sweep, const hq_pairs *pairs, hq_form form, const hq_mat2 *m, bool inverse,
                         hq_state *state)
{
    const hq_mat2 turned = inverse ? hq_mat2_dagger(m) : *m;
    sweep->kernels->apply(state, pairs, form, &turned);
}

static void apply_op(const hq_sweep *sweep, int op_index, bool inverse, const hq_group *group, size_t place,
                     hq_state *state)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    hq_pairs pairs;
    for (int b = 0; b < op->gate->blocks; b++) {
        if (!hq_group_pairs(sweep, op, b, group, place, &pairs)) continue;
        if (hq_sweep_is_laned(sweep, op))
            sweep->kernels->apply_lanes(state, &pairs, op->gate->form, hq_sweep_lane_matrix(sweep, op, b), inverse);
        else
            apply_shared(sweep, &pairs, op->gate->form, &hq_sweep_matrix(sweep, op_index)[b], inverse, state);
    }
}

void hq_sweep_apply(const hq_sweep *sweep, const hq_step *step, bool inverse, const hq_group *group, size_t place,
                    hq_state *state)
{
    hq_pairs pairs;
    if (step->end - step->first == 1) {
        apply_op(sweep, step->first, inverse, group, place, state);
        return;
    }
    if (!hq_group_pairs(sweep, &sweep->circuit->ops[step->first], 0, group, place, &pairs)) return;
    if (step->laned)
        sweep->kernels->apply_lanes(state, &pairs, step->form, &step->lane_product, inverse);
    else
        apply_shared(sweep, &pairs, step->form, &step->product, inverse, state);
}

/* Ops of a group on one block; a step of which only some ops are asked for goes op by op. */
static void run_block(const hq_sweep *sweep, const hq_group *group, int first, int end, size_t place, hq_state *state)
{
    for (int op = first; op < end;) {
        const hq_step *step = &sweep->step[sweep->step_of[op]];
        if (step->first == op && step->end <= end) {
            hq_sweep_apply(sweep, step, false, group, place, state);
            op = step->end;
        } else {
            apply_op(sweep, op++, false, group, place, state);
        }
    }
}

void hq_sweep_run(const hq_sweep *sweep, int first, int end, hq_state *state)
{
    for (int g = 0; g < sweep->groups; g++) {
        const hq_group *group = &sweep->group[g];
        const int from = first > group->first ? first : group->first, to = end < group->end ? end : group->end;
        size_t place = 0;
        if (from >= to) continue;
        do {
            run_block(sweep, group, from, to, place, state);
            place = hq_group_next(sweep, group, place);
        } while (place);
    }
}

void hq_sweep_prepare(hq_sweep *sweep)
{
    hq_state_reset(&sweep->psi);
    hq_sweep_run(sweep, 0, sweep->circuit->n_ops, &sweep->psi);
}

void hq_sweep_measure(hq_sweep *sweep, const hq_state *state, int64_t n, double *q)
{
    const int outputs = sweep->circuit->n_observables;
    for (int k = 0; k < outputs; k++) {
        sweep->kernels->expect(state, sweep->circuit->observables[k], sweep->value);
        for (int64_t l = 0; l < n; l++) q[l * outputs + k] = sweep->value[l];
    }
}
