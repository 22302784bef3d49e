/* batch.c: the circuits of a training batch, forward and backward, through a runner.
 *
 * Adjoint: one item a sample forwards (its outputs) and one backwards (its gradients), but the fused path, whose weight
 * gradient is one sum over the batch, stays with the owner of the samples. Other methods: all evaluations of a sample
 * are items of the forward pass, and backward only contracts their outputs with dq.
 */
#include "hqcnn/config.h"
#include "quantum/perturbed.h"
#include "quantum/work.h"

#include <string.h>

static int larger(int a, int b) { return a > b ? a : b; }
static bool by_adjoint(const hq_circuit_work *work)
{
    return work->options.method == HQ_GRADIENT_ADJOINT && !work->is_noisy;
}

/* ---- adjoint ---- */

typedef struct hq_batch_items {
    hq_circuit_work *work;
    const hq_circuit_batch *batch;
} hq_batch_items;

static hq_status forward_items(void *ctx, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_batch_items *items = ctx;
    return hq_circuit_fwd(items->work->given, items->work, hi - lo, in, items->batch->w, out);
}

/* in: x then dq of a sample; out: its dx then dw. */
static hq_status backward_items(void *ctx, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_batch_items *items = ctx;
    const hq_circuit *c = items->work->circuit;
    const int row = c->inputs + c->n_observables;
    for (int64_t i = 0; i < hi - lo; i++, in += row, out += c->inputs + c->weights)
        HQ_TRY(hq_circuit_bwd_adjoint(items->work->given, items->work, 1, in, items->batch->w, in + c->inputs, out,
                                      out + c->inputs));
    return HQ_OK;
}

static hq_status adjoint_forward(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch,
                                 double *q)
{
    const hq_circuit *c = work->circuit;
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED)
        return hq_circuit_fwd(work->given, work, batch->n, batch->x, batch->w, q);
    hq_batch_items ctx = {work, batch};
    const hq_items items = {1, c->inputs, c->n_observables, forward_items, &ctx, hq_work_seconds(work, false)};
    return runner->run(runner, &items, batch->n, batch->x, q);
}

static hq_status adjoint_backward(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch,
                                  const double *dq, double *dx, double *dw)
{
    const hq_circuit *c = work->circuit;
    const int q = c->inputs, p = c->weights, o = c->n_observables;
    if (work->path !=
        HQ_COMPUTE_CIRCUIT_SINGLE) /* a whole block of samples side by side costs less than their messages */
        return hq_circuit_bwd_adjoint(work->given, work, batch->n, batch->x, batch->w, dq, dx, dw);
    for (int64_t b = 0; b < batch->n; b++) {
        memcpy(work->rows + b * (q + o), batch->x + b * q, (size_t)q * sizeof *dx);
        memcpy(work->rows + b * (q + o) + q, dq + b * o, (size_t)o * sizeof *dq);
    }
    hq_batch_items ctx = {work, batch};
    const hq_items items = {1, q + o, q + p, backward_items, &ctx, hq_work_seconds(work, true)};
    HQ_TRY(runner->run(runner, &items, batch->n, work->rows, work->outputs));
    memset(dw, 0, (size_t)p * sizeof *dw);
    for (int64_t b = 0; b < batch->n; b++) {
        const double *row = work->outputs + b * (q + p);
        memcpy(dx + b * q, row, (size_t)q * sizeof *dx);
        for (int i = 0; i < p; i++) dw[i] += row[q + i];
    }
    return HQ_OK;
}

/* ---- evaluations that are perturbed ---- */

static uint64_t key_of(const hq_circuit_batch *batch, int64_t b)
{
    return (uint64_t)(batch->keys ? batch->keys[b] : b);
}

static hq_spsa spsa_of(const hq_circuit_work *work, const hq_circuit_batch *batch)
{
    return (hq_spsa){work->options.spsa_step, work->options.seed, batch->epoch};
}

/* Input rows with the keys behind x. */
static void fill_rows(hq_circuit_work *work, const hq_circuit_batch *batch)
{
    const int q = work->circuit->inputs;
    for (int64_t b = 0; b < batch->n; b++) {
        memcpy(work->rows + b * (q + 1), batch->x + b * q, (size_t)q * sizeof(double));
        work->rows[b * (q + 1) + q] = (double)key_of(batch, b);
    }
}

