/* Many qubits: closed forms, the norm, and one directional derivative. See also random_circuits.c. */
#include "dense.h"
#include "hqcnn/config.h"
#include "quantum/circuit.h"
#include "support/check.h"

#include <stdlib.h>

#define PI 3.14159265358979323846
#define QUBITS_MAX HQ_QUBITS_MAX

/* Outputs of one sample with one layer. */
static void outputs_of(int qubits, int attention, const double *x, const double *w, double *q)
{
    hq_circuit *c;
    hq_circuit_work *work;
    CHECK(hq_circuit_create_hqcnn(qubits, 1, attention, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    CHECK(hq_circuit_fwd(c, work, 1, x, w, q) == HQ_OK);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

/* All wires in (|0> + |1>) / sqrt 2: permutations change nothing, and the phases of the ladder give
 * <X_i> = Re prod over j of (1 + e^(i a_ij)) / 2 and <Z_i> = 0. */
static void check_uniform(int qubits)
{
    double x[QUBITS_MAX], w[3 * QUBITS_MAX] = {0}, q[2 * QUBITS_MAX];
    for (int i = 0; i < qubits; i++) x[i] = PI / 2;
    outputs_of(qubits, HQ_ATTENTION_LADDER, x, w, q);
    for (int i = 0; i < qubits; i++) {
        dense_number product = 1;
        for (int j = 0; j < qubits; j++)
            if (j != i) product *= (1 + cexp(I * 2 * PI / pow(2, abs(j - i) + 1))) / 2;
        CHECK_NEAR(q[i], creal(product), 1e-12);
        CHECK_NEAR(q[qubits + i], 0, 1e-12);
    }
}

/* Basis states: RY(pi) flips a wire; both rings are permutations, followed here bit by bit. */
static void check_basis_state(int qubits, uint32_t pattern)
{
    double x[QUBITS_MAX], w[3 * QUBITS_MAX] = {0}, q[2 * QUBITS_MAX];
    int bit[QUBITS_MAX];
    for (int i = 0; i < qubits; i++) {
        bit[i] = pattern >> i & 1;
        x[i] = PI * bit[i];
    }
    outputs_of(qubits, HQ_ATTENTION_NONE, x, w, q);
    for (int i = 0; i < qubits; i++) bit[(i + 1) % qubits] ^= bit[i];
    for (int i = 0; i < qubits; i++) bit[(i + 2) % qubits] ^= bit[i] & bit[(i + 1) % qubits];
    for (int i = 0; i < qubits; i++) {
        CHECK_NEAR(q[i], 0, 1e-12);
        CHECK_NEAR(q[qubits + i], 1 - 2 * bit[i], 1e-12);
    }
}

static void test_closed_forms(void)
{
    for (int qubits = 3; qubits <= 14; qubits++) check_uniform(qubits);
    for (int qubits = 3; qubits <= 14; qubits++) check_basis_state(qubits, 0x5a2d7);
}

static void test_20_qubits(void)
{
    check_uniform(20);
    check_basis_state(20, 0x93c65);
}

/* The empty Pauli string measures the norm. */
static void test_norm(void)
{
    hq_random stream = hq_random_make(7, HQ_PURPOSE_TEST, 0, 1);
    for (int qubits = 12; qubits <= 14; qubits++) {
        double x[QUBITS_MAX], w[2 * 4 * QUBITS_MAX], q[2 * QUBITS_MAX + 1];
        hq_circuit *c;
        hq_circuit_work *work;
        fill_random(&stream, QUBITS_MAX, -2, 2, x);
        fill_random(&stream, 2 * 4 * QUBITS_MAX, 0, 6.3, w);
        CHECK(hq_circuit_create_hqcnn(qubits, 2, HQ_ATTENTION_QFT, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
        CHECK(hq_circuit_observe(c, (hq_pauli){0, 0}) == HQ_OK);
        CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
        CHECK(hq_circuit_fwd(c, work, 1, x, w, q) == HQ_OK);
        for (int k = 0; k < 2 * qubits; k++) CHECK(fabs(q[k]) <= 1);
        CHECK_NEAR(q[2 * qubits], 1, 1e-12);
        hq_circuit_work_destroy(work);
        hq_circuit_destroy(c);
    }
}

/* Slope of sum_k dq_k q_k along a direction of all inputs and weights, by 4-point differences. */
static double slope(const hq_circuit *c, hq_circuit_work *work, const double *x, const double *w, const double *dq,
                    const double *direction)
{
    static const double step = 1e-3, factor[4] = {1, -8, 8, -1}, at[4] = {-2, -1, 1, 2};
    int qubits = hq_circuit_qubits(c), weights = hq_circuit_weights(c);
    double sum = 0;
    for (int s = 0; s < 4; s++) {
        double xs[QUBITS_MAX], ws[4 * QUBITS_MAX], q[2 * QUBITS_MAX];
        for (int i = 0; i < qubits; i++) xs[i] = x[i] + at[s] * step * direction[i];
        for (int p = 0; p < weights; p++) ws[p] = w[p] + at[s] * step * direction[qubits + p];
        CHECK(hq_circuit_fwd(c, work, 1, xs, ws, q) == HQ_OK);
        for (int k = 0; k < 2 * qubits; k++) sum += factor[s] / (12 * step) * dq[k] * q[k];
    }
    return sum;
}

static void check_gradient(int qubits, hq_random *stream)
{
    double x[QUBITS_MAX], w[4 * QUBITS_MAX], dq[2 * QUBITS_MAX], direction[5 * QUBITS_MAX], dx[QUBITS_MAX],
        dw[4 * QUBITS_MAX], sum = 0;
    hq_circuit *c;
    hq_circuit_work *work;
    fill_random(stream, QUBITS_MAX, -2, 2, x);
    fill_random(stream, 4 * QUBITS_MAX, 0, 6.3, w);
    fill_random(stream, 2 * QUBITS_MAX, -1, 1, dq);
    fill_random(stream, 5 * QUBITS_MAX, -0.5, 0.5, direction);
    CHECK(hq_circuit_create_hqcnn(qubits, 1, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    CHECK(hq_circuit_bwd_adjoint(c, work, 1, x, w, dq, dx, dw) == HQ_OK);
    for (int i = 0; i < qubits; i++) sum += dx[i] * direction[i];
    for (int p = 0; p < hq_circuit_weights(c); p++) sum += dw[p] * direction[qubits + p];
    CHECK_NEAR(sum, slope(c, work, x, w, dq, direction), 1e-8);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

static void test_gradients(void)
{
    hq_random stream = hq_random_make(8, HQ_PURPOSE_TEST, 0, 1);
    for (int qubits = 10; qubits <= 14; qubits += 2) check_gradient(qubits, &stream);
}

int main(void)
{
    HQ_RUN(test_closed_forms);
    HQ_RUN(test_20_qubits);
    HQ_RUN(test_norm);
    HQ_RUN(test_gradients);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
