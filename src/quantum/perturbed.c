#include "quantum/perturbed.h"

#include "quantum/work.h"

#include <string.h>

/* Keys of samples: the data's split above bit 40, below it the number in the split. */
enum { KEY_BITS = 40 };

/* ---- binding one evaluation ---- */

/* Inputs and weights of an evaluation, but for the shift of one parameter: x_row and w_row. */
static void fill_rows(const hq_perturbed *p, const double *row, int evaluation)
{
    const hq_circuit *c = p->sweep->circuit;
    memcpy(p->x_row, row, (size_t)c->inputs * sizeof *row);
    memcpy(p->w_row, p->w, (size_t)c->weights * sizeof *row);
    if (p->spsa) hq_spsa_perturb(c, &p->settings, (uint64_t)row[c->inputs], evaluation, p->x_row, p->w_row);
}

static void bind_sample(const hq_perturbed *p, const double *row, int evaluation)
{
    fill_rows(p, row, evaluation);
    hq_sweep_bind_weights(p->sweep, p->w_row);
    hq_sweep_bind_inputs(p->sweep, 1, p->x_row);
    if (p->hardware) hq_hardware_reset(p->hardware);
}

/* Brings the hardware's front to the gate that is shifted, and shifts it; *shifted is the op, -1: none. */
static void bind_shift(const hq_perturbed *p, int evaluation, int *shifted)
{
    const hq_circuit *c = p->sweep->circuit;
    int entry, term;
    if (*shifted >= 0) hq_sweep_bind_op(p->sweep, *shifted, 0, 0);
    hq_shift_find(c, evaluation, &entry, &term);
    *shifted = entry < 0 ? -1 : c->entries[entry].op;
    if (entry < 0) return;
    if (p->hardware) hq_hardware_advance(p->hardware, *shifted);
    hq_sweep_bind_op(p->sweep, *shifted, c->entries[entry].slot, hq_circuit_entry_rule(c, entry)->shift[term]);
}

static hq_shots_key key_of(const hq_perturbed *p, const double *row, int evaluation)
{
    const uint64_t key = (uint64_t)row[p->sweep->circuit->inputs];
    return (hq_shots_key){.epoch = p->epoch,
                          .split = (uint32_t)(key >> KEY_BITS),
                          .sample = key & (((uint64_t)1 << KEY_BITS) - 1),
                          .evaluation = (uint32_t)evaluation};
}

/* ---- items of an external executor ---- */

static void bind_executor(const hq_perturbed *p, const double *row, int evaluation)
{
    const hq_circuit *c = p->sweep->circuit;
    int entry = -1, term = 0;
    fill_rows(p, row, evaluation);
    if (!p->spsa) hq_shift_find(c, evaluation, &entry, &term);
    hq_executor_bind(p->executor, p->x_row, p->w_row, entry,
                     entry < 0 ? 0 : hq_circuit_entry_rule(c, entry)->shift[term]);
}

static hq_status execute(const hq_perturbed *p, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_circuit *c = p->sweep->circuit;
    const int64_t parts = (int64_t)p->evaluations * p->pieces;
    for (int64_t k = lo; k < hi; k++, out += c->n_observables) {
        const int v = (int)(k % parts / p->pieces), piece = (int)(k % p->pieces);
        const double *row = in + (k / parts - lo / parts) * (c->inputs + 1);
        const hq_shots_key key = key_of(p, row, v);
        if (k == lo || piece == 0) bind_executor(p, row, v);
        HQ_TRY(hq_executor_part(p->executor, p->hardware, &key, piece, out));
    }
    return HQ_OK;
}

/* ---- items ---- */

static void evaluate_piece(const hq_perturbed *p, const double *row, int evaluation, int piece, double *q)
{
    if (p->hardware) {
        const hq_shots_key shots = key_of(p, row, evaluation);
        hq_hardware_part(p->hardware, &shots, piece, q);
        return;
    }
    hq_sweep_prepare(p->sweep);
    hq_sweep_measure(p->sweep, &p->sweep->psi, 1, q);
}

hq_status hq_perturbed_evaluate(void *ctx, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_perturbed *p = ctx;
    const hq_circuit *c = p->sweep->circuit;
    const int64_t parts = (int64_t)p->evaluations * p->pieces;
    int64_t sample = -1;
    int evaluation = -1, shifted = -1;
    if (p->executor) return execute(p, lo, hi, in, out);
    for (int64_t k = lo; k < hi; k++, out += c->n_observables) {
        const int v = (int)(k % parts / p->pieces);
        const double *row = in + (k / parts - lo / parts) * (c->inputs + 1);
        const bool new_sample = k / parts != sample, new_evaluation = new_sample || v != evaluation;
        if (new_sample || (new_evaluation && p->spsa)) {
            bind_sample(p, row, v);
            shifted = -1;
        }
        if (new_evaluation && !p->spsa) bind_shift(p, v, &shifted);
        if (new_evaluation && p->hardware) hq_hardware_finish(p->hardware);
        sample = k / parts;
        evaluation = v;
        evaluate_piece(p, row, v, (int)(k % p->pieces), out);
    }
    return HQ_OK;
}
