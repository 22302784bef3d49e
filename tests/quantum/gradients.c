/* Gradients of the HQCNN circuit: adjoint against parameter shift and differences, and gradients that must vanish. */
#include "dense.h"
#include "hqcnn/config.h"
#include "hqcnn/quantum.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 3

static hq_random stream;

/* A circuit with random inputs, weights and output gradients, and room for two gradients [B * Q + P]. */
typedef struct setup {
    hq_circuit *circuit;
    hq_circuit_work *work;
    int inputs, weights, outputs, size; /* size: B * Q + P */
    double *x, *w, *dq, *q, *adjoint, *shift;
} setup;

static double *new_numbers(int n, double low, double high)
{
    double *v = calloc((size_t)n, sizeof *v);
    fill_random(&stream, n, low, high, v);
    return v;
}

static setup make(int qubits, int layers, int attention, int observables)
{
    setup s;
    CHECK(hq_circuit_create_hqcnn(qubits, layers, attention, observables, &s.circuit) == HQ_OK);
    CHECK(hq_circuit_work_create(s.circuit, BATCH, NULL, &s.work) == HQ_OK);
    s.inputs = BATCH * hq_circuit_inputs(s.circuit);
    s.weights = hq_circuit_weights(s.circuit);
    s.outputs = BATCH * hq_circuit_outputs(s.circuit);
    s.size = s.inputs + s.weights;
    s.x = new_numbers(s.inputs, -1.6, 1.6);
    s.w = new_numbers(s.weights, 0, 6.3);
    s.dq = new_numbers(s.outputs, -1, 1);
    s.q = new_numbers(s.outputs, 9, 9);
    s.adjoint = new_numbers(s.size, 9, 9); /* must be overwritten */
    s.shift = new_numbers(s.size, 9, 9);
    return s;
}

static void unmake(setup *s)
{
    double *arrays[] = {s->x, s->w, s->dq, s->q, s->adjoint, s->shift};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    hq_circuit_work_destroy(s->work);
    hq_circuit_destroy(s->circuit);
}

static void adjoint(setup *s)
{
    CHECK(hq_circuit_bwd_adjoint(s->circuit, s->work, BATCH, s->x, s->w, s->dq, s->adjoint, s->adjoint + s->inputs) ==
          HQ_OK);
}

static void shift(setup *s)
{
    CHECK(hq_circuit_bwd_shift(s->circuit, s->work, &hq_runner_local, BATCH, s->x, s->w, s->dq, s->shift,
                               s->shift + s->inputs) == HQ_OK);
}

static double loss(setup *s)
{
    double sum = 0;
    CHECK(hq_circuit_fwd(s->circuit, s->work, BATCH, s->x, s->w, s->q) == HQ_OK);
    for (int i = 0; i < s->outputs; i++) sum += s->dq[i] * s->q[i];
    return sum;
}

/* The i-th of all inputs and weights, as the gradients are ordered. */
static double *variable(setup *s, int i) { return i < s->inputs ? &s->x[i] : &s->w[i - s->inputs]; }

static double difference(setup *s, int i)
{
    const double step = 1e-3;
    double at[4], *v = variable(s, i), saved = *v;
    for (int k = 0; k < 4; k++) {
        *v = saved + (k < 2 ? k - 2 : k - 1) * step;
        at[k] = loss(s);
    }
    *v = saved;
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step);
}

static void check_methods_agree(int qubits, int layers, int attention, int observables)
{
    setup s = make(qubits, layers, attention, observables);
    adjoint(&s);
    shift(&s);
    for (int i = 0; i < s.size; i++)
        CHECK_MSG(fabs(s.adjoint[i] - s.shift[i]) <= 1e-10,
                  "%d qubits, %d layers, attention %d, entry %d: %.17g, %.17g", qubits, layers, attention, i,
                  s.adjoint[i], s.shift[i]);
    unmake(&s);
}

