/* observable.h: Pauli strings: expectation values and their action on a state. */
#ifndef QUANTUM_OBSERVABLE_H
#define QUANTUM_OBSERVABLE_H

#include "quantum/state.h"

/* A product of X, Y, Z on some wires, as bit masks of basis state numbers: X sets a bit of x, Z of z, Y of both. */
typedef struct hq_pauli {
    uint32_t x, z;
} hq_pauli;

/* out[lane] = <state| P |state>. */
void hq_pauli_expect(const hq_state *state, hq_pauli pauli, double *out);

/* out += factor[lane] P |state>. */
void hq_pauli_accumulate(const hq_state *state, hq_pauli pauli, const double *factor, hq_state *out);

#endif
