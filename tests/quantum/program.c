/* Gate lines and Pauli strings: what they become, what is refused and with which words, and that no text does harm. */
#include "quantum/program.h"

#include "config/refusal.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

enum { QUBITS = 4, MAX = 5 };

static hq_status read_gates(const char *text, hq_circuit **out)
{
    CHECK_INT(hq_circuit_create(QUBITS, out), HQ_OK);
    return hq_program_gates(*out, "model.circuit.gates", text);
}

static hq_status read_measure(const char *text, hq_circuit **out)
{
    CHECK_INT(hq_circuit_create(QUBITS, out), HQ_OK);
    return hq_program_measure(*out, "model.circuit.measure", text);
}

/* ---- parameters ---- */

#define PI 3.14159265358979323846

static const struct {
    const char *text;
    char source; /* x, w, or c for a constant */
    int index;
    double scale, offset;
} parameters[] = {
    {"0.5", 'c', 0, 0, 0.5},
    {"-2", 'c', 0, 0, -2},
    {".25", 'c', 0, 0, 0.25},
    {"3.", 'c', 0, 0, 3},
    {"1e-3", 'c', 0, 0, 1e-3},
    {"2.5E+2", 'c', 0, 0, 250},
    {"pi", 'c', 0, 0, PI},
    {"PI", 'c', 0, 0, PI},
    {"pi/4", 'c', 0, 0, PI / 4},
    {"-pi/2", 'c', 0, 0, -PI / 2},
    {"3*pi/8", 'c', 0, 0, 3 * PI / 8},
    {"1-2-3", 'c', 0, 0, -4},
    {"8/2/2", 'c', 0, 0, 2},
    {"2*(1+3)", 'c', 0, 0, 8},
    {"1 - -2", 'c', 0, 0, 3},
    {"1+2*3", 'c', 0, 0, 7},
    {"x0", 'x', 0, 1, 0},
    {"x[0]", 'x', 0, 1, 0},
    {"x[ 0 ]", 'x', 0, 1, 0},
    {"-x0", 'x', 0, -1, 0},
    {"+x0", 'x', 0, 1, 0},
    {"--x0", 'x', 0, 1, 0},
    {"2*x0+0.5", 'x', 0, 2, 0.5},
    {"x0*2", 'x', 0, 2, 0},
    {"w0/2", 'w', 0, 0.5, 0},
    {"w[0] / 2", 'w', 0, 0.5, 0},
    {"pi*x0 - pi/2", 'x', 0, PI, -PI / 2},
    {"0.5 - x0", 'x', 0, -1, 0.5},
    {"(x0+1)/2", 'x', 0, 0.5, 0.5},
    {"-(x0-1)*2", 'x', 0, -2, 2},
    {"2*pi*(x0 + 1)", 'x', 0, 2 * PI, 2 * PI},
    {"((((((((((((((((x0))))))))))))))))", 'x', 0, 1, 0},
};

/* The parameter of the last gate of `text`. */
static void check_parameter(const char *text, hq_binding want)
{
    char gates[200];
    hq_circuit *c;
    snprintf(gates, sizeof gates, "ry(x0) 0; rx(%s) 1", text);
    CHECK_MSG(read_gates(gates, &c) == HQ_OK, "%s is refused", gates);
    const hq_binding have = c->n_ops == 2 ? c->ops[1].binding[0] : (hq_binding){0};
    CHECK_MSG(have.source == want.source && have.index == want.index, "%s: source %d, index %d", text, have.source,
              have.index);
    CHECK_MSG(fabs(have.scale - want.scale) < 1e-15 && fabs(have.offset - want.offset) < 1e-15, "%s: %.17g, %.17g",
              text, have.scale, have.offset);
    hq_circuit_destroy(c);
}

static void parameters_that_work(void)
{
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        const char letter = parameters[i].source;
        const hq_source source = letter == 'x'   ? HQ_SOURCE_INPUT
                                 : letter == 'w' ? HQ_SOURCE_WEIGHT
                                                 : HQ_SOURCE_CONSTANT;
        check_parameter(parameters[i].text,
                        (hq_binding){source, parameters[i].index, parameters[i].scale, parameters[i].offset});
    }
}

