/* dist.h: everything that knows MPI: start and stop, agreement, exact sums, gathering, node-shared memory,
 * spreading of work.
 *
 * One path for 1 and n ranks: a program started without mpirun is rank 0 of 1. "Collective" below means: every rank
 * calls it, in the same order. Errors of MPI itself come back as HQ_ERR_COMM.
 */
#ifndef HQCNN_DIST_H
#define HQCNN_DIST_H

#include "hqcnn/base.h"

typedef struct hq_dist hq_dist;

/* Starts MPI, makes the communicators (all ranks; ranks of this node) and tells the log who we
 * are. Collective. The caller stops it with hq_dist_stop. */
hq_status hq_dist_start(int *argc, char ***argv, hq_dist **out_dist);

/* Ends MPI. Collective; barrier first, because the first rank that leaves with a non-zero code ends the others. When a
 * call of MPI has failed, in here or in a free before, it ends the job (exit code 5) and does not return. */
void hq_dist_stop(hq_dist *dist);

/* The ranks that give the same color (0 or more) as a world of their own, in their order; a rank alone too. Until it is
 * freed the ranks of a node watch for stalls among those of their part, by phases, with their ranks of the whole; hosts
 * are not asked whether they answer. Collective. Freed by hq_dist_split_free, collective on the part, before `dist`. */
hq_status hq_dist_split(const hq_dist *dist, int color, hq_dist **out_part);
void hq_dist_split_free(hq_dist *part);

/* A barrier at which ranks sleep, for as long as it takes: for those that have nothing to do while others work. It is
 * no stall. Collective. */
hq_status hq_dist_rest(const hq_dist *dist);

/* Ends the whole job at once with this exit code, this process after 10 s even if MPI hangs. For failures that cannot
 * be agreed on. Does not return. */
_Noreturn void hq_dist_abort(hq_dist *dist, int exit_code);

int hq_dist_rank(const hq_dist *dist);
int hq_dist_size(const hq_dist *dist);
int hq_dist_nodes(const hq_dist *dist);     /* number of nodes */
int hq_dist_node_rank(const hq_dist *dist); /* rank within the node; 0 leads */
int hq_dist_node_size(const hq_dist *dist);

/* How long ranks wait for others before they say who is late (0: never), and before they end the job with exit code 5
 * (0: never); seconds. 60 and 1800 until it is called. Local. */
void hq_dist_watch(const hq_dist *dist, double timeout, double abort_after);

/* Compares the size with what the launcher says it started (mpirun, srun, mpiexec of MPICH and its kin, flux, jsrun):
 * several processes that each believe to be rank 0 of 1, or any other world that is smaller than that, are refused with
 * a hint (HQ_ERR_COMM), unless HQCNN_ANY_LAUNCHER=1 is set. The first of them tells, the others return two seconds
 * later. Local. */
hq_status hq_dist_check_launch(const hq_dist *dist);

/* Name of the launcher that started this process ("srun", "mpirun of Open MPI", ...), NULL without one. Local. */
const char *hq_dist_launcher(void);

/* The MPI library: its name and version in one line; the value in force of one of its own parameters (of Open MPI:
 * "mpi_yield_when_idle"), -1 when it has no such number. Local. */
#define HQ_LIBRARY_TEXT 128
void hq_dist_library(char text[HQ_LIBRARY_TEXT]);
int64_t hq_dist_library_setting(const char *name);

/* Warns when a Slurm job of several tasks runs the program without a launcher, as rank 0 of 1. Local. */
void hq_dist_warn_alone(const hq_dist *dist);

/* Which ranks something holds for; equal on all ranks. */
typedef struct hq_found {
    int count;
    int rank;      /* the first of them */
    char host[64]; /* where that one runs */
} hq_found;
hq_status hq_dist_find(const hq_dist *dist, bool mine, hq_found *out_found); /* Collective. */

/* The same; then text[size] is that of the first of them, on all ranks ("" when there is none). Collective, with equal
 * sizes. */
