/* trace.c: the phases of all ranks in one file, in Chrome's trace-event format ("Trace Event Format", the JSON object
 * with traceEvents; read by chrome://tracing and Perfetto). Rank 0 takes the ranks one after the other, piece by piece.
 */
#include "dist/mpi_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TAG_CLOCK = 8, TAG_TURN = 9, TAG_TRACE = 10, PIECE = 1024 /* events in a message */ };

/* ---- clocks ---- */

/* The first rank of a node asks rank 0 for the time; the answer that came back fastest counts. */
static hq_status ask_for_time(const hq_dist *dist, double *offset)
{
    enum { TRIES = 8 };
    double fastest = 1e300;
    for (int i = 0; i < TRIES; i++) {
        const double start = hq_clock();
        double there = 0;
        HQ_TRY(hq_dist_send(dist, dist->leaders, &there, sizeof there, 0, TAG_CLOCK));
        HQ_TRY(hq_dist_receive(dist, dist->leaders, &there, sizeof there, 0, TAG_CLOCK));
        const double end = hq_clock();
        if (end - start >= fastest) continue;
        fastest = end - start;
        *offset = there - (start + end) / 2;
    }
    return HQ_OK;
}

static hq_status tell_time(const hq_dist *dist)
{
    enum { TRIES = 8 };
    double now;
    for (int node = 1; node < dist->nodes; node++)
        for (int i = 0; i < TRIES; i++) {
            HQ_TRY(hq_dist_receive(dist, dist->leaders, &now, sizeof now, node, TAG_CLOCK));
            now = hq_clock();
            HQ_TRY(hq_dist_send(dist, dist->leaders, &now, sizeof now, node, TAG_CLOCK));
        }
    return HQ_OK;
}

hq_status hq_dist_clock_offset(const hq_dist *dist, double *out_offset)
{
    *out_offset = 0;
    if (dist->rank == 0)
        HQ_TRY(tell_time(dist));
    else if (dist->node_rank == 0)
        HQ_TRY(ask_for_time(dist, out_offset));
    return hq_dist_node_bcast(dist, out_offset, sizeof *out_offset);
}

/* ---- the file ---- */

/* What a rank says of itself. */
typedef struct hq_traced {
    int64_t events;
    int rank, node;
    char host[64];
} hq_traced;

static void write_rank(FILE *file, const hq_traced *of)
{
    fprintf(file,
            "%s{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,\"args\":{\"name\":\"%s\"}},\n"
            "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":\"rank %d\"}}",
            of->rank == 0 ? "" : ",\n", of->node, of->host, of->node, of->rank, of->rank);
}

static void write_events(FILE *file, const hq_traced *of, const hq_phase_event *event, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        fprintf(file,
                ",\n{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,"
                "\"args\":{\"step\":%lld}}",
                hq_phase_name((hq_phase)event[i].phase),
                hq_phase_kind_of((hq_phase)event[i].phase) == HQ_PHASE_WAITS ? "waits" : "works", of->node, of->rank,
                event[i].start * 1e6, event[i].seconds * 1e6, (long long)event[i].step);
}

/* A rank sends when it is its turn, so that nothing piles up on rank 0. */
static hq_status send_events(const hq_dist *dist, const hq_traced *mine, const hq_phase_event *event)
{
    char turn;
    HQ_TRY(hq_dist_receive(dist, dist->all, &turn, 1, 0, TAG_TURN));
    HQ_TRY(hq_dist_send(dist, dist->all, mine, sizeof *mine, 0, TAG_TRACE));
    for (int64_t done = 0; done < mine->events; done += PIECE) {
        const int64_t n = mine->events - done < PIECE ? mine->events - done : PIECE;
        HQ_TRY(hq_dist_send(dist, dist->all, event + done, (size_t)n * sizeof *event, 0, TAG_TRACE));
    }
    return HQ_OK;
}

static hq_status receive_events(const hq_dist *dist, int rank, FILE *file, hq_phase_event *piece)
{
    hq_traced of;
    char turn = 0;
    HQ_TRY(hq_dist_send(dist, dist->all, &turn, 1, rank, TAG_TURN));
    HQ_TRY(hq_dist_receive(dist, dist->all, &of, sizeof of, rank, TAG_TRACE));
    if (file) write_rank(file, &of);
    for (int64_t done = 0; done < of.events; done += PIECE) {
        const int64_t n = of.events - done < PIECE ? of.events - done : PIECE;
        HQ_TRY(hq_dist_receive(dist, dist->all, piece, (size_t)n * sizeof *piece, rank, TAG_TRACE));
        if (file) write_events(file, &of, piece, n);
    }
    return HQ_OK;
}

/* Rank 0 goes through all ranks even when the file cannot be written: they wait for their turn. */
static hq_status write_all(const hq_dist *dist, const char *path, const hq_traced *mine, const hq_phase_event *event)
{
    static hq_phase_event piece[PIECE];
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "w");
    int error = file ? 0 : errno;
    if (file) {
        fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", file);
        write_rank(file, mine);
        write_events(file, mine, event, mine->events);
    }
    hq_status status = HQ_OK;
    for (int rank = 1; rank < dist->size && status == HQ_OK; rank++) status = receive_events(dist, rank, file, piece);
    if (file) {
        fputs("\n]}\n", file);
        error = hq_file_finish(file);
    }
    if (status != HQ_OK) return status;
    if (!error) error = hq_file_replace(temporary, path);
    if (!error) return HQ_OK;
    hq_fail(HQ_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
    remove(temporary);
    return HQ_ERR_FILE;
}

hq_status hq_dist_write_trace(const hq_dist *dist, const char *path, const hq_phase_event *event, size_t n)
{
    hq_traced mine = {.events = (int64_t)n, .rank = dist->rank, .node = dist->node_index};
    hq_copy_text(mine.host, sizeof mine.host, hq_host_name());
    return hq_dist_agree(dist, dist->rank == 0 ? write_all(dist, path, &mine, event) : send_events(dist, &mine, event));
}
