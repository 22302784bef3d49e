/* Drawings and counts of circuits. */
#include "hqcnn/config.h"
#include "hqcnn/quantum.h"
#include "quantum/circuit.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

/* The default circuit on a line of 120 letters. */
static const char default_drawing[] =
    "    ┌──────┐  ┌────────────┐                  ┌─┐ ┌───────┐ ┌───────┐ ┌───────┐\n"
    "q0 "
    "─┤RY(x0)├──┤U3(w0,w1,w2)├──●─────⊕─●───⊕─●─┤H├─┤P(pi/2)├─┤P(pi/4)├─┤P(pi/"
    "8)├──────────────────────────────────────┄\n"
    "    └──────┘  └────────────┘  │     │ │   │ │ └─┘ └───┬───┘ └───┬───┘ └───┬───┘\n"
    "    ┌──────┐  ┌────────────┐  │     │ │   │ │         │         │         │     ┌─┐ ┌───────┐ ┌───────┐\n"
    "q1 "
    "─┤RY(x1)├──┤U3(w3,w4,w5)├──⊕─●───┼─●─●─┼─⊕─────────●─────────┼─────────┼─────┤H├─┤P(pi/2)├─┤P(pi/"
    "4)├──────────────┄\n"
    "    └──────┘  └────────────┘    │   │ │ │ │ │                   │         │     └─┘ └───┬───┘ └───┬───┘\n"
    "    ┌──────┐  ┌────────────┐    │   │ │ │ │ │                   │         │             │         │     ┌─┐ "
    "┌───────┐\n"
    "q2 "
    "─┤RY(x2)├──┤U3(w6,w7,w8)├────⊕─●─┼─⊕─●─●─┼───────────────────●─────────┼─────────────●─────────┼─────┤H├─┤P(pi/"
    "2)├┄\n"
    "    └──────┘  └────────────┘      │ │   │ │ │                             │                       │     └─┘ "
    "└───┬───┘\n"
    "    ┌──────┐ ┌──────────────┐     │ │   │ │ │                             │                       │             "
    "│\n"
    "q3 "
    "─┤RY(x3)├─┤U3(w9,w10,w11)"
    "├─────⊕─●───⊕─●─●─────────────────────────────●───────────────────────●─────────────●────┄\n"
    "    └──────┘ └──────────────┘\n"
    "\n"
    "q0 ┄────⟨X⟩─⟨Z⟩─\n"
    "\n"
    "q1 ┄────⟨X⟩─⟨Z⟩─\n"
    "\n"
    "q2 ┄────⟨X⟩─⟨Z⟩─\n"
    "    ┌─┐\n"
    "q3 ┄┤H├─⟨X⟩─⟨Z⟩─\n"
    "    └─┘\n";

static char *draw(const hq_circuit *c, const double *x, const double *w, int width)
{
    char *text = NULL;
    CHECK(hq_circuit_draw_text(c, x, w, width, &text) == HQ_OK);
    return text;
}

