/* OpenQASM: texts of both versions, run by the interpreter of qasm_run.c, measure what our circuits give. */
#include "qasm_run.h"

#include "hqcnn/config.h"
#include "hqcnn/quantum.h"
#include "quantum/circuit.h"
#include "random_circuit.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static double parity(const dense_number *psi, int n, uint32_t mask)
{
    double sum = 0;
    for (uint32_t i = 0; i < 1u << n; i++) {
        const double p = creal(psi[i] * conj(psi[i]));
        sum += __builtin_popcount(i & mask) % 2 ? -p : p;
    }
    return sum;
}

/* All outputs of `c` are products of the basis letters; the text must give them as parities of what it measures. */
static void check_text(const char *text, const hq_circuit *c, const double *x, const double *w, const double *q)
{
    dense_number *psi = calloc((size_t)1 << c->qubits, sizeof *psi);
    if (qasm_run(text, c->qubits, x, w, psi))
        for (int k = 0; k < c->n_observables; k++)
            CHECK_NEAR(parity(psi, c->qubits, c->observables[k].x | c->observables[k].z), q[k], 1e-12);
    free(psi);
}

static char *export(const hq_circuit *c, int version, const double *x, const double *w, const char *basis)
{
    char *text = NULL;
    CHECK(hq_circuit_write_qasm(c, version, x, w, basis, &text) == HQ_OK);
    return text;
}

/* Adds outputs: every single letter of the basis and some products. */
static void observe_basis(hq_circuit *c, const char *basis, hq_random *stream)
{
    for (int k = 0; k < 2 * c->qubits; k++) {
        hq_pauli product = {0, 0};
        for (int wire = 0; wire < c->qubits; wire++) {
            if (k < c->qubits ? wire != k : hq_random_uniform(stream) < 0.5) continue;
            const hq_pauli letter = hq_circuit_pauli(c, basis[wire], wire);
            product.x |= letter.x;
            product.z |= letter.z;
        }
        CHECK(hq_circuit_observe(c, product) == HQ_OK);
    }
}

static void check_circuit(hq_circuit *c, hq_random *stream)
{
    char basis[HQ_QUBITS_MAX + 1] = "";
    double x[RANDOM_CIRCUIT_NUMBERS], w[RANDOM_CIRCUIT_NUMBERS], q[2 * HQ_QUBITS_MAX];
    hq_circuit_work *work;
    for (int wire = 0; wire < c->qubits; wire++) basis[wire] = "XYZ"[hq_random_next(stream) % 3];
    observe_basis(c, basis, stream);
    fill_random(stream, c->inputs, -4, 4, x);
    fill_random(stream, c->weights, -4, 4, w);
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    CHECK(hq_circuit_fwd(c, work, 1, x, w, q) == HQ_OK);
    for (int version = 2; version <= 3; version++) {
        char *text = export(c, version, x, w, basis);
        check_text(text, c, NULL, NULL, q);
        hq_free(text);
    }
    char *symbols = export(c, 3, NULL, NULL, basis);
    check_text(symbols, c, x, w, q);
    hq_free(symbols);
    hq_circuit_work_destroy(work);
}

static void test_random_circuits(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        hq_random stream = hq_random_make(seed, HQ_PURPOSE_TEST, 0, 20);
        hq_circuit *c = random_circuit(&stream, 3 + (int)(seed % 4), 40);
        check_circuit(c, &stream);
        hq_circuit_destroy(c);
    }
}

/* Every gate between rotations, alone in its text, so that a wrong definition is told by name. */
static void test_every_gate(void)
{
    for (int id = 0; id < HQ_GATE_COUNT; id++) {
        hq_random stream = hq_random_make(7, HQ_PURPOSE_TEST, 0, (uint64_t)id);
        hq_circuit *c = random_circuit(&stream, 3, 0);
        const int failures = hq_check_failures();
        for (int repeat = 0; repeat < 3; repeat++) {
            random_rotations(c, &stream);
            random_gate(c, (hq_gate_id)id, &stream);
        }
        random_rotations(c, &stream);
        check_circuit(c, &stream);
        CHECK_MSG(hq_check_failures() == failures, "gate %s", hq_gate_table[id].name);
        hq_circuit_destroy(c);
    }
}

