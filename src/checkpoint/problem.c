/* problem.c: one message for a failure of any rank. */
#include "checkpoint/private.h"

#include "dist/mpi_private.h"

#include <stdarg.h>
#include <stdio.h>

void hq_problem_set(hq_problem *problem, hq_status status, const char *format, ...)
{
    if (problem->status != HQ_OK) return;
    problem->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
}

hq_status hq_problem_settle(const hq_dist *dist, const hq_problem *problem, const char *path, const char *outcome)
{
    int rank = hq_dist_rank(dist), size = hq_dist_size(dist);
    bool speaks = problem->status != HQ_OK && problem->text[0] != '\0';
    if (hq_dist_broken()) return HQ_ERR_COMM; /* the others may be in another call: this rank ends the job */
    int worst[2] = {(int)problem->status, speaks ? size - rank : 0}; /* status; the lowest rank that has a text */
    HQ_TRY(hq_dist_reduce(dist, hq_dist_comm(dist), worst, 2, MPI_INT, MPI_MAX, HQ_PHASE_AGREE));
    if (speaks && worst[1] == size - rank)
        return hq_fail((hq_status)worst[0], "checkpoint %s %s: %s", path, outcome, problem->text);
    return (hq_status)worst[0];
}
