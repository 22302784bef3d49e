/* Lists of texts (LINES): entries joined by "; ". */
#ifndef HQ_CONFIG_LINES_H
#define HQ_CONFIG_LINES_H

#include "hqcnn/config.h"

/* Writes `text`, entries with ';' between them, in its canonical form: no blanks around an entry, one for each run of
 * blanks inside it, no empty entries, "; " between two. Returns the bytes this takes without the end; what is beyond
 * HQ_LINES_MAX - 1 is not written. */
size_t hq_lines_tidy(const char *text, char out[HQ_LINES_MAX]);

/* One entry of a canonical list. */
typedef struct hq_line {
    const char *text; /* n bytes, without an end */
    size_t n;
} hq_line;

/* Takes the entry at *at, which starts as the whole list, and goes to the next one. False after the last. */
bool hq_lines_next(const char **at, hq_line *line);

#endif
