/* Circuits of the whole gate set with noise, by density matrix, against sums over Kraus operators; without noise and
 * with readout errors, exact. */
#include "noisy.h"
#include "support/check.h"

static hq_random stream;

static hq_noise random_noise(double largest)
{
    double p[4];
    fill_random(&stream, 4, 0, largest, p);
    return (hq_noise){p[0], p[1], p[2], p[3], 0, 0};
}

static void check_noisy(int n, const hq_noise *noise, const hq_kernels *kernels)
{
    const hq_hardware_settings settings = {.noise = *noise, .method = HQ_NOISE_METHOD_DENSITY, .trajectories = 1};
    hq_circuit *c = noisy_random_circuit(&stream, n, 10, 6);
    dense_number rho[NOISY_SIZE];
    noisy_bench bench;
    double x[8], w[8], q[64];
    fill_random(&stream, 8, -4, 4, x);
    fill_random(&stream, 8, -4, 4, w);
    noisy_open(&bench, c, kernels, &settings);
    CHECK_INT(bench.hardware.simulation, hq_noise_in_gates(noise) ? HQ_SIMULATION_DENSITY : HQ_SIMULATION_STATE);
    CHECK_INT(hq_hardware_parts(&bench.hardware), 1);
    noisy_bind(&bench, x, w);
    noisy_evaluate(&bench, 0, q);
    noisy_circuit(c, x, w, noise, rho);
    for (int k = 0; k < c->n_observables; k++)
        CHECK_MSG(fabs(q[k] - noisy_expect(n, c->observables[k], rho)) <= 1e-12, "%d qubits, %s, output %d: %g, not %g",
                  n, kernels->name, k, q[k], noisy_expect(n, c->observables[k], rho));
    noisy_close(&bench);
    hq_circuit_destroy(c);
}

static void test_noisy_circuits(void)
{
    static const int kernels[] = {HQ_COMPUTE_KERNEL_PLAIN, HQ_COMPUTE_KERNEL_AVX2, HQ_COMPUTE_KERNEL_AVX512};
    for (int n = 1; n <= NOISY_QUBITS_MAX; n++)
        for (int k = 0; k < 3; k++) {
            if (!hq_kernels_find(kernels[k])) continue;
            for (int i = 0; i < 4; i++) {
                const hq_noise noise = random_noise(i < 2 ? 0.03 : 0.3);
                check_noisy(n, &noise, hq_kernels_find(kernels[k]));
            }
        }
}

/* One kind of error at a time. */
static void test_single_errors(void)
{
    static const hq_noise noise[] = {{0.02, 0, 0, 0, 0, 0}, {0, 0.02, 0, 0, 0, 0}, {0, 0, 0.02, 0, 0, 0},
                                     {0, 0, 0, 0.02, 0, 0}, {1, 0, 0, 0, 0, 0},    {0, 1, 0, 0, 0, 0}};
    for (int n = 1; n <= NOISY_QUBITS_MAX; n++)
        for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) check_noisy(n, &noise[i], hq_kernels_best());
}

static void test_no_noise(void)
{
    const hq_noise none = {0};
    for (int n = 1; n <= NOISY_QUBITS_MAX; n++) check_noisy(n, &none, hq_kernels_best());
}

/* The density matrix itself without noise: the state's outer product. */
static void test_outer_product(void)
{
    const hq_hardware_settings settings = {.noise = {.phase_damping = 0.1}};
    const hq_noise none = {0};
    for (int n = 1; n <= 6; n++) {
        hq_circuit *c = noisy_random_circuit(&stream, n, 5, 0);
        noisy_bench bench;
        double x[8], w[8], worst = 0;
        fill_random(&stream, 8, -4, 4, x);
        fill_random(&stream, 8, -4, 4, w);
        noisy_open(&bench, c, hq_kernels_best(), &settings);
        noisy_bind(&bench, x, w);
        hq_sweep_prepare(&bench.sweep);
        hq_state *psi = &bench.sweep.psi, *rho = &bench.hardware.end;
        hq_state_reset(rho);
        hq_density_run(&bench.sweep, &none, 0, c->n_ops, rho);
        for (int i = 0; i < 1 << 2 * n; i++) {
            const int r = i >> n, s = i & ((1 << n) - 1);
            const dense_number want = (psi->re[r] + I * psi->im[r]) * (psi->re[s] - I * psi->im[s]);
            worst = fmax(worst, cabs(rho->re[i] + I * rho->im[i] - want));
        }
        CHECK_MSG(worst <= 1e-12, "%d qubits: %g off", n, worst);
        noisy_close(&bench);
        hq_circuit_destroy(c);
    }
}

/* What is read from a wire has mean (down - up) + (1 - up - down) z: by hand for every product of signs. */
static double with_readout(int n, hq_pauli pauli, const hq_noise *noise, const dense_number *rho)
{
    const uint32_t support = hq_pauli_support(pauli);
    const double offset = noise->readout10 - noise->readout01, scale = 1 - noise->readout01 - noise->readout10;
    double sum = 0;
    for (uint32_t kept = support;; kept = (kept - 1) & support) { /* every subset of the wires */
        const hq_pauli part = {pauli.x & kept, pauli.z & kept};
        const int in = __builtin_popcount(kept), out = __builtin_popcount(support) - in;
        sum += pow(scale, in) * pow(offset, out) * noisy_expect(n, part, rho);
        if (kept == 0) return sum;
    }
}

static void check_readout(int n, hq_noise noise, bool mitigation)
{
    const hq_hardware_settings settings = {.noise = noise, .mitigation = mitigation};
    hq_circuit *c = noisy_random_circuit(&stream, n, 0, 8);
    dense_number rho[NOISY_SIZE];
    noisy_bench bench;
    double x[8], w[8], q[64];
    fill_random(&stream, 8, -4, 4, x);
    fill_random(&stream, 8, -4, 4, w);
    noisy_open(&bench, c, hq_kernels_best(), &settings);
    noisy_bind(&bench, x, w);
    noisy_evaluate(&bench, 0, q);
    noisy_circuit(c, x, w, &noise, rho);
    for (int k = 0; k < c->n_observables; k++) {
        const hq_pauli pauli = c->observables[k];
        CHECK_NEAR(q[k], mitigation ? noisy_expect(n, pauli, rho) : with_readout(n, pauli, &noise, rho), 1e-13);
    }
    noisy_close(&bench);
    hq_circuit_destroy(c);
}

static void test_readout(void)
{
    for (int n = 1; n <= NOISY_QUBITS_MAX; n++)
        for (int mitigation = 0; mitigation < 2; mitigation++) {
            check_readout(n, (hq_noise){.readout01 = 0.07, .readout10 = 0.21}, mitigation);
            check_readout(n, (hq_noise){.depolarizing1 = 0.02, .readout01 = 0.1}, mitigation);
            check_readout(n, (hq_noise){.amplitude_damping = 0.02, .readout10 = 0.3}, mitigation);
        }
}

int main(void)
{
    stream = hq_random_make(22, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_noisy_circuits);
    HQ_RUN(test_single_errors);
    HQ_RUN(test_no_noise);
    HQ_RUN(test_outer_product);
    HQ_RUN(test_readout);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
