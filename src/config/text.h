/* A text that grows. */
#ifndef HQ_CONFIG_TEXT_H
#define HQ_CONFIG_TEXT_H

#include "hqcnn/base.h"

/* Start with {0}. Memory that runs out is remembered in `status`; later additions then do nothing. */
typedef struct hq_text {
    char *data;
    size_t used, size; /* bytes, without and with room for more */
    hq_status status;
} hq_text;

void hq_text_add(hq_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands the text over: the caller frees *out with hq_free. After HQ_ERR_MEMORY *out is NULL and nothing is left. */
hq_status hq_text_take(hq_text *text, char **out);

#endif
