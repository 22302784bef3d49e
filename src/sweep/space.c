/* space.c: sweep.space as axes. An entry is "KEY = A | B | C" or "KEY = LOW .. HIGH [log] [grid N]", with
 * "if KEY = A | B" behind it where the key is not always varied. */
#include "sweep/space.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An entry on its way into an axis. */
typedef struct hq_entry {
    const hq_config *base;
    hq_config *scratch; /* a copy of base that values are tried on */
    const hq_space *space;
    hq_axis *axis;
    int number;
    char text[HQ_LINES_MAX];
    char where[160]; /* for messages */
} hq_entry;

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1])) n--;
    text[n] = '\0';
    return text;
}

#define FORMS "expected: \"KEY = A | B | C\" or \"KEY = LOW .. HIGH [log] [grid N]\", and perhaps \"if KEY = A | B\""

/* ---- lists of values --------------------------------------------------------------------------------------------- */

/* A value in the form in which all equal ones are the same; a text with quotes in it as it is. */
static hq_status normalize(hq_entry *entry, const char *key, char *value, char out[HQ_VALUE_MAX])
{
    value = trim(value);
    if (!*value) HQ_FAIL(HQ_ERR_CONFIG, "%s: a value of %s is missing; " FORMS, entry->where, key);
    HQ_TRY(hq_config_put(entry->scratch, key, value, entry->where));
    hq_config_get(entry->scratch, key, out, HQ_VALUE_MAX);
    if (strchr(out, '"')) hq_copy_text(out, HQ_VALUE_MAX, value); /* else these would be taken for those around it */
    hq_config_take(entry->scratch, entry->base, key);
    if (strlen(out) + 1 >= HQ_VALUE_MAX)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: a value of %s is longer than %d bytes", entry->where, key, HQ_VALUE_MAX - 2);
    if (strcmp(key, "data.source") == 0 && value[0] != '/' && strcmp(value, "phantom") != 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: data.source = \"%s\": in sweep.space it must be an absolute path", entry->where,
                value);
    return HQ_OK;
}

/* Data sets are told apart by the names of their files. */
static hq_status check_source(const hq_entry *entry, const char *key, char (*value)[HQ_VALUE_MAX], int n)
{
    if (strcmp(key, "data.source") != 0) return HQ_OK;
    const char *mine = strrchr(value[n], '/');
    for (int i = 0; i < n; i++) {
        const char *other = strrchr(value[i], '/');
        if (mine && other && strcmp(mine, other) == 0)
            HQ_FAIL(HQ_ERR_CONFIG,
                    "%s: two data sets have the file name \"%s\", by which trials know them; give them "
                    "different ones",
                    entry->where, mine + 1);
    }
    return HQ_OK;
}

static hq_status read_values(hq_entry *entry, const char *key, char *text, char (**out)[HQ_VALUE_MAX], int *n)
{
    int count = 1;
    for (const char *c = text; *c; c++) count += *c == '|';
    if (count > HQ_CHOICES_MAX)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %d values of %s; allowed: up to %d", entry->where, count, key, HQ_CHOICES_MAX);
    HQ_TRY(hq_alloc_array((size_t)count, HQ_VALUE_MAX, "values of sweep.space", out));
    for (char *bar; text; text = bar ? bar + 1 : NULL) {
        bar = strchr(text, '|');
        if (bar) *bar = '\0';
        HQ_TRY(normalize(entry, key, text, (*out)[*n]));
        HQ_TRY(check_source(entry, key, *out, *n));
        for (int i = 0; i < *n; i++)
            if (strcmp((*out)[i], (*out)[*n]) == 0)
                HQ_FAIL(HQ_ERR_CONFIG, "%s: %s = %s is there twice", entry->where, key, (*out)[i]);
        ++*n;
    }
    return HQ_OK;
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static hq_status read_end(hq_entry *entry, char *text, double *out)
{
    char value[HQ_VALUE_MAX];
    HQ_TRY(normalize(entry, entry->axis->key, text, value));
    *out = strtod(value, NULL);
    return HQ_OK;
}

static hq_status read_grid(hq_entry *entry, const char *number)
{
    char *end = NULL;
    const long n = number ? strtol(number, &end, 10) : 0;
    if (!number || *end || n < 2 || n > HQ_CHOICES_MAX)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: \"grid %s\"; allowed: a number of points, 2 to %d", entry->where,
                number ? number : "", HQ_CHOICES_MAX);
    entry->axis->points = (int)n;
    return HQ_OK;
}

/* "HIGH [log] [grid N]" */
static hq_status read_high(hq_entry *entry, char *text)
{
    hq_axis *axis = entry->axis;
    char *rest = NULL, *word = strtok_r(text, " \t", &rest);
    if (!word) HQ_FAIL(HQ_ERR_CONFIG, "%s: the end of the range is missing; " FORMS, entry->where);
    HQ_TRY(read_end(entry, word, &axis->high));
    while ((word = strtok_r(NULL, " \t", &rest))) {
        if (strcmp(word, "log") == 0)
            axis->logarithmic = true;
        else if (strcmp(word, "grid") == 0)
            HQ_TRY(read_grid(entry, strtok_r(NULL, " \t", &rest)));
        else
            HQ_FAIL(HQ_ERR_CONFIG, "%s: \"%s\" behind a range; " FORMS, entry->where, word);
    }
    return HQ_OK;
}

