/* sum_private.h: inside of hq_sum, for sum.c, sum_node.c and sum_choice.c. */
#ifndef HQCNN_DIST_SUM_PRIVATE_H
#define HQCNN_DIST_SUM_PRIVATE_H

#include "dist/mpi_private.h"

#include <stdatomic.h>

enum { HQ_SUM_PIECES_MAX = 64, HQ_SUM_CHUNK = 4096, HQ_SUM_TRIALS = 5, HQ_SUM_CHOICES_MAX = 8 };

/* A piece of the numbers, [lo, hi). */
typedef struct hq_sum_piece {
    size_t lo, hi;
} hq_sum_piece;

/* How far the ranks of a node are with a piece, in their shared memory. Counts only grow: in the s-th step that is
 * summed in this way a piece is complete when `arrived` is s times the ranks of the node. */
typedef struct hq_sum_counter {
    _Alignas(HQ_ALIGN) _Atomic int64_t arrived; /* ranks that have written their numbers */
    _Atomic int64_t claimed;                    /* step << 32 | chunks of it that have been taken */
    _Atomic int64_t added;                      /* chunks that have been added up */
    _Atomic int64_t done;                       /* step whose sum over all nodes is there */
} hq_sum_counter;

/* Numbers of the ranks of a node that can be added up through their shared memory. */
typedef struct hq_sum_node {
    hq_shared *shared;
    hq_sum_counter *counter; /* [pieces] */
    int64_t *own;            /* [node_size][count] */
    int64_t *node_total;     /* [count] of this node */
    int64_t *total;          /* [count] of all nodes; node_total when there is one */
    MPI_Comm leaders;        /* first ranks of all nodes; MPI_COMM_NULL on others */
    int64_t step;            /* steps summed in this way */
    int sent;                /* pieces that the leader has handed to MPI */
} hq_sum_node;

struct hq_sum {
    hq_dist *dist;
    size_t count, stride; /* numbers; of a rank in the node's block */
    MPI_Comm all;         /* all ranks, for sums alone */
    int pieces;
    hq_sum_piece piece[HQ_SUM_PIECES_MAX]; /* from the last numbers to the first */
    MPI_Request request[HQ_SUM_PIECES_MAX];
    bool over[HQ_SUM_PIECES_MAX]; /* pieces whose sum is there, as far as this rank knows */
    int handed;                   /* pieces that are final on this rank and under way */
    int64_t step;                 /* steps begun */
    int64_t *own;                 /* [count] this rank's numbers; in the node's block where there is one */
    int64_t *total;               /* [count] of all ranks, when it is not summed in two levels; own on a single rank */
    int64_t *memory;              /* of own, where there is no node's block, and of total; owned */
    hq_sum_node node;             /* shared NULL: not in use */

    /* what is in force, and how it is found */
    hq_sum_choice now, choice[HQ_SUM_CHOICES_MAX];
    int choices; /* 1: settled */
    double seconds[HQ_SUM_CHOICES_MAX][HQ_SUM_TRIALS];
    double median[HQ_SUM_CHOICES_MAX]; /* of the trials, of the slowest rank */
    int tried, best;                   /* choices there were; the one in force since */
    bool news;                         /* settled, and not asked for yet */
    double began;
};

/* sum_node.c: through the shared memory of nodes. Opened collectively; the status is equal on all ranks. */
hq_status hq_sum_node_open(hq_sum *sum);
void hq_sum_node_close(hq_sum *sum);
/* Piece k of this rank is final. Local. */
void hq_sum_node_arrive(hq_sum *sum, int k);
/* Does what can be done now: adds up chunks of complete pieces, moves sums between nodes. Local. */
hq_status hq_sum_node_progress(hq_sum *sum);

/* sum_choice.c: which ways there are; the way of the step that begins (local); what a step took (collective). */
void hq_sum_list_choices(hq_sum *sum, const hq_sum_options *options);
void hq_sum_choose(hq_sum *sum);
hq_status hq_sum_note(hq_sum *sum, double seconds);

#endif
