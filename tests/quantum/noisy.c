#include "noisy.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- channels ---- */

static void pauli_matrix(int letter, dense_number m[4])
{
    static const char *names[4] = {"", "x", "y", "z"};
    const dense_number one[4] = {1, 0, 0, 1};
    dense_number full[64];
    memcpy(m, one, sizeof one);
    if (letter == 0) return;
    dense_gate(names[letter], NULL, full);
    memcpy(m, full, sizeof one);
}

/* a (x) b of one wire each, times scale. */
static void kronecker(const dense_number a[4], const dense_number b[4], dense_number scale, dense_number out[16])
{
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++) out[4 * r + c] = scale * a[2 * (r >> 1) + (c >> 1)] * b[2 * (r & 1) + (c & 1)];
}

noisy_channel noisy_depolarizing1(double p)
{
    noisy_channel channel = {.wires = 1, .operators = 4};
    for (int k = 0; k < 4; k++) {
        pauli_matrix(k, channel.kraus[k]);
        for (int i = 0; i < 4; i++) channel.kraus[k][i] *= sqrt(k == 0 ? 1 - 3 * p / 4 : p / 4);
    }
    return channel;
}

noisy_channel noisy_depolarizing2(double p)
{
    noisy_channel channel = {.wires = 2, .operators = 16};
    for (int k = 0; k < 16; k++) {
        dense_number a[4], b[4];
        pauli_matrix(k / 4, a);
        pauli_matrix(k % 4, b);
        kronecker(a, b, sqrt(k == 0 ? 1 - 15 * p / 16 : p / 16), channel.kraus[k]);
    }
    return channel;
}

noisy_channel noisy_amplitude_damping(double gamma)
{
    return (noisy_channel){1, 2, {{1, 0, 0, sqrt(1 - gamma)}, {0, sqrt(gamma), 0, 0}}};
}

noisy_channel noisy_phase_damping(double lambda)
{
    return (noisy_channel){1, 2, {{1, 0, 0, sqrt(1 - lambda)}, {0, 0, 0, sqrt(lambda)}}};
}

static void adjoint(int states, const dense_number *m, dense_number *out)
{
    for (int r = 0; r < states; r++)
        for (int c = 0; c < states; c++) out[c * states + r] = conj(m[r * states + c]);
}

/* The columns of m, each multiplied by u. */
static void multiply(int n, int k, const int *wires, const dense_number *u, dense_number *m)
{
    const int states = 1 << n;
    for (int c = 0; c < states; c++) {
        dense_number column[NOISY_STATES];
        for (int r = 0; r < states; r++) column[r] = m[r * states + c];
        dense_apply(n, k, wires, u, column);
        for (int r = 0; r < states; r++) m[r * states + c] = column[r];
    }
}

void noisy_unitary(int n, int k, const int *wires, const dense_number *u, dense_number *rho)
{
    dense_number turned[NOISY_SIZE];
    multiply(n, k, wires, u, rho);
    adjoint(1 << n, rho, turned);
    multiply(n, k, wires, u, turned);
    adjoint(1 << n, turned, rho);
}

void noisy_apply(int n, const int *wires, const noisy_channel *channel, dense_number *rho)
{
    const int size = 1 << 2 * n;
    dense_number sum[NOISY_SIZE] = {0};
    for (int k = 0; k < channel->operators; k++) {
        dense_number term[NOISY_SIZE];
        memcpy(term, rho, (size_t)size * sizeof *rho);
        noisy_unitary(n, channel->wires, wires, channel->kraus[k], term);
        for (int i = 0; i < size; i++) sum[i] += term[i];
    }
    memcpy(rho, sum, (size_t)size * sizeof *rho);
}

/* ---- circuits ---- */

