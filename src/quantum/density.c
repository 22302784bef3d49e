/* density.c: density matrices under gates and channels. */
#include "quantum/noise.h"

#include <math.h>

/* ---- gates ---- */

void hq_density_gate(const hq_kernels *kernels, hq_state *rho, const hq_pairs *pairs, hq_form form, const hq_mat2 *m)
{
    const int n = rho->qubits / 2;
    const hq_pairs rows = {pairs->value << n, pairs->fixed << n, pairs->flip << n};
    hq_mat2 conjugate = *m;
    for (int k = 0; k < 4; k++) conjugate.im[k] = -m->im[k];
    kernels->apply(rho, &rows, form, m);
    kernels->apply(rho, pairs, form, &conjugate);
}

/* ---- one wire ---- */

/* Row bit and column bit of the wire are two wires of the state: (rho_00, rho_11) and (rho_01, rho_10) are pairs of the
 * kinds that two-wire gates work on. */
void hq_density_channel(const hq_kernels *kernels, hq_state *rho, int wire, const hq_channel *channel)
{
    const hq_gate *two = &hq_gate_table[HQ_GATE_RXX];
    const int wires[2] = {wire, rho->qubits / 2 + wire};
    const hq_pairs coherences = hq_pairs_make(two, 0, rho->qubits, wires);
    const hq_pairs populations = hq_pairs_make(two, 1, rho->qubits, wires);
    const double *p = channel->population, s = channel->coherence;
    const hq_mat2 mix = {.re = {p[0], p[1], p[2], p[3]}}, shrink = {.re = {s, 0, 0, s}};
    kernels->apply(rho, &populations, HQ_FORM_REAL, &mix);
    kernels->apply(rho, &coherences, HQ_FORM_DIAGONAL, &shrink);
}

/* ---- two wires ---- */

/* v[at + offset[k]]: a 4x4 block of rho in the two wires; its diagonal stands at k = 0, 5, 10, 15. */
static void depolarize_block(double *v, const size_t offset[16], double p)
{
    const double share = p / 4 * (v[offset[0]] + v[offset[5]] + v[offset[10]] + v[offset[15]]);
    for (int k = 0; k < 16; k++) v[offset[k]] *= 1 - p;
    for (int k = 0; k < 16; k += 5) v[offset[k]] += share;
}

void hq_density_depolarize2(hq_state *rho, int wire_a, int wire_b, double p)
{
    const int n = rho->qubits / 2;
    const size_t a = (size_t)1 << (n - 1 - wire_a), b = (size_t)1 << (n - 1 - wire_b), both = (a | b) << n | a | b;
    size_t offset[16];
    for (int k = 0; k < 16; k++)
        offset[k] = (k & 8 ? a << n : 0) | (k & 4 ? b << n : 0) | (k & 2 ? a : 0) | (k & 1 ? b : 0);
    for (size_t at = 0; at < (size_t)1 << 2 * n; at = ((at | both) + 1) & ~both) {
        depolarize_block(rho->re + at, offset, p);
        depolarize_block(rho->im + at, offset, p);
    }
}

/* ---- circuits ---- */

static void add_noise(const hq_kernels *kernels, const hq_op *op, const hq_noise *noise, hq_state *rho)
{
    const int wires = hq_gate_wires(op->gate);
    const double p1 = wires == 1 ? noise->depolarizing1 : 0;
    for (int k = 0; k + 1 < wires && noise->depolarizing2 > 0; k++)
        hq_density_depolarize2(rho, op->wires[k], op->wires[k + 1], noise->depolarizing2);
    if (p1 == 0 && noise->amplitude_damping == 0 && noise->phase_damping == 0) return;
    const hq_channel channel = hq_channel_make(p1, noise->amplitude_damping, noise->phase_damping);
    for (int k = 0; k < wires; k++) hq_density_channel(kernels, rho, op->wires[k], &channel);
}

void hq_density_run(const hq_sweep *sweep, const hq_noise *noise, int first, int end, hq_state *rho)
{
    HQ_ASSERT(sweep->lanes == 1 && rho->lane_bits == 0 && rho->qubits == 2 * sweep->circuit->qubits);
    for (int i = first; i < end; i++) {
        const hq_op *op = &sweep->circuit->ops[i];
        for (int b = 0; b < op->gate->blocks; b++)
            hq_density_gate(sweep->kernels, rho, &op->pairs[b], op->gate->form,
                            &sweep->matrix[i * HQ_GATE_BLOCKS_MAX + b]);
        add_noise(sweep->kernels, op, noise, rho);
    }
}

void hq_density_diagonal(const hq_state *rho, double *p)
{
    const size_t size = (size_t)1 << rho->qubits / 2;
    for (size_t i = 0; i < size; i++) {
        const double value = rho->re[i * (size + 1)];
        p[i] = value < 0 ? 0 : value; /* not fmax: what is not a number must stay seen */
    }
}
