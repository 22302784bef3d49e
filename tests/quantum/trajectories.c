/* Random trajectories against the density matrix: means, rate of convergence, norms; large circuits. */
#include "noisy.h"
#include "support/check.h"

#include <stdlib.h>

enum { OUTPUTS_MAX = 64 };

static const hq_noise all_noise = {0.02, 0.04, 0.03, 0.03, 0.02, 0.05};
static hq_random stream;

/* One circuit with bound numbers, by both methods. */
typedef struct setup {
    hq_circuit *c;
    noisy_bench bench;
    double exact[OUTPUTS_MAX];
} setup;

static void open_setup(setup *s, int n, const hq_noise *noise, int64_t shots, int64_t trajectories)
{
    hq_hardware_settings settings = {.noise = *noise, .method = HQ_NOISE_METHOD_DENSITY, .trajectories = trajectories};
    double x[8], w[8];
    fill_random(&stream, 8, -4, 4, x);
    fill_random(&stream, 8, -4, 4, w);
    s->c = noisy_random_circuit(&stream, n, 0, 4);
    noisy_open(&s->bench, s->c, hq_kernels_best(), &settings);
    noisy_bind(&s->bench, x, w);
    noisy_evaluate(&s->bench, 0, s->exact);
    noisy_close(&s->bench);
    settings.method = HQ_NOISE_METHOD_TRAJECTORIES;
    settings.shots = shots;
    noisy_open(&s->bench, s->c, hq_kernels_best(), &settings);
    CHECK_INT(s->bench.hardware.simulation, HQ_SIMULATION_TRAJECTORIES);
    noisy_bind(&s->bench, x, w);
}

static void close_setup(setup *s)
{
    noisy_close(&s->bench);
    hq_circuit_destroy(s->c);
}

/* The mean of evaluations is within 4 standard errors of the density matrix; returns the mean squared error of an
 * evaluation, over all outputs. */
static double check_mean(setup *s, int evaluations)
{
    double q[OUTPUTS_MAX], sum[OUTPUTS_MAX] = {0}, squares[OUTPUTS_MAX] = {0}, error = 0;
    const int outputs = s->c->n_observables;
    for (int i = 0; i < evaluations; i++) {
        noisy_evaluate(&s->bench, (uint64_t)i, q);
        for (int k = 0; k < outputs; k++) {
            const double off = q[k] - s->exact[k];
            sum[k] += off;
            squares[k] += off * off;
        }
    }
    for (int k = 0; k < outputs; k++) {
        const double mean = sum[k] / evaluations, variance = fmax(squares[k] / evaluations - mean * mean, 0);
        CHECK_MSG(fabs(mean) <= 4 * sqrt(variance / evaluations) + 1e-12, "%d qubits, output %d: %g off, error %g",
                  s->c->qubits, k, mean, sqrt(variance / evaluations));
        error += squares[k] / evaluations / outputs;
    }
    return error;
}

static void check_noise(const hq_noise *noise, int64_t shots)
{
    for (int n = 1; n <= 4; n++) {
        setup s;
        open_setup(&s, n, noise, shots, 20);
        CHECK(check_mean(&s, 300) > 0);
        close_setup(&s);
    }
}

/* All errors together, and one at a time. */
static void test_means(void)
{
    static const hq_noise noise[] = {
        {0.1, 0, 0, 0, 0, 0}, {0, 0.1, 0, 0, 0, 0}, {0, 0, 0.1, 0, 0, 0}, {0.01, 0, 0, 0.3, 0, 0}};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (i != 1) check_noise(&noise[i], 0); /* one qubit has no gates of two wires: see below */
    check_noise(&all_noise, 0);
    check_noise(&all_noise, 50);
    setup s;
    open_setup(&s, 3, &noise[1], 0, 20);
    CHECK(check_mean(&s, 300) > 0);
    close_setup(&s);
}

/* The error of an evaluation falls like 1 / sqrt(trajectories). */
static void test_rate(void)
{
    double error[3];
    for (int i = 0; i < 3; i++) {
        setup s;
        stream = hq_random_make(24, HQ_PURPOSE_TEST, 0, 7); /* the same circuit */
        open_setup(&s, 3, &all_noise, 0, i == 0 ? 4 : i == 1 ? 64 : 1024);
        error[i] = check_mean(&s, 60);
        close_setup(&s);
    }
    for (int i = 0; i < 2; i++)
        CHECK_MSG(error[i] / error[i + 1] > 10 && error[i] / error[i + 1] < 25, "mean squared errors %g, %g", error[i],
                  error[i + 1]);
}

/* Depolarising with probability 1 leaves nothing of a state: each Pauli error comes as often as any other. Every
 * trajectory gives + or - the value of the state before the error. */
