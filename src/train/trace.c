/* trace.c: the phases of the first steps, written to trace.json of the run folder (log.trace_steps). */
#include "train/run.h"

enum { EVENTS = 1 << 16 }; /* of a rank at most, 2 MB; later ones are left out */

hq_status hq_train_trace_begin(hq_run *run)
{
    if (run->config->log_trace_steps == 0) return HQ_OK;
    HQ_TRY(hq_dist_alloc(run->dist, EVENTS, sizeof *run->trace, "trace", &run->trace));
    HQ_TRY(hq_dist_clock_offset(run->dist, &run->trace_offset));
    double start = hq_clock();
    HQ_TRY(hq_dist_bcast(run->dist, &start, sizeof start));
    run->trace_offset -= start;
    hq_phase_record(run->trace, EVENTS);
    return HQ_OK;
}

static hq_status write(hq_run *run)
{
    char path[PATH_MAX];
    hq_train_path(run, "trace.json", path);
    const size_t n = hq_phase_recorded();
    hq_phase_record(NULL, 0);
    for (size_t i = 0; i < n; i++)
        run->trace[i].start += run->trace_offset; /* the clock of rank 0, from its start on */
    hq_status status = hq_dist_write_trace(run->dist, path, run->trace, n);
    if (status == HQ_OK && n == EVENTS && hq_dist_rank(run->dist) == 0)
        hq_warn("%s has only the first %zu phases of each rank; ask for fewer steps (log.trace_steps)", path, n);
    return status;
}

hq_status hq_train_trace_end(hq_run *run)
{
    if (!run->trace) return HQ_OK;
    const hq_status status = write(run);
    hq_free(run->trace);
    run->trace = NULL;
    return status;
}

hq_status hq_train_trace_step(hq_run *run)
{
    const int64_t made = run->progress.step - run->steps_at_start;
    return run->trace && made >= run->config->log_trace_steps ? hq_train_trace_end(run) : HQ_OK;
}
