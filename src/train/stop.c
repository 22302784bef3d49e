/* stop.c: what asks a run to stop before its end: a signal (of which the caller knows), or time that is nearly up. Any
 * rank may get a signal; rank 0 alone looks at the clock. The wish reaches all ranks in the sum of the step. */
#include "train/run.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

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

/* Behind the end of a job nothing more can be done; a limit of the user's own may be passed by little. */
static const double slack_of_job = 10, slack_of_user = 1;

/* What is left of the user's own limit, 0: there is none. */
static double own_seconds(const hq_config *config, double started, double now)
{
    if (config->train_time_limit <= 0) return 0;
    return fmax(config->train_time_limit - (started > 0 ? now - started : 0), 1e-3);
}

void hq_train_stop_begin(hq_run *run, const hq_train_options *options)
{
    hq_stop *stop = &run->stop;
    const double now = hq_clock();
    *stop = (hq_stop){.start = now, .signal_of = options->signal_of};
    if (hq_dist_rank(run->dist) != 0) return;
    const double slurm = slurm_seconds(), own = own_seconds(run->config, options->started, now);
    if (slurm > 0) {
        stop->limit = slurm;
        stop->slack = slack_of_job;
        stop->reason = "SLURM_JOB_END_TIME";
    }
    if (own > 0 && (slurm <= 0 || own - slack_of_user < slurm - slack_of_job)) {
        stop->limit = own;
        stop->slack = slack_of_user;
        stop->reason = "train.time_limit";
    }
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

static int signal_of(const hq_stop *stop) { return stop->signal_of ? stop->signal_of() : 0; }

bool hq_train_stop_asked(const hq_run *run) { return signal_of(&run->stop) != 0 || time_is_up(&run->stop); }

void hq_train_stop_say(const hq_run *run)
{
    const hq_stop *stop = &run->stop;
    const int number = signal_of(stop);
    if (number != 0)
        hq_say("\nstopping: SIG%s has come\n", number == SIGTERM ? "TERM" : "USR1");
    else if (time_is_up(stop))
        hq_say("\nstopping: %.0f s are left until the end (%s), a step and a checkpoint took up to %.1f s\n",
               fmax(0, stop->limit - (hq_clock() - stop->start)), stop->reason,
               stop->longest_step + stop->longest_save);
    else
        hq_say("\nstopping: a signal has come to another rank\n");
}
