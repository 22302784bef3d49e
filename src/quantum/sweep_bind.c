/* sweep_bind.c: memory of a sweep, and the matrices of its gates for given weights and inputs. */
#include "quantum/sweep.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

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
    sweep->group = hq_arena_take(arena, (size_t)circuit->n_ops, sizeof *sweep->group);
    sweep->matrix = hq_arena_take(arena, (size_t)circuit->n_ops * HQ_GATE_BLOCKS_MAX, sizeof *sweep->matrix);
    sweep->generator = hq_arena_take(arena, (size_t)circuit->n_entries * HQ_GATE_BLOCKS_MAX, sizeof *sweep->generator);
    take_lane_matrices(sweep, arena);
    hq_sweep_take_steps(sweep, arena);
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
    op->gate->matrix(parameters, hq_sweep_matrix(sweep, op_index));
}

void hq_sweep_lane_parameters(const hq_sweep *sweep, const hq_op *op, size_t lane, double *out)
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
        const hq_lane_matrix *m = hq_sweep_lane_matrix(sweep, op, block);
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
        hq_sweep_lane_parameters(sweep, op, l, parameters);
        parameters[slot] += shift;
        op->gate->matrix(parameters, m);
        for (int block = 0; block < op->gate->blocks; block++)
            for (size_t k = 0; k < 4; k++) {
                hq_sweep_lane_matrix(sweep, op, block)->re[k * lanes + l] = m[block].re[k];
                hq_sweep_lane_matrix(sweep, op, block)->im[k * lanes + l] = m[block].im[k];
            }
    }
}

static void bind_op(hq_sweep *sweep, int op_index, int slot, double shift)
{
    const hq_op *op = &sweep->circuit->ops[op_index];
    if (hq_sweep_is_laned(sweep, op))
        bind_lanes(sweep, op, slot, shift);
    else
        bind_shared(sweep, op_index, slot, shift);
}

void hq_sweep_bind_op(hq_sweep *sweep, int op, int slot, double shift)
{
    bind_op(sweep, op, slot, shift);
    hq_sweep_multiply(sweep, &sweep->step[sweep->step_of[op]]);
}

/* All ops whose parameters come from there, then the steps that they belong to. */
static void bind_all(hq_sweep *sweep, hq_source source)
{
    for (int i = 0; i < sweep->steps; i++) {
        hq_step *step = &sweep->step[i];
        bool changed = false;
        for (int op = step->first; op < step->end; op++) {
            if (sweep->circuit->ops[op].source != source) continue;
            bind_op(sweep, op, 0, 0);
            changed = true;
        }
        if (changed) hq_sweep_multiply(sweep, step);
    }
}

void hq_sweep_start(hq_sweep *sweep)
{
    for (int op = 0; op < sweep->circuit->n_ops; op++) {
        const hq_op *at = &sweep->circuit->ops[op];
        if (hq_sweep_is_laned(sweep, at) && at->gate->parameters == 1)
            find_trigonometry(at->gate, &sweep->trigonometry[at->lane_op]);
    }
    bind_all(sweep, HQ_SOURCE_CONSTANT);
    hq_sweep_group(sweep);
}

void hq_sweep_bind_weights(hq_sweep *sweep, const double *w)
{
    memcpy(sweep->w, w, (size_t)sweep->circuit->weights * sizeof *w);
    sweep->generators_ready = false;
    bind_all(sweep, HQ_SOURCE_WEIGHT);
}

void hq_sweep_bind_inputs(hq_sweep *sweep, int64_t n, const double *x)
{
    const size_t lanes = sweep->lanes, inputs = (size_t)sweep->circuit->inputs;
    for (size_t i = 0; i < inputs; i++)
        for (size_t l = 0; l < lanes; l++) sweep->x[i * lanes + l] = (int64_t)l < n ? x[l * inputs + i] : 0;
    bind_all(sweep, HQ_SOURCE_INPUT);
}
