/* quantum.h: parameterised circuits: a gate table, evaluation of whole batches, gradients.
 *
 * Computes in double. Knows no MPI: who evaluates which items is decided by an hq_runner. Wire 0 is the most
 * significant bit of a basis state's number. Letters: B circuits in a batch, Q inputs, P weights, O outputs.
 */
#ifndef HQCNN_QUANTUM_H
#define HQCNN_QUANTUM_H

#include "hqcnn/base.h"
#include "hqcnn/config.h"

#define HQ_QUBITS_MAX 20

typedef struct hq_circuit hq_circuit;

/* Builds the circuit that the configuration asks for: model.circuit.template on model.qubits wires, with model.layers
 * layers; the caller frees it with hq_circuit_destroy. HQ_ERR_CONFIG, naming key, entry and what is allowed, for gates
 * and Pauli strings that are not well formed; HQ_ERR_MEMORY. The template must not be "classical", which has no
 * circuit. docs/circuits.md has the same in words for users.
 *
 * - hqcnn: as hq_circuit_create_hqcnn, with model.attention.
 *
 * - strongly-entangling: RY(x_i) on wire i; then in layer l = 0, 1, ...: U3 on every wire, CNOT(i, i + r mod n) for
 *   every i, r = (l mod (n - 1)) + 1. Schuld et al., Phys. Rev. A 101, 032308 (2020).
 *
 * - hardware-efficient: RY(x_i) on wire i; RY, then RZ on every wire; then in every layer: CNOT(i, i + 1) along the
 *   wires, RY, then RZ on every wire. Kandala et al., Nature 549, 242 (2017), with CNOTs for cross resonance.
 *
 * - re-uploading: in every layer: RY(x_i) on wire i, U3 on every wire, CZ(i, i + 1 mod n) for every i (2 qubits: one
 *   CZ). Perez-Salinas et al., Quantum 4, 226 (2020).
 *
 * - gates: model.circuit.gates, with as many inputs and weights as it names.
 *
 * Weights are numbered as they appear in the circuit: gates of one wire in the order of the wires. On 1 qubit nothing
 * entangles. Measured: model.circuit.measure, or, if that is empty, on every wire as model.observables says. */
hq_status hq_circuit_create_config(const hq_config *config, hq_circuit **out_circuit);

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

/* Work on a batch of samples, cut into items that can be evaluated anywhere: every sample needs `parts` of them, and
 * item k is part k % parts of sample k / parts. A row must depend on its item alone, so that results do not depend on
 * who evaluates what. */
typedef struct hq_items {
    int parts;
    int in_size, out_size; /* numbers of a sample's input row, and of an item's row */
    /* Evaluates items [lo, hi). in: input rows of sample lo / parts and those that follow; out[hi - lo][out_size]. Can
     * be called for any items on every process that takes part. */
    hq_status (*evaluate)(void *ctx, int64_t lo, int64_t hi, const double *in, double *out);
    void *ctx;
    double seconds; /* rough cost of one item; equal on all processes; 0: not worth spreading */
} hq_items;

/* Who evaluates: run() has every item of the caller's samples in[samples][in_size] evaluated, here or on other
 * processes, and leaves out[samples][parts][out_size] complete. Logically collective: every process that shares the
 * work calls it, perhaps with no samples of its own. */
typedef struct hq_runner {
    hq_status (*run)(const struct hq_runner *runner, const hq_items *items, int64_t samples, const double *in,
                     double *out);
    void *state;
} hq_runner;

/* Evaluates every item in this process. */
extern const hq_runner hq_runner_local;

/* How circuits are computed; all zero: exactly, in a way chosen by the program, with gradients by the adjoint method.
 */
typedef struct hq_circuit_options {
    int kernel;       /* HQ_COMPUTE_KERNEL_* of config.h */
    int path;         /* HQ_COMPUTE_CIRCUIT_* of config.h */
    int method;       /* HQ_GRADIENT_* of config.h: of hq_circuit_backward */
    double spsa_step; /* radians */
    int spsa_samples;
    uint64_t seed;           /* of all random draws */
    const hq_config *config; /* its shots.*, noise.* and executor.*; NULL: exact */
} hq_circuit_options;

