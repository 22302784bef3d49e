/* Finite shots: bases, means and spread of the estimates, readout errors and their mitigation, parts, keys. */
#include "noisy.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUTS_MAX = 64 };

static hq_random stream;

/* A random circuit with bound numbers, and its hardware. */
typedef struct setup {
    hq_circuit *c;
    double x[8], w[8];
    noisy_bench bench;
} setup;

static void bind(setup *s, const hq_hardware_settings *settings)
{
    noisy_open(&s->bench, s->c, hq_kernels_best(), settings);
    noisy_bind(&s->bench, s->x, s->w);
}

static setup *open_setup(int n, int strings, const hq_hardware_settings *settings)
{
    setup *s = calloc(1, sizeof *s);
    s->c = noisy_random_circuit(&stream, n, 4, strings);
    fill_random(&stream, 8, -4, 4, s->x);
    fill_random(&stream, 8, -4, 4, s->w);
    bind(s, settings);
    return s;
}

static void close_setup(setup *s)
{
    noisy_close(&s->bench);
    hq_circuit_destroy(s->c);
    free(s);
}

/* ---- bases ---- */

/* Whether a string has the letters of a basis, read letter by letter. */
static bool fits(const hq_circuit *c, const hq_pauli *letters, hq_pauli pauli)
{
    bool same = true;
    for (int wire = 0; wire < c->qubits; wire++) {
        const uint32_t bit = 1u << wire;
        const bool has = ((letters->x | letters->z) & bit) && ((pauli.x | pauli.z) & bit);
        if (has && ((letters->x & bit) != (pauli.x & bit) || (letters->z & bit) != (pauli.z & bit))) same = false;
    }
    return same;
}

static void check_bases(const hq_circuit *c, const hq_bases *bases)
{
    int seen = 0;
    for (int g = 0; g < bases->n; g++) {
        const hq_basis *b = &bases->basis[g];
        CHECK_INT(b->first, seen);
        for (int i = b->first; i < b->first + b->count; i++, seen++) {
            const hq_pauli pauli = c->observables[bases->order[i]];
            for (int h = 0; h < g; h++) CHECK(!fits(c, &bases->basis[h].letters, pauli)); /* else it had joined h */
            CHECK(i == b->first || bases->order[i] > bases->order[i - 1]);
            for (int wire = 0; wire < c->qubits; wire++) {
                const uint32_t bit = 1u << (c->qubits - 1 - wire);
                const char letter = pauli.x & bit ? (pauli.z & bit ? 'Y' : 'X') : 'Z';
                if (hq_pauli_support(pauli) & bit) CHECK_INT(hq_basis_letter(b, c->qubits, wire), letter);
            }
        }
    }
    CHECK_INT(seen, c->n_observables);
}

static void test_bases(void)
{
    const hq_hardware_settings settings = {.shots = 1};
    for (int n = 1; n <= 6; n++) {
        setup *s = open_setup(n, 10, &settings);
        check_bases(s->c, &s->bench.hardware.bases);
        CHECK(s->bench.hardware.bases.n >= 3);
        close_setup(s);
    }
}

/* X and Z on every wire need two bases, Z alone one. */
static void test_bases_of_hqcnn(void)
{
    const hq_hardware_settings settings = {.shots = 1000, .chunk = 300};
    for (int observables = HQ_OBSERVABLES_XZ; observables <= HQ_OBSERVABLES_Z; observables++) {
        noisy_bench bench;
        hq_circuit *c;
        CHECK(hq_circuit_create_hqcnn(4, 1, HQ_ATTENTION_QFT, observables, &c) == HQ_OK);
        noisy_open(&bench, c, hq_kernels_best(), &settings);
        check_bases(c, &bench.hardware.bases);
        CHECK_INT(bench.hardware.bases.n, observables == HQ_OBSERVABLES_XZ ? 2 : 1);
        CHECK_INT(hq_hardware_parts(&bench.hardware), observables == HQ_OBSERVABLES_XZ ? 8 : 4);
        noisy_close(&bench);
        hq_circuit_destroy(c);
    }
}

/* ---- means ---- */

static void exact_outputs(const setup *s, const hq_hardware_settings *settings, double *q)
{
    hq_hardware_settings exact = *settings;
    setup copy = *s;
    exact.shots = exact.chunk = 0;
    bind(&copy, &exact);
    noisy_evaluate(&copy.bench, 0, q);
    noisy_close(&copy.bench);
}

