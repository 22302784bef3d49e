/* split.c: a part of the ranks as a world of its own. */
#include "dist/mpi_private.h"
#include "dist/watch.h"

#include <time.h>

static hq_status split(const hq_dist *dist, int color, hq_dist *part)
{
    HQ_TRY(hq_dist_check(MPI_Comm_split(dist->all, color, dist->rank, &part->all), "MPI_Comm_split"));
    HQ_TRY(hq_dist_check(MPI_Comm_split(dist->node, color, dist->rank, &part->node), "MPI_Comm_split"));
    HQ_TRY(hq_dist_adopt(part->all, &part->rank, &part->size));
    return hq_dist_number_nodes(part);
}

hq_status hq_dist_split(const hq_dist *dist, int color, hq_dist **out_part)
{
    hq_dist *part;
    *out_part = NULL;
    HQ_ASSERT(color >= 0);
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *part, "communicators", &part));
    *part = (hq_dist){.all = MPI_COMM_NULL, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL, .above = dist->watch};
    const hq_status status = split(dist, color, part);
    if (status != HQ_OK) {
        hq_dist_split_free(part);
        return status;
    }
    if (part->above) hq_watch_part(part->above, color + 1);
    *out_part = part;
    return HQ_OK;
}

void hq_dist_split_free(hq_dist *part)
{
    if (!part) return;
    if (part->above) hq_watch_part(part->above, 0);
    hq_dist_free_communicators(part);
    hq_free(part);
}

hq_status hq_dist_rest(const hq_dist *dist)
{
    static const struct timespec nap = {.tv_nsec = 2000000};
    MPI_Request request;
    int over = 0;
    const hq_phase before = hq_phase_enter(HQ_PHASE_REST);
    HQ_TRY(hq_dist_check(MPI_Ibarrier(dist->all, &request), "MPI_Ibarrier"));
    while (!over) {
        nanosleep(&nap, NULL);
        HQ_TRY(hq_dist_check(MPI_Test(&request, &over, MPI_STATUS_IGNORE), "MPI_Test"));
    }
    hq_phase_enter(before);
    return HQ_OK;
}
