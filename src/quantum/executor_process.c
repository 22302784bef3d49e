#include "quantum/executor_process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum { ERRORS = 2, FIRST_FILE = 3, FILES_MAX = 1 << 16, ROOM = 4096 };

/* ---- start ---- */

static void close_end(int *end)
{
    if (*end >= 0) close(*end);
    *end = -1;
}

static void close_ends(int ends[2])
{
    const int kept = errno;
    close_end(&ends[0]);
    close_end(&ends[1]);
    errno = kept;
}

/* A pipe whose ends are no standard files, even where those were closed, and close on exec. */
static bool open_pipe(int ends[2])
{
    int low[2];
    if (pipe(low) != 0) return false;
    ends[0] = fcntl(low[0], F_DUPFD_CLOEXEC, FIRST_FILE);
    ends[1] = fcntl(low[1], F_DUPFD_CLOEXEC, FIRST_FILE);
    close_ends(low);
    if (ends[0] >= 0 && ends[1] >= 0) return true;
    close_ends(ends);
    return false;
}

/* The system may not know the call (an old kernel, a checking tool): then one by one. */
static void close_files(int end)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)FIRST_FILE, ~0u, 0u) == 0) return;
#endif
    for (int file = FIRST_FILE; file < end; file++) close(file);
}

/* In the child; nothing here may take memory or a lock. MPI's files are not marked to close on exec. */
static void become(const char *command, pid_t group, const int standard[3], int files)
{
    sigset_t none;
    if (setpgid(0, group) != 0) kill(getpid(), SIGKILL); /* a guard in our own group would end that */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (int file = 0; file < FIRST_FILE; file++) dup2(standard[file], file);
    close_files(files);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    kill(getpid(), SIGKILL); /* no shell: nothing of this copy may run on */
}

/* Starts the shell with these standard files in a process group (0: a new one). -1: the system refuses. */
static pid_t start_shell(const char *command, pid_t group, const int standard[3])
{
    const long files = sysconf(_SC_OPEN_MAX);
    const pid_t pid = fork();
    if (pid == 0) become(command, group, standard, files > 0 && files < FILES_MAX ? (int)files : FILES_MAX);
    if (pid > 0) setpgid(pid, group ? group : pid); /* here too: whoever comes first */
    return pid;
}

static bool start_program(hq_process *process, const char *command)
{
    int down[2], up[2];
    if (!open_pipe(down)) return false;
    if (!open_pipe(up)) {
        close_ends(down);
        return false;
    }
    const pid_t pid = start_shell(command, 0, (int[]){down[0], up[1], ERRORS});
    const int problem = errno;
    close_end(&down[0]);
    close_end(&up[1]);
    *process = (hq_process){.pid = pid > 0 ? pid : 0, .input = down[1], .output = up[0], .leash = -1};
    fcntl(process->input, F_SETFL, O_NONBLOCK);
    fcntl(process->output, F_SETFL, O_NONBLOCK);
    errno = problem;
    return pid > 0;
}

/* Without a guard a killed run may leave a program that does not end by itself: no reason to stop. */
static void start_guard(hq_process *process)
{
    int ends[2];
    if (!open_pipe(ends)) return;
    const pid_t pid =
        start_shell("read -r line; sleep 2; kill -KILL 0", process->pid, (int[]){ends[0], ends[0], ends[0]});
    close_end(&ends[0]);
    process->leash = ends[1];
    process->guard = pid > 0 ? pid : 0;
}

bool hq_process_start(hq_process *process, const char *command)
{
    *process = (hq_process){.input = -1, .output = -1, .leash = -1};
    if (!start_program(process, command)) {
        close_end(&process->input);
        close_end(&process->output);
        return false;
    }
    start_guard(process);
    return true;
}

/* ---- end ---- */

static void pause_for(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&time, NULL);
}

/* Whether the program ends within some seconds. It stays a zombie, so that its number remains its own. */
static bool ends_within(const hq_process *process, double seconds, siginfo_t *info)
{
    const double until = hq_clock() + seconds;
    for (;;) {
        memset(info, 0, sizeof *info);
        const int code = waitid(P_PID, (id_t)process->pid, info, WEXITED | WNOHANG | WNOWAIT);
        if (code == 0 && info->si_pid == process->pid) return true;
        if (code != 0 && errno != EINTR) return true;
        if (hq_clock() >= until) return false;
        pause_for(0.002);
    }
}

