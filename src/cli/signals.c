/* signals.c: SIGUSR1 and SIGTERM ask a training to stop; a second one ends the process at once. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked; /* number of the signal */
static struct timespec asked_at;
static bool speaks;

static double since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

/* A launcher and the batch system may both pass one wish on, so what comes within a second is the same one. */
static void note(int number)
{
    static const char text[] = "\nhqcnn-dist: a second signal: leaving at once; run again with --resume to go on from "
                               "the last checkpoint\n";
    const int code = hq_status_exit_code(HQ_INTERRUPTED);
    if (!asked) {
        clock_gettime(CLOCK_MONOTONIC, &asked_at);
        asked = number;
        return;
    }
    if (since(&asked_at) < 1) return;
    if (speaks && write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(code);
    _exit(code);
}

static void set_mask(int how)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGTERM);
    sigprocmask(how, &both, NULL);
}

void hq_cli_signals_hold(bool hold) { set_mask(hold ? SIG_BLOCK : SIG_UNBLOCK); }

void hq_cli_signals_take(int rank)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaddset(&action.sa_mask, SIGTERM);
    speaks = rank == 0;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    hq_cli_signals_hold(false);
}

int hq_cli_signal_asked(void) { return asked; }
