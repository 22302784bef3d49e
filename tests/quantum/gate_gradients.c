/* Every gate with parameters inside a circuit: outputs against full matrices, Jacobian by adjoint, parameter shift and
 * differences. Its parameters are weights, inputs or a mixture; one weight may enter at several gates. */
#include "dense.h"
#include "hqcnn/config.h"
#include "quantum/circuit.h"
#include "support/check.h"

#include <string.h>

#define QUBITS 3
#define OUTPUTS (3 * QUBITS + 2)

static hq_random stream;

/* X, Y and Z on every wire, Y Y on wires 0 and 1, and X Y Z on wires 0, 1, 2. */
static void observe_all(hq_circuit *c)
{
    for (const char *letter = "XYZ"; *letter; letter++)
        for (int wire = 0; wire < QUBITS; wire++)
            CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, *letter, wire)) == HQ_OK);
    hq_pauli yy = {6, 6}, xyz = {6, 3};
    CHECK(hq_circuit_observe(c, yy) == HQ_OK);
    CHECK(hq_circuit_observe(c, xyz) == HQ_OK);
}

static void scramble(hq_circuit *c)
{
    for (int wire = 0; wire < QUBITS; wire++) {
        double a[3];
        fill_random(&stream, 3, -3, 3, a);
        hq_binding angles[3] = {hq_bind_constant(a[0]), hq_bind_constant(a[1]), hq_bind_constant(a[2])};
        CHECK(hq_circuit_add(c, HQ_GATE_U3, &wire, angles) == HQ_OK);
        CHECK(hq_circuit_add(c, HQ_GATE_CX, (int[]){wire, (wire + 1) % QUBITS}, NULL) == HQ_OK);
    }
}

/* <P> of a product of single-wire letters: apply them one after the other. */
static double dense_product(const char *letters, const dense_number *psi)
{
    dense_number image[1 << QUBITS], m[64], sum = 0;
    memcpy(image, psi, sizeof image);
    for (int wire = 0; wire < QUBITS; wire++) {
        const char name[2] = {letters[wire], 0};
        if (name[0] != ' ') dense_apply(QUBITS, dense_gate(name, NULL, m), &wire, m, image);
    }
    for (int i = 0; i < 1 << QUBITS; i++) sum += conj(psi[i]) * image[i];
    return creal(sum);
}

static void dense_outputs(const hq_circuit *c, const double *x, const double *w, double *q)
{
    dense_number psi[1 << QUBITS] = {1};
    for (int i = 0; i < c->n_ops; i++) {
        const hq_op *op = &c->ops[i];
        double p[3] = {0};
        dense_number m[64];
        hq_op_parameters(op, x, w, p);
        dense_apply(QUBITS, dense_gate(op->gate->name, p, m), op->wires, m, psi);
    }
    for (int wire = 0; wire < QUBITS; wire++)
        for (int l = 0; l < 3; l++) q[l * QUBITS + wire] = dense_expect(QUBITS, "XYZ"[l], wire, psi);
    q[3 * QUBITS] = dense_product("yy ", psi);
    q[3 * QUBITS + 1] = dense_product("xyz", psi);
}

/* 4-point differences of the reference. */
static void check_jacobian(const hq_circuit *c, const double *x, const double *w, const double *jacobian)
{
    const double step = 1e-3;
    for (int row = 0; row < c->inputs + c->weights; row++) {
        double q[4][OUTPUTS];
        for (int s = 0; s < 4; s++) {
            double all[2][8] = {{0}};
            memcpy(all[0], x, (size_t)c->inputs * sizeof *x);
            memcpy(all[1], w, (size_t)c->weights * sizeof *w);
            double *moved = row < c->inputs ? &all[0][row] : &all[1][row - c->inputs];
            *moved += (s < 2 ? s - 2 : s - 1) * step;
            dense_outputs(c, all[0], all[1], q[s]);
        }
        for (int k = 0; k < OUTPUTS; k++)
            CHECK_NEAR(jacobian[row * OUTPUTS + k], (q[0][k] - 8 * q[1][k] + 8 * q[2][k] - q[3][k]) / (12 * step),
                       1e-10);
    }
}

