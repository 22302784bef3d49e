#include "quantum/fused.h"

#include <string.h>

/* ---- which circuits ---- */

/* RY(a) on |0>, or RX(a): which is RY(a) followed by S^dagger there. */
static bool encodes(const hq_op *op, uint32_t touched)
{
    const bool rotation = op->gate == &hq_gate_table[HQ_GATE_RY] || op->gate == &hq_gate_table[HQ_GATE_RX];
    return rotation && op->source == HQ_SOURCE_INPUT && !(touched >> op->wires[0] & 1);
}

static uint32_t wires_of(const hq_op *op)
{
    uint32_t wires = 0;
    for (int k = 0; k < hq_gate_wires(op->gate); k++) wires |= 1u << op->wires[k];
    return wires;
}

bool hq_fused_possible(const hq_circuit *circuit)
{
    uint32_t touched = 0;
    if (circuit->qubits > HQ_FUSED_QUBITS_MAX) return false;
    for (int i = 0; i < circuit->n_ops; i++) {
        const hq_op *op = &circuit->ops[i];
        if (op->source == HQ_SOURCE_INPUT && !encodes(op, touched)) return false;
        touched |= wires_of(op);
    }
    return true;
}

/* Adds the op to rest, or notes it as the encoder of its wire. */
static hq_status split_op(hq_fused *fused, const hq_op *op, uint32_t touched)
{
    if (!encodes(op, touched))
        return hq_circuit_add(fused->rest, (hq_gate_id)(op->gate - hq_gate_table), op->wires, op->binding);
    const hq_binding *b = &op->binding[0];
    fused->encoder[op->wires[0]] = (hq_encoder){b->index, b->scale, b->offset};
    if (op->gate == &hq_gate_table[HQ_GATE_RY]) return HQ_OK;
    return hq_circuit_add(fused->rest, HQ_GATE_SDG, op->wires, NULL);
}

static hq_status split(hq_fused *fused)
{
    const hq_circuit *c = fused->circuit;
    uint32_t touched = 0;
    int e = 0;
    for (int i = 0; i < c->n_ops; i++) {
        const hq_op *op = &c->ops[i];
        const bool encoder = encodes(op, touched);
        int rest_entry = fused->rest->n_entries;
        HQ_TRY(split_op(fused, op, touched));
        for (; e < c->n_entries && c->entries[e].op == i; e++) {
            fused->wire_of[e] = encoder ? op->wires[0] : -1;
            fused->rest_entry[e] = encoder ? -1 : rest_entry++;
        }
        touched |= wires_of(op);
    }
    fused->rest->weights = c->weights;
    return HQ_OK;
}

hq_status hq_fused_split(hq_fused *fused, const hq_circuit *circuit)
{
    HQ_ASSERT(hq_fused_possible(circuit));
    *fused = (hq_fused){.circuit = circuit};
    for (int i = 0; i < HQ_FUSED_QUBITS_MAX; i++) fused->encoder[i].input = -1;
    HQ_TRY(hq_alloc_array((size_t)circuit->n_entries, sizeof(int), "circuit", &fused->wire_of));
    HQ_TRY(hq_alloc_array((size_t)circuit->n_entries, sizeof(int), "circuit", &fused->rest_entry));
    HQ_TRY(hq_circuit_create(circuit->qubits, &fused->rest));
    return split(fused);
}

void hq_fused_free(hq_fused *fused)
{
    hq_circuit_destroy(fused->rest);
    hq_free(fused->wire_of);
    hq_free(fused->rest_entry);
    *fused = (hq_fused){0};
}

/* ---- memory ---- */

static double *take_vectors(hq_arena *arena, size_t n) { return hq_arena_take(arena, n * HQ_VECTOR, sizeof(double)); }

