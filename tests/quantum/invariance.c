/* Same bits: a sample alone, in a batch, or at another position; shifted circuits in any order. No allocation in a
 * step. */
#include "dense.h"
#include "hqcnn/config.h"
#include "quantum/work.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 37

/* Outputs and gradients of one call on a batch. */
typedef struct result {
    double *q, *dx, *dw;
} result;

typedef hq_status (*gradient_fn)(const hq_circuit *c, hq_circuit_work *work, int64_t batch, const double *x,
                                 const double *w, const double *dq, double *dx, double *dw);

static hq_status local_shift(const hq_circuit *c, hq_circuit_work *work, int64_t batch, const double *x,
                             const double *w, const double *dq, double *dx, double *dw)
{
    return hq_circuit_bwd_shift(c, work, &hq_runner_local, batch, x, w, dq, dx, dw);
}

static bool same_bits(const double *a, const double *b, int64_t n) { return memcmp(a, b, (size_t)n * sizeof *a) == 0; }

static result new_result(const hq_circuit *c)
{
    return (result){calloc(BATCH * (size_t)hq_circuit_outputs(c), sizeof(double)),
                    calloc(BATCH * (size_t)hq_circuit_inputs(c), sizeof(double)),
                    calloc((size_t)hq_circuit_weights(c), sizeof(double))};
}

static void free_result(result *r)
{
    free(r->q);
    free(r->dx);
    free(r->dw);
}

static void evaluate(const hq_circuit *c, hq_circuit_work *work, gradient_fn gradient, int64_t batch, const double *x,
                     const double *w, const double *dq, result *out)
{
    CHECK(hq_circuit_fwd(c, work, batch, x, w, out->q) == HQ_OK);
    CHECK(gradient(c, work, batch, x, w, dq, out->dx, out->dw) == HQ_OK);
}

/* Each sample alone, in the work memory of a batch of one: same rows, and dw is their sum in order. */
static void check_alone(const hq_circuit *c, gradient_fn gradient, int64_t batch, const double *x, const double *w,
                        const double *dq, const result *whole)
{
    int inputs = hq_circuit_inputs(c), weights = hq_circuit_weights(c), outputs = hq_circuit_outputs(c);
    hq_circuit_work *work;
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    result one = new_result(c);
    double *sum = calloc((size_t)weights, sizeof *sum);
    for (int64_t b = 0; b < batch; b++) {
        evaluate(c, work, gradient, 1, x + b * inputs, w, dq + b * outputs, &one);
        CHECK(same_bits(one.q, whole->q + b * outputs, outputs));
        CHECK(same_bits(one.dx, whole->dx + b * inputs, inputs));
        for (int p = 0; p < weights; p++) sum[p] += one.dw[p];
    }
    CHECK(same_bits(sum, whole->dw, weights));
    free(sum);
    free_result(&one);
    hq_circuit_work_destroy(work);
}

/* The batch without its first three samples: every sample moves to another lane. */
static void check_moved(const hq_circuit *c, hq_circuit_work *work, gradient_fn gradient, int64_t batch,
                        const double *x, const double *w, const double *dq, const result *whole)
{
    int inputs = hq_circuit_inputs(c), outputs = hq_circuit_outputs(c), skip = 3;
    result moved = new_result(c);
    evaluate(c, work, gradient, batch - skip, x + skip * inputs, w, dq + skip * outputs, &moved);
    CHECK(same_bits(moved.q, whole->q + skip * outputs, (batch - skip) * outputs));
    CHECK(same_bits(moved.dx, whole->dx + skip * inputs, (batch - skip) * inputs));
    free_result(&moved);
}

