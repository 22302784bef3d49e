#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/scan.h"
#include "config/value.h"

/* Where a setting stands. */
typedef struct hq_place {
    const char *name; /* of the file, as the user gave it; for text what stands for it */
    bool is_file;     /* a relative data.source starts from the file's folder */
    char where[640];  /* "file:line" of the setting at hand */
} hq_place;

static const char *setting_file(const config_setting_t *setting, const hq_place *place)
{
    const char *file = config_setting_source_file(setting); /* set for included files only */
    return file ? file : place->name;
}

static void set_where(hq_place *place, const config_setting_t *setting)
{
    snprintf(place->where, sizeof place->where, "%.512s:%u", setting_file(setting, place),
             (unsigned)config_setting_source_line(setting));
}

static bool is_integer(const config_setting_t *setting)
{
    int type = config_setting_type(setting);
    return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static const char *type_text(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "an integer";
    case CONFIG_TYPE_FLOAT:
        return "a real number";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "a truth value";
    case CONFIG_TYPE_GROUP:
        return "a group";
    default:
        return "a list";
    }
}

static hq_status store_list(const hq_key *key, const config_setting_t *setting, hq_config *config, const char *where)
{
    long long v[HQ_LIST_MAX] = {0};
    int n = config_setting_length(setting);
    for (int i = 0; i < n; i++) {
        const config_setting_t *entry = config_setting_get_elem(setting, (unsigned)i);
        if (!is_integer(entry)) {
            HQ_FAIL(HQ_ERR_CONFIG, "%s: entry %d of %s is %s; expected: an integer", where, i + 1, key->path,
                    type_text(entry));
        }
        if (i < HQ_LIST_MAX) v[i] = config_setting_get_int64(entry);
    }
    return hq_value_store_list(key, config, v, n, where);
}

static hq_status join_lines(const hq_key *key, const config_setting_t *setting, hq_text *lines, const char *where)
{
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *entry = config_setting_get_elem(setting, (unsigned)i);
        if (config_setting_type(entry) != CONFIG_TYPE_STRING) {
            HQ_FAIL(HQ_ERR_CONFIG, "%s: entry %d of %s is %s; expected: a text in double quotes", where, i + 1,
                    key->path, type_text(entry));
        }
        hq_text_add(lines, "%s;", config_setting_get_string(entry));
    }
    hq_text_add(lines, "%s", "");
    return lines->status;
}

static hq_status store_lines(const hq_key *key, const config_setting_t *setting, hq_config *config, const char *where)
{
    hq_text lines = {0};
    hq_status status = join_lines(key, setting, &lines, where);
    if (status == HQ_OK) status = hq_value_store_text(key, config, lines.data, where);
    hq_free(lines.data);
    return status;
}

static hq_status store_setting(const hq_key *key, const config_setting_t *setting, hq_config *config, const char *where)
{
    int type = config_setting_type(setting);
    switch (key->kind) {
    case HQ_KIND_INT:
        if (!is_integer(setting)) break;
        return hq_value_store_int(key, config, config_setting_get_int64(setting), where);
    case HQ_KIND_REAL:
        if (is_integer(setting))
            return hq_value_store_real(key, config, (double)config_setting_get_int64(setting), where);
        if (type != CONFIG_TYPE_FLOAT) break;
        return hq_value_store_real(key, config, config_setting_get_float(setting), where);
    case HQ_KIND_WORD:
    case HQ_KIND_TEXT:
        if (type != CONFIG_TYPE_STRING) break;
        return hq_value_store_text(key, config, config_setting_get_string(setting), where);
    case HQ_KIND_LIST:
        if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) break;
        return store_list(key, setting, config, where);
    case HQ_KIND_LINES:
        if (type == CONFIG_TYPE_STRING)
            return hq_value_store_text(key, config, config_setting_get_string(setting), where);
        if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) break;
        return store_lines(key, setting, config, where);
    }
    return hq_value_wrong_type(key, type_text(setting), where);
}

/* Makes data.source relative to the folder of the file that holds it. */
static hq_status locate_source(const config_setting_t *setting, hq_config *config, const hq_place *place)
{
    const char *file = setting_file(setting, place);
    const char *slash = strrchr(file, '/');
    char folder[PATH_MAX];
    if (!slash)
        snprintf(folder, sizeof folder, ".");
    else
        snprintf(folder, sizeof folder, "%.*s", slash == file ? 1 : (int)(slash - file), file);
    return hq_value_locate_source(config, folder, place->where);
}

static hq_status read_group(const char *path, const config_setting_t *setting, hq_config *config, hq_place *place);

