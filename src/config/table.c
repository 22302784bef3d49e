#include "config/table.h"

#include <stdio.h>
#include <string.h>

#include "config/value.h"

#define HQ_KEY(g, n, k, s, lo, hi, w, p, h)                                                                            \
    {.path = HQ_GROUP_##g "." #n,                                                                                      \
     .group = HQ_GROUP_##g,                                                                                            \
     .name = #n,                                                                                                       \
     .kind = HQ_KIND_##k,                                                                                              \
     .scope = HQ_SCOPE_##s,                                                                                            \
     .offset = offsetof(hq_config, g##_##n),                                                                           \
     .min = lo,                                                                                                        \
     .max = hi,                                                                                                        \
     .words = w,                                                                                                       \
     .preset = p,                                                                                                      \
     .help = h},
#define HQ_INT(g, n, s, def, lo, hi, h) HQ_KEY(g, n, INT, s, lo, hi, NULL, #def, h)
#define HQ_REAL(g, n, s, def, lo, hi, h) HQ_KEY(g, n, REAL, s, lo, hi, NULL, #def, h)
#define HQ_WORD(g, n, s, def, w, h) HQ_KEY(g, n, WORD, s, 0, 0, w, def, h)
#define HQ_TEXT(g, n, s, def, h) HQ_KEY(g, n, TEXT, s, 0, 0, NULL, def, h)
#define HQ_LIST(g, n, s, def, lo, hi, h) HQ_KEY(g, n, LIST, s, lo, hi, NULL, "[" def "]", h)
#define HQ_LINES(g, n, s, def, h) HQ_KEY(g, n, LINES, s, 0, 0, NULL, def, h)

const hq_key hq_keys[] = {HQ_CONFIG_KEYS(HQ_INT, HQ_REAL, HQ_WORD, HQ_TEXT, HQ_LIST, HQ_LINES)};

#define HQ_KEY_COUNT ((int)(sizeof hq_keys / sizeof *hq_keys))
const int hq_key_count = HQ_KEY_COUNT;

const hq_key *hq_key_find(const char *path)
{
    for (int i = 0; i < hq_key_count; i++)
        if (strcmp(hq_keys[i].path, path) == 0) return &hq_keys[i];
    return NULL;
}

bool hq_key_is_group(const char *group)
{
    for (int i = 0; i < hq_key_count; i++)
        if (strcmp(hq_keys[i].group, group) == 0) return true;
    return false;
}

int hq_key_group_depth(const char *group)
{
    int depth = 1;
    for (; *group; group++) depth += *group == '.';
    return depth;
}

int hq_key_groups_shared(const char *a, const char *b)
{
    for (int i = 0, shared = 0;; i++) {
        bool ends = (a[i] == '.' || !a[i]) && (b[i] == '.' || !b[i]);
        if (ends) shared++;
        if (!a[i] || a[i] != b[i]) return shared;
    }
}

bool hq_key_opens_group(int i) { return i == 0 || strcmp(hq_keys[i].group, hq_keys[i - 1].group) != 0; }

bool hq_key_closes_group(int i) { return i == hq_key_count - 1 || hq_key_opens_group(i + 1); }

const void *hq_key_field(const hq_key *key, const hq_config *config) { return (const char *)config + key->offset; }

size_t hq_key_bytes(const hq_key *key)
{
    static const size_t bytes[] = {
        [HQ_KIND_INT] = sizeof(int),  [HQ_KIND_REAL] = sizeof(double),  [HQ_KIND_WORD] = sizeof(int),
        [HQ_KIND_TEXT] = HQ_TEXT_MAX, [HQ_KIND_LIST] = sizeof(hq_list), [HQ_KIND_LINES] = HQ_LINES_MAX,
    };
    return bytes[key->kind];
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* The words of every key as texts of their own, one after the other, with an empty one at the end. Made at first use.
 */
static const char *split_words(const hq_key *key)
{
    enum { MAX = 128 };
    static char split[HQ_KEY_COUNT][MAX];
    char *words = split[key - hq_keys];
    if (words[0]) return words;
    HQ_ASSERT(key->kind == HQ_KIND_WORD && strlen(key->words) + 2 <= MAX);
    for (size_t i = 0; key->words[i]; i++) words[i] = key->words[i] == '|' ? '\0' : key->words[i];
    return words;
}

const char *hq_key_word(const hq_key *key, int position)
{
    const char *word = split_words(key);
    for (int i = 0; i < position && *word; i++) word += strlen(word) + 1;
    return position >= 0 && *word ? word : NULL;
}

int hq_key_word_position(const hq_key *key, const char *word)
{
    for (int i = 0; hq_key_word(key, i); i++)
        if (strcmp(hq_key_word(key, i), word) == 0) return i;
    return -1;
}

const char *hq_config_word(const char *key_path, int position)
{
    const hq_key *key = hq_key_find(key_path);
    HQ_ASSERT(key && key->kind == HQ_KIND_WORD);
    const char *word = hq_key_word(key, position);
    HQ_ASSERT(word != NULL);
    return word;
}

/* ---- texts for people ------------------------------------------------------------------------------------------- */

void hq_key_allowed(const hq_key *key, const char *quote, char out[HQ_ALLOWED_MAX])
{
    char min[HQ_REAL_MAX], max[HQ_REAL_MAX];
    hq_value_real(key->min, min);
    hq_value_real(key->max, max);
    switch (key->kind) {
    case HQ_KIND_INT:
        snprintf(out, HQ_ALLOWED_MAX, "%.0f to %.0f", key->min, key->max);
        return;
    case HQ_KIND_REAL:
        snprintf(out, HQ_ALLOWED_MAX, "%s to %s", min, max);
        return;
    case HQ_KIND_TEXT:
        snprintf(out, HQ_ALLOWED_MAX, "text of up to %d bytes", HQ_TEXT_MAX - 1);
        return;
    case HQ_KIND_LINES:
        snprintf(out, HQ_ALLOWED_MAX, "texts of up to %d bytes together", HQ_LINES_MAX - 1);
        return;
    case HQ_KIND_LIST:
        snprintf(out, HQ_ALLOWED_MAX, "up to %d integers, %.0f to %.0f", HQ_LIST_MAX, key->min, key->max);
        return;
    case HQ_KIND_WORD:
        break;
    }
    out[0] = '\0';
    for (int i = 0; hq_key_word(key, i); i++) {
        size_t used = strlen(out);
        snprintf(out + used, HQ_ALLOWED_MAX - used, "%s%s%s%s", i ? ", " : "", quote, hq_key_word(key, i), quote);
    }
}

/* A name that exists in another group counts as near: most such mistakes are keys in the wrong group. */
static int distance(const hq_key *key, const char *path, const char *name)
{
    int whole = hq_edit_distance(path, key->path);
    return whole > 1 && strcmp(name, key->name) == 0 ? 1 : whole;
}

static const hq_key *nearest_key(const char *path, const char *name)
{
    const hq_key *best = hq_keys;
    for (int i = 1; i < hq_key_count; i++)
        if (distance(&hq_keys[i], path, name) < distance(best, path, name)) best = &hq_keys[i];
    return best;
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The same for groups: a group inside a group is easily put into another one, or into none. */
static int group_distance(const char *known, const char *group)
{
    int whole = hq_edit_distance(known, group);
    return whole > 1 && strcmp(last_name(known), last_name(group)) == 0 ? 1 : whole;
}

static const char *nearest_group(const char *group)
{
    const hq_key *best = hq_keys;
    for (int i = 1; i < hq_key_count; i++)
        if (group_distance(hq_keys[i].group, group) < group_distance(best->group, group)) best = &hq_keys[i];
    return best->group;
}

/* For a name without a group, only the names count. */
static const hq_key *nearest_name(const char *name)
{
    const hq_key *best = hq_keys;
    for (int i = 1; i < hq_key_count; i++)
        if (hq_edit_distance(name, hq_keys[i].name) < hq_edit_distance(name, best->name)) best = &hq_keys[i];
    return best;
}

hq_status hq_key_unknown(const char *group, const char *name, const char *where)
{
    if (!group) {
        const hq_key *key = nearest_name(name);
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %.100s belongs to no group; every key stands in one, the nearest known key is %s",
                where, name, key->path);
    }
    if (!hq_key_is_group(group)) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: unknown group %.100s; the nearest known group is %s", where, group,
                nearest_group(group));
    }
    char path[256];
    snprintf(path, sizeof path, "%.100s.%.100s", group, name);
    HQ_FAIL(HQ_ERR_CONFIG, "%s: unknown key %s; the nearest known key is %s", where, path,
            nearest_key(path, name)->path);
}
