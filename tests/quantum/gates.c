/* Every gate of the table on every choice of wires, against full matrices. */
#include "dense.h"
#include "quantum/state.h"
#include "support/check.h"

#include <string.h>

#define LANES 3
#define QUBITS 4
#define STATES (1 << QUBITS)

static hq_random stream;

/* Three different unnormalised states side by side, and the same as complex vectors. */
typedef struct block {
    double re[STATES * LANES], im[STATES * LANES];
    dense_number dense[LANES][STATES];
} block;

static hq_state make_block(int n, block *b)
{
    fill_random(&stream, (LANES << n), -1, 1, b->re);
    fill_random(&stream, (LANES << n), -1, 1, b->im);
    for (int l = 0; l < LANES; l++)
        for (int i = 0; i < 1 << n; i++) b->dense[l][i] = b->re[i * LANES + l] + I * b->im[i * LANES + l];
    return (hq_state){n, LANES, b->re, b->im};
}

static double distance(int n, const block *b)
{
    double worst = 0;
    for (int l = 0; l < LANES; l++)
        for (int i = 0; i < 1 << n; i++)
            worst = fmax(worst, cabs(b->re[i * LANES + l] + I * b->im[i * LANES + l] - b->dense[l][i]));
    return worst;
}

/* Calls test for every ordered choice of different wires of 1 to QUBITS qubits. */
static void for_all_wires(const hq_gate *gate, void (*test)(const hq_gate *gate, int n, const int *wires))
{
    int k = gate->controls + gate->targets;
    for (int n = k; n <= QUBITS; n++)
        for (int code = 0; code < n * n * n; code++) {
            int wires[3] = {code % n, code / n % n, code / (n * n)};
            bool repeats = (k > 1 && wires[0] == wires[1]) || (k > 2 && (wires[0] == wires[2] || wires[1] == wires[2]));
            bool seen = (k < 2 && wires[1] > 0) || (k < 3 && wires[2] > 0);
            if (!repeats && !seen) test(gate, n, wires);
        }
}

static void for_all_gates(void (*test)(const hq_gate *gate, int n, const int *wires))
{
    for (int g = 0; g < HQ_GATE_COUNT; g++) for_all_wires(&hq_gate_table[g], test);
}

static void apply_dense_all(const hq_gate *gate, int n, const int *wires, double p[LANES][3], block *b)
{
    for (int l = 0; l < LANES; l++) {
        dense_number m[64];
        int k = dense_gate(gate->name, p[l], m);
        CHECK_MSG(k == gate->controls + gate->targets, "%s: %d wires", gate->name, k);
        dense_apply(n, k, wires, m, b->dense[l]);
    }
}

static void check_shared(const hq_gate *gate, int n, const int *wires)
{
    block b;
    hq_state state = make_block(n, &b);
    hq_pairs pairs = hq_pairs_make(gate, n, wires);
    double p[LANES][3];
    hq_mat2 m;
    fill_random(&stream, 3, -7, 7, p[0]);
    for (int l = 1; l < LANES; l++) memcpy(p[l], p[0], sizeof p[0]);
    gate->matrix(p[0], &m);
    block before = b;
    hq_state_apply(&state, &pairs, gate->form, &m);
    apply_dense_all(gate, n, wires, p, &b);
    CHECK_MSG(distance(n, &b) < 1e-14, "%s on wires %d %d %d of %d", gate->name, wires[0], wires[1], wires[2], n);

    hq_mat2 inverse = hq_mat2_dagger(&m);
    hq_state_apply(&state, &pairs, gate->form, &inverse);
    memcpy(b.dense, before.dense, sizeof b.dense);
    CHECK_MSG(distance(n, &b) < 1e-14, "inverse of %s on %d qubits", gate->name, n);
}

static void lane_matrices(const hq_gate *gate, double p[LANES][3], hq_mat2_lanes *out)
{
    for (int l = 0; l < LANES; l++) {
        hq_mat2 m;
        gate->matrix(p[l], &m);
        for (int k = 0; k < 4; k++) {
            out->re[k][l] = m.re[k];
            out->im[k][l] = m.im[k];
        }
    }
}

static void check_lanes(const hq_gate *gate, int n, const int *wires)
{
    block b;
    hq_state state = make_block(n, &b);
    hq_pairs pairs = hq_pairs_make(gate, n, wires);
    double p[LANES][3];
    hq_mat2_lanes m;
    fill_random(&stream, LANES * 3, -7, 7, p[0]);
    lane_matrices(gate, p, &m);
    block before = b;
    hq_state_apply_lanes(&state, &pairs, &m, false);
    apply_dense_all(gate, n, wires, p, &b);
    CHECK_MSG(distance(n, &b) < 1e-14, "%s with a matrix for each lane, %d qubits", gate->name, n);
    hq_state_apply_lanes(&state, &pairs, &m, true);
    memcpy(b.dense, before.dense, sizeof b.dense);
    CHECK_MSG(distance(n, &b) < 1e-14, "inverse of %s in lanes, %d qubits", gate->name, n);
}