static void check_batch(int qubits, int attention, int64_t batch, gradient_fn gradient)
{
    hq_random stream = hq_random_make(5, HQ_PURPOSE_TEST, 0, (uint64_t)qubits);
    hq_circuit *c;
    hq_circuit_work *work;
    CHECK(hq_circuit_create_hqcnn(qubits, 1, attention, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK(hq_circuit_work_create(c, BATCH, NULL, &work) == HQ_OK);
    double *x = calloc((size_t)(BATCH * qubits), sizeof *x), *w = calloc((size_t)(4 * qubits), sizeof *w);
    double *dq = calloc((size_t)(BATCH * 2 * qubits), sizeof *dq);
    fill_random(&stream, BATCH * qubits, -2, 2, x);
    fill_random(&stream, 4 * qubits, 0, 6.3, w);
    fill_random(&stream, BATCH * 2 * qubits, -1, 1, dq);
    result whole = new_result(c);
    int64_t made = hq_memory_count();
    evaluate(c, work, gradient, batch, x, w, dq, &whole);
    CHECK_INT(hq_memory_count(), made); /* no allocation in a step */
    check_moved(c, work, gradient, batch, x, w, dq, &whole);
    check_alone(c, gradient, batch, x, w, dq, &whole);
    free_result(&whole);
    free(x);
    free(w);
    free(dq);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

/* Blocks of 16, 8 and 1 samples. */
static void test_batches(void)
{
    CHECK_INT(hq_work_lanes(4), 16);
    CHECK_INT(hq_work_lanes(11), 8);
    CHECK_INT(hq_work_lanes(14), 1);
    CHECK_INT(hq_work_lanes(20), 1);
    for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++) {
        check_batch(4, attention, BATCH, hq_circuit_bwd_adjoint);
        check_batch(4, attention, BATCH, local_shift);
    }
    check_batch(1, HQ_ATTENTION_QFT, 16, hq_circuit_bwd_adjoint);
    check_batch(6, HQ_ATTENTION_QFT, 17, local_shift);
    check_batch(11, HQ_ATTENTION_QFT, 11, hq_circuit_bwd_adjoint);
    check_batch(14, HQ_ATTENTION_LADDER, 4, hq_circuit_bwd_adjoint);
}

/* ---- runners ---- */

static hq_status run_backwards(const hq_runner *runner, int64_t n_items, int row_size,
                               hq_status (*item)(void *ctx, int64_t i, double *row), void *ctx, double *rows)
{
    (void)runner;
    for (int64_t i = n_items - 1; i >= 0; i--) HQ_TRY(item(ctx, i, rows + i * row_size));
    return HQ_OK;
}

/* As over *state processes: worker r has items r, r + n, ...; rows are computed elsewhere and copied. */
static hq_status run_interleaved(const hq_runner *runner, int64_t n_items, int row_size,
                                 hq_status (*item)(void *ctx, int64_t i, double *row), void *ctx, double *rows)
{
    int workers = *(int *)runner->state;
    double elsewhere[HQ_LANES_MAX];
    CHECK(row_size <= HQ_LANES_MAX);
    for (int r = 0; r < workers; r++)
        for (int64_t i = r; i < n_items; i += workers) {
            memset(elsewhere, 0xff, sizeof elsewhere);
            HQ_TRY(item(ctx, i, elsewhere));
            memcpy(rows + i * row_size, elsewhere, (size_t)row_size * sizeof *rows);
        }
    return HQ_OK;
}

static hq_status run_refuse(const hq_runner *runner, int64_t n_items, int row_size,
                            hq_status (*item)(void *ctx, int64_t i, double *row), void *ctx, double *rows)
{
    (void)runner, (void)n_items, (void)row_size, (void)item, (void)ctx, (void)rows;
    return HQ_ERR_COMM;
}

static void test_runners(void)
{
    enum { QUBITS = 4, SAMPLES = 21 };
    hq_random stream = hq_random_make(6, HQ_PURPOSE_TEST, 0, 1);
    hq_circuit *c;
    hq_circuit_work *work;
    double x[SAMPLES * QUBITS], w[2 * 4 * QUBITS], dq[SAMPLES * 2 * QUBITS];
    double dx[2][SAMPLES * QUBITS], dw[2][2 * 4 * QUBITS];
    fill_random(&stream, SAMPLES * QUBITS, -2, 2, x);
    fill_random(&stream, 2 * 4 * QUBITS, 0, 6.3, w);
    fill_random(&stream, SAMPLES * 2 * QUBITS, -1, 1, dq);
    CHECK(hq_circuit_create_hqcnn(QUBITS, 2, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK(hq_circuit_work_create(c, SAMPLES, NULL, &work) == HQ_OK);
    CHECK(hq_circuit_bwd_shift(c, work, &hq_runner_local, SAMPLES, x, w, dq, dx[0], dw[0]) == HQ_OK);
    int workers[] = {1, 2, 3, 7, 64};
    hq_runner runners[6] = {{run_backwards, NULL}};
    for (int i = 0; i < 5; i++) runners[i + 1] = (hq_runner){run_interleaved, &workers[i]};
    for (int i = 0; i < 6; i++) {
        CHECK(hq_circuit_bwd_shift(c, work, &runners[i], SAMPLES, x, w, dq, dx[1], dw[1]) == HQ_OK);
        CHECK_MSG(same_bits(dx[0], dx[1], SAMPLES * QUBITS), "runner %d changes dx", i);
        CHECK_MSG(same_bits(dw[0], dw[1], 2 * 4 * QUBITS), "runner %d changes dw", i);
    }
    hq_runner refuse = {run_refuse, NULL};
    CHECK(hq_circuit_bwd_shift(c, work, &refuse, SAMPLES, x, w, dq, dx[1], dw[1]) == HQ_ERR_COMM);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

int main(void)
{
    HQ_RUN(test_batches);
    HQ_RUN(test_runners);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
