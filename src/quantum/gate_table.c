#include "quantum/gate_table.h"

#include <math.h>

#define PI 3.14159265358979323846
#define SQRT_HALF 0.70710678118654752440
#define FOUR_TERM_PLUS 0.42677669529663688110  /* (sqrt 2 + 1) / (4 sqrt 2) */
#define FOUR_TERM_MINUS 0.07322330470336311890 /* (sqrt 2 - 1) / (4 sqrt 2) */

const hq_shift_rule hq_shift_two_term = {2, {PI / 2, -PI / 2}, {0.5, -0.5}};
const hq_shift_rule hq_shift_four_term = {4,
                                          {PI / 2, -PI / 2, 3 * PI / 2, -3 * PI / 2},
                                          {FOUR_TERM_PLUS, -FOUR_TERM_PLUS, -FOUR_TERM_MINUS, FOUR_TERM_MINUS}};

/* scale * e^(i angle) as entry k. */
static void set_phase(hq_mat2 *m, int k, double scale, double angle)
{
    m->re[k] = scale * cos(angle);
    m->im[k] = scale * sin(angle);
}

/* ---- without parameters ---- */

static void matrix_x(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {0, 1, 1, 0}};
}

static void matrix_y(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.im = {0, -1, 1, 0}};
}

static void matrix_z(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {1, 0, 0, -1}};
}

static void matrix_h(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {SQRT_HALF, SQRT_HALF, SQRT_HALF, -SQRT_HALF}};
}

static void matrix_s(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {1, 0, 0, 0}, .im = {0, 0, 0, 1}};
}

static void matrix_sdg(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {1, 0, 0, 0}, .im = {0, 0, 0, -1}};
}

static void matrix_t(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {1, 0, 0, SQRT_HALF}, .im = {0, 0, 0, SQRT_HALF}};
}

static void matrix_tdg(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {1, 0, 0, SQRT_HALF}, .im = {0, 0, 0, -SQRT_HALF}};
}

/* ---- rotations exp(-i a G / 2) and the phase gate ---- */

static void matrix_rx(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *m = (hq_mat2){.re = {c, 0, 0, c}, .im = {0, -s, -s, 0}};
}

static void derivative_rx(const double *p, int slot, hq_mat2 *m)
{
    (void)slot;
    double c = cos(p[0] / 2) / 2, s = sin(p[0] / 2) / 2;
    *m = (hq_mat2){.re = {-s, 0, 0, -s}, .im = {0, -c, -c, 0}};
}

static void matrix_ry(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *m = (hq_mat2){.re = {c, -s, s, c}};
}

static void derivative_ry(const double *p, int slot, hq_mat2 *m)
{
    (void)slot;
    double c = cos(p[0] / 2) / 2, s = sin(p[0] / 2) / 2;
    *m = (hq_mat2){.re = {-s, -c, c, -s}};
}

static void matrix_rz(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *m = (hq_mat2){.re = {c, 0, 0, c}, .im = {-s, 0, 0, s}};
}

static void derivative_rz(const double *p, int slot, hq_mat2 *m)
{
    (void)slot;
    double c = cos(p[0] / 2) / 2, s = sin(p[0] / 2) / 2;
    *m = (hq_mat2){.re = {-s, 0, 0, -s}, .im = {-c, 0, 0, c}};
}

static void matrix_p(const double *p, hq_mat2 *m)
{
    *m = (hq_mat2){.re = {1, 0, 0, 0}};
    set_phase(m, 3, 1, p[0]);
}

static void derivative_p(const double *p, int slot, hq_mat2 *m)
{
    (void)slot;
    *m = (hq_mat2){.re = {0, 0, 0, -sin(p[0])}, .im = {0, 0, 0, cos(p[0])}};
}

/* ---- U3(theta, phi, delta) = P(phi) RY(theta) P(delta) ---- */

static void matrix_u3(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    set_phase(m, 0, c, 0);
    set_phase(m, 1, -s, p[2]);
    set_phase(m, 2, s, p[1]);
    set_phase(m, 3, c, p[1] + p[2]);
}

