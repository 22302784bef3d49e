#include "config/scan.h"

#include <ctype.h>
#include <string.h>

/* Each of these returns the end of the piece that starts at `at`. */
static const char *skip_text(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) at++;
    return *at ? at + 1 : at;
}

static const char *skip_line(const char *at) { return at + strcspn(at, "\n"); }

static const char *skip_block(const char *at)
{
    const char *end = strstr(at + 2, "*/");
    return end ? end + 2 : at + strlen(at);
}

static const char *skip_name(const char *at)
{
    while (isalnum((unsigned char)*at) || *at == '_' || *at == '-' || *at == '*') at++;
    return at;
}

/* A number, and whether it is an integer without L. */
static const char *skip_number(const char *at, bool *plain_integer)
{
    const char *start = at;
    bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    if (hex) {
        for (at += 2; isxdigit((unsigned char)*at);) at++;
        *plain_integer = at > start + 2;
    } else {
        while (isdigit((unsigned char)*at)) at++;
        *plain_integer = at > start;
    }
    const char *digits_end = at;
    while (isalnum((unsigned char)*at) || *at == '.' ||
           ((*at == '-' || *at == '+') && (at[-1] == 'e' || at[-1] == 'E')))
        at++;
    if (at != digits_end) *plain_integer = false; /* a real number, one with L, or no number at all */
    return at;
}

static const char *skip_piece(const char *at, bool *plain_integer)
{
    if (*at == '"') return skip_text(at);
    if (*at == '#' || (at[0] == '/' && at[1] == '/')) return skip_line(at);
    if (at[0] == '/' && at[1] == '*') return skip_block(at);
    if (isalpha((unsigned char)*at) || *at == '*' || *at == '_') return skip_name(at);
    if (isdigit((unsigned char)*at) || *at == '.') return skip_number(at, plain_integer);
    return at + 1;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++) line += *text == '\n';
    return line;
}

/* libconfig lets a comment run to the end of the file, and drops the keys in it without a word. */
static hq_status check_comments(const char *text, const char *name)
{
    for (const char *at = text; *at;) {
        bool plain_integer;
        bool block = at[0] == '/' && at[1] == '*';
        if (block && !strstr(at + 2, "*/")) {
            HQ_FAIL(HQ_ERR_CONFIG, "%s:%d: comment without end; expected: /* ... */", name, line_of(text, at));
        }
        at = skip_piece(at, &plain_integer);
    }
    return HQ_OK;
}

hq_status hq_scan_widen(const char *text, const char *name, char **out)
{
    HQ_TRY(check_comments(text, name));
    HQ_TRY(hq_alloc(2 * strlen(text) + 1, "the text of the configuration", out)); /* at worst one L for each digit */
    char *to = *out;
    while (*text) {
        bool plain_integer = false;
        const char *end = skip_piece(text, &plain_integer);
        memcpy(to, text, (size_t)(end - text));
        to += end - text;
        if (plain_integer) *to++ = 'L';
        text = end;
    }
    *to = '\0';
    return HQ_OK;
}
