/* adjoint.c: gradients by one sweep backwards through the circuit (Jones and Gacon, arXiv:2009.02823).
 *
 * With L = sum_k g_k <psi| O_k |psi> and psi = U_n ... U_1 |0>, the gradient by a parameter p of U_m is
 * 2 Re <lambda_m| dU_m/dp |psi_(m-1)>, where lambda_n = sum_k g_k O_k psi and lambda_(m-1) = U_m^dagger lambda_m.
 */
#include "quantum/work.h"

#include <string.h>

/* gradient[lane] += 2 Re sum over r, c of D_rc T_rc. */
static void add_gradient(const hq_mat2 *d, const hq_mat2_lanes *t, int lane, double *gradient)
{
    double sum = 0;
    for (int k = 0; k < 4; k++) sum += d->re[k] * t->re[k][lane] - d->im[k] * t->im[k][lane];
    gradient[lane] += 2 * sum;
}

/* Adds the gradient by entry `e`, whose op has the overlaps `t`, lane by lane. */
static void entry_gradient(hq_circuit_work *work, int e, const hq_mat2_lanes *t, const double *x, const double *w)
{
    const hq_circuit *c = work->circuit;
    const hq_entry *entry = &c->entries[e];
    const hq_op *op = &c->ops[entry->op];
    double *gradient = work->gradient + hq_circuit_row(c, &op->binding[entry->slot]) * work->lanes;
    for (int l = 0; l < work->psi.lanes; l++) {
        if (op->source == HQ_SOURCE_WEIGHT) {
            add_gradient(&work->derivative[e], t, l, gradient);
            continue;
        }
        double parameters[HQ_GATE_PARAMETERS_MAX];
        hq_mat2 d;
        hq_op_parameters(op, x + l * c->inputs, w, parameters);
        op->gate->derivative(parameters, entry->slot, &d);
        add_gradient(&d, t, l, gradient);
    }
}

/* lambda = sum over k of dq[lane][k] O_k psi. */
static void seed_lambda(hq_circuit_work *work, const double *dq)
{
    int outputs = work->circuit->n_observables;
    hq_state_clear(&work->lambda);
    for (int k = 0; k < outputs; k++) {
        double factor[HQ_LANES_MAX];
        for (int l = 0; l < work->psi.lanes; l++) factor[l] = dq[l * outputs + k];
        hq_pauli_accumulate(&work->psi, work->circuit->observables[k], factor, &work->lambda);
    }
}

/* work->gradient of the lanes that are bound, for dq[lanes][O]. */
static void block_gradient(hq_circuit_work *work, const double *x, const double *w, const double *dq)
{
    const hq_circuit *c = work->circuit;
    int e = c->n_entries;
    memset(work->gradient, 0, (size_t)(c->inputs + c->weights) * (size_t)work->lanes * sizeof(double));
    hq_work_run(work);
    seed_lambda(work, dq);
    for (int op = c->n_ops - 1; op >= 0 && e > 0; op--) { /* nothing to learn before the first entry */
        hq_work_apply(work, op, true, &work->psi);
        if (c->ops[op].source != HQ_SOURCE_CONSTANT) {
            hq_mat2_lanes t;
            hq_state_overlap(&work->lambda, &work->psi, &c->ops[op].pairs, c->ops[op].gate->form, &t);
            while (e > 0 && c->entries[e - 1].op == op) entry_gradient(work, --e, &t, x, w);
        }
        hq_work_apply(work, op, true, &work->lambda);
    }
}

hq_status hq_circuit_bwd_adjoint(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                                 const double *w, const double *dq, double *dx, double *dw)
{
    HQ_ASSERT(work->circuit == circuit && batch <= work->batch);
    memset(dw, 0, (size_t)circuit->weights * sizeof *dw);
    hq_work_bind_weights(work, w);
    hq_work_bind_derivatives(work, w);
    for (int64_t block = 0; block < hq_work_blocks(work, batch); block++) {
        int64_t first = block * work->lanes;
        int lanes = hq_work_block_lanes(work, batch, block);
        const double *block_x = x + first * circuit->inputs;
        hq_work_bind_inputs(work, lanes, block_x, w);
        block_gradient(work, block_x, w, dq + first * circuit->n_observables);
        hq_work_scatter(work, lanes, dx + first * circuit->inputs, dw);
    }
    return HQ_OK;
}

/* Outputs first, ..., first + lanes - 1: the sample stands in every lane, and each lane asks for another output. */
static void jacobian_columns(hq_circuit_work *work, int first, int lanes, const double *x, const double *w,
                             double *jacobian)
{
    const hq_circuit *c = work->circuit;
    int outputs = c->n_observables;
    memset(work->dq_lanes, 0, (size_t)(lanes * outputs) * sizeof(double));
    for (int l = 0; l < lanes; l++) {
        memcpy(work->x_lanes + l * c->inputs, x, (size_t)c->inputs * sizeof(double));
        work->dq_lanes[l * outputs + first + l] = 1;
    }
    hq_work_bind_inputs(work, lanes, work->x_lanes, w);
    block_gradient(work, work->x_lanes, w, work->dq_lanes);
    for (int row = 0; row < c->inputs + c->weights; row++)
        for (int l = 0; l < lanes; l++) jacobian[row * outputs + first + l] = work->gradient[row * work->lanes + l];
}

void hq_adjoint_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian)
{
    int outputs = work->circuit->n_observables;
    hq_work_bind_weights(work, w);
    hq_work_bind_derivatives(work, w);
    for (int first = 0; first < outputs; first += work->lanes) {
        int lanes = outputs - first < work->lanes ? outputs - first : work->lanes;
        jacobian_columns(work, first, lanes, x, w, jacobian);
    }
}
