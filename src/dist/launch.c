/* launch.c: whether MPI's idea of rank and size is the launcher's. */
#include "dist/mpi_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a launcher tells its processes. The first one whose size is set counts: mpirun inside an allocation stands
 * before srun, whose variables it hands on to its ranks. */
static const struct hq_launcher {
    const char *size, *rank, *name;
} launcher[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun of Open MPI"},
    {"PALS_NRANKS", "PALS_RANKID", "mpiexec of PALS"},
    {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "mpirun of MVAPICH"},
    {"FLUX_JOB_SIZE", "FLUX_TASK_RANK", "flux run"},
    {"JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK", "jsrun"},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"},
    {"PMI_SIZE", "PMI_RANK", "mpiexec of MPICH or Intel MPI"},
};
enum { LAUNCHERS = sizeof launcher / sizeof *launcher };

/* The number in an environment variable, -1 when there is none. */
static int number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text) return -1;
    const long value = strtol(text, &end, 10);
    return *end == '\0' && value >= 0 && value < 1 << 30 ? (int)value : -1;
}

#define HINT                                                                                                           \
    "they do not share a process manager; under Slurm use srun --mpi=pmix, else mpirun of Open MPI "                   \
    "(HQCNN_ANY_LAUNCHER=1 lets it run all the same)"

/* The first process that ends may end the others, so those that say nothing let the one that speaks go first. */
static hq_status leave_quietly(void)
{
    enum { SPEAKER_FIRST = 2 }; /* seconds */
    sleep(SPEAKER_FIRST);
    return HQ_ERR_COMM;
}

static hq_status refuse(const hq_dist *dist, const struct hq_launcher *by, int tasks)
{
    if (number_of(by->rank) > 0) return leave_quietly(); /* the first of them says it */
    HQ_FAIL(HQ_ERR_COMM, "%s started %d task%s, but this one is rank %d of %d: " HINT, by->name, tasks,
            tasks == 1 ? "" : "s", dist->rank, dist->size);
}

static int pmix_rank = -1;
static const char *started_by;

void hq_launch_note(void)
{
    pmix_rank = number_of("PMIX_RANK");
    for (int i = LAUNCHERS - 1; i >= 0; i--)
        if (number_of(launcher[i].size) > 0) started_by = launcher[i].name;
}

const char *hq_dist_launcher(void) { return started_by; }

/* A job of several programs or of several steps has more ranks than a launcher says of its own part. PMIx tells a
 * process its rank, but not the size. */
hq_status hq_dist_check_launch(const hq_dist *dist)
{
    if (number_of("HQCNN_ANY_LAUNCHER") > 0) return HQ_OK;
    for (int i = 0; i < LAUNCHERS; i++) {
        const int tasks = number_of(launcher[i].size);
        if (tasks > 0) return tasks <= dist->size ? HQ_OK : refuse(dist, &launcher[i], tasks);
    }
    if (pmix_rank < dist->size) return HQ_OK;
    if (pmix_rank > 1) return leave_quietly(); /* that of rank 1 says it: that of rank 0 sees nothing wrong */
    HQ_FAIL(HQ_ERR_COMM, "the launcher says this is rank %d (PMIX_RANK), MPI says rank %d of %d: " HINT, pmix_rank,
            dist->rank, dist->size);
}

/* In a job script this may be what the user wants: looking at a checkpoint, say. */
void hq_dist_warn_alone(const hq_dist *dist)
{
    const int tasks = number_of("SLURM_NTASKS");
    if (dist->size > 1 || tasks <= 1 || number_of("SLURM_STEP_NUM_TASKS") > 0 || number_of("OMPI_COMM_WORLD_SIZE") > 0)
        return;
    hq_warn(
        "the Slurm job has %d tasks, but the program was started without a launcher and runs alone, as rank 0 of 1; "
        "use mpirun or srun --mpi=pmix to use them all",
        tasks);
}
