/* cases.h: circuits with random samples, evaluated in every way that the engine has: by each path that can serve the
 * circuit and each kernel variant of this processor. */
#ifndef TEST_QUANTUM_CASES_H
#define TEST_QUANTUM_CASES_H

#include "dense.h"
#include "quantum/circuit.h"
#include "quantum/kernels.h"

/* A batch for a circuit: x[batch][Q], w[P], dq[batch][O]. */
typedef struct samples {
    const hq_circuit *circuit; /* not owned */
    int inputs, weights, outputs;
    int64_t batch;
    double *x, *w, *dq;
} samples;

samples samples_make(hq_random *stream, const hq_circuit *circuit, int64_t batch);
void samples_free(samples *s);

/* q[batch][O], dx[batch][Q], dw[P]; made full of a wrong number, so that everything must be written. */
typedef struct result {
    double *q, *dx, *dw;
} result;

result result_make(const samples *s);
void result_free(result *r);

/* Every pair of a path and a kernel variant for a circuit; the paths alone, with the best kernels. Return how many. */
#define WAYS_MAX 9
int all_ways(const hq_circuit *circuit, hq_circuit_options out[WAYS_MAX]);
int all_paths(const hq_circuit *circuit, hq_circuit_options out[WAYS_MAX]);

/* Checked: work memory for a way; outputs and gradients by HQ_GRADIENT_* of samples first, ..., first + n - 1 at the
 * beginning of a result. */
hq_circuit_work *make_work(const hq_circuit *circuit, int64_t batch, const hq_circuit_options *way);
void evaluate(const samples *s, hq_circuit_work *work, int method, int64_t first, int64_t n, result *out);

/* "batched/avx2", in static memory. */
const char *way_name(const hq_circuit_work *work);

/* Whether two arrays have the same bits; their largest difference, infinite when one is not a number. */
bool same_bits(const double *a, const double *b, int64_t n);
double worst_difference(const double *a, const double *b, int64_t n);

/* A circuit of random gates of the whole table, wires, bindings (constants, inputs and weights that enter at several
 * places, scales, offsets) and Pauli strings. `fused`: inputs only at the start of wires, by RY or RX. */
hq_circuit *random_case(hq_random *stream, int qubits, bool fused);

#endif
