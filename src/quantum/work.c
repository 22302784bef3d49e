#include "quantum/work.h"

#define BLOCK_BYTES ((size_t)256 << 10) /* of one state of a block; two states are in use in a gradient */

int hq_work_lanes(int qubits)
{
    size_t lanes = BLOCK_BYTES / (2 * sizeof(double)) >> qubits;
    if (lanes < 1) return 1;
    return lanes < HQ_LANES_MAX ? (int)lanes : HQ_LANES_MAX;
}

int64_t hq_work_blocks(const hq_circuit_work *work, int64_t batch) { return (batch + work->lanes - 1) / work->lanes; }

int hq_work_block_lanes(const hq_circuit_work *work, int64_t batch, int64_t block)
{
    int64_t rest = batch - block * work->lanes;
    return rest < work->lanes ? (int)rest : work->lanes;
}

/* ---- memory ---- */

static void take_state(hq_arena *arena, const hq_circuit_work *work, hq_state *state)
{
    size_t amplitudes = (size_t)work->lanes << work->circuit->qubits;
    state->qubits = work->circuit->qubits;
    state->re = hq_arena_take(arena, amplitudes, sizeof(double));
    state->im = hq_arena_take(arena, amplitudes, sizeof(double));
}

/* Takes every array from work->arena; over an empty arena this measures. */
static void take_all(hq_circuit_work *work)
{
    const hq_circuit *c = work->circuit;
    hq_arena *arena = &work->arena;
    size_t lanes = (size_t)work->lanes, q = (size_t)c->inputs, o = (size_t)c->n_observables;
    size_t items = (size_t)hq_work_blocks(work, work->batch) * (size_t)c->n_entries;
    take_state(arena, work, &work->psi);
    take_state(arena, work, &work->lambda);
    work->matrix = hq_arena_take(arena, (size_t)c->n_ops, sizeof *work->matrix);
    work->derivative = hq_arena_take(arena, (size_t)c->n_entries, sizeof *work->derivative);
    work->lane_matrix = hq_arena_take(arena, (size_t)c->n_lane_ops, sizeof *work->lane_matrix);
    work->gradient = hq_arena_take(arena, (q + (size_t)c->weights) * lanes, sizeof(double));
    work->x_lanes = hq_arena_take(arena, lanes * q, sizeof(double));
    work->dq_lanes = hq_arena_take(arena, lanes * o, sizeof(double));
    work->q_lanes = hq_arena_take(arena, lanes * o, sizeof(double));
    work->rows = hq_arena_take(arena, items * lanes, sizeof(double));
}

hq_status hq_circuit_work_create(const hq_circuit *circuit, int64_t batch, hq_circuit_work **out_work)
{
    hq_circuit_work *work;
    *out_work = NULL;
    HQ_ASSERT(batch >= 0);
    HQ_TRY(hq_alloc(sizeof *work, "circuit work", &work));
    work->circuit = circuit;
    work->batch = batch;
    work->lanes = hq_work_lanes(circuit->qubits);
    take_all(work); /* measures */
    hq_status status = hq_arena_create(work->arena.used, "states of a block of circuits", &work->arena);
    if (status != HQ_OK) {
        hq_free(work);
        return status;
    }
    take_all(work);
    for (int op = 0; op < circuit->n_ops; op++)
        if (circuit->ops[op].source == HQ_SOURCE_CONSTANT) hq_work_bind_op(work, op, NULL, NULL, 0, 0);
    *out_work = work;
    return HQ_OK;
}

void hq_circuit_work_destroy(hq_circuit_work *work)
{
    if (!work) return;
    hq_arena_destroy(&work->arena);
    hq_free(work);
}

/* ---- binding ---- */

static void bind_shared(hq_circuit_work *work, int op_index, const double *w, int slot, double shift)
{
    const hq_op *op = &work->circuit->ops[op_index];
    double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
    hq_op_parameters(op, NULL, w, parameters);
    parameters[slot] += shift;
    op->gate->matrix(parameters, &work->matrix[op_index]);
}

