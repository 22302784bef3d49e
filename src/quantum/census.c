/* census.c: what a circuit consists of. */
#include "quantum/circuit.h"

_Static_assert((int)HQ_CENSUS_KINDS_MAX >= (int)HQ_GATE_COUNT, "every gate of the table needs a place");

static void count_kinds(const hq_circuit *circuit, hq_census *census)
{
    for (int id = 0; id < HQ_GATE_COUNT; id++) {
        int count = 0;
        for (int i = 0; i < circuit->n_ops; i++) count += circuit->ops[i].gate == &hq_gate_table[id];
        if (!count) continue;
        census->name[census->kinds] = hq_gate_table[id].name;
        census->count[census->kinds++] = count;
    }
}

/* A gate comes one step after the last one on any of its wires. */
static int count_depth(const hq_circuit *circuit)
{
    int end[HQ_QUBITS_MAX] = {0}, depth = 0;
    for (int i = 0; i < circuit->n_ops; i++) {
        const hq_op *op = &circuit->ops[i];
        int step = 0;
        for (int k = 0; k < hq_gate_wires(op->gate); k++)
            if (end[op->wires[k]] > step) step = end[op->wires[k]];
        step++;
        for (int k = 0; k < hq_gate_wires(op->gate); k++) end[op->wires[k]] = step;
        if (step > depth) depth = step;
    }
    return depth;
}

void hq_circuit_census(const hq_circuit *circuit, hq_census *census)
{
    *census = (hq_census){.gates = circuit->n_ops, .depth = count_depth(circuit)};
    for (int i = 0; i < circuit->n_ops; i++) census->on_wires[hq_gate_wires(circuit->ops[i].gate) - 1]++;
    count_kinds(circuit, census);
}
