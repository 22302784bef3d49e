/* output.c: what a command writes besides its report. */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>

static bool write_all(FILE *file, hq_write write, const void *ctx)
{
    return write(file, ctx) && fflush(file) == 0 && !ferror(file);
}

hq_status hq_cli_write(const char *option, const char *path, hq_write write, const void *ctx)
{
    if (!path[0] || strcmp(path, "-") == 0) {
        if (write_all(stdout, write, ctx)) return HQ_OK;
        HQ_FAIL(HQ_ERR_FILE, "the standard output cannot be written: %s", strerror(errno));
    }
    char temporary[PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "w");
    bool good = file && write_all(file, write, ctx);
    int error = errno;
    if (file && fclose(file) != 0) good = false, error = errno;
    if (good && rename(temporary, path) == 0) return HQ_OK;
    if (good) error = errno;
    remove(temporary);
    HQ_FAIL(HQ_ERR_FILE, "%s %s cannot be written: %s", option, path, strerror(error));
}
