/* Gates and Pauli strings as text. The first byte chooses the qubits; Pauli strings follow a zero byte. */
#include "support.h"

#include "quantum/program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPS_MAX = 64 }; /* of a circuit that is evaluated too */

/* As OpenQASM 3 with symbols, and as a drawing. */
static void write_out(const hq_circuit *circuit)
{
    char *text;
    HQ_ASSERT(hq_circuit_write_qasm(circuit, 3, NULL, NULL, NULL, &text) == HQ_OK);
    hq_free(text);
    HQ_ASSERT(hq_circuit_draw_text(circuit, NULL, NULL, 40, &text) == HQ_OK);
    hq_free(text);
}

/* With zeros for all inputs and weights, as OpenQASM 2, and evaluated: outputs are expectation values. */
static void evaluate(const hq_circuit *circuit)
{
    hq_circuit_work *work;
    double *x, *w, *q;
    char *text;
    HQ_ASSERT(hq_circuit_work_create(circuit, 1, NULL, &work) == HQ_OK);
    HQ_ASSERT(hq_alloc_array((size_t)circuit->inputs, sizeof *x, "x", &x) == HQ_OK);
    HQ_ASSERT(hq_alloc_array((size_t)circuit->weights, sizeof *w, "w", &w) == HQ_OK);
    HQ_ASSERT(hq_alloc_array((size_t)circuit->n_observables, sizeof *q, "q", &q) == HQ_OK);
    HQ_ASSERT(hq_circuit_fwd(circuit, work, 1, x, w, q) == HQ_OK);
    for (int i = 0; i < circuit->n_observables; i++) HQ_ASSERT(fabs(q[i]) < 1 + 1e-9);
    HQ_ASSERT(hq_circuit_write_qasm(circuit, 2, x, w, NULL, &text) == HQ_OK);
    hq_free(text);
    hq_free(x);
    hq_free(w);
    hq_free(q);
    hq_circuit_work_destroy(work);
}

static hq_status read_both(hq_circuit *circuit, const char *gates, const char *measure)
{
    HQ_TRY(hq_program_gates(circuit, "gates", gates));
    return hq_program_measure(circuit, "measure", measure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hq_circuit *circuit;
    if (size == 0) return 0;
    char *text = fuzz_text(data + 1, size - 1);
    const size_t gates = strlen(text);
    const int qubits = 1 + data[0] % HQ_QUBITS_MAX;
    HQ_ASSERT(hq_circuit_create(qubits, &circuit) == HQ_OK);
    const hq_status status = read_both(circuit, text, gates + 1 < size ? text + gates + 1 : "Z0");
    if (status == HQ_OK && circuit->n_ops <= OPS_MAX) write_out(circuit);
    if (status == HQ_OK && circuit->n_ops <= OPS_MAX && qubits <= 4) evaluate(circuit);
    hq_circuit_destroy(circuit);
    free(text);
    fuzz_check_memory();
    return 0;
}
