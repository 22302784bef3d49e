/* program.h: circuits and observables written as text, entries with ';' between them. The grammar is that of
 * docs/circuits.md. `key` names the configuration key in messages, which give the entry, its number, what is wrong with
 * it and what is allowed; every mistake is HQ_ERR_CONFIG. */
#ifndef QUANTUM_PROGRAM_H
#define QUANTUM_PROGRAM_H

#include "quantum/circuit.h"

/* Appends the gates of `text`: "name(parameter, ...) wire ..." for each. Inputs and weights must be numbered from 0
 * without gaps, and there must be an input. On failure the circuit may hold some of the gates. */
hq_status hq_program_gates(hq_circuit *circuit, const char *key, const char *text);

/* Appends the Pauli strings of `text` as outputs: "Z0 X1" for each. */
hq_status hq_program_measure(hq_circuit *circuit, const char *key, const char *text);

#endif
