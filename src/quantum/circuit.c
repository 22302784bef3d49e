#include "quantum/circuit.h"

#include <string.h>

hq_status hq_circuit_create(int qubits, hq_circuit **out_circuit)
{
    if (qubits < 1 || qubits > HQ_QUBITS_MAX)
        HQ_FAIL(HQ_ERR_CONFIG, "a circuit of %d qubits; allowed are 1 to %d", qubits, HQ_QUBITS_MAX);
    HQ_TRY(hq_alloc(sizeof **out_circuit, "circuit", out_circuit));
    (*out_circuit)->qubits = qubits;
    return HQ_OK;
}

void hq_circuit_destroy(hq_circuit *circuit)
{
    if (!circuit) return;
    hq_free(circuit->ops);
    hq_free(circuit->entries);
    hq_free(circuit->observables);
    hq_free(circuit);
}

/* Makes room for one more item in the array that *array_pointer points to; capacities are 16, 32, 64, ... */
static hq_status grow(void *array_pointer, int count, size_t size)
{
    bool full = count == 0 || (count >= 16 && (count & (count - 1)) == 0);
    if (!full) return HQ_OK;
    void *old, *larger;
    memcpy(&old, array_pointer, sizeof old);
    HQ_TRY(hq_alloc_array(count ? 2 * (size_t)count : 16, size, "circuit", &larger));
    if (count) memcpy(larger, old, (size_t)count * size);
    memcpy(array_pointer, &larger, sizeof larger);
    hq_free(old);
    return HQ_OK;
}

static hq_status check_wires(const hq_circuit *circuit, const hq_gate *gate, const int *wires)
{
    int n = hq_gate_wires(gate);
    for (int a = 0; a < n; a++) {
        if (wires[a] < 0 || wires[a] >= circuit->qubits)
            HQ_FAIL(HQ_ERR_CONFIG, "gate %s on wire %d; the circuit has wires 0 to %d", gate->name, wires[a],
                    circuit->qubits - 1);
        for (int b = 0; b < a; b++)
            if (wires[a] == wires[b])
                HQ_FAIL(HQ_ERR_CONFIG, "gate %s names wire %d twice; its wires must differ", gate->name, wires[a]);
    }
    return HQ_OK;
}

/* Notes a weight or an input bound to parameter `slot` of the op that is being added. */
static hq_status add_entry(hq_circuit *circuit, const hq_binding *binding, int slot)
{
    if (binding->source == HQ_SOURCE_CONSTANT) return HQ_OK;
    HQ_TRY(grow(&circuit->entries, circuit->n_entries, sizeof *circuit->entries));
    circuit->entries[circuit->n_entries++] = (hq_entry){circuit->n_ops, slot};
    int *count = binding->source == HQ_SOURCE_INPUT ? &circuit->inputs : &circuit->weights;
    if (binding->index >= *count) *count = binding->index + 1;
    return HQ_OK;
}

hq_status hq_circuit_add(hq_circuit *circuit, hq_gate_id gate_id, const int *wires, const hq_binding *bindings)
{
    const hq_gate *gate = &hq_gate_table[gate_id];
    HQ_TRY(check_wires(circuit, gate, wires));
    HQ_TRY(grow(&circuit->ops, circuit->n_ops, sizeof *circuit->ops));
    hq_op *op = &circuit->ops[circuit->n_ops];
    *op = (hq_op){.gate = gate};
    for (int b = 0; b < gate->blocks; b++) op->pairs[b] = hq_pairs_make(gate, b, circuit->qubits, wires);
    memcpy(op->wires, wires, (size_t)hq_gate_wires(gate) * sizeof *wires);
    for (int slot = 0; slot < gate->parameters; slot++) {
        op->binding[slot] = bindings[slot];
        if (bindings[slot].source > op->source) op->source = bindings[slot].source;
        HQ_TRY(add_entry(circuit, &bindings[slot], slot));
    }
    if (op->source == HQ_SOURCE_INPUT) op->lane_op = circuit->n_lane_ops++;
    circuit->n_ops++;
    return HQ_OK;
}

hq_status hq_circuit_observe(hq_circuit *circuit, hq_pauli pauli)
{
    HQ_TRY(grow(&circuit->observables, circuit->n_observables, sizeof *circuit->observables));
    circuit->observables[circuit->n_observables++] = pauli;
    return HQ_OK;
}

hq_pauli hq_circuit_pauli(const hq_circuit *circuit, char letter, int wire)
{
    HQ_ASSERT(wire >= 0 && wire < circuit->qubits && (letter == 'X' || letter == 'Y' || letter == 'Z'));
    uint32_t bit = 1u << (circuit->qubits - 1 - wire);
    return (hq_pauli){letter != 'Z' ? bit : 0, letter != 'X' ? bit : 0};
}

const hq_binding *hq_circuit_entry_binding(const hq_circuit *circuit, int entry)
{
    return &circuit->ops[circuit->entries[entry].op].binding[circuit->entries[entry].slot];
}

const hq_shift_rule *hq_circuit_entry_rule(const hq_circuit *circuit, int entry)
{
    return circuit->ops[circuit->entries[entry].op].gate->shift[circuit->entries[entry].slot];
}

int hq_circuit_entry_row(const hq_circuit *circuit, int entry)
{
    const hq_binding *binding = hq_circuit_entry_binding(circuit, entry);
    return binding->source == HQ_SOURCE_INPUT ? binding->index : circuit->inputs + binding->index;
}

void hq_op_parameters(const hq_op *op, const double *x, const double *w, double *out)
{
    for (int slot = 0; slot < op->gate->parameters; slot++) {
        const hq_binding *binding = &op->binding[slot];
        out[slot] = binding->offset;
        if (binding->source == HQ_SOURCE_WEIGHT) out[slot] += binding->scale * w[binding->index];
        if (binding->source == HQ_SOURCE_INPUT) out[slot] += binding->scale * x[binding->index];
    }
}

int hq_circuit_qubits(const hq_circuit *circuit) { return circuit->qubits; }
int hq_circuit_inputs(const hq_circuit *circuit) { return circuit->inputs; }
int hq_circuit_weights(const hq_circuit *circuit) { return circuit->weights; }
int hq_circuit_outputs(const hq_circuit *circuit) { return circuit->n_observables; }

int hq_circuit_shift_evaluations(const hq_circuit *circuit)
{
    int evaluations = 1;
    for (int e = 0; e < circuit->n_entries; e++) evaluations += hq_circuit_entry_rule(circuit, e)->terms;
    return evaluations;
}
