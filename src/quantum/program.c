#include "quantum/program.h"

#include "quantum/reader.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- entries ---- */

/* Calls `take` for every entry that is not empty. */
static hq_status for_entries(hq_circuit *circuit, const char *key, const char *text,
                             hq_status (*take)(hq_circuit *, hq_reader *))
{
    hq_reader reader = {.key = key};
    while (*text) {
        const char *end = text + strcspn(text, ";");
        reader.start = reader.at = text;
        reader.end = end;
        reader.depth = 0;
        text = *end ? end + 1 : end;
        if (hq_reader_peek(&reader) == '\0') continue;
        reader.start = reader.at;
        while (isspace((unsigned char)reader.end[-1])) reader.end--;
        reader.entry++;
        HQ_TRY(take(circuit, &reader));
    }
    return HQ_OK;
}

/* ---- gates ---- */

static const char *nearest_gate(const char *name)
{
    const char *nearest = hq_gate_table[0].name;
    for (int i = 1; i < HQ_GATE_COUNT; i++)
        if (hq_edit_distance(name, hq_gate_table[i].name) < hq_edit_distance(name, nearest))
            nearest = hq_gate_table[i].name;
    return nearest;
}

static hq_status read_gate(hq_reader *r, const hq_gate **out_gate)
{
    char name[HQ_WORD_MAX], shown[HQ_WORD_MAX], known[8 * HQ_GATE_COUNT] = "";
    const char *text = hq_reader_shown(r, shown);
    hq_reader_name(r, name);
    if (!name[0]) return hq_reader_refuse(r, "%s in place of a gate; allowed: \"ry(x0) 1\" for example", text);
    *out_gate = hq_gate_find(strcmp(name, "u") == 0 ? "u3" : name);
    if (*out_gate) return HQ_OK;
    for (int i = 0, n = 0; i < HQ_GATE_COUNT; i++)
        n += snprintf(known + n, sizeof known - (size_t)n, "%s%s", i ? " " : "", hq_gate_table[i].name);
    return hq_reader_refuse(r, "unknown gate %s; the nearest known gate is \"%s\"; allowed: %s", text,
                            nearest_gate(name), known);
}

/* The bindings of "(parameter, ...)"; without parentheses none. */
static hq_status read_parameters(hq_reader *r, const hq_gate *gate, hq_binding *bindings)
{
    int n = 0;
    if (hq_reader_take(r, '(') && !hq_reader_take(r, ')')) {
        char close = ',';
        for (; close == ','; n++) {
            char shown[HQ_WORD_MAX];
            hq_binding binding;
            HQ_TRY(hq_reader_expression(r, &binding));
            if (n < gate->parameters) bindings[n] = binding;
            close = hq_reader_peek(r);
            if (close != ',' && close != ')')
                return hq_reader_refuse(r, "%s after parameter %d; allowed: + - * /, a comma or \")\"",
                                        hq_reader_shown(r, shown), n + 1);
            r->at++;
        }
    }
    if (n == gate->parameters) return HQ_OK;
    return hq_reader_refuse(r, "%d parameter%s; gate %s has %d", n, n == 1 ? "" : "s", gate->name, gate->parameters);
}

/* "2", "q2" or "q[2]" */
static hq_status read_wire(hq_reader *r, int qubits, int *wire)
{
    if (hq_reader_peek(r) == 'q') r->at++;
    return hq_reader_wire(r, qubits, wire);
}

/* Whether another wire follows, after blanks or a comma. */
static hq_status read_gap(hq_reader *r, bool *more)
{
    char shown[HQ_WORD_MAX];
    const char *before = r->at;
    *more = hq_reader_take(r, ',') || hq_reader_peek(r) != '\0';
    if (*more && r->at == before)
        return hq_reader_refuse(r, "%s after a wire; allowed: a blank or a comma", hq_reader_shown(r, shown));
    return HQ_OK;
}

static hq_status check_wires(const hq_reader *r, const hq_gate *gate, int n, const int *wires)
{
    static const char *const roles[] = {"", "", "the control, then the target", "the controls, then the target"};
    const int need = hq_gate_wires(gate);
    if (n != need) {
        const char *role = gate->targets == 1 ? roles[need] : "";
        return hq_reader_refuse(r, "%d wire%s; gate %s has %d%s%s", n, n == 1 ? "" : "s", gate->name, need,
                                role[0] ? ": " : "", role);
    }
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++)
            if (wires[a] == wires[b])
                return hq_reader_refuse(r, "wire %d twice; the wires of a gate must differ", wires[a]);
    return HQ_OK;
}

