/* order.c: a circuit with the gates of a wire that follow each other brought together. */
#include "quantum/circuit.h"

static bool is_single(const hq_op *op) { return hq_gate_wires(op->gate) == 1; }

/* next[i] is the op behind op i, next[-1 + 1] the first: a list in which a gate on one wire goes right behind the last
 * op of its wire, if that is such a gate too. What it passes acts on other wires. */
static void link_ops(const hq_circuit *c, int *next)
{
    int last_on[HQ_QUBITS_MAX], tail = 0; /* positions in the list count from 1; 0 is its head */
    for (int wire = 0; wire < c->qubits; wire++) last_on[wire] = 0;
    next[0] = 0;
    for (int i = 1; i <= c->n_ops; i++) {
        const hq_op *op = &c->ops[i - 1];
        const int before = last_on[op->wires[0]];
        const bool joins = is_single(op) && before > 0 && is_single(&c->ops[before - 1]);
        const int behind = joins ? before : tail;
        next[i] = next[behind];
        next[behind] = i;
        if (behind == tail) tail = i;
        for (int k = 0; k < hq_gate_wires(op->gate); k++) last_on[op->wires[k]] = i;
    }
}

static hq_status copy_ops(const hq_circuit *c, const int *next, hq_circuit *ordered)
{
    for (int i = next[0]; i; i = next[i]) {
        const hq_op *op = &c->ops[i - 1];
        HQ_TRY(hq_circuit_add(ordered, (hq_gate_id)(op->gate - hq_gate_table), op->wires, op->binding));
    }
    for (int k = 0; k < c->n_observables; k++) HQ_TRY(hq_circuit_observe(ordered, c->observables[k]));
    ordered->inputs = c->inputs;
    ordered->weights = c->weights;
    return HQ_OK;
}

hq_status hq_circuit_order(const hq_circuit *circuit, hq_circuit **out_ordered)
{
    hq_circuit *ordered;
    int *next;
    *out_ordered = NULL;
    HQ_TRY(hq_alloc_array((size_t)circuit->n_ops + 1, sizeof *next, "circuit", &next));
    link_ops(circuit, next);
    hq_status status = hq_circuit_create(circuit->qubits, &ordered);
    if (status == HQ_OK) {
        status = copy_ops(circuit, next, ordered);
        if (status == HQ_OK)
            *out_ordered = ordered;
        else
            hq_circuit_destroy(ordered);
    }
    hq_free(next);
    return status;
}