hq_status hq_dist_tell(const hq_dist *dist, bool mine, char *text, size_t size, hq_found *out_found);

/* HQ_ERR_COMM on every rank, named once, when `hash` is not the same on all ranks. what: what is hashed, for the
 * message, with a hint. Collective. */
hq_status hq_dist_check_same(const hq_dist *dist, uint64_t hash, const char *what);

/* Where the ranks may run. Both warn or print on rank 0 and keep nothing that grows with the number of ranks.
 * Collective. warn: names the first node whose ranks are more than its cores, and the first where ranks are bound to
 * the same single core. print: one line for each run of ranks of a node that are bound alike, one for each run of nodes
 * alike. */
hq_status hq_dist_warn_binding(const hq_dist *dist);
hq_status hq_dist_print_binding(const hq_dist *dist);

/* How many cores the ranks of this node may run on; 0 when the system does not say. Collective on the node. */
hq_status hq_dist_node_cores(const hq_dist *dist, int *out_cores);

/* The worst status of all ranks, on every rank. The place where a failure that only some ranks saw becomes everyone's.
 * After a failed MPI call it is HQ_ERR_COMM at once, for the others may be in another call. Collective; at phase
 * boundaries: inside a step only what circuits spread over ranks need. */
hq_status hq_dist_agree(const hq_dist *dist, hq_status mine);

/* The same among the ranks of a node. Collective on the node. */
hq_status hq_dist_node_agree(const hq_dist *dist, hq_status mine);

/* hq_alloc_array on every rank: all have the memory, or none has. Status equal on all ranks. Collective. */
hq_status hq_dist_alloc(const hq_dist *dist, size_t count, size_t size, const char *what, void *out_pointer);

/* Work that has the same result on every rank: rank 0 does it first and alone, so that a mistake in it is told once; if
 * it succeeds there, the other ranks do it. Returns the worst status, equal on all ranks. Collective. */
hq_status hq_dist_in_turn(const hq_dist *dist, hq_status (*work)(void *ctx), void *ctx);

hq_status hq_dist_barrier(const hq_dist *dist);

/* Copies bytes of rank 0 (of the node's leader) to every rank (of the node). Collective. */
hq_status hq_dist_bcast(const hq_dist *dist, void *data, size_t bytes);
hq_status hq_dist_node_bcast(const hq_dist *dist, void *data, size_t bytes);

/* sum[i] = sum of every rank's sum[i]; integers, so the result does not depend on ranks, order or pieces. In place.
 * Collective. */
hq_status hq_dist_sum(const hq_dist *dist, int64_t *sum, size_t n);

/* This rank's share [*lo, *hi) of n items cut as evenly as possible: contiguous, in rank order, sizes differ by at most
 * one. Local. hq_dist_share_of: of any rank. */
void hq_dist_share(const hq_dist *dist, int64_t n, int64_t *lo, int64_t *hi);
void hq_dist_share_of(const hq_dist *dist, int rank, int64_t n, int64_t *lo, int64_t *hi);

/* Brings rows (row_size doubles each) of all ranks to rank 0, in order: rank r has those of hq_dist_share_of(r,
 * n_groups) groups of group rows (the last group may be short: n_rows in all). all[n_rows][row_size] is used on rank 0
 * only. Collective. */
hq_status hq_dist_gather_rows(const hq_dist *dist, int64_t n_rows, int64_t group, int row_size, const double *mine,
                              double *all);

/* Memory that the ranks of a node share: `bytes` bytes, zeroed, the same memory on each of them. Collective on the
 * node. Freed by hq_dist_shared_free, collective on the node. */
typedef struct hq_shared hq_shared;
hq_status hq_dist_shared_alloc(hq_dist *dist, size_t bytes, const char *what, hq_shared **out_shared);
/* Bytes that this node has left for it, INFINITY when that is not known; whether it seems to have so much. Local. */
double hq_dist_shared_room(void);
bool hq_dist_shared_fits(size_t bytes);
void *hq_dist_shared_block(const hq_shared *shared);
/* Makes what the ranks of the node wrote visible to all of them. Collective on the node. */
hq_status hq_dist_shared_sync(const hq_shared *shared);
void hq_dist_shared_free(hq_shared *shared);

