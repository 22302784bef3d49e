/* quantum.h: parameterised circuits: a gate table, evaluation of whole batches, gradients.
 *
 * Computes in double. Knows no MPI: who evaluates which items is decided by an hq_runner. Wire 0 is the most
 * significant bit of a basis state's number. Letters: B circuits in a batch, Q inputs, P weights, O outputs.
 */
#ifndef HQCNN_QUANTUM_H
#define HQCNN_QUANTUM_H

#include "hqcnn/base.h"

#define HQ_QUBITS_MAX 20

typedef struct hq_circuit hq_circuit;

/* Builds the HQCNN circuit (arXiv:2509.14277): RY(x_i) on wire i; then `layers` times U3 on every wire, the CNOT ring,
 * the Toffoli ring and the attention phases (HQ_ATTENTION_* of config.h); measured <X_i> (unless observables is
 * HQ_OBSERVABLES_Z), then <Z_i>. Weights of a layer, in order: theta, phi, delta of wire 0, of wire 1, ...; then one
 * angle for each ring entry of trainable attention. Ring entries that would repeat a wire are left out (1 or 2 qubits),
 * with their weights. qubits: 1 to HQ_QUBITS_MAX; layers: at least 1; attention and observables: positions in the word
 * lists of config.h; anything else is HQ_ERR_CONFIG. The caller frees the circuit with hq_circuit_destroy. */
hq_status hq_circuit_create_hqcnn(int qubits, int layers, int attention, int observables, hq_circuit **out_circuit);

/* NULL is allowed. */
void hq_circuit_destroy(hq_circuit *circuit);

/* Qubits; inputs Q, weights P and outputs O of one sample. */
int hq_circuit_qubits(const hq_circuit *circuit);
int hq_circuit_inputs(const hq_circuit *circuit);
int hq_circuit_weights(const hq_circuit *circuit);
int hq_circuit_outputs(const hq_circuit *circuit);

/* Evaluations of one sample that outputs and gradient by parameter shift need together: 1 + 2 (Q + P) when all rules
 * have two terms and every weight and input enters once, as in the HQCNN circuit. */
int hq_circuit_shift_evaluations(const hq_circuit *circuit);

/* Who evaluates: run() calls item(ctx, i, row) for every i in [0, n_items), each once, anywhere, in any order, and
 * leaves rows[n_items][row_size] complete for the caller. A row must depend on i alone, so that results do not depend
 * on the split. item must be callable for any i on every process that takes part. */
typedef struct hq_runner {
    hq_status (*run)(const struct hq_runner *runner, int64_t n_items, int row_size,
                     hq_status (*item)(void *ctx, int64_t i, double *row), void *ctx, double *rows);
    void *state;
} hq_runner;

/* Evaluates every item in this process, in order. */
extern const hq_runner hq_runner_local;

/* Work memory for batches of up to `batch` samples of one circuit, made once and reused: the functions below allocate
 * nothing. Samples are computed in blocks, fewer at a time the more qubits there are, so the states take at most 32 MiB
 * (20 qubits); parameter shift adds one number per sample, input and weight. The circuit must outlive it. The caller
 * frees it with hq_circuit_work_destroy (NULL is allowed). HQ_ERR_MEMORY. */
typedef struct hq_circuit_work hq_circuit_work;
hq_status hq_circuit_work_create(const hq_circuit *circuit, int64_t batch, hq_circuit_work **out_work);
void hq_circuit_work_destroy(hq_circuit_work *work);

/* Outputs: q[B][O] for inputs x[B][Q] and weights w[P], angles in radians. A sample's outputs have the same bits at any
 * place in a batch of any size; so have its rows of dx below. */
hq_status hq_circuit_fwd(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                         const double *w, double *q);

/* Gradient by the adjoint method: dx[B][Q] and dw[P] (sum over the batch, in the order of the samples) for dq[B][O].
 * Both are written, not added to. Needs no forward pass before it. Jones and Gacon, arXiv:2009.02823. */
hq_status hq_circuit_bwd_adjoint(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                                 const double *w, const double *dq, double *dx, double *dw);

/* The same gradient by the parameter-shift rule: evaluations of shifted circuits, through the runner. An item is one
 * weight or input of one block of samples; every process that takes part calls this function with the same arguments. A
 * status of the runner is passed on. Schuld et al., Phys. Rev. A 99, 032331 (2019). */
hq_status hq_circuit_bwd_shift(const hq_circuit *circuit, hq_circuit_work *work, const hq_runner *runner, int64_t batch,
                               const double *x, const double *w, const double *dq, double *dx, double *dw);

/* Full Jacobian of one sample, jacobian[Q + P][O], inputs first, by adjoint (one lane per output) or parameter shift.
 * method: HQ_GRADIENT_* of config.h, else HQ_ERR_CONFIG. */
hq_status hq_circuit_jacobian(const hq_circuit *circuit, hq_circuit_work *work, int method, const double *x,
                              const double *w, double *jacobian);

#endif
