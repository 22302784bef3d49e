#include "quantum/state.h"

#include <string.h>

/* ---- pairs ---- */

static void insert_sorted(hq_pairs *pairs, int position)
{
    int k = pairs->fixed++;
    for (; k > 0 && pairs->position[k - 1] > position; k--) pairs->position[k] = pairs->position[k - 1];
    pairs->position[k] = position;
}

hq_pairs hq_pairs_make(const hq_gate *gate, int qubits, const int *wires)
{
    hq_pairs pairs = {0};
    int n = gate->controls + gate->targets;
    for (int k = 0; k < n; k++) {
        int position = qubits - 1 - wires[k];
        insert_sorted(&pairs, position);
        bool target = k >= gate->controls;
        if (target) pairs.flip |= 1u << position;
        /* The first state of a pair has the controls set; of two targets it is |01>. */
        if (!target || (gate->targets == 2 && k == n - 1)) pairs.value |= 1u << position;
    }
    pairs.run = (size_t)1 << pairs.position[0];
    pairs.runs = ((size_t)1 << (qubits - n)) / pairs.run;
    return pairs;
}

/* First index of run r: the bits of r spread over the free positions, the fixed bits set to `value`. */
static inline size_t run_start(const hq_pairs *pairs, size_t r)
{
    size_t i = r * pairs->run;
    for (int k = 0; k < pairs->fixed; k++) {
        size_t low = ((size_t)1 << pairs->position[k]) - 1;
        i = ((i & ~low) << 1) | (i & low);
    }
    return i | pairs->value;
}

/* ---- whole states ---- */

void hq_state_clear(hq_state *state)
{
    size_t bytes = ((size_t)state->lanes << state->qubits) * sizeof(double);
    memset(state->re, 0, bytes);
    memset(state->im, 0, bytes);
}

void hq_state_reset(hq_state *state)
{
    hq_state_clear(state);
    for (int l = 0; l < state->lanes; l++) state->re[l] = 1;
}

/* ---- one matrix for all lanes ---- */

static void apply_flip(hq_state *state, const hq_pairs *pairs)
{
    size_t lanes = (size_t)state->lanes, n = pairs->run * lanes;
    for (size_t r = 0; r < pairs->runs; r++) {
        size_t first = run_start(pairs, r), a = first * lanes, b = (first ^ pairs->flip) * lanes;
        double *restrict ar = state->re + a, *restrict ai = state->im + a;
        double *restrict br = state->re + b, *restrict bi = state->im + b;
        for (size_t k = 0; k < n; k++) {
            double tr = ar[k], ti = ai[k];
            ar[k] = br[k];
            ai[k] = bi[k];
            br[k] = tr;
            bi[k] = ti;
        }
    }
}

static void apply_phase(hq_state *state, const hq_pairs *pairs, double cr, double ci)
{
    size_t lanes = (size_t)state->lanes, n = pairs->run * lanes;
    for (size_t r = 0; r < pairs->runs; r++) {
        size_t b = (run_start(pairs, r) ^ pairs->flip) * lanes;
        double *restrict br = state->re + b, *restrict bi = state->im + b;
        for (size_t k = 0; k < n; k++) {
            double tr = br[k], ti = bi[k];
            br[k] = cr * tr - ci * ti;
            bi[k] = cr * ti + ci * tr;
        }
    }
}

static void apply_real(hq_state *state, const hq_pairs *pairs, const double *m)
{
    size_t lanes = (size_t)state->lanes, n = pairs->run * lanes;
    double m0 = m[0], m1 = m[1], m2 = m[2], m3 = m[3];
    for (size_t r = 0; r < pairs->runs; r++) {
        size_t first = run_start(pairs, r), a = first * lanes, b = (first ^ pairs->flip) * lanes;
        double *restrict ar = state->re + a, *restrict ai = state->im + a;
        double *restrict br = state->re + b, *restrict bi = state->im + b;
        for (size_t k = 0; k < n; k++) {
            double xr = ar[k], xi = ai[k], yr = br[k], yi = bi[k];
            ar[k] = m0 * xr + m1 * yr;
            ai[k] = m0 * xi + m1 * yi;
            br[k] = m2 * xr + m3 * yr;
            bi[k] = m2 * xi + m3 * yi;
        }
    }
}

static void apply_dense(hq_state *state, const hq_pairs *pairs, const hq_mat2 *m)
{
    size_t lanes = (size_t)state->lanes, n = pairs->run * lanes;
    double r0 = m->re[0], r1 = m->re[1], r2 = m->re[2], r3 = m->re[3];
    double i0 = m->im[0], i1 = m->im[1], i2 = m->im[2], i3 = m->im[3];
    for (size_t r = 0; r < pairs->runs; r++) {
        size_t first = run_start(pairs, r), a = first * lanes, b = (first ^ pairs->flip) * lanes;
        double *restrict ar = state->re + a, *restrict ai = state->im + a;
        double *restrict br = state->re + b, *restrict bi = state->im + b;
        for (size_t k = 0; k < n; k++) {
            double xr = ar[k], xi = ai[k], yr = br[k], yi = bi[k];
            ar[k] = r0 * xr - i0 * xi + r1 * yr - i1 * yi;
            ai[k] = r0 * xi + i0 * xr + r1 * yi + i1 * yr;
            br[k] = r2 * xr - i2 * xi + r3 * yr - i3 * yi;
            bi[k] = r2 * xi + i2 * xr + r3 * yi + i3 * yr;
        }
    }
}

