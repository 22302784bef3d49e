/* An external executor that dies, hangs or answers nonsense: the job is tried again as configured, or there is one
 * clear error; no wait without end, no process left. */
#include "config/refusal.h"
#include "executor_bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOB = 5 };

static hq_random stream;

/* Modes of the fake executor, and what the message must say. */
static const struct {
    const char *mode, *message;
    double timeout; /* seconds */
} failures[] = {
    {"die", "ended with exit code 3", 20},
    {"killed", "was ended by signal 9", 20},
    {"hang", "no answer within executor.timeout = 0.5 seconds", 0.5},
    {"child", "no answer within executor.timeout = 0.5 seconds", 0.5},
    {"silent", "closed its input or output, but runs on", 20},
    {"late", "no answer within executor.timeout = 0.5 seconds", 0.5},
    {"nonsense", "it wrote: loading the device...", 20},
    {"endless", "a line that is too long", 20},
    {"broken", "ended with exit code 0; it wrote: {\"id\":5,\"cou", 20},
    {"error", "the error \"the cryostat is warm\"", 20},
    {"sum", "counts of 999 shots in place of 1000", 20},
    {"id", "an answer without \"id\": 5; it wrote: {\"id\":4,", 20},
    {"twice", "more than one line", 20},
};
enum { FAILURES = sizeof failures / sizeof *failures };

static void misbehave(bench *b, int failure, const char *marker)
{
    char words[600];
    snprintf(words, sizeof words, "%s %d %s", failures[failure].mode, JOB, marker);
    bench_command(b, words);
    b->config.executor_timeout = failures[failure].timeout;
}

static void check_left(int started, int files)
{
    const bench_processes processes = bench_count_processes();
    CHECK_INT(processes.started, started);
    CHECK_INT(processes.left, 0);
    CHECK_INT(bench_open_files(), files);
}

/* Once wrong, then right: a warning, and the bits of an undisturbed evaluation. */
static void test_again(void)
{
    bench *b = bench_open(&stream, 2, 0);
    bench_result want, have;
    const int files = bench_open_files();
    CHECK(bench_evaluate(b, &hq_runner_local, false, &want) == HQ_OK);
    check_left(1, files);
    b->config.executor_retries = 1;
    for (int i = 0; i < FAILURES; i++) {
        misbehave(b, i, bench_file("marker"));
        const int before = hq_log_error_count();
        hq_stderr_hold();
        const hq_status status = bench_evaluate(b, &hq_runner_local, false, &have);
        const char *message = hq_stderr_release();
        CHECK_MSG(status == HQ_OK && bench_same(b, &have, &want), "%s: %s", failures[i].mode, message);
        CHECK_INT(hq_log_error_count() - before, 1);
        CHECK_MSG(strstr(message, "warning") && strstr(message, "job 5") && strstr(message, failures[i].message),
                  "%s: %s", failures[i].mode, message);
        check_left(strcmp(failures[i].mode, "child") ? 2 : 3, files);
        remove(bench_file("marker"));
    }
    bench_close(b);
}

/* Always wrong: one error that names key and reason. */
static void test_refused(void)
{
    bench *b = bench_open(&stream, 2, 0);
    bench_result result;
    const int files = bench_open_files();
    for (int i = 0; i < FAILURES; i++) {
        misbehave(b, i, "");
        CHECK_REFUSED(bench_evaluate(b, &hq_runner_local, false, &result), HQ_ERR_EXECUTOR, "executor.command = \"exec",
                      "job 5", failures[i].message, "executor.retries = 0", "executor.timeout = ", "--resume");
        check_left(strcmp(failures[i].mode, "child") ? 1 : 2, files);
    }
    CHECK_INT(hq_status_exit_code(HQ_ERR_EXECUTOR), 5);
    bench_close(b);
}

/* Every job has all its retries, and no more. */
static void test_retries(void)
{
    bench *b = bench_open(&stream, 2, 0);
    bench_result result;
    misbehave(b, 0, "");
    for (int retries = 0; retries <= 3; retries++) {
        b->config.executor_retries = retries;
        hq_stderr_hold();
        const int before = hq_log_error_count();
        CHECK(bench_evaluate(b, &hq_runner_local, false, &result) == HQ_ERR_EXECUTOR);
        CHECK_INT(hq_log_error_count() - before, retries + 1);
        hq_stderr_release();
        check_left(retries + 1, bench_open_files());
    }
    bench_close(b);
}

/* Programs that are none: absent; ends at once, so that nobody reads the job; takes no input and says nothing. */
static void test_no_executor(void)
{
    static const struct {
        const char *command, *message;
    } programs[] = {{"exec ./no-such-program 2>/dev/null", "exit code 127 (the shell found no such program)"},
                    {"exit 7", "ended with exit code 7;"},
                    {"exec 2>/dev/null; sh -c 'kill -ABRT $$'; exit $?", "ended with exit code 134 (signal 6)"},
                    {"echo", "no JSON object"},
                    {"cat", "without \"counts\""},
                    {"yes", "more than one line"}};
    bench *b = bench_open(&stream, 2, 0);
    bench_result result;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        hq_copy_text(b->config.executor_command, sizeof b->config.executor_command, programs[i].command);
        CHECK_REFUSED(bench_evaluate(b, &hq_runner_local, false, &result), HQ_ERR_EXECUTOR, programs[i].command,
                      programs[i].message);
    }
    bench_close(b);
}

/* ---- signals ---- */

static volatile sig_atomic_t alarms;
static void count_alarm(int number)
{
    (void)number;
    alarms++;
}

/* Signals while an answer is waited for, as those that ask a training for a checkpoint. */
static void test_signals(void)
{
    const struct sigaction counting = {.sa_handler = count_alarm}; /* no SA_RESTART */
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    bench *b = bench_open(&stream, 2, 0);
    bench_result want, have;
    CHECK(bench_evaluate(b, &hq_runner_local, false, &want) == HQ_OK);
    bench_command(b, "slow 5");
    sigaction(SIGALRM, &counting, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    const hq_status status = bench_evaluate(b, &hq_runner_local, false, &have);
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(status == HQ_OK && bench_same(b, &have, &want));
    CHECK(alarms >= 3);
    bench_count_processes();
    bench_close(b);
}

/* This process killed while the program hangs, deaf to SIGTERM and to the end of its input. */
static void test_killed(void)
{
    char words[600], marker[400];
    bench *b = bench_open(&stream, 2, 0);
    snprintf(marker, sizeof marker, "%s", bench_file("hangs"));
    snprintf(words, sizeof words, "hang %d %s; true", JOB, marker); /* the shell stays in between */
    bench_command(b, words);
    memcpy(b->config.executor_command, "     ", 5); /* no "exec" */
    const pid_t child = fork();
    if (child == 0) {
        bench_result result;
        bench_evaluate(b, &hq_runner_local, false, &result);
        _exit(0);
    }
    for (int i = 0; i < 1000 && access(marker, F_OK) != 0; i++) usleep(10000);
    CHECK(access(marker, F_OK) == 0);
    kill(child, SIGKILL);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    check_left(1, bench_open_files());
    bench_close(b);
}

int main(void)
{
    stream = hq_random_make(12, HQ_PURPOSE_TEST, 0, 1);
    setenv("HQCNN_FAKE_PIDS", bench_file("pids"), 1);
    HQ_RUN(test_again);
    HQ_RUN(test_refused);
    HQ_RUN(test_retries);
    HQ_RUN(test_no_executor);
    HQ_RUN(test_signals);
    HQ_RUN(test_killed);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
