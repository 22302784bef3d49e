/* start.c: start and stop of MPI, who is where. The only place that names MPI_COMM_WORLD. */
#include "dist/mpi_private.h"
#include "dist/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

MPI_Comm hq_dist_comm(const hq_dist *dist) { return dist->all; }

static bool broken;

bool hq_dist_broken(void) { return broken; }

void hq_dist_break(void) { broken = true; }

hq_status hq_dist_check(int mpi_code, const char *call)
{
    if (mpi_code == MPI_SUCCESS) return HQ_OK;
    broken = true;
    char text[MPI_MAX_ERROR_STRING] = "MPI has not started";
    int length = 0, started = 0;
    MPI_Initialized(&started);
    if (started) MPI_Error_string(mpi_code, text, &length);
    HQ_FAIL(HQ_ERR_COMM, "%s failed: %s", call, text);
}

hq_status hq_dist_adopt(MPI_Comm comm, int *rank, int *size)
{
    HQ_TRY(hq_dist_check(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler"));
    HQ_TRY(hq_dist_check(MPI_Comm_rank(comm, rank), "MPI_Comm_rank"));
    return hq_dist_check(MPI_Comm_size(comm, size), "MPI_Comm_size");
}

void hq_dist_release(MPI_Comm *comm)
{
    if (*comm != MPI_COMM_NULL && !broken) hq_dist_check(MPI_Comm_free(comm), "MPI_Comm_free");
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
    setenv("OMPI_MCA_fs_ufs_lock_algorithm", "3", 0);
    setenv("OMPI_MCA_io_ompio_cycle_buffer_size", "1048576",
           0); /* bytes of a write: large ones are slow, decision 19 */
    int on_node = environment_int("OMPI_COMM_WORLD_LOCAL_SIZE");
    if (on_node == 0) on_node = environment_int("SLURM_STEP_TASKS_PER_NODE");
    if (on_node > sysconf(_SC_NPROCESSORS_ONLN)) setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
}

/* For tests on one machine: HQCNN_NODE_RANKS=n makes every n ranks of a node count as a node of their own. */
static hq_status split_node(hq_dist *dist)
{
    const int ranks = environment_int("HQCNN_NODE_RANKS");
    int rank;
    MPI_Comm node = dist->node;
    if (ranks <= 0) return HQ_OK;
    HQ_TRY(hq_dist_check(MPI_Comm_rank(node, &rank), "MPI_Comm_rank"));
    HQ_TRY(hq_dist_check(MPI_Comm_split(node, rank / ranks, rank, &dist->node), "MPI_Comm_split"));
    return hq_dist_check(MPI_Comm_free(&node), "MPI_Comm_free");
}

/* Nodes are numbered by their first ranks, which also get a communicator of their own when there are several. */
hq_status hq_dist_number_nodes(hq_dist *dist)
{
    HQ_TRY(hq_dist_adopt(dist->node, &dist->node_rank, &dist->node_size));
    const int leads = dist->node_rank == 0;
    HQ_TRY(hq_dist_check(MPI_Allreduce(&leads, &dist->nodes, 1, MPI_INT, MPI_SUM, dist->all), "MPI_Allreduce"));
    if (dist->nodes == 1) return HQ_OK;
    HQ_TRY(hq_dist_check(MPI_Comm_split(dist->all, leads ? 0 : MPI_UNDEFINED, dist->rank, &dist->leaders),
                         "MPI_Comm_split"));
    if (leads) HQ_TRY(hq_dist_adopt(dist->leaders, &dist->node_index, &(int){0}));
    return hq_dist_node_bcast(dist, &dist->node_index, sizeof dist->node_index);
}

static hq_status make_communicators(hq_dist *dist)
{
    HQ_TRY(hq_dist_check(MPI_Comm_dup(MPI_COMM_WORLD, &dist->all), "MPI_Comm_dup"));
    HQ_TRY(hq_dist_adopt(dist->all, &dist->rank, &dist->size));
    hq_log_identity(dist->rank, dist->size, hq_host_name());
    HQ_TRY(hq_dist_check(MPI_Comm_split_type(dist->all, MPI_COMM_TYPE_SHARED, dist->rank, MPI_INFO_NULL, &dist->node),
                         "MPI_Comm_split_type"));
    HQ_TRY(split_node(dist));
    return hq_dist_number_nodes(dist);
}

hq_status hq_dist_start(int *argc, char ***argv, hq_dist **out_dist)
{
    *out_dist = NULL;
    hq_launch_note();
    prepare_environment();
    int level; /* FUNNELED: one more thread, which does not call MPI */
    HQ_TRY(hq_dist_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread"));
    hq_dist *dist;
    HQ_TRY(hq_alloc(sizeof *dist, "communicators", &dist));
    dist->all = dist->node = dist->leaders = MPI_COMM_NULL;
    *out_dist = dist;
    HQ_TRY(make_communicators(dist));
    return hq_watch_create(dist);
}

void hq_dist_free_communicators(hq_dist *dist)
{
    hq_dist_release(&dist->leaders);
    hq_dist_release(&dist->node);
    hq_dist_release(&dist->all);
}

void hq_dist_stop(hq_dist *dist)
{
    if (!dist) return;
    if (!broken) hq_dist_barrier(dist);
    hq_watch_destroy(dist);
    hq_dist_free_communicators(dist);
    if (broken) hq_dist_abort(dist, hq_status_exit_code(HQ_ERR_COMM)); /* the others may wait in what failed here */
    hq_free(dist);
    MPI_Finalize();
}

static int code_of_abort;

static void leave_at_once(int number)
{
    (void)number;
    _exit(code_of_abort);
}

/* MPI_Abort asks the launcher's daemon, which may be gone. */
void hq_dist_abort(hq_dist *dist, int exit_code)
{
    enum { PATIENCE = 10 }; /* seconds */
    int started = 0;
    code_of_abort = exit_code;
    signal(SIGALRM, leave_at_once);
    alarm(PATIENCE);
    MPI_Initialized(&started);
    if (started) MPI_Abort(dist && dist->all != MPI_COMM_NULL ? dist->all : MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
}

void hq_dist_leave(int exit_code) { _exit(exit_code); }

int hq_dist_rank(const hq_dist *dist) { return dist->rank; }
int hq_dist_size(const hq_dist *dist) { return dist->size; }
int hq_dist_nodes(const hq_dist *dist) { return dist->nodes; }
int hq_dist_node_rank(const hq_dist *dist) { return dist->node_rank; }
int hq_dist_node_size(const hq_dist *dist) { return dist->node_size; }