void hq_fused_take(hq_fused *fused, const hq_kernels *kernels, hq_arena *arena)
{
    const size_t n = (size_t)fused->circuit->qubits, dim = (size_t)1 << n, group = HQ_FUSED_GROUP;
    const size_t columns = dim < HQ_VECTOR ? HQ_VECTOR : dim, outputs = (size_t)fused->circuit->n_observables;
    const int lane_bits = n < 3 ? 3 : (int)n;
    hq_sweep_take(&fused->sweep, fused->rest, kernels, lane_bits, arena);
    fused->u_re = hq_arena_take(arena, dim * columns, sizeof(double));
    fused->u_im = hq_arena_take(arena, dim * columns, sizeof(double));
    fused->sum_re = hq_arena_take(arena, dim * columns, sizeof(double));
    fused->sum_im = hq_arena_take(arena, dim * columns, sizeof(double));
    fused->sign = hq_arena_take(arena, outputs * dim, sizeof(double));
    fused->bound = hq_arena_take(arena, (size_t)fused->circuit->weights, sizeof(double));
    fused->angle = take_vectors(arena, n);
    double *cosine = take_vectors(arena, n), *sine = take_vectors(arena, n), *psi = take_vectors(arena, group * dim);
    double *y_re = take_vectors(arena, dim), *y_im = take_vectors(arena, dim);
    double *lambda_re = take_vectors(arena, group * dim), *lambda_im = take_vectors(arena, group * dim);
    double *scratch = take_vectors(arena, 2 * dim);
    fused->block = (hq_fused_block){cosine, sine, psi, y_re, y_im, lambda_re, lambda_im, scratch};
    fused->q = take_vectors(arena, outputs);
    fused->dangle = take_vectors(arena, n);
    fused->panel = take_vectors(arena, group * 3 * columns);
    fused->u = (hq_unitary){fused->circuit->qubits,      columns,    fused->u_re, fused->u_im, (int)outputs,
                            fused->circuit->observables, fused->sign};
    fused->is_bound = false;
}

void hq_fused_start(hq_fused *fused)
{
    const size_t dim = (size_t)1 << fused->circuit->qubits;
    for (int k = 0; k < fused->circuit->n_observables; k++)
        for (size_t j = 0; j < dim; j++)
            fused->sign[(size_t)k * dim + j] = hq_pauli_sign(fused->circuit->observables[k], j);
    hq_sweep_start(&fused->sweep);
}

/* ---- the unitary ---- */

/* Runs rest on the columns of the identity. */
static void build_unitary(hq_fused *fused)
{
    hq_state *columns = &fused->sweep.psi;
    const size_t dim = (size_t)1 << fused->circuit->qubits, bytes = dim * fused->u.columns * sizeof(double);
    hq_state_clear(columns);
    for (size_t j = 0; j < dim; j++) columns->re[j * fused->u.columns + j] = 1;
    hq_sweep_run(&fused->sweep, 0, fused->rest->n_ops, columns);
    memcpy(fused->u_re, columns->re, bytes);
    memcpy(fused->u_im, columns->im, bytes);
}

void hq_fused_bind(hq_fused *fused, const double *w)
{
    const size_t bytes = (size_t)fused->circuit->weights * sizeof *w;
    if (fused->is_bound && memcmp(fused->bound, w, bytes) == 0) return;
    memcpy(fused->bound, w, bytes);
    hq_sweep_bind_weights(&fused->sweep, w);
    build_unitary(fused);
    fused->is_bound = true;
}

void hq_fused_bind_shifted(hq_fused *fused, int entry, double shift)
{
    const int at = fused->rest_entry[entry];
    if (at < 0) return;
    const hq_entry *e = &fused->rest->entries[at];
    hq_sweep_bind_op(&fused->sweep, e->op, e->slot, shift);
    build_unitary(fused);
    hq_sweep_bind_op(&fused->sweep, e->op, 0, 0);
    fused->is_bound = false;
}

/* ---- samples ---- */

/* Cosines and sines of a block of up to HQ_VECTOR samples x[n][Q]. */
static void bind_block(hq_fused *fused, const hq_fused_block *block, int n, const double *x, int wire, double shift)
{
    const int qubits = fused->circuit->qubits, inputs = fused->circuit->inputs;
    for (int i = 0; i < qubits; i++) {
        const hq_encoder *encoder = &fused->encoder[i];
        double *angle = fused->angle + i * HQ_VECTOR;
        const double more = i == wire ? shift : 0;
        for (int l = 0; l < HQ_VECTOR; l++)
            angle[l] = encoder->input < 0 || l >= n
                           ? 0
                           : 0.5 * (encoder->scale * x[l * inputs + encoder->input] + encoder->offset + more);
    }
    fused->sweep.kernels->cosine_sine((size_t)qubits * HQ_VECTOR, fused->angle, (double *)block->cosine,
                                      (double *)block->sine);
}

static int block_size(int64_t n, int64_t first) { return (int)(n - first < HQ_VECTOR ? n - first : HQ_VECTOR); }