/* The pieces of every evaluation become their sum, in order: rows[count][pieces][O] -> rows[count][O]. */
static void add_pieces(double *rows, int64_t count, int pieces, int outputs)
{
    for (int64_t i = 0; i < count; i++) {
        const double *from = rows + i * pieces * outputs;
        double *to = rows + i * outputs;
        for (int k = 0; k < outputs; k++) {
            double sum = from[k];
            for (int piece = 1; piece < pieces; piece++) sum += from[piece * outputs + k];
            to[k] = sum;
        }
    }
}

static hq_status evaluate_one_by_one(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch,
                                     int evaluations)
{
    const hq_circuit *c = work->circuit;
    hq_perturbed ctx = {.sweep = &work->single,
                        .hardware = work->is_noisy ? &work->hardware : NULL,
                        .executor = work->executor,
                        .spsa = work->options.method == HQ_GRADIENT_SPSA,
                        .settings = spsa_of(work, batch),
                        .w = batch->w,
                        .x_row = work->x,
                        .w_row = work->w_row,
                        .evaluations = evaluations,
                        .pieces = work->pieces,
                        .epoch = batch->epoch};
    const hq_items items = {.parts = evaluations * work->pieces,
                            .in_size = c->inputs + 1,
                            .out_size = c->n_observables,
                            .evaluate = hq_perturbed_evaluate,
                            .ctx = &ctx,
                            .seconds = hq_work_seconds(work, false)};
    fill_rows(work, batch);
    HQ_TRY(runner->run(runner, &items, batch->n, work->rows, work->outputs));
    add_pieces(work->outputs, batch->n * evaluations, work->pieces, c->n_observables);
    return HQ_OK;
}

/* work->outputs [n][evaluations][O] */
static hq_status evaluate(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch,
                          int evaluations)
{
    const hq_circuit *c = work->circuit;
    if (work->one_by_one) return evaluate_one_by_one(work, runner, batch, evaluations);
    hq_shift_items ctx = {work, batch->w, evaluations};
    const hq_items items = {.parts = evaluations,
                            .in_size = c->inputs,
                            .out_size = c->n_observables,
                            .evaluate = hq_shift_evaluate,
                            .ctx = &ctx,
                            .seconds = hq_work_seconds(work, false)};
    hq_shift_bind(work, batch->w);
    return runner->run(runner, &items, batch->n, batch->x, work->outputs);
}

/* ---- both ---- */

hq_status hq_circuit_forward(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch, double *q)
{
    HQ_ASSERT(batch->n <= work->batch);
    if (by_adjoint(work)) return adjoint_forward(work, runner, batch, q);
    const int outputs = work->circuit->n_observables, evaluations = batch->gradient ? work->evaluations : 1;
    HQ_TRY(evaluate(work, runner, batch, evaluations));
    for (int64_t b = 0; b < batch->n; b++)
        memcpy(q + b * outputs, work->outputs + b * evaluations * outputs, (size_t)outputs * sizeof *q);
    return HQ_OK;
}

hq_status hq_circuit_backward(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch,
                              const double *dq, double *dx, double *dw)
{
    const hq_circuit *c = work->circuit;
    HQ_ASSERT(batch->n <= work->batch && batch->gradient);
    if (by_adjoint(work)) return adjoint_backward(work, runner, batch, dq, dx, dw);
    memset(dx, 0, (size_t)(batch->n * c->inputs) * sizeof *dx);
    memset(dw, 0, (size_t)c->weights * sizeof *dw);
    const hq_spsa spsa = spsa_of(work, batch);
    for (int64_t b = 0; b < batch->n; b++) {
        const double *rows = work->outputs + b * work->evaluations * c->n_observables;
        const double *dq_row = dq + b * c->n_observables;
        if (work->options.method == HQ_GRADIENT_SPSA)
            hq_spsa_contract(c, &spsa, key_of(batch, b), work->options.spsa_samples, rows, dq_row, dx + b * c->inputs,
                             dw);
        else
            hq_shift_contract(c, rows, dq_row, dx + b * c->inputs, dw);
    }
    return HQ_OK;
}

hq_items hq_circuit_largest_items(const hq_circuit_work *work)
{
    const hq_circuit *c = work->circuit;
    const int o = c->n_observables;
    if (by_adjoint(work))
        return (hq_items){.parts = 1, .in_size = c->inputs + o, .out_size = larger(o, c->inputs + c->weights)};
    return (hq_items){.parts = work->evaluations * work->pieces, .in_size = c->inputs + 1, .out_size = o};
}
