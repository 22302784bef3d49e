/* trajectory.c: state vectors under gates and random errors. */
#include "quantum/noise.h"

#include <math.h>

/* ---- Pauli errors ---- */

/* Pauli 1, 2, 3: X, Y, Z; 0: nothing. */
static void apply_pauli(const hq_kernels *kernels, hq_state *psi, int wire, int pauli)
{
    static const hq_gate_id ids[4] = {HQ_GATE_ID, HQ_GATE_X, HQ_GATE_Y, HQ_GATE_Z};
    const hq_gate *gate = &hq_gate_table[ids[pauli]];
    const hq_pairs pairs = hq_pairs_make(gate, 0, psi->qubits, &wire);
    hq_mat2 m;
    if (pauli == 0) return;
    gate->matrix(NULL, &m);
    kernels->apply(psi, &pairs, gate->form, &m);
}

/* Which of `choices` events, each of probability p / choices, has come; -1: none. */
static int choose(hq_random *stream, double p, int choices)
{
    const double u = hq_random_uniform(stream);
    if (u >= p) return -1;
    const int choice = (int)(u / p * choices);
    return choice < choices ? choice : choices - 1;
}

static void depolarize1(const hq_kernels *kernels, hq_state *psi, int wire, double p, hq_random *stream)
{
    const int choice = choose(stream, p, 4);
    if (choice > 0) apply_pauli(kernels, psi, wire, choice);
}

static void depolarize2(const hq_kernels *kernels, hq_state *psi, const int wires[2], double p, hq_random *stream)
{
    const int choice = choose(stream, p, 16);
    if (choice <= 0) return;
    apply_pauli(kernels, psi, wires[0], choice >> 2);
    apply_pauli(kernels, psi, wires[1], choice & 3);
}

/* ---- damping ---- */

static double probability_of_one(const hq_kernels *kernels, const hq_state *psi, const hq_pairs *pairs)
{
    _Alignas(HQ_ALIGN) double re[4], im[4];
    hq_lane_matrix products = {re, im};
    kernels->overlap(psi, psi, pairs, HQ_FORM_PHASE, &products);
    return re[3];
}

/* Kraus operators sqrt(gamma) |0><1| and diag(1, sqrt(1 - gamma)). */
static void damp_amplitude(const hq_kernels *kernels, hq_state *psi, int wire, double gamma, hq_random *stream)
{
    const hq_pairs pairs = hq_pairs_make(&hq_gate_table[HQ_GATE_X], 0, psi->qubits, &wire);
    const double one = probability_of_one(kernels, psi, &pairs), decay = gamma * one;
    if (hq_random_uniform(stream) < decay) {
        const hq_mat2 lower = {.re = {0, 1 / sqrt(one), 0, 0}};
        kernels->apply(psi, &pairs, HQ_FORM_REAL, &lower);
        return;
    }
    const double scale = 1 / sqrt(1 - decay);
    const hq_mat2 stay = {.re = {scale, 0, 0, scale * sqrt(1 - gamma)}};
    kernels->apply(psi, &pairs, HQ_FORM_DIAGONAL, &stay);
}

/* The channel is also: Z with probability (1 - sqrt(1 - lambda)) / 2. */
static void damp_phase(const hq_kernels *kernels, hq_state *psi, int wire, double lambda, hq_random *stream)
{
    if (hq_random_uniform(stream) < (1 - sqrt(1 - lambda)) / 2) apply_pauli(kernels, psi, wire, 3);
}

/* ---- circuits ---- */

static void add_errors(const hq_kernels *kernels, const hq_op *op, const hq_noise *noise, hq_random *stream,
                       hq_state *psi)
{
    const int wires = hq_gate_wires(op->gate);
    if (wires == 1 && noise->depolarizing1 > 0) depolarize1(kernels, psi, op->wires[0], noise->depolarizing1, stream);
    for (int k = 0; k + 1 < wires && noise->depolarizing2 > 0; k++)
        depolarize2(kernels, psi, op->wires + k, noise->depolarizing2, stream);
    for (int k = 0; k < wires; k++) {
        if (noise->amplitude_damping > 0) damp_amplitude(kernels, psi, op->wires[k], noise->amplitude_damping, stream);
        if (noise->phase_damping > 0) damp_phase(kernels, psi, op->wires[k], noise->phase_damping, stream);
    }
}

void hq_trajectory_run(const hq_sweep *sweep, const hq_noise *noise, hq_random *stream, hq_state *psi)
{
    HQ_ASSERT(sweep->lanes == 1 && psi->lane_bits == 0 && psi->qubits == sweep->circuit->qubits);
    hq_state_reset(psi);
    for (int op = 0; op < sweep->circuit->n_ops; op++) {
        hq_sweep_run(sweep, op, op + 1, psi);
        add_errors(sweep->kernels, &sweep->circuit->ops[op], noise, stream, psi);
    }
}

void hq_state_probabilities(const hq_state *psi, double *p)
{
    const size_t size = (size_t)1 << psi->qubits;
    for (size_t i = 0; i < size; i++) p[i] = psi->re[i] * psi->re[i] + psi->im[i] * psi->im[i];
}
