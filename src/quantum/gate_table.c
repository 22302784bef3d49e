#include "quantum/gate_table.h"

#include <math.h>
#include <string.h>

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

static void matrix_id(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {1, 0, 0, 1}};
}

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

static void matrix_sx(const double *p, hq_mat2 *m)
{
    (void)p;
    *m = (hq_mat2){.re = {0.5, 0.5, 0.5, 0.5}, .im = {0.5, -0.5, -0.5, 0.5}};
}

/* ---- rotations exp(-i a G) with G = X/2, Y/2 or Z/2, and the phase gate, G = -|1><1| ---- */

static void matrix_rx(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *m = (hq_mat2){.re = {c, 0, 0, c}, .im = {0, -s, -s, 0}};
}

static void matrix_ry(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *m = (hq_mat2){.re = {c, -s, s, c}};
}

static void matrix_rz(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *m = (hq_mat2){.re = {c, 0, 0, c}, .im = {-s, 0, 0, s}};
}

static void matrix_p(const double *p, hq_mat2 *m)
{
    *m = (hq_mat2){.re = {1, 0, 0, 0}};
    set_phase(m, 3, 1, p[0]);
}

static void generator_x(const double *p, int slot, hq_mat2 *g)
{
    (void)p, (void)slot;
    *g = (hq_mat2){.re = {0, 0.5, 0.5, 0}};
}

static void generator_y(const double *p, int slot, hq_mat2 *g)
{
    (void)p, (void)slot;
    *g = (hq_mat2){.im = {0, -0.5, 0.5, 0}};
}

static void generator_z(const double *p, int slot, hq_mat2 *g)
{
    (void)p, (void)slot;
    *g = (hq_mat2){.re = {0.5, 0, 0, -0.5}};
}

static void generator_p(const double *p, int slot, hq_mat2 *g)
{
    (void)p, (void)slot;
    *g = (hq_mat2){.re = {0, 0, 0, -1}};
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

/* Of theta: P(phi) Y/2 P(-phi). Of phi: -|1><1|. Of delta: -|u><u| with u the second column of the gate. */
static void generator_u3(const double *p, int slot, hq_mat2 *g)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    *g = (hq_mat2){.re = {0}};
    switch (slot) {
    case 0:
        set_phase(g, 1, 0.5, -p[1] - PI / 2);
        set_phase(g, 2, 0.5, p[1] + PI / 2);
        break;
    case 1:
        g->re[3] = -1;
        break;
    default:
        g->re[0] = -s * s;
        set_phase(g, 1, s * c, -p[1]);
        set_phase(g, 2, s * c, p[1]);
        g->re[3] = -c * c;
    }
}

/* ---- exp(-i a P/2) with P = XX, YY, ZZ: block 0 on |01>, |10>, block 1 on |00>, |11> ---- */

static void matrix_rxx(const double *p, hq_mat2 *m)
{
    matrix_rx(p, &m[0]);
    m[1] = m[0];
}

static void matrix_ryy(const double *p, hq_mat2 *m)
{
    double opposite = -p[0]; /* YY |00> = -|11> */
    matrix_rx(p, &m[0]);
    matrix_rx(&opposite, &m[1]);
}

static void matrix_rzz(const double *p, hq_mat2 *m)
{
    double c = cos(p[0] / 2), s = sin(p[0] / 2);
    m[0] = (hq_mat2){.re = {c, 0, 0, c}, .im = {s, 0, 0, s}};
    m[1] = (hq_mat2){.re = {c, 0, 0, c}, .im = {-s, 0, 0, -s}};
}

static void generator_xx(const double *p, int slot, hq_mat2 *g)
{
    generator_x(p, slot, &g[0]);
    g[1] = g[0];
}

static void generator_yy(const double *p, int slot, hq_mat2 *g)
{
    generator_x(p, slot, &g[0]);
    g[1] = (hq_mat2){.re = {0, -0.5, -0.5, 0}};
}

static void generator_zz(const double *p, int slot, hq_mat2 *g)
{
    (void)p, (void)slot;
    g[0] = (hq_mat2){.re = {-0.5, 0, 0, -0.5}};
    g[1] = (hq_mat2){.re = {0.5, 0, 0, 0.5}};
}

#define TWO &hq_shift_two_term
#define FOUR &hq_shift_four_term

