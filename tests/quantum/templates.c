/* Circuits from the configuration: every template against a reference that applies the gates by name, counts of inputs,
 * weights and outputs, and measured Pauli strings. */
#include "dense.h"
#include "hqcnn/config.h"
#include "hqcnn/quantum.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { QUBITS_MAX = 5, LAYERS_MAX = 4, BATCH = 3, OUTPUTS_MAX = 2 * QUBITS_MAX };

static hq_circuit *make(int template, int qubits, int layers, int observables, const char *measure)
{
    static hq_config config;
    hq_circuit *c = NULL;
    hq_config_defaults(&config);
    config.model_circuit_template = template;
    config.model_qubits = qubits;
    config.model_layers = layers;
    config.model_observables = observables;
    strcpy(config.model_circuit_measure, measure);
    CHECK_INT(hq_circuit_create_config(&config, &c), HQ_OK);
    return c;
}

/* ---- the reference ---- */

static void apply(int n, dense_number *psi, const char *name, int a, int b, const double *parameters)
{
    dense_number m[64];
    const int wires[2] = {a, b};
    dense_apply(n, dense_gate(name, parameters, m), wires, m, psi);
}

/* A gate of `count` parameters on every wire; returns the weights that are left. */
static const double *rotate(int n, dense_number *psi, const char *name, int count, const double *w)
{
    for (int i = 0; i < n; i++, w += count) apply(n, psi, name, i, 0, w);
    return w;
}

static void strongly_entangling(int n, int layers, const double *x, const double *w, dense_number *psi)
{
    rotate(n, psi, "ry", 1, x);
    for (int layer = 0, range = 1; layer < layers; layer++, range = range + 1 < n ? range + 1 : 1) {
        w = rotate(n, psi, "u3", 3, w);
        for (int i = 0; i < n && n > 1; i++) apply(n, psi, "cx", i, i + range < n ? i + range : i + range - n, NULL);
    }
}

static void hardware_efficient(int n, int layers, const double *x, const double *w, dense_number *psi)
{
    rotate(n, psi, "ry", 1, x);
    for (int layer = 0; layer <= layers; layer++) {
        if (layer > 0)
            for (int i = 1; i < n; i++) apply(n, psi, "cx", i - 1, i, NULL);
        w = rotate(n, psi, "ry", 1, w);
        w = rotate(n, psi, "rz", 1, w);
    }
}

static void re_uploading(int n, int layers, const double *x, const double *w, dense_number *psi)
{
    for (int layer = 0; layer < layers; layer++) {
        rotate(n, psi, "ry", 1, x);
        w = rotate(n, psi, "u3", 3, w);
        for (int i = 1; i < n; i++) apply(n, psi, "cz", i - 1, i, NULL);
        if (n > 2) apply(n, psi, "cz", n - 1, 0, NULL);
    }
}

static const struct {
    int template;
    void (*run)(int n, int layers, const double *x, const double *w, dense_number *psi);
    int per_layer, once; /* weights for each qubit */
    int uploads;         /* of an input for each layer; 0: once */
} known[] = {{HQ_TEMPLATE_STRONGLY_ENTANGLING, strongly_entangling, 3, 0, 0},
             {HQ_TEMPLATE_HARDWARE_EFFICIENT, hardware_efficient, 2, 2, 0},
             {HQ_TEMPLATE_RE_UPLOADING, re_uploading, 3, 0, 1}};
enum { KNOWN = sizeof known / sizeof *known };

static double expect(int n, char letter, int wire, const dense_number *psi)
{
    char letters[QUBITS_MAX + 1] = "IIIII";
    letters[wire] = letter;
    return creal(dense_between(n, psi, letters, psi));
}

static void reference(int k, int n, int layers, int observables, const double *x, const double *w, double *q)
{
    dense_number *psi = calloc((size_t)1 << n, sizeof *psi);
    psi[0] = 1;
    known[k].run(n, layers, x, w, psi);
    if (observables == HQ_OBSERVABLES_XZ)
        for (int i = 0; i < n; i++) *q++ = expect(n, 'X', i, psi);
    for (int i = 0; i < n; i++) *q++ = expect(n, 'Z', i, psi);
    free(psi);
}

/* ---- tests ---- */

static void check_counts(int k, int n, int layers, int observables)
{
    hq_circuit *c = make(known[k].template, n, layers, observables, "");
    const int weights = n * (known[k].per_layer * layers + known[k].once);
    const int uploads = n * (known[k].uploads ? layers : 1);
    CHECK_INT(hq_circuit_qubits(c), n);
    CHECK_INT(hq_circuit_inputs(c), n);
    CHECK_INT(hq_circuit_weights(c), weights);
    CHECK_INT(hq_circuit_outputs(c), observables == HQ_OBSERVABLES_Z ? n : 2 * n);
    CHECK_INT(hq_circuit_shift_evaluations(c), 1 + 2 * (weights + uploads));
    hq_circuit_destroy(c);
}

static void counts(void)
{
    for (int k = 0; k < KNOWN; k++)
        for (int n = 1; n <= HQ_QUBITS_MAX; n++)
            for (int layers = 1; layers <= 64; layers += 21)
                check_counts(k, n, layers, n % 2 ? HQ_OBSERVABLES_Z : HQ_OBSERVABLES_XZ);
}

