/* The overlaps that gradients are made of, in every kernel variant: for any matrix on the pairs of a gate, and with the
 * generator of a gate for the derivative of its full matrix. */
#include "blocks.h"
#include "support/check.h"

#include <string.h>

static hq_random stream;

typedef struct overlap {
    _Alignas(HQ_ALIGN) double re[4 * BLOCK_LANES];
    _Alignas(HQ_ALIGN) double im[4 * BLOCK_LANES];
} overlap;

static overlap overlap_of(const hq_kernels *kernels, const block *bra, const block *ket, const hq_gate *gate, int k,
                          const int *wires)
{
    overlap t;
    const hq_pairs pairs = hq_pairs_make(gate, k, ket->state.qubits, wires);
    hq_lane_matrix out = {t.re, t.im};
    memset(&t, 0xff, sizeof t);
    kernels->overlap(&bra->state, &ket->state, &pairs, gate->form, &out);
    return t;
}

/* Sum of d_rc T_rc of one lane, over the entries that are not zero. */
static dense_number contract(const dense_number d[4], const overlap *t, int lanes, int lane)
{
    dense_number sum = 0;
    for (int e = 0; e < 4; e++)
        if (d[e] != 0) sum += d[e] * (t->re[e * lanes + lane] + I * t->im[e * lanes + lane]);
    return sum;
}

static void check_value(dense_number have, dense_number want, const hq_kernels *kernels, const hq_gate *gate,
                        const block *ket, const int *wires)
{
    CHECK_MSG(cabs(have - want) <= 1e-14, "%s: %s on wires %d %d %d of %d, %d lanes: off by %g", kernels->name,
              gate->name, wires[0], wires[1], wires[2], ket->state.qubits, ket->lanes, cabs(have - want));
}

/* ---- any matrix on the pairs of a block ---- */

/* Which entries a form leaves to be computed. */
static bool has_entry(hq_form form, int e)
{
    if (form == HQ_FORM_PHASE) return e == 3;
    return form != HQ_FORM_DIAGONAL || e == 0 || e == 3;
}

/* d on the pair of the block as a matrix on all wires of the gate: controls are 1; one target is 0 or 1, two targets
 * are 01 and 10 (block 0) or 00 and 11 (block 1). */
static void embed(const hq_gate *gate, int k, const dense_number d[4], dense_number m[64])
{
    static const int states[3][2] = {{0, 1}, {1, 2}, {0, 3}};
    const int size = 1 << hq_gate_wires(gate), targets = 1 << gate->targets;
    const int *pair = states[gate->targets == 1 ? 0 : 1 + k];
    memset(m, 0, 64 * sizeof *m);
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++) m[(size - targets + pair[r]) * size + size - targets + pair[c]] = d[2 * r + c];
}

static void check_entries(const hq_kernels *kernels, int lane_bits, const hq_gate *gate, int n, const int *wires)
{
    block bra, ket;
    block_fill(&stream, n, lane_bits, &bra);
    block_fill(&stream, n, lane_bits, &ket);
    for (int k = 0; k < gate->blocks; k++) {
        const overlap t = overlap_of(kernels, &bra, &ket, gate, k, wires);
        for (int e = 0; e < 4; e++) {
            dense_number d[4] = {0}, m[64], image[BLOCK_SIZE];
            d[e] = 1;
            embed(gate, k, d, m);
            for (int l = 0; l < ket.lanes; l++) {
                memcpy(image, block_lane(&ket, l), sizeof(dense_number) << n);
                dense_apply(n, hq_gate_wires(gate), wires, m, image);
                const dense_number want = has_entry(gate->form, e) ? dense_product(n, block_lane(&bra, l), image) : 0;
                check_value(contract(d, &t, ket.lanes, l), want, kernels, gate, &ket, wires);
            }
        }
    }
}

/* ---- derivatives ---- */

/* <bra| -i G U |ket> of every lane, ket moved behind the gate by full matrices. */
static void check_slot(const hq_kernels *kernels, const block *bra, const block *ket, const hq_gate *gate, int slot,
                       const double p[3], const int *wires)
{
    const int n = ket->state.qubits;
    hq_mat2 g[HQ_GATE_BLOCKS_MAX];
    dense_number have[BLOCK_LANES] = {0}, m[64], image[BLOCK_SIZE];
    gate->generator(p, slot, g);
    block behind = *ket;
    for (int l = 0; l < ket->lanes; l++) dense_apply(n, dense_gate(gate->name, p, m), wires, m, block_lane(&behind, l));
    block_load(&behind);
    for (int k = 0; k < gate->blocks; k++) {
        const overlap t = overlap_of(kernels, bra, &behind, gate, k, wires);
        dense_number d[4];
        for (int e = 0; e < 4; e++) d[e] = -I * (g[k].re[e] + I * g[k].im[e]);
        for (int l = 0; l < ket->lanes; l++) have[l] += contract(d, &t, ket->lanes, l);
    }
    for (int l = 0; l < ket->lanes; l++) {
        memcpy(image, ket->dense + (l << n), sizeof(dense_number) << n);
        dense_apply(n, dense_gate_derivative(gate->name, p, slot, m), wires, m, image);
        check_value(have[l], dense_product(n, bra->dense + (l << n), image), kernels, gate, ket, wires);
    }
}

static void check_derivatives(const hq_kernels *kernels, int lane_bits, const hq_gate *gate, int n, const int *wires)
{
    block bra, ket;
    double p[3];
    block_fill(&stream, n, lane_bits, &bra);
    block_fill(&stream, n, lane_bits, &ket);
    fill_random(&stream, 3, -7, 7, p);
    for (int slot = 0; slot < gate->parameters; slot++) check_slot(kernels, &bra, &ket, gate, slot, p, wires);
}

static void test_entries(void) { block_for_all(check_entries); }
static void test_derivatives(void) { block_for_all(check_derivatives); }

int main(void)
{
    stream = hq_random_make(11, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_entries);
    HQ_RUN(test_derivatives);
    return hq_check_result();
}
