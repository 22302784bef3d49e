/* circuit.h: a circuit as a list of gates on wires, with parameters bound to constants, weights or inputs, and the
 * Pauli strings to measure. */
#ifndef QUANTUM_CIRCUIT_H
#define QUANTUM_CIRCUIT_H

#include "hqcnn/quantum.h"
#include "quantum/gate_table.h"
#include "quantum/state.h"

/* Where a parameter of a gate comes from. */
typedef enum hq_source { HQ_SOURCE_CONSTANT, HQ_SOURCE_WEIGHT, HQ_SOURCE_INPUT } hq_source;

/* A parameter's value: scale * (weight or input) + offset; of a constant: offset. */
typedef struct hq_binding {
    hq_source source;
    int index; /* of the weight or input */
    double scale, offset;
} hq_binding;

static inline hq_binding hq_bind_constant(double value) { return (hq_binding){HQ_SOURCE_CONSTANT, 0, 0, value}; }
static inline hq_binding hq_bind_weight(int index) { return (hq_binding){HQ_SOURCE_WEIGHT, index, 1, 0}; }
static inline hq_binding hq_bind_input(int index) { return (hq_binding){HQ_SOURCE_INPUT, index, 1, 0}; }

typedef struct hq_op {
    const hq_gate *gate;
    int wires[HQ_GATE_WIRES_MAX];       /* controls, then targets */
    hq_pairs pairs[HQ_GATE_BLOCKS_MAX]; /* of those wires, one for each block of the gate */
    hq_binding binding[HQ_GATE_PARAMETERS_MAX];
    hq_source
        source;  /* HQ_SOURCE_INPUT if any parameter is an input, else _WEIGHT if any is a weight, else _CONSTANT */
    int lane_op; /* position among the ops with an input */
} hq_op;

/* One place where a weight or an input enters the circuit. A weight may enter at several. */
typedef struct hq_entry {
    int op;
    int slot; /* which parameter of the gate */
} hq_entry;

struct hq_circuit {
    int qubits;
    int inputs, weights; /* one more than the largest index bound */
    int n_ops, n_lane_ops, n_entries, n_observables;
    hq_op *ops;
    hq_entry *entries; /* in the order of the ops */
    hq_pauli *observables;
};

/* An empty circuit. HQ_ERR_CONFIG when `qubits` is not in 1..HQ_QUBITS_MAX. */
hq_status hq_circuit_create(int qubits, hq_circuit **out_circuit);

/* Appends a gate on wires[controls + targets] with bindings[parameters] (NULL when it has none); both are copied.
 * HQ_ERR_CONFIG when the wires are not different wires of the circuit. */
hq_status hq_circuit_add(hq_circuit *circuit, hq_gate_id gate, const int *wires, const hq_binding *bindings);

/* Appends an output: the expectation value of a Pauli string. */
hq_status hq_circuit_observe(hq_circuit *circuit, hq_pauli pauli);

/* The same circuit with gates on one wire moved right behind the gate before them on that wire, if that is on one wire
 * too: what follows each other there stands together. Freed with hq_circuit_destroy. */
hq_status hq_circuit_order(const hq_circuit *circuit, hq_circuit **out_ordered);

/* The Pauli string of one letter 'X', 'Y' or 'Z' on one wire. */
hq_pauli hq_circuit_pauli(const hq_circuit *circuit, char letter, int wire);

/* The binding and the shift rule of an entry, and its row of a gradient: inputs first, then weights. */
const hq_binding *hq_circuit_entry_binding(const hq_circuit *circuit, int entry);
const hq_shift_rule *hq_circuit_entry_rule(const hq_circuit *circuit, int entry);
int hq_circuit_entry_row(const hq_circuit *circuit, int entry);

/* Values of the gate's parameters for one sample's inputs x[Q] and weights w[P]; what the op does not use may be NULL.
 */
void hq_op_parameters(const hq_op *op, const double *x, const double *w, double *out);

#endif
