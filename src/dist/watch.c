/* watch.c: the thread of a rank that looks whether it waits for too long, and for whom. See watch.h. */
#include "dist/watch.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double timeout_default = 60, abort_default = 1800; /* seconds, until the configuration is known */

/* ---- pulses ---- */

static hq_phase phase_of(const hq_pulse *pulse)
{
    return (hq_phase)(atomic_load_explicit(&pulse->step_and_phase, memory_order_acquire) & 0xff);
}

static double since_of(const hq_pulse *pulse) { return atomic_load_explicit(&pulse->since, memory_order_relaxed); }

void hq_watch_place(const hq_pulse *pulse, char place[HQ_PLACE_MAX])
{
    const int64_t step = atomic_load_explicit(&pulse->step_and_phase, memory_order_relaxed) >> 8;
    if (step > 0)
        snprintf(place, HQ_PLACE_MAX, "%s of step %lld", hq_phase_name(phase_of(pulse)), (long long)step);
    else
        snprintf(place, HQ_PLACE_MAX, "%s before the first step", hq_phase_name(phase_of(pulse)));
}

/* Seconds between two looks: an eighth of what is waited for, at most a second. */
static double interval(const hq_watch *watch)
{
    const double timeout = watch->timeout, abort_after = watch->abort_after;
    double least = 8;
    if (timeout > 0) least = fmin(least, timeout);
    if (abort_after > 0) least = fmin(least, abort_after);
    return fmax(least / 8, 0.02);
}

/* Seconds after which a process that has not marked its pulse does not run. Many ranks on a core make each other wait.
 */
double hq_watch_silence(const hq_watch *watch) { return fmax(4 * interval(watch), 2); }

/* ---- who is late ---- */

typedef struct hq_view {
    int late, waiting;     /* ranks of the node */
    const hq_pulse *first; /* of the late; one that does not run, if there is one */
    bool ended, silent;    /* that one */
} hq_view;

/* Asked of a silent one only: a process of another PID namespace cannot be seen from here. */
static bool process_ended(const hq_pulse *pulse) { return kill((pid_t)pulse->process, 0) != 0 && errno == ESRCH; }

/* In the midst of a checkpoint: nobody can tell whether this rank works or waits in HDF5. */
static bool mixes(const hq_watch *watch) { return hq_phase_kind_of(phase_of(watch->mine)) == HQ_PHASE_MIXES; }

/* A rank that works is late for those that wait, and so is one that mixes. For one that mixes only those are late that
 * do not run. */
static hq_view look_around(const hq_watch *watch, double now)
{
    hq_view view = {.waiting = 1};
    const bool any = mixes(watch);
    for (int i = 0; i < watch->dist->node_size; i++) {
        const hq_pulse *pulse = &watch->board->pulse[i];
        if (pulse == watch->mine || pulse->part != watch->mine->part) continue;
        const bool silent = now - pulse->alive > hq_watch_silence(watch), ended = silent && process_ended(pulse);
        const hq_phase_kind kind = hq_phase_kind_of(phase_of(pulse));
        if (!silent && (any || kind == HQ_PHASE_WAITS || kind == HQ_PHASE_RESTS)) {
            view.waiting++;
            continue;
        }
        if (!view.first || (silent && !view.silent)) view.first = pulse, view.ended = ended, view.silent = silent;
        view.late++;
    }
    return view;
}

static void tell_of_nobody(const hq_watch *watch, const char *mine, double now)
{
    const bool alone = watch->dist->nodes == 1;
    const double since = now - since_of(watch->mine);
    if (mixes(watch))
        hq_warn("in %s since %.0f s; all ranks%s run: the file system is slow, or a rank%s is late", mine, since,
                alone ? "" : " of this host", alone ? "" : " of another host");
    else
        hq_warn("all ranks%s wait, since %.0f s in %s%s", alone ? "" : " of this host", since, mine,
                alone ? "" : ": the late one is on another host");
}