/* The phases of CU3 are controlled phases (eigenvalues 0 and 1); its theta is a controlled rotation. */
const hq_gate hq_gate_table[HQ_GATE_COUNT] = {
    [HQ_GATE_ID] = {"id", "I", 0, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_id, NULL},
    [HQ_GATE_X] = {"x", "X", 0, 1, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_Y] = {"y", "Y", 0, 1, 1, 0, HQ_FORM_DENSE, {NULL}, matrix_y, NULL},
    [HQ_GATE_Z] = {"z", "Z", 0, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_z, NULL},
    [HQ_GATE_H] = {"h", "H", 0, 1, 1, 0, HQ_FORM_REAL, {NULL}, matrix_h, NULL},
    [HQ_GATE_S] = {"s", "S", 0, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_s, NULL},
    [HQ_GATE_SDG] = {"sdg", "S\u2020", 0, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_sdg, NULL},
    [HQ_GATE_T] = {"t", "T", 0, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_t, NULL},
    [HQ_GATE_TDG] = {"tdg", "T\u2020", 0, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_tdg, NULL},
    [HQ_GATE_SX] = {"sx", "\u221aX", 0, 1, 1, 0, HQ_FORM_DENSE, {NULL}, matrix_sx, NULL},
    [HQ_GATE_RX] = {"rx", "RX", 0, 1, 1, 1, HQ_FORM_DENSE, {TWO}, matrix_rx, generator_x},
    [HQ_GATE_RY] = {"ry", "RY", 0, 1, 1, 1, HQ_FORM_REAL, {TWO}, matrix_ry, generator_y},
    [HQ_GATE_RZ] = {"rz", "RZ", 0, 1, 1, 1, HQ_FORM_DIAGONAL, {TWO}, matrix_rz, generator_z},
    [HQ_GATE_P] = {"p", "P", 0, 1, 1, 1, HQ_FORM_PHASE, {TWO}, matrix_p, generator_p},
    [HQ_GATE_U3] = {"u3", "U3", 0, 1, 1, 3, HQ_FORM_DENSE, {TWO, TWO, TWO}, matrix_u3, generator_u3},
    [HQ_GATE_CX] = {"cx", "X", 1, 1, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_CZ] = {"cz", "Z", 1, 1, 1, 0, HQ_FORM_PHASE, {NULL}, matrix_z, NULL},
    [HQ_GATE_SWAP] = {"swap", "\u00d7", 0, 2, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_CP] = {"cp", "P", 1, 1, 1, 1, HQ_FORM_PHASE, {TWO}, matrix_p, generator_p},
    [HQ_GATE_CRX] = {"crx", "RX", 1, 1, 1, 1, HQ_FORM_DENSE, {FOUR}, matrix_rx, generator_x},
    [HQ_GATE_CRY] = {"cry", "RY", 1, 1, 1, 1, HQ_FORM_REAL, {FOUR}, matrix_ry, generator_y},
    [HQ_GATE_CRZ] = {"crz", "RZ", 1, 1, 1, 1, HQ_FORM_DIAGONAL, {FOUR}, matrix_rz, generator_z},
    [HQ_GATE_CU3] = {"cu3", "U3", 1, 1, 1, 3, HQ_FORM_DENSE, {FOUR, TWO, TWO}, matrix_u3, generator_u3},
    [HQ_GATE_RXX] = {"rxx", "RXX", 0, 2, 2, 1, HQ_FORM_DENSE, {TWO}, matrix_rxx, generator_xx},
    [HQ_GATE_RYY] = {"ryy", "RYY", 0, 2, 2, 1, HQ_FORM_DENSE, {TWO}, matrix_ryy, generator_yy},
    [HQ_GATE_RZZ] = {"rzz", "RZZ", 0, 2, 2, 1, HQ_FORM_DIAGONAL, {TWO}, matrix_rzz, generator_zz},
    [HQ_GATE_CCX] = {"ccx", "X", 2, 1, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
    [HQ_GATE_CSWAP] = {"cswap", "\u00d7", 1, 2, 1, 0, HQ_FORM_FLIP, {NULL}, matrix_x, NULL},
};

const hq_gate *hq_gate_find(const char *name)
{
    static const struct {
        const char *other, *name;
    } also[] = {{"cnot", "cx"}, {"toffoli", "ccx"}, {"cphase", "cp"}};
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        if (strcmp(name, also[i].other) == 0) name = also[i].name;
    for (int i = 0; i < HQ_GATE_COUNT; i++)
        if (strcmp(name, hq_gate_table[i].name) == 0) return &hq_gate_table[i];
    return NULL;
}

hq_mat2 hq_mat2_multiply(const hq_mat2 *a, const hq_mat2 *b)
{
    hq_mat2 out;
    for (int r = 0; r < 4; r += 2)
        for (int c = 0; c < 2; c++) {
            out.re[r + c] =
                a->re[r] * b->re[c] - a->im[r] * b->im[c] + a->re[r + 1] * b->re[2 + c] - a->im[r + 1] * b->im[2 + c];
            out.im[r + c] =
                a->re[r] * b->im[c] + a->im[r] * b->re[c] + a->re[r + 1] * b->im[2 + c] + a->im[r + 1] * b->re[2 + c];
        }
    return out;
}

hq_mat2 hq_mat2_dagger(const hq_mat2 *m)
{
    return (hq_mat2){.re = {m->re[0], m->re[2], m->re[1], m->re[3]},
                     .im = {-m->im[0], -m->im[2], -m->im[1], -m->im[3]}};
}
