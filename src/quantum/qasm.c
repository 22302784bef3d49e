/* qasm.c: a circuit in OpenQASM 2.0 (Cross et al., arXiv:1707.03429) or 3.0 (Cross et al., arXiv:2104.14722). */
#include "quantum/circuit.h"
#include "quantum/print.h"

#include <math.h>
#include <string.h>

/* How a gate is written where it is not written as in the gate table. A gate that the include file of the paper lacks
 * has a definition; its name is our own, because many programs have a longer include file, with a definition that
 * would clash. Definitions have one parameter at most: quantum-circuit 0.9 mixes up several. All are exact up to a
 * phase that no control sees. */
typedef struct hq_spelling {
    const char *name;       /* NULL: of the gate table */
    const char *definition; /* NULL: the include file has it */
} hq_spelling;

#define DEFINE_RXX                                                                                                     \
    {                                                                                                                  \
        "hq_rxx", "(theta) a,b { h a; h b; cx a,b; rz(theta) b; cx a,b; h a; h b; }"                                   \
    }
#define DEFINE_RZZ                                                                                                     \
    {                                                                                                                  \
        "hq_rzz", "(theta) a,b { cx a,b; rz(theta) b; cx a,b; }"                                                       \
    }
#define DEFINE_RYY                                                                                                     \
    {                                                                                                                  \
        "hq_ryy", "(theta) a,b { rx(pi/2) a; rx(pi/2) b; cx a,b; rz(theta) b; cx a,b; rx(-pi/2) a; rx(-pi/2) b; }"     \
    }

/* qelib1.inc of the paper has the names of the table but these. Its cu3 is controlled up to a phase on the control that
 * differs between programs, so that cu3 is written as three gates instead. */
static const hq_spelling qasm2[HQ_GATE_COUNT] = {
    [HQ_GATE_SX] = {"hq_sx", " a { sdg a; h a; sdg a; }"},
    [HQ_GATE_P] = {"u1", NULL},
    [HQ_GATE_CP] = {"cu1", NULL},
    [HQ_GATE_SWAP] = {"hq_swap", " a,b { cx a,b; cx b,a; cx a,b; }"},
    [HQ_GATE_CSWAP] = {"hq_cswap", " a,b,c { cx c,b; ccx a,b,c; cx c,b; }"},
    [HQ_GATE_CRX] = {"hq_crx", "(theta) a,b { h b; crz(theta) a,b; h b; }"},
    [HQ_GATE_CRY] = {"hq_cry", "(theta) a,b { ry(theta/2) b; cx a,b; ry(-theta/2) b; cx a,b; }"},
    [HQ_GATE_RXX] = DEFINE_RXX,
    [HQ_GATE_RYY] = DEFINE_RYY,
    [HQ_GATE_RZZ] = DEFINE_RZZ,
};

/* stdgates.inc has the names of the table but these. */
static const hq_spelling qasm3[HQ_GATE_COUNT] = {
    [HQ_GATE_RXX] = DEFINE_RXX,
    [HQ_GATE_RYY] = DEFINE_RYY,
    [HQ_GATE_RZZ] = DEFINE_RZZ,
};

typedef struct hq_writer {
    FILE *file;
    const hq_circuit *circuit;
    int version;
    const double *x, *w; /* NULL: as symbols */
} hq_writer;

static int gate_id(const hq_gate *gate) { return (int)(gate - hq_gate_table); }

static const hq_spelling *spelling(const hq_writer *writer, int id)
{
    return writer->version == 2 ? &qasm2[id] : &qasm3[id];
}

/* ---- before the gates ---- */

static void define_gates(const hq_writer *writer)
{
    const hq_circuit *c = writer->circuit;
    bool used[HQ_GATE_COUNT] = {false};
    for (int i = 0; i < c->n_ops; i++) used[gate_id(c->ops[i].gate)] = true;
    if (writer->version == 2 && used[HQ_GATE_CU3]) used[HQ_GATE_CRY] = true;
    for (int id = 0; id < HQ_GATE_COUNT; id++) {
        const hq_spelling *s = spelling(writer, id);
        if (used[id] && s->definition) fprintf(writer->file, "gate %s%s\n", s->name, s->definition);
    }
}

static void declare_symbols(const hq_writer *writer)
{
    const hq_circuit *c = writer->circuit;
    for (int i = 0; !writer->x && i < c->inputs; i++) fprintf(writer->file, "input float[64] x%d;\n", i);
    for (int i = 0; !writer->w && i < c->weights; i++) fprintf(writer->file, "input float[64] w%d;\n", i);
}

