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

/* psi[2^n] <- m psi, with m on the k given wires of n. */
void dense_apply(int n, int k, const int *wires, const dense_number *m, dense_number *psi);

/* <psi| letter on wire |psi>, letter X, Y or Z. */
double dense_expect(int n, char letter, int wire, const dense_number *psi);

/* Outputs of the HQCNN circuit for one sample, gate by gate from its description. */
void dense_hqcnn(int qubits, int layers, int attention, int observables, const double *x, const double *w, double *q);

/* v[n] uniform in [low, high); the stream moves on. */
void fill_random(hq_random *stream, int64_t n, double low, double high, double *v);

#endif
