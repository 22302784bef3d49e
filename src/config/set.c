#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

enum { PATH_SIZE = 256 };

static void trim(char *text)
{
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) n--;
    size_t start = 0;
    while (start < n && isspace((unsigned char)text[start])) start++;
    memmove(text, text + start, n - start);
    text[n - start] = '\0';
}

/* Whether the whole of `text` is an integer; one beyond 64 bits becomes the largest of its sign, out of every range. */
static bool as_integer(const char *text, long long *value)
{
    char *end;
    *value = strtoll(text, &end, 10);
    return end != text && *end == '\0';
}

static bool as_real(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

static const char *type_text(const char *value)
{
    long long integer;
    double real;
    if (*value == '\0') return "empty";
    if (as_integer(value, &integer)) return "an integer";
    return as_real(value, &real) ? "a real number" : "a text";
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

static char escaped(char **at)
{
    unsigned byte;
    switch (**at) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'f':
        return '\f';
    case 'x':
        if (isxdigit((unsigned char)(*at)[1]) && isxdigit((unsigned char)(*at)[2]) &&
            sscanf(*at + 1, "%2x", &byte) == 1) {
            *at += 2;
            return (char)byte;
        }
        return 'x';
    default:
        return **at;
    }
}

/* Resolves a text in double quotes as libconfig does, in place; returns what follows it, NULL without closing quote. */
static char *unquote(char *text)
{
    char *to = text;
    char *at = text + 1;
    for (; *at && *at != '"'; at++) {
        bool escape = *at == '\\' && at[1];
        if (escape) at++;
        *to++ = escape ? escaped(&at) : *at;
    }
    bool closed = *at == '"';
    *to = '\0';
    return closed ? at + 1 : NULL;
}

static hq_status wrong_quotes(const hq_key *key, const char *where)
{
    HQ_FAIL(HQ_ERR_CONFIG, "%s: the quotes of %s do not match; a quote inside is written \\\"", where, key->path);
}

static hq_status set_text(const hq_key *key, hq_config *config, char *value, const char *where)
{
    if (value[0] == '"') {
        const char *rest = unquote(value);
        if (!rest || *rest) return wrong_quotes(key, where);
    }
    HQ_TRY(hq_value_store_text(key, config, value, where));
    bool is_source = key->offset == offsetof(hq_config, data_source);
    return is_source ? hq_value_locate_source(config, ".", where) : HQ_OK;
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* Takes the brackets off; *bracketed tells an empty list from an empty value. */
static bool strip_brackets(char *value, bool *bracketed)
{
    size_t n = strlen(value);
    char close = value[0] == '[' ? ']' : value[0] == '(' ? ')' : '\0';
    *bracketed = close != '\0';
    if (!close) return true;
    if (n < 2 || value[n - 1] != close) return false;
    value[n - 1] = '\0';
    value[0] = ' ';
    trim(value);
    return true;
}

static hq_status set_list(const hq_key *key, hq_config *config, char *value, const char *where)
{
    bool bracketed;
    if (!strip_brackets(value, &bracketed)) return hq_value_wrong_type(key, "without its closing bracket", where);
    if (*value == '\0') {
        if (!bracketed) return hq_value_wrong_type(key, "empty", where);
        return hq_value_store_list(key, config, NULL, 0, where);
    }
    long long v[HQ_LIST_MAX] = {0}, entry;
    int n = 0;
    for (char *at = value, *comma; at; at = comma ? comma + 1 : NULL, n++) {
        comma = strchr(at, ',');
        if (comma) *comma = '\0';
        trim(at);
        if (!as_integer(at, &entry)) {
            HQ_FAIL(HQ_ERR_CONFIG, "%s: entry %d of %s is %s; expected: an integer", where, n + 1, key->path,
                    type_text(at));
        }
        if (n < HQ_LIST_MAX) v[n] = entry;
    }
    return hq_value_store_list(key, config, v, n, where);
}

/* ---- lists of texts --------------------------------------------------------------------------------------------- */

/* Joins "a", "b" to a;b; behind the last text may stand no comma. */
static hq_status join_lines(const hq_key *key, char *at, hq_text *lines, const char *where)
{
    for (int entry = 1;; entry++) {
        at += strspn(at, " \t\n");
        if (*at != '"') {
            HQ_FAIL(HQ_ERR_CONFIG, "%s: entry %d of %s is not a text in double quotes; expected: (\"a\", \"b\")", where,
                    entry, key->path);
        }
        char *rest = unquote(at);
        if (!rest) return wrong_quotes(key, where);
        hq_text_add(lines, "%s;", at);
        at = rest + strspn(rest, " \t\n");
        if (*at == '\0') return lines->status;
        if (*at++ != ',') return wrong_quotes(key, where);
    }
}

static hq_status set_lines(const hq_key *key, hq_config *config, char *value, const char *where)
{
    bool bracketed;
    if (!strip_brackets(value, &bracketed)) return hq_value_wrong_type(key, "without its closing bracket", where);
    if (!bracketed || *value == '\0') return set_text(key, config, value, where);
    hq_text lines = {0};
    hq_status status = join_lines(key, value, &lines, where);
    if (status == HQ_OK) status = hq_value_store_text(key, config, lines.data, where);
    hq_free(lines.data);
    return status;
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

static hq_status set_value(const hq_key *key, hq_config *config, char *value, const char *where)
{
    long long integer;
    double real;
    switch (key->kind) {
    case HQ_KIND_INT:
        if (!as_integer(value, &integer)) break;
        return hq_value_store_int(key, config, integer, where);
    case HQ_KIND_REAL:
        if (!as_real(value, &real)) break;
        return hq_value_store_real(key, config, real, where);
    case HQ_KIND_WORD:
    case HQ_KIND_TEXT:
        return set_text(key, config, value, where);
    case HQ_KIND_LIST:
        return set_list(key, config, value, where);
    case HQ_KIND_LINES:
        return set_lines(key, config, value, where);
    }
    return hq_value_wrong_type(key, type_text(value), where);
}

/* Bytes of the longest group that the path starts with; if it starts with none, of all but its last name. */
static size_t group_length(const char *path)
{
    char group[PATH_SIZE];
    size_t known = 0, all = 0;
    for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
        all = (size_t)(dot - path);
        memcpy(group, path, all);
        group[all] = '\0';
        if (hq_key_is_group(group)) known = all;
    }
    return known ? known : all;
}

static hq_status set_unknown(char *path, const char *where)
{
    if (hq_key_is_group(path)) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s is a group of keys; expected: %s.key=value", where, path, path);
    }
    if (!strchr(path, '.')) return hq_key_unknown(NULL, path, where);
    size_t n = group_length(path);
    path[n] = '\0';
    return hq_key_unknown(path, path + n + 1, where);
}

static hq_status set_copy(const hq_key *key, hq_config *config, const char *value, const char *where)
{
    char *copy, before[HQ_LINES_MAX];
    size_t size = strlen(value) + 1;
    HQ_TRY(hq_alloc(size, "a value of --set", &copy));
    memcpy(copy, value, size);
    trim(copy);
    memcpy(before, hq_key_field(key, config), hq_key_bytes(key));
    hq_status status = set_value(key, config, copy, where);
    if (status != HQ_OK) memcpy((char *)config + key->offset, before, hq_key_bytes(key));
    hq_free(copy);
    return status;
}

hq_status hq_config_set(hq_config *config, const char *assignment)
{
    char where[256], path[PATH_SIZE];
    snprintf(where, sizeof where, "--set %.200s", assignment);
    const char *equals = strchr(assignment, '=');
    if (!equals) HQ_FAIL(HQ_ERR_CONFIG, "%s: expected: --set group.key=value", where);
    snprintf(path, sizeof path, "%.*s", (int)(equals - assignment), assignment);
    trim(path);
    return hq_config_put(config, path, equals + 1, where);
}

hq_status hq_config_put(hq_config *config, const char *path, const char *value, const char *where)
{
    const hq_key *key = hq_key_find(path);
    if (key) return set_copy(key, config, value, where);
    char copy[PATH_SIZE];
    hq_copy_text(copy, sizeof copy, path);
    return set_unknown(copy, where);
}

/* The defaults stand in the table as texts of overrides. */
static void set_default(const hq_key *key, hq_config *config)
{
    char value[HQ_TEXT_MAX];
    hq_copy_text(value, sizeof value, key->preset);
    hq_status status = set_value(key, config, value, "default");
    HQ_ASSERT(status == HQ_OK);
}

void hq_config_defaults(hq_config *config)
{
    memset(config, 0, sizeof *config);
    for (int i = 0; i < hq_key_count; i++) set_default(&hq_keys[i], config);
}

void hq_config_reset(hq_config *config, const char *group)
{
    for (int i = 0; i < hq_key_count; i++)
        if (strcmp(hq_keys[i].group, group) == 0) set_default(&hq_keys[i], config);
}