/* ---- the sum of a step ------------------------------------------------------------------------------------------- */

/* Adds up a block of integers over all ranks, step after step. Numbers are handed over from the end of the block to its
 * start while the rank still computes those before them, as a backward pass does. How they travel does not change a
 * bit. */
typedef struct hq_sum hq_sum;

/* As words of dist.sum, dist.exchange and dist.overlap. */
enum { HQ_SUM_AUTO, HQ_SUM_FLAT, HQ_SUM_NODE };
enum { HQ_EXCHANGE_AUTO, HQ_EXCHANGE_MPI, HQ_EXCHANGE_DIRECT, HQ_EXCHANGE_PACKED };
enum { HQ_OVERLAP_AUTO, HQ_OVERLAP_ON, HQ_OVERLAP_OFF };

typedef struct hq_sum_options {
    size_t count;         /* numbers in the block */
    const size_t *border; /* [borders] where numbers that get final together start, ascending; the first is 0 */
    int borders;
    size_t piece_bytes; /* least size of a piece that is sent on its own */
    int algorithm;      /* HQ_SUM_FLAT: MPI sums over all ranks; HQ_SUM_NODE: the ranks of a node through their shared
                           memory, then MPI over the nodes; HQ_SUM_AUTO: what is faster */
    int exchange;       /* messages; HQ_EXCHANGE_MPI: MPI's own sums; HQ_EXCHANGE_DIRECT: from each to each, up to 32
                           processes, which sends the least that can be; HQ_EXCHANGE_PACKED: the same with numbers in as
                           few bytes as they need; HQ_EXCHANGE_AUTO: what is faster */
    int overlap;        /* HQ_OVERLAP_ON: pieces travel as soon as they are final; OFF: all at the end; AUTO */
    int group;          /* micro-batches that may be computed together at the end of a step, so that more time is left
                           to hide the sum behind */
} hq_sum_options;

typedef struct hq_sum_choice {
    int algorithm, exchange; /* not auto */
    bool overlap;
    int group; /* micro-batches to compute together at the end of the step */
} hq_sum_choice;

/* Collective, with equal options. What is left to it is found in the first steps, which try all ways in turn. Freed by
 * hq_dist_sum_destroy (collective; NULL is allowed). Statuses, equal on all ranks: HQ_ERR_MEMORY, HQ_ERR_COMM. */
hq_status hq_dist_sum_create(hq_dist *dist, const hq_sum_options *options, hq_sum **out_sum);
void hq_dist_sum_destroy(hq_sum *sum);

/* Starts a step: this rank's numbers are zero; returns how the step should go. Local. */
hq_sum_choice hq_dist_sum_begin(hq_sum *sum);

/* This rank's numbers, [count]; owned by the sum. */
int64_t *hq_dist_sum_own(hq_sum *sum);

/* This rank's numbers at or behind `from` will not change any more in this step; also lets the sum make progress.
 * Local, but the pieces are moved in the same order on all ranks. */
hq_status hq_dist_sum_ready(hq_sum *sum, size_t from);

/* All numbers are final: waits for the sums, *total [count], equal on all ranks, readable till this rank's next
 * hq_dist_sum_ready or hq_dist_sum_finish. Collective. */
hq_status hq_dist_sum_finish(hq_sum *sum, const int64_t **total);

/* Whether sums may travel while the rank computes, so that it is worth computing micro-batches together. overlap:
 * HQ_OVERLAP_*. Local; equal on all ranks. */
bool hq_dist_sum_may_hide(const hq_dist *dist, int overlap);

/* How the sums travel, in words, with what the trials took; empty for one rank. Local. news: whether that was settled
 * since the last question; equal on all ranks. */
#define HQ_SUM_TEXT 1024
void hq_dist_sum_describe(const hq_sum *sum, char *text, size_t size);
bool hq_dist_sum_news(hq_sum *sum);

