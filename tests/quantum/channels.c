/* Channels of the density matrix against sums over Kraus operators; trace and positivity; limits of the probabilities.
 */
#include "noisy.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static hq_random stream;

/* A density matrix both ways. */
typedef struct pair {
    int n;
    hq_arena arena;
    hq_state state;
    dense_number rho[NOISY_SIZE];
} pair;

static pair open_pair(int n)
{
    pair p = {.n = n};
    hq_state_take(&p.state, 2 * n, 0, &p.arena);
    CHECK(hq_arena_create(p.arena.used, "test", &p.arena) == HQ_OK);
    hq_state_take(&p.state, 2 * n, 0, &p.arena);
    noisy_random_density(&stream, n, p.rho);
    noisy_to_state(n, p.rho, &p.state);
    return p;
}

/* Compares and frees; what is compared must be a density matrix. */
static void close_pair(pair *p, const char *what)
{
    dense_number have[NOISY_SIZE];
    double worst = 0;
    noisy_from_state(p->n, &p->state, have);
    for (int i = 0; i < 1 << 2 * p->n; i++) worst = fmax(worst, cabs(have[i] - p->rho[i]));
    CHECK_MSG(worst <= 1e-14, "%s, %d qubits: %g off", what, p->n, worst);
    CHECK_NEAR(noisy_trace(p->n, have), 1, 1e-14);
    CHECK_MSG(noisy_positive(p->n, have), "%s, %d qubits: not positive", what, p->n);
    for (size_t i = (size_t)1 << 2 * p->n; i < hq_state_size(2 * p->n, 0); i++)
        CHECK(p->state.re[i] == 0 && p->state.im[i] == 0);
    hq_arena_destroy(&p->arena);
}

/* One channel after the other, as told by the three probabilities. */
static void check_one_wire(int n, int wire, double p, double gamma, double lambda)
{
    const noisy_channel each[3] = {noisy_depolarizing1(p), noisy_amplitude_damping(gamma), noisy_phase_damping(lambda)};
    const hq_channel channel = hq_channel_make(p, gamma, lambda);
    pair rho = open_pair(n);
    hq_density_channel(hq_kernels_best(), &rho.state, wire, &channel);
    for (int k = 0; k < 3; k++) noisy_apply(n, &wire, &each[k], rho.rho);
    close_pair(&rho, "one wire");
}

static void test_one_wire(void)
{
    static const double probabilities[][3] = {{0.3, 0, 0}, {0, 0.3, 0}, {0, 0, 0.3}, {1, 0, 0},       {0, 1, 0},
                                              {0, 0, 1},   {1, 1, 1},   {0, 0, 0},   {1e-9, 0.5, 0.9}};
    for (int n = 1; n <= NOISY_QUBITS_MAX; n++)
        for (int wire = 0; wire < n; wire++) {
            double p[3];
            fill_random(&stream, 3, 0, 1, p);
            check_one_wire(n, wire, p[0], p[1], p[2]);
            for (size_t i = 0; i < sizeof probabilities / sizeof *probabilities; i++)
                check_one_wire(n, wire, probabilities[i][0], probabilities[i][1], probabilities[i][2]);
        }
}

static void check_two_wires(int n, int a, int b, double p)
{
    const noisy_channel channel = noisy_depolarizing2(p);
    pair rho = open_pair(n);
    hq_density_depolarize2(&rho.state, a, b, p);
    noisy_apply(n, (int[]){a, b}, &channel, rho.rho);
    close_pair(&rho, "two wires");
}

static void test_two_wires(void)
{
    for (int n = 2; n <= NOISY_QUBITS_MAX; n++)
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++) {
                if (a == b) continue;
                check_two_wires(n, a, b, 0);
                check_two_wires(n, a, b, 0.37);
                check_two_wires(n, a, b, 1);
            }
}

/* Probability 1: the maximally mixed state of the wires, |0>, no coherence. */
static void test_limits(void)
{
    const hq_channel mixed = hq_channel_make(1, 0, 0), ground = hq_channel_make(0, 1, 0),
                     phase = hq_channel_make(0, 0, 1);
    pair p = open_pair(1);
    hq_density_channel(hq_kernels_best(), &p.state, 0, &phase);
    CHECK(p.state.re[1] == 0 && p.state.im[1] == 0 && p.state.re[2] == 0 && p.state.im[2] == 0);
    CHECK_NEAR(p.state.re[0], creal(p.rho[0]), 1e-15);
    hq_density_channel(hq_kernels_best(), &p.state, 0, &mixed);
    CHECK_NEAR(p.state.re[0], 0.5, 1e-15);
    CHECK_NEAR(p.state.re[3], 0.5, 1e-15);
    hq_density_channel(hq_kernels_best(), &p.state, 0, &ground);
    CHECK_NEAR(p.state.re[0], 1, 1e-15);
    CHECK(p.state.re[3] == 0);
    hq_arena_destroy(&p.arena);
    p = open_pair(2);
    hq_density_depolarize2(&p.state, 1, 0, 1);
    for (int i = 0; i < 16; i++) CHECK_NEAR(p.state.re[i], i % 5 == 0 ? 0.25 : 0, 1e-15);
    hq_arena_destroy(&p.arena);
}

/* On half of an entangled state a channel gives its Choi matrix, which is positive when the channel is completely so.
 */
static void test_completely_positive(void)
{
    static const double bell[4] = {1, 0, 0, 1};
    for (int i = 0; i < 20; i++) {
        double p[3];
        dense_number rho[NOISY_SIZE];
        pair choi = open_pair(2);
        fill_random(&stream, 3, 0, 1, p);
        const hq_channel channel = hq_channel_make(p[0], p[1], p[2]);
        for (int k = 0; k < 16; k++) choi.rho[k] = bell[k / 4] * bell[k % 4] / 2;
        noisy_to_state(2, choi.rho, &choi.state);
        hq_density_channel(hq_kernels_best(), &choi.state, 0, &channel);
        noisy_from_state(2, &choi.state, rho);
        CHECK(noisy_positive(2, rho));
        CHECK_NEAR(noisy_trace(2, rho), 1, 1e-15);
        hq_arena_destroy(&choi.arena);
    }
}

static void test_diagonal(void)
{
    double diagonal[8];
    pair p = open_pair(3);
    p.state.re[9] = -1e-17; /* rounding */
    hq_density_diagonal(&p.state, diagonal);
    for (int i = 0; i < 8; i++) CHECK(diagonal[i] == (i == 1 ? 0 : creal(p.rho[i * 9])));
    hq_arena_destroy(&p.arena);
}

int main(void)
{
    stream = hq_random_make(21, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_one_wire);
    HQ_RUN(test_two_wires);
    HQ_RUN(test_limits);
    HQ_RUN(test_completely_positive);
    HQ_RUN(test_diagonal);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
