/* hqcnn_circuit.c: the circuit of the HQCNN (arXiv:2509.14277) from the parts in circuit.h. */
#include "hqcnn/config.h"
#include "quantum/circuit.h"

#define TWO_PI 6.28318530717958647693

static hq_status encode(hq_circuit *c)
{
    for (int i = 0; i < c->qubits; i++) {
        hq_binding input = hq_bind_input(i);
        HQ_TRY(hq_circuit_add(c, HQ_GATE_RY, &i, &input));
    }
    return HQ_OK;
}

static hq_status rotate(hq_circuit *c)
{
    for (int i = 0; i < c->qubits; i++) {
        int w = c->weights;
        hq_binding angles[3] = {hq_bind_weight(w), hq_bind_weight(w + 1), hq_bind_weight(w + 2)};
        HQ_TRY(hq_circuit_add(c, HQ_GATE_U3, &i, angles));
    }
    return HQ_OK;
}

/* `gate` on wires i, i+1, ... (mod n) for every i: a ring. A gate with more wires than the circuit has is left out. */
static hq_status ring(hq_circuit *c, hq_gate_id gate)
{
    int wires = hq_gate_table[gate].controls + hq_gate_table[gate].targets;
    if (wires > c->qubits) return HQ_OK;
    for (int i = 0; i < c->qubits; i++) {
        int on[HQ_GATE_WIRES_MAX];
        for (int k = 0; k < wires; k++) on[k] = (i + k) % c->qubits;
        hq_binding weight = hq_bind_weight(c->weights);
        HQ_TRY(hq_circuit_add(c, gate, on, &weight));
    }
    return HQ_OK;
}

/* CP(2 pi / 2^(j-i+1)) between i and every j > i; with `hadamard` H(i) first. */
static hq_status fourier(hq_circuit *c, bool hadamard)
{
    for (int i = 0; i < c->qubits; i++) {
        if (hadamard) HQ_TRY(hq_circuit_add(c, HQ_GATE_H, &i, NULL));
        for (int j = i + 1; j < c->qubits; j++) {
            hq_binding angle = hq_bind_constant(TWO_PI / (double)(1 << (j - i + 1)));
            HQ_TRY(hq_circuit_add(c, HQ_GATE_CP, (int[]){j, i}, &angle));
        }
    }
    return HQ_OK;
}

static hq_status attend(hq_circuit *c, int attention)
{
    HQ_TRY(ring(c, HQ_GATE_CCX));
    switch (attention) {
    case HQ_ATTENTION_NONE:
        return HQ_OK;
    case HQ_ATTENTION_LADDER:
        return fourier(c, false);
    case HQ_ATTENTION_QFT:
        return fourier(c, true);
    case HQ_ATTENTION_TRAINABLE:
        for (int i = 0; i < c->qubits; i++) HQ_TRY(hq_circuit_add(c, HQ_GATE_H, &i, NULL));
        return ring(c, HQ_GATE_CP);
    default:
        HQ_FAIL(HQ_ERR_CONFIG, "attention kind %d of a circuit; allowed are 0 to 3", attention);
    }
}

static hq_status measure(hq_circuit *c, int observables)
{
    if (observables != HQ_OBSERVABLES_XZ && observables != HQ_OBSERVABLES_Z)
        HQ_FAIL(HQ_ERR_CONFIG, "observables kind %d of a circuit; allowed are 0 and 1", observables);
    if (observables == HQ_OBSERVABLES_XZ)
        for (int i = 0; i < c->qubits; i++) HQ_TRY(hq_circuit_observe(c, hq_circuit_pauli(c, 'X', i)));
    for (int i = 0; i < c->qubits; i++) HQ_TRY(hq_circuit_observe(c, hq_circuit_pauli(c, 'Z', i)));
    return HQ_OK;
}

static hq_status build(hq_circuit *c, int layers, int attention, int observables)
{
    if (layers < 1) HQ_FAIL(HQ_ERR_CONFIG, "a circuit of %d layers; at least 1 is needed", layers);
    HQ_TRY(encode(c));
    for (int layer = 0; layer < layers; layer++) {
        HQ_TRY(rotate(c));
        HQ_TRY(ring(c, HQ_GATE_CX));
        HQ_TRY(attend(c, attention));
    }
    return measure(c, observables);
}

hq_status hq_circuit_create_hqcnn(int qubits, int layers, int attention, int observables, hq_circuit **out_circuit)
{
    *out_circuit = NULL;
    hq_circuit *circuit;
    HQ_TRY(hq_circuit_create(qubits, &circuit));
    hq_status status = build(circuit, layers, attention, observables);
    if (status != HQ_OK) {
        hq_circuit_destroy(circuit);
        return status;
    }
    *out_circuit = circuit;
    return HQ_OK;
}
