/* sum_exchange.c: a piece summed over the processes of a communicator, without waiting.
 *
 * By MPI_Iallreduce, or directly: process j gets slice j of everybody, adds them up and gives the sum to everybody.
 * Each process sends 2 (p - 1) / p times the piece, the least that can be (Patarasuk and Yuan, "Bandwidth optimal
 * all-reduce algorithms for clusters of workstations", 2009), for any p, and a piece needs two visits only, where a
 * ring needs 2 (p - 1). The messages get short with p: for many processes MPI has better ways.
 */
#include "dist/sum_private.h"

#include <string.h>

typedef enum hq_stage { IDLE, BY_MPI, SCATTERING, GATHERING } hq_stage;

typedef struct hq_slice {
    size_t lo, n; /* numbers from the start of the piece */
} hq_slice;

struct hq_exchange_piece {
    hq_stage stage;
    size_t n;
    const int64_t *own;
    int64_t *total;
    bool packs;
    unsigned char *memory; /* of this piece, in the exchange's */
    MPI_Request *request;  /* [2 (peers - 1)]: receives, then sends */
    int requests;
};

static hq_slice slice_of(const hq_exchange *ex, const struct hq_exchange_piece *piece, int peer)
{
    const size_t p = (size_t)ex->size, lo = piece->n * (size_t)peer / p, hi = piece->n * ((size_t)peer + 1) / p;
    return (hq_slice){lo, hi - lo};
}

/* ---- memory ---- */

static size_t rounded(size_t bytes) { return (bytes + HQ_ALIGN - 1) / HQ_ALIGN * HQ_ALIGN; }

/* Of a slice in a message, packed or not. */
static size_t room(const hq_exchange *ex, size_t n) { return rounded(hq_sum_packed_most(n / (size_t)ex->size + 1)); }

/* Messages in and messages out: a slice for each peer, both ways. */
static size_t memory_of(const hq_exchange *ex, size_t n) { return 2 * (size_t)ex->size * room(ex, n); }

static unsigned char *message_in(const hq_exchange *ex, const struct hq_exchange_piece *piece, int peer)
{
    return piece->memory + (size_t)peer * room(ex, piece->n);
}

static unsigned char *message_out(const hq_exchange *ex, const struct hq_exchange_piece *piece, int peer)
{
    return piece->memory + ((size_t)ex->size + (size_t)peer) * room(ex, piece->n);
}

static hq_status take(hq_exchange *ex, const hq_sum_piece *pieces, int count)
{
    size_t bytes = 0;
    const size_t most = ex->direct ? 2 * (size_t)ex->size : 1;
    for (int k = 0; k < count; k++) bytes += memory_of(ex, pieces[k].hi - pieces[k].lo);
    HQ_TRY(hq_alloc_array((size_t)count, sizeof *ex->piece, "sums", &ex->piece));
    HQ_TRY(hq_alloc_array((size_t)count * most, sizeof *ex->request, "sums", &ex->request));
    if (ex->direct) HQ_TRY(hq_alloc(bytes, "messages of sums", &ex->memory));
    unsigned char *at = ex->memory;
    for (int k = 0; k < count; k++) {
        ex->piece[k].request = ex->request + (size_t)k * most;
        ex->piece[k].memory = at;
        if (ex->direct) at += memory_of(ex, pieces[k].hi - pieces[k].lo);
    }
    return HQ_OK;
}

hq_status hq_exchange_open(MPI_Comm comm, bool direct, const hq_sum_piece *pieces, int count, hq_exchange *ex)
{
    *ex = (hq_exchange){.comm = comm};
    if (comm == MPI_COMM_NULL) return HQ_OK;
    HQ_TRY(hq_dist_adopt(comm, &ex->rank, &ex->size));
    ex->direct = direct;
    HQ_ASSERT(!direct || ex->size <= HQ_EXCHANGE_PEERS);
    return take(ex, pieces, count);
}

