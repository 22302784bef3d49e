#include "config/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved = -1;
static char path[300], text[8192];

void hq_stderr_hold(void)
{
    snprintf(path, sizeof path, "%s/stderr", hq_check_scratch());
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    if (!freopen(path, "w", stderr)) exit(1);
}

const char *hq_stderr_release(void)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file) fclose(file);
    return text;
}

void hq_check_refusal(const char *file, int line, const char *call, hq_status have, hq_status want, const char *message,
                      const char *const *pieces)
{
    hq_check_record(have == want, file, line, "%s gives status %d, expected %d; message: %s", call, (int)have,
                    (int)want, message);
    const char *end = strchr(message, '\n');
    hq_check_record(end && end[1] == '\0', file, line, "%s logs not one line but: %s", call, message);
    for (; *pieces; pieces++)
        hq_check_record(strstr(message, *pieces) != NULL, file, line, "%s: no \"%s\" in: %s", call, *pieces, message);
}
