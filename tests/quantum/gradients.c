/* Gradients of the HQCNN circuit on every path: adjoint against parameter shift and differences, and gradients that
 * must vanish. */
#include "cases.h"
#include "hqcnn/config.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 3

static hq_random stream;

/* A circuit with random inputs, weights and output gradients, and room for two gradients [B * Q + P]. */
typedef struct setup {
    hq_circuit *circuit;
    hq_circuit_work *work;
    int inputs, weights, outputs, size; /* inputs: B * Q; outputs: B * O; size: B * Q + P */
    double *x, *w, *dq, *q, *adjoint, *shift;
} setup;

static setup make(hq_circuit *circuit, const hq_circuit_options *path)
{
    setup s = {.circuit = circuit, .work = make_work(circuit, BATCH, path)};
    s.inputs = BATCH * hq_circuit_inputs(circuit);
    s.weights = hq_circuit_weights(circuit);
    s.outputs = BATCH * hq_circuit_outputs(circuit);
    s.size = s.inputs + s.weights;
    s.x = new_random(&stream, s.inputs, -1.6, 1.6);
    s.w = new_random(&stream, s.weights, 0, 6.3);
    s.dq = new_random(&stream, s.outputs, -1, 1);
    s.q = new_random(&stream, s.outputs, 9, 9);
    s.adjoint = new_random(&stream, s.size, 9, 9); /* must be overwritten */
    s.shift = new_random(&stream, s.size, 9, 9);
    return s;
}

static void unmake(setup *s)
{
    double *arrays[] = {s->x, s->w, s->dq, s->q, s->adjoint, s->shift};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    hq_circuit_work_destroy(s->work);
}

/* Calls test with the circuit on every path. */
static void on_all_paths(int qubits, int layers, int attention, int observables, void (*test)(setup *s))
{
    hq_circuit *circuit;
    hq_circuit_options path[WAYS_MAX];
    CHECK(hq_circuit_create_hqcnn(qubits, layers, attention, observables, &circuit) == HQ_OK);
    const int paths = all_paths(circuit, path);
    for (int i = 0; i < paths; i++) {
        setup s = make(circuit, &path[i]);
        test(&s);
        unmake(&s);
    }
    hq_circuit_destroy(circuit);
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

static void check_methods_agree(setup *s)
{
    adjoint(s);
    shift(s);
    const double error = worst_difference(s->adjoint, s->shift, s->size);
    CHECK_MSG(error <= 1e-10, "%s, %d qubits, %d weights: methods differ by %g", way_name(s->work),
              hq_circuit_qubits(s->circuit), s->weights, error);
}

static void test_adjoint_equals_shift(void)
{
    for (int qubits = 1; qubits <= 8; qubits++)
        for (int layers = 1; layers <= (qubits < 7 ? 3 : 1); layers++)
            for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++)
                for (int observables = HQ_OBSERVABLES_XZ; observables <= HQ_OBSERVABLES_Z; observables++)
                    on_all_paths(qubits, layers, attention, observables, check_methods_agree);
}

static void check_differences(setup *s)
{
    adjoint(s);
    for (int i = 0; i < s->size; i++) CHECK_NEAR(s->adjoint[i], difference(s, i), 1e-9);
}

static void test_differences(void)
{
    for (int qubits = 1; qubits <= 6; qubits++)
        for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++)
            on_all_paths(qubits, 2, attention, HQ_OBSERVABLES_XZ, check_differences);
}

/* The vector product of the Jacobian: dq^T J of each sample. */
static void check_jacobian(setup *s, int method)
{
    const int q = s->inputs / BATCH, outputs = s->outputs / BATCH;
    double *jacobian = new_random(&stream, (q + s->weights) * outputs, 9, 9),
           *sum = calloc((size_t)s->size, sizeof *sum);
    for (int b = 0; b < BATCH; b++) {
        CHECK(hq_circuit_jacobian(s->circuit, s->work, method, s->x + b * q, s->w, jacobian) == HQ_OK);
        for (int row = 0; row < q + s->weights; row++)
            for (int k = 0; k < outputs; k++)
                sum[row < q ? b * q + row : s->inputs + row - q] +=
                    s->dq[b * outputs + k] * jacobian[row * outputs + k];
    }
    adjoint(s);
    for (int i = 0; i < s->size; i++) CHECK_NEAR(s->adjoint[i], sum[i], 1e-13);
    free(jacobian);
    free(sum);
}

static void check_adjoint_jacobian(setup *s) { check_jacobian(s, HQ_GRADIENT_ADJOINT); }
static void check_shift_jacobian(setup *s) { check_jacobian(s, HQ_GRADIENT_PARAMETER_SHIFT); }

/* More outputs than lanes, too. */
static void test_jacobian(void)
{
    on_all_paths(4, 2, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, check_adjoint_jacobian);
    on_all_paths(4, 2, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, check_shift_jacobian);
    on_all_paths(10, 1, HQ_ATTENTION_QFT, HQ_OBSERVABLES_XZ, check_adjoint_jacobian);
}

static void check_vanishes(const setup *s, int weight)
{
    CHECK_MSG(fabs(s->adjoint[s->inputs + weight]) <= 1e-14, "weight %d: %g", weight, s->adjoint[s->inputs + weight]);
    CHECK_MSG(fabs(s->shift[s->inputs + weight]) <= 1e-14, "weight %d: %g", weight, s->shift[s->inputs + weight]);
}

/* Phases commute with Z, also when only permutations (CNOT, Toffoli) stand between them and the measurement. */
static void check_phases_vanish(setup *s, int per_layer, int offset, int stride)
{
    adjoint(s);
    shift(s);
    int first = s->weights - per_layer, visible = 0;
    for (int i = 0; i < s->size; i++) visible += fabs(s->adjoint[i]) > 1e-6;
    CHECK(visible > 0);
    for (int wire = 0; wire < hq_circuit_qubits(s->circuit); wire++) check_vanishes(s, first + offset + stride * wire);
}

/* phi of the last U3 gates; gamma of the last trainable phases. */
static void check_phi(setup *s) { check_phases_vanish(s, 3 * hq_circuit_qubits(s->circuit), 1, 3); }
static void check_gamma(setup *s)
{
    const int qubits = hq_circuit_qubits(s->circuit);
    check_phases_vanish(s, 4 * qubits, 3 * qubits, 1);
}

static void test_phases_before_measurement(void)
{
    for (int layers = 1; layers <= 2; layers++)
        for (int qubits = 1; qubits <= 6; qubits++) {
            on_all_paths(qubits, layers, HQ_ATTENTION_NONE, HQ_OBSERVABLES_Z, check_phi);
            on_all_paths(qubits, layers, HQ_ATTENTION_LADDER, HQ_OBSERVABLES_Z, check_phi);
            if (qubits > 1) on_all_paths(qubits, layers, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_Z, check_gamma);
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
