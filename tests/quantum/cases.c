#include "cases.h"

#include "hqcnn/config.h"
#include "quantum/fused.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- samples and results ---- */

samples samples_make(hq_random *stream, const hq_circuit *c, int64_t batch)
{
    samples s = {.circuit = c, .inputs = c->inputs, .weights = c->weights, .outputs = c->n_observables, .batch = batch};
    s.x = new_random(stream, batch * s.inputs, -3, 3);
    s.w = new_random(stream, s.weights, -4, 4);
    s.dq = new_random(stream, batch * s.outputs, -1, 1);
    return s;
}

void samples_free(samples *s)
{
    free(s->x);
    free(s->w);
    free(s->dq);
}

static double *wrong_numbers(int64_t n)
{
    double *v = calloc((size_t)n + 1, sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = 99;
    return v;
}

result result_make(const samples *s)
{
    return (result){wrong_numbers(s->batch * s->outputs), wrong_numbers(s->batch * s->inputs),
                    wrong_numbers(s->weights)};
}

void result_free(result *r)
{
    free(r->q);
    free(r->dx);
    free(r->dw);
}

/* ---- ways ---- */

int all_ways(const hq_circuit *c, hq_circuit_options out[WAYS_MAX])
{
    static const int kernels[] = {HQ_COMPUTE_KERNEL_PLAIN, HQ_COMPUTE_KERNEL_AVX2, HQ_COMPUTE_KERNEL_AVX512};
    hq_circuit_options path[WAYS_MAX];
    const int paths = all_paths(c, path);
    int n = 0;
    for (int p = 0; p < paths; p++)
        for (int k = 0; k < 3; k++)
            if (hq_kernels_find(kernels[k]))
                out[n++] = (hq_circuit_options){.kernel = kernels[k], .path = path[p].path};
    return n;
}

int all_paths(const hq_circuit *c, hq_circuit_options out[WAYS_MAX])
{
    int n = 0;
    if (hq_fused_possible(c)) out[n++] = (hq_circuit_options){.path = HQ_COMPUTE_CIRCUIT_FUSED};
    out[n++] = (hq_circuit_options){.path = HQ_COMPUTE_CIRCUIT_BATCHED};
    out[n++] = (hq_circuit_options){.path = HQ_COMPUTE_CIRCUIT_SINGLE};
    return n;
}

hq_circuit_work *make_work(const hq_circuit *c, int64_t batch, const hq_circuit_options *way)
{
    hq_circuit_work *work;
    CHECK(hq_circuit_work_create(c, batch, way, &work) == HQ_OK);
    return work;
}

void evaluate(const samples *s, hq_circuit_work *work, int method, int64_t first, int64_t n, result *out)
{
    const double *x = s->x + first * s->inputs, *dq = s->dq + first * s->outputs;
    CHECK(hq_circuit_fwd(s->circuit, work, n, x, s->w, out->q) == HQ_OK);
    if (method == HQ_GRADIENT_ADJOINT)
        CHECK(hq_circuit_bwd_adjoint(s->circuit, work, n, x, s->w, dq, out->dx, out->dw) == HQ_OK);
    else
        CHECK(hq_circuit_bwd_shift(s->circuit, work, &hq_runner_local, n, x, s->w, dq, out->dx, out->dw) == HQ_OK);
}

const char *way_name(const hq_circuit_work *work)
{
    static char name[64];
    snprintf(name, sizeof name, "%s/%s", hq_circuit_work_path(work), hq_circuit_work_kernel(work));
    return name;
}

bool same_bits(const double *a, const double *b, int64_t n) { return memcmp(a, b, (size_t)n * sizeof *a) == 0; }

double worst_difference(const double *a, const double *b, int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        const double difference = fabs(a[i] - b[i]);
        if (isnan(difference)) return INFINITY;
        worst = fmax(worst, difference);
    }
    return worst;
}

/* ---- random circuits ---- */

