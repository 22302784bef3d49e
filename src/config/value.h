/* Values of keys: stored with their checks, compared, and written as text. */
#ifndef HQ_CONFIG_VALUE_H
#define HQ_CONFIG_VALUE_H

#include "config/table.h"
#include "config/text.h"

/* Each stores a value into the field of `key` or refuses it with a message that starts with `where` (file and line, or
 * the override). HQ_ERR_CONFIG; the field is then unchanged. */
hq_status hq_value_store_int(const hq_key *key, hq_config *config, long long value, const char *where);
hq_status hq_value_store_real(const hq_key *key, hq_config *config, double value, const char *where);
hq_status hq_value_store_text(const hq_key *key, hq_config *config, const char *value,
                              const char *where); /* WORD too, and LINES with ';' between the texts */
hq_status hq_value_store_list(const hq_key *key, hq_config *config, const long long *v, int n, const char *where);

/* Refuses a value of the wrong type; `found` says what it is, for example "a real number". */
hq_status hq_value_wrong_type(const hq_key *key, const char *found, const char *where);

/* Makes a relative data.source absolute: relative to `folder`. HQ_ERR_CONFIG when it gets too long. */
hq_status hq_value_locate_source(hq_config *config, const char *folder, const char *where);

bool hq_value_equal(const hq_key *key, const hq_config *a, const hq_config *b);

/* Adds the value in libconfig's syntax, on one line. */
void hq_value_print(hq_text *text, const hq_key *key, const hq_config *config);

/* The same, but several texts of LINES stand on lines of their own, behind `indent` blanks and four more. */
void hq_value_print_block(hq_text *text, const hq_key *key, const hq_config *config, int indent);

/* One text in double quotes; n bytes. */
void hq_value_print_text(hq_text *text, const char *value, size_t n);

/* The shortest text that reads back to the same number. */
#define HQ_REAL_MAX 32
void hq_value_real(double value, char out[HQ_REAL_MAX]);

#endif
