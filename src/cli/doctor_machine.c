/* doctor_machine.c: cores, memory and clocks of the nodes. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#endif
#include "cli/doctor.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static bool leads(const hq_patient *patient) { return hq_dist_node_rank(patient->dist) == 0; }

/* ---- cores ------------------------------------------------------------------------------------------------------ */

/* A rank is one thread: more cores for a task are idle. */
static void note_idle(hq_finding *finding)
{
    const char *text = getenv("SLURM_CPUS_PER_TASK");
    const int cores = text ? atoi(text) : 1;
    if (cores <= 1 || finding->verdict != HQ_VERDICT_OK) return;
    hq_doctor_found(finding, HQ_VERDICT_NOTE, "Slurm gives each rank %d cores, and a rank uses one", cores);
    hq_doctor_advise(finding, "use --cpus-per-task=1 and more tasks (--ntasks-per-node)");
}

hq_status hq_doctor_cores(hq_patient *patient, hq_finding *finding)
{
    const hq_dist *dist = patient->dist;
    const double ranks = hq_dist_node_size(dist), allowed = hq_limits_find("").cores;
    hq_balance most_ranks, cores;
    hq_found crowded;
    char text[HQ_TOLD_MAX] = "";
    int mine;
    finding->logged = HQ_VERDICT_PROBLEM;
    HQ_TRY(hq_dist_warn_binding(dist));
    HQ_TRY(hq_dist_node_cores(dist, &mine));
    const double known = mine > 0 ? mine : INFINITY;
    HQ_TRY(hq_dist_balance(dist, known, &cores));
    HQ_TRY(hq_dist_balance(dist, ranks, &most_ranks));
    HQ_TRY(hq_dist_find(dist, ranks > fmin(known, allowed), &crowded));
    patient->crowded = crowded.count > 0;
    hq_doctor_found(finding, HQ_VERDICT_OK, "at most %s of a thread each on a node, at least %s",
                    hq_doctor_count((int64_t)most_ranks.most, "rank"),
                    isfinite(cores.least) ? hq_doctor_count((int64_t)cores.least, "core")
                                          : "an unknown number of cores");
    hq_doctor_advise(
        finding,
        "as many ranks as cores: mpirun -np, --ntasks-per-node; or more cores: --cpus-per-task, docker --cpus");
    note_idle(finding);
    if (leads(patient) && allowed < ranks)
        snprintf(text, sizeof text, "a control group lets %s use %.2g cores: they wait for each other",
                 hq_doctor_count(hq_dist_node_size(dist), "rank"), allowed);
    return hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding);
}

/* Rank 0 alone: asking Open MPI takes a while, and all ranks have the same settings. */
hq_status hq_doctor_waiting(hq_patient *patient, hq_finding *finding)
{
    static const char *const name = "mpi_yield_when_idle";
    const int64_t yields = hq_dist_library_setting(name);
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s = %lld, which is right for these ranks and cores", name,
                    (long long)yields);
    if (yields < 0) hq_doctor_found(finding, HQ_VERDICT_OK, "this MPI has no %s", name);
    if (patient->crowded && yields == 0)
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM, "%s = 0 with more ranks than cores: ranks that wait keep a core",
                        name);
    hq_doctor_advise(finding, "export OMPI_MCA_%s=1, or start fewer ranks", name);
    return HQ_OK;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* Of this node. */
static double sum_memory(const hq_patient *patient)
{
    return (hq_dist_node_size(patient->dist) + 2) * patient->needs.sum_block;
}

