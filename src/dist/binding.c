/* binding.c: which cores the ranks may run on. Cores are counted as the system does: hardware threads count each.
 *
 * Nodes are looked at by their own ranks; what leaves a node is a few numbers and a text of bounded length, and rank 0
 * takes it node by node. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "dist/mpi_private.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { CORES_MAX = CPU_SETSIZE };

/* The cores this rank may run on; none when the system does not say. */
static int own_cores(cpu_set_t *cores)
{
    CPU_ZERO(cores);
    if (sched_getaffinity(0, sizeof *cores, cores) != 0) CPU_ZERO(cores);
    return CPU_COUNT(cores);
}

/* What the ranks of a node find together. */
typedef struct hq_node_cores {
    int cores;  /* that some rank may run on */
    int shared; /* ranks that are bound to a single core which another rank is bound to as well */
} hq_node_cores;

static hq_status look_at_node(const hq_dist *dist, hq_node_cores *node)
{
    cpu_set_t mine;
    const int n = own_cores(&mine);
    unsigned short load[2][CORES_MAX]; /* ranks that may run on a core; that may run on no other */
    for (int i = 0; i < CORES_MAX; i++) {
        load[0][i] = CPU_ISSET(i, &mine) ? 1 : 0;
        load[1][i] = load[0][i] && n == 1;
    }
    HQ_TRY(hq_dist_reduce(dist, dist->node, load, 2 * CORES_MAX, MPI_UNSIGNED_SHORT, MPI_SUM, HQ_PHASE_AGREE));
    *node = (hq_node_cores){0};
    for (int i = 0; i < CORES_MAX; i++) {
        node->cores += load[0][i] > 0;
        node->shared += load[1][i] > 1 ? load[1][i] : 0;
    }
    return HQ_OK;
}

hq_status hq_dist_warn_binding(const hq_dist *dist)
{
    hq_node_cores node;
    hq_found crowded, shared;
    HQ_TRY(look_at_node(dist, &node));
    const bool leads = dist->node_rank == 0, more = node.cores > 0 && dist->node_size > node.cores;
    HQ_TRY(hq_dist_find(dist, leads && more, &crowded));
    HQ_TRY(hq_dist_find(dist, leads && !more && node.shared > 0, &shared));
    int told[3] = {dist->node_size, node.cores, node.shared}; /* of the node that is named */
    const int from = crowded.count > 0 ? crowded.rank : shared.rank;
    if (crowded.count == 0 && shared.count == 0) return HQ_OK;
    HQ_TRY(hq_dist_bcast_from(dist, from, told, sizeof told));
    if (dist->rank != 0) return HQ_OK;
    if (crowded.count > 0)
        hq_warn(
            "%d ranks of a thread each share %d core%s on %s (%d of %d nodes have more ranks than cores): they wait "
            "for each other; start fewer, or see --print-binding",
            told[0], told[1], told[1] == 1 ? "" : "s", crowded.host, crowded.count, dist->nodes);
    else
        hq_warn("%d of %d ranks on %s are bound to a core that another rank is bound to (on %d of %d nodes); see "
                "--print-binding, and --bind-to core of mpirun or --cpu-bind=cores of srun",
                told[2], told[0], shared.host, shared.count, dist->nodes);
    return HQ_OK;
}

hq_status hq_dist_node_cores(const hq_dist *dist, int *out_cores)
{
    hq_node_cores node;
    HQ_TRY(look_at_node(dist, &node));
    *out_cores = node.cores;
    return HQ_OK;
}

/* ---- printing ---- */

enum { LIST = 160, TEXT = 4096, TAG_BINDING = 4 };

/* "0-3,8", cut with "..." when it is long. */
static void list_cores(const cpu_set_t *cores, char list[LIST])
{
    size_t at = 0;
    list[0] = '\0';
    for (int lo = 0; lo < CORES_MAX; lo++) {
        int hi = lo;
        if (!CPU_ISSET(lo, cores)) continue;
        while (hi + 1 < CORES_MAX && CPU_ISSET(hi + 1, cores)) hi++;
        if (at + 20 > LIST) {
            strcpy(list + at, "...");
            return;
        }
        at += (size_t)snprintf(list + at, LIST - at, lo == hi ? "%s%d" : "%s%d-%d", at ? "," : "", lo, hi);
        lo = hi;
    }
    if (at == 0) strcpy(list, "unknown");
}

/* A run of ranks of a node: bound to the same cores, or each to the core behind that of the one before. */
typedef struct hq_bound_run {
    int first, last; /* ranks */
    int count, step; /* how many; from one rank to the next */
    cpu_set_t cores; /* of the first */
    int moves;       /* cores from one to the next: 0 or 1; -1: the run is of one rank */
} hq_bound_run;

static int only_core(const cpu_set_t *cores)
{
    int i = 0;
    if (CPU_COUNT(cores) != 1) return -1;
    while (!CPU_ISSET(i, cores)) i++;
    return i;
}