static void tell(const hq_watch *watch, const hq_view *view, double now)
{
    char mine[HQ_PLACE_MAX], place[HQ_PLACE_MAX], more[48] = "", state[80] = "";
    const char *here = watch->dist->nodes > 1 ? " of this host" : "";
    hq_watch_place(watch->mine, mine);
    if (view->late == 0) {
        tell_of_nobody(watch, mine, now);
        return;
    }
    hq_watch_place(view->first, place);
    if (view->late > 1) snprintf(more, sizeof more, " (and %d more%s)", view->late - 1, here);
    if (view->ended)
        snprintf(state, sizeof state, ", its process has ended");
    else if (view->silent)
        snprintf(state, sizeof state, ", its process has not run for %.0f s", now - view->first->alive);
    hq_warn("rank %lld of %d on %s%s is late: in phase %s since %.0f s%s; %d rank%s%s wait%s in %s",
            (long long)view->first->rank, watch->dist->size, hq_host_name(), more, place, now - since_of(view->first),
            state, view->waiting, view->waiting == 1 ? "" : "s", here, view->waiting == 1 ? "s" : "", mine);
}

/* A node whose ranks all wait leaves the word to the others for some seconds; of several such nodes the first tells. A
 * rank in a checkpoint does so on a single node too; of several nodes the first two tell: the first may be the late
 * one, and nobody asks it. */
static bool has_something_to_tell(const hq_watch *watch, const hq_view *view, double now, double waited)
{
    enum { OTHERS_FIRST = 5 };
    const bool mixed = mixes(watch);
    if (view->late > 0 || (watch->dist->nodes == 1 && !mixed)) return true;
    return watch->dist->node_index <= mixed && waited > watch->timeout + OTHERS_FIRST && !watch->board->hosts_told &&
           now - watch->board->hosts_over > watch->timeout;
}

static void tell_once(hq_watch *watch, double now, double since, double waited)
{
    const hq_view view = look_around(watch, now);
    int64_t nobody = 0;
    if (!has_something_to_tell(watch, &view, now, waited)) return;
    if (!atomic_compare_exchange_strong(&watch->board->teller, &nobody, watch->dist->node_rank + 1)) return;
    watch->told = since;
    tell(watch, &view, now);
}

/* The rank that waits ends the job through MPI when it can; if that fails, or it hangs in a library, this process ends
 * alone, and the launcher ends the others. */
static void give_up(hq_watch *watch, double waited)
{
    enum { PATIENCE = 2 };
    int64_t nobody = 0;
    char place[HQ_PLACE_MAX];
    hq_watch_place(watch->mine, place);
    const bool first = atomic_compare_exchange_strong(&watch->board->leaving, &nobody, 1);
    if (first) {
        hq_fail(HQ_ERR_COMM, "nothing has come for %.0f s in %s (dist.stall_abort = %g): the job ends", waited, place,
                watch->abort_after);
        watch->leave = true;
    }
    if (!first || watch->polls) sleep(PATIENCE);
    hq_dist_leave(hq_status_exit_code(HQ_ERR_COMM));
}

/* Whether this process was stopped since the last look. That time is no waiting; and the others, who may have been
 * stopped with it, need a moment to mark their pulses. */
static bool was_stopped(hq_watch *watch, double now, double since)
{
    const double before = watch->looked;
    watch->looked = now;
    if (watch->wait != since) watch->excused = 0;
    watch->wait = since;
    if (now - before <= hq_watch_silence(watch)) return false;
    watch->excused += now - fmax(before, since);
    return true;
}

static void look(hq_watch *watch)
{
    const hq_phase phase = phase_of(watch->mine); /* before the time: see publish() */
    const double since = since_of(watch->mine), now = hq_clock();
    watch->mine->alive = now;
    if (watch->told != 0 && watch->told != since) {
        hq_warn("goes on after %.0f s", now - watch->told);
        watch->told = 0;
        watch->board->teller = 0;
    }
    const hq_phase_kind kind = hq_phase_kind_of(phase);
    if (was_stopped(watch, now, since) || kind == HQ_PHASE_WORKS || kind == HQ_PHASE_RESTS) return;
    const double waited = now - since - watch->excused;
    if (watch->timeout > 0 && waited > watch->timeout && watch->told == 0) tell_once(watch, now, since, waited);
    if (watch->abort_after > 0 && waited > watch->abort_after) give_up(watch, waited);
}