void hq_fused_outputs(hq_fused *fused, int64_t n, const double *x, int wire, double shift, double *q, int64_t stride)
{
    const hq_kernels *kernels = fused->sweep.kernels;
    const int outputs = fused->circuit->n_observables;
    for (int64_t first = 0; first < n; first += HQ_VECTOR) {
        const int size = block_size(n, first);
        bind_block(fused, &fused->block, size, x + first * fused->circuit->inputs, wire, shift);
        kernels->fused_state(&fused->u, &fused->block);
        kernels->fused_measure(&fused->u, &fused->block, fused->q);
        for (int l = 0; l < size; l++)
            for (int k = 0; k < outputs; k++) q[(first + l) * stride + k] = fused->q[k * HQ_VECTOR + l];
    }
}

/* lambda of a block, and its rows of dx. */
static void block_gradient(hq_fused *fused, const hq_fused_block *block, int n, const double *x, const double *dq,
                           double *dx)
{
    const hq_kernels *kernels = fused->sweep.kernels;
    const int outputs = fused->circuit->n_observables, inputs = fused->circuit->inputs;
    bind_block(fused, block, n, x, -1, 0);
    for (int k = 0; k < outputs; k++)
        for (int l = 0; l < HQ_VECTOR; l++) fused->q[k * HQ_VECTOR + l] = l < n ? dq[l * outputs + k] : 0;
    kernels->fused_state(&fused->u, block);
    kernels->fused_backward(&fused->u, block, fused->q, fused->dangle);
    memset(dx, 0, (size_t)(n * inputs) * sizeof *dx);
    for (int i = 0; i < fused->circuit->qubits; i++) {
        const hq_encoder *encoder = &fused->encoder[i];
        if (encoder->input < 0) continue;
        for (int l = 0; l < n; l++)
            dx[l * inputs + encoder->input] += encoder->scale * fused->dangle[i * HQ_VECTOR + l];
    }
}

/* Blocks of a group of samples, then their part of the sum of lambda psi^T. */
static void group_gradient(hq_fused *fused, int64_t n, const double *x, const double *dq, double *dx)
{
    const size_t step = ((size_t)1 << fused->circuit->qubits) * HQ_VECTOR;
    const int inputs = fused->circuit->inputs, outputs = fused->circuit->n_observables;
    int blocks = 0;
    for (int64_t first = 0; first < n; first += HQ_VECTOR, blocks++) {
        hq_fused_block block = fused->block;
        block.psi += (size_t)blocks * step;
        block.lambda_re += (size_t)blocks * step;
        block.lambda_im += (size_t)blocks * step;
        block_gradient(fused, &block, block_size(n, first), x + first * inputs, dq + first * outputs,
                       dx + first * inputs);
    }
    fused->sweep.kernels->fused_outer(&fused->u, blocks, fused->block.psi, fused->block.lambda_re,
                                      fused->block.lambda_im, fused->panel, fused->sum_re, fused->sum_im);
}

/* The gradient of the weights from the sum of lambda psi^T: column j of it is lambda for the basis state j as input. */
static void weight_gradient(hq_fused *fused, double *dw)
{
    hq_sweep *sweep = &fused->sweep;
    const size_t bytes = ((size_t)1 << fused->circuit->qubits) * fused->u.columns * sizeof(double);
    memcpy(sweep->psi.re, fused->u_re, bytes);
    memcpy(sweep->psi.im, fused->u_im, bytes);
    memcpy(sweep->lambda.re, fused->sum_re, bytes);
    memcpy(sweep->lambda.im, fused->sum_im, bytes);
    hq_sweep_back(sweep);
    for (int p = 0; p < fused->circuit->weights; p++) {
        const double *row = sweep->gradient + (size_t)p * sweep->lanes;
        dw[p] = 0;
        for (size_t l = 0; l < sweep->lanes; l++) dw[p] += row[l];
    }
}

void hq_fused_gradient(hq_fused *fused, int64_t n, const double *x, const double *dq, double *dx, double *dw)
{
    const int64_t group = HQ_FUSED_GROUP * HQ_VECTOR;
    const size_t bytes = ((size_t)1 << fused->circuit->qubits) * fused->u.columns * sizeof(double);
    memset(fused->sum_re, 0, bytes);
    memset(fused->sum_im, 0, bytes);
    for (int64_t first = 0; first < n; first += group)
        group_gradient(fused, n - first < group ? n - first : group, x + first * fused->circuit->inputs,
                       dq + first * fused->circuit->n_observables, dx + first * fused->circuit->inputs);
    weight_gradient(fused, dw);
}