static void check_outputs(hq_random *stream, int k, int n, int layers, int observables)
{
    double x[BATCH * QUBITS_MAX], w[3 * QUBITS_MAX * LAYERS_MAX + 2 * QUBITS_MAX], q[BATCH * OUTPUTS_MAX],
        want[OUTPUTS_MAX];
    hq_circuit_work *work;
    hq_circuit *c = make(known[k].template, n, layers, observables, "");
    const int outputs = hq_circuit_outputs(c);
    CHECK_INT(hq_circuit_work_create(c, BATCH, NULL, &work), HQ_OK);
    fill_random(stream, BATCH * n, -4, 4, x);
    fill_random(stream, hq_circuit_weights(c), 0, 6.3, w);
    CHECK_INT(hq_circuit_fwd(c, work, BATCH, x, w, q), HQ_OK);
    for (int b = 0; b < BATCH; b++) {
        reference(k, n, layers, observables, x + b * n, w, want);
        for (int i = 0; i < outputs; i++)
            CHECK_MSG(fabs(q[b * outputs + i] - want[i]) < 1e-13,
                      "template %d, %d qubits, %d layers, output %d: %.17g, not %.17g", known[k].template, n, layers, i,
                      q[b * outputs + i], want[i]);
    }
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

static void outputs_of_templates(void)
{
    hq_random stream = hq_random_make(5, HQ_PURPOSE_TEST, 0, 1);
    for (int k = 0; k < KNOWN; k++)
        for (int n = 1; n <= QUBITS_MAX; n++)
            for (int layers = 1; layers <= LAYERS_MAX; layers++) {
                check_outputs(&stream, k, n, layers, HQ_OBSERVABLES_XZ);
                check_outputs(&stream, k, n, layers, HQ_OBSERVABLES_Z);
            }
}

/* The same outputs as the circuit of hq_circuit_create_hqcnn, to the bit. */
static void hqcnn_by_configuration(void)
{
    double x[4], w[2 * 16], q[2][8];
    hq_random stream = hq_random_make(6, HQ_PURPOSE_TEST, 0, 1);
    fill_random(&stream, 4, -2, 2, x);
    fill_random(&stream, 2 * 16, 0, 6.3, w);
    static hq_config config;
    hq_config_defaults(&config);
    config.model_layers = 2;
    config.model_attention = HQ_ATTENTION_TRAINABLE;
    for (int k = 0; k < 2; k++) {
        hq_circuit *c;
        hq_circuit_work *work;
        CHECK_INT(k ? hq_circuit_create_config(&config, &c)
                    : hq_circuit_create_hqcnn(4, 2, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, &c),
                  HQ_OK);
        CHECK_INT(hq_circuit_weights(c), 2 * 16);
        CHECK_INT(hq_circuit_work_create(c, 1, NULL, &work), HQ_OK);
        CHECK_INT(hq_circuit_fwd(c, work, 1, x, w, q[k]), HQ_OK);
        hq_circuit_work_destroy(work);
        hq_circuit_destroy(c);
    }
    CHECK(memcmp(q[0], q[1], sizeof q[0]) == 0);
}

/* Adjoint and parameter shift agree, with inputs that enter several times. */
static void gradients_of_templates(void)
{
    hq_random stream = hq_random_make(7, HQ_PURPOSE_TEST, 0, 1);
    double x[3], w[3 * 3 * 3], adjoint[30 * 6], shift[30 * 6];
    for (int k = 0; k < KNOWN; k++) {
        hq_circuit_work *work;
        hq_circuit *c = make(known[k].template, 3, 3, HQ_OBSERVABLES_XZ, "");
        const int rows = hq_circuit_inputs(c) + hq_circuit_weights(c);
        CHECK(rows <= 30);
        CHECK_INT(hq_circuit_work_create(c, 1, NULL, &work), HQ_OK);
        fill_random(&stream, 3, -2, 2, x);
        fill_random(&stream, hq_circuit_weights(c), 0, 6.3, w);
        CHECK_INT(hq_circuit_jacobian(c, work, HQ_GRADIENT_ADJOINT, x, w, adjoint), HQ_OK);
        CHECK_INT(hq_circuit_jacobian(c, work, HQ_GRADIENT_PARAMETER_SHIFT, x, w, shift), HQ_OK);
        for (int i = 0; i < rows * 6; i++) CHECK_NEAR(adjoint[i], shift[i], 1e-12);
        hq_circuit_work_destroy(work);
        hq_circuit_destroy(c);
    }
}

static void measured_strings(void)
{
    static const char *const letters[] = {"XII", "ZZI", "XIY", "ZZI", "YXZ", "IIZ"};
    hq_random stream = hq_random_make(8, HQ_PURPOSE_TEST, 0, 1);
    hq_circuit *c =
        make(HQ_TEMPLATE_STRONGLY_ENTANGLING, 3, 2, HQ_OBSERVABLES_XZ, "X0; Z0 Z1; X0*Y2; Z1Z0; z2 * y[0] x1; Z2");
    double x[3], w[18], q[6];
    dense_number psi[8] = {1};
    hq_circuit_work *work;
    CHECK_INT(hq_circuit_outputs(c), 6);
    CHECK_INT(hq_circuit_work_create(c, 1, NULL, &work), HQ_OK);
    fill_random(&stream, 3, -2, 2, x);
    fill_random(&stream, 18, 0, 6.3, w);
    CHECK_INT(hq_circuit_fwd(c, work, 1, x, w, q), HQ_OK);
    strongly_entangling(3, 2, x, w, psi);
    for (int i = 0; i < 6; i++) CHECK_NEAR(q[i], creal(dense_between(3, psi, letters[i], psi)), 1e-13);
    hq_circuit_work_destroy(work);
    hq_circuit_destroy(c);
}

int main(void)
{
    HQ_RUN(counts);
    HQ_RUN(outputs_of_templates);
    HQ_RUN(hqcnn_by_configuration);
    HQ_RUN(gradients_of_templates);
    HQ_RUN(measured_strings);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
