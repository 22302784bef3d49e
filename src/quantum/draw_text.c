/* draw_text.c: a circuit in characters. Every wire has three lines; where nothing collides two of them become one. */
#include "quantum/layout.h"
#include "quantum/print.h"

#include <string.h>

enum { WIDTH_MIN = 40, NAME_MAX_LETTERS = 4 };

/* One row of the drawing: lines[3 qubits][width] of Unicode letters. */
typedef struct hq_canvas {
    int lines, width, margin; /* margin: letters before the wires */
    uint32_t *cell;
} hq_canvas;

static uint32_t *cell_at(const hq_canvas *canvas, int line, int column)
{
    return &canvas->cell[line * canvas->width + canvas->margin + column];
}

/* Writes a UTF-8 text. The texts are ours: well-formed, of up to three bytes a letter. */
static void write_text(const hq_canvas *canvas, int line, int column, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    for (; *at; column++) {
        uint32_t letter = *at++;
        if (letter >= 0xe0) {
            letter = (letter & 0x0fu) << 12 | (at[0] & 0x3fu) << 6 | (at[1] & 0x3fu);
            at += 2;
        } else if (letter >= 0xc0) {
            letter = (letter & 0x1fu) << 6 | (*at++ & 0x3fu);
        }
        *cell_at(canvas, line, column) = letter;
    }
}

static void print_letter(FILE *file, uint32_t letter)
{
    if (letter < 0x80) {
        fputc((int)letter, file);
    } else if (letter < 0x800) {
        fputc((int)(0xc0 | letter >> 6), file);
        fputc((int)(0x80 | (letter & 0x3f)), file);
    } else {
        fputc((int)(0xe0 | letter >> 12), file);
        fputc((int)(0x80 | (letter >> 6 & 0x3f)), file);
        fputc((int)(0x80 | (letter & 0x3f)), file);
    }
}

/* ---- marks ---- */

static void draw_box(const hq_canvas *canvas, int wire, int left, int width, const char *label, int centre, bool up,
                     bool down)
{
    for (int i = 1; i < width - 1; i++) {
        write_text(canvas, 3 * wire, left + i, "\u2500");
        write_text(canvas, 3 * wire + 2, left + i, "\u2500");
    }
    write_text(canvas, 3 * wire, left, "\u250c");
    write_text(canvas, 3 * wire, left + width - 1, "\u2510");
    write_text(canvas, 3 * wire + 1, left, "\u2524");
    write_text(canvas, 3 * wire + 1, left + 1, label);
    write_text(canvas, 3 * wire + 1, left + width - 1, "\u251c");
    write_text(canvas, 3 * wire + 2, left, "\u2514");
    write_text(canvas, 3 * wire + 2, left + width - 1, "\u2518");
    if (up) write_text(canvas, 3 * wire, centre, "\u2534");
    if (down) write_text(canvas, 3 * wire + 2, centre, "\u252c");
}

static void draw_mark(const hq_canvas *canvas, const hq_layout *layout, const hq_shape *shape, int wire, int centre)
{
    const int width = hq_layout_letters(shape->label) + 2;
    char letter[8] = "\u27e8?\u27e9";
    switch (hq_layout_mark(layout, shape, wire)) {
    case HQ_MARK_DOT:
        write_text(canvas, 3 * wire + 1, centre, "\u25cf");
        break;
    case HQ_MARK_PLUS:
        write_text(canvas, 3 * wire + 1, centre, "\u2295");
        break;
    case HQ_MARK_CROSS:
        write_text(canvas, 3 * wire + 1, centre, "\u00d7");
        break;
    case HQ_MARK_BOX:
        draw_box(canvas, wire, centre - (width - 1) / 2, width, shape->label, centre, wire > shape->first,
                 wire < shape->last);
        break;
    case HQ_MARK_LETTER:
        letter[3] = hq_pauli_letter(layout->circuit, shape->pauli, wire);
        write_text(canvas, 3 * wire + 1, centre - 1, letter);
        break;
    case HQ_MARK_NONE:
        write_text(canvas, 3 * wire + 1, centre, "\u253c");
    }
}

static void draw_shape(const hq_canvas *canvas, const hq_layout *layout, const hq_shape *shape)
{
    const hq_column *column = &layout->column[shape->column];
    const int centre = column->start + (column->width - 1) / 2;
    for (int line = 3 * shape->first + 2; line < 3 * shape->last + 1; line++)
        write_text(canvas, line, centre, "\u2502");
    for (int wire = shape->first; wire <= shape->last; wire++) draw_mark(canvas, layout, shape, wire, centre);
}

