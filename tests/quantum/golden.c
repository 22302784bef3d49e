/* 34 circuits computed by an independent program with full matrices: golden_circuits.json holds inputs x, weights w,
 * outputs q and the Jacobian, rows by x then by w. Every case goes through every path and kernel variant. */
#include "cases.h"
#include "hqcnn/config.h"
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

/* One case of the file. */
typedef struct golden {
    int index, outputs, rows;
    double *x, *w, *q, *jacobian;
} golden;

static golden read_case(const json_t *item, int index, const hq_circuit *c)
{
    golden g = {.index = index, .outputs = c->n_observables, .rows = c->inputs + c->weights};
    const json_t *rows = json_object_get(item, "jacobian");
    g.x = numbers(json_object_get(item, "x"), c->inputs);
    g.w = numbers(json_object_get(item, "w"), c->weights);
    g.q = numbers(json_object_get(item, "q"), g.outputs);
    g.jacobian = calloc((size_t)(g.rows * g.outputs), sizeof *g.jacobian);
    CHECK_INT(json_array_size(rows), g.rows);
    for (int row = 0; row < g.rows; row++) {
        double *line = numbers(json_array_get(rows, (size_t)row), g.outputs);
        memcpy(g.jacobian + row * g.outputs, line, (size_t)g.outputs * sizeof *line);
        free(line);
    }
    return g;
}

static void free_case(golden *g)
{
    free(g->x);
    free(g->w);
    free(g->q);
    free(g->jacobian);
}

static void check_jacobian(const hq_circuit *c, hq_circuit_work *work, int method, const golden *g)
{
    const int n = g->rows * g->outputs;
    double *have = calloc((size_t)n, sizeof *have);
    CHECK(hq_circuit_jacobian(c, work, method, g->x, g->w, have) == HQ_OK);
    const double error = worst_difference(have, g->jacobian, n);
    CHECK_MSG(error <= 1e-10, "case %d, %s, method %d: Jacobian off by %g", g->index, way_name(work), method, error);
    free(have);
}

static void check_way(const hq_circuit *c, const hq_circuit_options *way, const golden *g)
{
    hq_circuit_work *work = make_work(c, 1, way);
    double *q = calloc((size_t)g->outputs, sizeof *q);
    CHECK(hq_circuit_fwd(c, work, 1, g->x, g->w, q) == HQ_OK);
    const double error = worst_difference(q, g->q, g->outputs);
    CHECK_MSG(error <= 1e-12, "case %d, %s: outputs off by %g", g->index, way_name(work), error);
    check_jacobian(c, work, HQ_GRADIENT_ADJOINT, g);
    check_jacobian(c, work, HQ_GRADIENT_PARAMETER_SHIFT, g);
    free(q);
    hq_circuit_work_destroy(work);
}

static void check_case(const json_t *item, int index)
{
    hq_circuit *c;
    hq_circuit_options way[WAYS_MAX], path[WAYS_MAX];
    const int qubits = (int)json_integer_value(json_object_get(item, "qubits"));
    const int layers = (int)json_integer_value(json_object_get(item, "layers"));
    CHECK(hq_circuit_create_hqcnn(qubits, layers, attention_of(item), HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    CHECK_INT(all_paths(c, path), qubits <= 7 ? 3 : 2);
    golden g = read_case(item, index, c);
    const int ways = all_ways(c, way);
    for (int i = 0; i < ways; i++) check_way(c, &way[i], &g);
    free_case(&g);
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
