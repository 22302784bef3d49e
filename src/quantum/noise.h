/* noise.h: a noise model, applied to a density matrix or to random trajectories of a state vector.
 *
 * After every gate of a circuit, on its wires (M. A. Nielsen and I. L. Chuang, "Quantum Computation and Quantum
 * Information", section 8.3):
 *
 * - Depolarising: with probability p the wire (a gate on one wire) or the two wires (a gate on two) lose their state to
 *   the maximally mixed one: rho -> (1 - p) rho + p I/2 (x) tr_wire rho, for two wires with I/4. That is one of the 4
 *   or 16 Pauli products at random, the identity among them, with probability p. A gate on three wires has the error
 *   of two wires on its first and second wire, then on its second and third.
 *
 * - Then amplitude damping on every wire: |1> decays to |0> with probability gamma.
 *
 * - Then phase damping on every wire: coherences shrink by sqrt(1 - lambda).
 *
 * Reading: a 0 is read as 1 with probability readout01, a 1 as 0 with readout10, every wire by itself.
 */
#ifndef QUANTUM_NOISE_H
#define QUANTUM_NOISE_H

#include "quantum/sweep.h"

/* Probabilities, 0 to 1. */
typedef struct hq_noise {
    double depolarizing1, depolarizing2;
    double amplitude_damping; /* gamma */
    double phase_damping;     /* lambda */
    double readout01, readout10;
} hq_noise;

/* Whether gates, or readings, go wrong at all. */
bool hq_noise_in_gates(const hq_noise *noise);
bool hq_noise_in_reading(const hq_noise *noise);

/* ---- density matrices ------------------------------------------------------------------------------------------- */

/* The density matrix of n qubits is kept as a state of 2n qubits and one lane: the row's bits, then the column's. */
#define HQ_DENSITY_QUBITS_MAX 10 /* 16 MiB for re and im together */

/* A channel on one wire that mixes populations and shrinks coherences: of the wire's 2x2 blocks of rho,
 * (rho_00, rho_11) -> population (rho_00, rho_11), and rho_01, rho_10 -> coherence times themselves. Depolarising and
 * both dampings are of this kind, and so is one after the other. */
typedef struct hq_channel {
    double population[4]; /* row-major */
    double coherence;
} hq_channel;

/* Depolarising with probability p, then amplitude damping gamma, then phase damping lambda. */
hq_channel hq_channel_make(double p, double gamma, double lambda);

/* rho -> U rho U^dagger for one block of a gate: its pairs in the n-qubit circuit, its form and matrix. */
void hq_density_gate(const hq_kernels *kernels, hq_state *rho, const hq_pairs *pairs, hq_form form, const hq_mat2 *m);

/* A channel on a wire; depolarising of two wires with probability p. */
void hq_density_channel(const hq_kernels *kernels, hq_state *rho, int wire, const hq_channel *channel);
void hq_density_depolarize2(hq_state *rho, int wire_a, int wire_b, double p);

/* Ops first, ..., end - 1 of a bound sweep of one lane, each with its noise. */
void hq_density_run(const hq_sweep *sweep, const hq_noise *noise, int first, int end, hq_state *rho);

/* p[2^n]: the diagonal; what rounding left below zero is zero. */
void hq_density_diagonal(const hq_state *rho, double *p);

/* ---- trajectories ----------------------------------------------------------------------------------------------- */

/* psi = the whole circuit of a bound sweep of one lane on |0...0>, with random errors: after a gate one Kraus operator
 * of each channel, chosen with its probability, acts on the state, which keeps norm 1. The mean of |psi><psi| is rho.
 * Dalibard, Castin and Molmer, Phys. Rev. Lett. 68, 580 (1992). The stream moves on. */
void hq_trajectory_run(const hq_sweep *sweep, const hq_noise *noise, hq_random *stream, hq_state *psi);

/* p[2^n]: squared magnitudes of a state of one lane. */
void hq_state_probabilities(const hq_state *psi, double *p);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* p[2^n] of the true bits -> of the bits read. */
void hq_readout_apply(const hq_noise *noise, int qubits, double *p);

/* value[m] of a Pauli string on `wires` wires for an outcome with m of their bits set, m <= wires: its sign, or with
 * `mitigation` what the inverse of the readout matrices makes of it (readout01 + readout10 < 1). */
void hq_readout_values(const hq_noise *noise, bool mitigation, int wires, double *value);

#endif