/* ---- gates ---- */

static const struct {
    const char *text;
    hq_gate_id gate;
    int wires[3];
} lines[] = {
    {"h 3", HQ_GATE_H, {3}},
    {"H q3", HQ_GATE_H, {3}},
    {"h() q[3]", HQ_GATE_H, {3}},
    {"id 0", HQ_GATE_ID, {0}},
    {"cx 0 1", HQ_GATE_CX, {0, 1}},
    {"CNOT 3,0", HQ_GATE_CX, {3, 0}},
    {"cnot q[3] , q[0]", HQ_GATE_CX, {3, 0}},
    {"toffoli 2 0 1", HQ_GATE_CCX, {2, 0, 1}},
    {"ccx q2,q0,q1", HQ_GATE_CCX, {2, 0, 1}},
    {"cswap 1 2 3", HQ_GATE_CSWAP, {1, 2, 3}},
    {"rz(pi)0", HQ_GATE_RZ, {0}},
    {"  rzz ( 1 )  2   3  ", HQ_GATE_RZZ, {2, 3}},
    {"u3(1, 2, 3) 1", HQ_GATE_U3, {1}},
    {"u(1,2,3) 1", HQ_GATE_U3, {1}},
    {"cphase(pi/2) 1 2", HQ_GATE_CP, {1, 2}},
    {"cu3(1,2,3) 1 0", HQ_GATE_CU3, {1, 0}},
};

static void lines_that_work(void)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char gates[200];
        hq_circuit *c;
        snprintf(gates, sizeof gates, "%s; ry(x0) 0;;", lines[i].text);
        CHECK_MSG(read_gates(gates, &c) == HQ_OK, "%s is refused", gates);
        CHECK_INT(c->n_ops, 2);
        const hq_gate *gate = &hq_gate_table[lines[i].gate];
        CHECK_MSG(c->ops[0].gate == gate, "%s is not gate %s", lines[i].text, gate->name);
        CHECK(memcmp(c->ops[0].wires, lines[i].wires, (size_t)hq_gate_wires(gate) * sizeof(int)) == 0);
        hq_circuit_destroy(c);
    }
}

/* Every gate of the table, by its own name, with every parameter a weight. */
static void every_gate(void)
{
    for (int g = 0; g < HQ_GATE_COUNT; g++) {
        static const char *const parameter[] = {"", "(w0)", "", "(w0, w1, w2)"}, *const wires[] = {"", "0", "0 1",
                                                                                                   "0 1 2"};
        const hq_gate *gate = &hq_gate_table[g];
        char text[100];
        hq_circuit *c;
        snprintf(text, sizeof text, "%s%s %s; ry(x0) 0", gate->name, parameter[gate->parameters],
                 wires[hq_gate_wires(gate)]);
        CHECK_MSG(read_gates(text, &c) == HQ_OK, "%s is refused", text);
        CHECK(c->ops[0].gate == gate);
        CHECK_INT(hq_circuit_weights(c), gate->parameters);
        hq_circuit_destroy(c);
    }
}

static void counts(void)
{
    hq_circuit *c;
    CHECK_INT(read_gates("u3(x1, w1, 0.5) 0; ry(x0) 1; ry(x2) 1; rx(w0) 1; cx 0 1; rx(w0) 0", &c), HQ_OK);
    CHECK_INT(hq_circuit_inputs(c), 3);
    CHECK_INT(hq_circuit_weights(c), 2);
    CHECK_INT(c->n_ops, 6);
    CHECK_INT(c->n_entries, 6);
    CHECK_INT(hq_circuit_shift_evaluations(c), 1 + 2 * 6);
    hq_circuit_destroy(c);
}

/* ---- refusals ---- */

#define PARAMETER "allowed: numbers, pi, x0, x1, ... (inputs), w0, w1, ... (weights), + - * / and parentheses"

