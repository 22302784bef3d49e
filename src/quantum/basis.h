/* basis.h: which observables are measured together, and what an outcome says about them.
 *
 * Hardware reads one bit for each wire. Pauli strings that ask every wire for at most one letter are measured in one
 * go: every wire is turned so that its letter becomes Z (X: H; Y: S^dagger, then H; without noise), then all are read.
 */
#ifndef QUANTUM_BASIS_H
#define QUANTUM_BASIS_H

#include "quantum/circuit.h"
#include "quantum/kernels.h"

#define HQ_BASES_MAX 256

/* Letters of the wires, as masks of a Pauli string (a wire that no observable asks for is read as Z), and the
 * observables: order[first], ..., order[first + count - 1] of the bases. */
typedef struct hq_basis {
    hq_pauli letters;
    int first, count;
} hq_basis;

/* Every observable joins the first basis that agrees with it on all its wires, or opens a new one. */
typedef struct hq_bases {
    const hq_circuit *circuit;
    int n;
    hq_basis basis[HQ_BASES_MAX];
    int *order; /* [O]: observables, basis by basis, in their order */
} hq_bases;

/* How many bases the circuit needs; HQ_BASES_MAX + 1 when it is more than HQ_BASES_MAX. */
int hq_bases_count(const hq_circuit *circuit);

/* Finds the bases, at most HQ_BASES_MAX, and takes the memory from an arena (over an empty arena: measures).
 * hq_bases_start fills `order`. */
void hq_bases_take(hq_bases *bases, const hq_circuit *circuit, hq_arena *arena);
void hq_bases_start(hq_bases *bases);

/* The letter of a basis on a wire: 'X', 'Y' or 'Z'. */
char hq_basis_letter(const hq_basis *basis, int qubits, int wire);

/* Turns the wires of a state of `qubits` qubits and one lane, or of a density matrix (noise.h: a state of twice as
 * many).
 */
void hq_basis_turn(const hq_basis *basis, const hq_kernels *kernels, int qubits, hq_state *state);

/* p[2^n], probabilities of the outcomes -> p[m]: mean of the product of the signs of the bits in m. */
void hq_basis_signs(int qubits, double *p);

/* The wires that an observable reads, as bits of an outcome; its value is the product of their signs. */
static inline uint32_t hq_pauli_support(hq_pauli pauli) { return pauli.x | pauli.z; }

#endif
