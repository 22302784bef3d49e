#include "config/lines.h"
#include "config/value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *field(const hq_key *key, hq_config *config) { return (char *)config + key->offset; }

static hq_status out_of_range(const hq_key *key, const char *value, const char *where)
{
    char allowed[HQ_ALLOWED_MAX];
    hq_key_allowed(key, "\"", allowed);
    HQ_FAIL(HQ_ERR_CONFIG, "%s: %s = %s is out of range; allowed: %s", where, key->path, value, allowed);
}

hq_status hq_value_store_int(const hq_key *key, hq_config *config, long long value, const char *where)
{
    if (value < key->min || value > key->max) {
        char text[HQ_REAL_MAX];
        snprintf(text, sizeof text, "%lld", value);
        return out_of_range(key, text, where);
    }
    *(int *)field(key, config) = (int)value;
    return HQ_OK;
}

hq_status hq_value_store_real(const hq_key *key, hq_config *config, double value, const char *where)
{
    if (!(value >= key->min && value <= key->max)) { /* also true for NaN */
        char text[HQ_REAL_MAX];
        hq_value_real(value, text);
        return out_of_range(key, text, where);
    }
    *(double *)field(key, config) = value == 0 ? 0 : value; /* no negative zero: it would print as another value */
    return HQ_OK;
}

static hq_status store_word(const hq_key *key, hq_config *config, const char *value, const char *where)
{
    int position = hq_key_word_position(key, value);
    if (position < 0) {
        char allowed[HQ_ALLOWED_MAX];
        hq_key_allowed(key, "\"", allowed);
        const char *nearest = hq_key_word(key, 0);
        for (int i = 1; hq_key_word(key, i); i++)
            if (hq_edit_distance(value, hq_key_word(key, i)) < hq_edit_distance(value, nearest))
                nearest = hq_key_word(key, i);
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s = \"%.100s\" is not one of its words; allowed: %s; the nearest is \"%s\"", where,
                key->path, value, allowed, nearest);
    }
    *(int *)field(key, config) = position;
    return HQ_OK;
}

static hq_status store_lines(const hq_key *key, hq_config *config, const char *value, const char *where)
{
    char lines[HQ_LINES_MAX];
    size_t n = hq_lines_tidy(value, lines);
    if (n >= HQ_LINES_MAX) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s = \"%.60s...\" has %zu bytes; allowed: up to %d", where, key->path, lines, n,
                HQ_LINES_MAX - 1);
    }
    memcpy(field(key, config), lines, HQ_LINES_MAX);
    return HQ_OK;
}

hq_status hq_value_store_text(const hq_key *key, hq_config *config, const char *value, const char *where)
{
    if (key->kind == HQ_KIND_WORD) return store_word(key, config, value, where);
    if (key->kind == HQ_KIND_LINES) return store_lines(key, config, value, where);
    size_t n = strlen(value);
    if (n >= HQ_TEXT_MAX) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s = \"%.60s...\" has %zu bytes; allowed: up to %d", where, key->path, value, n,
                HQ_TEXT_MAX - 1);
    }
    char *text = field(key, config);
    memset(text, 0, HQ_TEXT_MAX); /* no left-over bytes: equal configurations are equal bytes */
    memcpy(text, value, n);
    return HQ_OK;
}

hq_status hq_value_store_list(const hq_key *key, hq_config *config, const long long *v, int n, const char *where)
{
    if (n > HQ_LIST_MAX) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s has %d entries; allowed: up to %d", where, key->path, n, HQ_LIST_MAX);
    }
    hq_list list = {.n = n};
    for (int i = 0; i < n; i++) {
        if (v[i] < key->min || v[i] > key->max) {
            HQ_FAIL(HQ_ERR_CONFIG, "%s: entry %d of %s = %lld is out of range; allowed: %.0f to %.0f", where, i + 1,
                    key->path, v[i], key->min, key->max);
        }
        list.v[i] = (int)v[i];
    }
    *(hq_list *)field(key, config) = list;
    return HQ_OK;
}

hq_status hq_value_wrong_type(const hq_key *key, const char *found, const char *where)
{
    static const char *const expected[] = {
        [HQ_KIND_INT] = "an integer",
        [HQ_KIND_REAL] = "a number",
        [HQ_KIND_WORD] = "a word in double quotes",
        [HQ_KIND_TEXT] = "a text in double quotes",
        [HQ_KIND_LIST] = "a list of integers such as [1, 2] (one entry: [1], none: [])",
        [HQ_KIND_LINES] = "a list of texts such as (\"a\", \"b\") (none: ())",
    };
    char allowed[HQ_ALLOWED_MAX];
    hq_key_allowed(key, "\"", allowed);
    HQ_FAIL(HQ_ERR_CONFIG, "%s: %s is %s; expected: %s; allowed: %s", where, key->path, found, expected[key->kind],
            allowed);
}

/* Absolute, because the configuration is dumped into the run folder, and a run may be resumed from another folder. */
hq_status hq_value_locate_source(hq_config *config, const char *folder, const char *where)
{
    const hq_key *key = hq_key_find("data.source");
    const char *source = config->data_source;
    if (source[0] == '/' || source[0] == '\0' || strcmp(source, "phantom") == 0) return HQ_OK;
    char *absolute = realpath(folder, NULL);
    if (!absolute) {
        HQ_FAIL(HQ_ERR_FILE, "%s: %s: the folder %s cannot be found: %s", where, key->path, folder, strerror(errno));
    }
    char path[2 * HQ_TEXT_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", strcmp(absolute, "/") == 0 ? "" : absolute, source);
    free(absolute);
    if (n >= HQ_TEXT_MAX) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s with its folder has %d bytes; allowed: up to %d", where, key->path, n,
                HQ_TEXT_MAX - 1);
    }
    return hq_value_store_text(key, config, path, where);
}