static const struct {
    const char *text;
    const char *pieces[MAX]; /* of the message */
} refused[] =
    {
        {"ry(x0) 0; h 1; rxy(x0) 1",
         {"model.circuit.gates, entry 3, \"rxy(x0) 1\"", "unknown gate \"rxy\"", "nearest known gate is \"rx\"",
          "allowed: id x y z h s"}},
        {"hadamard_on_all_of_the_wires_of_the_circuit 0", {"unknown gate \"hadamard", "nearest"}},
        {"(x0) 0", {"\"(\" in place of a gate"}},
        {"0 1", {"\"0\" in place of a gate"}},
        {"\u03b8(x0) 0", {"\"\u03b8\" in place of a gate"}},
        {"ry(x0) 4", {"entry 1", "wire 4", "allowed: 0 to 3 (4 qubits)"}},
        {"ry(x0) 99999999999999999999", {"wire 99999999999999999999", "0 to 3"}},
        {"ry(x0) -1", {"\"-\" in place of a wire number", "0 to 3"}},
        {"ry(x0) q", {"the end in place of a wire number"}},
        {"ry(x0) q[1", {"the end where the \"]\" of wire 1 should be"}},
        {"ry(x0) a", {"\"a\" in place of a wire number"}},
        {"cx 01", {"wire 01", "leading zeros"}},
        {"cx 0,,1", {"\",\" in place of a wire number"}},
        {"cx 0 1,", {"the end in place of a wire number"}},
        {"cx 0q1", {"\"q1\" after a wire", "a blank or a comma"}},
        {"cx 0", {"1 wire; gate cx has 2: the control, then the target"}},
        {"ccx 0 1", {"2 wires; gate ccx has 3: the controls, then the target"}},
        {"h", {"0 wires; gate h has 1"}},
        {"h 0 1 2 3 0 1 2", {"7 wires; gate h has 1"}},
        {"rzz(x0) 1", {"1 wire; gate rzz has 2"}},
        {"cx 1 1", {"wire 1 twice", "must differ"}},
        {"ccx 1 2 1", {"wire 1 twice"}},
        {"ry 0", {"0 parameters; gate ry has 1"}},
        {"ry() 0", {"0 parameters; gate ry has 1"}},
        {"h(x0) 0", {"1 parameter; gate h has 0"}},
        {"u3(1, 2) 0", {"2 parameters; gate u3 has 3"}},
        {"u3(1, 2, 3, 4, 5) 0", {"5 parameters; gate u3 has 3"}},
        {"ry(x0 0", {"\"0\" after parameter 1", "allowed: + - * /, a comma or \")\""}},
        {"u3(x0, 2x0, 0) 1", {"\"x0\" after parameter 2"}},
        {"ry(0x10) 0", {"\"x10\" after parameter 1"}},
        {"ry(x0", {"the end after parameter 1"}},
        {"ry(", {"the end in place of a parameter", PARAMETER}},
        {"ry(x0,) 0", {"\")\" in place of a parameter", PARAMETER}},
        {"ry(x0+) 0", {"\")\" in place of a parameter"}},
        {"ry(2**x0) 0", {"\"*\" in place of a parameter"}},
        {"ry(.) 0", {"\".\" in place of a parameter"}},
        {"ry(\u03c0) 0", {"\"\u03c0\" in place of a parameter"}},
        {"ry(x) 0", {"\"x\" is not known in a parameter", PARAMETER}},
        {"ry(theta) 0", {"\"theta\" is not known in a parameter"}},
        {"ry(nan) 0", {"\"nan\" is not known in a parameter"}},
        {"ry(inf) 0", {"\"inf\" is not known in a parameter"}},
        {"ry(x0y) 0", {"\"y\" after parameter 1"}},
        {"ry(pi2) 0", {"\"pi2\" is not known in a parameter"}},
        {"ry(x[0) 0", {"\")\" where the \"]\" of input 0 should be"}},
        {"ry(w[a]) 0", {"\"a\" in place of a weight number", "0 to 4095"}},
        {"ry(x00) 0", {"input 00", "leading zeros"}},
        {"ry(w4096) 0", {"weight 4096", "allowed: 0 to 4095"}},
        {"ry(x0+x1) 0", {"x0 and x1 in one parameter", "one input or weight, once"}},
        {"ry(w0*x2) 0", {"w0 and x2 in one parameter"}},
        {"ry(x0-x0) 0", {"x0 and x0 in one parameter"}},
        {"ry(1/x0) 0", {"a division by x0", "by numbers and pi"}},
        {"ry(w1/w0) 0", {"a division by w0"}},
        {"ry(x0/0) 0", {"a division by zero"}},
        {"ry(0*x0) 0", {"x0 has the factor 0"}},
        {"ry(1e999) 0", {"the number 1e999 is too large"}},
        {"ry(x0*1e308*10) 0", {"not finite"}},
        {"ry(1111111111111111111111111111111111111111111111111111111111111111) 0", {"a number of 64 characters"}},
        {"ry((((((((((((((((((x0)))))))))))))))))) 0", {"more than 16 parentheses"}},
        {"ry((x0 0", {"\"0\" where a parenthesis should be closed"}},
        {"ry(w0) 0", {"model.circuit.gates: no gate has an input (x0)"}},
        {" ;; ", {"model.circuit.gates: no gate has an input"}},
        {"ry(x0) 0; ry(x3) 0; ry(x1) 0", {"input x2 is never used, but x3 is", "from 0 without gaps"}},
        {"ry(x0) 0; ry(w1) 0", {"weight w0 is never used, but w1 is"}},
        {"ry(x0+11111111111111111111111111111111111111111111111111111111111+22222222222222222222222) 4",
         {"entry 1, \"ry(x0+1111", "222...\"", "wire 4"}},
},
  refused_measure[] = {
      {"X0; Z0 A1", {"model.circuit.measure, entry 2, \"Z0 A1\"", "\"A1\" in place of X, Y or Z", "\"Z0 Z1\""}},
      {"I0", {"\"I0\" in place of X, Y or Z"}},
      {"Z", {"the end in place of a wire number", "0 to 3 (4 qubits)"}},
      {"Z4", {"wire 4", "0 to 3 (4 qubits)"}},
      {"Z0 X0", {"wire 0 twice", "one letter for each wire"}},
      {"Z0*", {"the end in place of X, Y or Z"}},
      {"Z0, Z1", {"\",\" in place of X, Y or Z"}},
      {"Z01", {"wire 01", "leading zeros"}},
      {" ; ", {"model.circuit.measure names nothing to measure", "\"X0\""}},
};

