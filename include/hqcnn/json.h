/* json.h: building JSON values that are whole or none: jansson leaves out what it has no memory for without a word. */
#ifndef HQCNN_JSON_H
#define HQCNN_JSON_H

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A number, or null for one that JSON does not have. */
static inline json_t *hq_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Bytes of the first letter in UTF-8; 0 when it is none. */
static inline size_t hq_json_letter(const char *text)
{
    const size_t most = strnlen(text, 4);
    for (size_t n = 1; n <= most; n++) {
        json_t *letter = json_stringn(text, n);
        json_decref(letter);
        if (letter) return n;
    }
    return 0;
}

/* JSON is UTF-8, names of files and texts that were cut need not be: other bytes become question marks. */
static inline void hq_json_mend(char *text)
{
    while (*text) {
        const size_t n = hq_json_letter(text);
        if (n == 0) *text = '?';
        text += n ? n : 1;
    }
}

/* A text of less than PATH_MAX bytes, mended. */
static inline json_t *hq_json_text(const char *text)
{
    char mended[PATH_MAX];
    snprintf(mended, sizeof mended, "%s", text);
    hq_json_mend(mended);
    return json_string(mended);
}

/* Adds a value, which it takes over; an object or array that lacks one for want of memory is none: NULL. */
static inline void hq_json_put(json_t **object, const char *key, json_t *value)
{
    if (json_object_set_new(*object, key, value) == 0) return;
    json_decref(*object);
    *object = NULL;
}

static inline void hq_json_append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) == 0) return;
    json_decref(*array);
    *array = NULL;
}

#endif
