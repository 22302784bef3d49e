/* executor_process.h: another program that runs beside this one and is asked line by line.
 *
 * It ends with this process, even when that is killed: its input is then closed, and a guard (a shell that waits for
 * the same, in the program's process group) ends the whole group two seconds later.
 */
#ifndef QUANTUM_EXECUTOR_PROCESS_H
#define QUANTUM_EXECUTOR_PROCESS_H

#include "hqcnn/base.h"

#include <sys/types.h>

typedef struct hq_process {
    pid_t pid;         /* leads a process group of its own; 0: none runs */
    pid_t guard;       /* in that group; 0: none */
    int input, output; /* our ends of its standard input and output; -1: closed */
    int leash;         /* our end of the guard's standard input */
} hq_process;

/* A text that grows, its end not counted; freed with hq_free(text). */
typedef struct hq_line {
    char *text;
    size_t used, room; /* bytes */
} hq_line;

/* Starts `/bin/sh -c command` in the folder and with the standard error of this process, without any other open file of
 * it. False, with the reason in errno, when the system refuses. */
bool hq_process_start(hq_process *process, const char *command);

/* How a question ended. */
typedef enum hq_reply {
    HQ_REPLY_LINE,  /* a line is there */
    HQ_REPLY_ENDED, /* no line, and none will come: input or output is closed */
    HQ_REPLY_LATE,  /* no whole line in time */
    HQ_REPLY_LONG,  /* more than `longest` bytes without an end of line */
    HQ_REPLY_MORE,  /* a line and something behind it */
    HQ_REPLY_MEMORY /* no memory; logged */
} hq_reply;

/* Writes request[n] to the program and reads one line (without its end, terminated) for up to `seconds`. Signals do not
 * disturb the wait; a program that has ended raises no SIGPIPE here. What was read stands in `line` in any case. */
hq_reply hq_process_ask(hq_process *process, const char *request, size_t n, double seconds, size_t longest,
                        hq_line *line);

/* How the program ended, as text for a message: "ended with exit code 3". Waits a second for it to end. */
void hq_process_fate(const hq_process *process, char *text, size_t size);

/* Closes its input, waits up to `patience` seconds until it has ended, then ends it and its group by SIGTERM, a second
 * later by SIGKILL. Nothing is left of it, whatever it does. Does nothing when none runs. */
void hq_process_end(hq_process *process, double patience);

#endif