void hq_state_apply(hq_state *state, const hq_pairs *pairs, hq_form form, const hq_mat2 *m)
{
    switch (form) {
    case HQ_FORM_FLIP:
        apply_flip(state, pairs);
        break;
    case HQ_FORM_PHASE:
        apply_phase(state, pairs, m->re[3], m->im[3]);
        break;
    case HQ_FORM_REAL:
        apply_real(state, pairs, m->re);
        break;
    case HQ_FORM_DENSE:
        apply_dense(state, pairs, m);
        break;
    }
}

/* ---- a matrix for each lane ---- */

/* The same formula as apply_dense, so that a single lane can be handed to it with the same bits. */
static void apply_dense_lanes(hq_state *state, const hq_pairs *pairs, const hq_mat2_lanes *m)
{
    size_t lanes = (size_t)state->lanes;
    for (size_t r = 0; r < pairs->runs; r++) {
        size_t first = run_start(pairs, r), second = first ^ pairs->flip;
        for (size_t k = 0; k < pairs->run; k++) {
            size_t a = (first + k) * lanes, b = (second + k) * lanes;
            double *restrict ar = state->re + a, *restrict ai = state->im + a;
            double *restrict br = state->re + b, *restrict bi = state->im + b;
            for (size_t l = 0; l < lanes; l++) {
                double xr = ar[l], xi = ai[l], yr = br[l], yi = bi[l];
                ar[l] = m->re[0][l] * xr - m->im[0][l] * xi + m->re[1][l] * yr - m->im[1][l] * yi;
                ai[l] = m->re[0][l] * xi + m->im[0][l] * xr + m->re[1][l] * yi + m->im[1][l] * yr;
                br[l] = m->re[2][l] * xr - m->im[2][l] * xi + m->re[3][l] * yr - m->im[3][l] * yi;
                bi[l] = m->re[2][l] * xi + m->im[2][l] * xr + m->re[3][l] * yi + m->im[3][l] * yr;
            }
        }
    }
}

void hq_state_apply_lanes(hq_state *state, const hq_pairs *pairs, const hq_mat2_lanes *m, bool inverse)
{
    static const int transposed[4] = {0, 2, 1, 3};
    hq_mat2_lanes use;
    for (int k = 0; k < 4; k++) {
        int from = inverse ? transposed[k] : k;
        double sign = inverse ? -1 : 1;
        for (int l = 0; l < state->lanes; l++) {
            use.re[k][l] = m->re[from][l];
            use.im[k][l] = sign * m->im[from][l];
        }
    }
    if (state->lanes > 1) {
        apply_dense_lanes(state, pairs, &use);
        return;
    }
    hq_mat2 one; /* large states have one lane: long inner loops over amplitudes */
    for (int k = 0; k < 4; k++) {
        one.re[k] = use.re[k][0];
        one.im[k] = use.im[k][0];
    }
    apply_dense(state, pairs, &one);
}

/* ---- overlap ---- */

/* Adds conj(bra) ket of n amplitudes in all lanes to re[lanes], im[lanes]. */
static void add_products(const hq_state *bra, size_t bra_at, const hq_state *ket, size_t ket_at, size_t n,
                         double *restrict re, double *restrict im)
{
    size_t lanes = (size_t)ket->lanes;
    const double *br = bra->re + bra_at * lanes, *bi = bra->im + bra_at * lanes;
    const double *kr = ket->re + ket_at * lanes, *ki = ket->im + ket_at * lanes;
    for (size_t k = 0; k < n; k++, br += lanes, bi += lanes, kr += lanes, ki += lanes)
        for (size_t l = 0; l < lanes; l++) {
            re[l] += br[l] * kr[l] + bi[l] * ki[l];
            im[l] += br[l] * ki[l] - bi[l] * kr[l];
        }
}

void hq_state_overlap(const hq_state *bra, const hq_state *ket, const hq_pairs *pairs, hq_form form, hq_mat2_lanes *out)
{
    memset(out, 0, sizeof *out);
    for (size_t r = 0; r < pairs->runs; r++) {
        size_t at[2];
        at[0] = run_start(pairs, r);
        at[1] = at[0] ^ pairs->flip;
        for (int k = form == HQ_FORM_PHASE ? 3 : 0; k < 4; k++)
            add_products(bra, at[k >> 1], ket, at[k & 1], pairs->run, out->re[k], out->im[k]);
    }
}
