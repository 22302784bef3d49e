/* The configuration: libconfig text, or behind a first byte '=' lines that are given to --set. What is accepted is
 * written and read back to the same. */
#include "support.h"

#include "hqcnn/config.h"

#include <stdlib.h>
#include <string.h>

static hq_config defaults, config, again;

static void check_dump(void)
{
    char *text, *second;
    HQ_ASSERT(hq_config_dump(&config, false, &text) == HQ_OK);
    again = defaults;
    HQ_ASSERT(hq_config_read_text(&again, text, "dump") == HQ_OK);
    HQ_ASSERT(hq_config_dump(&again, false, &second) == HQ_OK);
    HQ_ASSERT(strcmp(text, second) == 0);
    hq_free(text);
    hq_free(second);
}

static hq_status set_lines(char *text)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) HQ_TRY(hq_config_set(&config, line));
    return HQ_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!defaults.data_source[0]) hq_config_defaults(&defaults);
    char *text = fuzz_text(data, size);
    config = defaults;
    const hq_status status = text[0] == '=' ? set_lines(text + 1) : hq_config_read_text(&config, text, "text");
    if (status == HQ_OK) hq_config_check(&config);
    if (status == HQ_OK) check_dump();
    free(text);
    fuzz_check_memory();
    return 0;
}