static void texts_that_are_refused(void)
{
    hq_circuit *c;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        hq_stderr_hold();
        const hq_status status = read_gates(refused[i].text, &c);
        hq_check_refusal(__FILE__, __LINE__, refused[i].text, status, HQ_ERR_CONFIG, hq_stderr_release(),
                         refused[i].pieces);
        hq_circuit_destroy(c);
    }
    for (size_t i = 0; i < sizeof refused_measure / sizeof *refused_measure; i++) {
        hq_stderr_hold();
        const hq_status status = read_measure(refused_measure[i].text, &c);
        hq_check_refusal(__FILE__, __LINE__, refused_measure[i].text, status, HQ_ERR_CONFIG, hq_stderr_release(),
                         refused_measure[i].pieces);
        hq_circuit_destroy(c);
    }
}

/* Through the configuration: nothing is left behind. */
static void refused_by_configuration(void)
{
    static hq_config config;
    const int64_t balance = hq_memory_balance();
    int unset;
    hq_circuit *c = (hq_circuit *)&unset;
    hq_config_defaults(&config);
    CHECK_INT(hq_config_set(&config, "model.circuit.template=gates"), HQ_OK);
    CHECK_INT(hq_config_set(&config, "model.circuit.gates=(\"ry(x0) 0\", \"rx(w0) 7\")"), HQ_OK);
    CHECK_REFUSED(hq_circuit_create_config(&config, &c), HQ_ERR_CONFIG, "model.circuit.gates, entry 2", "wire 7");
    CHECK(c == NULL);
    CHECK_INT(hq_config_set(&config, "model.circuit.template=re-uploading"), HQ_OK);
    CHECK_INT(hq_config_set(&config, "model.circuit.measure=X0; X1 Q2"), HQ_OK);
    CHECK_REFUSED(hq_circuit_create_config(&config, &c), HQ_ERR_CONFIG, "model.circuit.measure, entry 2", "\"Q2\"");
    CHECK(c == NULL);
    CHECK_INT(hq_memory_balance(), balance);
}