static hq_status read_wires(hq_reader *r, int qubits, const hq_gate *gate, int *wires)
{
    int n = 0;
    for (bool more = hq_reader_peek(r) != '\0'; more; n++) {
        int wire;
        HQ_TRY(read_wire(r, qubits, &wire));
        if (n < HQ_GATE_WIRES_MAX) wires[n] = wire;
        HQ_TRY(read_gap(r, &more));
    }
    return check_wires(r, gate, n, wires);
}

static hq_status take_gate(hq_circuit *circuit, hq_reader *r)
{
    const hq_gate *gate;
    hq_binding bindings[HQ_GATE_PARAMETERS_MAX];
    int wires[HQ_GATE_WIRES_MAX];
    HQ_TRY(read_gate(r, &gate));
    HQ_TRY(read_parameters(r, gate, bindings));
    HQ_TRY(read_wires(r, circuit->qubits, gate, wires));
    return hq_circuit_add(circuit, (hq_gate_id)(gate - hq_gate_table), wires, bindings);
}

static bool enters(const hq_circuit *circuit, hq_source source, int index)
{
    for (int e = 0; e < circuit->n_entries; e++) {
        const hq_binding *binding = hq_circuit_entry_binding(circuit, e);
        if (binding->source == source && binding->index == index) return true;
    }
    return false;
}

/* Every input (or weight) below the largest must enter somewhere. */
static hq_status check_numbers(const hq_circuit *circuit, const char *key, hq_source source)
{
    const bool input = source == HQ_SOURCE_INPUT;
    const int n = input ? circuit->inputs : circuit->weights;
    for (int i = 0; i < n; i++)
        if (!enters(circuit, source, i))
            HQ_FAIL(HQ_ERR_CONFIG, "%s: %s %c%d is never used, but %c%d is; number them from 0 without gaps", key,
                    input ? "input" : "weight", input ? 'x' : 'w', i, input ? 'x' : 'w', n - 1);
    return HQ_OK;
}

hq_status hq_program_gates(hq_circuit *circuit, const char *key, const char *text)
{
    HQ_TRY(for_entries(circuit, key, text, take_gate));
    if (circuit->inputs == 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: no gate has an input (x0), so that the images could not reach the circuit", key);
    HQ_TRY(check_numbers(circuit, key, HQ_SOURCE_INPUT));
    return check_numbers(circuit, key, HQ_SOURCE_WEIGHT);
}

/* ---- Pauli strings ---- */

static hq_status take_letter(const hq_circuit *circuit, hq_reader *r, hq_pauli *product)
{
    char shown[HQ_WORD_MAX];
    const char letter = (char)toupper((unsigned char)hq_reader_peek(r));
    int wire;
    if (letter != 'X' && letter != 'Y' && letter != 'Z')
        return hq_reader_refuse(r, "%s in place of X, Y or Z with a wire; allowed: \"X0\" or \"Z0 Z1\" for example",
                                hq_reader_shown(r, shown));
    r->at++;
    HQ_TRY(hq_reader_wire(r, circuit->qubits, &wire));
    const hq_pauli one = hq_circuit_pauli(circuit, letter, wire);
    if ((one.x | one.z) & (product->x | product->z))
        return hq_reader_refuse(r, "wire %d twice; allowed: one letter for each wire", wire);
    product->x |= one.x;
    product->z |= one.z;
    return HQ_OK;
}

static hq_status take_string(hq_circuit *circuit, hq_reader *r)
{
    hq_pauli product = {0};
    do {
        HQ_TRY(take_letter(circuit, r, &product));
    } while (hq_reader_take(r, '*') || hq_reader_peek(r) != '\0');
    return hq_circuit_observe(circuit, product);
}

hq_status hq_program_measure(hq_circuit *circuit, const char *key, const char *text)
{
    HQ_TRY(for_entries(circuit, key, text, take_string));
    if (circuit->n_observables == 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s names nothing to measure; allowed: \"X0\" or \"Z0 Z1\" for example", key);
    return HQ_OK;
}
