/* sweep_steps.c: gates of one wire that follow each other, applied as one. */
#include "quantum/sweep.h"

static bool is_single(const hq_op *op) { return hq_gate_wires(op->gate) == 1; }

static int step_end(const hq_circuit *c, int first)
{
    int end = first + 1;
    if (!is_single(&c->ops[first])) return end;
    while (end < c->n_ops && is_single(&c->ops[end]) && c->ops[end].wires[0] == c->ops[first].wires[0]) end++;
    return end;
}

static bool is_diagonal(hq_form form) { return form == HQ_FORM_PHASE || form == HQ_FORM_DIAGONAL; }
static bool is_real(hq_form form) { return form == HQ_FORM_REAL || form == HQ_FORM_FLIP; }

static hq_form form_of(const hq_circuit *c, int first, int end)
{
    bool diagonal = true, real = true;
    if (end - first == 1) return c->ops[first].gate->form;
    for (int op = first; op < end; op++) {
        diagonal = diagonal && is_diagonal(c->ops[op].gate->form);
        real = real && is_real(c->ops[op].gate->form);
    }
    return diagonal ? HQ_FORM_DIAGONAL : real ? HQ_FORM_REAL : HQ_FORM_DENSE;
}

void hq_sweep_take_steps(hq_sweep *sweep, hq_arena *arena)
{
    const hq_circuit *c = sweep->circuit;
    const size_t n = (size_t)c->n_ops, lanes = sweep->lanes;
    sweep->step = hq_arena_take(arena, n, sizeof *sweep->step);
    sweep->step_of = hq_arena_take(arena, n, sizeof *sweep->step_of);
    sweep->steps = 0;
    for (int first = 0; first < c->n_ops; first = step_end(c, first), sweep->steps++) {
        hq_step step = {.first = first, .end = step_end(c, first), .form = form_of(c, first, step_end(c, first))};
        for (int op = first; op < step.end; op++) {
            step.laned = step.laned || hq_sweep_is_laned(sweep, &c->ops[op]);
            if (sweep->step_of) sweep->step_of[op] = sweep->steps;
        }
        if (step.laned && step.end - first > 1) {
            step.lane_product.re = hq_arena_take(arena, 4 * lanes, sizeof(double));
            step.lane_product.im = hq_arena_take(arena, 4 * lanes, sizeof(double));
        }
        if (sweep->step) sweep->step[sweep->steps] = step;
    }
}

/* An op's matrix in one lane. */
static hq_mat2 lane_of(const hq_sweep *sweep, int op_index, size_t lane)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    if (!hq_sweep_is_laned(sweep, op)) return *hq_sweep_matrix(sweep, op_index);
    const hq_lane_matrix *m = hq_sweep_lane_matrix(sweep, op, 0);
    hq_mat2 out;
    for (size_t k = 0; k < 4; k++) {
        out.re[k] = m->re[k * sweep->lanes + lane];
        out.im[k] = m->im[k * sweep->lanes + lane];
    }
    return out;
}

/* An op's matrices as a factor of the kernel: one for each lane, or one for all. */
static hq_lane_factor factor_of(const hq_sweep *sweep, int op_index)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    if (hq_sweep_is_laned(sweep, op)) {
        const hq_lane_matrix *m = hq_sweep_lane_matrix(sweep, op, 0);
        return (hq_lane_factor){m->re, m->im, true};
    }
    hq_mat2 *m = hq_sweep_matrix(sweep, op_index);
    return (hq_lane_factor){m->re, m->im, false};
}

void hq_sweep_multiply(hq_sweep *sweep, hq_step *step)
{
    if (step->end - step->first == 1) return;
    if (!step->laned) {
        step->product = *hq_sweep_matrix(sweep, step->first);
        for (int op = step->first + 1; op < step->end; op++)
            step->product = hq_mat2_multiply(hq_sweep_matrix(sweep, op), &step->product);
        return;
    }
    hq_lane_factor right = factor_of(sweep, step->first);
    for (int op = step->first + 1; op < step->end; op++) {
        const hq_lane_factor left = factor_of(sweep, op);
        sweep->kernels->multiply_lanes(sweep->lanes, &left, &right, &step->lane_product);
        right = (hq_lane_factor){step->lane_product.re, step->lane_product.im, true};
    }
}

bool hq_sweep_laned_behind(const hq_sweep *sweep, int op)
{
    const hq_step *step = &sweep->step[sweep->step_of[op]];
    for (int later = op + 1; later < step->end; later++)
        if (hq_sweep_is_laned(sweep, &sweep->circuit->ops[later])) return true;
    return false;
}

hq_mat2 hq_sweep_carry(const hq_sweep *sweep, int op, size_t lane, const hq_mat2 *g)
{
    const hq_step *step = &sweep->step[sweep->step_of[op]];
    hq_mat2 carried = *g;
    for (int later = op + 1; later < step->end; later++) {
        const hq_mat2 u = lane_of(sweep, later, lane), inverse = hq_mat2_dagger(&u),
                      half = hq_mat2_multiply(&u, &carried);
        carried = hq_mat2_multiply(&half, &inverse);
    }
    return carried;
}
