/* random_circuit.h: circuits over the whole gate table for the tests of exports. */
#ifndef TEST_QUANTUM_RANDOM_CIRCUIT_H
#define TEST_QUANTUM_RANDOM_CIRCUIT_H

#include "quantum/circuit.h"

enum { RANDOM_CIRCUIT_NUMBERS = 6 }; /* inputs, and weights, at most */

/* Adds a gate on random wires, with parameters that are constants, inputs or weights, some with factor and offset. */
void random_gate(hq_circuit *circuit, hq_gate_id gate, hq_random *stream);

/* Adds U3 with random constants on every wire. */
void random_rotations(hq_circuit *circuit, hq_random *stream);

/* A circuit of `gates` random gates (of as many wires as it has) behind and before rotations; destroyed by the caller.
 */
hq_circuit *random_circuit(hq_random *stream, int qubits, int gates);

#endif
