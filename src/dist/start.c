/* start.c: start and stop of MPI, who is where. The only place that names MPI_COMM_WORLD. */
#include "dist/mpi_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

MPI_Comm hq_dist_comm(const hq_dist *dist) { return dist->all; }

static bool broken;

bool hq_dist_broken(void) { return broken; }

hq_status hq_dist_check(int mpi_code, const char *call)
{
    if (mpi_code == MPI_SUCCESS) return HQ_OK;
    broken = true;
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(mpi_code, text, &length);
    HQ_FAIL(HQ_ERR_COMM, "%s failed: %s", call, text);
}

static int environment_int(const char *name)
{
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

/* Settings that must be there before MPI starts; what the user has set stays.
 * The file-system ones: Open MPI issue 12718 (collective writes on local file systems can corrupt). The yield: with
 * more ranks than cores a waiting rank must give its core away; Open MPI sees that by itself only under its own
 * launcher. */
static void prepare_environment(void)
{
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    setenv("OMPI_MCA_fs_ufs_lock_algorithm", "3", 0);
    int on_node = environment_int("OMPI_COMM_WORLD_LOCAL_SIZE");
    if (on_node == 0) on_node = environment_int("SLURM_STEP_TASKS_PER_NODE");
    if (on_node > sysconf(_SC_NPROCESSORS_ONLN)) setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
}

static hq_status make_communicators(hq_dist *dist)
{
    HQ_TRY(hq_dist_check(MPI_Comm_dup(MPI_COMM_WORLD, &dist->all), "MPI_Comm_dup"));
    MPI_Comm_set_errhandler(dist->all, MPI_ERRORS_RETURN);
    MPI_Comm_rank(dist->all, &dist->rank);
    MPI_Comm_size(dist->all, &dist->size);
    hq_log_identity(dist->rank, dist->size, hq_host_name());
    HQ_TRY(hq_dist_check(MPI_Comm_split_type(dist->all, MPI_COMM_TYPE_SHARED, dist->rank, MPI_INFO_NULL, &dist->node),
                         "MPI_Comm_split_type"));
    MPI_Comm_set_errhandler(dist->node, MPI_ERRORS_RETURN);
    MPI_Comm_rank(dist->node, &dist->node_rank);
    MPI_Comm_size(dist->node, &dist->node_size);
    int leader = dist->node_rank == 0;
    return hq_dist_check(MPI_Allreduce(&leader, &dist->nodes, 1, MPI_INT, MPI_SUM, dist->all), "MPI_Allreduce");
}

hq_status hq_dist_start(int *argc, char ***argv, hq_dist **out_dist)
{
    *out_dist = NULL;
    hq_launch_note();
    prepare_environment();
    HQ_TRY(hq_dist_check(MPI_Init(argc, argv), "MPI_Init"));
    hq_dist *dist;
    HQ_TRY(hq_alloc(sizeof *dist, "communicators", &dist));
    dist->all = dist->node = MPI_COMM_NULL;
    *out_dist = dist;
    return make_communicators(dist);
}

void hq_dist_stop(hq_dist *dist)
{
    if (!dist) return;
    if (dist->all != MPI_COMM_NULL) MPI_Barrier(dist->all);
    if (dist->node != MPI_COMM_NULL) MPI_Comm_free(&dist->node);
    if (dist->all != MPI_COMM_NULL) MPI_Comm_free(&dist->all);
    hq_free(dist);
    MPI_Finalize();
}

void hq_dist_abort(hq_dist *dist, int exit_code)
{
    int started = 0;
    MPI_Initialized(&started);
    if (started) MPI_Abort(dist && dist->all != MPI_COMM_NULL ? dist->all : MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
}

int hq_dist_rank(const hq_dist *dist) { return dist->rank; }
int hq_dist_size(const hq_dist *dist) { return dist->size; }
int hq_dist_nodes(const hq_dist *dist) { return dist->nodes; }
int hq_dist_node_rank(const hq_dist *dist) { return dist->node_rank; }
int hq_dist_node_size(const hq_dist *dist) { return dist->node_size; }
