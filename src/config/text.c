#include "config/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void grow(hq_text *text, size_t needed)
{
    size_t size = text->size ? text->size : 4096;
    while (size < needed) size *= 2;
    char *data;
    text->status = hq_alloc(size, "a text", &data);
    if (text->status != HQ_OK) return;
    if (text->used) memcpy(data, text->data, text->used);
    hq_free(text->data);
    text->data = data;
    text->size = size;
}

void hq_text_add(hq_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    HQ_ASSERT(n >= 0);
    size_t needed = text->used + (size_t)n + 1;
    if (text->status == HQ_OK && needed > text->size) grow(text, needed);
    if (text->status != HQ_OK) return;
    va_start(args, format);
    vsnprintf(text->data + text->used, text->size - text->used, format, args);
    va_end(args);
    text->used += (size_t)n;
}

hq_status hq_text_take(hq_text *text, char **out)
{
    hq_text_add(text, "%s", ""); /* an empty text is a text too */
    if (text->status != HQ_OK) {
        hq_free(text->data);
        text->data = NULL;
    }
    *out = text->data;
    return text->status;
}