static void check_uniform(const hq_noise *noise, hq_gate_id last)
{
    enum { TRAJECTORIES = 40000 };
    const hq_hardware_settings settings = {
        .noise = *noise, .method = HQ_NOISE_METHOD_TRAJECTORIES, .trajectories = TRAJECTORIES};
    hq_circuit *c;
    noisy_bench bench;
    double q[16], zero[1] = {0};
    CHECK(hq_circuit_create(2, &c) == HQ_OK);
    for (int wire = 0; wire < 2; wire++) {
        const hq_binding angles[3] = {hq_bind_constant(0.9), hq_bind_constant(0.7), hq_bind_constant(wire)};
        CHECK(hq_circuit_add(c, HQ_GATE_U3, &wire, angles) == HQ_OK);
    }
    CHECK(hq_circuit_add(c, last, (int[]){1, 0}, NULL) == HQ_OK);
    for (uint32_t k = 1; k < 16; k++) CHECK(hq_circuit_observe(c, (hq_pauli){k & 3, k >> 2}) == HQ_OK);
    noisy_open(&bench, c, hq_kernels_best(), &settings);
    noisy_bind(&bench, zero, zero);
    hq_sweep_prepare(&bench.sweep);
    double before[16];
    hq_sweep_measure(&bench.sweep, &bench.sweep.psi, 1, before);
    noisy_evaluate(&bench, 0, q);
    int visible = 0;
    for (int k = 0; k < 15; k++) {
        CHECK_MSG(fabs(q[k]) <= 4 * fabs(before[k]) / sqrt(TRAJECTORIES) + 1e-12, "string %d: %g left of %g", k, q[k],
                  before[k]);
        visible += fabs(before[k]) > 0.01;
    }
    CHECK(visible == 15);
    noisy_close(&bench);
    hq_circuit_destroy(c);
}

static void test_uniform(void)
{
    check_uniform(&(hq_noise){.depolarizing2 = 1}, HQ_GATE_CX);
    check_uniform(&(hq_noise){.depolarizing1 = 1}, HQ_GATE_CZ);
}

/* 8 and 9 qubits. */
static void test_larger(void)
{
    const hq_noise noise = {0.005, 0.01, 0.01, 0.01, 0.01, 0.02};
    for (int n = 8; n <= 9; n++) {
        setup s;
        open_setup(&s, n, &noise, 0, 10);
        check_mean(&s, 30);
        close_setup(&s);
        open_setup(&s, n, &noise, 500, 50);
        check_mean(&s, 30);
        close_setup(&s);
    }
}

/* The state of a trajectory keeps norm 1, also after jumps that were all but impossible. */
static void test_norm(void)
{
    static const hq_noise noise[] = {{0.2, 0.2, 0.3, 0.3, 0, 0}, {0, 0, 1, 0, 0, 0}, {1, 1, 1, 1, 0, 0}};
    for (int n = 1; n <= 10; n++)
        for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
            setup s;
            double p[1 << 10], sum = 0;
            open_setup(&s, n, &noise[i], 0, 1);
            hq_random draws = hq_random_make(1, HQ_PURPOSE_TEST, 0, (uint64_t)n);
            hq_trajectory_run(&s.bench.sweep, &noise[i], &draws, &s.bench.sweep.psi);
            hq_state_probabilities(&s.bench.sweep.psi, p);
            for (int j = 0; j < 1 << n; j++) sum += p[j];
            CHECK_NEAR(sum, 1, 1e-12);
            if (noise[i].amplitude_damping == 1) CHECK(draws.position > 0);
            close_setup(&s);
        }
}

/* Full damping after each gate leaves |0...0>: every trajectory is exact, by either way to get there. */
static void test_sure_decay(void)
{
    const hq_noise noise = {.amplitude_damping = 1};
    for (int n = 1; n <= 9; n++) {
        hq_circuit *c;
        noisy_bench bench;
        double q[2], zero[1] = {0};
        const hq_hardware_settings settings = {
            .noise = noise, .method = HQ_NOISE_METHOD_TRAJECTORIES, .trajectories = 30, .shots = 100};
        CHECK(hq_circuit_create(n, &c) == HQ_OK);
        for (int wire = 0; wire < n; wire++) {
            CHECK(hq_circuit_add(c, HQ_GATE_H, &wire, NULL) == HQ_OK);
            CHECK(hq_circuit_add(c, HQ_GATE_ID, &wire, NULL) == HQ_OK); /* counts as a gate */
        }
        CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, 'Z', n - 1)) == HQ_OK);
        CHECK(hq_circuit_observe(c, (hq_pauli){0, (1u << n) - 1}) == HQ_OK);
        noisy_open(&bench, c, hq_kernels_best(), &settings);
        noisy_bind(&bench, zero, zero);
        noisy_evaluate(&bench, 0, q);
        CHECK_NEAR(q[0], 1, 1e-14);
        CHECK_NEAR(q[1], 1, 1e-14);
        noisy_close(&bench);
        hq_circuit_destroy(c);
    }
}

int main(void)
{
    stream = hq_random_make(24, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_means);
    HQ_RUN(test_uniform);
    HQ_RUN(test_larger);
    HQ_RUN(test_norm);
    HQ_RUN(test_sure_decay);
    HQ_RUN(test_rate);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
