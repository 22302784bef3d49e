/* doctor_start.c: MPI: who was started and how, kernels, sums and messages between the ranks. */
#include "cli/doctor.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* That there are as many ranks as the launcher says, and that all run this program, was checked before the command. */
hq_status hq_doctor_start(hq_patient *patient, hq_finding *finding)
{
    const hq_dist *dist = patient->dist;
    const char *launcher = hq_dist_launcher();
    hq_balance each;
    char ranks[64];
    finding->logged = HQ_VERDICT_PROBLEM;
    hq_dist_warn_alone(dist);
    HQ_TRY(hq_dist_balance(dist, hq_dist_node_size(dist), &each));
    if (each.least < each.most)
        snprintf(ranks, sizeof ranks, "%.0f to %.0f ranks on a node", each.least, each.most);
    else
        snprintf(ranks, sizeof ranks, "%s on each node", hq_doctor_count((int64_t)each.most, "rank"));
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s%s; the same program on all; %s",
                    launcher ? "started by " : "started without a launcher", launcher ? launcher : "", ranks);
    return HQ_OK;
}

hq_status hq_doctor_library(hq_patient *patient, hq_finding *finding)
{
    char mine[HQ_LIBRARY_TEXT], first[HQ_LIBRARY_TEXT], text[HQ_TOLD_MAX] = "";
    hq_dist_library(mine);
    memcpy(first, mine, sizeof first);
    HQ_TRY(hq_dist_bcast(patient->dist, first, sizeof first));
    if (strcmp(mine, first) != 0) snprintf(text, sizeof text, "%s; rank 0 has %s", mine, first);
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s on all ranks", mine);
    hq_doctor_advise(finding,
                     "install the same MPI on all nodes, or set PATH and LD_LIBRARY_PATH so that they find it");
    return hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding);
}

/* A rank whose processor is poorer than others' warns: all compute as it does. */
hq_status hq_doctor_kernels(hq_patient *patient, hq_finding *finding)
{
    HQ_TRY(hq_cli_agree_on_kernels(patient->dist));
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s; instruction set \"%s\" on all ranks", hq_kernel_variant(),
                    hq_machine_name(hq_machine_have()));
    hq_doctor_advise(finding, "ask for nodes of one kind (Slurm: --constraint) if speed matters; results do not depend "
                              "on it once a run has begun");
    return HQ_OK;
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* As many as a step sums, but for times that would try the patience: sums among ranks that share cores are slow. */
static size_t numbers_of(const hq_patient *patient)
{
    const size_t most = patient->crowded ? 1 << 13 : 1 << 20, usual = 1 << 16;
    const size_t wanted = patient->has_needs ? patient->needs.sum : usual;
    return wanted < most ? wanted : most;
}

/* Of any size, and such that the sum over any number of ranks fits. */
static int64_t number_at(uint64_t step, size_t i)
{
    const uint64_t bits = (step << 32 | i) * 0x9e3779b97f4a7c15;
    return (int64_t)bits >> (34 + i % 30);
}

/* One sum, in the way that is in turn; *wrong: numbers that are not what they must be. */
static hq_status sum_once(const hq_dist *dist, hq_sum *sum, uint64_t step, size_t count, int64_t *wrong)
{
    const int64_t rank = hq_dist_rank(dist), ranks = hq_dist_size(dist);
    const int64_t *total;
    hq_dist_sum_begin(sum);
    int64_t *own = hq_dist_sum_own(sum);
    for (size_t i = count / 2; i < count; i++) own[i] = number_at(step, i) * (rank + 1);
    HQ_TRY(hq_dist_sum_ready(sum, count / 2));
    for (size_t i = 0; i < count / 2; i++) own[i] = number_at(step, i) * (rank + 1);
    HQ_TRY(hq_dist_sum_finish(sum, &total));
    for (size_t i = 0; i < count; i++) *wrong += total[i] != number_at(step, i) * (ranks * (ranks + 1) / 2);
    return HQ_OK;
}

/* As a training does: all ways in turn until the fastest is known, and then that. */
static hq_status sum_all_ways(const hq_dist *dist, hq_sum *sum, size_t count, int64_t *wrong)
{
    const hq_sum_choice *list;
    uint64_t step = 1;
    while (hq_dist_sum_ways(sum, &list) > 1) HQ_TRY(sum_once(dist, sum, step++, count, wrong));
    return sum_once(dist, sum, step, count, wrong);
}

