/* output.c: what a command writes besides its report. */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>

hq_status hq_cli_write(const char *option, const char *path, hq_write write, const void *ctx)
{
    if (!path[0] || strcmp(path, "-") == 0) {
        if (write(stdout, ctx) && fflush(stdout) == 0 && !ferror(stdout)) return HQ_OK;
        HQ_FAIL(HQ_ERR_FILE, "the standard output cannot be written: %s", strerror(errno));
    }
    int error = hq_file_write(path, write, ctx);
    if (!error) return HQ_OK;
    HQ_FAIL(HQ_ERR_FILE, "%s %s cannot be written: %s", option, path, strerror(error));
}