static void bind_lanes(hq_circuit_work *work, const hq_op *op, const double *x, const double *w, int slot, double shift)
{
    hq_mat2_lanes *out = &work->lane_matrix[op->lane_op];
    for (int l = 0; l < work->psi.lanes; l++) {
        double parameters[HQ_GATE_PARAMETERS_MAX] = {0};
        hq_op_parameters(op, x + l * work->circuit->inputs, w, parameters);
        parameters[slot] += shift;
        hq_mat2 m;
        op->gate->matrix(parameters, &m);
        for (int k = 0; k < 4; k++) {
            out->re[k][l] = m.re[k];
            out->im[k][l] = m.im[k];
        }
    }
}

void hq_work_bind_op(hq_circuit_work *work, int op_index, const double *x, const double *w, int slot, double shift)
{
    const hq_op *op = &work->circuit->ops[op_index];
    if (op->source == HQ_SOURCE_INPUT)
        bind_lanes(work, op, x, w, slot, shift);
    else
        bind_shared(work, op_index, w, slot, shift);
}

void hq_work_bind_weights(hq_circuit_work *work, const double *w)
{
    for (int op = 0; op < work->circuit->n_ops; op++)
        if (work->circuit->ops[op].source == HQ_SOURCE_WEIGHT) bind_shared(work, op, w, 0, 0);
}

void hq_work_bind_derivatives(hq_circuit_work *work, const double *w)
{
    for (int e = 0; e < work->circuit->n_entries; e++) {
        const hq_entry *entry = &work->circuit->entries[e];
        const hq_op *op = &work->circuit->ops[entry->op];
        if (op->source != HQ_SOURCE_WEIGHT) continue;
        double parameters[HQ_GATE_PARAMETERS_MAX];
        hq_op_parameters(op, NULL, w, parameters);
        op->gate->derivative(parameters, entry->slot, &work->derivative[e]);
    }
}

void hq_work_bind_inputs(hq_circuit_work *work, int lanes, const double *x, const double *w)
{
    work->psi.lanes = work->lambda.lanes = lanes;
    for (int op = 0; op < work->circuit->n_ops; op++)
        if (work->circuit->ops[op].source == HQ_SOURCE_INPUT) bind_lanes(work, &work->circuit->ops[op], x, w, 0, 0);
}

/* ---- evaluation ---- */

void hq_work_apply(const hq_circuit_work *work, int op_index, bool inverse, hq_state *state)
{
    const hq_op *op = &work->circuit->ops[op_index];
    if (op->source == HQ_SOURCE_INPUT) {
        hq_state_apply_lanes(state, &op->pairs, &work->lane_matrix[op->lane_op], inverse);
        return;
    }
    hq_mat2 m = inverse ? hq_mat2_dagger(&work->matrix[op_index]) : work->matrix[op_index];
    hq_state_apply(state, &op->pairs, op->gate->form, &m);
}

void hq_work_run(hq_circuit_work *work)
{
    hq_state_reset(&work->psi);
    for (int op = 0; op < work->circuit->n_ops; op++) hq_work_apply(work, op, false, &work->psi);
}

void hq_work_measure(const hq_circuit_work *work, double *q)
{
    int outputs = work->circuit->n_observables;
    for (int k = 0; k < outputs; k++) {
        double value[HQ_LANES_MAX];
        hq_pauli_expect(&work->psi, work->circuit->observables[k], value);
        for (int l = 0; l < work->psi.lanes; l++) q[l * outputs + k] = value[l];
    }
}

void hq_work_scatter(const hq_circuit_work *work, int lanes, double *dx, double *dw)
{
    int inputs = work->circuit->inputs, weights = work->circuit->weights;
    for (int l = 0; l < lanes; l++) {
        for (int i = 0; i < inputs; i++) dx[l * inputs + i] = work->gradient[i * work->lanes + l];
        for (int p = 0; p < weights; p++) dw[p] += work->gradient[(inputs + p) * work->lanes + l];
    }
}

hq_status hq_circuit_fwd(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                         const double *w, double *q)
{
    HQ_ASSERT(work->circuit == circuit && batch <= work->batch);
    hq_work_bind_weights(work, w);
    for (int64_t block = 0; block < hq_work_blocks(work, batch); block++) {
        int64_t first = block * work->lanes;
        hq_work_bind_inputs(work, hq_work_block_lanes(work, batch, block), x + first * circuit->inputs, w);
        hq_work_run(work);
        hq_work_measure(work, q + first * circuit->n_observables);
    }
    return HQ_OK;
}
