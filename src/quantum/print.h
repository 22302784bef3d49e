/* print.h: texts that are made piece by piece, and the parameters of a gate as text. */
#ifndef QUANTUM_PRINT_H
#define QUANTUM_PRINT_H

#include "quantum/circuit.h"

#include <stdio.h>

/* A text that grows: write to `file`, then take it. */
typedef struct hq_print {
    FILE *file;
    char *text;
    size_t size;
} hq_print;

/* Opens an empty text. HQ_ERR_MEMORY. */
hq_status hq_print_open(hq_print *print);

/* Closes the text. With `status` HQ_OK it is handed over, to be freed with hq_free; else, or when memory ran out, *out
 * is NULL. Returns `status`, or HQ_ERR_MEMORY. */
hq_status hq_print_close(hq_print *print, hq_status status, char **out);

enum { HQ_ANGLE_MAX = 80 }; /* bytes of one parameter as text, with its end */

typedef enum hq_digits {
    HQ_DIGITS_SHORT, /* for people: 4 digits, simple fractions of pi as such */
    HQ_DIGITS_EXACT  /* 17 digits, with a decimal point before any exponent */
} hq_digits;

/* A parameter as text: its value where inputs x[Q] or weights w[P] are given, else an expression of "x3" or "w3". */
void hq_print_angle(const hq_binding *binding, const double *x, const double *w, hq_digits digits,
                    char text[HQ_ANGLE_MAX]);

/* A Pauli string of a circuit: "Z0 X3", or "I". text[HQ_OUTPUT_NAME_MAX]. */
void hq_print_pauli(const hq_circuit *circuit, hq_pauli pauli, char *text);

/* Its letter on a wire: 'I', 'X', 'Y' or 'Z'. */
char hq_pauli_letter(const hq_circuit *circuit, hq_pauli pauli, int wire);

#endif