/* ---- rows ---- */

static void draw_wires(const hq_canvas *canvas, const hq_layout *layout, int row)
{
    char name[16];
    for (int wire = 0; wire < layout->circuit->qubits; wire++) {
        for (int i = 0; i < canvas->width - canvas->margin; i++) write_text(canvas, 3 * wire + 1, i, "\u2500");
        if (row > 0) write_text(canvas, 3 * wire + 1, 0, "\u2504");
        if (row < layout->rows - 1) write_text(canvas, 3 * wire + 1, canvas->width - canvas->margin - 1, "\u2504");
        snprintf(name, sizeof name, "q%d", wire);
        write_text(canvas, 3 * wire + 1, -canvas->margin, name);
    }
}

/* Whether two lines can be printed as one: no letter of one hides another of the other. */
static bool can_merge(const uint32_t *a, const uint32_t *b, int width)
{
    for (int i = 0; i < width; i++)
        if (a[i] != ' ' && b[i] != ' ' && a[i] != b[i]) return false;
    return true;
}

static void print_line(FILE *file, const uint32_t *a, const uint32_t *b, int width)
{
    int end = width;
    while (end > 0 && a[end - 1] == ' ' && b[end - 1] == ' ') end--;
    if (end == 0) return; /* above the first wire or below the last */
    for (int i = 0; i < end; i++) print_letter(file, a[i] != ' ' ? a[i] : b[i]);
    fputc('\n', file);
}

/* The lines below one wire and above the next are merged where possible, and the blank one is left out at the ends. */
static void print_canvas(const hq_canvas *canvas, FILE *file)
{
    const int width = canvas->width;
    const uint32_t *line = canvas->cell, *const last = canvas->cell + (canvas->lines - 1) * width;
    print_line(file, line, line, width);
    for (line += width; line < last; line += 2 * width) {
        print_line(file, line, line, width);
        line += width;
        if (line == last) break;
        if (can_merge(line, line + width, width)) {
            bool blank = true;
            for (int i = 0; i < width; i++) blank = blank && line[i] == ' ' && line[i + width] == ' ';
            if (blank) fputc('\n', file);
            print_line(file, line, line + width, width);
        } else {
            print_line(file, line, line, width);
            print_line(file, line + width, line + width, width);
        }
    }
    print_line(file, last, last, width);
}

static hq_status draw_row(const hq_layout *layout, int row, int margin, FILE *file)
{
    hq_canvas canvas = {
        .lines = 3 * layout->circuit->qubits, .width = margin + hq_layout_row_width(layout, row) + 1, .margin = margin};
    const int cells = canvas.lines * canvas.width;
    HQ_TRY(hq_alloc_array((size_t)cells, sizeof *canvas.cell, "a drawing", &canvas.cell));
    for (int i = 0; i < cells; i++) canvas.cell[i] = ' ';
    draw_wires(&canvas, layout, row);
    for (int i = 0; i < layout->shapes; i++)
        if (layout->column[layout->shape[i].column].row == row) draw_shape(&canvas, layout, &layout->shape[i]);
    if (row > 0) fputc('\n', file);
    print_canvas(&canvas, file);
    hq_free(canvas.cell);
    return HQ_OK;
}

hq_status hq_circuit_draw_text(const hq_circuit *circuit, const double *x, const double *w, int width, char **out_text)
{
    const int margin = circuit->qubits > 10 ? NAME_MAX_LETTERS : NAME_MAX_LETTERS - 1;
    const int limit = (width > WIDTH_MIN ? width : WIDTH_MIN) - margin - 1;
    const hq_layout_style style = {.letter = 1, .padding = 2, .mark = 1, .pauli = 3, .gap = 1, .limit = limit};
    hq_layout layout;
    hq_print print;
    *out_text = NULL;
    HQ_TRY(hq_print_open(&print));
    hq_status status = hq_layout_make(circuit, x, w, &style, &layout);
    for (int row = 0; status == HQ_OK && row < layout.rows; row++) status = draw_row(&layout, row, margin, print.file);
    hq_layout_free(&layout);
    return hq_print_close(&print, status, out_text);
}
