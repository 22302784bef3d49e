#include "config/value.h"

#include <string.h>

enum { INDENT = 4 };

static void add_opening(hq_text *text, const char *group, bool comments)
{
    const char *dot = strrchr(group, '.'); /* the groups around it are open: it follows them in the table */
    if (dot && comments) hq_text_add(text, "\n");
    hq_text_add(text, "%*s%s = {\n", INDENT * (hq_key_group_depth(group) - 1), "", dot ? dot + 1 : group);
}

/* Behind the last key of a group: closes all groups in which the next key, if there is one, does not stand. */
static void add_closings(hq_text *text, int i, bool comments)
{
    bool last = i == hq_key_count - 1;
    const char *group = hq_keys[i].group;
    int shared = last ? 0 : hq_key_groups_shared(group, hq_keys[i + 1].group);
    for (int depth = hq_key_group_depth(group); depth > shared; depth--)
        hq_text_add(text, "%*s};\n", INDENT * (depth - 1), "");
    if (comments && !last && !shared) hq_text_add(text, "\n");
}

static void add_comment(hq_text *text, const hq_key *key, int indent, bool first)
{
    char allowed[HQ_ALLOWED_MAX];
    hq_key_allowed(key, "\"", allowed);
    hq_text_add(text, "%s%*s# %s\n%*s# allowed: %s\n", first ? "" : "\n", indent, "", key->help, indent, "", allowed);
}

hq_status hq_config_dump(const hq_config *config, bool comments, char **out_text)
{
    hq_text text = {0};
    if (comments) hq_text_add(&text, "# Configuration of hqcnn-dist %s.\n\n", HQ_VERSION);
    for (int i = 0; i < hq_key_count; i++) {
        const hq_key *key = &hq_keys[i];
        int indent = INDENT * hq_key_group_depth(key->group);
        if (hq_key_opens_group(i)) add_opening(&text, key->group, comments);
        if (comments) add_comment(&text, key, indent, hq_key_opens_group(i));
        hq_text_add(&text, "%*s%s = ", indent, "", key->name);
        hq_value_print_block(&text, key, config, indent);
        hq_text_add(&text, ";\n");
        if (hq_key_closes_group(i)) add_closings(&text, i, comments);
    }
    return hq_text_take(&text, out_text);
}
