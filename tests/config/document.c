#include <stdio.h>
#include <string.h>

#include "config/table.h"
#include "hqcnn/config.h"
#include "support/check.h"

enum { LIMIT = 1 << 20 };
static char file_text[LIMIT];

static const char *read_document(void)
{
    FILE *file = fopen(HQ_DOCUMENT, "r");
    CHECK_MSG(file != NULL, "%s cannot be opened", HQ_DOCUMENT);
    if (!file) return "";
    file_text[fread(file_text, 1, LIMIT - 1, file)] = '\0';
    fclose(file);
    return file_text;
}

static void the_file_is_up_to_date(void)
{
    char *text = NULL;
    CHECK(hq_config_document(&text) == HQ_OK);
    CHECK_MSG(strcmp(read_document(), text) == 0,
              "docs/configuration.md is out of date; run: hqcnn-dist check --document > docs/configuration.md");
    hq_free(text);
    CHECK_INT(hq_memory_balance(), 0);
}

/* One row of six cells for every key; a bar in a text would make more. */
static void every_key_has_one_row(void)
{
    char *text = NULL;
    CHECK(hq_config_document(&text) == HQ_OK);
    for (int i = 0; i < hq_key_count; i++) {
        char start[128];
        snprintf(start, sizeof start, "\n| `%s` |", hq_keys[i].path);
        const char *row = strstr(text, start);
        CHECK_MSG(row && !strstr(row + 1, start), "%s has not exactly one row", hq_keys[i].path);
        int bars = 0;
        for (const char *at = row ? row + 1 : ""; *at && *at != '\n'; at++) bars += *at == '|';
        CHECK_MSG(bars == 7, "the row of %s has %d bars", hq_keys[i].path, bars);
        CHECK(strstr(text, hq_keys[i].help) != NULL);
    }
    hq_free(text);
}

int main(void)
{
    HQ_RUN(the_file_is_up_to_date);
    HQ_RUN(every_key_has_one_row);
    return hq_check_result();
}
