/* Property test: random circuits over the whole gate table, 1 to 10 qubits, and a few of up to 16, whose states are
 * worked on block by block. Every path and kernel variant gives the reference's outputs within 1e-12 and its slope
 * within 1e-11 of the gradient's size (9 and 10 qubits: the other ways' outputs and gradients, within 1e-12 and 1e-10),
 * and adjoint equals parameter shift within 1e-10.
 *
 * HQCNN_TEST_SEED and HQCNN_TEST_CIRCUITS set the seed and the number of small circuits; both are printed, and a
 * failing check names its circuit. */
#include "cases.h"
#include "dense_circuit.h"
#include "hqcnn/config.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DENSE_QUBITS_MAX 8
#define QUBITS_MAX 10

/* A circuit with a batch and what is expected: q[batch][O], and the slope of the loss sum dq q along a direction of all
 * inputs and weights. */
typedef struct expected {
    samples s;
    result first; /* of the first way, by adjoint */
    double *q, *along_x, *along_w, slope;
    bool known;    /* q and slope; else there is only the first way */
    bool by_shift; /* the gradient by parameter shift too */
    char name[64];
} expected;

static void fill_reference(expected *e)
{
    const samples *s = &e->s;
    double *slope = calloc((size_t)s->outputs + 1, sizeof *slope);
    e->slope = 0;
    for (int64_t b = 0; b < s->batch; b++) {
        const double *x = s->x + b * s->inputs, *dx = e->along_x + b * s->inputs;
        dense_outputs(s->circuit, x, s->w, e->q + b * s->outputs);
        dense_slopes(s->circuit, x, s->w, dx, e->along_w, slope);
        for (int k = 0; k < s->outputs; k++) e->slope += s->dq[b * s->outputs + k] * slope[k];
    }
    free(slope);
}

static expected make_expected(hq_random *stream, const hq_circuit *c, int64_t batch, bool known)
{
    expected e = {.s = samples_make(stream, c, batch), .known = known, .by_shift = true};
    e.first = result_make(&e.s);
    e.q = calloc((size_t)(batch * e.s.outputs), sizeof *e.q);
    e.along_x = new_random(stream, batch * e.s.inputs, -1, 1);
    e.along_w = new_random(stream, e.s.weights, -1, 1);
    if (known) fill_reference(&e);
    return e;
}

static void free_expected(expected *e)
{
    samples_free(&e->s);
    result_free(&e->first);
    free(e->q);
    free(e->along_x);
    free(e->along_w);
}

static void check_close(const double *have, const double *want, int64_t n, double tolerance, const char *what,
                        const expected *e, const hq_circuit_work *work)
{
    const double error = worst_difference(have, want, n);
    CHECK_MSG(error <= tolerance, "%s, %s: %s off by %g", e->name, way_name(work), what, error);
}

static void check_slope(const expected *e, const hq_circuit_work *work, const result *r)
{
    double slope = 0, size = 1;
    for (int64_t i = 0; i < e->s.batch * e->s.inputs; i++) slope += r->dx[i] * e->along_x[i], size += fabs(r->dx[i]);
    for (int p = 0; p < e->s.weights; p++) slope += r->dw[p] * e->along_w[p], size += fabs(r->dw[p]);
    CHECK_MSG(fabs(slope - e->slope) <= 1e-11 * size, "%s, %s: slope %.17g, not %.17g", e->name, way_name(work), slope,
              e->slope);
}

static void check_shift(const expected *e, hq_circuit_work *work, const result *adjoint)
{
    const samples *s = &e->s;
    result shift = result_make(s);
    evaluate(s, work, HQ_GRADIENT_PARAMETER_SHIFT, 0, s->batch, &shift);
    check_close(shift.dx, adjoint->dx, s->batch * s->inputs, 1e-10, "dx by shift", e, work);
    check_close(shift.dw, adjoint->dw, s->weights, 1e-10, "dw by shift", e, work);
    result_free(&shift);
}