void hq_process_fate(const hq_process *process, char *text, size_t size)
{
    siginfo_t info;
    if (!ends_within(process, 1, &info))
        snprintf(text, size, "closed its input or output, but runs on");
    else if (info.si_code == CLD_EXITED && info.si_status > 128) /* the shell tells so what has ended its command */
        snprintf(text, size, "ended with exit code %d (signal %d)", info.si_status, info.si_status - 128);
    else if (info.si_code == CLD_EXITED)
        snprintf(text, size, "ended with exit code %d%s", info.si_status,
                 info.si_status == 127 ? " (the shell found no such program)" : "");
    else
        snprintf(text, size, "was ended by signal %d", info.si_status);
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

void hq_process_end(hq_process *process, double patience)
{
    siginfo_t info;
    if (process->pid == 0) return;
    close_end(&process->input);
    if (!ends_within(process, patience, &info)) {
        kill(-process->pid, SIGTERM);
        ends_within(process, 1, &info);
    }
    kill(-process->pid, SIGKILL); /* also what it has started itself */
    reap(process->pid);
    if (process->guard) reap(process->guard);
    close_end(&process->output);
    close_end(&process->leash);
    process->pid = process->guard = 0;
}

/* ---- questions ---- */

/* write() that raises no SIGPIPE: the signal is blocked, and taken away if it came from here. */
static ssize_t write_quietly(int file, const char *data, size_t n)
{
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t written = write(file, data, n);
    const int problem = errno;
    if (written < 0 && problem == EPIPE && !was_pending) sigtimedwait(&pipe_signal, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = problem;
    return written;
}

static bool make_room(hq_line *line, size_t bytes)
{
    char *text;
    if (bytes <= line->room) return true;
    size_t room = line->room ? line->room : ROOM;
    while (room < bytes) room *= 2;
    if (hq_alloc(room, "answer of the external executor", &text) != HQ_OK) return false;
    if (line->used) memcpy(text, line->text, line->used);
    hq_free(line->text);
    line->text = text;
    line->room = room;
    return true;
}

static bool would_block(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* Reads what is there. *more: nothing decided yet. */
static hq_reply take_output(hq_process *process, size_t longest, hq_line *line, bool *more)
{
    *more = false;
    if (!make_room(line, line->used + ROOM)) return HQ_REPLY_MEMORY;
    char *from = line->text + line->used;
    const ssize_t n = read(process->output, from, line->room - line->used - 1);
    *more = n > 0 || (n < 0 && would_block());
    if (n <= 0) return HQ_REPLY_ENDED;
    line->used += (size_t)n;
    line->text[line->used] = '\0';
    char *end = memchr(from, '\n', (size_t)n);
    *more = !end && line->used <= longest;
    if (!end) return HQ_REPLY_LONG;
    const bool behind = end + 1 < line->text + line->used;
    *end = '\0';
    line->used = (size_t)(end - line->text);
    return line->used > longest ? HQ_REPLY_LONG : behind ? HQ_REPLY_MORE : HQ_REPLY_LINE;
}

/* Writes what the pipe takes; false: nobody reads it. */
static bool give_input(hq_process *process, const char **request, size_t *left)
{
    const ssize_t n = write_quietly(process->input, *request, *left);
    if (n < 0) return would_block();
    *request += n;
    *left -= (size_t)n;
    return true;
}

/* The program takes no more input: what it has written before, without waiting for more. */
static hq_reply last_words(hq_process *process, size_t longest, hq_line *line)
{
    struct pollfd output = {.fd = process->output, .events = POLLIN};
    while (poll(&output, 1, 0) > 0) {
        bool more;
        const hq_reply reply = take_output(process, longest, line, &more);
        if (!more) return reply;
    }
    return HQ_REPLY_ENDED;
}

/* Milliseconds until then, rounded up. */
static int left_until(double time)
{
    const double left = ceil((time - hq_clock()) * 1000);
    return left < 0 ? 0 : left > 1e9 ? 1000000000 : (int)left;
}

hq_reply hq_process_ask(hq_process *process, const char *request, size_t n, double seconds, size_t longest,
                        hq_line *line)
{
    const double until = hq_clock() + seconds;
    line->used = 0;
    if (!make_room(line, ROOM)) return HQ_REPLY_MEMORY;
    line->text[0] = '\0';
    for (;;) {
        struct pollfd files[2] = {{.fd = process->output, .events = POLLIN},
                                  {.fd = n > 0 ? process->input : -1, .events = POLLOUT}};
        const int ready = poll(files, 2, left_until(until));
        if (ready < 0 && errno != EINTR) return HQ_REPLY_ENDED;
        if (ready > 0 && files[0].revents) {
            bool more;
            const hq_reply reply = take_output(process, longest, line, &more);
            if (!more) return reply;
        }
        if (ready > 0 && files[1].revents && !give_input(process, &request, &n))
            return last_words(process, longest, line);
        if (left_until(until) == 0) return HQ_REPLY_LATE;
    }
}
