#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"
#include "support/check.h"

/* ---- random valid configurations --------------------------------------------------------------------------------- */

static hq_random stream;

static int draw(int lo, int hi) { return lo + (int)(hq_random_next(&stream) % (uint64_t)((int64_t)hi - lo + 1)); }

/* Plain shares of the range, tiny numbers and its ends. */
static double draw_real(double lo, double hi)
{
    switch (draw(0, 3)) {
    case 0:
        return lo;
    case 1:
        return hi;
    case 2:
        return fmin(hi, fmax(lo, hi * pow(10, -300 * hq_random_uniform(&stream)) * hq_random_uniform(&stream)));
    default:
        return lo + (hi - lo) * hq_random_uniform(&stream);
    }
}

/* Any bytes but 0, with many of those that need an escape. */
static void draw_text(char *text)
{
    static const char special[] = "\"\\\n\t\r\f\x01\x7f{};=#,/*x41";
    int n = draw(0, 3) ? draw(0, 40) : HQ_TEXT_MAX - 1;
    memset(text, 0, HQ_TEXT_MAX);
    for (int i = 0; i < n; i++) text[i] = draw(0, 1) ? special[draw(0, (int)sizeof special - 2)] : (char)draw(1, 255);
}

/* A list of texts in its canonical form, of any bytes but 0; often empty, sometimes as long as it may be. */
static void draw_lines(char *lines)
{
    static const char special[] = "\"\\\x01\x7f()[]{},=#/*x41";
    int n = draw(0, 3) ? draw(0, 60) : HQ_LINES_MAX - 1;
    memset(lines, 0, HQ_LINES_MAX);
    for (int i = 0; i < n; i++) {
        bool ends = i == 0 || i == n - 1 || lines[i - 1] == ' ';
        int kind = draw(0, 9);
        if (kind == 0 && !ends) {
            lines[i] = ' ';
        } else if (kind == 1 && !ends && i < n - 2) {
            memcpy(lines + i, "; ", 2);
            i++;
        } else {
            do lines[i] = kind < 6 ? special[draw(0, (int)sizeof special - 2)] : (char)draw(1, 255);
            while (isspace((unsigned char)lines[i]) || lines[i] == ';');
        }
    }
}

static void draw_value(const hq_key *key, hq_config *config)
{
    void *field = (char *)config + key->offset;
    int words = 0;
    while (key->kind == HQ_KIND_WORD && hq_key_word(key, words)) words++;
    hq_list list = {.n = draw(0, HQ_LIST_MAX)};
    switch (key->kind) {
    case HQ_KIND_INT:
        *(int *)field = draw((int)key->min, (int)key->max);
        break;
    case HQ_KIND_REAL:
        *(double *)field = draw_real(key->min, key->max);
        break;
    case HQ_KIND_WORD:
        *(int *)field = draw(0, words - 1);
        break;
    case HQ_KIND_TEXT:
        draw_text(field);
        break;
    case HQ_KIND_LINES:
        draw_lines(field);
        break;
    case HQ_KIND_LIST:
        for (int i = 0; i < list.n; i++) list.v[i] = draw((int)key->min, (int)key->max);
        *(hq_list *)field = list;
        break;
    }
}

static void draw_config(hq_config *config, uint64_t number)
{
    stream = hq_random_make(number, HQ_PURPOSE_TEST, 0, 0);
    memset(config, 0, sizeof *config);
    for (int i = 0; i < hq_key_count; i++) draw_value(&hq_keys[i], config);
}

/* ---- properties ---------------------------------------------------------------------------------------------------
 */

enum { ROUNDS = 400 };

static void reading_a_dump_gives_the_same_bytes(void)
{
    for (uint64_t round = 0; round < ROUNDS; round++) {
        hq_config config, back;
        draw_config(&config, round);
        draw_config(&back, round + ROUNDS); /* every key must be overwritten */
        char *text = NULL;
        CHECK(hq_config_dump(&config, round % 2, &text) == HQ_OK);
        CHECK(hq_config_read_text(&back, text, "dump") == HQ_OK);
        CHECK_MSG(memcmp(&config, &back, sizeof config) == 0, "round %d: the configuration changed", (int)round);
        hq_free(text);
    }
    CHECK_INT(hq_memory_balance(), 0);
}