static void add_noise(int n, const hq_op *op, const hq_noise *noise, dense_number *rho)
{
    const int wires = op->gate->controls + op->gate->targets;
    const noisy_channel one = noisy_depolarizing1(noise->depolarizing1),
                        two = noisy_depolarizing2(noise->depolarizing2);
    const noisy_channel amplitude = noisy_amplitude_damping(noise->amplitude_damping);
    const noisy_channel phase = noisy_phase_damping(noise->phase_damping);
    if (wires == 1) noisy_apply(n, op->wires, &one, rho);
    if (wires >= 2) noisy_apply(n, op->wires, &two, rho);
    if (wires == 3) noisy_apply(n, op->wires + 1, &two, rho);
    for (int k = 0; k < wires; k++) {
        noisy_apply(n, op->wires + k, &amplitude, rho);
        noisy_apply(n, op->wires + k, &phase, rho);
    }
}

void noisy_circuit(const hq_circuit *c, const double *x, const double *w, const hq_noise *noise, dense_number *rho)
{
    const int n = c->qubits;
    memset(rho, 0, sizeof(dense_number) << 2 * n);
    rho[0] = 1;
    for (int i = 0; i < c->n_ops; i++) {
        const hq_op *op = &c->ops[i];
        double p[HQ_GATE_PARAMETERS_MAX] = {0};
        dense_number m[64];
        hq_op_parameters(op, x, w, p);
        const int wires = dense_gate(op->gate->name, p, m);
        CHECK_INT(wires, hq_gate_wires(op->gate));
        noisy_unitary(n, wires, op->wires, m, rho);
        add_noise(n, op, noise, rho);
    }
}

double noisy_expect(int n, hq_pauli pauli, const dense_number *rho)
{
    dense_number image[NOISY_SIZE], sum = 0;
    memcpy(image, rho, sizeof *rho << 2 * n);
    for (int wire = 0; wire < n; wire++) {
        const int x = pauli.x >> (n - 1 - wire) & 1, z = pauli.z >> (n - 1 - wire) & 1;
        dense_number m[4];
        pauli_matrix(x ? 1 + z : 3 * z, m);
        multiply(n, 1, &wire, m, image);
    }
    for (int i = 0; i < 1 << n; i++) sum += image[i * ((1 << n) + 1)];
    return creal(sum);
}

/* ---- density matrices ---- */

double noisy_trace(int n, const dense_number *rho)
{
    double trace = 0;
    for (int i = 0; i < 1 << n; i++) trace += creal(rho[i * ((1 << n) + 1)]);
    return trace;
}

bool noisy_positive(int n, const dense_number *rho)
{
    const int states = 1 << n;
    dense_number low[NOISY_SIZE];
    for (int r = 0; r < states; r++)
        for (int c = 0; c <= r; c++) {
            dense_number rest = rho[r * states + c] + (r == c ? 1e-13 : 0);
            for (int k = 0; k < c; k++) rest -= low[r * states + k] * conj(low[c * states + k]);
            if (r == c && !(creal(rest) > 0)) return false;
            low[r * states + c] = r == c ? sqrt(creal(rest)) : rest / low[c * states + c];
        }
    return true;
}

void noisy_random_density(hq_random *stream, int n, dense_number *rho)
{
    const int states = 1 << n, size = states * states;
    double re[NOISY_SIZE], im[NOISY_SIZE];
    fill_random(stream, size, -1, 1, re);
    fill_random(stream, size, -1, 1, im);
    for (int r = 0; r < states; r++)
        for (int c = 0; c < states; c++) {
            rho[r * states + c] = 0;
            for (int k = 0; k < states; k++)
                rho[r * states + c] +=
                    (re[r * states + k] + I * im[r * states + k]) * (re[c * states + k] - I * im[c * states + k]);
        }
    const double trace = noisy_trace(n, rho);
    for (int i = 0; i < size; i++) rho[i] /= trace;
}

void noisy_to_state(int n, const dense_number *rho, hq_state *state)
{
    for (int i = 0; i < 1 << 2 * n; i++) {
        state->re[i] = creal(rho[i]);
        state->im[i] = cimag(rho[i]);
    }
}

void noisy_from_state(int n, const hq_state *state, dense_number *rho)
{
    for (int i = 0; i < 1 << 2 * n; i++) rho[i] = state->re[i] + I * state->im[i];
}

/* ---- random circuits ---- */

