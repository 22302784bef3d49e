/* draw_svg.c: a circuit as a picture. Sizes are in pixels. It brings its own light background, and names no font that
 * must be there: any monospaced one fits. */
#include "quantum/layout.h"
#include "quantum/print.h"

enum {
    LETTER = 8,      /* width of a letter; fonts of 13 pixels have 7.8 */
    BOX_HEIGHT = 30, /* of a gate */
    WIRE_STEP = 46,  /* from wire to wire */
    ROW_GAP = 30,    /* between rows, beside the step */
    MARGIN = 18,     /* around all */
    NAME_WIDTH = 30, /* before the wires */
    TAIL = 14,       /* of the wires after the last column */
    BASELINE = 5,    /* of letters, below the middle of their box */
    PAULI = 28,      /* width and height of a letter of a Pauli string */
    LEGEND = 34,     /* height of the line of colours */
    ROW_LIMIT = 1080
};

static const hq_layout_style style = {
    .letter = LETTER, .padding = 14, .box = BOX_HEIGHT, .mark = 20, .pauli = PAULI, .gap = 14, .limit = ROW_LIMIT};

static const char head[] =
    "<style>\n"
    "text{font:13px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1b1f24;text-anchor:middle}\n"
    ".name{text-anchor:start}\n"
    ".note{font-size:12px;fill:#57606a;text-anchor:start}\n"
    ".wire{stroke:#8c959f;stroke-width:1.2;fill:none}\n"
    ".cut{stroke-dasharray:2 3}\n"
    ".link{stroke:#1b1f24;stroke-width:1.4;fill:none}\n"
    ".dot{fill:#1b1f24}\n"
    ".plus{stroke:#1b1f24;stroke-width:1.4;fill:#ffffff}\n"
    ".fixed,.weight,.input,.pauli{stroke:#57606a;stroke-width:1.1}\n"
    ".fixed{fill:#f6f8fa}\n"
    ".weight{fill:#fff1c9}\n"
    ".input{fill:#d6ebff}\n"
    ".pauli{fill:#e2f4e3}\n"
    "</style>\n";

/* Where a row starts, and its middle lines. */
typedef struct hq_place {
    FILE *file;
    const hq_layout *layout;
    int top;
} hq_place;

static int wire_y(const hq_place *place, int wire) { return place->top + BOX_HEIGHT / 2 + wire * WIRE_STEP; }

static int row_height(const hq_circuit *c) { return (c->qubits - 1) * WIRE_STEP + BOX_HEIGHT; }

/* ---- marks ---- */

static void draw_letters(const hq_place *place, int x, int y, const char *text)
{
    fprintf(place->file, "<text x=\"%d\" y=\"%d\">%s</text>\n", x, y + BASELINE, text);
}

static const char *class_of(const hq_op *op)
{
    static const char *const name[] = {
        [HQ_SOURCE_CONSTANT] = "fixed", [HQ_SOURCE_WEIGHT] = "weight", [HQ_SOURCE_INPUT] = "input"};
    return name[op->source];
}

static void draw_box(const hq_place *place, const hq_shape *shape, int x, int y)
{
    const int width = hq_layout_width(shape, &style);
    fprintf(place->file, "<rect class=\"%s\" x=\"%g\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>",
            class_of(shape->op), x - width / 2.0, y - BOX_HEIGHT / 2, width, BOX_HEIGHT);
    draw_letters(place, x, y, shape->label);
}

static void draw_pauli(const hq_place *place, char name, int x, int y)
{
    const char text[2] = {name, '\0'};
    fprintf(place->file, "<circle class=\"pauli\" cx=\"%d\" cy=\"%d\" r=\"%d\"/>", x, y, PAULI / 2);
    draw_letters(place, x, y, text);
}

static void draw_plus(const hq_place *place, int x, int y)
{
    fprintf(place->file, "<circle class=\"plus\" cx=\"%d\" cy=\"%d\" r=\"10\"/>", x, y);
    fprintf(place->file, "<path class=\"link\" d=\"M%d %dv20M%d %dh20\"/>\n", x, y - 10, x - 10, y);
}

static void draw_cross(const hq_place *place, int x, int y)
{
    fprintf(place->file, "<path class=\"link\" d=\"M%d %dl12 12M%d %dl12 -12\"/>\n", x - 6, y - 6, x - 6, y + 6);
}

