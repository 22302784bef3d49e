#include "random_circuit.h"

#include "support/check.h"

static int below(hq_random *stream, int n) { return (int)(hq_random_next(stream) % (uint64_t)n); }
static double angle(hq_random *stream) { return 8 * hq_random_uniform(stream) - 4; }

static hq_binding random_binding(hq_random *stream)
{
    hq_binding binding = {.source = (hq_source)below(stream, 3), .scale = 1};
    if (binding.source == HQ_SOURCE_CONSTANT) return hq_bind_constant(angle(stream));
    binding.index = below(stream, RANDOM_CIRCUIT_NUMBERS);
    if (below(stream, 2)) binding.scale = below(stream, 2) ? -1 : angle(stream);
    if (below(stream, 2)) binding.offset = angle(stream);
    return binding;
}

void random_gate(hq_circuit *circuit, hq_gate_id gate, hq_random *stream)
{
    hq_binding binding[HQ_GATE_PARAMETERS_MAX];
    int wire[HQ_QUBITS_MAX];
    for (int i = 0; i < HQ_GATE_PARAMETERS_MAX; i++) binding[i] = random_binding(stream);
    for (int i = 0; i < circuit->qubits; i++) { /* a random order */
        const int j = below(stream, i + 1);
        wire[i] = wire[j];
        wire[j] = i;
    }
    CHECK(hq_circuit_add(circuit, gate, wire, binding) == HQ_OK);
}

void random_rotations(hq_circuit *circuit, hq_random *stream)
{
    for (int wire = 0; wire < circuit->qubits; wire++) {
        const hq_binding binding[3] = {hq_bind_constant(angle(stream)), hq_bind_constant(angle(stream)),
                                       hq_bind_constant(angle(stream))};
        CHECK(hq_circuit_add(circuit, HQ_GATE_U3, &wire, binding) == HQ_OK);
    }
}

hq_circuit *random_circuit(hq_random *stream, int qubits, int gates)
{
    hq_circuit *circuit = NULL;
    CHECK(hq_circuit_create(qubits, &circuit) == HQ_OK);
    if (gates > 0) random_rotations(circuit, stream);
    for (int i = 0; i < gates;) {
        const hq_gate_id id = (hq_gate_id)below(stream, HQ_GATE_COUNT);
        if (hq_gate_wires(&hq_gate_table[id]) > qubits) continue;
        random_gate(circuit, id, stream);
        i++;
    }
    if (gates > 0) random_rotations(circuit, stream);
    return circuit;
}