static bool joins(hq_bound_run *run, int rank, const cpu_set_t *cores)
{
    const int step = rank - run->last;
    const int from = only_core(&run->cores), to = only_core(cores);
    const bool same = CPU_EQUAL(&run->cores, cores), next = from >= 0 && to == from + run->count;
    if (run->count > 1 && (step != run->step || (run->moves == 0 ? !same : !next))) return false;
    if (run->count == 1 && !same && !next) return false;
    *run = (hq_bound_run){run->first, rank, run->count + 1, step, run->cores, same ? 0 : 1};
    return true;
}

/* Adds the line of a run to text. */
static void add_line(const hq_bound_run *run, char text[TEXT])
{
    char list[LIST], step[24] = "", line[2 * LIST];
    const size_t at = strlen(text);
    const int from = only_core(&run->cores);
    list_cores(&run->cores, list);
    if (run->moves == 1) snprintf(list, sizeof list, "%d to %d, one each", from, from + run->count - 1);
    if (run->count > 1 && run->step > 1) snprintf(step, sizeof step, " in steps of %d", run->step);
    if (run->count == 1)
        snprintf(line, sizeof line, "          rank %d: cores %s\n", run->first, list);
    else
        snprintf(line, sizeof line, "          ranks %d to %d%s: cores %s\n", run->first, run->last, step, list);
    if (at + strlen(line) + 20 < TEXT)
        strcpy(text + at, line);
    else if (strcmp(text + at - 4, "...\n") != 0)
        strcpy(text + at, "          ...\n");
}

/* What the first rank of a node tells rank 0. */
typedef struct hq_node_binding {
    int first, last, size; /* ranks */
    uint64_t pattern;      /* hash of what does not depend on the node */
    char host[64], text[TEXT];
} hq_node_binding;

/* Collective on the node; the first rank gets all. */
static hq_status describe_node(const hq_dist *dist, hq_node_binding *binding)
{
    struct {
        int rank;
        cpu_set_t cores;
    } mine = {.rank = dist->rank}, next;
    hq_bound_run run = {.count = 0};
    own_cores(&mine.cores);
    if (dist->node_rank != 0) return hq_dist_send(dist, dist->node, &mine, sizeof mine, 0, TAG_BINDING);
    *binding = (hq_node_binding){.first = dist->rank, .size = dist->node_size};
    hq_copy_text(binding->host, sizeof binding->host, hq_host_name());
    for (int i = 0; i < dist->node_size; i++) {
        next = mine;
        if (i > 0) HQ_TRY(hq_dist_receive(dist, dist->node, &next, sizeof next, i, TAG_BINDING));
        const int shift = next.rank - dist->rank;
        binding->pattern = hq_hash(&shift, sizeof shift, hq_hash(&next.cores, sizeof next.cores, binding->pattern));
        binding->last = next.rank;
        if (run.count > 0 && joins(&run, next.rank, &next.cores)) continue;
        if (run.count > 0) add_line(&run, binding->text);
        run = (hq_bound_run){next.rank, next.rank, 1, 1, next.cores, -1};
    }
    add_line(&run, binding->text);
    return HQ_OK;
}

static void print_alike(const hq_node_binding *last, int alike)
{
    if (alike > 0)
        hq_say("          and %d more node%s like that, up to rank %d on %s\n", alike, alike == 1 ? "" : "s",
               last->last, last->host);
}

/* Rank 0 takes the nodes in the order of their first ranks. */
static hq_status print_nodes(const hq_dist *dist, hq_node_binding *binding)
{
    int alike = 0;
    hq_node_binding *before = binding + 1;
    for (int i = 0; i < dist->nodes; i++) {
        if (i > 0) HQ_TRY(hq_dist_receive(dist, dist->leaders, binding, sizeof *binding, i, TAG_BINDING));
        if (i > 0 && binding->pattern == before->pattern) {
            alike++;
        } else {
            print_alike(before, alike);
            alike = 0;
            hq_say("%s  %s: %d rank%s\n%s", i == 0 ? "binding " : "        ", binding->host, binding->size,
                   binding->size == 1 ? "" : "s", binding->text);
        }
        *before = *binding;
    }
    print_alike(before, alike);
    return HQ_OK;
}

hq_status hq_dist_print_binding(const hq_dist *dist)
{
    hq_node_binding *binding; /* of this node; on rank 0 also the one before */
    HQ_TRY(hq_dist_alloc(dist, 1, 2 * sizeof *binding, "binding", &binding));
    hq_status status = describe_node(dist, binding);
    if (status == HQ_OK && dist->rank == 0)
        status = print_nodes(dist, binding);
    else if (status == HQ_OK && dist->node_rank == 0)
        status = hq_dist_send(dist, dist->leaders, binding, sizeof *binding, 0, TAG_BINDING);
    hq_free(binding);
    return status == HQ_OK ? hq_dist_barrier(dist) : status;
}
