/* question.c: which nodes are still there. In a stall the first rank of the first node asks those of all others, and as
 * its deputy the first rank of the second node, which tells only when the first node does not answer. Whoever is in
 * hq_dist_wait answers at once. Messages are of 8 bytes, and nobody waits for one. */
#include "dist/watch.h"

#include <stdio.h>
#include <string.h>

enum { ASKING = 2, TAG_QUESTION = 5, TAG_ANSWER = 6 };
static const double pause = 0.05, patience = 3; /* seconds between two looks; for answers */

static hq_status gather_names(const hq_dist *dist, hq_question *question)
{
    hq_node_name mine = {.first = dist->rank, .size = dist->node_size};
    hq_copy_text(mine.host, sizeof mine.host, hq_host_name());
    for (int root = 0; root < ASKING; root++) {
        MPI_Request request;
        HQ_TRY(hq_dist_wait_for(dist,
                                MPI_Igather(&mine, sizeof mine, MPI_BYTE, question->node, sizeof mine, MPI_BYTE, root,
                                            dist->leaders, &request),
                                &request, HQ_PHASE_GATHER, "MPI_Igather"));
    }
    return HQ_OK;
}

hq_status hq_question_create(const hq_dist *dist, hq_question *question)
{
    *question = (hq_question){.answering = {MPI_REQUEST_NULL, MPI_REQUEST_NULL}};
    if (dist->node_index < ASKING) {
        HQ_TRY(hq_alloc_array((size_t)dist->nodes, sizeof *question->node, "hosts", &question->node));
        HQ_TRY(hq_alloc_array((size_t)dist->nodes, sizeof *question->answered, "answers", &question->answered));
    }
    return gather_names(dist, question);
}

void hq_question_destroy(hq_question *question)
{
    hq_free(question->node);
    hq_free(question->answered);
}

/* An answer that is still under way (to a node that is gone) is not followed by another one. */
static void answer(const hq_dist *dist, hq_question *question, int64_t number, int to)
{
    int free_again = 0;
    if (to >= ASKING) return;
    if (MPI_Test(&question->answering[to], &free_again, MPI_STATUS_IGNORE) != MPI_SUCCESS || !free_again) return;
    question->answer[to] = number;
    MPI_Isend(&question->answer[to], 1, MPI_INT64_T, to, TAG_ANSWER, dist->leaders, &question->answering[to]);
}

/* Takes the messages with this tag that have come. */
static void take(const hq_dist *dist, hq_question *question, int tag)
{
    for (;;) {
        int there = 0;
        int64_t number;
        MPI_Status status;
        if (MPI_Iprobe(MPI_ANY_SOURCE, tag, dist->leaders, &there, &status) != MPI_SUCCESS || !there) return;
        if (MPI_Recv(&number, 1, MPI_INT64_T, status.MPI_SOURCE, tag, dist->leaders, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
        if (tag == TAG_QUESTION)
            answer(dist, question, number, status.MPI_SOURCE);
        else if (number == question->number)
            question->answered[status.MPI_SOURCE] = true;
    }
}

/* The number goes out of a place that stays until the next question; nobody waits for these requests. */
static void ask(const hq_dist *dist, hq_question *question, double now)
{
    question->number++;
    question->asked = now;
    memset(question->answered, 0, (size_t)dist->nodes * sizeof *question->answered);
    question->answered[dist->node_index] = true;
    for (int node = 0; node < dist->nodes; node++) {
        MPI_Request request;
        if (node == dist->node_index) continue;
        if (MPI_Isend(&question->number, 1, MPI_INT64_T, node, TAG_QUESTION, dist->leaders, &request) == MPI_SUCCESS)
            MPI_Request_free(&request);
    }
}

static void tell(const hq_dist *dist, hq_question *question)
{
    enum { NAMED = 4 };
    int missing = 0;
    char names[NAMED * 100] = "", place[HQ_PLACE_MAX];
    for (int i = 0; i < dist->nodes; i++) {
        const hq_node_name *node = &question->node[i];
        const size_t at = strlen(names);
        if (question->answered[i] || missing++ >= NAMED) continue;
        snprintf(names + at, sizeof names - at, "%s%s (%d rank%s from rank %d)", at ? ", " : "", node->host, node->size,
                 node->size == 1 ? "" : "s", node->first);
    }
    question->told = missing > 0 && (dist->node_index == 0 || !question->answered[0]);
    if (!question->told) return;
    dist->watch->board->hosts_told = 1;
    hq_watch_place(dist->watch->mine, place);
    hq_warn("no answer from %d of %d hosts: %s%s; lost, cut off, or the first rank there is stopped or computes; the "
            "others wait "
            "in %s since %.0f s",
            missing, dist->nodes, names, missing > NAMED ? ", ..." : "", place, hq_clock() - dist->watch->mine->since);
}

void hq_question_look(const hq_dist *dist, hq_question *question)
{
    const double now = hq_clock(), timeout = dist->watch->timeout;
    if (now - question->looked < pause) return;
    if (question->asked > 0 && now - question->looked > hq_watch_silence(dist->watch))
        question->asked = now; /* this process was stopped, perhaps with the others: they have time to answer */
    question->looked = now;
    take(dist, question, TAG_QUESTION);
    if (!question->node || timeout <= 0) return;
    take(dist, question, TAG_ANSWER);
    if (question->asked == 0 && now - dist->watch->mine->since > timeout)
        ask(dist, question, now);
    else if (question->asked > 0 && now - question->asked > patience && !question->told)
        tell(dist, question);
}

void hq_question_end(const hq_dist *dist, hq_question *question)
{
    if (question->told) {
        hq_warn("goes on after %.0f s", hq_clock() - dist->watch->mine->since);
        dist->watch->board->hosts_over = hq_clock();
    }
    question->asked = 0;
    question->told = false;
    dist->watch->board->hosts_told = 0;
}