static void test_default(void)
{
    hq_circuit *c = NULL;
    CHECK(hq_circuit_create_hqcnn(4, 1, HQ_ATTENTION_QFT, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    char *text = draw(c, NULL, NULL, 120);
    CHECK_TEXT(text, default_drawing);
    hq_free(text);
    hq_circuit_destroy(c);
}

static void add(hq_circuit *c, hq_gate_id gate, const int *wires, const hq_binding *bindings)
{
    CHECK(hq_circuit_add(c, gate, wires, bindings) == HQ_OK);
}

/* Two wires between the ends of a gate, a product on wires 0 and 2, and boxes with a line on both sides. */
static void test_lines_between(void)
{
    static const char want[] = "      ┌───────┐\n"
                               "q0 ─×─┤RXX(w0)├──────────────⟨Z⟩─\n"
                               "    │ └───┬───┘               │\n"
                               "    │     │     ┌─┐ ┌──────┐  │\n"
                               "q1 ─●─────┼─────┤X├─┤RY(w0)├──┼──\n"
                               "    │     │     └─┘ └──┬───┘  │\n"
                               "    │ ┌───┴───┐        │      │\n"
                               "q2 ─×─┤RXX(w0)├────────●─────⟨Y⟩─\n"
                               "      └───────┘\n";
    hq_circuit *c = NULL;
    const hq_binding w0 = hq_bind_weight(0);
    CHECK(hq_circuit_create(3, &c) == HQ_OK);
    add(c, HQ_GATE_CSWAP, (int[]){1, 0, 2}, NULL);
    add(c, HQ_GATE_RXX, (int[]){0, 2}, &w0);
    add(c, HQ_GATE_X, (int[]){1}, NULL);
    add(c, HQ_GATE_CRY, (int[]){2, 1}, &w0);
    const hq_pauli z = hq_circuit_pauli(c, 'Z', 0), y = hq_circuit_pauli(c, 'Y', 2);
    CHECK(hq_circuit_observe(c, (hq_pauli){z.x | y.x, z.z | y.z}) == HQ_OK);
    CHECK(hq_circuit_observe(c, (hq_pauli){0, 0}) == HQ_OK);
    char *text = draw(c, NULL, NULL, 80), name[HQ_OUTPUT_NAME_MAX];
    CHECK_TEXT(text, want);
    hq_circuit_output_name(c, 0, name);
    CHECK_TEXT(name, "Z0 Y2");
    hq_circuit_output_name(c, 1, name);
    CHECK_TEXT(name, "I");
    hq_free(text);
    hq_circuit_destroy(c);
}

/* ---- every gate ---- */

static int count(const char *text, const char *word)
{
    int n = 0;
    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        n++;
    }
    return n;
}

static void check_svg(const hq_circuit *c, const char *symbol, int number)
{
    char *text = NULL;
    CHECK(hq_circuit_draw_svg(c, NULL, NULL, &text) == HQ_OK);
    CHECK_MSG(count(text, symbol) == number, "\"%s\" is in the picture %d times, not %d", symbol, count(text, symbol),
              number);
    CHECK(strncmp(text, "<svg ", 5) == 0 && strcmp(text + strlen(text) - 7, "</svg>\n") == 0);
    hq_free(text);
}

static void check_gate(hq_gate_id id)
{
    const hq_gate *gate = &hq_gate_table[id];
    const hq_binding bindings[3] = {hq_bind_weight(0), hq_bind_weight(1), hq_bind_weight(2)};
    static const char *const parameters[] = {"", "(w0)", "(w0,w1)", "(w0,w1,w2)"};
    const bool plus = id == HQ_GATE_CX || id == HQ_GATE_CCX, cross = id == HQ_GATE_SWAP || id == HQ_GATE_CSWAP;
    hq_circuit *c = NULL;
    char box[64], picture[64];
    CHECK(hq_circuit_create(4, &c) == HQ_OK);
    add(c, id, (int[]){3, 1, 0}, bindings);
    char *text = draw(c, NULL, NULL, 80);
    snprintf(box, sizeof box, "\u2524%s%s\u251c", gate->symbol, parameters[gate->parameters]);
    snprintf(picture, sizeof picture, ">%s%s</text>", gate->symbol, parameters[gate->parameters]);
    CHECK_INT(count(text, "\u25cf"), gate->controls);
    CHECK_INT(count(text, "\u2295"), plus ? 1 : 0);
    CHECK_INT(count(text, "\u00d7"), cross ? 2 : 0);
    CHECK_MSG(count(text, box) == (plus || cross ? 0 : gate->targets), "gate %s: not %s in\n%s", gate->name, box, text);
    check_svg(c, picture, plus || cross ? 0 : gate->targets);
    check_svg(c, "class=\"dot\"", gate->controls);
    check_svg(c, "class=\"plus\"", plus ? 1 : 0);
    check_svg(c, "l12 12M", cross ? 2 : 0);
    hq_free(text);
    hq_circuit_destroy(c);
}

static void test_every_gate(void)
{
    for (int id = 0; id < HQ_GATE_COUNT; id++) check_gate((hq_gate_id)id);
}

/* ---- parameters ---- */

static void check_parameter(hq_binding binding, const double *x, const double *w, const char *want)
{
    hq_circuit *c = NULL;
    char box[64];
    CHECK(hq_circuit_create(1, &c) == HQ_OK);
    add(c, HQ_GATE_RY, (int[]){0}, &binding);
    char *text = draw(c, x, w, 80);
    snprintf(box, sizeof box, "\u2524RY(%s)\u251c", want);
    CHECK_MSG(count(text, box) == 1, "not %s in\n%s", box, text);
    hq_free(text);
    hq_circuit_destroy(c);
}

static void test_parameters(void)
{
    const double pi = 3.14159265358979323846, x[2] = {0.25, 1.5}, w[1] = {-2};
    check_parameter(hq_bind_constant(0), NULL, NULL, "0");
    check_parameter(hq_bind_constant(pi), NULL, NULL, "pi");
    check_parameter(hq_bind_constant(-pi / 2), NULL, NULL, "-pi/2");
    check_parameter(hq_bind_constant(3 * pi / 4), NULL, NULL, "3*pi/4");
    check_parameter(hq_bind_constant(2 * pi / 3), NULL, NULL, "2*pi/3");
    check_parameter(hq_bind_constant(pi / 524288), NULL, NULL, "pi/524288");
    check_parameter(hq_bind_constant(1.23456), NULL, NULL, "1.235");
    check_parameter(hq_bind_input(1), NULL, w, "x1");
    check_parameter(hq_bind_input(1), x, NULL, "1.5");
    check_parameter(hq_bind_weight(0), x, NULL, "w0");
    check_parameter((hq_binding){HQ_SOURCE_INPUT, 1, 2, -0.5}, NULL, NULL, "2*x1-0.5");
    check_parameter((hq_binding){HQ_SOURCE_INPUT, 1, 2, -0.5}, x, NULL, "2.5");
    check_parameter((hq_binding){HQ_SOURCE_WEIGHT, 0, -1, pi / 2}, NULL, NULL, "-w0+pi/2");
    check_parameter((hq_binding){HQ_SOURCE_WEIGHT, 0, -1, pi / 2}, NULL, w, "3.571");
}

/* ---- long circuits ---- */

static int longest_line(const char *text)
{
    int longest = 0, letters = 0;
    for (; *text; text++) {
        if ((*text & 0xc0) != 0x80 && *text != '\n') letters++;
        if (*text == '\n') letters = 0;
        if (letters > longest) longest = letters;
    }
    return longest;
}

static void test_width(void)
{
    for (int qubits = 1; qubits <= HQ_QUBITS_MAX; qubits += 3) {
        hq_circuit *c = NULL;
        CHECK(hq_circuit_create_hqcnn(qubits, 3, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
        for (int width = 40; width <= 200; width += 23) {
            char *text = draw(c, NULL, NULL, width);
            CHECK_MSG(longest_line(text) <= width, "%d letters on a line of %d", longest_line(text), width);
            CHECK_INT(count(text, "\u27e8X\u27e9"), qubits);
            CHECK_INT(count(text, "\u27e8Z\u27e9"), qubits);
            CHECK_INT(count(text, "\u2524U3("), 3 * qubits);
            hq_free(text);
        }
        hq_circuit_destroy(c);
    }
}

/* ---- counts ---- */

/* By hand: RY and U3 on every wire (2 steps); CNOT 01, 12, 23, 30 (4); Toffoli 012, 123, 230, 301 (4); then the
 * Fourier phases: H0, P10, P20, P30 (4), H1 beside P20, P21 and P31 behind P20 and P30 (1 more for P31), H2 beside it,
 * P32 behind P31 (1) and H3 (1). */
static void test_default_counts(void)
{
    hq_circuit *c = NULL;
    hq_census census;
    static const char *const name[] = {"h", "ry", "u3", "cx", "cp", "ccx"};
    static const int number[] = {4, 4, 4, 4, 6, 4};
    CHECK(hq_circuit_create_hqcnn(4, 1, HQ_ATTENTION_QFT, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    hq_circuit_census(c, &census);
    CHECK_INT(census.gates, 26);
    CHECK_INT(census.on_wires[0], 12);
    CHECK_INT(census.on_wires[1], 10);
    CHECK_INT(census.on_wires[2], 4);
    CHECK_INT(census.depth, 2 + 4 + 4 + 4 + 1 + 1 + 1);
    CHECK_INT(census.kinds, 6);
    for (int i = 0; i < 6; i++) {
        CHECK_TEXT(census.name[i], name[i]);
        CHECK_INT(census.count[i], number[i]);
    }
    hq_circuit_destroy(c);
}

/* A wire that a gate's line only crosses is free: the gate on it can be done at the same time. */
static void test_depth(void)
{
    hq_circuit *c = NULL;
    hq_census census;
    CHECK(hq_circuit_create(3, &c) == HQ_OK);
    hq_circuit_census(c, &census);
    CHECK_INT(census.depth, 0);
    CHECK_INT(census.kinds, 0);
    add(c, HQ_GATE_CX, (int[]){0, 2}, NULL);
    add(c, HQ_GATE_H, (int[]){1}, NULL);
    hq_circuit_census(c, &census);
    CHECK_INT(census.depth, 1);
    add(c, HQ_GATE_CX, (int[]){1, 2}, NULL);
    add(c, HQ_GATE_H, (int[]){0}, NULL);
    hq_circuit_census(c, &census);
    CHECK_INT(census.depth, 2);
    add(c, HQ_GATE_CCX, (int[]){2, 1, 0}, NULL);
    hq_circuit_census(c, &census);
    CHECK_INT(census.depth, 3);
    hq_circuit_destroy(c);
}

int main(void)
{
    HQ_RUN(test_default);
    HQ_RUN(test_lines_between);
    HQ_RUN(test_every_gate);
    HQ_RUN(test_parameters);
    HQ_RUN(test_width);
    HQ_RUN(test_default_counts);
    HQ_RUN(test_depth);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