/* The mean of many evaluations lies within 4 standard errors (of the evaluations' own spread) of the exact value. */
static void check_means(int n, hq_hardware_settings settings)
{
    enum { EVALUATIONS = 400 };
    setup *s = open_setup(n, 6, &settings);
    double exact[OUTPUTS_MAX], q[OUTPUTS_MAX], sum[OUTPUTS_MAX] = {0}, squares[OUTPUTS_MAX] = {0};
    const int outputs = s->c->n_observables;
    for (int i = 0; i < EVALUATIONS; i++) {
        noisy_evaluate(&s->bench, (uint64_t)i, q);
        for (int k = 0; k < outputs; k++) {
            sum[k] += q[k];
            squares[k] += q[k] * q[k];
        }
    }
    exact_outputs(s, &settings, exact);
    for (int k = 0; k < outputs; k++) {
        const double mean = sum[k] / EVALUATIONS, spread = fmax(squares[k] / EVALUATIONS - mean * mean, 0);
        CHECK_MSG(fabs(mean - exact[k]) <= 4 * sqrt(spread / EVALUATIONS) + 1e-12,
                  "%d qubits, output %d: %g, not %g +- %g", n, k, mean, exact[k], sqrt(spread / EVALUATIONS));
        if (settings.mitigation || hq_noise_in_gates(&settings.noise)) continue;
        const double shots = (double)settings.shots, want = (1 - exact[k] * exact[k]) / shots; /* of signs */
        CHECK_MSG(fabs(spread - want) <= 0.4 * want + 1e-12, "%d qubits, output %d: variance %g, not %g", n, k, spread,
                  want);
    }
    close_setup(s);
}

static void test_means(void)
{
    static const hq_noise noise[] = {{0},
                                     {.readout01 = 0.05, .readout10 = 0.15},
                                     {.depolarizing1 = 0.01, .depolarizing2 = 0.03, .readout01 = 0.02},
                                     {.amplitude_damping = 0.03, .phase_damping = 0.02, .readout10 = 0.1}};
    for (int n = 1; n <= 5; n++)
        for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
            check_means(n, (hq_hardware_settings){.shots = 100, .noise = noise[i]});
            check_means(n, (hq_hardware_settings){.shots = 1000, .chunk = 300, .noise = noise[i], .mitigation = true});
        }
}

/* Mitigation costs spread: of a wire whose signs are scaled by 1 - a - b, the factor 1 / (1 - a - b). */
static void test_mitigation_spread(void)
{
    hq_circuit *c;
    noisy_bench bench;
    const double x[1] = {0}, w[1] = {0}, a = 0.1;
    const hq_hardware_settings settings = {
        .shots = 1000, .mitigation = true, .noise = {.readout01 = 0.1, .readout10 = 0.1}};
    double squares = 0, sum = 0, q;
    CHECK(hq_circuit_create(1, &c) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_H, (int[]){0}, NULL) == HQ_OK);
    CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, 'Z', 0)) == HQ_OK);
    noisy_open(&bench, c, hq_kernels_best(), &settings);
    noisy_bind(&bench, x, w);
    for (int i = 0; i < 4000; i++) {
        noisy_evaluate(&bench, (uint64_t)i, &q);
        sum += q;
        squares += q * q;
    }
    CHECK(fabs(sum / 4000) < 4 / sqrt(1000 * 4000.0) / (1 - 2 * a));
    CHECK_NEAR(squares / 4000 * 1000, 1 / ((1 - 2 * a) * (1 - 2 * a)), 0.1);
    noisy_close(&bench);
    hq_circuit_destroy(c);
}

/* ---- parts and keys ---- */

static const hq_noise all_noise = {0.01, 0.02, 0.01, 0.01, 0.03, 0.04};

static hq_hardware_settings settings_of(int method, int64_t shots, int64_t chunk)
{
    hq_hardware_settings settings = {.shots = shots, .chunk = chunk, .method = method, .trajectories = 7, .seed = 5};
    if (method >= 0) settings.noise = all_noise;
    return settings;
}