void hq_exchange_close(hq_exchange *ex)
{
    if (hq_dist_broken()) return; /* messages may be under way */
    hq_free(ex->piece);
    hq_free(ex->request);
    hq_free(ex->memory);
}

/* ---- messages ---- */

/* A receive of slice n from a peer, into its message memory or, where nothing is packed and added, to its place. */
static hq_status receive(hq_exchange *ex, struct hq_exchange_piece *piece, int peer, size_t n, int64_t *place, int tag)
{
    MPI_Request *request = &piece->request[piece->requests++];
    void *to = piece->packs || !place ? (void *)message_in(ex, piece, peer) : (void *)place;
    const size_t bytes = piece->packs ? hq_sum_packed_most(n) : n * sizeof(int64_t);
    return hq_dist_check(MPI_Irecv(to, (int)bytes, MPI_BYTE, peer, tag, ex->comm, request), "MPI_Irecv");
}

static hq_status post(hq_exchange *ex, struct hq_exchange_piece *piece, int peer, const void *from, size_t bytes,
                      int tag)
{
    MPI_Request *request = &piece->request[piece->requests++];
    return hq_dist_check(MPI_Isend(from, (int)bytes, MPI_BYTE, peer, tag, ex->comm, request), "MPI_Isend");
}

/* Of the slices of a piece; its sums have the next one. Others use this communicator for messages of smaller tags. */
static int tag_of(int k) { return 64 + 2 * k; }

/* Peers in an order of its own for each process, so that not all of them send to the same one at once. */
static int peer_at(const hq_exchange *ex, int i) { return (ex->rank + i) % ex->size; }

static hq_status scatter(hq_exchange *ex, int k)
{
    struct hq_exchange_piece *piece = &ex->piece[k];
    const size_t mine = slice_of(ex, piece, ex->rank).n;
    piece->requests = 0;
    for (int i = 1; i < ex->size; i++) HQ_TRY(receive(ex, piece, peer_at(ex, i), mine, NULL, tag_of(k)));
    for (int i = 1; i < ex->size; i++) {
        const int peer = peer_at(ex, i);
        const hq_slice slice = slice_of(ex, piece, peer);
        unsigned char *message = message_out(ex, piece, peer);
        if (piece->packs)
            HQ_TRY(post(ex, piece, peer, message, hq_sum_pack(piece->own + slice.lo, slice.n, message), tag_of(k)));
        else
            HQ_TRY(post(ex, piece, peer, piece->own + slice.lo, slice.n * sizeof(int64_t), tag_of(k)));
    }
    piece->stage = SCATTERING;
    return HQ_OK;
}

static hq_status damaged(void)
{
    hq_dist_break();
    HQ_FAIL(HQ_ERR_COMM, "a message of the gradient sum is damaged");
}

/* The sum of this process's slice, from its own numbers and those that have come. */
static hq_status add_up(hq_exchange *ex, struct hq_exchange_piece *piece)
{
    const hq_slice slice = slice_of(ex, piece, ex->rank);
    int64_t *to = piece->total + slice.lo;
    memcpy(to, piece->own + slice.lo, slice.n * sizeof *to);
    for (int i = 1; i < ex->size; i++) {
        const unsigned char *message = message_in(ex, piece, peer_at(ex, i));
        if (piece->packs) {
            if (!hq_sum_unpack(message, ex->bytes[i - 1], slice.n, true, to)) return damaged();
            continue;
        }
        const int64_t *numbers = (const int64_t *)(const void *)message;
        for (size_t j = 0; j < slice.n; j++) to[j] += numbers[j];
    }
    return HQ_OK;
}

