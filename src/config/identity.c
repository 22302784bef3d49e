/* identity.c: single keys by name, and one number for what a configuration does to a training. */
#include "config/value.h"

#include <stdio.h>
#include <string.h>

/* "[1, 2]" */
static void print_list(const hq_list *list, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < list->n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", i ? ", " : "[", list->v[i]);
    if (used < size) snprintf(text + used, size - used, "%s", list->n ? "]" : "[]");
}

static void print_key(const hq_key *key, const hq_config *config, char *text, size_t size)
{
    char number[HQ_REAL_MAX];
    const void *field = hq_key_field(key, config);
    switch (key->kind) {
    case HQ_KIND_INT:
        snprintf(text, size, "%d", *(const int *)field);
        return;
    case HQ_KIND_REAL:
        hq_value_real(*(const double *)field, number);
        hq_copy_text(text, size, number);
        return;
    case HQ_KIND_WORD:
        hq_copy_text(text, size, hq_key_word(key, *(const int *)field));
        return;
    case HQ_KIND_LIST:
        print_list(field, text, size);
        return;
    case HQ_KIND_TEXT:
    case HQ_KIND_LINES:
        hq_copy_text(text, size, field);
    }
}

void hq_config_get(const hq_config *config, const char *path, char *text, size_t size)
{
    const hq_key *key = hq_key_find(path);
    HQ_ASSERT(key != NULL);
    print_key(key, config, text, size);
}

void hq_config_take(hq_config *config, const hq_config *from, const char *path)
{
    const hq_key *key = hq_key_find(path);
    HQ_ASSERT(key != NULL);
    memcpy((char *)config + key->offset, hq_key_field(key, from), hq_key_bytes(key));
}

bool hq_config_about(const char *path, hq_key_about *about)
{
    const hq_key *key = hq_key_find(path);
    if (!key) return false;
    const bool integer = key->kind == HQ_KIND_INT;
    *about = (hq_key_about){integer || key->kind == HQ_KIND_REAL, integer, key->scope};
    return true;
}

static const hq_config *defaults(void)
{
    static hq_config config;
    static bool known;
    if (!known) hq_config_defaults(&config);
    known = true;
    return &config;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static uint64_t identity_of(const hq_key *key, const hq_config *config)
{
    char value[HQ_LINES_MAX];
    const bool source = key->offset == offsetof(hq_config, data_source);
    if (hq_value_equal(key, config, defaults()) || (key->scope == HQ_SCOPE_FREE && !source)) return 0;
    if (source)
        hq_copy_text(value, sizeof value, last_part(config->data_source));
    else
        print_key(key, config, value, sizeof value);
    return hq_hash(value, strlen(value), hq_hash_text(key->path));
}

uint64_t hq_config_identity_of(const hq_config *config, const char *path)
{
    const hq_key *key = hq_key_find(path);
    HQ_ASSERT(key != NULL);
    return identity_of(key, config);
}

uint64_t hq_config_identity(const hq_config *config)
{
    uint64_t sum = 0;
    for (int i = 0; i < hq_key_count; i++) sum += identity_of(&hq_keys[i], config);
    return sum;
}