static void draw_mark(const hq_place *place, const hq_shape *shape, int wire, int x)
{
    const int y = wire_y(place, wire);
    switch (hq_layout_mark(place->layout, shape, wire)) {
    case HQ_MARK_DOT:
        fprintf(place->file, "<circle class=\"dot\" cx=\"%d\" cy=\"%d\" r=\"4.5\"/>\n", x, y);
        break;
    case HQ_MARK_PLUS:
        draw_plus(place, x, y);
        break;
    case HQ_MARK_CROSS:
        draw_cross(place, x, y);
        break;
    case HQ_MARK_BOX:
        draw_box(place, shape, x, y);
        break;
    case HQ_MARK_LETTER:
        draw_pauli(place, hq_pauli_letter(place->layout->circuit, shape->pauli, wire), x, y);
        break;
    case HQ_MARK_NONE:
        break;
    }
}

static void draw_shape(const hq_place *place, const hq_shape *shape)
{
    const hq_column *column = &place->layout->column[shape->column];
    const int x = MARGIN + NAME_WIDTH + column->start + column->width / 2;
    if (shape->last > shape->first)
        fprintf(place->file, "<path class=\"link\" d=\"M%d %dV%d\"/>\n", x, wire_y(place, shape->first),
                wire_y(place, shape->last));
    for (int wire = shape->first; wire <= shape->last; wire++) draw_mark(place, shape, wire, x);
}

/* ---- rows ---- */

static void draw_wire(const hq_place *place, int row, int wire)
{
    const int y = wire_y(place, wire), left = MARGIN + NAME_WIDTH;
    const int right = left + hq_layout_row_width(place->layout, row) + TAIL;
    const bool from = row > 0, on = row < place->layout->rows - 1;
    fprintf(place->file, "<text class=\"name\" x=\"%d\" y=\"%d\">q%d</text>", MARGIN, y + BASELINE, wire);
    fprintf(place->file, "<path class=\"wire\" d=\"M%d %dH%d\"/>", left + (from ? TAIL : 0), y,
            right - (on ? TAIL : 0));
    if (from) fprintf(place->file, "<path class=\"wire cut\" d=\"M%d %dh%d\"/>", left, y, TAIL);
    if (on) fprintf(place->file, "<path class=\"wire cut\" d=\"M%d %dh%d\"/>", right - TAIL, y, TAIL);
    fputc('\n', place->file);
}

static void draw_row(const hq_place *place, int row)
{
    const hq_layout *layout = place->layout;
    for (int wire = 0; wire < layout->circuit->qubits; wire++) draw_wire(place, row, wire);
    for (int i = 0; i < layout->shapes; i++)
        if (layout->column[layout->shape[i].column].row == row) draw_shape(place, &layout->shape[i]);
}

static void draw_legend(FILE *file, int y)
{
    static const char *const entry[][2] = {
        {"input", "inputs"}, {"weight", "weights"}, {"fixed", "fixed"}, {"pauli", "measured"}};
    int x = MARGIN;
    for (size_t i = 0; i < sizeof entry / sizeof *entry; i++) {
        fprintf(file, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"14\" height=\"14\" rx=\"3\"/>", entry[i][0], x,
                y - 7);
        fprintf(file, "<text class=\"note\" x=\"%d\" y=\"%d\">%s</text>\n", x + 20, y + BASELINE - 1, entry[i][1]);
        x += 40 + LETTER * hq_layout_letters(entry[i][1]);
    }
}

static void draw_all(const hq_layout *layout, FILE *file)
{
    const int step = row_height(layout->circuit) + ROW_GAP;
    int width = 380; /* of the legend */
    for (int row = 0; row < layout->rows; row++) {
        const int needed = 2 * MARGIN + NAME_WIDTH + hq_layout_row_width(layout, row) + TAIL;
        if (needed > width) width = needed;
    }
    const int bottom = MARGIN + layout->rows * step - ROW_GAP, height = bottom + LEGEND + MARGIN;
    fprintf(
        file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n",
        width, height, width, height);
    fprintf(file, "<title>quantum circuit, %d qubits</title>\n%s", layout->circuit->qubits, head);
    fprintf(file, "<rect width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#ffffff\"/>\n", width, height);
    hq_place place = {file, layout, MARGIN};
    for (int row = 0; row < layout->rows; row++, place.top += step) draw_row(&place, row);
    draw_legend(file, bottom + LEGEND);
    fprintf(file, "</svg>\n");
}

hq_status hq_circuit_draw_svg(const hq_circuit *circuit, const double *x, const double *w, char **out_text)
{
    hq_layout layout;
    hq_print print;
    *out_text = NULL;
    HQ_TRY(hq_print_open(&print));
    hq_status status = hq_layout_make(circuit, x, w, &style, &layout);
    if (status == HQ_OK) draw_all(&layout, print.file);
    hq_layout_free(&layout);
    return hq_print_close(&print, status, out_text);
}
