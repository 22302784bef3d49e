/* noisy.h: a naive reference for noisy circuits: density matrices as full complex matrices rho[2^n][2^n], channels as
 * sums over their textbook Kraus operators. Also what the tests of noise and shots need: random circuits, statistics.
 */
#ifndef TEST_QUANTUM_NOISY_H
#define TEST_QUANTUM_NOISY_H

#include "dense.h"
#include "quantum/hardware.h"

#define NOISY_QUBITS_MAX 4
#define NOISY_STATES (1 << NOISY_QUBITS_MAX)
#define NOISY_SIZE (NOISY_STATES * NOISY_STATES)

/* Kraus operators of a channel on k wires: [operators][2^k][2^k]. */
typedef struct noisy_channel {
    int wires, operators;
    dense_number kraus[16][16];
} noisy_channel;

noisy_channel noisy_depolarizing1(double p);
noisy_channel noisy_depolarizing2(double p);
noisy_channel noisy_amplitude_damping(double gamma);
noisy_channel noisy_phase_damping(double lambda);

/* rho <- sum of K rho K^dagger; also for one unitary of up to three wires. */
void noisy_apply(int n, const int *wires, const noisy_channel *channel, dense_number *rho);
void noisy_unitary(int n, int k, const int *wires, const dense_number *u, dense_number *rho);

/* The whole circuit on |0...0>, with noise; tr(P rho). */
void noisy_circuit(const hq_circuit *c, const double *x, const double *w, const hq_noise *noise, dense_number *rho);
double noisy_expect(int n, hq_pauli pauli, const dense_number *rho);

/* tr(rho); whether rho + 1e-13 is positive (Cholesky). */
double noisy_trace(int n, const dense_number *rho);
bool noisy_positive(int n, const dense_number *rho);

/* A random density matrix of full rank; a hq_state of 2n qubits from it (memory of the caller's arena) and back. */
void noisy_random_density(hq_random *stream, int n, dense_number *rho);
void noisy_to_state(int n, const dense_number *rho, hq_state *state);
void noisy_from_state(int n, const hq_state *state, dense_number *rho);

/* A circuit of every gate of the table that fits n wires, on random wires in random order, then `more` gates at random.
 * Parameters are inputs, weights and constants by turns; at most 8 inputs and 8 weights. Observed are X, Y and Z on
 * every wire and, from 2 wires on, `strings` random Pauli strings. */
hq_circuit *noisy_random_circuit(hq_random *stream, int n, int more, int strings);

/* A bound sweep of one lane with hardware on it; the caller frees it with noisy_close. */
typedef struct noisy_bench {
    hq_arena arena;
    hq_sweep sweep;
    hq_hardware hardware;
} noisy_bench;
void noisy_open(noisy_bench *bench, const hq_circuit *c, const hq_kernels *kernels,
                const hq_hardware_settings *settings);
void noisy_close(noisy_bench *bench);
void noisy_bind(noisy_bench *bench, const double *x, const double *w);

/* One evaluation of what is bound, number `sample` of a key that is the same otherwise: q[O]. */
void noisy_evaluate(noisy_bench *bench, uint64_t sample, double *q);

/* By how many standard deviations, roughly normal, a chi-square value with `freedom` degrees of freedom lies off
 * (Wilson and Hilferty, PNAS 17, 684 (1931)). */
double noisy_chi_square_z(double value, double freedom);

#endif
