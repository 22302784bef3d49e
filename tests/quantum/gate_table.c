/* The gate table: names, forms that the kernels rely on, generators, shift rules. */
#include "quantum/gate_table.h"
#include "dense.h"
#include "support/check.h"

#include <string.h>

static hq_random stream;

static dense_number entry(const hq_mat2 *m, int e) { return m->re[e] + I * m->im[e]; }

/* ---- names ---- */

static void test_names(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++) {
        const hq_gate *gate = &hq_gate_table[g];
        CHECK_MSG(hq_gate_find(gate->name) == gate, "%s is found as another gate", gate->name);
        CHECK_MSG(gate->symbol && *gate->symbol, "%s has no symbol", gate->name);
        CHECK(hq_gate_wires(gate) <= HQ_GATE_WIRES_MAX && gate->targets >= 1 && gate->targets <= 2);
        CHECK(gate->blocks >= 1 && gate->blocks <= gate->targets && gate->parameters <= HQ_GATE_PARAMETERS_MAX);
        CHECK((gate->generator != NULL) == (gate->parameters > 0));
        for (int slot = 0; slot < HQ_GATE_PARAMETERS_MAX; slot++)
            CHECK((gate->shift[slot] != NULL) == (slot < gate->parameters));
    }
    CHECK(hq_gate_find("cnot") == &hq_gate_table[HQ_GATE_CX]);
    CHECK(hq_gate_find("toffoli") == &hq_gate_table[HQ_GATE_CCX]);
    CHECK(hq_gate_find("cphase") == &hq_gate_table[HQ_GATE_CP]);
    CHECK(hq_gate_find("CX") == NULL && hq_gate_find("") == NULL && hq_gate_find("xx") == NULL);
}

/* ---- forms ---- */

static bool has_form(hq_form form, const hq_mat2 *m)
{
    const bool diagonal = entry(m, 1) == 0 && entry(m, 2) == 0;
    switch (form) {
    case HQ_FORM_FLIP:
        return entry(m, 0) == 0 && entry(m, 1) == 1 && entry(m, 2) == 1 && entry(m, 3) == 0;
    case HQ_FORM_PHASE:
        return diagonal && entry(m, 0) == 1;
    case HQ_FORM_DIAGONAL:
        return diagonal;
    case HQ_FORM_REAL:
        return m->im[0] == 0 && m->im[1] == 0 && m->im[2] == 0 && m->im[3] == 0;
    default:
        return true;
    }
}

static bool is_unitary(const hq_mat2 *m)
{
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++) {
            dense_number product = conj(entry(m, r)) * entry(m, c) + conj(entry(m, 2 + r)) * entry(m, 2 + c);
            if (cabs(product - (r == c)) > 1e-15) return false;
        }
    return true;
}

/* A block has the form that the table promises to the kernels, is unitary, and has its conjugate transpose as inverse.
 */
static void check_block(const hq_gate *gate, const hq_mat2 *m)
{
    const hq_mat2 inverse = hq_mat2_dagger(m);
    CHECK_MSG(has_form(gate->form, m), "a matrix of %s does not have the form %d", gate->name, gate->form);
    CHECK_MSG(is_unitary(m), "%s is not unitary", gate->name);
    for (int e = 0; e < 4; e++) CHECK(entry(&inverse, e) == conj(entry(m, (e & 1) * 2 + (e >> 1))));
}

static void test_forms(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++)
        for (int repeat = 0; repeat < 20; repeat++) {
            double p[3];
            hq_mat2 m[HQ_GATE_BLOCKS_MAX];
            fill_random(&stream, 3, -7, 7, p);
            hq_gate_table[g].matrix(p, m);
            for (int k = 0; k < hq_gate_table[g].blocks; k++) check_block(&hq_gate_table[g], &m[k]);
        }
}

/* ---- generators ---- */

static void check_hermitian(const hq_gate *gate, const hq_mat2 *g)
{
    for (int e = 0; e < 4; e++)
        CHECK_MSG(cabs(entry(g, e) - conj(entry(g, (e & 1) * 2 + (e >> 1)))) <= 1e-15,
                  "the generator of %s is not Hermitian", gate->name);
}

/* d matrix / dp = -i G matrix, by 4-point differences. */
static void check_generator(const hq_gate *gate, int slot)
{
    const double step = 1e-3;
    double p[3];
    hq_mat2 g[HQ_GATE_BLOCKS_MAX], m[HQ_GATE_BLOCKS_MAX], at[4][HQ_GATE_BLOCKS_MAX];
    fill_random(&stream, 3, -7, 7, p);
    gate->generator(p, slot, g);
    gate->matrix(p, m);
    for (int s = 0; s < 4; s++) {
        double shifted[3] = {p[0], p[1], p[2]};
        shifted[slot] += (s < 2 ? s - 2 : s - 1) * step;
        gate->matrix(shifted, at[s]);
    }
    for (int k = 0; k < gate->blocks; k++) {
        check_hermitian(gate, &g[k]);
        for (int e = 0; e < 4; e++) {
            const int r = e & 2, c = e & 1;
            const dense_number have =
                -I * (entry(&g[k], r) * entry(&m[k], c) + entry(&g[k], r + 1) * entry(&m[k], 2 + c));
            const dense_number want =
                (entry(&at[0][k], e) - 8 * entry(&at[1][k], e) + 8 * entry(&at[2][k], e) - entry(&at[3][k], e)) /
                (12 * step);
            CHECK_MSG(cabs(have - want) <= 1e-11, "%s, parameter %d, block %d, entry %d: off by %g", gate->name, slot,
                      k, e, cabs(have - want));
        }
    }
}

static void test_generators(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++)
        for (int slot = 0; slot < hq_gate_table[g].parameters; slot++)
            for (int repeat = 0; repeat < 20; repeat++) check_generator(&hq_gate_table[g], slot);
}

/* ---- shift rules ---- */

/* Two terms are exact for frequencies 0 and 1, four also for 1/2. */
static void check_rule(const hq_shift_rule *rule, double frequency)
{
    for (double at = -3; at < 3; at += 0.37) {
        double sum = 0;
        for (int t = 0; t < rule->terms; t++) sum += rule->weight[t] * sin(frequency * (at + rule->shift[t]) + 0.3);
        CHECK_NEAR(sum, frequency * cos(frequency * at + 0.3), 1e-15);
    }
}

static void test_rules(void)
{
    CHECK_INT(hq_shift_two_term.terms, 2);
    CHECK_INT(hq_shift_four_term.terms, 4);
    check_rule(&hq_shift_two_term, 0);
    check_rule(&hq_shift_two_term, 1);
    check_rule(&hq_shift_four_term, 0);
    check_rule(&hq_shift_four_term, 0.5);
    check_rule(&hq_shift_four_term, 1);
}

int main(void)
{
    stream = hq_random_make(10, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_names);
    HQ_RUN(test_forms);
    HQ_RUN(test_generators);
    HQ_RUN(test_rules);
    return hq_check_result();
}
