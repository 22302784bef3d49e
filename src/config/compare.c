#include <string.h>

#include "config/lines.h"
#include "config/value.h"

static bool same_line(hq_line a, hq_line b) { return a.n == b.n && (!a.n || memcmp(a.text, b.text, a.n) == 0); }

static void add_line(hq_text *text, hq_line line)
{
    enum { SHOWN = 100 };
    if (line.n == 0) {
        hq_text_add(text, "absent");
        return;
    }
    hq_value_print_text(text, line.text, line.n < SHOWN ? line.n : SHOWN);
    if (line.n > SHOWN) hq_text_add(text, "...");
}

/* Of lists of texts, which may be long, only the first entry that differs. */
static void add_line_difference(hq_text *text, const hq_key *key, const char *before, const char *now)
{
    hq_line there, here;
    int entry = 0;
    do {
        entry++;
        if (!hq_lines_next(&before, &there)) there = (hq_line){0};
        if (!hq_lines_next(&now, &here)) here = (hq_line){0};
    } while (same_line(there, here) && there.n);
    hq_text_add(text, "entry %d of %s is ", entry, key->path);
    add_line(text, there);
    hq_text_add(text, " there and ");
    add_line(text, here);
    hq_text_add(text, " here");
}

/* Adds "group.key is before there and now here" for one differing key. */
static void add_difference(hq_text *text, const hq_key *key, const hq_config *before, const hq_config *now)
{
    hq_text_add(text, "%s", text->used ? "; " : "");
    if (key->kind == HQ_KIND_LINES) {
        add_line_difference(text, key, hq_key_field(key, before), hq_key_field(key, now));
        return;
    }
    hq_text_add(text, "%s is ", key->path);
    hq_value_print(text, key, before);
    hq_text_add(text, " there and ");
    hq_value_print(text, key, now);
    hq_text_add(text, " here");
}

/* All differing keys of one scope in one text, which stays without data if there are none. */
static void differences(hq_text *text, hq_scope scope, const hq_config *before, const hq_config *now)
{
    for (int i = 0; i < hq_key_count; i++) {
        const hq_key *key = &hq_keys[i];
        if (key->scope == scope && !hq_value_equal(key, before, now)) add_difference(text, key, before, now);
    }
}

hq_status hq_config_compare(const hq_config *before, const hq_config *now, const char *checkpoint_name)
{
    hq_text model = {0}, train = {0};
    differences(&model, HQ_SCOPE_MODEL, before, now);
    differences(&train, HQ_SCOPE_TRAIN, before, now);
    hq_status status = model.status != HQ_OK ? model.status : train.status;
    if (status == HQ_OK && model.used) {
        status =
            hq_fail(HQ_ERR_CONFIG, "%s can't be resumed with another model: %s; use the same values or start a new run",
                    checkpoint_name, model.data);
    } else if (status == HQ_OK && train.used) {
        hq_warn("%s is resumed with other settings: %s", checkpoint_name, train.data);
    }
    hq_free(model.data);
    hq_free(train.data);
    return status;
}

hq_status hq_config_same_model(const hq_config *before, const hq_config *now, const char *checkpoint_name)
{
    hq_text text = {0};
    for (int i = 0; i < hq_key_count; i++) {
        const hq_key *key = &hq_keys[i];
        if (hq_key_groups_shared(key->group, "model") && !hq_value_equal(key, before, now))
            add_difference(&text, key, before, now);
    }
    hq_status status = text.status;
    if (status == HQ_OK && text.used)
        status = hq_fail(HQ_ERR_CONFIG, "%s was trained with another network: %s; leave out these keys",
                         checkpoint_name, text.data);
    hq_free(text.data);
    return status;
}