/* By theta: cos -> -sin/2 and sin -> cos/2. By phi or delta: i times the entries that carry that phase. */
static void derivative_u3(const double *p, int slot, hq_mat2 *m)
{
    if (slot == 0) {
        double c = cos(p[0] / 2) / 2, s = sin(p[0] / 2) / 2;
        set_phase(m, 0, -s, 0);
        set_phase(m, 1, -c, p[2]);
        set_phase(m, 2, c, p[1]);
        set_phase(m, 3, -s, p[1] + p[2]);
        return;
    }
    hq_mat2 u;
    matrix_u3(p, &u);
    *m = (hq_mat2){.re = {0}};
    int entries[2] = {slot == 1 ? 2 : 1, 3}; /* phi stands in the lower row, delta in the right column */
    for (int e = 0; e < 2; e++) {
        m->re[entries[e]] = -u.im[entries[e]];
        m->im[entries[e]] = u.re[entries[e]];
    }
}

#define TWO &hq_shift_two_term
#define FOUR &hq_shift_four_term

/* The phases of CU3 are controlled phases (eigenvalues 0 and 1); its theta is a controlled rotation. */
const hq_gate hq_gate_table[HQ_GATE_COUNT] = {
    [HQ_GATE_X] = {"x", 0, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_Y] = {"y", 0, 1, 0, HQ_FORM_DENSE, {NULL}, matrix_y, NULL},
    [HQ_GATE_Z] = {"z", 0, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_z, NULL},
    [HQ_GATE_H] = {"h", 0, 1, 0, HQ_FORM_REAL, {NULL}, matrix_h, NULL},
    [HQ_GATE_S] = {"s", 0, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_s, NULL},
    [HQ_GATE_SDG] = {"sdg", 0, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_sdg, NULL},
    [HQ_GATE_T] = {"t", 0, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_t, NULL},
    [HQ_GATE_TDG] = {"tdg", 0, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_tdg, NULL},
    [HQ_GATE_RX] = {"rx", 0, 1, 1, HQ_FORM_DENSE, {TWO}, matrix_rx, derivative_rx},
    [HQ_GATE_RY] = {"ry", 0, 1, 1, HQ_FORM_REAL, {TWO}, matrix_ry, derivative_ry},
    [HQ_GATE_RZ] = {"rz", 0, 1, 1, HQ_FORM_DENSE, {TWO}, matrix_rz, derivative_rz},
    [HQ_GATE_P] = {"p", 0, 1, 1, HQ_FORM_PHASE, {TWO}, matrix_p, derivative_p},
    [HQ_GATE_U3] = {"u3", 0, 1, 3, HQ_FORM_DENSE, {TWO, TWO, TWO}, matrix_u3, derivative_u3},
    [HQ_GATE_CX] = {"cx", 1, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_CZ] = {"cz", 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_z, NULL},
    [HQ_GATE_CP] = {"cp", 1, 1, 1, HQ_FORM_PHASE, {TWO}, matrix_p, derivative_p},
    [HQ_GATE_CRX] = {"crx", 1, 1, 1, HQ_FORM_DENSE, {FOUR}, matrix_rx, derivative_rx},
    [HQ_GATE_CRY] = {"cry", 1, 1, 1, HQ_FORM_REAL, {FOUR}, matrix_ry, derivative_ry},
    [HQ_GATE_CRZ] = {"crz", 1, 1, 1, HQ_FORM_DENSE, {FOUR}, matrix_rz, derivative_rz},
    [HQ_GATE_CU3] = {"cu3", 1, 1, 3, HQ_FORM_DENSE, {FOUR, TWO, TWO}, matrix_u3, derivative_u3},
    [HQ_GATE_CCX] = {"ccx", 2, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_SWAP] = {"swap", 0, 2, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
};

hq_mat2 hq_mat2_dagger(const hq_mat2 *m)
{
    return (hq_mat2){.re = {m->re[0], m->re[2], m->re[1], m->re[3]},
                     .im = {-m->im[0], -m->im[2], -m->im[1], -m->im[3]}};
}
