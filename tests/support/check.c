#include "support/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *current = "(none)";
static int checks, failures;
static char scratch[256];
static pid_t scratch_owner;

void hq_check_begin(const char *name) { current = name; }

void hq_check_record(bool ok, const char *file, int line, const char *format, ...)
{
    checks++;
    if (ok) return;
    failures++;
    if (failures > 50) return; /* enough to see what is wrong */
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: in %s: ", file, line, current);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int hq_check_failures(void) { return failures; }

int hq_check_result(void)
{
    printf("%d checks, %d failed\n", checks, failures);
    return checks == 0 || failures > 0;
}

const char *hq_check_data_dir(void)
{
    const char *dir = getenv("HQCNN_DATA_DIR");
    if (dir && *dir) return dir;
    printf("SKIPPED: HQCNN_DATA_DIR is not set; it names the folder with breastmnist.npz and other MedMNIST files\n");
    return NULL;
}

static void remove_scratch(void)
{
    if (getpid() != scratch_owner) return;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    if (system(command) != 0) fprintf(stderr, "cannot remove %s\n", scratch);
}

const char *hq_check_scratch(void)
{
    if (scratch[0]) return scratch;
    const char *tmp = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/hqcnn-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(scratch)) {
        perror(scratch);
        exit(1);
    }
    scratch_owner = getpid();
    atexit(remove_scratch);
    return scratch;
}

void hq_check_int(long long have, long long want, const char *what, const char *file, int line)
{
    hq_check_record(have == want, file, line, "%s is %lld, expected %lld", what, have, want);
}

void hq_check_near(double have, double want, double tolerance, const char *what, const char *file, int line)
{
    hq_check_record(fabs(have - want) <= tolerance * fmax(1.0, fabs(want)), file, line,
                    "%s is %.17g, expected %.17g within %g", what, have, want, tolerance);
}

void hq_check_text(const char *have, const char *want, const char *what, const char *file, int line)
{
    hq_check_record(have && strcmp(have, want) == 0, file, line, "%s is \"%s\", expected \"%s\"", what,
                    have ? have : "(null)", want);
}