static void test_adjoint_equals_shift(void)
{
    for (int qubits = 1; qubits <= 8; qubits++)
        for (int layers = 1; layers <= 3; layers++)
            for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++)
                for (int observables = HQ_OBSERVABLES_XZ; observables <= HQ_OBSERVABLES_Z; observables++)
                    check_methods_agree(qubits, layers, attention, observables);
}

static void test_differences(void)
{
    for (int qubits = 1; qubits <= 6; qubits++)
        for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++) {
            setup s = make(qubits, 2, attention, HQ_OBSERVABLES_XZ);
            adjoint(&s);
            for (int i = 0; i < s.size; i++) CHECK_NEAR(s.adjoint[i], difference(&s, i), 1e-9);
            unmake(&s);
        }
}

/* The vector product of the Jacobian: dq^T J of each sample. */
static void check_jacobian(int method)
{
    setup s = make(4, 2, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ);
    int q = s.inputs / BATCH, outputs = s.outputs / BATCH;
    double *jacobian = new_numbers((q + s.weights) * outputs, 9, 9), *sum = calloc((size_t)s.size, sizeof *sum);
    for (int b = 0; b < BATCH; b++) {
        CHECK(hq_circuit_jacobian(s.circuit, s.work, method, s.x + b * q, s.w, jacobian) == HQ_OK);
        for (int row = 0; row < q + s.weights; row++)
            for (int k = 0; k < outputs; k++)
                sum[row < q ? b * q + row : s.inputs + row - q] += s.dq[b * outputs + k] * jacobian[row * outputs + k];
    }
    adjoint(&s);
    for (int i = 0; i < s.size; i++) CHECK_NEAR(s.adjoint[i], sum[i], 1e-13);
    free(jacobian);
    free(sum);
    unmake(&s);
}

static void test_jacobian(void)
{
    check_jacobian(HQ_GRADIENT_ADJOINT);
    check_jacobian(HQ_GRADIENT_PARAMETER_SHIFT);
}

static void check_vanishes(const setup *s, int weight)
{
    CHECK_MSG(fabs(s->adjoint[s->inputs + weight]) <= 1e-14, "weight %d: %g", weight, s->adjoint[s->inputs + weight]);
    CHECK_MSG(fabs(s->shift[s->inputs + weight]) <= 1e-14, "weight %d: %g", weight, s->shift[s->inputs + weight]);
}

/* Phases commute with Z, also when only permutations (CNOT, Toffoli) stand between them and the measurement. */
static void check_phases_vanish(int qubits, int layers, int attention)
{
    setup s = make(qubits, layers, attention, HQ_OBSERVABLES_Z);
    adjoint(&s);
    shift(&s);
    int first = (layers - 1) * (s.weights / layers), visible = 0;
    for (int i = 0; i < s.size; i++) visible += fabs(s.adjoint[i]) > 1e-6;
    CHECK(visible > 0);
    for (int wire = 0; wire < qubits; wire++)
        if (attention == HQ_ATTENTION_TRAINABLE)
            check_vanishes(&s, first + 3 * qubits + wire); /* gamma */
        else
            check_vanishes(&s, first + 3 * wire + 1); /* phi */
    unmake(&s);
}

static void test_phases_before_measurement(void)
{
    for (int layers = 1; layers <= 2; layers++) {
        for (int qubits = 1; qubits <= 6; qubits++) {
            check_phases_vanish(qubits, layers, HQ_ATTENTION_NONE);
            check_phases_vanish(qubits, layers, HQ_ATTENTION_LADDER);
        }
        for (int qubits = 2; qubits <= 6; qubits++) check_phases_vanish(qubits, layers, HQ_ATTENTION_TRAINABLE);
    }
}

int main(void)
{
    stream = hq_random_make(4, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_adjoint_equals_shift);
    HQ_RUN(test_differences);
    HQ_RUN(test_jacobian);
    HQ_RUN(test_phases_before_measurement);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