static void add_gate(hq_random *stream, hq_circuit *c, int gate)
{
    int wires[HQ_QUBITS_MAX];
    hq_binding bindings[HQ_GATE_PARAMETERS_MAX];
    for (int i = 0; i < c->qubits; i++) { /* a shuffle */
        const int k = random_int(stream, 0, i);
        wires[i] = wires[k];
        wires[k] = i;
    }
    for (int slot = 0; slot < hq_gate_table[gate].parameters; slot++) {
        const double value = 6 * hq_random_uniform(stream);
        bindings[slot] = hq_bind_constant(value);
        if (random_int(stream, 0, 2) == 1) bindings[slot] = hq_bind_weight(random_int(stream, 0, 7));
        if (random_int(stream, 0, 2) == 2)
            bindings[slot] = (hq_binding){HQ_SOURCE_INPUT, random_int(stream, 0, 7), 1.5, value};
    }
    CHECK(hq_circuit_add(c, (hq_gate_id)gate, wires, bindings) == HQ_OK);
}

static void observe(hq_random *stream, hq_circuit *c, int strings)
{
    const int masks = 1 << c->qubits;
    for (const char *letter = "XYZ"; *letter; letter++)
        for (int wire = 0; wire < c->qubits; wire++)
            CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, *letter, wire)) == HQ_OK);
    for (int i = 0; i < strings; i++) {
        const int x = random_int(stream, 0, masks - 1), z = random_int(stream, 0, masks - 1);
        const hq_pauli pauli = {(uint32_t)x, (uint32_t)z};
        CHECK(hq_circuit_observe(c, pauli) == HQ_OK);
    }
}

hq_circuit *noisy_random_circuit(hq_random *stream, int n, int more, int strings)
{
    hq_circuit *c;
    int order[HQ_GATE_COUNT];
    CHECK(hq_circuit_create(n, &c) == HQ_OK);
    for (int i = 0; i < HQ_GATE_COUNT; i++) {
        const int k = random_int(stream, 0, i);
        order[i] = order[k];
        order[k] = i;
    }
    for (int i = 0; i < HQ_GATE_COUNT + more; i++) {
        const int gate = i < HQ_GATE_COUNT ? order[i] : random_int(stream, 0, HQ_GATE_COUNT - 1);
        if (hq_gate_wires(&hq_gate_table[gate]) <= n) add_gate(stream, c, gate);
    }
    observe(stream, c, strings);
    return c;
}

/* ---- hardware ---- */

void noisy_open(noisy_bench *bench, const hq_circuit *c, const hq_kernels *kernels,
                const hq_hardware_settings *settings)
{
    int64_t parts[2];
    *bench = (noisy_bench){0};
    CHECK(hq_hardware_check(settings, c) == HQ_OK);
    for (int pass = 0; pass < 2; pass++) {
        hq_sweep_take(&bench->sweep, c, kernels, 0, &bench->arena);
        hq_hardware_take(&bench->hardware, settings, &bench->sweep, &bench->arena);
        parts[pass] = hq_hardware_parts(&bench->hardware);
        if (pass == 0) CHECK(hq_arena_create(bench->arena.used, "test", &bench->arena) == HQ_OK);
    }
    CHECK_INT((long long)bench->arena.used, (long long)bench->arena.size);
    hq_sweep_start(&bench->sweep);
    hq_hardware_start(&bench->hardware);
    CHECK(parts[0] == parts[1] && parts[0] == hq_hardware_parts(&bench->hardware));
}

void noisy_close(noisy_bench *bench) { hq_arena_destroy(&bench->arena); }

void noisy_bind(noisy_bench *bench, const double *x, const double *w)
{
    hq_sweep_bind_weights(&bench->sweep, w);
    hq_sweep_bind_inputs(&bench->sweep, 1, x);
}

void noisy_evaluate(noisy_bench *bench, uint64_t sample, double *q)
{
    const hq_shots_key key = {.epoch = 3, .split = 1, .sample = sample, .evaluation = 5};
    double scratch[128];
    CHECK(bench->sweep.circuit->n_observables <= 128);
    hq_hardware_evaluate(&bench->hardware, &key, q, scratch);
}

double noisy_chi_square_z(double value, double freedom)
{
    const double variance = 2 / (9 * freedom);
    return (cbrt(value / freedom) - 1 + variance) / sqrt(variance);
}
