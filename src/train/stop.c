/* stop.c: what asks a run to stop before its end: a signal, or time that is nearly up. Any rank may get a signal; rank
 * 0 alone looks at the clock. The wish reaches all ranks in the sum of the step. */
#include "train/run.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- signals ----------------------------------------------------------------------------------------------------- */

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
    if (!asked) {
        clock_gettime(CLOCK_MONOTONIC, &asked_at);
        asked = number;
        return;
    }
    if (since(&asked_at) < 1) return;
    if (speaks && write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(hq_status_exit_code(HQ_INTERRUPTED));
    _exit(hq_status_exit_code(HQ_INTERRUPTED));
}

static void set_mask(int how)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGTERM);
    sigprocmask(how, &both, NULL);
}

void hq_train_signals_hold(bool hold) { set_mask(hold ? SIG_BLOCK : SIG_UNBLOCK); }

static void install(int rank)
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
    hq_train_signals_hold(false);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* Seconds until the end of the Slurm job, where Slurm or the job script tells; 0: not told, or over, as in a job that
 * another one has submitted with its own environment. */
static double slurm_seconds(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME");
    char *end;
    if (!text || !*text) return 0;
    errno = 0;
    const long long at = strtoll(text, &end, 10);
    const double left = difftime((time_t)at, time(NULL));
    if (errno || *end || left <= 0) {
        hq_warn("SLURM_JOB_END_TIME = \"%.40s\" is no time to come, in seconds since 1970: it is ignored", text);
        return 0;
    }
    return left;
}

void hq_train_stop_begin(hq_run *run)
{
    hq_stop *stop = &run->stop;
    const int rank = hq_dist_rank(run->dist);
    install(rank);
    *stop = (hq_stop){.start = hq_clock()};
    if (rank != 0) return;
    const double slurm = slurm_seconds(), own = run->config->train_time_limit;
    if (slurm > 0) *stop = (hq_stop){.start = stop->start, .limit = slurm, .slack = 10, .reason = "SLURM_JOB_END_TIME"};
    if (own > 0 && (slurm <= 0 || own < slurm))
        *stop = (hq_stop){.start = stop->start, .limit = own, .slack = 1, .reason = "train.time_limit"};
}

void hq_train_stop_print(const hq_run *run)
{
    const hq_stop *stop = &run->stop;
    char at[32];
    if (stop->limit <= 0) return;
    const time_t end = time(NULL) + (time_t)(stop->limit - (hq_clock() - stop->start));
    struct tm parts;
    localtime_r(&end, &parts);
    strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S", &parts);
    hq_say("limit     %s (%s): the run saves its state and ends before that\n", at, stop->reason);
}

void hq_train_stop_timed(hq_run *run, bool save, double seconds)
{
    double *longest = save ? &run->stop.longest_save : &run->stop.longest_step;
    *longest = fmax(*longest, seconds);
}

/* What a step, a save and the end may take at most, as far as is known: one is still to come, and may be slower. */
static double reserve(const hq_stop *stop) { return stop->slack + 2 * (stop->longest_step + stop->longest_save); }

static bool time_is_up(const hq_stop *stop)
{
    return stop->limit > 0 && hq_clock() - stop->start + reserve(stop) >= stop->limit;
}

bool hq_train_stop_asked(const hq_run *run) { return asked != 0 || time_is_up(&run->stop); }

void hq_train_stop_say(const hq_run *run)
{
    const hq_stop *stop = &run->stop;
    if (asked)
        hq_say("\nstopping: SIG%s has come\n", asked == SIGTERM ? "TERM" : "USR1");
    else if (time_is_up(stop))
        hq_say("\nstopping: %.0f s are left until the end (%s), a step and a checkpoint took up to %.1f s\n",
               fmax(0, stop->limit - (hq_clock() - stop->start)), stop->reason,
               stop->longest_step + stop->longest_save);
    else
        hq_say("\nstopping: a signal has come to another rank\n");
}
