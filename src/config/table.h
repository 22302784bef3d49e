/* The table of keys, made once from HQ_CONFIG_KEYS; everything the module does is a walk over it. */
#ifndef HQ_CONFIG_TABLE_H
#define HQ_CONFIG_TABLE_H

#include "hqcnn/config.h"

typedef enum hq_kind { HQ_KIND_INT, HQ_KIND_REAL, HQ_KIND_WORD, HQ_KIND_TEXT, HQ_KIND_LIST, HQ_KIND_LINES } hq_kind;

typedef struct hq_key {
    const char *path;  /* "group.name" */
    const char *group; /* its path: "model", or "model.circuit" for a group inside a group */
    const char *name;
    hq_kind kind;
    hq_scope scope;
    size_t offset;      /* of the field in hq_config */
    double min, max;    /* INT, REAL, and the entries of LIST */
    const char *words;  /* WORD: "a|b|c" */
    const char *preset; /* the default, as text of an override */
    const char *help;
} hq_key;

extern const hq_key hq_keys[];
extern const int hq_key_count;

/* The key "group.name", or NULL. */
const hq_key *hq_key_find(const char *path);

/* Whether some key belongs to the group. */
bool hq_key_is_group(const char *group);

/* Number of names in the path of a group: 1, or more for a group inside a group; the same of those with which the paths
 * of two groups begin alike. */
int hq_key_group_depth(const char *group);
int hq_key_groups_shared(const char *a, const char *b);

/* Whether hq_keys[i] is the first key of its group, or the last. */
bool hq_key_opens_group(int i);
bool hq_key_closes_group(int i);

/* The field of a key in a configuration, and its bytes. */
const void *hq_key_field(const hq_key *key, const hq_config *config);
size_t hq_key_bytes(const hq_key *key);

/* Word number `position` of a WORD key, NULL past the last; the position of a word, -1 if it is none. */
const char *hq_key_word(const hq_key *key, int position);
int hq_key_word_position(const hq_key *key, const char *word);

/* What is allowed, for people: "1 to 64", or the words, each between `quote`. */
#define HQ_ALLOWED_MAX 256
void hq_key_allowed(const hq_key *key, const char *quote, char out[HQ_ALLOWED_MAX]);

/* Refuses "group.name" (group NULL: a name outside of all groups), naming the nearest known key. `where`: file and
 * line, or the override. HQ_ERR_CONFIG. */
hq_status hq_key_unknown(const char *group, const char *name, const char *where);

#endif
