#include "config/value.h"

#include "config/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hq_value_real(double value, char out[HQ_REAL_MAX])
{
    for (int digits = 15; digits <= 17; digits++) { /* 17 are always enough */
        snprintf(out, HQ_REAL_MAX, "%.*g", digits, value);
        if (strtod(out, NULL) == value) return;
    }
}

/* Without a point or an exponent libconfig would take the number for an integer. */
static void print_real(hq_text *text, double value)
{
    char number[HQ_REAL_MAX];
    hq_value_real(value, number);
    hq_text_add(text, "%s%s", number, strpbrk(number, ".e") ? "" : ".0");
}

void hq_value_print_text(hq_text *text, const char *value, size_t n)
{
    hq_text_add(text, "\"");
    for (const char *c = value; c < value + n; c++) {
        if (*c == '"' || *c == '\\')
            hq_text_add(text, "\\%c", *c);
        else if ((unsigned char)*c < ' ' || *c == 127)
            hq_text_add(text, "\\x%02x", (unsigned char)*c);
        else
            hq_text_add(text, "%c", *c);
    }
    hq_text_add(text, "\"");
}

static void print_list(hq_text *text, const hq_list *list)
{
    hq_text_add(text, "[");
    for (int i = 0; i < list->n; i++) hq_text_add(text, "%s%d", i ? ", " : "", list->v[i]);
    hq_text_add(text, "]");
}

/* With `gap` before each entry and `end` after the last. */
static void print_lines(hq_text *text, const char *lines, const char *gap, const char *end)
{
    hq_line line;
    hq_text_add(text, "(");
    for (const char *at = lines, *comma = ""; hq_lines_next(&at, &line); comma = ",") {
        hq_text_add(text, "%s%s", comma, *comma || *end ? gap : "");
        hq_value_print_text(text, line.text, line.n);
    }
    hq_text_add(text, "%s)", end);
}

void hq_value_print_block(hq_text *text, const hq_key *key, const hq_config *config, int indent)
{
    char gap[64], end[64];
    const char *lines = hq_key_field(key, config);
    if (key->kind != HQ_KIND_LINES || !strchr(lines, ';')) {
        hq_value_print(text, key, config);
        return;
    }
    snprintf(gap, sizeof gap, "\n%*s", indent + 4, "");
    snprintf(end, sizeof end, "\n%*s", indent, "");
    print_lines(text, lines, gap, end);
}

void hq_value_print(hq_text *text, const hq_key *key, const hq_config *config)
{
    const void *value = hq_key_field(key, config);
    switch (key->kind) {
    case HQ_KIND_INT:
        hq_text_add(text, "%d", *(const int *)value);
        break;
    case HQ_KIND_REAL:
        print_real(text, *(const double *)value);
        break;
    case HQ_KIND_WORD:
        hq_text_add(text, "\"%s\"", hq_key_word(key, *(const int *)value));
        break;
    case HQ_KIND_TEXT:
        hq_value_print_text(text, value, strlen(value));
        break;
    case HQ_KIND_LIST:
        print_list(text, value);
        break;
    case HQ_KIND_LINES:
        print_lines(text, value, " ", "");
        break;
    }
}

bool hq_value_equal(const hq_key *key, const hq_config *a, const hq_config *b)
{
    const void *x = hq_key_field(key, a), *y = hq_key_field(key, b);
    switch (key->kind) {
    case HQ_KIND_INT:
    case HQ_KIND_WORD:
        return *(const int *)x == *(const int *)y;
    case HQ_KIND_REAL:
        return *(const double *)x == *(const double *)y;
    case HQ_KIND_TEXT:
    case HQ_KIND_LINES:
        return strcmp(x, y) == 0;
    case HQ_KIND_LIST:
        break;
    }
    const hq_list *p = x, *q = y;
    return p->n == q->n && memcmp(p->v, q->v, (size_t)p->n * sizeof *p->v) == 0;
}
