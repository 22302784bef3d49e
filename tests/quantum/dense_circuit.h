/* dense_circuit.h: a circuit of src/quantum evaluated by the reference simulator: outputs, and exact slopes by carrying
 * the derivative of the state along. Reads the circuit's list of gates, wires and bindings; computes nothing with it.
 */
#ifndef TEST_QUANTUM_DENSE_CIRCUIT_H
#define TEST_QUANTUM_DENSE_CIRCUIT_H

#include "dense.h"
#include "quantum/circuit.h"

/* The letters I, X, Y, Z of a Pauli string, one for each wire. */
void pauli_letters(int qubits, hq_pauli pauli, char *letters);

/* Outputs q[O] of one sample x[Q] and weights w[P]. */
void dense_outputs(const hq_circuit *c, const double *x, const double *w, double *q);

/* Derivatives slope[O] of the outputs when x moves along dx[Q] and w along dw[P]. */
void dense_slopes(const hq_circuit *c, const double *x, const double *w, const double *dx, const double *dw,
                  double *slope);

/* jacobian[Q + P][O], inputs first. */
void dense_jacobian(const hq_circuit *c, const double *x, const double *w, double *jacobian);

#endif
