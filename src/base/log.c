#include "hqcnn/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    int rank, size;
    char host[64];
    int errors;
    bool speaks;
} self = {0, 1, "", 0, true};

void hq_log_identity(int rank, int size, const char *host)
{
    self.rank = rank;
    self.size = size;
    self.speaks = rank == 0;
    hq_copy_text(self.host, sizeof self.host, host);
}

static _Thread_local struct {
    char *text; /* NULL: messages go to stderr */
    size_t size;
    bool error; /* it holds one */
} kept;

void hq_log_capture(char *text, size_t size)
{
    kept.text = text;
    kept.size = size;
    kept.error = false;
    if (text) text[0] = '\0';
}

static void keep(bool error, const char *format, va_list args)
{
    if (kept.text[0] && (kept.error || !error)) return;
    vsnprintf(kept.text, kept.size, format, args);
    kept.error = error;
}

/* One write per message, so that messages of several ranks do not mix within a line. */
static void write_line(bool error, const char *format, va_list args)
{
    if (kept.text) {
        keep(error, format, args);
        return;
    }
    char text[4096];
    int n = snprintf(text, sizeof text, "hqcnn-dist: %s: ", error ? "error" : "warning");
    n += vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    if (n > (int)sizeof text - 1) n = (int)sizeof text - 1;
    char where[128] = "\n";
    if (self.size > 1) snprintf(where, sizeof where, " [rank %d of %d on %s]\n", self.rank, self.size, self.host);
    size_t room = sizeof text - strlen(where) - 1;
    if ((size_t)n > room) n = (int)room;
    memcpy(text + n, where, strlen(where) + 1);
    fflush(stdout);
    fputs(text, stderr);
    fflush(stderr);
}

hq_status hq_fail(hq_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(true, format, args);
    va_end(args);
    self.errors++;
    return status;
}

void hq_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(false, format, args);
    va_end(args);
    self.errors++;
}

void hq_say(const char *format, ...)
{
    if (!self.speaks) return;
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

bool hq_say_let(bool speaks)
{
    const bool before = self.speaks;
    self.speaks = speaks;
    return before;
}

/* Where the output goes in the end. A launcher hands its ranks a pseudo-terminal even when its own output goes to a
 * file, so under one the question is where the launcher writes (Linux: /proc; elsewhere the answer is no). */
static bool output_is_terminal(void)
{
    const char *term = getenv("TERM");
    if (!term || strcmp(term, "dumb") == 0 || !isatty(STDOUT_FILENO)) return false;
    if (!getenv("OMPI_COMM_WORLD_RANK")) return true;
    char name[64], target[64];
    snprintf(name, sizeof name, "/proc/%ld/fd/1", (long)getppid());
    ssize_t n = readlink(name, target, sizeof target - 1);
    if (n < 0) return false;
    target[n] = '\0';
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

bool hq_say_is_terminal(void)
{
    static int known = -1;
    if (!self.speaks) return false;
    if (known < 0) known = output_is_terminal();
    return known;
}

int hq_log_error_count(void) { return self.errors; }

void hq_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "hqcnn-dist: internal error: %s:%d: %s does not hold\n", file, line, condition);
    abort();
}
