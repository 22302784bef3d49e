/* sum_private.h: inside of hq_sum, for sum.c and sum_*.c. */
#ifndef HQCNN_DIST_SUM_PRIVATE_H
#define HQCNN_DIST_SUM_PRIVATE_H

#include "dist/mpi_private.h"

#include <stdatomic.h>

enum { HQ_SUM_PIECES_MAX = 64, HQ_SUM_CHUNK = 4096, HQ_SUM_TRIALS = 5, HQ_SUM_CHOICES_MAX = 8 };
enum { HQ_EXCHANGE_PEERS = 32 }; /* up to so many processes send their slices directly to each other */

/* A piece of the numbers, [lo, hi). */
typedef struct hq_sum_piece {
    size_t lo, hi;
} hq_sum_piece;

/* Pieces on their way between the processes of a communicator. */
typedef struct hq_exchange {
    MPI_Comm comm; /* borrowed; MPI_COMM_NULL: this process takes no part */
    int rank, size;
    bool direct; /* there is memory for messages from each to each */
    struct hq_exchange_piece *piece;
    MPI_Request *request;
    unsigned char *memory;
    double cpu;                      /* seconds on the processor that adding and packing took */
    size_t bytes[HQ_EXCHANGE_PEERS]; /* received from each peer, of the piece that was tested last */
} hq_exchange;

/* sum_exchange.c. open and close are local, but all processes of comm must agree on success before they go on; direct:
 * whether messages from each to each will be asked for. start: total[n] = sum of all own[n], as piece k, by
 * HQ_EXCHANGE_*; all processes start pieces in the same order. test: whether it is over; moves it on. Neither waits. */
hq_status hq_exchange_open(MPI_Comm comm, bool direct, const hq_sum_piece *pieces, int count, hq_exchange *ex);
void hq_exchange_close(hq_exchange *ex);
hq_status hq_exchange_start(hq_exchange *ex, int k, int way, const int64_t *own, int64_t *total, size_t n);
hq_status hq_exchange_test(hq_exchange *ex, int k, bool *over);

/* sum_pack.c: n numbers in bytes[hq_sum_packed_most(n)] and back; pack returns how many of them it filled. unpack adds
 * to x or sets it; false when the bytes are not what pack wrote for n numbers. Local. */
size_t hq_sum_packed_most(size_t n);
size_t hq_sum_pack(const int64_t *x, size_t n, unsigned char *bytes);
bool hq_sum_unpack(const unsigned char *bytes, size_t size, size_t n, bool adds, int64_t *x);

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
    MPI_Comm leaders;        /* first ranks of all nodes; MPI_COMM_NULL on others and on a single node */
    hq_exchange exchange;    /* between them */
    int64_t step;            /* steps summed in this way */
    double cpu;              /* seconds on the processor that adding took */
    int sent;                /* pieces that the leader has handed on */
} hq_sum_node;

struct hq_sum {
    hq_dist *dist;
    size_t count, stride; /* numbers; of a rank in the node's block */
    MPI_Comm all;         /* all ranks, for sums alone */
    hq_exchange exchange; /* between them */
    int pieces;
    hq_sum_piece piece[HQ_SUM_PIECES_MAX]; /* from the last numbers to the first */
    bool over[HQ_SUM_PIECES_MAX];          /* pieces whose sum is there, as far as this rank knows */
    int handed;                            /* pieces that are final on this rank and under way */
    int64_t step;                          /* steps begun */
    int64_t *own;                          /* [count] this rank's numbers; in the node's block where there is one */
    int64_t *total;   /* [count] of all ranks, when it is not summed in two levels; own on a single rank */
    int64_t *memory;  /* of own, where there is no node's block, and of total; owned */
    hq_sum_node node; /* shared NULL: not in use */

    /* what is in force, and how it is found: first where sums go, then when */
    hq_sum_options wanted; /* without the borders */
    hq_sum_choice now, choice[HQ_SUM_CHOICES_MAX];
    int choices;  /* 1: settled */
    int64_t from; /* steps before the first of these choices */
    bool when;    /* the second question is being tried, or settled */
    double seconds[HQ_SUM_CHOICES_MAX][HQ_SUM_TRIALS];
    double median[HQ_SUM_CHOICES_MAX]; /* of the trials, of the slowest rank */
    char tried[HQ_SUM_TEXT];           /* what was found, in words */
    bool news;                         /* settled, and not asked for yet */
    double began;

    /* for benchmarks */
    size_t mute;                 /* 0, or how many numbers are summed; the rest stays as it is on each rank */
    double waiting, waiting_cpu; /* seconds of waiting, and of them on the processor */
};

/* sum_node.c: through the shared memory of nodes. Opened collectively; the status is equal on all ranks. */
hq_status hq_sum_node_open(hq_sum *sum);
size_t hq_sum_node_bytes(const hq_sum *sum); /* shared memory of a node that it takes; local */
void hq_sum_node_close(hq_sum *sum);
/* Piece k of this rank is final. Local. */
void hq_sum_node_arrive(hq_sum *sum, int k);
/* Does what can be done now: adds up chunks of complete pieces, moves sums between nodes. Local. */
hq_status hq_sum_node_progress(hq_sum *sum);

/* sum_choice.c: which ways there are, and when pieces may go the way in force; the way of the step that begins (all
 * local); what a step took (collective). */
void hq_sum_list_choices(hq_sum *sum);
void hq_sum_ask_when(hq_sum *sum);
void hq_sum_choose(hq_sum *sum);
hq_status hq_sum_note(hq_sum *sum, double seconds);

/* sum.c: whether messages from each to each may be asked for. */
bool hq_sum_tries_direct(const hq_sum *sum, int algorithm);

/* sum.c: by MPI, for blocks of any length; waits. */
hq_status hq_sum_at_once(const hq_dist *dist, MPI_Comm comm, const int64_t *own, int64_t *total, size_t n);

#endif
