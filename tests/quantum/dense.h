/* dense.h: a naive reference simulator: every gate as a full matrix from its textbook definition, applied by loops over
 * all basis states. Shares nothing with src/quantum. Also random numbers for the tests. */
#ifndef TEST_QUANTUM_DENSE_H
#define TEST_QUANTUM_DENSE_H

#include "hqcnn/base.h"

#include <complex.h>

typedef double complex dense_number;

/* The matrix of gate `name` (as in OpenQASM) on k wires, m[2^k][2^k], first wire most significant. Returns k, or 0 for
 * an unknown name. */
int dense_gate(const char *name, const double *parameters, dense_number m[64]);

/* The derivative of that matrix by parameters[slot]; exact up to rounding. */
int dense_gate_derivative(const char *name, const double *parameters, int slot, dense_number m[64]);

/* psi[2^n] <- m psi, with m on the k given wires of n. */
void dense_apply(int n, int k, const int *wires, const dense_number *m, dense_number *psi);

/* image = P psi, where P has one letter I, X, Y or Z for each wire. */
void dense_pauli(int n, const char *letters, const dense_number *psi, dense_number *image);

/* <bra| P |ket> for such a P, and <bra|ket>. */
dense_number dense_between(int n, const dense_number *bra, const char *letters, const dense_number *ket);
dense_number dense_product(int n, const dense_number *bra, const dense_number *ket);

/* Outputs of the HQCNN circuit for one sample, gate by gate from its description. */
void dense_hqcnn(int qubits, int layers, int attention, int observables, const double *x, const double *w, double *q);

/* v[n] uniform in [low, high); a whole number in [low, high]; the stream moves on. */
void fill_random(hq_random *stream, int64_t n, double low, double high, double *v);
int random_int(hq_random *stream, int low, int high);

/* fill_random of new memory; the caller frees it with free(). */
double *new_random(hq_random *stream, int64_t n, double low, double high);

#endif
