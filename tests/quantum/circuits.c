/* The HQCNN circuit: counts, refused arguments, outputs against the reference, 1 and 2 qubits included. */
#include "cases.h"
#include "hqcnn/config.h"
#include "support/check.h"

static void check_counts(int qubits, int layers, int attention, int observables)
{
    hq_circuit *c;
    CHECK(hq_circuit_create_hqcnn(qubits, layers, attention, observables, &c) == HQ_OK);
    int ring = attention == HQ_ATTENTION_TRAINABLE && qubits > 1 ? qubits : 0;
    int weights = layers * (3 * qubits + ring);
    CHECK_INT(hq_circuit_qubits(c), qubits);
    CHECK_INT(hq_circuit_inputs(c), qubits);
    CHECK_INT(hq_circuit_weights(c), weights);
    CHECK_INT(hq_circuit_outputs(c), observables == HQ_OBSERVABLES_Z ? qubits : 2 * qubits);
    CHECK_INT(hq_circuit_shift_evaluations(c), 1 + 2 * (qubits + weights));
    hq_circuit_destroy(c);
}

static void test_counts(void)
{
    for (int qubits = 1; qubits <= HQ_QUBITS_MAX; qubits++)
        for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++)
            for (int observables = HQ_OBSERVABLES_XZ; observables <= HQ_OBSERVABLES_Z; observables++) {
                check_counts(qubits, 1, attention, observables);
                check_counts(qubits, 3, attention, observables);
            }
}

static void test_refused(void)
{
    static const int wrong[][4] = {{0, 1, 0, 0},  {-1, 1, 0, 0}, {21, 1, 0, 0}, {4, 0, 0, 0},
                                   {4, 1, -1, 0}, {4, 1, 4, 0},  {4, 1, 0, -1}, {4, 1, 0, 2}};
    int n = (int)(sizeof wrong / sizeof *wrong), errors = hq_log_error_count();
    int64_t balance = hq_memory_balance();
    for (int i = 0; i < n; i++) {
        int unset;
        hq_circuit *c = (hq_circuit *)&unset;
        CHECK(hq_circuit_create_hqcnn(wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], &c) == HQ_ERR_CONFIG);
        CHECK(c == NULL);
    }
    CHECK_INT(hq_log_error_count() - errors, n);
    CHECK_INT(hq_memory_balance(), balance);
    hq_circuit_destroy(NULL);
    hq_circuit_work_destroy(NULL);
}

static void test_refused_method(void)
{
    hq_circuit *c;
    hq_circuit_work *work;
    double x[1] = {0}, w[3] = {0}, jacobian[8];
    CHECK(hq_circuit_create_hqcnn(1, 1, HQ_ATTENTION_NONE, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    CHECK(hq_circuit_jacobian(c, work, 2, x, w, jacobian) == HQ_ERR_CONFIG);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

static void check_outputs(hq_random *stream, int qubits, int layers, int attention, int observables)
{
    enum { BATCH = 3 };
    hq_circuit *c;
    hq_circuit_options way[WAYS_MAX];
    double x[BATCH * 5], w[3 * 20], q[BATCH * 10], want[BATCH * 10];
    CHECK(hq_circuit_create_hqcnn(qubits, layers, attention, observables, &c) == HQ_OK);
    const int ways = all_ways(c, way), outputs = hq_circuit_outputs(c);
    fill_random(stream, BATCH * qubits, -4, 4, x);
    fill_random(stream, hq_circuit_weights(c), 0, 6.3, w);
    for (int b = 0; b < BATCH; b++)
        dense_hqcnn(qubits, layers, attention, observables, x + b * qubits, w, want + b * outputs);
    for (int i = 0; i < ways; i++) {
        hq_circuit_work *work = make_work(c, BATCH, &way[i]);
        CHECK(hq_circuit_fwd(c, work, BATCH, x, w, q) == HQ_OK);
        const double error = worst_difference(q, want, BATCH * outputs);
        CHECK_MSG(error <= 1e-13, "%s, %d qubits, %d layers, attention %d: off by %g", way_name(work), qubits, layers,
                  attention, error);
        hq_circuit_work_destroy(work);
    }
    hq_circuit_destroy(c);
}

static void test_outputs(void)
{
    hq_random stream = hq_random_make(3, HQ_PURPOSE_TEST, 0, 1);
    for (int qubits = 1; qubits <= 5; qubits++)
        for (int layers = 1; layers <= 3; layers++)
            for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++)
                for (int observables = HQ_OBSERVABLES_XZ; observables <= HQ_OBSERVABLES_Z; observables++)
                    check_outputs(&stream, qubits, layers, attention, observables);
}

/* One qubit by hand: U3(t, p, d) RY(x) |0>, with d = 0 is the angle x + t in the plane of phase p. */
static void test_one_qubit_closed_form(void)
{
    hq_circuit *c;
    hq_circuit_options way[WAYS_MAX];
    double x = 0.4, w[3] = {0.9, 0.7, 0}, q[2], dq[2] = {0, 1}, dx, dw[3];
    CHECK(hq_circuit_create_hqcnn(1, 1, HQ_ATTENTION_NONE, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    const int ways = all_ways(c, way);
    for (int i = 0; i < ways; i++) {
        hq_circuit_work *work = make_work(c, 1, &way[i]);
        CHECK(hq_circuit_fwd(c, work, 1, &x, w, q) == HQ_OK);
        CHECK_NEAR(q[0], sin(1.3) * cos(0.7), 1e-15);
        CHECK_NEAR(q[1], cos(1.3), 1e-15);
        CHECK(hq_circuit_bwd_adjoint(c, work, 1, &x, w, dq, &dx, dw) == HQ_OK);
        CHECK_NEAR(dx, -sin(1.3), 1e-15);
        CHECK_NEAR(dw[0], -sin(1.3), 1e-15);
        hq_circuit_work_destroy(work);
    }
    hq_circuit_destroy(c);
}

int main(void)
{
    HQ_RUN(test_counts);
    HQ_RUN(test_refused);
    HQ_RUN(test_refused_method);
    HQ_RUN(test_outputs);
    HQ_RUN(test_one_qubit_closed_form);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
