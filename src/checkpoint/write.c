/* write.c: saving. All ranks go through stages together; after each stage a failure of one becomes everyone's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sync_file_range */
#endif
#include "checkpoint/h5.h"

#include "dist/mpi_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

typedef struct hq_job {
    const hq_dist *dist;
    const hq_state *state;
    const char *path;
    int64_t small; /* bytes of the largest state that rank 0 writes alone */
    char temporary[PATH_MAX];
    bool parallel; /* all nodes write; else rank 0 alone */
    hq_fingerprint fingerprint;
    hq_image image;     /* on ranks that write */
    int64_t *hash;      /* of each piece of the file that this rank has checked, else 0 */
    int fd;             /* what is written is read back here */
    hq_problem problem; /* of this rank */
    hq_h5 h5;
    hid_t dataset[HQ_CHECKPOINT_BLOCKS_MAX], space[HQ_CHECKPOINT_BLOCKS_MAX];
} hq_job;

/* ---- all ranks know what they want to write --------------------------------------------------------------------- */

static void hash(hq_job *job)
{
    if (!hq_file_temporary(job->path, job->temporary)) {
        job->temporary[0] = '\0';
        hq_problem_set(&job->problem, HQ_ERR_FILE, "the name is too long");
    }
    hq_state_check(job->state, HQ_ERR_INTERNAL, &job->problem);
    if (job->problem.status != HQ_OK) return;
    job->parallel = hq_state_bytes(job->state) > job->small;
    job->fingerprint = hq_state_fingerprint(job->state, HQ_VERSION);
}

/* And it is the same. Every rank takes part, whatever it has found. */
static void prepare(hq_job *job)
{
    hash(job);
    const uint64_t mine[3] = {job->fingerprint.state, job->fingerprint.texts, hq_hash_text(job->path)};
    uint64_t rank_0[3];
    memcpy(rank_0, mine, sizeof mine);
    hq_status status = hq_dist_bcast(job->dist, rank_0, sizeof rank_0);
    if (status != HQ_OK)
        hq_problem_set(&job->problem, status, "%s", "");
    else if (memcmp(rank_0, mine, sizeof mine) != 0)
        hq_problem_set(&job->problem, HQ_ERR_INTERNAL, "this rank's %s differs from rank 0's",
                       rank_0[0] != mine[0] ? "state" : "configuration, kernel variant or path");
}

/* ---- rank 0 makes the file, of a large state without its numbers ------------------------------------------------- */

static void create(hq_job *job)
{
    if (hq_dist_rank(job->dist) != 0) return;
    hq_checkpoint_create(job->state, &job->fingerprint, &job->image, &job->problem);
    if (job->problem.status == HQ_OK) hq_file_place(&job->image, !job->parallel, job->temporary, &job->problem);
}

static void share(hq_job *job)
{
    hq_status status = hq_image_share(job->dist, &job->image, job->state);
    if (status != HQ_OK) hq_problem_set(&job->problem, status, "%s", "");
    hq_file_reach(job->temporary, &job->problem);
}

/* ---- what is written is read back ------------------------------------------------------------------------------- */

static void open_again(hq_job *job)
{
    const int64_t pieces = hq_seal_pieces(job->image.bytes);
    if (job->problem.status != HQ_OK) return;
    if (hq_alloc_array((size_t)pieces, sizeof *job->hash, "hashes of a checkpoint", &job->hash) != HQ_OK) {
        hq_problem_set(&job->problem, HQ_ERR_MEMORY, "%s", "");
        return;
    }
    job->fd = open(job->temporary, O_RDONLY | O_CLOEXEC);
    if (job->fd < 0)
        hq_problem_set(&job->problem, HQ_ERR_FILE, "cannot read back what was written: %s", strerror(errno));
}

/* Reads pieces [lo, hi) of the file, compares them with what they must be and hashes them. */
static void check_pieces(hq_job *job, int64_t lo, int64_t hi)
{
    static char piece[HQ_SEAL_PIECE];
    for (int64_t i = lo; i < hi && job->problem.status == HQ_OK; i++) {
        int64_t from, to;
        hq_seal_piece(job->image.bytes, i, &from, &to);
        const ssize_t n = hq_file_read(job->fd, piece, (size_t)(to - from), from);
        if (n < 0)
            hq_problem_set(&job->problem, HQ_ERR_FILE, "cannot read back what was written: %s", strerror(errno));
        else if (n != to - from || !hq_image_equals(&job->image, from, to, piece))
            hq_problem_set(&job->problem, HQ_ERR_FILE, "what was written reads back with other bits");
        else
            job->hash[i] = (int64_t)hq_hash(piece, (size_t)n, 0);
    }
}

