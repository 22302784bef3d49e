#include "qasm_run.h"

#include "support/check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

enum { NAME = 32, GATES = 16, ARGUMENTS = 3 };

typedef struct definition {
    char name[NAME];
    int parameters, wires;
    char parameter[ARGUMENTS][NAME], wire[ARGUMENTS][NAME];
    const char *body; /* behind the brace */
} definition;

/* What names mean inside a gate's body; NULL outside. */
typedef struct scope {
    const definition *gate;
    const double *value;
    const int *wire;
} scope;

typedef struct program {
    const char *at;
    bool good;
    int version, n, defined, inputs, weights;
    definition gate[GATES];
    const double *x, *w;
    dense_number *psi;
} program;

/* ---- words ---- */

static void fail(program *p, const char *why)
{
    if (p->good) CHECK_MSG(false, "OpenQASM %d: %s at \"%.40s\"", p->version, why, p->at);
    p->good = false;
}

static void skip_blanks(program *p)
{
    for (;;) {
        while (isspace((unsigned char)*p->at)) p->at++;
        if (strncmp(p->at, "//", 2) != 0) return;
        p->at += strcspn(p->at, "\n");
    }
}

static bool take(program *p, const char *token)
{
    skip_blanks(p);
    if (strncmp(p->at, token, strlen(token)) != 0) return false;
    p->at += strlen(token);
    return true;
}

static void want(program *p, const char *token)
{
    if (!take(p, token)) fail(p, token);
}

static void read_name(program *p, char name[NAME])
{
    int n = 0;
    skip_blanks(p);
    while ((isalnum((unsigned char)*p->at) || *p->at == '_') && n < NAME - 1) name[n++] = *p->at++;
    name[n] = '\0';
    if (n == 0 || isdigit((unsigned char)name[0])) fail(p, "a name is missing");
}

static int read_integer(program *p)
{
    skip_blanks(p);
    if (!isdigit((unsigned char)*p->at)) fail(p, "an integer is missing");
    char *end;
    const int value = (int)strtol(p->at, &end, 10);
    p->at = end;
    return value;
}

/* ---- expressions ---- */

static double read_sum(program *p, const scope *in);

static double read_symbol(program *p, const scope *in)
{
    char name[NAME];
    read_name(p, name);
    if (!strcmp(name, "pi")) return PI;
    for (int i = 0; in && i < in->gate->parameters; i++)
        if (!strcmp(name, in->gate->parameter[i])) return in->value[i];
    const int index = atoi(name + 1);
    if (!in && name[0] == 'x' && index < p->inputs) return p->x[index];
    if (!in && name[0] == 'w' && index < p->weights) return p->w[index];
    fail(p, "an unknown symbol");
    return 0;
}

/* A real number of OpenQASM 2 has a point: 1e-5 would be no number. */
static double read_number(program *p)
{
    char *end;
    const double value = strtod(p->at, &end);
    if (memchr(p->at, 'e', (size_t)(end - p->at)) && !memchr(p->at, '.', (size_t)(end - p->at)))
        fail(p, "a real number without a point");
    p->at = end;
    return value;
}

static double read_factor(program *p, const scope *in)
{
    if (take(p, "-")) return -read_factor(p, in);
    if (take(p, "(")) {
        const double value = read_sum(p, in);
        want(p, ")");
        return value;
    }
    return isdigit((unsigned char)*p->at) || *p->at == '.' ? read_number(p) : read_symbol(p, in);
}

static double read_product(program *p, const scope *in)
{
    double value = read_factor(p, in);
    for (;;) {
        if (take(p, "*"))
            value *= read_factor(p, in);
        else if (take(p, "/"))
            value /= read_factor(p, in);
        else
            return value;
    }
}

static double read_sum(program *p, const scope *in)
{
    double value = read_product(p, in);
    for (;;) {
        if (take(p, "+"))
            value += read_product(p, in);
        else if (take(p, "-"))
            value -= read_product(p, in);
        else
            return value;
    }
}

/* ---- gates of the include files ---- */

/* Swaps wires b and c where a is 1. */
static void apply_cswap(const program *p, const int *wires)
{
    const int a = 1 << (p->n - 1 - wires[0]), b = 1 << (p->n - 1 - wires[1]), c = 1 << (p->n - 1 - wires[2]);
    for (int i = 0; i < 1 << p->n; i++) {
        if (!(i & a) || !(i & b) || i & c) continue;
        const int j = (i & ~b) | c;
        const dense_number other = p->psi[j];
        p->psi[j] = p->psi[i];
        p->psi[i] = other;
    }
}