/* For benchmarks. The ways that are being tried, or the one in force (borrowed), and one in words. mute: only the first
 * `numbers` of the block (a few hundred at most) are summed, the others in *total are this rank's own; 0: all are.
 * waiting: what hq_dist_sum_finish took so far, in time, and in time on the processor without adding and packing. All
 * local; mute and use with equal arguments on all ranks. */
typedef struct hq_sum_waiting {
    double seconds, cpu;
} hq_sum_waiting;
int hq_dist_sum_ways(const hq_sum *sum, const hq_sum_choice **list);
void hq_dist_sum_describe_choice(const hq_sum_choice *choice, char *text, size_t size);
void hq_dist_sum_use(hq_sum *sum, const hq_sum_choice *choice); /* from the next step on; one that was tried */
void hq_dist_sum_mute(hq_sum *sum, size_t numbers);
hq_sum_waiting hq_dist_sum_waiting(const hq_sum *sum);

/* Seconds that the slowest rank takes to sum n numbers by MPI alone, the median of a few; 0 on one rank. Collective;
 * equal on all ranks. HQ_ERR_MEMORY. */
hq_status hq_dist_sum_time(const hq_dist *dist, size_t n, double *seconds);

/* What sums between ranks cost, in the model ceil(log2 p) alpha + 2 (p - 1) / p n beta + (p - 1) / p n gamma for n
 * bytes on p ranks: the latencies that no sum can do without, the bytes that each rank must send at least, and the
 * bytes it adds at least (Chan, Heimlich, Purkayastha and van de Geijn, "Collective communication: theory, practice,
 * and experience", 2007). alpha and beta are fitted to sums by MPI over these ranks, gamma is measured on one. */
typedef struct hq_sum_cost {
    double alpha, beta, gamma; /* seconds; seconds per byte */
    double worst;              /* largest relative error of the model at the measured sizes */
} hq_sum_cost;

/* Collective; equal on all ranks. predict: local. */
hq_status hq_dist_sum_cost(const hq_dist *dist, hq_sum_cost *cost);
double hq_dist_sum_predict(const hq_sum_cost *cost, int ranks, double bytes);

/* What the links between nodes do: the first rank of each sends to that of the next node while it receives from the one
 * before, all at once. The best of a few tries, of the message that this node received; both 0 on a single node.
 * Collective; equal on the ranks of a node. */
typedef struct hq_link {
    double latency; /* seconds of a short message */
    double rate;    /* bytes per second of a long one */
} hq_link;
hq_status hq_dist_measure_link(const hq_dist *dist, hq_link *out_link);

/* ---- spreading --------------------------------------------------------------------------------------------------- */

/* Work for a batch of samples. Every rank brings samples of its own, perhaps none; each needs `parts` items. Items are
 * numbered sample by sample, the samples in rank order: item k is part k % parts of sample k / parts. */
typedef struct hq_spread_items {
    int parts;    /* items of one sample, at least 1; equal on all ranks */
    int in_size;  /* numbers in the input row of a sample, perhaps none; equal on all ranks */
    int out_size; /* numbers in the row of an item, at least 1; equal on all ranks */
    /* Evaluates the items [lo, hi), at least one: out[hi - lo][out_size]. in: input rows of the samples lo / parts to
     * (hi - 1) / parts. Any rank may be asked for any items, and is asked once in a call, or not at all. A row must
     * depend on the input row and the part alone: the number of a sample tells who owned it, so what must differ
     * between samples (the index of a random draw) belongs in the input row. */
    hq_status (*evaluate)(void *ctx, int64_t lo, int64_t hi, const double *in, double *out);
    void *ctx;
} hq_spread_items;

/* Spreads work over all ranks: made once, reused for work of any shape. It keeps the buffers and counts. */
typedef struct hq_spread hq_spread;

/* Makes a spread and measures what a call, a message and a number in one cost, for hq_dist_spread_pays (a few dozen
 * empty calls). Collective. `dist` must outlive it. The caller frees it with hq_dist_spread_destroy (local; NULL is
 * allowed). Statuses, equal on all ranks: HQ_ERR_MEMORY, HQ_ERR_COMM. */