/* A small state, which rank 0 has written. */
static void check(hq_job *job)
{
    if (hq_dist_rank(job->dist) != 0) return;
    open_again(job);
    check_pieces(job, 0, hq_seal_pieces(job->image.bytes));
}

/* ---- the nodes write the numbers of a large state --------------------------------------------------------------- */

enum { WINDOW = 16 }; /* pieces that are written, read back and sent to the disk together */

static void open_all(hq_job *job)
{
    hq_h5 *h5 = &job->h5;
    hid_t access = hq_h5_keep(h5, H5Pcreate(H5P_FILE_ACCESS), "file access");
    hq_h5_check(h5, H5Pset_fapl_mpio(access, hq_dist_comm(job->dist), MPI_INFO_NULL), "MPI-IO");
    hq_h5_check(h5, H5Pset_all_coll_metadata_ops(access, true), "collective metadata");
    hq_h5_check(h5, H5Pset_coll_metadata_write(access, true), "collective metadata");
    hid_t file = hq_h5_keep(h5, H5Fopen(job->temporary, H5F_ACC_RDWR, access), "cannot open it on all ranks");
    hid_t group = hq_h5_keep(h5, H5Gopen2(file, HQ_H5_BLOCKS, H5P_DEFAULT), HQ_H5_BLOCKS);
    for (int i = 0; i < job->state->blocks; i++) {
        const hq_block *block = &job->state->block[i];
        const hsize_t count = (hsize_t)block->count;
        job->dataset[i] = hq_h5_keep(h5, H5Dopen2(group, block->name, H5P_DEFAULT), block->name);
        job->space[i] = hq_h5_keep(h5, H5Screate_simple(1, &count, NULL), block->name);
    }
    open_again(job);
}

/* The numbers of a block that lie in bytes [from, to) of the file: at the same place there and in memory. */
static void write_numbers(hq_job *job, int i, int64_t from, int64_t to)
{
    const hq_block *block = &job->state->block[i];
    const int64_t place = job->image.place[i], size = (int64_t)hq_number_size(block->number);
    if (from < place) from = place;
    if (to > place + block->count * size) to = place + block->count * size;
    if (from >= to) return;
    const hsize_t start = (hsize_t)((from - place) / size), count = (hsize_t)((to - from) / size);
    hq_problem failure = {0};
    hq_h5 h5 = {.problem = &failure};
    hq_h5_check(&h5, H5Sselect_hyperslab(job->space[i], H5S_SELECT_SET, &start, NULL, &count, NULL), block->name);
    hq_h5_check(&h5,
                H5Dwrite(job->dataset[i], hq_h5_memory_type(block->number), job->space[i], job->space[i], H5P_DEFAULT,
                         block->data),
                block->name);
    if (failure.status != HQ_OK)
        hq_problem_set(&job->problem, failure.status, "cannot write block %s; %lld bytes are free", failure.text,
                       (long long)hq_file_free_space(job->temporary));
}

/* Pieces [lo, hi) go to the disk: at once (waits: false), or they are there in the end, and leave the memory, which the
 * next ones take. A state of gigabytes then needs no memory for its file, and other files stay in memory. */
static void send(hq_job *job, int64_t lo, int64_t hi, bool waits)
{
    int64_t from, to;
    if (lo >= hi || job->problem.status != HQ_OK) return;
    hq_seal_piece(job->image.bytes, lo, &from, &to);
    hq_seal_piece(job->image.bytes, hi - 1, &to, &to);
    const unsigned how = waits ? SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER
                               : SYNC_FILE_RANGE_WRITE;
    /* A failure is told once: fsync will not tell it again. What a file system does not know is left to fsync. */
    if (sync_file_range(job->fd, from, to - from, how) != 0 && errno != EINVAL && errno != ENOSYS && errno != ESPIPE &&
        errno != EOPNOTSUPP)
        hq_problem_set(&job->problem, HQ_ERR_FILE, "cannot sync %s: %s", job->temporary, strerror(errno));
    if (waits) posix_fadvise(job->fd, from, to - from, POSIX_FADV_DONTNEED);
}

/* The first rank of each node has a share of the pieces of the file (several processes of a node would only wait for
 * each other at the file), and goes through them by windows, each read back while it is in the caches. Every rank has
 * all numbers, so that MPI-IO need not gather them: the writes are independent. What other nodes have written is in
 * their memory, perhaps, and rank 0 cannot sync that. */