/* Parts in the opposite order, by other hardware, give what they give in their order; the sum is the evaluation. */
static void check_parts(int n, const hq_hardware_settings *settings)
{
    setup *s = open_setup(n, 4, settings);
    noisy_bench other;
    const hq_shots_key key = {.epoch = 3, .split = 1, .sample = 2, .evaluation = 5};
    double whole[OUTPUTS_MAX], sum[OUTPUTS_MAX] = {0}, scratch[OUTPUTS_MAX];
    double rows[100][OUTPUTS_MAX];
    const int outputs = s->c->n_observables;
    const int parts = (int)hq_hardware_parts(&s->bench.hardware);
    CHECK(parts <= 100);
    noisy_open(&other, s->c, hq_kernels_best(), settings);
    noisy_bind(&other, s->x, s->w);
    for (int i = 0; i < parts; i++) {
        const int part = parts - 1 - i;
        if (i % 3 == 0) hq_hardware_reset(&other.hardware);
        if (i % 3 == 0) hq_hardware_finish(&other.hardware);
        hq_hardware_part(&other.hardware, &key, part, rows[part]);
    }
    noisy_close(&other);
    for (int part = 0; part < parts; part++)
        for (int k = 0; k < outputs; k++) sum[k] += rows[part][k];
    hq_hardware_evaluate(&s->bench.hardware, &key, whole, scratch);
    CHECK(memcmp(sum, whole, (size_t)outputs * sizeof *sum) == 0);
    close_setup(s);
}

static void test_parts(void)
{
    for (int n = 1; n <= 4; n++)
        for (int method = -1; method <= HQ_NOISE_METHOD_TRAJECTORIES; method++) {
            const hq_hardware_settings settings[] = {settings_of(method, 1000, 0), settings_of(method, 1000, 300),
                                                     settings_of(method, 17, 4), settings_of(method, 0, 0)};
            for (int i = 0; i < 4; i++) check_parts(n, &settings[i]);
        }
}

/* All shots are counted: an output that is certain is exactly 1 whatever the chunks. */
static void test_all_shots_count(void)
{
    static const int64_t chunks[] = {0, 1, 3, 10, 16, 17};
    for (int method = -1; method <= HQ_NOISE_METHOD_TRAJECTORIES; method++)
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            hq_hardware_settings settings = settings_of(method, 17, chunks[i]);
            hq_circuit *c;
            noisy_bench bench;
            double q[2], zero[1] = {0};
            settings.noise.readout01 = settings.noise.readout10 = 0;
            CHECK(hq_circuit_create(2, &c) == HQ_OK);
            CHECK(hq_circuit_observe(c, (hq_pauli){0, 3}) == HQ_OK);
            CHECK(hq_circuit_observe(c, (hq_pauli){0, 0}) == HQ_OK); /* the identity */
            noisy_open(&bench, c, hq_kernels_best(), &settings);
            noisy_bind(&bench, zero, zero);
            noisy_evaluate(&bench, 0, q);
            CHECK_NEAR(q[0], 1, 1e-15);
            CHECK_NEAR(q[1], 1, 1e-15);
            noisy_close(&bench);
            hq_circuit_destroy(c);
        }
}

static void draw_with(setup *s, uint64_t seed, hq_shots_key key, double *q)
{
    double scratch[OUTPUTS_MAX];
    s->bench.hardware.settings.seed = seed;
    hq_hardware_evaluate(&s->bench.hardware, &key, q, scratch);
}

/* The same key gives the same bits; a key that differs anywhere gives other numbers, and so does another seed. */
static void check_keys(const hq_hardware_settings *settings)
{
    static const hq_shots_key keys[] = {{1, 1, 1, 1}, {2, 1, 1, 1}, {1, 2, 1, 1}, {1, 1, 2, 1}, {1, 1, 1, 2}};
    enum { KEYS = sizeof keys / sizeof *keys };
    setup *s = open_setup(3, 10, settings);
    const size_t bytes = (size_t)s->c->n_observables * sizeof(double);
    double q[KEYS + 1][OUTPUTS_MAX], again[OUTPUTS_MAX];
    for (int i = 0; i < KEYS; i++) draw_with(s, 5, keys[i], q[i]);
    draw_with(s, 6, keys[0], q[KEYS]);
    draw_with(s, 5, keys[0], again);
    CHECK(memcmp(again, q[0], bytes) == 0);
    for (int i = 0; i <= KEYS; i++)
        for (int j = 0; j < i; j++) CHECK_MSG(memcmp(q[i], q[j], bytes) != 0, "keys %d and %d draw the same", i, j);
    close_setup(s);
}

