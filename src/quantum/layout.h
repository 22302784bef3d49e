/* layout.h: where the parts of a circuit stand in a drawing. Text and SVG share it; they differ in the unit of width.
 *
 * Shapes (gates, then Pauli strings) are packed into columns: each stands right behind the last one that shares a wire
 * with it or with the line between its wires. Pauli strings come behind all gates. Columns that do not fit into the
 * limit are broken into rows.
 */
#ifndef QUANTUM_LAYOUT_H
#define QUANTUM_LAYOUT_H

#include "quantum/circuit.h"

enum { HQ_LABEL_MAX = 256 }; /* bytes of the text in a box, with its end */

/* What a shape shows on a wire. */
typedef enum hq_mark {
    HQ_MARK_NONE,
    HQ_MARK_DOT,   /* a control */
    HQ_MARK_PLUS,  /* the target of CNOT or Toffoli */
    HQ_MARK_CROSS, /* of a swap */
    HQ_MARK_BOX,   /* of other gates, with the label */
    HQ_MARK_LETTER /* of a Pauli string */
} hq_mark;

typedef struct hq_shape {
    const hq_op *op;          /* NULL: a Pauli string */
    hq_pauli pauli;           /* of a Pauli string */
    int first, last;          /* wires */
    int column;               /* from 0, over all rows */
    char label[HQ_LABEL_MAX]; /* of the box; empty for a shape without one */
} hq_shape;

typedef struct hq_column {
    int row;
    int start, width; /* from the start of its row */
} hq_column;

/* Widths, in the unit of the drawing. */
typedef struct hq_layout_style {
    int letter, padding; /* of one letter in a box, and of the box without its label */
    int box;             /* of a box, at least */
    int mark;            /* of a shape without a box */
    int pauli;           /* of a letter of a Pauli string */
    int gap;             /* before each column */
    int limit;           /* of a row */
} hq_layout_style;

typedef struct hq_layout {
    const hq_circuit *circuit;
    int shapes, columns, rows;
    hq_shape *shape;
    hq_column *column;
} hq_layout;

/* Lays out a circuit; inputs x[Q] and weights w[P] that are given stand in it as numbers. HQ_ERR_MEMORY. Freed by
 * hq_layout_free, also after a failure. */
hq_status hq_layout_make(const hq_circuit *circuit, const double *x, const double *w, const hq_layout_style *style,
                         hq_layout *layout);
void hq_layout_free(hq_layout *layout);

/* The mark of a shape on a wire. */
hq_mark hq_layout_mark(const hq_layout *layout, const hq_shape *shape, int wire);

/* Width of a shape. */
int hq_layout_width(const hq_shape *shape, const hq_layout_style *style);

/* Letters of a UTF-8 text. */
int hq_layout_letters(const char *text);

/* Width of a row. */
int hq_layout_row_width(const hq_layout *layout, int row);

#endif
