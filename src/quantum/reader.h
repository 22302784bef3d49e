/* reader.h: what the parts of the parser in program.c share: a place in one entry, and refusals. */
#ifndef QUANTUM_READER_H
#define QUANTUM_READER_H

#include "quantum/circuit.h"

enum {
    HQ_INDEX_MAX = 4095, /* of an input or a weight */
    HQ_WORD_MAX = 32     /* bytes of a name, with its end */
};

typedef struct hq_reader {
    const char *key;              /* of the configuration */
    int entry;                    /* its number, from 1 */
    const char *start, *at, *end; /* of the entry, without blanks around it; what comes next */
    int depth;                    /* of parentheses */
} hq_reader;

/* Logs key, entry and the reason, and returns HQ_ERR_CONFIG. */
hq_status hq_reader_refuse(const hq_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next byte that is no blank, without taking it; '\0' at the end. */
char hq_reader_peek(hq_reader *reader);

/* Takes the next byte if it is `c`. */
bool hq_reader_take(hq_reader *reader, char c);

/* Copies what comes next, as far as a message wants it: a word or number, or one other character; "the end" there. */
const char *hq_reader_shown(hq_reader *reader, char buffer[HQ_WORD_MAX]);

/* Takes a name (letters, digits, '_', starting with a letter) in lower case; "" when none comes. What is longer than
 * the buffer is taken too, but cut. */
void hq_reader_name(hq_reader *reader, char name[HQ_WORD_MAX]);

/* Takes an index, "3" or "[3]", of at most HQ_INDEX_MAX, `what` naming it in messages; or below `qubits`. */
hq_status hq_reader_index(hq_reader *reader, const char *what, int *index);
hq_status hq_reader_wire(hq_reader *reader, int qubits, int *wire);

/* Takes an expression: a constant, or a factor times one input or weight, plus an offset. */
hq_status hq_reader_expression(hq_reader *reader, hq_binding *out);

#endif