/* Every key can be set from the text that stands for it in the dump. */
static void every_key_can_be_set_from_its_dump(void)
{
    for (uint64_t round = 0; round < ROUNDS / 8; round++) {
        hq_config config, other;
        draw_config(&config, round);
        hq_copy_text(config.data_source, sizeof config.data_source, "/one \"two\" \\x41\t\xc3\xa9");
        hq_config_defaults(&other);
        for (int i = 0; i < hq_key_count; i++) {
            hq_text assignment = {0};
            hq_text_add(&assignment, "%s=", hq_keys[i].path);
            hq_value_print(&assignment, &hq_keys[i], &config);
            CHECK(hq_config_set(&other, assignment.data) == HQ_OK);
            CHECK_MSG(hq_value_equal(&hq_keys[i], &config, &other), "%s", assignment.data);
            hq_free(assignment.data);
        }
    }
}

static void every_key_stands_in_the_dump(void)
{
    hq_config config;
    hq_config_defaults(&config);
    char *plain, *commented;
    CHECK(hq_config_dump(&config, false, &plain) == HQ_OK);
    CHECK(hq_config_dump(&config, true, &commented) == HQ_OK);
    CHECK(!strchr(plain, '#'));
    const char *at = plain,
               *with = commented; /* the order is the table's, so groups and keys are found one after another */
    for (int i = 0; i < hq_key_count && at && with; i++) {
        char line[128];
        int indent = 4 * hq_key_group_depth(hq_keys[i].group);
        snprintf(line, sizeof line, "%s%*s%s = ", hq_key_opens_group(i) ? "= {\n" : "\n", indent, "", hq_keys[i].name);
        at = strstr(at, line);
        CHECK_MSG(at != NULL, "%s is missing", hq_keys[i].path);
        with = strstr(with, hq_keys[i].help);
        CHECK_MSG(with != NULL, "the help of %s is missing", hq_keys[i].path);
    }
    hq_free(plain);
    hq_free(commented);
}

static void groups_are_not_torn(void)
{
    for (int i = 0; i < hq_key_count; i++)
        for (int j = i + 1; hq_key_closes_group(i) && j < hq_key_count; j++)
            CHECK_MSG(strcmp(hq_keys[i].group, hq_keys[j].group) != 0, "group %s is torn", hq_keys[i].group);
}

/* The dump relies on it: a group opens inside the groups that are open, one level at a time. */
static void groups_inside_groups_follow_them(void)
{
    bool nested = false;
    for (int i = 0; i < hq_key_count; i++) {
        const char *group = hq_keys[i].group;
        int depth = hq_key_group_depth(group);
        if (depth == 1) continue;
        nested = true;
        CHECK_MSG(i > 0 && hq_key_groups_shared(hq_keys[i - 1].group, group) >= depth - 1, "%s", hq_keys[i].path);
    }
    CHECK(nested);
    CHECK_INT(hq_key_group_depth("model.circuit"), 2);
    CHECK_INT(hq_key_groups_shared("model.circuit", "model"), 1);
    CHECK_INT(hq_key_groups_shared("model.circuit", "model.circuits"), 1);
    CHECK_INT(hq_key_groups_shared("model", "models"), 0);
    CHECK_INT(hq_key_groups_shared("a.b.c", "a.b.c"), 3);
}

static void defaults_are_within_their_ranges(void)
{
    hq_config config;
    hq_config_defaults(&config);
    CHECK(hq_config_check(&config) == HQ_OK);
    CHECK_INT(hq_log_error_count(), 0);
}

static void real_numbers_are_short_and_exact(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1e-3, "0.001"},
                 {1000, "1000"},
                 {0.9999999, "0.9999999"},
                 {1e-16, "1e-16"},
                 {0, "0"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[HQ_REAL_MAX];
        hq_value_real(cases[i].value, text);
        CHECK_MSG(strcmp(text, cases[i].text) == 0, "%s, expected %s", text, cases[i].text);
    }
}

int main(void)
{
    HQ_RUN(reading_a_dump_gives_the_same_bytes);
    HQ_RUN(every_key_can_be_set_from_its_dump);
    HQ_RUN(every_key_stands_in_the_dump);
    HQ_RUN(groups_are_not_torn);
    HQ_RUN(groups_inside_groups_follow_them);
    HQ_RUN(defaults_are_within_their_ranges);
    HQ_RUN(real_numbers_are_short_and_exact);
    return hq_check_result();
}