/* Work memory for batches of up to `batch` samples of one circuit, made once and reused: the functions below allocate
 * nothing. Up to 7 qubits samples are computed side by side; larger states one at a time: two of them, 32 MiB for 20
 * qubits (with shots or trajectories three, a density matrix of n qubits is as large as a state of 2n); and the outputs
 * of all evaluations of a batch. With shots, noise or spsa it serves hq_circuit_forward and _backward only. options:
 * NULL for the defaults. The circuit must outlive it. The caller frees it with hq_circuit_work_destroy (NULL is
 * allowed). HQ_ERR_CONFIG for options that this circuit or processor cannot have, HQ_ERR_MEMORY. */
typedef struct hq_circuit_work hq_circuit_work;
hq_status hq_circuit_work_create(const hq_circuit *circuit, int64_t batch, const hq_circuit_options *options,
                                 hq_circuit_work **out_work);
void hq_circuit_work_destroy(hq_circuit_work *work);

/* The path ("fused", "batched", "single"; with noise "density" or "trajectories"; "external") and the kernel variant
 * ("avx512", ...) in use; samples side by side. */
const char *hq_circuit_work_path(const hq_circuit_work *work);
const char *hq_circuit_work_kernel(const hq_circuit_work *work);
int hq_circuit_work_lanes(const hq_circuit_work *work);

/* Whether a path (HQ_COMPUTE_CIRCUIT_*) serves a circuit with profit (batched states of more than 7 qubits work, but
 * leave the caches), and whether a kernel variant (HQ_COMPUTE_KERNEL_*) serves this processor;
 * the name of the variant that a setting means here. */
bool hq_circuit_path_possible(const hq_circuit *circuit, int path);
bool hq_circuit_kernel_possible(int kernel);
const char *hq_circuit_kernel_name(int kernel);

/* Outputs: q[B][O] for inputs x[B][Q] and weights w[P], angles in radians. A sample's outputs have the same bits at any
 * place in a batch of any size; so have its rows of dx below. */
hq_status hq_circuit_fwd(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                         const double *w, double *q);

/* Gradient by the adjoint method: dx[B][Q] and dw[P] (sum over the batch, in the order of the samples) for dq[B][O].
 * Both are written, not added to. Needs no forward pass before it. Jones and Gacon, arXiv:2009.02823. */
hq_status hq_circuit_bwd_adjoint(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                                 const double *w, const double *dq, double *dx, double *dw);

/* The same gradient by the parameter-shift rule: evaluations of shifted circuits, through the runner (an item is one
 * evaluation of one sample). Logically collective, as the runner. A status of the runner is passed on. Schuld et al.,
 * Phys. Rev. A 99, 032331 (2019). */
hq_status hq_circuit_bwd_shift(const hq_circuit *circuit, hq_circuit_work *work, const hq_runner *runner, int64_t batch,
                               const double *x, const double *w, const double *dq, double *dx, double *dw);

/* ---- bounds of measured times ------------------------------------------------------------------------------------ */

/* What the kernels in use do at best on this machine, one thread: flops of independent multiply-adds (each counts as
 * two), and bytes read and written in place over a state of this circuit, a second. Measured, in a few milliseconds. */
typedef struct hq_circuit_peak {
    double flops, bytes;
} hq_circuit_peak;
hq_status hq_circuit_measure_peak(hq_circuit_work *work, hq_circuit_peak *out_peak);

/* What one sample needs: outputs, or outputs and then gradients by the adjoint method. flops: multiplications and
 * additions of the path in use. bound: seconds, summed over passes, of the larger of arithmetic and memory at the peak;
 * 0 for the fused path, whose work per batch depends on the batch. gates: passes over the whole state, one for gates
 * that are applied together. */
typedef struct hq_circuit_cost {
    double flops, bound;
    int gates;
} hq_circuit_cost;
hq_circuit_cost hq_circuit_sample_cost(const hq_circuit_work *work, bool gradient, const hq_circuit_peak *peak);

/* Seconds of the gates alone, forwards, and with `gradient` also backwards with the overlaps, for one block of lanes
 * x[lanes][Q] and w[P]; without binding and measuring. Not for the fused path (HQ_ERR_CONFIG). */
hq_status hq_circuit_time_gates(hq_circuit_work *work, const double *x, const double *w, bool gradient,
                                double *seconds);

