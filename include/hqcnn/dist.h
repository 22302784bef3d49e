/* dist.h: everything that knows MPI: start and stop, agreement, exact sums, gathering, node-shared memory.
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

/* Ends MPI. Collective; barrier first, because the first rank that leaves with a non-zero code ends the others. */
void hq_dist_stop(hq_dist *dist);

/* Ends the whole job at once with this exit code. For failures that cannot be agreed on. Does not return. */
_Noreturn void hq_dist_abort(hq_dist *dist, int exit_code);

int hq_dist_rank(const hq_dist *dist);
int hq_dist_size(const hq_dist *dist);
int hq_dist_nodes(const hq_dist *dist);     /* number of nodes */
int hq_dist_node_rank(const hq_dist *dist); /* rank within the node; 0 leads */
int hq_dist_node_size(const hq_dist *dist);

/* Compares the number of ranks with what the launcher says it started (SLURM_STEP_NUM_TASKS): several
 * processes that each believe to be rank 0 of 1 are refused with a hint (HQ_ERR_COMM). Local. */
hq_status hq_dist_check_launch(const hq_dist *dist);

/* The worst status of all ranks, on every rank. The place where a failure that only some ranks saw becomes everyone's.
 * Collective; at phase boundaries, never inside a step. */
hq_status hq_dist_agree(const hq_dist *dist, hq_status mine);

/* The same among the ranks of a node. Collective on the node. */
hq_status hq_dist_node_agree(const hq_dist *dist, hq_status mine);

/* Work that has the same result on every rank: rank 0 does it first and alone, so that a mistake in it is told once; if
 * it succeeds there, the other ranks do it. Returns the worst status, equal on all ranks. Collective. */
hq_status hq_dist_in_turn(const hq_dist *dist, hq_status (*work)(void *ctx), void *ctx);

hq_status hq_dist_barrier(const hq_dist *dist);

/* Copies bytes of rank 0 (of the node's leader) to every rank (of the node). Collective. */
hq_status hq_dist_bcast(const hq_dist *dist, void *data, size_t bytes);
hq_status hq_dist_node_bcast(const hq_dist *dist, void *data, size_t bytes);

/* sum[i] = sum of every rank's sum[i]; integers, so the result does not depend on ranks, order or pieces. In place.
 * Collective, and the only collective of a training step. */
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
void *hq_dist_shared_block(const hq_shared *shared);
/* Makes what the ranks of the node wrote visible to all of them. Collective on the node. */
hq_status hq_dist_shared_sync(const hq_shared *shared);
void hq_dist_shared_free(hq_shared *shared);

#endif