/* ---- the thread ---- */

static void *run(void *argument)
{
    hq_watch *watch = argument;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        const double next = (double)until.tv_nsec * 1e-9 + interval(watch);
        until.tv_sec += (time_t)next;
        until.tv_nsec = (long)((next - floor(next)) * 1e9);
        pthread_cond_timedwait(&watch->change, &watch->mutex, &until);
        if (!watch->stop) look(watch);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

/* Signals are for the thread that trains. */
static hq_status start_thread(hq_watch *watch)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->change, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&watch->mutex, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&watch->thread, NULL, run, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    watch->started = error == 0;
    if (error) HQ_FAIL(HQ_ERR_INTERNAL, "the thread that watches for stalls cannot start: %s", strerror(error));
    return HQ_OK;
}

static hq_status set_up(hq_dist *dist, hq_watch *watch)
{
    const size_t bytes = sizeof(hq_board) + (size_t)dist->node_size * sizeof(hq_pulse);
    *watch = (hq_watch){.dist = dist, .timeout = timeout_default, .abort_after = abort_default, .looked = hq_clock()};
    HQ_TRY(hq_dist_shared_alloc(dist, bytes, "pulses", &watch->shared));
    watch->board = hq_dist_shared_block(watch->shared);
    watch->mine = &watch->board->pulse[dist->node_rank];
    watch->mine->rank = dist->rank;
    watch->mine->process = getpid();
    watch->mine->alive = hq_clock();
    hq_phase_publish(watch->mine);
    HQ_TRY(hq_dist_shared_sync(watch->shared));
    if (dist->leaders != MPI_COMM_NULL) HQ_TRY(hq_question_create(dist, &watch->question));
    return start_thread(watch);
}

hq_status hq_watch_create(hq_dist *dist)
{
    hq_watch *watch;
    if (dist->size == 1) return HQ_OK;
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *watch, "watch", &watch));
    const hq_status status = set_up(dist, watch);
    dist->watch = watch;
    return status;
}

void hq_watch_destroy(hq_dist *dist)
{
    hq_watch *watch = dist->watch;
    if (!watch) return;
    if (watch->started) {
        pthread_mutex_lock(&watch->mutex);
        watch->stop = true;
        pthread_cond_signal(&watch->change);
        pthread_mutex_unlock(&watch->mutex);
        pthread_join(watch->thread, NULL);
    }
    dist->watch = NULL; /* what follows waits unwatched */
    hq_phase_publish(NULL);
    hq_dist_shared_free(watch->shared);
    hq_question_destroy(&watch->question);
    hq_free(watch);
}

void hq_dist_watch(const hq_dist *dist, double timeout, double abort_after)
{
    hq_watch *watch = dist->watch ? dist->watch : dist->above;
    if (!watch) return;
    watch->timeout = timeout;
    watch->abort_after = abort_after;
    pthread_cond_signal(&watch->change);
}

void hq_watch_part(hq_watch *watch, int part) { watch->mine->part = part; }

/* ---- from within hq_dist_wait ---- */

void hq_watch_begin(const hq_dist *dist) { atomic_store_explicit(&dist->watch->polls, true, memory_order_relaxed); }

void hq_watch_poll(const hq_dist *dist)
{
    if (dist->watch->leave) hq_dist_abort((hq_dist *)dist, hq_status_exit_code(HQ_ERR_COMM));
    if (dist->leaders != MPI_COMM_NULL) hq_question_look(dist, &dist->watch->question);
}

void hq_watch_end(const hq_dist *dist)
{
    atomic_store_explicit(&dist->watch->polls, false, memory_order_relaxed);
    if (dist->watch->question.asked > 0) hq_question_end(dist, &dist->watch->question);
}
