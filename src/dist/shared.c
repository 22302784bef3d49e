/* shared.c: one block of memory per node, through an MPI shared window: its first rank owns all of it. */
#include "dist/mpi_private.h"

#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

struct hq_shared {
    MPI_Win window;
    const hq_dist *dist; /* borrowed */
    void *block;
};

/* MPI makes and frees a window in one call that waits for the other ranks: within a phase in which they are watched. */
static hq_status open_window(hq_dist *dist, size_t bytes, hq_shared *shared)
{
    MPI_Aint size = dist->node_rank == 0 ? (MPI_Aint)(bytes ? bytes : 1) : 0;
    void *mine = NULL;
    const hq_phase before = hq_phase_enter(HQ_PHASE_BARRIER);
    const int code = MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, dist->node, &mine, &shared->window);
    hq_phase_enter(before);
    HQ_TRY(hq_dist_check(code, "MPI_Win_allocate_shared"));
    int unit = 1;
    HQ_TRY(
        hq_dist_check(MPI_Win_shared_query(shared->window, 0, &size, &unit, &shared->block), "MPI_Win_shared_query"));
    return hq_dist_check(MPI_Win_lock_all(MPI_MODE_NOCHECK, shared->window), "MPI_Win_lock_all");
}

/* Open MPI keeps it in /dev/shm; where there is no such file system, what is left is not known. */
double hq_dist_shared_room(void)
{
    struct statvfs room;
    return statvfs("/dev/shm", &room) == 0 ? (double)room.f_bavail * (double)room.f_frsize : INFINITY;
}

bool hq_dist_shared_fits(size_t bytes) { return hq_dist_shared_room() > 1.1 * (double)bytes; }

/* Before MPI is asked, which would leave the other ranks of the node waiting. */
static hq_status check_room(const hq_dist *dist, size_t bytes, const char *what)
{
    if (dist->node_rank != 0 || hq_dist_shared_fits(bytes)) return HQ_OK;
    HQ_FAIL(HQ_ERR_MEMORY, "%s: no shared memory of %.1f MB on this node; enlarge /dev/shm (containers: --shm-size)",
            what, (double)bytes / 1e6);
}

hq_status hq_dist_shared_alloc(hq_dist *dist, size_t bytes, const char *what, hq_shared **out_shared)
{
    *out_shared = NULL;
    hq_shared *shared;
    HQ_TRY(hq_dist_node_agree(dist, check_room(dist, bytes, what)));
    hq_status status = hq_dist_node_agree(dist, hq_alloc(sizeof *shared, what, &shared));
    if (status != HQ_OK) {
        hq_free(shared);
        return status;
    }
    *shared = (hq_shared){.window = MPI_WIN_NULL, .dist = dist};
    status = open_window(dist, bytes, shared);
    if (status != HQ_OK) {
        hq_free(shared);
        return status;
    }
    if (dist->node_rank == 0) memset(shared->block, 0, bytes);
    *out_shared = shared;
    return hq_dist_shared_sync(shared);
}

void *hq_dist_shared_block(const hq_shared *shared) { return shared->block; }

hq_status hq_dist_shared_sync(const hq_shared *shared)
{
    HQ_TRY(hq_dist_check(MPI_Win_sync(shared->window), "MPI_Win_sync"));
    int nothing = 0;
    HQ_TRY(hq_dist_reduce(shared->dist, shared->dist->node, &nothing, 1, MPI_INT, MPI_MAX, HQ_PHASE_BARRIER));
    return hq_dist_check(MPI_Win_sync(shared->window), "MPI_Win_sync");
}

void hq_dist_shared_free(hq_shared *shared)
{
    if (!shared) return;
    if (hq_dist_broken()) { /* the program is about to end by MPI_Abort: freeing is collective */
        hq_free(shared);
        return;
    }
    const hq_phase before = hq_phase_enter(HQ_PHASE_BARRIER);
    if (hq_dist_check(MPI_Win_unlock_all(shared->window), "MPI_Win_unlock_all") == HQ_OK)
        hq_dist_check(MPI_Win_free(&shared->window), "MPI_Win_free");
    hq_phase_enter(before);
    hq_free(shared);
}