static void write_head(const hq_writer *writer, bool measured)
{
    const int n = writer->circuit->qubits;
    const bool old = writer->version == 2;
    char name[HQ_OUTPUT_NAME_MAX];
    fprintf(writer->file, "OPENQASM %d.0;\ninclude \"%s\";\n", writer->version, old ? "qelib1.inc" : "stdgates.inc");
    for (int k = 0; k < writer->circuit->n_observables; k++) {
        hq_circuit_output_name(writer->circuit, k, name);
        fprintf(writer->file, "// output %d: %s\n", k, name);
    }
    declare_symbols(writer);
    define_gates(writer);
    fprintf(writer->file, old ? "qreg q[%d];\n" : "qubit[%d] q;\n", n);
    if (measured) fprintf(writer->file, old ? "creg c[%d];\n" : "bit[%d] c;\n", n);
}

/* ---- gates ---- */

static void write_gate(const hq_writer *writer, int id, const hq_binding *binding, const int *wires)
{
    const hq_gate *gate = &hq_gate_table[id];
    const char *name = spelling(writer, id)->name;
    char angle[HQ_ANGLE_MAX];
    fputs(name ? name : gate->name, writer->file);
    for (int slot = 0; slot < gate->parameters; slot++) {
        hq_print_angle(&binding[slot], writer->x, writer->w, HQ_DIGITS_EXACT, angle);
        fprintf(writer->file, "%c%s", slot ? ',' : '(', angle);
    }
    if (gate->parameters) fputc(')', writer->file);
    for (int k = 0; k < hq_gate_wires(gate); k++) fprintf(writer->file, "%cq[%d]", k ? ',' : ' ', wires[k]);
    fputs(";\n", writer->file);
}

/* U3(theta, phi, delta) = P(phi) RY(theta) P(delta), each of them controlled. */
static void write_cu3(const hq_writer *writer, const hq_op *op)
{
    write_gate(writer, HQ_GATE_CP, &op->binding[2], op->wires);
    write_gate(writer, HQ_GATE_CRY, &op->binding[0], op->wires);
    write_gate(writer, HQ_GATE_CP, &op->binding[1], op->wires);
}

static void write_gates(const hq_writer *writer)
{
    for (int i = 0; i < writer->circuit->n_ops; i++) {
        const hq_op *op = &writer->circuit->ops[i];
        if (gate_id(op->gate) == HQ_GATE_CU3)
            write_cu3(writer, op);
        else
            write_gate(writer, gate_id(op->gate), op->binding, op->wires);
    }
}

/* Turns the eigenvectors of X and Y to those of Z, then measures all wires: bit i is wire i. */
static void write_measurement(const hq_writer *writer, const char *basis)
{
    for (int wire = 0; wire < writer->circuit->qubits; wire++) {
        HQ_ASSERT(basis[wire] == 'X' || basis[wire] == 'Y' || basis[wire] == 'Z');
        if (basis[wire] == 'Y') fprintf(writer->file, "sdg q[%d];\n", wire);
        if (basis[wire] != 'Z') fprintf(writer->file, "h q[%d];\n", wire);
    }
    fputs(writer->version == 2 ? "measure q -> c;\n" : "c = measure q;\n", writer->file);
}

/* ---- the whole text ---- */

static hq_status check_numbers(const char *what, const double *v, int n)
{
    for (int i = 0; v && i < n; i++)
        if (!isfinite(v[i])) HQ_FAIL(HQ_ERR_CONFIG, "OpenQASM export: %s %d is %g; it must be finite", what, i, v[i]);
    return HQ_OK;
}

static hq_status check(const hq_writer *writer)
{
    const hq_circuit *c = writer->circuit;
    if (writer->version != 2 && writer->version != 3)
        HQ_FAIL(HQ_ERR_CONFIG, "OpenQASM version %d; allowed are 2 and 3", writer->version);
    if (writer->version == 2 && ((!writer->x && c->inputs) || (!writer->w && c->weights)))
        HQ_FAIL(HQ_ERR_CONFIG,
                "OpenQASM 2.0 has no symbols: the circuit needs numbers for its %d inputs and %d weights", c->inputs,
                c->weights);
    HQ_TRY(check_numbers("input", writer->x, c->inputs));
    return check_numbers("weight", writer->w, c->weights);
}

hq_status hq_circuit_write_qasm(const hq_circuit *circuit, int version, const double *x, const double *w,
                                const char *basis, char **out_text)
{
    hq_writer writer = {.circuit = circuit, .version = version, .x = x, .w = w};
    hq_print print;
    *out_text = NULL;
    HQ_TRY(check(&writer));
    HQ_TRY(hq_print_open(&print));
    writer.file = print.file;
    write_head(&writer, basis != NULL);
    write_gates(&writer);
    if (basis) write_measurement(&writer, basis);
    return hq_print_close(&print, HQ_OK, out_text);
}
