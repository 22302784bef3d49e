/* adjoint.c: gradients by one sweep backwards through the circuit (Jones and Gacon, arXiv:2009.02823).
 *
 * With L = sum_k g_k <psi| O_k |psi> and psi = U_n ... U_1 |0>, the gradient by a parameter p of U_m is
 * 2 Re <lambda_m| -i G_m |psi_m>, where dU_m/dp = -i G_m U_m, lambda_n = sum_k g_k O_k psi, and both states go back
 * through the circuit together.
 */
#include "hqcnn/config.h"
#include "quantum/work.h"

#include <string.h>

/* Writes rows of dx and adds to dw, in the order of the samples. */
static void scatter(const hq_sweep *sweep, int64_t n, double *dx, double *dw)
{
    const int inputs = sweep->circuit->inputs, weights = sweep->circuit->weights;
    for (int64_t l = 0; l < n; l++) {
        for (int i = 0; i < inputs; i++) dx[l * inputs + i] = sweep->gradient[(size_t)i * sweep->lanes + (size_t)l];
        for (int p = 0; p < weights; p++) dw[p] += sweep->gradient[(size_t)(inputs + p) * sweep->lanes + (size_t)l];
    }
}

hq_status hq_circuit_bwd_adjoint(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                                 const double *w, const double *dq, double *dx, double *dw)
{
    HQ_ASSERT(work->given == circuit && batch <= work->batch);
    HQ_TRY(hq_work_check_exact(work));
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED) {
        hq_fused_bind(&work->fused, w);
        hq_fused_gradient(&work->fused, batch, x, dq, dx, dw);
        return HQ_OK;
    }
    hq_sweep *sweep = &work->sweep;
    const int64_t lanes = (int64_t)sweep->lanes;
    memset(dw, 0, (size_t)circuit->weights * sizeof *dw);
    hq_sweep_bind_weights(sweep, w);
    for (int64_t first = 0; first < batch; first += lanes) {
        const int64_t n = batch - first < lanes ? batch - first : lanes;
        hq_sweep_bind_inputs(sweep, n, x + first * circuit->inputs);
        hq_sweep_prepare(sweep);
        hq_sweep_seed(sweep, n, dq + first * circuit->n_observables);
        hq_sweep_back(sweep);
        scatter(sweep, n, dx + first * circuit->inputs, dw);
    }
    return HQ_OK;
}

/* ---- Jacobian: the sample stands in every lane, and each lane asks for another output ---- */

static void jacobian_columns(hq_circuit_work *work, int first, int n, const double *x, double *jacobian)
{
    const hq_circuit *c = work->circuit;
    hq_sweep *sweep = &work->sweep;
    const int outputs = c->n_observables;
    memset(work->dq, 0, (size_t)(n * outputs) * sizeof(double));
    for (int l = 0; l < n; l++) {
        memcpy(work->x + l * c->inputs, x, (size_t)c->inputs * sizeof(double));
        work->dq[l * outputs + first + l] = 1;
    }
    hq_sweep_bind_inputs(sweep, n, work->x);
    hq_sweep_prepare(sweep);
    hq_sweep_seed(sweep, n, work->dq);
    hq_sweep_back(sweep);
    for (int row = 0; row < c->inputs + c->weights; row++)
        for (int l = 0; l < n; l++)
            jacobian[row * outputs + first + l] = sweep->gradient[(size_t)row * sweep->lanes + (size_t)l];
}

/* The fused path gives one output's row after the other. */
static void fused_jacobian(hq_circuit_work *work, const double *x, double *jacobian)
{
    const hq_circuit *c = work->circuit;
    const int outputs = c->n_observables, rows = c->inputs + c->weights;
    for (int k = 0; k < outputs; k++) {
        memset(work->dq, 0, (size_t)outputs * sizeof(double));
        work->dq[k] = 1;
        hq_fused_gradient(&work->fused, 1, x, work->dq, work->row, work->row + c->inputs);
        for (int row = 0; row < rows; row++) jacobian[row * outputs + k] = work->row[row];
    }
}

static void adjoint_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian)
{
    const int outputs = work->circuit->n_observables, lanes = (int)work->sweep.lanes;
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED) {
        hq_fused_bind(&work->fused, w);
        fused_jacobian(work, x, jacobian);
        return;
    }
    hq_sweep_bind_weights(&work->sweep, w);
    for (int first = 0; first < outputs; first += lanes)
        jacobian_columns(work, first, outputs - first < lanes ? outputs - first : lanes, x, jacobian);
}

hq_status hq_circuit_jacobian(const hq_circuit *circuit, hq_circuit_work *work, int method, const double *x,
                              const double *w, double *jacobian)
{
    HQ_ASSERT(work->given == circuit);
    HQ_TRY(hq_work_check_exact(work));
    switch (method) {
    case HQ_GRADIENT_ADJOINT:
        adjoint_jacobian(work, x, w, jacobian);
        return HQ_OK;
    case HQ_GRADIENT_PARAMETER_SHIFT:
        return hq_shift_jacobian(work, x, w, jacobian);
    default:
        HQ_FAIL(HQ_ERR_CONFIG, "gradient method %d of a Jacobian; allowed are 0 (adjoint) and 1 (parameter-shift)",
                method);
    }
}