hq_status hq_doctor_sums(hq_patient *patient, hq_finding *finding)
{
    const hq_config *config = &patient->config;
    const size_t count = numbers_of(patient), border[2] = {0, count / 2};
    const hq_sum_options options = {.count = count,
                                    .border = border,
                                    .borders = 2,
                                    .piece_bytes = (size_t)config->dist_piece * 1024,
                                    .algorithm = config->dist_sum,
                                    .exchange = config->dist_exchange,
                                    .overlap = config->dist_overlap,
                                    .group = 1};
    hq_sum *sum;
    int64_t wrong = 0;
    char way[HQ_SUM_TEXT], text[HQ_TOLD_MAX] = "";
    HQ_TRY(hq_dist_sum_create(patient->dist, &options, &sum));
    const hq_status status = sum_all_ways(patient->dist, sum, count, &wrong);
    hq_dist_sum_describe(sum, way, sizeof way);
    hq_dist_sum_destroy(sum);
    HQ_TRY(status);
    hq_doctor_found(finding, HQ_VERDICT_OK, "exact, %zu numbers of every rank%s%s", count, way[0] ? "; " : "", way);
    hq_doctor_advise(finding, "try another transport (OMPI_MCA_btl, OMPI_MCA_pml) or dist.exchange = \"mpi\", and have "
                              "the node looked at");
    if (wrong > 0) snprintf(text, sizeof text, "%lld of %zu numbers are wrong", (long long)wrong, count);
    return hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding);
}

hq_status hq_doctor_sum_speed(hq_patient *patient, hq_finding *finding)
{
    const size_t count = numbers_of(patient);
    const double bytes = (double)count * sizeof(int64_t);
    double one, all;
    HQ_TRY(hq_dist_sum_time(patient->dist, 1, &one));
    HQ_TRY(hq_dist_sum_time(patient->dist, count, &all));
    hq_doctor_found(finding, HQ_VERDICT_OK, "one number %.1f us; %s by MPI alone %.3f ms, %s/s", 1e6 * one,
                    hq_doctor_bytes(bytes), 1e3 * all, hq_doctor_bytes(bytes / all));
    if (all <= 0) hq_doctor_found(finding, HQ_VERDICT_OK, "one rank: nothing to sum");
    return HQ_OK;
}

/* ---- between nodes ---------------------------------------------------------------------------------------------- */

hq_status hq_doctor_network(hq_patient *patient, hq_finding *finding)
{
    static const double slow = 1 / 3.0; /* of the mean rate */
    const hq_dist *dist = patient->dist;
    hq_link link;
    hq_balance rate, latency;
    char text[HQ_TOLD_MAX] = "";
    HQ_TRY(hq_dist_measure_link(dist, &link));
    HQ_TRY(hq_dist_balance(dist, link.rate, &rate));
    HQ_TRY(hq_dist_balance(dist, link.latency, &latency));
    if (rate.most <= 0) {
        hq_doctor_found(finding, HQ_VERDICT_OK, "one node: no messages between nodes");
        return HQ_OK;
    }
    hq_doctor_found(finding, HQ_VERDICT_OK, "from node to node %.0f to %.0f us, %s/s to %s/s", 1e6 * latency.least,
                    1e6 * latency.most, hq_doctor_bytes(rate.least), hq_doctor_bytes(rate.most));
    hq_doctor_advise(finding, "have this node or its cable looked at, or leave the node out");
    if (hq_dist_node_rank(dist) == 0 && link.rate < slow * rate.mean)
        snprintf(text, sizeof text, "messages from the node before it come with %s/s, on average over the nodes %s/s",
                 hq_doctor_bytes(link.rate), hq_doctor_bytes(rate.mean));
    return hq_doctor_tell(patient, HQ_VERDICT_NOTE, text, finding);
}

/* Bridges of containers and virtual machines have the same address on every node: Open MPI tries them, and may hang. */
static bool is_bridge(const char *name)
{
    static const char *const prefix[] = {"docker", "virbr", "br-", "cni", "podman", "lxcbr", "lxdbr", "flannel"};
    for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
        if (strncmp(name, prefix[i], strlen(prefix[i])) == 0) return true;
    return false;
}

hq_status hq_doctor_interfaces(hq_patient *patient, hq_finding *finding)
{
    const hq_dist *dist = patient->dist;
    const bool chosen = getenv("OMPI_MCA_btl_tcp_if_include") || getenv("OMPI_MCA_btl_tcp_if_exclude");
    char text[HQ_TOLD_MAX] = "";
    DIR *folder = hq_dist_nodes(dist) > 1 && !chosen && hq_dist_node_rank(dist) == 0 ? opendir("/sys/class/net") : NULL;
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && !text[0]; entry = readdir(folder))
        if (is_bridge(entry->d_name))
            snprintf(text, sizeof text, "interface %.60s is of this node alone; with TCP, messages may get stuck there",
                     entry->d_name);
    if (folder) closedir(folder);
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s",
                    chosen ? "chosen by OMPI_MCA_btl_tcp_if_*" : "none that is of one node alone");
    hq_doctor_advise(finding, "export OMPI_MCA_btl_tcp_if_include=<network of the cluster>, for example ib0 or eth0");
    return hq_doctor_tell(patient, HQ_VERDICT_NOTE, text, finding);
}