static hq_status read_range(hq_entry *entry, char *text, char *dots)
{
    hq_axis *axis = entry->axis;
    *dots = '\0';
    axis->range = true;
    HQ_TRY(read_end(entry, text, &axis->low));
    HQ_TRY(read_high(entry, dots + 2));
    if (!(axis->low < axis->high))
        HQ_FAIL(HQ_ERR_CONFIG, "%s: the range of %s goes from %g to %g; the first must be less", entry->where,
                axis->key, axis->low, axis->high);
    if (axis->logarithmic && axis->low <= 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: a range with \"log\" must start above 0, not at %g", entry->where, axis->low);
    const double whole = axis->high - axis->low + 1;
    if (axis->integer && (axis->points == 0 || axis->points > whole))
        axis->points = whole <= HQ_CHOICES_MAX && !(axis->logarithmic && axis->points == 0) ? (int)whole : axis->points;
    return HQ_OK;
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

int hq_space_axis(const hq_space *space, const char *key)
{
    for (int i = 0; i < space->axes; i++)
        if (strcmp(space->axis[i].key, key) == 0) return i;
    return -1;
}

static bool is_one_of(const char *value, const hq_axis *axis)
{
    for (int i = 0; i < axis->values; i++)
        if (strcmp(axis->value[i], value) == 0) return true;
    return false;
}

static hq_status take_key(hq_entry *entry, char *text, char key[HQ_AXIS_KEY_MAX])
{
    text = trim(text);
    if (hq_copy_text(key, HQ_AXIS_KEY_MAX, text) && *key) return HQ_OK;
    HQ_FAIL(HQ_ERR_CONFIG, "%s: the name of a key is missing or too long; " FORMS, entry->where);
}

/* "KEY = A | B" */
static hq_status read_condition(hq_entry *entry, char *text)
{
    hq_axis *axis = entry->axis;
    char *equals = strchr(text, '='), value[HQ_VALUE_MAX];
    if (!equals) HQ_FAIL(HQ_ERR_CONFIG, "%s: no \"=\" behind \"if\"; " FORMS, entry->where);
    *equals = '\0';
    HQ_TRY(take_key(entry, text, axis->when));
    HQ_TRY(read_values(entry, axis->when, equals + 1, &axis->value, &axis->values));
    axis->above = hq_space_axis(entry->space, axis->when);
    hq_config_get(entry->base, axis->when, value, sizeof value);
    axis->always = is_one_of(value, axis);
    return HQ_OK;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static hq_status check_key(const hq_entry *entry)
{
    const char *key = entry->axis->key;
    hq_key_about about;
    if (!hq_config_about(key, &about)) return hq_config_put(entry->scratch, key, "", entry->where); /* refuses it */
    entry->axis->integer = about.integer;
    if (strcmp(key, "train.seed") == 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: seeds are no key of the space; sweep.seeds says how many each trial has",
                entry->where);
    if (about.scope == HQ_SCOPE_FREE && strcmp(key, "data.source") != 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: %s changes no number of a training, so there is nothing to compare", entry->where,
                key);
    if (hq_space_axis(entry->space, key) >= 0)
        HQ_FAIL(HQ_ERR_CONFIG, "%s: another entry has %s already", entry->where, key);
    return HQ_OK;
}

static hq_status read_entry(hq_entry *entry)
{
    hq_axis *axis = entry->axis;
    hq_key_about about = {0};
    *axis = (hq_axis){.above = -1};
    char *condition = strstr(entry->text, " if ");
    if (condition) *condition = '\0';
    char *equals = strchr(entry->text, '=');
    if (!equals) HQ_FAIL(HQ_ERR_CONFIG, "%s: no \"=\"; " FORMS, entry->where);
    *equals = '\0';
    HQ_TRY(take_key(entry, entry->text, axis->key));
    HQ_TRY(check_key(entry));
    hq_config_about(axis->key, &about);
    char *dots = about.number ? strstr(equals + 1, "..") : NULL;
    if (dots)
        HQ_TRY(read_range(entry, equals + 1, dots));
    else
        HQ_TRY(read_values(entry, axis->key, equals + 1, &axis->choice, &axis->points));
    return condition ? read_condition(entry, condition + 4) : HQ_OK;
}

static hq_status read_entries(hq_entry *entry, hq_space *space)
{
    const char *lines = entry->base->sweep_space;
    while (*lines) {
        const char *end = strstr(lines, "; ");
        const size_t n = end ? (size_t)(end - lines) : strlen(lines);
        if (space->axes == HQ_AXES_MAX) HQ_FAIL(HQ_ERR_CONFIG, "sweep.space has more than %d entries", HQ_AXES_MAX);
        memcpy(entry->text, lines, n);
        entry->text[n] = '\0';
        entry->axis = &space->axis[space->axes];
        entry->number++;
        snprintf(entry->where, sizeof entry->where, "sweep.space, entry %d \"%.80s%s\"", entry->number, entry->text,
                 n > 80 ? "..." : "");
        const hq_status status = read_entry(entry);
        space->axes++; /* what it has is freed with the space */
        HQ_TRY(status);
        lines += n + (end ? 2 : 0);
    }
    return HQ_OK;
}

hq_status hq_space_read(const hq_config *config, hq_space *space)
{
    hq_entry *entry;
    *space = (hq_space){0};
    HQ_TRY(hq_alloc(sizeof *entry, "sweep.space", &entry));
    hq_status status = hq_alloc(sizeof *entry->scratch, "sweep.space", &entry->scratch);
    if (status == HQ_OK) {
        *entry->scratch = *config;
        entry->base = config;
        entry->space = space;
        status = read_entries(entry, space);
    }
    hq_free(entry->scratch);
    hq_free(entry);
    return status;
}

void hq_space_free(hq_space *space)
{
    for (int i = 0; i < space->axes; i++) {
        hq_free(space->axis[i].choice);
        hq_free(space->axis[i].value);
    }
    *space = (hq_space){0};
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

/* Four digits are enough for people and for a search. */
static double rounded(double value, double low, double high)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", value);
    return fmin(fmax(strtod(text, NULL), low), high);
}

/* From u in [0, 1] to the range; integers have half a step more at both ends, so that all are equally likely. */
static double stretch(const hq_axis *axis, double u, double half)
{
    const double low = axis->low - half, high = axis->high + half;
    return axis->logarithmic ? exp(log(low) + u * (log(high) - log(low))) : low + u * (high - low);
}

double hq_axis_value(const hq_axis *axis, double u)
{
    if (!axis->range) return fmin(floor(u * axis->points), axis->points - 1);
    const double value = stretch(axis, u, axis->integer ? 0.5 : 0);
    if (axis->integer) return fmin(fmax(round(value), axis->low), axis->high);
    return rounded(value, axis->low, axis->high);
}

double hq_axis_unit(const hq_axis *axis, double value)
{
    if (!axis->range) return axis->points > 1 ? value / (axis->points - 1) : 0.5;
    const double half = axis->integer ? 0.5 : 0, low = axis->low - half, high = axis->high + half;
    if (axis->logarithmic) return (log(value) - log(low)) / (log(high) - log(low));
    return (value - low) / (high - low);
}

static double grid_value(const hq_axis *axis, int place)
{
    if (!axis->range) return place;
    const double u = (double)place / (axis->points - 1);
    const double value = stretch(axis, u, 0);
    return axis->integer ? round(value) : rounded(value, axis->low, axis->high);
}

void hq_axis_text(const hq_axis *axis, double value, char text[HQ_VALUE_MAX])
{
    if (isnan(value))
        text[0] = '\0';
    else if (!axis->range)
        hq_copy_text(text, HQ_VALUE_MAX, axis->choice[(int)value]);
    else
        snprintf(text, HQ_VALUE_MAX, axis->integer ? "%.0f" : "%.15g", value);
}

/* Whether the axis is varied where those before it have the values of the point. Not where one it hangs on is not. */
static bool varied(const hq_space *space, int i, const double *point)
{
    char value[HQ_VALUE_MAX];
    const hq_axis *axis = &space->axis[i];
    if (!axis->when[0]) return true;
    if (axis->above < 0) return axis->always;
    if (isnan(point[axis->above])) return false;
    hq_axis_text(&space->axis[axis->above], point[axis->above], value);
    return is_one_of(value, axis);
}

void hq_space_point(const hq_space *space, const double *u, double *point)
{
    for (int i = 0; i < space->axes; i++)
        point[i] = varied(space, i, point) ? hq_axis_value(&space->axis[i], u[i]) : NAN;
}

bool hq_space_grid_point(const hq_space *space, const int *place, double *point)
{
    bool first = true;
    for (int i = 0; i < space->axes; i++) {
        const bool varies = varied(space, i, point);
        point[i] = varies ? grid_value(&space->axis[i], place[i]) : NAN;
        if (place[i] > 0 && (!varies || point[i] == grid_value(&space->axis[i], place[i] - 1))) first = false;
    }
    return first;
}

hq_status hq_space_apply(const hq_space *space, const double *point, const hq_config *base, hq_config *config)
{
    char value[HQ_VALUE_MAX];
    for (int i = 0; i < space->axes; i++) {
        const hq_axis *axis = &space->axis[i];
        hq_axis_text(axis, point[i], value);
        if (isnan(point[i]))
            hq_config_take(config, base, axis->key);
        else
            HQ_TRY(hq_config_put(config, axis->key, value, "sweep.space"));
    }
    return HQ_OK;
}