/* One setting inside the group: a value, or a group again. */
static hq_status read_setting(const char *group, const config_setting_t *setting, hq_config *config, hq_place *place)
{
    const char *name = config_setting_name(setting);
    set_where(place, setting);
    char path[256];
    snprintf(path, sizeof path, "%.100s.%.100s", group, name);
    const hq_key *key = hq_key_find(path);
    if (!key && (config_setting_is_group(setting) || hq_key_is_group(path)))
        return read_group(path, setting, config, place);
    if (!key) return hq_key_unknown(group, name, place->where);
    HQ_TRY(store_setting(key, setting, config, place->where));
    bool is_source = key->offset == offsetof(hq_config, data_source);
    return is_source && place->is_file ? locate_source(setting, config, place) : HQ_OK;
}

static hq_status read_group(const char *path, const config_setting_t *setting, hq_config *config, hq_place *place)
{
    set_where(place, setting);
    if (!hq_key_is_group(path)) return hq_key_unknown(path, "", place->where);
    if (!config_setting_is_group(setting)) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s is %s; expected: a group of keys, %s = { key = value; };", place->where, path,
                type_text(setting), config_setting_name(setting));
    }
    for (int i = 0; i < config_setting_length(setting); i++)
        HQ_TRY(read_setting(path, config_setting_get_elem(setting, (unsigned)i), config, place));
    return HQ_OK;
}

/* A setting outside of all groups must be one itself. */
static hq_status read_top(const config_setting_t *setting, hq_config *config, hq_place *place)
{
    const char *name = config_setting_name(setting);
    set_where(place, setting);
    if (!config_setting_is_group(setting) && !hq_key_is_group(name)) return hq_key_unknown(NULL, name, place->where);
    return read_group(name, setting, config, place);
}

static hq_status parse(config_t *parser, const char *text, const hq_place *place)
{
    char *wide;
    HQ_TRY(hq_scan_widen(text, place->name, &wide));
    int ok = config_read_string(parser, wide);
    hq_free(wide);
    if (ok) return HQ_OK;
    const char *file = config_error_file(parser), *what = config_error_text(parser);
    bool syntax = strcmp(what, "syntax error") == 0;
    HQ_FAIL(HQ_ERR_CONFIG, "%s:%d: %s%s", file ? file : place->name, config_error_line(parser), what,
            syntax ? "; expected: groups of keys such as train = { batch = 64; };" : "");
}

static hq_status read_text(hq_config *config, const char *text, hq_place *place)
{
    config_t parser;
    config_init(&parser);
    hq_config next = *config;
    hq_status status = parse(&parser, text, place);
    const config_setting_t *root = config_root_setting(&parser);
    for (int i = 0; status == HQ_OK && i < config_setting_length(root); i++)
        status = read_top(config_setting_get_elem(root, (unsigned)i), &next, place);
    config_destroy(&parser);
    if (status == HQ_OK) *config = next;
    return status;
}

/* Text out of a checkpoint, which may come from anywhere, takes in no file of this machine. */
static hq_status check_alone(const char *text, const char *name)
{
    int number = 1;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n', number++)
        if (line[strspn(line, " \t")] == '@')
            HQ_FAIL(HQ_ERR_CONFIG, "%s:%d: a line that starts with @; @include is allowed in files only", name, number);
    return HQ_OK;
}

hq_status hq_config_read_text(hq_config *config, const char *text, const char *name)
{
    HQ_TRY(check_alone(text, name));
    hq_place place = {.name = name};
    return read_text(config, text, &place);
}

enum { FILE_LIMIT = 1 << 20 }; /* bytes; what is larger is some other file */

static hq_status load(FILE *file, const char *path, char *text)
{
    size_t n = fread(text, 1, FILE_LIMIT + 1, file);
    if (ferror(file)) HQ_FAIL(HQ_ERR_FILE, "%s cannot be read: %s", path, strerror(errno));
    if (n > FILE_LIMIT || memchr(text, '\0', n)) {
        HQ_FAIL(HQ_ERR_CONFIG, "%s is not a configuration file; expected: text of up to %d bytes", path, FILE_LIMIT);
    }
    return HQ_OK;
}

/* The file is read here and not by libconfig, whose scanner ends the process when reading fails. */
hq_status hq_config_read_file(hq_config *config, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) HQ_FAIL(HQ_ERR_FILE, "%s cannot be opened: %s", path, strerror(errno));
    char *text;
    hq_status status = hq_alloc(FILE_LIMIT + 2, "the configuration file", &text);
    if (status == HQ_OK) status = load(file, path, text);
    fclose(file);
    hq_place place = {.name = path, .is_file = true};
    if (status == HQ_OK) status = read_text(config, text, &place);
    hq_free(text);
    return status;
}
