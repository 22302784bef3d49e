#include "quantum/sweep.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Whether every lane of the op has a matrix of its own. */
static bool is_laned(const hq_sweep *sweep, const hq_op *op)
{
    return op->source == HQ_SOURCE_INPUT && sweep->lanes > 1;
}

static hq_lane_matrix *lane_matrix(const hq_sweep *sweep, const hq_op *op, int block)
{
    return &sweep->lane_matrix[op->lane_op * HQ_GATE_BLOCKS_MAX + block];
}

static hq_mat2 *shared_matrix(const hq_sweep *sweep, int op) { return &sweep->matrix[op * HQ_GATE_BLOCKS_MAX]; }

/* ---- memory ---- */

static void take_lane_matrix(hq_lane_matrix *m, size_t lanes, hq_arena *arena)
{
    double *re = hq_arena_take(arena, 4 * lanes, sizeof(double)), *im = hq_arena_take(arena, 4 * lanes, sizeof(double));
    if (m) *m = (hq_lane_matrix){re, im};
}

static void take_lane_matrices(hq_sweep *sweep, hq_arena *arena)
{
    const size_t n = sweep->lanes > 1 ? (size_t)sweep->circuit->n_lane_ops : 0;
    sweep->lane_matrix = hq_arena_take(arena, n * HQ_GATE_BLOCKS_MAX, sizeof *sweep->lane_matrix);
    sweep->trigonometry = hq_arena_take(arena, n, sizeof *sweep->trigonometry);
    for (size_t i = 0; i < n * HQ_GATE_BLOCKS_MAX; i++)
        take_lane_matrix(sweep->lane_matrix ? &sweep->lane_matrix[i] : NULL, sweep->lanes, arena);
    take_lane_matrix(&sweep->products, sweep->lanes, arena);
}

void hq_sweep_take(hq_sweep *sweep, const hq_circuit *circuit, const hq_kernels *kernels, int lane_bits,
                   hq_arena *arena)
{
    const size_t lanes = (size_t)1 << lane_bits, q = (size_t)circuit->inputs, p = (size_t)circuit->weights;
    *sweep = (hq_sweep){.circuit = circuit, .kernels = kernels, .lane_bits = lane_bits, .lanes = lanes};
    hq_state_take(&sweep->psi, circuit->qubits, lane_bits, arena);
    hq_state_take(&sweep->lambda, circuit->qubits, lane_bits, arena);
    sweep->matrix = hq_arena_take(arena, (size_t)circuit->n_ops * HQ_GATE_BLOCKS_MAX, sizeof *sweep->matrix);
    take_lane_matrices(sweep, arena);
    sweep->angle = hq_arena_take(arena, lanes, sizeof(double));
    sweep->cosine = hq_arena_take(arena, lanes, sizeof(double));
    sweep->sine = hq_arena_take(arena, lanes, sizeof(double));
    sweep->x = hq_arena_take(arena, q * lanes, sizeof(double));
    sweep->w = hq_arena_take(arena, p, sizeof(double));
    sweep->gradient = hq_arena_take(arena, (q + p) * lanes, sizeof(double));
    sweep->value = hq_arena_take(arena, lanes, sizeof(double));
}

/* ---- binding ---- */

/* The three parts of a gate of one parameter, from its values at 0, pi/2 and pi. Rotations have half angles and no
 * constant part; the phase gate's |0> is constant. */
static void find_trigonometry(const hq_gate *gate, hq_trigonometry *t)
{
    static const double zero = 0, quarter = PI / 2, half = PI;
    const bool phase = gate->form == HQ_FORM_PHASE;
    t->factor = phase ? 1 : 0.5;
    gate->matrix(&zero, t->cosine);
    gate->matrix(&half, t->sine);
    for (int b = 0; b < gate->blocks; b++) t->constant[b] = (hq_mat2){.re = {0}};
    if (!phase) return;
    hq_mat2 middle;
    gate->matrix(&quarter, &middle);
    for (int k = 0; k < 4; k++) {
        const double re = (t->cosine->re[k] + t->sine->re[k]) / 2, im = (t->cosine->im[k] + t->sine->im[k]) / 2;
        t->constant->re[k] = re;
        t->constant->im[k] = im;
        t->cosine->re[k] -= re;
        t->cosine->im[k] -= im;
        t->sine->re[k] = middle.re[k] - re;
        t->sine->im[k] = middle.im[k] - im;
    }
}

static void bind_shared(hq_sweep *sweep, int op_index, int slot, double shift)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
    hq_op_parameters(op, sweep->x, sweep->w, parameters); /* with one lane, x is the sample */
    parameters[slot] += shift;
    op->gate->matrix(parameters, shared_matrix(sweep, op_index));
}

static void lane_parameters(const hq_sweep *sweep, const hq_op *op, size_t lane, double *out)
{
    for (int slot = 0; slot < op->gate->parameters; slot++) {
        const hq_binding *b = &op->binding[slot];
        out[slot] = b->offset;
        if (b->source == HQ_SOURCE_WEIGHT) out[slot] += b->scale * sweep->w[b->index];
        if (b->source == HQ_SOURCE_INPUT) out[slot] += b->scale * sweep->x[(size_t)b->index * sweep->lanes + lane];
    }
}

