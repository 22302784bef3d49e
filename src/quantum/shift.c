/* shift.c: gradients from shifted circuits. Every entry of a weight or input has a shift rule in the gate table.
 *
 * A sample needs one unshifted evaluation and, for every entry, one for each term of its rule. Evaluations share work:
 * the fused path builds one shifted unitary for all samples; the others keep the state in front of the shifted gate.
 */
#include "hqcnn/config.h"
#include "quantum/work.h"

#include <string.h>

/* ---- runner ---- */

static hq_status run_here(const hq_runner *runner, const hq_items *items, int64_t samples, const double *in,
                          double *out)
{
    (void)runner;
    return items->evaluate(items->ctx, 0, samples * items->parts, in, out);
}

const hq_runner hq_runner_local = {run_here, NULL};

/* ---- numbering ---- */

int hq_shift_rectangles(int64_t lo, int64_t hi, int evaluations, hq_rectangle out[3])
{
    int n = 0;
    while (lo < hi) {
        const int64_t sample = lo / evaluations;
        const int from = (int)(lo % evaluations);
        const int64_t whole = from == 0 ? (hi - lo) / evaluations : 0;
        if (whole > 0) {
            out[n++] = (hq_rectangle){sample, whole, 0, evaluations};
            lo += whole * evaluations;
            continue;
        }
        const int64_t rest = hi - sample * evaluations;
        const int to = rest < evaluations ? (int)rest : evaluations;
        out[n++] = (hq_rectangle){sample, 1, from, to};
        lo = sample * evaluations + to;
    }
    return n;
}

void hq_shift_find(const hq_circuit *c, int evaluation, int *entry, int *term)
{
    int left = evaluation - 1;
    *entry = -1;
    *term = 0;
    for (int e = 0; e < c->n_entries && left >= 0; e++) {
        const int terms = hq_circuit_entry_rule(c, e)->terms;
        *entry = e;
        *term = left;
        left -= terms;
    }
}

/* ---- evaluation of a rectangle ---- */

/* Where the results go: evaluation v of sample s (counted in the rectangle). */
typedef struct hq_target {
    double *out; /* of sample 0, evaluation rectangle.from */
    int64_t stride;
    int outputs;
} hq_target;

static void fused_rectangle(hq_circuit_work *work, const hq_rectangle *r, const double *w, const double *x,
                            const hq_target *target)
{
    const hq_circuit *c = work->circuit;
    for (int v = r->from; v < r->to; v++) {
        int entry, term, wire = -1;
        double shift = 0;
        hq_shift_find(c, v, &entry, &term);
        if (entry >= 0) {
            shift = hq_circuit_entry_rule(c, entry)->shift[term];
            wire = work->fused.wire_of[entry];
        }
        if (entry < 0 || wire >= 0)
            hq_fused_bind(&work->fused, w);
        else
            hq_fused_bind_shifted(&work->fused, entry, shift);
        hq_fused_outputs(&work->fused, r->count, x, wire, shift, target->out + (v - r->from) * target->outputs,
                         target->stride);
    }
    hq_fused_bind(&work->fused, w);
}

/* The lanes that are bound, evaluations from, ..., to - 1: psi goes through the circuit once and waits in front of the
 * gate of the entry; from there a copy (in lambda's memory) runs to the end. */
static void sweep_lanes(hq_circuit_work *work, const hq_rectangle *r, int64_t n, double *q, const hq_target *target,
                        double *out)
{
    hq_sweep *sweep = &work->sweep;
    const hq_circuit *c = work->circuit;
    int done = 0;
    hq_state_reset(&sweep->psi);
    for (int v = r->from; v < r->to; v++) {
        int entry, term;
        hq_shift_find(c, v, &entry, &term);
        const int op = entry < 0 ? 0 : c->entries[entry].op, front = entry < 0 ? 0 : hq_sweep_front(sweep, op);
        hq_sweep_run(sweep, done, front, &sweep->psi);
        done = front;
        if (entry >= 0)
            hq_sweep_bind_op(sweep, op, c->entries[entry].slot, hq_circuit_entry_rule(c, entry)->shift[term]);
        hq_state_copy(&sweep->lambda, &sweep->psi);
        hq_sweep_run(sweep, front, c->n_ops, &sweep->lambda);
        if (entry >= 0) hq_sweep_bind_op(sweep, op, 0, 0);
        hq_sweep_measure(sweep, &sweep->lambda, n, q);
        for (int64_t l = 0; l < n; l++)
            memcpy(out + l * target->stride + (v - r->from) * target->outputs, q + l * target->outputs,
                   (size_t)target->outputs * sizeof *q);
    }
}

