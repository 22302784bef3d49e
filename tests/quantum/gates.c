/* Every gate of the table on every choice of wires, in every kernel variant, against full matrices: one matrix for all
 * lanes, a matrix for each lane, and their inverses. And the multiplication of a state by a number. */
#include "blocks.h"
#include "support/check.h"

#include <string.h>

static hq_random stream;

static void apply_dense(const hq_gate *gate, const int *wires, double p[BLOCK_LANES][3], block *b)
{
    for (int l = 0; l < b->lanes; l++) {
        dense_number m[64];
        const int k = dense_gate(gate->name, p[l], m);
        CHECK_MSG(k == hq_gate_wires(gate), "%s: %d wires", gate->name, k);
        dense_apply(b->state.qubits, k, wires, m, block_lane(b, l));
    }
}

static void check_distance(const block *b, const char *what, const hq_kernels *kernels, const hq_gate *gate,
                           const int *wires)
{
    const double distance = block_distance(b);
    CHECK_MSG(distance <= 1e-14, "%s: %s %s on wires %d %d %d of %d, %d lanes: off by %g", kernels->name, what,
              gate->name, wires[0], wires[1], wires[2], b->state.qubits, b->lanes, distance);
}

static void check_shared(const hq_kernels *kernels, int lane_bits, const hq_gate *gate, int n, const int *wires)
{
    block b;
    double p[BLOCK_LANES][3];
    hq_mat2 m[HQ_GATE_BLOCKS_MAX];
    dense_number before[BLOCK_SIZE];
    block_fill(&stream, n, lane_bits, &b);
    fill_random(&stream, 3, -7, 7, p[0]);
    for (int l = 1; l < BLOCK_LANES; l++) memcpy(p[l], p[0], sizeof p[0]);
    gate->matrix(p[0], m);
    memcpy(before, b.dense, sizeof before);
    for (int k = 0; k < gate->blocks; k++) {
        const hq_pairs pairs = hq_pairs_make(gate, k, n, wires);
        kernels->apply(&b.state, &pairs, gate->form, &m[k]);
    }
    apply_dense(gate, wires, p, &b);
    check_distance(&b, "", kernels, gate, wires);
    for (int k = 0; k < gate->blocks; k++) {
        const hq_pairs pairs = hq_pairs_make(gate, k, n, wires);
        const hq_mat2 inverse = hq_mat2_dagger(&m[k]);
        kernels->apply(&b.state, &pairs, gate->form, &inverse);
    }
    memcpy(b.dense, before, sizeof before);
    check_distance(&b, "inverse of", kernels, gate, wires);
}

/* A matrix for each lane, as arrays for the kernels. */
typedef struct lane_arrays {
    _Alignas(HQ_ALIGN) double re[4 * BLOCK_LANES];
    _Alignas(HQ_ALIGN) double im[4 * BLOCK_LANES];
} lane_arrays;

static void fill_lanes(const hq_gate *gate, int lanes, double p[BLOCK_LANES][3], lane_arrays out[HQ_GATE_BLOCKS_MAX])
{
    for (int l = 0; l < lanes; l++) {
        hq_mat2 m[HQ_GATE_BLOCKS_MAX];
        gate->matrix(p[l], m);
        for (int k = 0; k < gate->blocks; k++)
            for (int e = 0; e < 4; e++) {
                out[k].re[e * lanes + l] = m[k].re[e];
                out[k].im[e * lanes + l] = m[k].im[e];
            }
    }
}

/* Only gates with parameters can have a matrix for each lane. */
static void check_lanes(const hq_kernels *kernels, int lane_bits, const hq_gate *gate, int n, const int *wires)
{
    block b;
    double p[BLOCK_LANES][3];
    lane_arrays m[HQ_GATE_BLOCKS_MAX];
    dense_number before[BLOCK_SIZE];
    if (lane_bits == 0 || gate->parameters == 0) return;
    block_fill(&stream, n, lane_bits, &b);
    fill_random(&stream, BLOCK_LANES * 3, -7, 7, p[0]);
    fill_lanes(gate, b.lanes, p, m);
    memcpy(before, b.dense, sizeof before);
    for (int inverse = 0; inverse < 2; inverse++) {
        for (int k = 0; k < gate->blocks; k++) {
            const hq_pairs pairs = hq_pairs_make(gate, k, n, wires);
            const hq_lane_matrix matrix = {m[k].re, m[k].im};
            kernels->apply_lanes(&b.state, &pairs, gate->form, &matrix, inverse);
        }
        if (inverse)
            memcpy(b.dense, before, sizeof before);
        else
            apply_dense(gate, wires, p, &b);
        check_distance(&b, inverse ? "in lanes, inverse of" : "in lanes,", kernels, gate, wires);
    }
}

/* The pass over a state that bounds of times are measured with. */
static void check_rescale(const hq_kernels *kernels, int lane_bits, int n)
{
    block b;
    block_fill(&stream, n, lane_bits, &b);
    kernels->rescale(&b.state, -0.75);
    for (int i = 0; i < b.lanes << n; i++) b.dense[i] *= -0.75;
    CHECK_MSG(block_distance(&b) == 0, "%s: rescaled state of %d qubits, %d lanes: off by %g", kernels->name, n,
              b.lanes, block_distance(&b));
}

static void test_rescale(void)
{
    const hq_kernels *variant[VARIANTS_MAX];
    const int variants = block_variants(variant);
    for (int v = 0; v < variants; v++)
        for (int n = 1; n <= 6; n++) {
            check_rescale(variant[v], 0, n);
            if (n <= 4) check_rescale(variant[v], 3, n);
            if (n <= 4) check_rescale(variant[v], 4, n);
        }
}

static void test_shared_matrix(void) { block_for_all(check_shared); }
static void test_lane_matrices(void) { block_for_all(check_lanes); }

int main(void)
{
    stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_shared_matrix);
    HQ_RUN(test_lane_matrices);
    HQ_RUN(test_rescale);
    return hq_check_result();
}