static void write_parts(hq_job *job)
{
    const hq_dist nodes = {.rank = job->dist->node_index, .size = job->dist->nodes};
    int64_t lo = 0, hi = 0;
    if (job->dist->node_rank == 0) hq_dist_share(&nodes, hq_seal_pieces(job->image.bytes), &lo, &hi);
    for (int64_t at = lo; at < hi && job->problem.status == HQ_OK; at += WINDOW) {
        const int64_t end = at + WINDOW < hi ? at + WINDOW : hi;
        int64_t from, to;
        hq_seal_piece(job->image.bytes, at, &from, &to);
        hq_seal_piece(job->image.bytes, end - 1, &to, &to);
        for (int i = 0; i < job->state->blocks; i++) write_numbers(job, i, from, to);
        check_pieces(job, at, end);
        send(job, at, end, false);
        if (at >= lo + 2 * WINDOW) send(job, at - 2 * WINDOW, at - WINDOW, true);
    }
    if (job->problem.status == HQ_OK && lo < hi && fsync(job->fd) != 0)
        hq_problem_set(&job->problem, HQ_ERR_FILE, "cannot sync %s: %s", job->temporary, strerror(errno));
    hq_file_divert(job->temporary);
    hq_h5_release(&job->h5);
}

/* ---- rank 0 seals the file and gives it its name ---------------------------------------------------------------- */

static void gather(hq_job *job)
{
    hq_status status = hq_dist_sum(job->dist, job->hash, (size_t)hq_seal_pieces(job->image.bytes));
    if (status != HQ_OK) hq_problem_set(&job->problem, status, "%s", "");
}

static void commit(hq_job *job)
{
    if (hq_dist_rank(job->dist) != 0 || job->problem.status != HQ_OK) return;
    hq_seal_write(job->temporary, job->image.bytes, job->hash, &job->problem);
    if (job->problem.status == HQ_OK) hq_file_commit(job->temporary, job->path, &job->problem);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

/* Where rank 0 writes alone, the others only need to know that all hold the same, and how it ended. */
static const struct hq_stage {
    void (*run)(hq_job *);
    hq_save_part part;
    bool large, small, settles; /* the states it is for; agreement after it for small ones too */
} stages[] = {
    {prepare, HQ_SAVE_HASH, true, true, true},        {create, HQ_SAVE_CREATE, true, true, false},
    {share, HQ_SAVE_CREATE, true, false, false},      {open_all, HQ_SAVE_WRITE, true, false, false},
    {write_parts, HQ_SAVE_WRITE, true, false, false}, {check, HQ_SAVE_CHECK, false, true, false},
    {gather, HQ_SAVE_CHECK, true, false, false},      {commit, HQ_SAVE_SYNC, true, true, true},
};

static hq_status run_stages(hq_job *job, double seconds[HQ_SAVE_PARTS])
{
    double since = hq_clock();
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (!(job->parallel ? stages[i].large : stages[i].small)) continue;
        stages[i].run(job);
        if (stages[i].settles || job->parallel)
            HQ_TRY(hq_problem_settle(job->dist, &job->problem, job->path, "was not saved"));
        hq_clock_lap(&since, &seconds[stages[i].part]);
    }
    return HQ_OK;
}

hq_status hq_checkpoint_save(const hq_dist *dist, const char *path, const hq_state *state, int64_t small,
                             double seconds[HQ_SAVE_PARTS])
{
    hq_job job = {.dist = dist, .path = path, .state = state, .small = small, .fd = -1};
    memset(seconds, 0, HQ_SAVE_PARTS * sizeof *seconds);
    hq_h5_begin(&job.h5, &job.problem);
    hq_status status = run_stages(&job, seconds);
    if (status == HQ_ERR_COMM) return status; /* closing is collective, messages may be under way: main ends the job */
    if (job.fd >= 0) close(job.fd);
    hq_file_divert(job.temporary); /* still open when a rank could not open it */
    hq_h5_end(&job.h5);
    hq_image_free(&job.image);
    hq_free(job.hash);
    if (status != HQ_OK && hq_dist_rank(dist) == 0 && job.temporary[0]) unlink(job.temporary);
    return status;
}

hq_status hq_checkpoint_write_timed(const hq_dist *dist, const char *path, const hq_state *state,
                                    double seconds[HQ_SAVE_PARTS])
{
    return hq_checkpoint_save(dist, path, state, HQ_CHECKPOINT_SMALL, seconds);
}

hq_status hq_checkpoint_write(const hq_dist *dist, const char *path, const hq_state *state)
{
    double seconds[HQ_SAVE_PARTS];
    return hq_checkpoint_write_timed(dist, path, state, seconds);
}
