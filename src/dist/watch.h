/* watch.h: who is late. Private to dist.
 *
 * Every rank publishes its phase (hq_pulse) in memory that the ranks of its node share. A thread of each rank, which
 * calls no MPI, marks there that the process runs, and looks whether the rank waits for too long: then it finds the
 * late ones among the pulses of its node, and one rank of the node tells. While the process itself was stopped (a job
 * that is suspended as a whole) it did not wait. So a node tells about its own ranks, whatever
 * its ranks wait in. Which nodes do not even answer is found by messages (question.c), from within hq_dist_wait.
 */
#ifndef HQCNN_DIST_WATCH_H
#define HQCNN_DIST_WATCH_H

#include "dist/mpi_private.h"

#include <pthread.h>

/* In the shared memory of a node. */
typedef struct hq_board {
    _Atomic int64_t teller;     /* node rank + 1 of the rank that tells of the stall under way; 0: nobody does */
    _Atomic int64_t leaving;    /* 1: some rank ends the job */
    _Atomic int64_t hosts_told; /* 1: hosts that do not answer have been named */
    _Atomic double hosts_over;  /* hq_clock() when such a stall ended: others may wait for a moment more */
    char padding[32];
    hq_pulse pulse[]; /* [node_size] */
} hq_board;

/* A node, for the ranks that ask: the first ones of the first two nodes. */
typedef struct hq_node_name {
    char host[64];
    int first, size; /* ranks */
} hq_node_name;

/* The question to the first ranks of all nodes whether they are there. Used by the thread that calls MPI alone. */
typedef struct hq_question {
    hq_node_name *node; /* [nodes], owned; NULL on ranks that do not ask */
    bool *answered;     /* [nodes], owned */
    int64_t number;     /* of the last question asked */
    double asked;       /* when; 0: in this wait not yet */
    double looked;      /* when messages were looked for */
    bool told;
    int64_t answer[2]; /* under way to the two that ask */
    MPI_Request answering[2];
} hq_question;

struct hq_watch {
    const hq_dist *dist; /* borrowed */
    hq_shared *shared;
    hq_board *board;
    hq_pulse *mine; /* on the board */
    _Atomic double timeout, abort_after;
    _Atomic bool polls; /* the rank is in hq_dist_wait, and looks at `leave` */
    _Atomic bool leave; /* it shall end the job */
    double told;        /* by the thread: `since` of the wait of which it told; 0: none */
    double looked;      /* by the thread, when it looked last; */
    double wait;        /* `since` of what it saw then, */
    double excused;     /* and how long this process was stopped meanwhile */
    hq_question question;

    pthread_t thread;
    pthread_mutex_t mutex; /* of stop */
    pthread_cond_t change;
    bool started, stop;
};

/* Makes the shared memory and starts the thread; nothing on a single rank. Collective. */
hq_status hq_watch_create(hq_dist *dist);
void hq_watch_destroy(hq_dist *dist);

/* From now on this rank waits for those of its part only, and they for it; 0: for all. Local. */
void hq_watch_part(hq_watch *watch, int part);

/* hq_dist_wait begins, looks around, ends. Local. */
void hq_watch_begin(const hq_dist *dist);
void hq_watch_poll(const hq_dist *dist);
void hq_watch_end(const hq_dist *dist);

/* Seconds after which a process that has not looked was stopped. */
double hq_watch_silence(const hq_watch *watch);

/* "sum of step 120", or "sum before the first step". */
#define HQ_PLACE_MAX 64
void hq_watch_place(const hq_pulse *pulse, char place[HQ_PLACE_MAX]);

/* question.c. create: collective among the leaders; look: answers, asks and tells; end: when the wait is over. */
hq_status hq_question_create(const hq_dist *dist, hq_question *question);
void hq_question_destroy(hq_question *question);
void hq_question_look(const hq_dist *dist, hq_question *question);
void hq_question_end(const hq_dist *dist, hq_question *question);

#endif
