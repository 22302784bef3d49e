/* Every gate inside a circuit, on every path and kernel variant: outputs, and the Jacobian by adjoint and parameter
 * shift, against full matrices. Its parameters are weights, inputs or a mixture, with scale and offset; one weight may
 * enter at several gates. */
#include "cases.h"
#include "dense_circuit.h"
#include "hqcnn/config.h"
#include "support/check.h"

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

static void check_jacobian(const hq_circuit *c, hq_circuit_work *work, const char *name, int method, const double *x,
                           const double *w)
{
    double have[8 * OUTPUTS], want[8 * OUTPUTS];
    dense_jacobian(c, x, w, want);
    CHECK(hq_circuit_jacobian(c, work, method, x, w, have) == HQ_OK);
    const double error = worst_difference(have, want, (c->inputs + c->weights) * OUTPUTS);
    CHECK_MSG(error <= 1e-13, "%s, %s, method %d: Jacobian off by %g", name, way_name(work), method, error);
}

static void check_circuit(const hq_circuit *c, const char *name)
{
    hq_circuit_options way[WAYS_MAX];
    const int ways = all_ways(c, way);
    double x[8], w[8], q[OUTPUTS], want[OUTPUTS];
    fill_random(&stream, 8, -4, 4, x);
    fill_random(&stream, 8, -4, 4, w);
    dense_outputs(c, x, w, want);
    for (int i = 0; i < ways; i++) {
        hq_circuit_work *work = make_work(c, 1, &way[i]);
        CHECK(hq_circuit_fwd(c, work, 1, x, w, q) == HQ_OK);
        const double error = worst_difference(q, want, OUTPUTS);
        CHECK_MSG(error <= 1e-13, "%s, %s: outputs off by %g", name, way_name(work), error);
        check_jacobian(c, work, name, HQ_GRADIENT_ADJOINT, x, w);
        check_jacobian(c, work, name, HQ_GRADIENT_PARAMETER_SHIFT, x, w);
        hq_circuit_work_destroy(work);
    }
}

/* kind 0: all weights; 1: all inputs; 2: input, weight, constant; 3: as 2 with scale and offset; 4: weight, input,
 * weight with scale and offset. */
static hq_binding binding_of(int kind, int slot)
{
    static const hq_source source[5][3] = {{HQ_SOURCE_WEIGHT, HQ_SOURCE_WEIGHT, HQ_SOURCE_WEIGHT},
                                           {HQ_SOURCE_INPUT, HQ_SOURCE_INPUT, HQ_SOURCE_INPUT},
                                           {HQ_SOURCE_INPUT, HQ_SOURCE_WEIGHT, HQ_SOURCE_CONSTANT},
                                           {HQ_SOURCE_INPUT, HQ_SOURCE_WEIGHT, HQ_SOURCE_CONSTANT},
                                           {HQ_SOURCE_WEIGHT, HQ_SOURCE_INPUT, HQ_SOURCE_WEIGHT}};
    hq_binding b = {source[kind][slot], kind < 2 ? slot : 0, 1, 0};
    if (b.source == HQ_SOURCE_CONSTANT) return hq_bind_constant(0.7);
    if (kind >= 3) b.scale = slot - 1.4, b.offset = 0.3 * slot + 0.2;
    return b;
}

static void test_every_gate(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++)
        for (int kind = 0; kind < 5; kind++) {
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