enum { POOL = 5 /* inputs and weights to choose from: most enter several times */ };

/* Of a weight or an input: three out of four with scale and offset. */
static hq_binding random_variable(hq_random *stream, hq_source source)
{
    hq_binding b = {source, random_int(stream, 0, POOL - 1), 1, 0};
    if (random_int(stream, 0, 3) == 0) return b;
    fill_random(stream, 1, -2, 2, &b.scale);
    fill_random(stream, 1, -3, 3, &b.offset);
    return b;
}

static hq_binding random_binding(hq_random *stream, bool inputs)
{
    const int kind = random_int(stream, 0, inputs ? 2 : 1);
    if (kind > 0) return random_variable(stream, kind == 1 ? HQ_SOURCE_WEIGHT : HQ_SOURCE_INPUT);
    double value;
    fill_random(stream, 1, -6, 6, &value);
    return hq_bind_constant(value);
}

/* Different wires out of those that `allowed` has a bit for. */
static void random_wires(hq_random *stream, int qubits, int count, uint32_t allowed, int *wires)
{
    for (int k = 0; k < count; k++) {
        do wires[k] = random_int(stream, 0, qubits - 1);
        while (!(allowed >> wires[k] & 1));
        allowed &= ~(1u << wires[k]);
    }
}

/* A gate on some of the allowed wires, unless it needs more than there are. */
static void add_random(hq_random *stream, hq_circuit *c, uint32_t allowed, bool inputs)
{
    const hq_gate_id gate = (hq_gate_id)random_int(stream, 0, HQ_GATE_COUNT - 1);
    const int count = hq_gate_wires(&hq_gate_table[gate]);
    int wires[HQ_GATE_WIRES_MAX];
    hq_binding bindings[HQ_GATE_PARAMETERS_MAX];
    if (__builtin_popcount(allowed) < count) return;
    random_wires(stream, c->qubits, count, allowed, wires);
    for (int slot = 0; slot < HQ_GATE_PARAMETERS_MAX; slot++) bindings[slot] = random_binding(stream, inputs);
    CHECK(hq_circuit_add(c, gate, wires, bindings) == HQ_OK);
}

/* RY or RX of an input on most wires, in any order; gates without inputs on the wires that are encoded already, or
 * never will be. */
static void add_encoding(hq_random *stream, hq_circuit *c)
{
    uint32_t open = 0, later = (uint32_t)random_int(stream, 0, (1 << c->qubits) - 1);
    if (random_int(stream, 0, 2) > 0) later = (1u << c->qubits) - 1;
    open = ~later & ((1u << c->qubits) - 1);
    while (later) {
        int wire;
        const hq_binding b = random_variable(stream, HQ_SOURCE_INPUT);
        random_wires(stream, c->qubits, 1, later, &wire);
        CHECK(hq_circuit_add(c, random_int(stream, 0, 1) ? HQ_GATE_RX : HQ_GATE_RY, &wire, &b) == HQ_OK);
        later &= ~(1u << wire);
        open |= 1u << wire;
        if (random_int(stream, 0, 1)) add_random(stream, c, open, false);
    }
}

hq_circuit *random_case(hq_random *stream, int qubits, bool fused)
{
    hq_circuit *c;
    const uint32_t most = (1u << qubits) - 1;
    const int gates = random_int(stream, 1, 4 + 4 * qubits), outputs = random_int(stream, 1, qubits + 2);
    CHECK(hq_circuit_create(qubits, &c) == HQ_OK);
    if (fused) add_encoding(stream, c);
    for (int i = 0; i < gates; i++) add_random(stream, c, most, !fused);
    for (int k = 0; k < outputs; k++) {
        const hq_pauli pauli = {(uint32_t)random_int(stream, 0, (int)most), (uint32_t)random_int(stream, 0, (int)most)};
        CHECK(hq_circuit_observe(c, pauli) == HQ_OK);
    }
    return c;
}