hq_status hq_dist_spread_create(const hq_dist *dist, hq_spread **out_spread);
void hq_dist_spread_destroy(hq_spread *spread);

/* Takes the memory for calls with these sizes and up to samples_total samples on all ranks together: such calls then
 * allocate nothing. Buffers only grow, so several shapes may be reserved in turn. Collective, with equal arguments;
 * costs nothing when there is enough. HQ_ERR_MEMORY on all ranks when one of them has none; the spread stays usable. */
hq_status hq_dist_spread_reserve(hq_spread *spread, int64_t samples_total, int parts, int in_size, int out_size);

/* Evaluates the items of all ranks' samples, cut evenly over all ranks (hq_dist_share_of), and brings the rows to the
 * owners of the samples. samples: of this rank; in[samples][in_size], out[samples][parts][out_size], not overlapping.
 * Rows are copied, so the result does not depend on the split, to the bit. Who needs data of whom follows from the
 * counts of samples; messages go only between owners and other ranks that evaluate for them.
 *
 * Collective; a rank that could not prepare its samples takes part with none and tells of its failure afterwards.
 * Returns the worst status of all evaluate() calls, equal on all ranks; the rows of a rank that failed are zero. Also
 * HQ_ERR_MEMORY (equal on all ranks) and HQ_ERR_COMM. Allocates when the sizes are larger than all before. */
hq_status hq_dist_spread(hq_spread *spread, const hq_spread_items *items, int64_t samples, const double *in,
                         double *out);

/* Whether spreading is expected to be faster than every rank evaluating its own samples:
 *   without: samples_most * parts * seconds_per_item
 *   with:    ceil(samples_total * parts / ranks) * seconds_per_item
 *            + call + messages * seconds of a message + numbers * seconds of a number
 * with the seconds measured by hq_dist_spread_create (the slowest rank's), messages and numbers sent and received by
 * the busiest rank. samples_total: of all ranks; samples_most: of the rank that has most; seconds_per_item: the
 * caller's estimate. Local; the same answer on every rank when the arguments are equal on all of them (an estimate from
 * a clock must be agreed on first, see hq_dist_balance). The answer changes times, never results. */
bool hq_dist_spread_pays(const hq_spread *spread, int64_t samples_total, int64_t samples_most,
                         const hq_spread_items *items, double seconds_per_item);

/* What this rank has done since the spread was made. */
typedef struct hq_spread_counts {
    int64_t calls;
    int64_t items;    /* evaluated here */
    int64_t messages; /* sent to other ranks: input rows and rows of items */
    int64_t bytes;    /* in these messages */
    double waiting;   /* seconds in which this rank waited for others or for messages */
} hq_spread_counts;
hq_spread_counts hq_dist_spread_counts(const hq_spread *spread);

/* Least, mean and largest of one number of every rank, equal on all ranks; for reports of how even the load is, and to
 * agree on a measured time. Not for training results: the mean is summed in an order of MPI's. Collective. */
typedef struct hq_balance {
    double least, mean, most;
} hq_balance;
hq_status hq_dist_balance(const hq_dist *dist, double mine, hq_balance *out_balance);
/* The same for n numbers of every rank at once. */
#define HQ_BALANCES_MAX 64
hq_status hq_dist_balances(const hq_dist *dist, int n, const double *mine, hq_balance *out);

/* ---- traces ------------------------------------------------------------------------------------------------------ */

/* What must be added to this rank's hq_clock() to get that of rank 0, within half the time of a message. Collective. */
hq_status hq_dist_clock_offset(const hq_dist *dist, double *out_offset);

/* Writes the events of all ranks (n of this one) to one file in Chrome's trace-event format, times as microseconds. It
 * appears when it is whole. HQ_ERR_FILE on all ranks. Collective. */
hq_status hq_dist_write_trace(const hq_dist *dist, const char *path, const hq_phase_event *event, size_t n);

#endif