/* ---- any text ---- */

/* A text from pieces that mean something, from a working text with a few bytes changed, or of any bytes. */
static void random_text(hq_random *stream, char *out, size_t size)
{
    static const char *const piece[] = {"ry",  "u3",  "cx",  "swap", "h",  "(",  ")",   "x0", "w0", "x[1]",
                                        "pi",  "0.5", "1e9", "-",    "+",  "*",  "/",   ",",  " ",  ";",
                                        "q",   "0",   "1",   "[",    "]",  "99", "Z0 ", "X1", "Y",  "; ",
                                        "rx(", ") ",  ".",   "e",    "((", "x",  "q[0]"};
    static const char working[] = "ry(2*x0+0.5) 0; u3(w0, -w1/2, (pi - x1)*3) q[1]; cx 0,1; rzz(w2) 2 3";
    static const char byte[] = "0123 xw+-*/().,;[]qe\n\x7f\xff#";
    const unsigned kind = (unsigned)(hq_random_next(stream) % 3), n = (unsigned)(hq_random_next(stream) % (size / 2));
    size_t at = 0;
    out[0] = '\0';
    for (unsigned i = 0; kind == 0 && i < n && at + 8 < size; i++)
        at += (size_t)snprintf(out + at, 8, "%s", piece[hq_random_next(stream) % (sizeof piece / sizeof *piece)]);
    if (kind == 1) memcpy(out, working, sizeof working);
    for (unsigned i = 0; kind == 1 && i < 1 + n % 3; i++)
        out[hq_random_next(stream) % (sizeof working - 1)] = byte[hq_random_next(stream) % (sizeof byte - 1)];
    for (unsigned i = 0; kind == 2 && i <= n; i++) out[i] = i < n ? (char)(1 + hq_random_next(stream) % 255) : '\0';
}

/* What was accepted is well formed. */
static bool sound(const hq_circuit *c)
{
    for (int i = 0; i < c->n_ops; i++) {
        const hq_op *op = &c->ops[i];
        for (int k = 0; k < hq_gate_wires(op->gate); k++)
            if (op->wires[k] < 0 || op->wires[k] >= QUBITS) return false;
        for (int k = 0; k < op->gate->parameters; k++)
            if (!isfinite(op->binding[k].scale) || !isfinite(op->binding[k].offset)) return false;
    }
    return c->n_ops > 0 || c->n_observables > 0;
}

static void any_text(void)
{
    enum { TEXTS = 6000 };
    hq_random stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, 9);
    int accepted = 0, wrong = 0;
    hq_stderr_hold();
    for (int i = 0; i < TEXTS; i++) {
        char text[160];
        const int errors = hq_log_error_count();
        hq_circuit *c;
        random_text(&stream, text, sizeof text);
        const hq_status status = (i % 4 ? read_gates : read_measure)(text, &c);
        accepted += status == HQ_OK;
        wrong += status == HQ_OK ? !sound(c) || hq_log_error_count() != errors
                                 : status != HQ_ERR_CONFIG || hq_log_error_count() != errors + 1;
        hq_circuit_destroy(c);
    }
    hq_stderr_release();
    CHECK_INT(wrong, 0);
    CHECK_MSG(accepted > 20 && accepted < TEXTS / 2, "%d of %d random texts are accepted", accepted, TEXTS);
}

int main(void)
{
    HQ_RUN(parameters_that_work);
    HQ_RUN(lines_that_work);
    HQ_RUN(every_gate);
    HQ_RUN(counts);
    HQ_RUN(texts_that_are_refused);
    HQ_RUN(refused_by_configuration);
    HQ_RUN(any_text);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
