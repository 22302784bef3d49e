#include "config/lines.h"

#include <ctype.h>
#include <string.h>

size_t hq_lines_tidy(const char *text, char out[HQ_LINES_MAX])
{
    size_t n = 0;
    const char *gap = ""; /* what stands between the last byte written and the next one */
    memset(out, 0, HQ_LINES_MAX);
    for (; *text; text++) {
        if (*text == ';') {
            gap = n ? "; " : "";
        } else if (isspace((unsigned char)*text)) {
            if (n && !*gap) gap = " ";
        } else {
            for (; *gap; gap++, n++)
                if (n < HQ_LINES_MAX - 1) out[n] = *gap;
            if (n < HQ_LINES_MAX - 1) out[n] = *text;
            n++;
        }
    }
    return n;
}

bool hq_lines_next(const char **at, hq_line *line)
{
    if (**at == '\0') return false;
    *line = (hq_line){*at, strcspn(*at, ";")};
    *at += line->n;
    if (**at) *at += strlen("; ");
    return true;
}