hq_status hq_doctor_memory(hq_patient *patient, hq_finding *finding)
{
    static const double most = 0.9; /* of what is free: buffers of MPI, HDF5 and files need some too */
    const hq_train_needs *needs = &patient->needs;
    const double room = hq_limits_find("").memory;
    const double shared = needs->data_memory + sum_memory(patient);
    const double need = hq_dist_node_size(patient->dist) * needs->rank_memory + shared;
    const bool lacks = patient->has_needs && leads(patient) && need > most * room;
    hq_balance least, largest, most_shared;
    hq_found short_of;
    char text[HQ_TOLD_MAX] = "";
    HQ_TRY(hq_dist_balance(patient->dist, room, &least));
    HQ_TRY(hq_dist_balance(patient->dist, need, &largest));
    HQ_TRY(hq_dist_balance(patient->dist, shared, &most_shared));
    HQ_TRY(hq_dist_find(patient->dist, lacks, &short_of));
    patient->has_memory = patient->has_needs && short_of.count == 0;
    hq_doctor_found(finding, HQ_VERDICT_OK,
                    "about %s a rank and %s shared by a node: at most %s a node, at least %s are free",
                    hq_doctor_bytes(needs->rank_memory), hq_doctor_bytes(most_shared.most),
                    hq_doctor_bytes(largest.most), hq_doctor_bytes(least.least));
    if (!patient->has_needs) hq_doctor_found(finding, HQ_VERDICT_NOTE, "not known: see work");
    if (lacks)
        snprintf(text, sizeof text, "%s need about %s of memory, %s are free",
                 hq_doctor_count(hq_dist_node_size(patient->dist), "rank"), hq_doctor_bytes(need),
                 hq_doctor_bytes(room));
    hq_doctor_advise(finding,
                     "start fewer ranks on a node, ask for more memory (--mem), use a smaller train.microbatch "
                     "or, for an HDF5 data set, data.stream = \"on\"");
    return hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding);
}

hq_status hq_doctor_shared(hq_patient *patient, hq_finding *finding)
{
    const hq_train_needs *needs = &patient->needs;
    const double room = hq_dist_shared_room(), sums = sum_memory(patient), need = needs->data_memory + sums;
    const bool lacks = patient->has_needs && leads(patient) && !hq_dist_shared_fits((size_t)need);
    hq_balance least, most_sums;
    hq_found short_of;
    char text[HQ_TOLD_MAX] = "";
    HQ_TRY(hq_dist_balance(patient->dist, room, &least));
    HQ_TRY(hq_dist_balance(patient->dist, sums, &most_sums));
    HQ_TRY(hq_dist_find(patient->dist, lacks && !hq_dist_shared_fits((size_t)needs->data_memory), &short_of));
    patient->has_room = patient->has_memory && short_of.count == 0;
    hq_doctor_found(finding, HQ_VERDICT_OK, "/dev/shm: %s for data and %s for sums, at least %s are free",
                    hq_doctor_bytes(needs->data_memory), hq_doctor_bytes(most_sums.most), hq_doctor_bytes(least.least));
    if (!patient->has_needs) hq_doctor_found(finding, HQ_VERDICT_NOTE, "not known: see work");
    if (lacks)
        snprintf(text, sizeof text, "/dev/shm has %s free, data and sums in two levels need %s", hq_doctor_bytes(room),
                 hq_doctor_bytes(need));
    hq_doctor_advise(finding, "enlarge /dev/shm (containers: --shm-size; else mount -o remount,size=... /dev/shm); for "
                              "sums alone dist.sum = \"flat\" does too");
    return hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding);
}

/* ---- clocks ----------------------------------------------------------------------------------------------------- */

/* What must be added to hq_clock() for the time of day. */
static double day_offset(void)
{
    struct timespec now;
    const double before = hq_clock();
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - (before + hq_clock()) / 2;
}

hq_status hq_doctor_clock(hq_patient *patient, hq_finding *finding)
{
    static const double allowed = 1; /* seconds */
    const hq_dist *dist = patient->dist;
    const double mine = day_offset();
    double first = mine, to_first;
    hq_balance apart;
    char text[HQ_TOLD_MAX] = "";
    HQ_TRY(hq_dist_clock_offset(dist, &to_first));
    HQ_TRY(hq_dist_bcast(dist, &first, sizeof first));
    const double ahead = mine - to_first - first;
    HQ_TRY(hq_dist_balance(dist, fabs(ahead), &apart));
    hq_doctor_found(finding, HQ_VERDICT_OK, "clocks of nodes and rank 0 are at most %.3f ms apart", 1e3 * apart.most);
    if (leads(patient) && fabs(ahead) > allowed)
        snprintf(text, sizeof text, "its clock is %.1f s %s that of rank 0: times of files and logs disagree",
                 fabs(ahead), ahead > 0 ? "ahead of" : "behind");
    hq_doctor_advise(finding, "have it set by NTP (chronyc tracking); results do not depend on it");
    return hq_doctor_tell(patient, HQ_VERDICT_NOTE, text, finding);
}