/* <bra| D |ket> through the overlaps, where D is the derivative, against differences of the full matrices. */
static void check_overlap(const hq_gate *gate, int n, const int *wires)
{
    static const double step = 1e-3, factor[4] = {1, -8, 8, -1}, at[4] = {-2, -1, 1, 2};
    block bra, ket;
    hq_state bra_state = make_block(n, &bra), ket_state = make_block(n, &ket);
    hq_pairs pairs = hq_pairs_make(gate, n, wires);
    hq_mat2_lanes t;
    hq_state_overlap(&bra_state, &ket_state, &pairs, gate->form, &t);
    for (int slot = 0; slot < gate->parameters; slot++) {
        double p[3];
        hq_mat2 d;
        fill_random(&stream, 3, -7, 7, p);
        gate->derivative(p, slot, &d);
        for (int l = 0; l < LANES; l++) {
            dense_number want = 0, have = 0;
            for (int k = 0; k < 4; k++) have += (d.re[k] + I * d.im[k]) * (t.re[k][l] + I * t.im[k][l]);
            for (int s = 0; s < 4; s++) {
                double shifted[3] = {p[0], p[1], p[2]};
                dense_number m[64], image[STATES];
                shifted[slot] += at[s] * step;
                memcpy(image, ket.dense[l], sizeof image);
                dense_apply(n, dense_gate(gate->name, shifted, m), wires, m, image);
                for (int i = 0; i < 1 << n; i++) want += factor[s] / (12 * step) * conj(bra.dense[l][i]) * image[i];
            }
            CHECK_MSG(cabs(have - want) < 1e-10, "overlap of d %s / d %d: error %g", gate->name, slot,
                      cabs(have - want));
        }
    }
}

static void test_shared_matrix(void) { for_all_gates(check_shared); }
static void test_lane_matrices(void) { for_all_gates(check_lanes); }
static void test_overlaps(void) { for_all_gates(check_overlap); }

/* A matrix must have the form that the table promises to the kernels, and be unitary. */
static void test_forms(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++) {
        const hq_gate *gate = &hq_gate_table[g];
        double p[3];
        hq_mat2 m;
        fill_random(&stream, 3, -7, 7, p);
        gate->matrix(p, &m);
        dense_number u[4];
        for (int k = 0; k < 4; k++) u[k] = m.re[k] + I * m.im[k];
        if (gate->form == HQ_FORM_FLIP) CHECK(u[0] == 0 && u[1] == 1 && u[2] == 1 && u[3] == 0);
        if (gate->form == HQ_FORM_PHASE) CHECK(u[0] == 1 && u[1] == 0 && u[2] == 0);
        if (gate->form == HQ_FORM_REAL)
            for (int k = 0; k < 4; k++) CHECK(m.im[k] == 0);
        for (int r = 0; r < 2; r++)
            for (int c = 0; c < 2; c++) {
                dense_number product = conj(u[r]) * u[c] + conj(u[2 + r]) * u[2 + c];
                CHECK_MSG(cabs(product - (r == c)) < 1e-15, "%s is not unitary", gate->name);
            }
    }
}

static void test_derivatives(void)
{
    const double step = 1e-3;
    for (int g = 0; g < HQ_GATE_COUNT; g++) {
        const hq_gate *gate = &hq_gate_table[g];
        CHECK((gate->derivative != NULL) == (gate->parameters > 0));
        for (int slot = 0; slot < gate->parameters; slot++) {
            double p[3];
            hq_mat2 d, at[4];
            CHECK(gate->shift[slot] != NULL);
            fill_random(&stream, 3, -7, 7, p);
            gate->derivative(p, slot, &d);
            for (int s = 0; s < 4; s++) {
                double shifted[3] = {p[0], p[1], p[2]};
                shifted[slot] += (s < 2 ? s - 2 : s - 1) * step;
                gate->matrix(shifted, &at[s]);
            }
            for (int k = 0; k < 4; k++) {
                CHECK_NEAR(d.re[k], (at[0].re[k] - 8 * at[1].re[k] + 8 * at[2].re[k] - at[3].re[k]) / (12 * step),
                           1e-12);
                CHECK_NEAR(d.im[k], (at[0].im[k] - 8 * at[1].im[k] + 8 * at[2].im[k] - at[3].im[k]) / (12 * step),
                           1e-12);
            }
        }
    }
}

int main(void)
{
    stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_forms);
    HQ_RUN(test_derivatives);
    HQ_RUN(test_shared_matrix);
    HQ_RUN(test_lane_matrices);
    HQ_RUN(test_overlaps);
    return hq_check_result();
}
