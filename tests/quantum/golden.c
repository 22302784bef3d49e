/* 34 circuits computed by an independent program with full matrices: golden_circuits.json holds inputs x, weights w,
 * outputs q and the Jacobian, rows by x then by w. */
#include "hqcnn/config.h"
#include "hqcnn/quantum.h"
#include "support/check.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int attention_of(const json_t *item)
{
    static const char *const names[] = {"none", "ladder", "qft", "trainable"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(json_string_value(json_object_get(item, "fourier")), names[i])) return i;
    CHECK_MSG(false, "unknown attention kind in the file");
    return -1;
}

static double *numbers(const json_t *array, int want)
{
    double *v = calloc((size_t)want, sizeof *v);
    CHECK_INT(json_array_size(array), want);
    for (int i = 0; i < want; i++) v[i] = json_number_value(json_array_get(array, (size_t)i));
    return v;
}

static double worst_difference(const double *a, const double *b, int n)
{
    double worst = 0;
    for (int i = 0; i < n; i++) worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

static void check_jacobian(const hq_circuit *c, hq_circuit_work *work, int method, const double *x, const double *w,
                           const json_t *want, int index)
{
    int rows = hq_circuit_inputs(c) + hq_circuit_weights(c), outputs = hq_circuit_outputs(c);
    double *have = calloc((size_t)(rows * outputs), sizeof *have);
    CHECK_INT(json_array_size(want), rows);
    CHECK(hq_circuit_jacobian(c, work, method, x, w, have) == HQ_OK);
    for (int row = 0; row < rows; row++) {
        double *line = numbers(json_array_get(want, (size_t)row), outputs);
        double error = worst_difference(have + row * outputs, line, outputs);
        CHECK_MSG(error <= 1e-10, "case %d, method %d, row %d: error %g", index, method, row, error);
        free(line);
    }
    free(have);
}

static void check_case(const json_t *item, int index)
{
    hq_circuit *c;
    hq_circuit_work *work;
    int qubits = (int)json_integer_value(json_object_get(item, "qubits"));
    int layers = (int)json_integer_value(json_object_get(item, "layers"));
    CHECK(hq_circuit_create_hqcnn(qubits, layers, attention_of(item), HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK(hq_circuit_work_create(c, 1, NULL, &work) == HQ_OK);
    int outputs = hq_circuit_outputs(c);
    double *x = numbers(json_object_get(item, "x"), hq_circuit_inputs(c));
    double *w = numbers(json_object_get(item, "w"), hq_circuit_weights(c));
    double *want = numbers(json_object_get(item, "q"), outputs);
    double *q = calloc((size_t)outputs, sizeof *q);
    CHECK(hq_circuit_fwd(c, work, 1, x, w, q) == HQ_OK);
    CHECK_MSG(worst_difference(q, want, outputs) <= 1e-12, "case %d: outputs off by %g", index,
              worst_difference(q, want, outputs));
    check_jacobian(c, work, HQ_GRADIENT_ADJOINT, x, w, json_object_get(item, "jacobian"), index);
    check_jacobian(c, work, HQ_GRADIENT_PARAMETER_SHIFT, x, w, json_object_get(item, "jacobian"), index);
    free(x);
    free(w);
    free(want);
    free(q);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

static void test_golden(void)
{
    json_error_t error;
    json_t *cases = json_load_file(GOLDEN_FILE, 0, &error);
    CHECK_MSG(cases != NULL, "%s:%d: %s", GOLDEN_FILE, error.line, error.text);
    CHECK_INT(json_array_size(cases), 34);
    for (size_t i = 0; i < json_array_size(cases); i++) check_case(json_array_get(cases, i), (int)i);
    json_decref(cases);
}

int main(void)
{
    HQ_RUN(test_golden);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
