/* shift.c: gradients from shifted circuits. Every entry of a weight or input has a shift rule in the gate table. */
#include "quantum/work.h"

#include "hqcnn/config.h"

#include <string.h>

/* ---- runner ---- */

static hq_status run_all(const hq_runner *runner, int64_t n_items, int row_size,
                         hq_status (*item)(void *ctx, int64_t i, double *row), void *ctx, double *rows)
{
    (void)runner;
    for (int64_t i = 0; i < n_items; i++) HQ_TRY(item(ctx, i, rows + i * row_size));
    return HQ_OK;
}

const hq_runner hq_runner_local = {run_all, NULL};

/* ---- one entry of one block ---- */

/* work->q_lanes of the bound lanes with `shift` added at entry `e`. Leaves the op shifted. */
static void run_shifted(hq_circuit_work *work, int e, double shift, const double *x, const double *w)
{
    const hq_entry *entry = &work->circuit->entries[e];
    hq_work_bind_op(work, entry->op, x, w, entry->slot, shift);
    hq_work_run(work);
    hq_work_measure(work, work->q_lanes);
}

static const hq_shift_rule *entry_rule(const hq_circuit *c, int e)
{
    return c->ops[c->entries[e].op].gate->shift[c->entries[e].slot];
}

static int entry_row(const hq_circuit *c, int e)
{
    return hq_circuit_row(c, &c->ops[c->entries[e].op].binding[c->entries[e].slot]);
}

typedef struct shift_job {
    hq_circuit_work *work;
    int64_t batch;
    const double *x, *w, *dq;
} shift_job;

/* Item i is entry i % entries of block i / entries: row[lane] = gradient of that sample by that entry. Blocks are cut
 * by the number of qubits alone, and the weights are bound before, so a row depends on i alone. */
static hq_status shift_item(void *ctx, int64_t i, double *row)
{
    const shift_job *job = ctx;
    hq_circuit_work *work = job->work;
    const hq_circuit *c = work->circuit;
    int64_t block = i / c->n_entries, first = block * work->lanes;
    int e = (int)(i % c->n_entries), outputs = c->n_observables;
    int lanes = hq_work_block_lanes(work, job->batch, block);
    const double *x = job->x + first * c->inputs, *dq = job->dq + first * outputs;
    const hq_shift_rule *rule = entry_rule(c, e);
    memset(row, 0, (size_t)work->lanes * sizeof *row);
    hq_work_bind_inputs(work, lanes, x, job->w);
    for (int t = 0; t < rule->terms; t++) {
        run_shifted(work, e, rule->shift[t], x, job->w);
        for (int l = 0; l < lanes; l++) {
            double sum = 0;
            for (int k = 0; k < outputs; k++) sum += dq[l * outputs + k] * work->q_lanes[l * outputs + k];
            row[l] += rule->weight[t] * sum;
        }
    }
    hq_work_bind_op(work, c->entries[e].op, x, job->w, 0, 0); /* back to the unshifted op for the next item */
    return HQ_OK;
}

/* ---- whole gradient ---- */

/* work->gradient of a block from the rows of its entries. */
static void collect_block(hq_circuit_work *work, int64_t block)
{
    const hq_circuit *c = work->circuit;
    memset(work->gradient, 0, (size_t)(c->inputs + c->weights) * (size_t)work->lanes * sizeof(double));
    for (int e = 0; e < c->n_entries; e++) {
        const double *row = work->rows + (block * c->n_entries + e) * work->lanes;
        double *gradient = work->gradient + entry_row(c, e) * work->lanes;
        for (int l = 0; l < work->lanes; l++) gradient[l] += row[l];
    }
}

hq_status hq_circuit_bwd_shift(const hq_circuit *circuit, hq_circuit_work *work, const hq_runner *runner, int64_t batch,
                               const double *x, const double *w, const double *dq, double *dx, double *dw)
{
    HQ_ASSERT(work->circuit == circuit && batch <= work->batch);
    int64_t blocks = hq_work_blocks(work, batch);
    shift_job job = {work, batch, x, w, dq};
    hq_work_bind_weights(work, w);
    HQ_TRY(runner->run(runner, blocks * circuit->n_entries, work->lanes, shift_item, &job, work->rows));
    memset(dw, 0, (size_t)circuit->weights * sizeof *dw);
    for (int64_t block = 0; block < blocks; block++) {
        collect_block(work, block);
        hq_work_scatter(work, hq_work_block_lanes(work, batch, block), dx + block * work->lanes * circuit->inputs, dw);
    }
    return HQ_OK;
}

void hq_shift_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian)
{
    const hq_circuit *c = work->circuit;
    int outputs = c->n_observables;
    memset(jacobian, 0, (size_t)((c->inputs + c->weights) * outputs) * sizeof(double));
    hq_work_bind_weights(work, w);
    hq_work_bind_inputs(work, 1, x, w);
    for (int e = 0; e < c->n_entries; e++) {
        const hq_shift_rule *rule = entry_rule(c, e);
        double *row = jacobian + entry_row(c, e) * outputs;
        for (int t = 0; t < rule->terms; t++) {
            run_shifted(work, e, rule->shift[t], x, w);
            for (int k = 0; k < outputs; k++) row[k] += rule->weight[t] * work->q_lanes[k];
        }
        hq_work_bind_op(work, c->entries[e].op, x, w, 0, 0);
    }
}

hq_status hq_circuit_jacobian(const hq_circuit *circuit, hq_circuit_work *work, int method, const double *x,
                              const double *w, double *jacobian)
{
    HQ_ASSERT(work->circuit == circuit);
    switch (method) {
    case HQ_GRADIENT_ADJOINT:
        hq_adjoint_jacobian(work, x, w, jacobian);
        return HQ_OK;
    case HQ_GRADIENT_PARAMETER_SHIFT:
        hq_shift_jacobian(work, x, w, jacobian);
        return HQ_OK;
    default:
        HQ_FAIL(HQ_ERR_CONFIG, "gradient method %d of a circuit; allowed are 0 and 1", method);
    }
}