static void test_keys(void)
{
    for (int method = -1; method <= HQ_NOISE_METHOD_TRAJECTORIES; method++) {
        const hq_hardware_settings settings = settings_of(method, 1000, 300);
        check_keys(&settings);
    }
    const hq_hardware_settings exact = settings_of(HQ_NOISE_METHOD_TRAJECTORIES, 0, 0);
    check_keys(&exact);
}

/* ---- shifts ---- */

/* The front that waits before the shifted op gives what a whole run with the shift gives, to the bit. */
static void check_shifts(const hq_hardware_settings *settings)
{
    setup *s = open_setup(3, 4, settings);
    hq_hardware *h = &s->bench.hardware;
    const int outputs = s->c->n_observables;
    double scratch[OUTPUTS_MAX], q[OUTPUTS_MAX], want[OUTPUTS_MAX];
    for (int pass = 0; pass < 2; pass++) {
        hq_hardware_reset(h);
        for (int e = 0; e < s->c->n_entries; e++) {
            const hq_entry entry = s->c->entries[e];
            const hq_shots_key key = {.sample = 1, .evaluation = (uint32_t)e};
            hq_hardware_advance(h, entry.op);
            hq_sweep_bind_op(&s->bench.sweep, entry.op, entry.slot, 0.5);
            hq_hardware_finish(h);
            memset(q, 0, sizeof q);
            for (int part = 0; part < hq_hardware_parts(h); part++) {
                hq_hardware_part(h, &key, part, scratch);
                for (int k = 0; k < outputs; k++) q[k] += scratch[k];
            }
            hq_sweep_bind_op(&s->bench.sweep, entry.op, 0, 0);

            setup alone = *s;
            bind(&alone, settings);
            hq_sweep_bind_op(&alone.bench.sweep, entry.op, entry.slot, 0.5);
            hq_hardware_evaluate(&alone.bench.hardware, &key, want, scratch);
            noisy_close(&alone.bench);
            CHECK(memcmp(q, want, (size_t)outputs * sizeof *q) == 0);
        }
    }
    close_setup(s);
}

static void test_shifts(void)
{
    for (int method = -1; method <= HQ_NOISE_METHOD_TRAJECTORIES; method++) {
        const hq_hardware_settings shots = settings_of(method, 100, 0), exact = settings_of(method, 0, 0);
        check_shifts(&shots);
        check_shifts(&exact);
    }
}

/* ---- the rest ---- */

/* Counts from elsewhere, with and without mitigation. */
static void test_outside_counts(void)
{
    hq_hardware_settings settings = {.shots = 1000, .noise = {.readout01 = 0.1, .readout10 = 0.2}};
    for (int mitigation = 0; mitigation < 2; mitigation++) {
        settings.mitigation = mitigation;
        hq_circuit *c;
        noisy_bench bench;
        double q[2] = {0};
        CHECK(hq_circuit_create(2, &c) == HQ_OK);
        CHECK(hq_circuit_observe(c, (hq_pauli){0, 2}) == HQ_OK); /* Z on wire 0 */
        CHECK(hq_circuit_observe(c, (hq_pauli){0, 3}) == HQ_OK);
        noisy_open(&bench, c, hq_kernels_best(), &settings);
        /* What |10> gives on average: wire 0 reads 0 with 0.2, wire 1 reads 1 with 0.1. */
        hq_hardware_count(&bench.hardware, 0, 0, 18, 100, q);
        hq_hardware_count(&bench.hardware, 0, 1, 2, 100, q);
        hq_hardware_count(&bench.hardware, 0, 2, 72, 100, q);
        hq_hardware_count(&bench.hardware, 0, 3, 8, 100, q);
        CHECK_NEAR(q[0], mitigation ? -1 : -0.6, 1e-15);
        CHECK_NEAR(q[1], mitigation ? -1 : -0.6 * 0.8, 1e-15);
        noisy_close(&bench);
        hq_circuit_destroy(c);
    }
}