static hq_status gather(hq_exchange *ex, int k)
{
    struct hq_exchange_piece *piece = &ex->piece[k];
    const hq_slice mine = slice_of(ex, piece, ex->rank);
    unsigned char *message = message_out(ex, piece, ex->rank);
    const size_t bytes = piece->packs ? hq_sum_pack(piece->total + mine.lo, mine.n, message) : mine.n * sizeof(int64_t);
    piece->requests = 0;
    for (int i = 1; i < ex->size; i++) {
        const int peer = peer_at(ex, i);
        const hq_slice slice = slice_of(ex, piece, peer);
        HQ_TRY(receive(ex, piece, peer, slice.n, piece->total + slice.lo, tag_of(k) + 1));
    }
    for (int i = 1; i < ex->size; i++)
        HQ_TRY(post(ex, piece, peer_at(ex, i), piece->packs ? (void *)message : (void *)(piece->total + mine.lo), bytes,
                    tag_of(k) + 1));
    piece->stage = GATHERING;
    return HQ_OK;
}

static hq_status add_and_gather(hq_exchange *ex, int k)
{
    HQ_TRY(add_up(ex, &ex->piece[k]));
    return gather(ex, k);
}

static hq_status unpack_gathered(hq_exchange *ex, int k)
{
    struct hq_exchange_piece *piece = &ex->piece[k];
    for (int i = 1; piece->packs && i < ex->size; i++) {
        const int peer = peer_at(ex, i);
        const hq_slice slice = slice_of(ex, piece, peer);
        if (!hq_sum_unpack(message_in(ex, piece, peer), ex->bytes[i - 1], slice.n, false, piece->total + slice.lo))
            return damaged();
    }
    return HQ_OK;
}

/* ---- a piece ---- */

/* Notes the processor time of what is done, whether somebody waits for it or not. */
static hq_status worked(hq_exchange *ex, hq_status (*work)(hq_exchange *, int), int k)
{
    const double cpu = hq_clock_cpu();
    const hq_status status = work(ex, k);
    ex->cpu += hq_clock_cpu() - cpu;
    return status;
}

hq_status hq_exchange_start(hq_exchange *ex, int k, int way, const int64_t *own, int64_t *total, size_t n)
{
    struct hq_exchange_piece *piece = &ex->piece[k];
    *piece = (struct hq_exchange_piece){.n = n,
                                        .own = own,
                                        .total = total,
                                        .packs = way == HQ_EXCHANGE_PACKED,
                                        .memory = piece->memory,
                                        .request = piece->request,
                                        .requests = 1};
    if (way != HQ_EXCHANGE_MPI) return worked(ex, scatter, k);
    piece->stage = BY_MPI;
    return hq_dist_check(MPI_Iallreduce(own, total, (int)n, MPI_INT64_T, MPI_SUM, ex->comm, piece->request),
                         "MPI_Iallreduce");
}

/* Sizes of what was received go to ex->bytes. */
static hq_status test(hq_exchange *ex, struct hq_exchange_piece *piece, bool *over)
{
    MPI_Status status[2 * HQ_EXCHANGE_PEERS];
    int flag = 0;
    HQ_TRY(hq_dist_check(MPI_Testall(piece->requests, piece->request, &flag, status), "MPI_Testall"));
    *over = flag;
    for (int i = 0; flag && piece->stage != BY_MPI && i < ex->size - 1; i++) {
        int bytes;
        HQ_TRY(hq_dist_check(MPI_Get_count(&status[i], MPI_BYTE, &bytes), "MPI_Get_count"));
        ex->bytes[i] = (size_t)bytes;
    }
    return HQ_OK;
}

hq_status hq_exchange_test(hq_exchange *ex, int k, bool *over)
{
    struct hq_exchange_piece *piece = &ex->piece[k];
    HQ_TRY(test(ex, piece, over));
    if (!*over) return HQ_OK;
    if (piece->stage == SCATTERING) {
        *over = false;
        return worked(ex, add_and_gather, k);
    }
    return piece->stage == GATHERING ? worked(ex, unpack_gathered, k) : HQ_OK;
}
