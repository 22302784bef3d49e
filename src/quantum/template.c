/* template.c: circuits from the configuration: the built-in ones, and what is measured. */
#include "quantum/template.h"

#include "hqcnn/config.h"
#include "quantum/program.h"

/* ---- parts ---- */

hq_status hq_template_encode(hq_circuit *circuit)
{
    for (int i = 0; i < circuit->qubits; i++) {
        hq_binding input = hq_bind_input(i);
        HQ_TRY(hq_circuit_add(circuit, HQ_GATE_RY, &i, &input));
    }
    return HQ_OK;
}

/* The gate with new weights as its parameters. */
static hq_status add_weighted(hq_circuit *c, hq_gate_id gate, const int *wires)
{
    hq_binding weights[HQ_GATE_PARAMETERS_MAX];
    for (int k = 0; k < HQ_GATE_PARAMETERS_MAX; k++) weights[k] = hq_bind_weight(c->weights + k);
    return hq_circuit_add(c, gate, wires, weights);
}

hq_status hq_template_rotate(hq_circuit *circuit, hq_gate_id gate)
{
    for (int i = 0; i < circuit->qubits; i++) HQ_TRY(add_weighted(circuit, gate, &i));
    return HQ_OK;
}

hq_status hq_template_ring(hq_circuit *circuit, hq_gate_id gate, int step)
{
    const int wires = hq_gate_wires(&hq_gate_table[gate]), n = circuit->qubits;
    if (wires > n) return HQ_OK;
    for (int i = 0; i < n; i++) {
        int on[HQ_GATE_WIRES_MAX];
        for (int k = 0; k < wires; k++) on[k] = (i + k * step) % n;
        HQ_TRY(add_weighted(circuit, gate, on));
    }
    return HQ_OK;
}

static hq_status chain(hq_circuit *c, hq_gate_id gate)
{
    for (int i = 0; i + 1 < c->qubits; i++) HQ_TRY(add_weighted(c, gate, (int[]){i, i + 1}));
    return HQ_OK;
}

/* ---- the built-in circuits beside that of template_hqcnn.c; sources in hqcnn/quantum.h ---- */

static hq_status strongly_entangling(hq_circuit *c, int layers)
{
    HQ_TRY(hq_template_encode(c));
    for (int layer = 0; layer < layers; layer++) {
        HQ_TRY(hq_template_rotate(c, HQ_GATE_U3));
        if (c->qubits > 1) HQ_TRY(hq_template_ring(c, HQ_GATE_CX, layer % (c->qubits - 1) + 1));
    }
    return HQ_OK;
}

static hq_status rotate_y_z(hq_circuit *c)
{
    HQ_TRY(hq_template_rotate(c, HQ_GATE_RY));
    return hq_template_rotate(c, HQ_GATE_RZ);
}

static hq_status hardware_efficient(hq_circuit *c, int layers)
{
    HQ_TRY(hq_template_encode(c));
    HQ_TRY(rotate_y_z(c));
    for (int layer = 0; layer < layers; layer++) {
        HQ_TRY(chain(c, HQ_GATE_CX));
        HQ_TRY(rotate_y_z(c));
    }
    return HQ_OK;
}

/* CZ is its own inverse and the same both ways: on 2 wires a ring of two would be nothing. */
static hq_status ring_of_cz(hq_circuit *c)
{
    return c->qubits == 2 ? chain(c, HQ_GATE_CZ) : hq_template_ring(c, HQ_GATE_CZ, 1);
}

static hq_status re_uploading(hq_circuit *c, int layers)
{
    for (int layer = 0; layer < layers; layer++) {
        HQ_TRY(hq_template_encode(c));
        HQ_TRY(hq_template_rotate(c, HQ_GATE_U3));
        HQ_TRY(ring_of_cz(c));
    }
    return HQ_OK;
}

/* ---- from the configuration ---- */

static hq_status observe_all(hq_circuit *c, int observables)
{
    if (observables != HQ_OBSERVABLES_XZ && observables != HQ_OBSERVABLES_Z)
        HQ_FAIL(HQ_ERR_CONFIG, "observables kind %d of a circuit; allowed are 0 and 1", observables);
    if (observables == HQ_OBSERVABLES_XZ)
        for (int i = 0; i < c->qubits; i++) HQ_TRY(hq_circuit_observe(c, hq_circuit_pauli(c, 'X', i)));
    for (int i = 0; i < c->qubits; i++) HQ_TRY(hq_circuit_observe(c, hq_circuit_pauli(c, 'Z', i)));
    return HQ_OK;
}

static hq_status add_hqcnn(hq_circuit *c, int layers, int attention)
{
    if (layers < 1) HQ_FAIL(HQ_ERR_CONFIG, "a circuit of %d layers; at least 1 is needed", layers);
    return hq_template_hqcnn(c, layers, attention);
}

static hq_status add_gates(hq_circuit *c, const hq_config *config)
{
    switch (config->model_circuit_template) {
    case HQ_TEMPLATE_HQCNN:
        return add_hqcnn(c, config->model_layers, config->model_attention);
    case HQ_TEMPLATE_STRONGLY_ENTANGLING:
        return strongly_entangling(c, config->model_layers);
    case HQ_TEMPLATE_HARDWARE_EFFICIENT:
        return hardware_efficient(c, config->model_layers);
    case HQ_TEMPLATE_RE_UPLOADING:
        return re_uploading(c, config->model_layers);
    default:
        HQ_ASSERT(config->model_circuit_template == HQ_TEMPLATE_GATES);
        return hq_program_gates(c, "model.circuit.gates", config->model_circuit_gates);
    }
}

static hq_status add_observables(hq_circuit *c, const hq_config *config)
{
    if (config->model_circuit_measure[0])
        return hq_program_measure(c, "model.circuit.measure", config->model_circuit_measure);
    return observe_all(c, config->model_observables);
}

/* Hands out a circuit that was built well, or removes it. */
static hq_status finish(hq_circuit *circuit, hq_status status, hq_circuit **out_circuit)
{
    if (status == HQ_OK)
        *out_circuit = circuit;
    else
        hq_circuit_destroy(circuit);
    return status;
}

hq_status hq_circuit_create_config(const hq_config *config, hq_circuit **out_circuit)
{
    hq_circuit *circuit;
    *out_circuit = NULL;
    HQ_TRY(hq_circuit_create(config->model_qubits, &circuit));
    hq_status status = add_gates(circuit, config);
    if (status == HQ_OK) status = add_observables(circuit, config);
    return finish(circuit, status, out_circuit);
}

hq_status hq_circuit_create_hqcnn(int qubits, int layers, int attention, int observables, hq_circuit **out_circuit)
{
    hq_circuit *circuit;
    *out_circuit = NULL;
    HQ_TRY(hq_circuit_create(qubits, &circuit));
    hq_status status = add_hqcnn(circuit, layers, attention);
    if (status == HQ_OK) status = observe_all(circuit, observables);
    return finish(circuit, status, out_circuit);
}
