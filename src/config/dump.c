#include "config/value.h"

hq_status hq_config_dump(const hq_config *config, bool comments, char **out_text)
{
    hq_text text = {0};
    if (comments) hq_text_add(&text, "# Configuration of hqcnn-dist %s.\n\n", HQ_VERSION);
    for (int i = 0; i < hq_key_count; i++) {
        const hq_key *key = &hq_keys[i];
        if (hq_key_opens_group(i)) hq_text_add(&text, "%s = {\n", key->group);
        if (comments) {
            char allowed[HQ_ALLOWED_MAX];
            hq_key_allowed(key, "\"", allowed);
            hq_text_add(&text, "%s    # %s\n    # allowed: %s\n", hq_key_opens_group(i) ? "" : "\n", key->help,
                        allowed);
        }
        hq_text_add(&text, "    %s = ", key->name);
        hq_value_print(&text, key, config);
        hq_text_add(&text, ";\n");
        if (hq_key_closes_group(i)) hq_text_add(&text, "};\n%s", comments && i < hq_key_count - 1 ? "\n" : "");
    }
    return hq_text_take(&text, out_text);
}
