#include "quantum/layout.h"

#include "quantum/print.h"

#include <string.h>

/* ---- shapes ---- */

static hq_mark target_mark(const hq_gate *gate)
{
    if (gate->form != HQ_FORM_FLIP) return HQ_MARK_BOX;
    if (gate->targets == 2) return HQ_MARK_CROSS;
    return gate->controls > 0 ? HQ_MARK_PLUS : HQ_MARK_BOX;
}

/* "U3(w0,w1,w2)" */
static void make_label(const hq_op *op, const double *x, const double *w, char *label)
{
    char angle[HQ_ANGLE_MAX];
    int used = snprintf(label, HQ_LABEL_MAX, "%s", op->gate->symbol);
    for (int slot = 0; slot < op->gate->parameters; slot++) {
        hq_print_angle(&op->binding[slot], x, w, HQ_DIGITS_SHORT, angle);
        used += snprintf(label + used, HQ_LABEL_MAX - (size_t)used, "%s%s", slot ? "," : "(", angle);
    }
    if (op->gate->parameters) snprintf(label + used, HQ_LABEL_MAX - (size_t)used, ")");
}

static void make_gate(const hq_op *op, const double *x, const double *w, hq_shape *shape)
{
    *shape = (hq_shape){.op = op, .first = op->wires[0], .last = op->wires[0]};
    for (int k = 1; k < hq_gate_wires(op->gate); k++) {
        if (op->wires[k] < shape->first) shape->first = op->wires[k];
        if (op->wires[k] > shape->last) shape->last = op->wires[k];
    }
    if (target_mark(op->gate) == HQ_MARK_BOX) make_label(op, x, w, shape->label);
}

/* A Pauli string without a letter has nothing to draw: false. */
static bool make_pauli(const hq_circuit *circuit, hq_pauli pauli, hq_shape *shape)
{
    *shape = (hq_shape){.pauli = pauli, .first = -1};
    for (int wire = 0; wire < circuit->qubits; wire++) {
        if (hq_pauli_letter(circuit, pauli, wire) == 'I') continue;
        if (shape->first < 0) shape->first = wire;
        shape->last = wire;
    }
    return shape->first >= 0;
}

/* Puts a shape behind all that is on its wires; end[wire] is the first free column. */
static void place(hq_shape *shape, int *end)
{
    for (int wire = shape->first; wire <= shape->last; wire++)
        if (end[wire] > shape->column) shape->column = end[wire];
    for (int wire = shape->first; wire <= shape->last; wire++) end[wire] = shape->column + 1;
}

static void place_all(const double *x, const double *w, hq_layout *layout)
{
    const hq_circuit *c = layout->circuit;
    int end[HQ_QUBITS_MAX] = {0}, last = 0;
    for (int i = 0; i < c->n_ops; i++) {
        hq_shape *shape = &layout->shape[layout->shapes++];
        make_gate(&c->ops[i], x, w, shape);
        place(shape, end);
    }
    for (int wire = 0; wire < c->qubits; wire++)
        if (end[wire] > last) last = end[wire];
    for (int wire = 0; wire < c->qubits; wire++) end[wire] = last;
    for (int k = 0; k < c->n_observables; k++) {
        hq_shape *shape = &layout->shape[layout->shapes];
        if (!make_pauli(c, c->observables[k], shape)) continue;
        layout->shapes++;
        place(shape, end);
    }
    for (int wire = 0; wire < c->qubits; wire++)
        if (end[wire] > layout->columns) layout->columns = end[wire];
}

/* ---- columns ---- */

int hq_layout_width(const hq_shape *shape, const hq_layout_style *style)
{
    if (!shape->op) return style->pauli;
    if (!shape->label[0]) return style->mark;
    const int width = style->padding + style->letter * hq_layout_letters(shape->label);
    return width < style->box ? style->box : width;
}

static void break_rows(const hq_layout_style *style, hq_layout *layout)
{
    int at = 0, row = 0;
    for (int i = 0; i < layout->shapes; i++) {
        hq_column *column = &layout->column[layout->shape[i].column];
        const int width = hq_layout_width(&layout->shape[i], style);
        if (width > column->width) column->width = width;
    }
    for (int i = 0; i < layout->columns; i++) {
        hq_column *column = &layout->column[i];
        if (at > 0 && at + style->gap + column->width > style->limit) {
            at = 0;
            row++;
        }
        column->row = row;
        column->start = at + style->gap;
        at = column->start + column->width;
    }
    layout->rows = row + 1;
}

hq_status hq_layout_make(const hq_circuit *circuit, const double *x, const double *w, const hq_layout_style *style,
                         hq_layout *layout)
{
    *layout = (hq_layout){.circuit = circuit};
    const size_t most = (size_t)circuit->n_ops + (size_t)circuit->n_observables;
    HQ_TRY(hq_alloc_array(most, sizeof *layout->shape, "a drawing", &layout->shape));
    place_all(x, w, layout);
    HQ_TRY(hq_alloc_array((size_t)layout->columns, sizeof *layout->column, "a drawing", &layout->column));
    break_rows(style, layout);
    return HQ_OK;
}

void hq_layout_free(hq_layout *layout)
{
    hq_free(layout->shape);
    hq_free(layout->column);
    *layout = (hq_layout){0};
}

/* ---- questions ---- */

hq_mark hq_layout_mark(const hq_layout *layout, const hq_shape *shape, int wire)
{
    if (!shape->op) return hq_pauli_letter(layout->circuit, shape->pauli, wire) == 'I' ? HQ_MARK_NONE : HQ_MARK_LETTER;
    for (int k = 0; k < hq_gate_wires(shape->op->gate); k++)
        if (shape->op->wires[k] == wire)
            return k < shape->op->gate->controls ? HQ_MARK_DOT : target_mark(shape->op->gate);
    return HQ_MARK_NONE;
}

int hq_layout_letters(const char *text)
{
    int letters = 0;
    for (; *text; text++) letters += (*text & 0xc0) != 0x80;
    return letters;
}

int hq_layout_row_width(const hq_layout *layout, int row)
{
    int width = 0;
    for (int i = 0; i < layout->columns; i++)
        if (layout->column[i].row == row) width = layout->column[i].start + layout->column[i].width;
    return width;
}
