/* json.h: building JSON values that are whole or none: jansson leaves out what it has no memory for without a word. */
#ifndef HQCNN_JSON_H
#define HQCNN_JSON_H

#include <jansson.h>
#include <math.h>

/* A number, or null for one that JSON does not have. */
static inline json_t *hq_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

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