static bool is_listed(const char *name, const char *list)
{
    const char *at = strstr(list, name);
    const size_t n = strlen(name);
    for (; at; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
    return false;
}

static void apply_included(program *p, const char *name, const double *value, int wires, const int *wire)
{
    static const char *const list[] = {
        "u3 u1 cx id x y z h s sdg t tdg rx ry rz cz ccx crz cu1",
        "p x y z h s sdg t tdg sx rx ry rz cx cz cp crx cry crz swap ccx cswap u1 u3 id"};
    static const char *const as_ours[][2] = {{"u1", "p"}, {"cu1", "cp"}};
    dense_number m[64];
    if (!is_listed(name, list[p->version - 2])) {
        fail(p, name);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (!strcmp(name, as_ours[i][0])) name = as_ours[i][1];
    if (!strcmp(name, "id")) return;
    if (!strcmp(name, "cswap")) {
        apply_cswap(p, wire);
        return;
    }
    int k = 1;
    if (!strcmp(name, "sx")) {
        m[0] = m[3] = (1 + I) / 2;
        m[1] = m[2] = (1 - I) / 2;
    } else {
        k = dense_gate(name, value, m);
    }
    if (k != wires)
        fail(p, "another number of wires");
    else
        dense_apply(p->n, k, wire, m, p->psi);
}

/* ---- statements ---- */

static int read_wire(program *p, const scope *in)
{
    char name[NAME];
    read_name(p, name);
    for (int i = 0; in && i < in->gate->wires; i++)
        if (!strcmp(name, in->gate->wire[i])) return in->wire[i];
    if (in || strcmp(name, "q") != 0) fail(p, "an unknown wire");
    want(p, "[");
    const int wire = read_integer(p);
    want(p, "]");
    if (wire >= p->n) fail(p, "a wire too many");
    return p->good ? wire : 0;
}

static void run_call(program *p, const char *name, const scope *in);

static void run_body(program *p, const scope *in)
{
    const char *back = p->at;
    char name[NAME];
    p->at = in->gate->body;
    while (p->good && !take(p, "}")) {
        read_name(p, name);
        run_call(p, name, in);
    }
    p->at = back;
}

/* Behind the name of a gate. */
static void run_call(program *p, const char *name, const scope *in)
{
    double value[ARGUMENTS] = {0};
    int parameters = 0, wires = 0, wire[ARGUMENTS];
    if (take(p, "(")) {
        do value[parameters++] = read_sum(p, in);
        while (p->good && parameters < ARGUMENTS && take(p, ","));
        want(p, ")");
    }
    do wire[wires++] = read_wire(p, in);
    while (p->good && wires < ARGUMENTS && take(p, ","));
    want(p, ";");
    if (!p->good) return;
    for (int i = 0; i < p->defined; i++) {
        const definition *gate = &p->gate[i];
        if (strcmp(name, gate->name) != 0) continue;
        if (gate->parameters != parameters || gate->wires != wires) fail(p, "another number of arguments");
        if (p->good) run_body(p, &(scope){gate, value, wire});
        return;
    }
    apply_included(p, name, value, wires, wire);
}

static void read_definition(program *p)
{
    definition *gate = &p->gate[p->defined];
    if (p->defined == GATES) fail(p, "too many definitions");
    if (!p->good) return;
    *gate = (definition){.name = ""};
    read_name(p, gate->name);
    if (take(p, "(")) {
        do read_name(p, gate->parameter[gate->parameters++]);
        while (p->good && gate->parameters < ARGUMENTS && take(p, ","));
        want(p, ")");
    }
    do read_name(p, gate->wire[gate->wires++]);
    while (p->good && gate->wires < ARGUMENTS && take(p, ","));
    want(p, "{");
    gate->body = p->at;
    p->at += strcspn(p->at, "}");
    want(p, "}");
    p->defined++; /* from here on: a gate must be defined before it is used */
}

static void read_input(program *p)
{
    char name[NAME];
    want(p, "float[64]");
    read_name(p, name);
    int *count = name[0] == 'x' ? &p->inputs : &p->weights;
    if (atoi(name + 1) != *count || p->version != 3) fail(p, "an input that does not belong here");
    ++*count;
    want(p, ";");
}

static void run_statement(program *p)
{
    char name[NAME];
    if (take(p, "measure q -> c;") || take(p, "c = measure q;")) return;
    read_name(p, name);
    if (!strcmp(name, "gate"))
        read_definition(p);
    else if (!strcmp(name, "input"))
        read_input(p);
    else
        run_call(p, name, NULL);
}

static void read_registers(program *p)
{
    if (!take(p, p->version == 2 ? "qreg q[" : "qubit[")) fail(p, "no register");
    if (read_integer(p) != p->n) fail(p, "another number of qubits");
    want(p, p->version == 2 ? "];" : "] q;");
    if (take(p, p->version == 2 ? "creg c[" : "bit[")) {
        if (read_integer(p) != p->n) fail(p, "another number of bits");
        want(p, p->version == 2 ? "];" : "] c;");
    }
}

bool qasm_run(const char *text, int n, const double *x, const double *w, dense_number *psi)
{
    program p = {.at = text, .good = true, .n = n, .x = x, .w = w, .psi = psi};
    p.version = take(&p, "OPENQASM 2.0;") ? 2 : 3;
    if (p.version == 3) want(&p, "OPENQASM 3.0;");
    want(&p, p.version == 2 ? "include \"qelib1.inc\";" : "include \"stdgates.inc\";");
    for (int i = 0; i < 1 << n; i++) psi[i] = i == 0;
    for (skip_blanks(&p); p.good && (!strncmp(p.at, "gate ", 5) || !strncmp(p.at, "input ", 6)); skip_blanks(&p))
        run_statement(&p);
    read_registers(&p);
    for (skip_blanks(&p); p.good && *p.at; skip_blanks(&p)) run_statement(&p);
    return p.good;
}