static void sweep_rectangle(hq_circuit_work *work, const hq_rectangle *r, const double *x, const hq_target *target)
{
    const int64_t lanes = (int64_t)work->sweep.lanes;
    for (int64_t first = 0; first < r->count; first += lanes) {
        const int64_t n = r->count - first < lanes ? r->count - first : lanes;
        hq_sweep_bind_inputs(&work->sweep, n, x + first * work->circuit->inputs);
        sweep_lanes(work, r, n, work->dq, target, target->out + first * target->stride);
    }
}

hq_status hq_shift_evaluate(void *ctx, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_shift_items *items = ctx;
    hq_circuit_work *work = items->work;
    const int inputs = work->circuit->inputs, outputs = work->circuit->n_observables;
    hq_rectangle rectangle[3];
    const int n = hq_shift_rectangles(lo, hi, items->evaluations, rectangle);
    for (int i = 0; i < n; i++) {
        const hq_rectangle *r = &rectangle[i];
        const int64_t item = r->first * items->evaluations + r->from - lo;
        const hq_target target = {out + item * outputs, (int64_t)items->evaluations * outputs, outputs};
        const double *x = in + (r->first - lo / items->evaluations) * inputs;
        if (work->path == HQ_COMPUTE_CIRCUIT_FUSED)
            fused_rectangle(work, r, items->w, x, &target);
        else
            sweep_rectangle(work, r, x, &target);
    }
    return HQ_OK;
}

/* ---- whole gradient ---- */

void hq_shift_bind(hq_circuit_work *work, const double *w)
{
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED)
        hq_fused_bind(&work->fused, w);
    else
        hq_sweep_bind_weights(&work->sweep, w);
}

/* work->outputs of all evaluations of the batch. */
static hq_status evaluate_all(hq_circuit_work *work, const hq_runner *runner, int64_t batch, const double *x,
                              const double *w)
{
    const hq_circuit *c = work->circuit;
    hq_shift_items shifted = {work, w, hq_circuit_shift_evaluations(c)};
    const hq_items items = {.parts = shifted.evaluations,
                            .in_size = c->inputs,
                            .out_size = c->n_observables,
                            .evaluate = hq_shift_evaluate,
                            .ctx = &shifted};
    hq_shift_bind(work, w);
    return runner->run(runner, &items, batch, x, work->outputs);
}

void hq_shift_contract(const hq_circuit *c, const double *rows, const double *dq, double *dx, double *dw)
{
    const int outputs = c->n_observables;
    rows += outputs; /* the unshifted one */
    for (int e = 0; e < c->n_entries; e++) {
        const hq_shift_rule *rule = hq_circuit_entry_rule(c, e);
        const hq_binding *b = hq_circuit_entry_binding(c, e);
        double gradient = 0;
        for (int t = 0; t < rule->terms; t++, rows += outputs) {
            double sum = 0;
            for (int k = 0; k < outputs; k++) sum += dq[k] * rows[k];
            gradient += rule->weight[t] * sum;
        }
        *(b->source == HQ_SOURCE_INPUT ? &dx[b->index] : &dw[b->index]) += b->scale * gradient;
    }
}

hq_status hq_circuit_bwd_shift(const hq_circuit *circuit, hq_circuit_work *work, const hq_runner *runner, int64_t batch,
                               const double *x, const double *w, const double *dq, double *dx, double *dw)
{
    HQ_ASSERT(work->given == circuit && batch <= work->batch);
    HQ_TRY(hq_work_check_exact(work));
    const int64_t row = (int64_t)hq_circuit_shift_evaluations(circuit) * circuit->n_observables;
    HQ_TRY(evaluate_all(work, runner, batch, x, w));
    memset(dw, 0, (size_t)circuit->weights * sizeof *dw);
    memset(dx, 0, (size_t)(batch * circuit->inputs) * sizeof *dx);
    for (int64_t b = 0; b < batch; b++)
        hq_shift_contract(work->circuit, work->outputs + b * row, dq + b * circuit->n_observables,
                          dx + b * circuit->inputs, dw);
    return HQ_OK;
}

hq_status hq_shift_jacobian(hq_circuit_work *work, const double *x, const double *w, double *jacobian)
{
    const hq_circuit *c = work->circuit;
    const int outputs = c->n_observables;
    HQ_TRY(evaluate_all(work, &hq_runner_local, 1, x, w));
    memset(jacobian, 0, (size_t)((c->inputs + c->weights) * outputs) * sizeof *jacobian);
    const double *rows = work->outputs + outputs;
    for (int e = 0; e < c->n_entries; e++) {
        const hq_shift_rule *rule = hq_circuit_entry_rule(c, e);
        double *row = jacobian + hq_circuit_entry_row(c, e) * outputs;
        for (int t = 0; t < rule->terms; t++, rows += outputs)
            for (int k = 0; k < outputs; k++)
                row[k] += hq_circuit_entry_binding(c, e)->scale * rule->weight[t] * rows[k];
    }
    return HQ_OK;
}