static void test_settings(void)
{
    hq_config config;
    hq_config_defaults(&config);
    hq_hardware_settings settings = hq_hardware_settings_make(&config);
    CHECK(!hq_hardware_wanted(&settings));
    config.noise_readout10 = 0.1;
    settings = hq_hardware_settings_make(&config);
    CHECK(hq_hardware_wanted(&settings) && hq_hardware_simulation(&settings, 20) == HQ_SIMULATION_STATE);
    config.noise_depolarizing2 = 0.2;
    config.shots_count = 10;
    config.shots_chunk = 4;
    config.shots_mitigation = HQ_MITIGATION_READOUT;
    config.train_seed = 77;
    settings = hq_hardware_settings_make(&config);
    CHECK(settings.shots == 10 && settings.chunk == 4 && settings.mitigation && settings.trajectories == 100);
    CHECK(settings.seed == 77 && settings.noise.depolarizing2 == 0.2 && settings.noise.readout10 == 0.1);
    CHECK_INT(hq_hardware_simulation(&settings, 6), HQ_SIMULATION_DENSITY);
    CHECK_INT(hq_hardware_simulation(&settings, 7), HQ_SIMULATION_TRAJECTORIES);
}

/* More bases than there is room for: strings of X, Y, Z on every wire, all different. */
static void test_many_bases(void)
{
    const hq_hardware_settings settings = {.shots = 1};
    const int errors = hq_log_error_count();
    hq_circuit *c;
    CHECK(hq_circuit_create(6, &c) == HQ_OK);
    for (int code = 0; code < HQ_BASES_MAX + 1; code++) {
        hq_pauli pauli = {0, 0};
        for (int wire = 0, left = code; wire < 6; wire++, left /= 3) {
            if (left % 3 != 0) pauli.x |= 1u << wire;
            if (left % 3 != 1) pauli.z |= 1u << wire;
        }
        CHECK_INT(hq_bases_count(c), code);
        CHECK(hq_hardware_check(&settings, c) == HQ_OK);
        CHECK(hq_circuit_observe(c, pauli) == HQ_OK);
    }
    CHECK(hq_hardware_check(&settings, c) == HQ_ERR_CONFIG);
    CHECK_INT(hq_log_error_count() - errors, 1);
    hq_circuit_destroy(c);
}

static void test_refused(void)
{
    hq_circuit *c;
    hq_hardware_settings settings = settings_of(HQ_NOISE_METHOD_DENSITY, 0, 0);
    const int errors = hq_log_error_count();
    CHECK(hq_circuit_create(HQ_DENSITY_QUBITS_MAX + 1, &c) == HQ_OK);
    CHECK(hq_hardware_check(&settings, c) == HQ_ERR_CONFIG);
    settings.method = HQ_NOISE_METHOD_AUTO;
    CHECK(hq_hardware_check(&settings, c) == HQ_OK);
    settings.mitigation = true;
    settings.noise.readout01 = settings.noise.readout10 = 0.5;
    CHECK(hq_hardware_check(&settings, c) == HQ_ERR_CONFIG);
    CHECK_INT(hq_log_error_count() - errors, 2);
    hq_circuit_destroy(c);
}

/* An evaluation takes no memory; its estimated cost rises with qubits, shots and trajectories. */
static void test_costs(void)
{
    double before = 0;
    for (int n = 2; n <= 5; n++) {
        const hq_hardware_settings settings = settings_of(HQ_NOISE_METHOD_AUTO, 100, 0);
        setup *s = open_setup(n, 2, &settings);
        double q[OUTPUTS_MAX];
        const int64_t made = hq_memory_count();
        noisy_evaluate(&s->bench, 1, q);
        CHECK_INT(hq_memory_count(), made);
        const double seconds = hq_hardware_seconds(&s->bench.hardware);
        CHECK(seconds > before);
        before = seconds;
        s->bench.hardware.settings.shots = 100000;
        CHECK(hq_hardware_seconds(&s->bench.hardware) >= seconds);
        s->bench.hardware.simulation = HQ_SIMULATION_TRAJECTORIES;
        const double few = hq_hardware_seconds(&s->bench.hardware);
        s->bench.hardware.settings.trajectories *= 10;
        CHECK(hq_hardware_seconds(&s->bench.hardware) > few);
        close_setup(s);
    }
}

int main(void)
{
    stream = hq_random_make(23, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_bases);
    HQ_RUN(test_bases_of_hqcnn);
    HQ_RUN(test_means);
    HQ_RUN(test_mitigation_spread);
    HQ_RUN(test_parts);
    HQ_RUN(test_all_shots_count);
    HQ_RUN(test_keys);
    HQ_RUN(test_shifts);
    HQ_RUN(test_outside_counts);
    HQ_RUN(test_settings);
    HQ_RUN(test_many_bases);
    HQ_RUN(test_refused);
    HQ_RUN(test_costs);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