static void check_circuit(const hq_circuit *c, const char *name)
{
    hq_circuit_work *work;
    double x[8], w[8], q[OUTPUTS], want[OUTPUTS], adjoint[8 * OUTPUTS], shift[8 * OUTPUTS];
    fill_random(&stream, 8, -4, 4, x);
    fill_random(&stream, 8, -4, 4, w);
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    CHECK(hq_circuit_fwd(c, work, 1, x, w, q) == HQ_OK);
    dense_outputs(c, x, w, want);
    for (int k = 0; k < OUTPUTS; k++)
        CHECK_MSG(fabs(q[k] - want[k]) < 1e-13, "%s: output %d is %.17g, expected %.17g", name, k, q[k], want[k]);
    CHECK(hq_circuit_jacobian(c, work, HQ_GRADIENT_ADJOINT, x, w, adjoint) == HQ_OK);
    CHECK(hq_circuit_jacobian(c, work, HQ_GRADIENT_PARAMETER_SHIFT, x, w, shift) == HQ_OK);
    check_jacobian(c, x, w, adjoint);
    for (int i = 0; i < (c->inputs + c->weights) * OUTPUTS; i++)
        CHECK_MSG(fabs(adjoint[i] - shift[i]) < 1e-13, "%s: adjoint %.17g, shift %.17g", name, adjoint[i], shift[i]);
    hq_circuit_work_destroy(work);
}

/* kind 0: all weights; 1: all inputs; 2: input, weight, constant. */
static hq_binding binding_of(int kind, int slot)
{
    if (kind == 2) {
        if (slot == 2) return hq_bind_constant(0.7);
        return slot == 0 ? hq_bind_input(0) : hq_bind_weight(0);
    }
    return kind == 0 ? hq_bind_weight(slot) : hq_bind_input(slot);
}

static void test_every_gate(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++)
        for (int kind = 0; kind < 3; kind++) {
            hq_circuit *c;
            CHECK(hq_circuit_create(QUBITS, &c) == HQ_OK);
            scramble(c);
            hq_binding bindings[3];
            for (int slot = 0; slot < 3; slot++) bindings[slot] = binding_of(kind, slot);
            CHECK(hq_circuit_add(c, (hq_gate_id)g, (int[]){0, 1, 2}, bindings) == HQ_OK);
            scramble(c);
            observe_all(c);
            CHECK_INT(hq_circuit_outputs(c), OUTPUTS);
            check_circuit(c, hq_gate_table[g].name);
            hq_circuit_destroy(c);
        }
}

/* Re-uploaded inputs and shared weights: their contributions add up. */
static void test_shared_parameters(void)
{
    hq_circuit *c;
    hq_binding x0 = hq_bind_input(0), w0 = hq_bind_weight(0);
    hq_binding mixed[3] = {hq_bind_weight(0), hq_bind_input(0), hq_bind_weight(0)};
    CHECK(hq_circuit_create(QUBITS, &c) == HQ_OK);
    for (int repeat = 0; repeat < 3; repeat++) {
        scramble(c);
        CHECK(hq_circuit_add(c, HQ_GATE_CRX, (int[]){0, 1}, &w0) == HQ_OK);
        CHECK(hq_circuit_add(c, HQ_GATE_RZ, (int[]){2}, &x0) == HQ_OK);
        CHECK(hq_circuit_add(c, HQ_GATE_CU3, (int[]){1, 2}, mixed) == HQ_OK);
    }
    scramble(c);
    observe_all(c);
    CHECK_INT(hq_circuit_inputs(c), 1);
    CHECK_INT(hq_circuit_weights(c), 1);
    CHECK_INT(hq_circuit_shift_evaluations(c), 1 + 3 * (4 + 2 + 4 + 2 + 2));
    check_circuit(c, "shared parameters");
    hq_circuit_destroy(c);
}

static void test_wrong_wires(void)
{
    hq_circuit *c;
    int errors = hq_log_error_count();
    CHECK(hq_circuit_create(QUBITS, &c) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_CX, (int[]){1, 1}, NULL) == HQ_ERR_CONFIG);
    CHECK(hq_circuit_add(c, HQ_GATE_CCX, (int[]){0, 2, 0}, NULL) == HQ_ERR_CONFIG);
    CHECK(hq_circuit_add(c, HQ_GATE_H, (int[]){QUBITS}, NULL) == HQ_ERR_CONFIG);
    CHECK(hq_circuit_add(c, HQ_GATE_H, (int[]){-1}, NULL) == HQ_ERR_CONFIG);
    CHECK_INT(hq_log_error_count() - errors, 4);
    CHECK_INT(c->n_ops, 0);
    hq_circuit_destroy(c);
}

int main(void)
{
    stream = hq_random_make(2, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_every_gate);
    HQ_RUN(test_shared_parameters);
    HQ_RUN(test_wrong_wires);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