/* What one way gives, against the reference and the first way. */
static void check_way(expected *e, const hq_circuit_options *way, bool is_first)
{
    const samples *s = &e->s;
    const int64_t q = s->batch * s->outputs, dx = s->batch * s->inputs;
    hq_circuit_work *work = make_work(s->circuit, s->batch, way);
    result adjoint = result_make(s);
    evaluate(s, work, HQ_GRADIENT_ADJOINT, 0, s->batch, &adjoint);
    if (e->by_shift) check_shift(e, work, &adjoint);
    if (e->known) {
        check_close(adjoint.q, e->q, q, 1e-12, "outputs", e, work);
        check_slope(e, work, &adjoint);
    }
    if (!is_first) {
        check_close(adjoint.q, e->first.q, q, 1e-12, "outputs beside the first way", e, work);
        check_close(adjoint.dx, e->first.dx, dx, 1e-10, "dx beside the first way", e, work);
        check_close(adjoint.dw, e->first.dw, s->weights, 1e-10, "dw beside the first way", e, work);
        result_free(&adjoint);
    } else {
        result_free(&e->first);
        e->first = adjoint;
    }
    hq_circuit_work_destroy(work);
}

/* Returns whether the circuit can take the fused path. */
static bool check_all_ways(expected *e)
{
    hq_circuit_options way[WAYS_MAX];
    const int ways = all_ways(e->s.circuit, way);
    for (int i = 0; i < ways; i++) check_way(e, &way[i], i == 0);
    return way[0].path == HQ_COMPUTE_CIRCUIT_FUSED;
}

static bool check_circuit(uint64_t seed, int index)
{
    static const int batches[] = {1, 3, 5, 7, 9, 17, 33};
    hq_random stream = hq_random_make(seed, HQ_PURPOSE_TEST, 0, (uint64_t)index);
    const int qubits = 1 + index % QUBITS_MAX;
    const int64_t batch = batches[random_int(&stream, 0, qubits < 8 ? 6 : 1)];
    hq_circuit *c = random_case(&stream, qubits, index / QUBITS_MAX % 2);
    expected e = make_expected(&stream, c, batch, qubits <= DENSE_QUBITS_MAX);
    snprintf(e.name, sizeof e.name, "circuit %d, %d qubits, batch %d", index, qubits, (int)batch);
    const bool fused = check_all_ways(&e);
    free_expected(&e);
    hq_circuit_destroy(c);
    return fused;
}

static long long number_of(const char *variable, long long otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? atoll(text) : otherwise;
}

static long long seed, circuits;

static void test_random_circuits(void)
{
    int fused = 0;
    for (int i = 0; i < circuits; i++) fused += check_circuit((uint64_t)seed, i);
    if (circuits >= 100) CHECK_MSG(fused >= circuits / 4, "only %d circuits took the fused path", fused);
}

/* Parameter shift takes one evaluation for each term, so only up to 12 qubits. */
static void test_large_circuits(void)
{
    static const int qubits[] = {11, 12, 13, 14, 14, 14, 14, 15, 16};
    for (int i = 0; i < (int)(sizeof qubits / sizeof *qubits); i++) {
        hq_random stream = hq_random_make((uint64_t)seed, HQ_PURPOSE_TEST, 1, (uint64_t)i);
        hq_circuit *c = random_case(&stream, qubits[i], i % 2);
        expected e = make_expected(&stream, c, 1, true);
        e.by_shift = qubits[i] <= 12;
        snprintf(e.name, sizeof e.name, "large circuit %d, %d qubits", i, qubits[i]);
        check_all_ways(&e);
        free_expected(&e);
        hq_circuit_destroy(c);
    }
}

int main(void)
{
    seed = number_of("HQCNN_TEST_SEED", 20250916);
    circuits = number_of("HQCNN_TEST_CIRCUITS", 400);
    printf("HQCNN_TEST_SEED=%lld HQCNN_TEST_CIRCUITS=%lld\n", seed, circuits);
    fflush(stdout);
    HQ_RUN(test_large_circuits);
    HQ_RUN(test_random_circuits);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