static void bind_rotation(hq_sweep *sweep, const hq_op *op, double shift)
{
    const hq_trigonometry *t = &sweep->trigonometry[op->lane_op];
    const hq_binding *b = &op->binding[0];
    const size_t lanes = sweep->lanes;
    const double *x = sweep->x + (size_t)b->index * lanes, *c = sweep->cosine, *s = sweep->sine;
    for (size_t l = 0; l < lanes; l++) sweep->angle[l] = t->factor * (b->scale * x[l] + b->offset + shift);
    sweep->kernels->cosine_sine(lanes, sweep->angle, sweep->cosine, sweep->sine);
    for (int block = 0; block < op->gate->blocks; block++) {
        const hq_lane_matrix *m = lane_matrix(sweep, op, block);
        for (size_t k = 0; k < 4; k++) {
            const double re = t->constant[block].re[k], im = t->constant[block].im[k];
            const double cr = t->cosine[block].re[k], ci = t->cosine[block].im[k];
            const double sr = t->sine[block].re[k], si = t->sine[block].im[k];
            double *restrict to_re = m->re + k * lanes, *restrict to_im = m->im + k * lanes;
            for (size_t l = 0; l < lanes; l++) {
                to_re[l] = re + cr * c[l] + sr * s[l];
                to_im[l] = im + ci * c[l] + si * s[l];
            }
        }
    }
}

static void bind_lanes(hq_sweep *sweep, const hq_op *op, int slot, double shift)
{
    const size_t lanes = sweep->lanes;
    if (op->gate->parameters == 1) {
        bind_rotation(sweep, op, shift);
        return;
    }
    for (size_t l = 0; l < lanes; l++) {
        double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
        hq_mat2 m[HQ_GATE_BLOCKS_MAX];
        lane_parameters(sweep, op, l, parameters);
        parameters[slot] += shift;
        op->gate->matrix(parameters, m);
        for (int block = 0; block < op->gate->blocks; block++)
            for (size_t k = 0; k < 4; k++) {
                lane_matrix(sweep, op, block)->re[k * lanes + l] = m[block].re[k];
                lane_matrix(sweep, op, block)->im[k * lanes + l] = m[block].im[k];
            }
    }
}

void hq_sweep_bind_op(hq_sweep *sweep, int op_index, int slot, double shift)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    if (is_laned(sweep, op))
        bind_lanes(sweep, op, slot, shift);
    else
        bind_shared(sweep, op_index, slot, shift);
}

static void bind_all(hq_sweep *sweep, hq_source source)
{
    for (int op = 0; op < sweep->circuit->n_ops; op++)
        if (sweep->circuit->ops[op].source == source) hq_sweep_bind_op(sweep, op, 0, 0);
}

void hq_sweep_start(hq_sweep *sweep)
{
    for (int op = 0; op < sweep->circuit->n_ops; op++) {
        const hq_op *at = &sweep->circuit->ops[op];
        if (is_laned(sweep, at) && at->gate->parameters == 1)
            find_trigonometry(at->gate, &sweep->trigonometry[at->lane_op]);
    }
    bind_all(sweep, HQ_SOURCE_CONSTANT);
}

void hq_sweep_bind_weights(hq_sweep *sweep, const double *w)
{
    memcpy(sweep->w, w, (size_t)sweep->circuit->weights * sizeof *w);
    bind_all(sweep, HQ_SOURCE_WEIGHT);
}

void hq_sweep_bind_inputs(hq_sweep *sweep, int64_t n, const double *x)
{
    const size_t lanes = sweep->lanes, inputs = (size_t)sweep->circuit->inputs;
    for (size_t i = 0; i < inputs; i++)
        for (size_t l = 0; l < lanes; l++) sweep->x[i * lanes + l] = (int64_t)l < n ? x[l * inputs + i] : 0;
    bind_all(sweep, HQ_SOURCE_INPUT);
}

/* ---- forwards ---- */

void hq_sweep_apply(const hq_sweep *sweep, int op_index, bool inverse, hq_state *state)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    for (int b = 0; b < op->gate->blocks; b++) {
        if (is_laned(sweep, op)) {
            sweep->kernels->apply_lanes(state, &op->pairs[b], op->gate->form, lane_matrix(sweep, op, b), inverse);
            continue;
        }
        const hq_mat2 *m = &shared_matrix(sweep, op_index)[b], turned = inverse ? hq_mat2_dagger(m) : *m;
        sweep->kernels->apply(state, &op->pairs[b], op->gate->form, &turned);
    }
}

void hq_sweep_run(const hq_sweep *sweep, int first, int end, hq_state *state)
{
    for (int op = first; op < end; op++) hq_sweep_apply(sweep, op, false, state);
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

/* ---- backwards ---- */

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
        lane_parameters(sweep, op, l, parameters);
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
        if (is_laned(sweep, op) && op->gate->parameters > 1) {
            add_laned(sweep, op, slot, block, gradient);
            continue;
        }
        double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
        hq_mat2 g[HQ_GATE_BLOCKS_MAX];
        if (!is_laned(sweep, op)) hq_op_parameters(op, sweep->x, sweep->w, parameters);
        op->gate->generator(parameters, slot, g);
        add_shared(&g[block], &sweep->products, op->binding[slot].scale, sweep->lanes, gradient);
    }
}

void hq_sweep_back(hq_sweep *sweep)
{
    const hq_circuit *c = sweep->circuit;
    int e = c->n_entries;
    memset(sweep->gradient, 0, (size_t)(c->inputs + c->weights) * sweep->lanes * sizeof(double));
    for (int op = c->n_ops - 1; op >= 0 && e > 0; op--) { /* nothing to learn before the first entry */
        const int last = e - 1;
        while (e > 0 && c->entries[e - 1].op == op) e--;
        for (int b = 0; b < c->ops[op].gate->blocks && e <= last; b++) {
            sweep->kernels->overlap(&sweep->lambda, &sweep->psi, &c->ops[op].pairs[b], c->ops[op].gate->form,
                                    &sweep->products);
            add_entries(sweep, e, last, b);
        }
        if (e == 0) break;
        hq_sweep_apply(sweep, op, true, &sweep->psi);
        hq_sweep_apply(sweep, op, true, &sweep->lambda);
    }
}