/* ---- batches of a training ---------------------------------------------------------------------------------------
 *
 * Forward, then perhaps backward, for a batch whose evaluations may be spread by a runner. Both are logically
 * collective as the runner is: a process without samples of its own calls them with n = 0. */
typedef struct hq_circuit_batch {
    int64_t n;
    const double *x;     /* [n][Q] */
    const double *w;     /* [P], equal on all processes */
    const int64_t *keys; /* [n], below 2^53: index of every sample's random draws; NULL: 0, 1, ... */
    uint32_t epoch;      /* of these draws */
    bool gradient;       /* backward will follow: shifted circuits are evaluated too */
} hq_circuit_batch;

/* q[n][O]. A status of the runner is passed on; HQ_ERR_EXECUTOR when evaluations here by executor.command failed. */
hq_status hq_circuit_forward(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch, double *q);

/* dx[n][Q] and dw[P] for dq[n][O], by the method of the options; written. Adjoint evaluates; the others contract what
 * forward has left: Schuld et al. (see above); SPSA: Spall, IEEE Trans. Autom. Control 37, 332 (1992). */
hq_status hq_circuit_backward(hq_circuit_work *work, const hq_runner *runner, const hq_circuit_batch *batch,
                              const double *dq, double *dx, double *dw);

/* The largest items that these make, for a runner that takes memory beforehand. */
hq_items hq_circuit_largest_items(const hq_circuit_work *work);

/* Full Jacobian of one sample, jacobian[Q + P][O], inputs first, by adjoint (one lane per output) or parameter shift.
 * method: HQ_GRADIENT_* of config.h, else HQ_ERR_CONFIG. */
hq_status hq_circuit_jacobian(const hq_circuit *circuit, hq_circuit_work *work, int method, const double *x,
                              const double *w, double *jacobian);

/* ---- circuits for people and other programs ---------------------------------------------------------------------- */

/* The texts below are freed with hq_free. Where inputs x[Q] or weights w[P] may be NULL, they then stand as x0, x1, ...
 * and w0, w1, ... in the text. All of these are local; HQ_ERR_MEMORY. */

/* An output's Pauli string, "Z0 X3"; "I" for the one without a letter. */
#define HQ_OUTPUT_NAME_MAX 96
void hq_circuit_output_name(const hq_circuit *circuit, int output, char text[HQ_OUTPUT_NAME_MAX]);

/* What a circuit consists of. Gates on different wires can be done at the same time: the depth counts the steps. */
#define HQ_CENSUS_KINDS_MAX 64
typedef struct hq_census {
    int gates, depth;
    int on_wires[3]; /* gates on one, two and three wires */
    int kinds;
    const char *name[HQ_CENSUS_KINDS_MAX]; /* of the gates that occur, in the order of the gate table; static */
    int count[HQ_CENSUS_KINDS_MAX];
} hq_census;
void hq_circuit_census(const hq_circuit *circuit, hq_census *census);

/* A drawing in characters (UTF-8), wires from top to bottom, broken into rows of at most `width` letters (at least 40;
 * a box that is wider stays whole); and as an SVG picture. Pauli strings that are measured stand at the end. */
hq_status hq_circuit_draw_text(const hq_circuit *circuit, const double *x, const double *w, int width, char **out_text);
hq_status hq_circuit_draw_svg(const hq_circuit *circuit, const double *x, const double *w, char **out_text);

/* The circuit in OpenQASM 2.0 (arXiv:1707.03429) or 3.0 (arXiv:2104.14722), angles with 17 digits; wire i is q[i].
 * version: 2 or 3; 2.0 has no symbols, so that x and w must be given. basis: a letter X, Y or Z for each wire (then all
 * are measured in it, wire i into bit c[i]), or NULL (nothing is measured). HQ_ERR_CONFIG for another version, a
 * missing or infinite number. */
hq_status hq_circuit_write_qasm(const hq_circuit *circuit, int version, const double *x, const double *w,
                                const char *basis, char **out_text);

/* Probability of every basis state, p[2^qubits], for inputs x[Q] and weights w[P] (both needed). */
hq_status hq_circuit_probabilities(const hq_circuit *circuit, const double *x, const double *w, double *p);

#endif
