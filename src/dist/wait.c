/* wait.c: the one place where a rank waits for others. */
#include "dist/mpi_private.h"
#include "dist/watch.h"

#include <sched.h>

/* A test moves all messages of this rank on, and gives the core away when Open MPI knows of more ranks than cores; now
 * and then this does so too, for when it does not know. */
static int wait_for_one(const hq_dist *dist, MPI_Request *request)
{
    enum { YIELD = 32, POLL = 256 }; /* tests until the core is given away; until the rank looks around */
    for (unsigned tries = 1;; tries++) {
        int done = 0;
        const int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done || code != MPI_SUCCESS) return code;
        if (tries % POLL == 0 && dist->watch) hq_watch_poll(dist);
        if (tries % YIELD == 0) sched_yield();
    }
}

hq_status hq_dist_wait(const hq_dist *dist, MPI_Request *request, int n, hq_phase phase, const char *call)
{
    const hq_phase before = hq_phase_enter(phase);
    int code = MPI_SUCCESS;
    if (dist->watch) hq_watch_begin(dist);
    for (int i = 0; i < n && code == MPI_SUCCESS; i++) code = wait_for_one(dist, &request[i]);
    if (dist->watch) hq_watch_end(dist);
    hq_phase_enter(before);
    return hq_dist_check(code, call);
}

hq_status hq_dist_wait_for(const hq_dist *dist, int code, MPI_Request *request, hq_phase phase, const char *call)
{
    HQ_TRY(hq_dist_check(code, call));
    return hq_dist_wait(dist, request, 1, phase, call);
}

hq_status hq_dist_send(const hq_dist *dist, MPI_Comm comm, const void *data, size_t bytes, int to, int tag)
{
    MPI_Request request;
    return hq_dist_wait_for(dist, MPI_Isend(data, (int)bytes, MPI_BYTE, to, tag, comm, &request), &request,
                            HQ_PHASE_GATHER, "MPI_Isend");
}

hq_status hq_dist_receive(const hq_dist *dist, MPI_Comm comm, void *data, size_t bytes, int from, int tag)
{
    MPI_Request request;
    return hq_dist_wait_for(dist, MPI_Irecv(data, (int)bytes, MPI_BYTE, from, tag, comm, &request), &request,
                            HQ_PHASE_GATHER, "MPI_Irecv");
}