/* Probabilities, and a text without measurement. */
static void test_probabilities(void)
{
    hq_random stream = hq_random_make(3, HQ_PURPOSE_TEST, 0, 21);
    hq_circuit *c = random_circuit(&stream, 5, 30);
    double x[RANDOM_CIRCUIT_NUMBERS], w[RANDOM_CIRCUIT_NUMBERS], p[32], sum = 0;
    dense_number psi[32];
    fill_random(&stream, c->inputs, -4, 4, x);
    fill_random(&stream, c->weights, -4, 4, w);
    CHECK(hq_circuit_probabilities(c, x, w, p) == HQ_OK);
    char *text = export(c, 3, NULL, NULL, NULL);
    CHECK(strstr(text, "measure") == NULL);
    CHECK(qasm_run(text, 5, x, w, psi));
    for (int i = 0; i < 32; i++) {
        CHECK_NEAR(p[i], creal(psi[i] * conj(psi[i])), 1e-13);
        sum += p[i];
    }
    CHECK_NEAR(sum, 1, 1e-13);
    hq_free(text);
    hq_circuit_destroy(c);
}

static hq_circuit *small_circuit(void)
{
    hq_circuit *c = NULL;
    const hq_binding shifted = {HQ_SOURCE_INPUT, 0, 2, -0.5}, tiny = hq_bind_constant(1e-5), weight = hq_bind_weight(0);
    CHECK(hq_circuit_create(2, &c) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_RY, (int[]){0}, &shifted) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_RZZ, (int[]){1, 0}, &weight) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_P, (int[]){1}, &tiny) == HQ_OK);
    CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, 'X', 1)) == HQ_OK);
    return c;
}

static void test_text(void)
{
    hq_circuit *c = small_circuit();
    const double x = 0.5, w = 3;
    char *text = export(c, 3, NULL, NULL, NULL);
    CHECK_TEXT(text, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n// output 0: X1\ninput float[64] x0;\n"
                     "input float[64] w0;\ngate hq_rzz(theta) a,b { cx a,b; rz(theta) b; cx a,b; }\nqubit[2] q;\n"
                     "ry(2*x0-0.5) q[0];\nhq_rzz(w0) q[1],q[0];\np(1.0000000000000001e-05) q[1];\n");
    hq_free(text);
    text = export(c, 2, &x, &w, "XY");
    CHECK_TEXT(text, "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n// output 0: X1\n"
                     "gate hq_rzz(theta) a,b { cx a,b; rz(theta) b; cx a,b; }\nqreg q[2];\ncreg c[2];\n"
                     "ry(0.5) q[0];\nhq_rzz(3) q[1],q[0];\nu1(1.0000000000000001e-05) q[1];\n"
                     "h q[0];\nsdg q[1];\nh q[1];\nmeasure q -> c;\n");
    hq_free(text);
    hq_circuit_destroy(c);
}

static void check_refused(const hq_circuit *c, int version, const double *x, const double *w)
{
    const int errors = hq_log_error_count();
    char unset, *text = &unset;
    CHECK(hq_circuit_write_qasm(c, version, x, w, NULL, &text) == HQ_ERR_CONFIG);
    CHECK(text == NULL);
    CHECK_INT(hq_log_error_count() - errors, 1);
}

static void test_refused(void)
{
    hq_circuit *c = small_circuit();
    const double good = 1, bad = NAN;
    check_refused(c, 2, NULL, &good);
    check_refused(c, 2, &good, NULL);
    check_refused(c, 4, &good, &good);
    check_refused(c, 3, &bad, NULL);
    check_refused(c, 3, NULL, &bad);
    hq_circuit_destroy(c);
}

int main(void)
{
    HQ_RUN(test_every_gate);
    HQ_RUN(test_random_circuits);
    HQ_RUN(test_probabilities);
    HQ_RUN(test_text);
    HQ_RUN(test_refused);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
