/* template.h: the parts that the built-in circuits are made of. Every part appends gates to a circuit and binds their
 * parameters to the weights that come next. */
#ifndef QUANTUM_TEMPLATE_H
#define QUANTUM_TEMPLATE_H

#include "quantum/circuit.h"

/* RY(x_i) on every wire i. */
hq_status hq_template_encode(hq_circuit *circuit);

/* A gate of one wire on every wire, each of its parameters a new weight. */
hq_status hq_template_rotate(hq_circuit *circuit, hq_gate_id gate);

/* `gate` on wires i, i + step, i + 2 step, ... (mod n) for every wire i: a ring. A parameter is a new weight for each
 * i. A gate with more wires than the circuit has is left out. step: the wires of one gate must differ. */
hq_status hq_template_ring(hq_circuit *circuit, hq_gate_id gate, int step);

/* The gates of hq_circuit_create_hqcnn. */
hq_status hq_template_hqcnn(hq_circuit *circuit, int layers, int attention);

#endif
