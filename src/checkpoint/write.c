/* write.c: saving. All ranks go through stages together; after each stage a failure of one becomes everyone's. */
#include "checkpoint/h5.h"

#include "dist/mpi_private.h"

#include <string.h>
#include <unistd.h>

/* The handles of one block while it is written. */
typedef struct hq_slot {
    hid_t dataset, part;
} hq_slot;

typedef struct hq_job {
    const hq_dist *dist;
    const hq_state *state;
    const char *path;
    char temporary[PATH_MAX];
    hq_fingerprint fingerprint;
    hq_problem problem; /* of this rank */
    hq_h5 h5;
    hid_t transfer;
    hq_slot block[HQ_CHECKPOINT_BLOCKS_MAX];
} hq_job;

/* ---- stage 1: rank 0 makes the file, without its numbers -------------------------------------------------------- */

static void create(hq_job *job)
{
    if (!hq_file_temporary(job->path, job->temporary)) {
        job->temporary[0] = '\0';
        hq_problem_set(&job->problem, HQ_ERR_FILE, "the name is too long");
    }
    hq_state_check(job->state, HQ_ERR_INTERNAL, &job->problem);
    if (job->problem.status != HQ_OK) return;
    job->fingerprint = hq_state_fingerprint(job->state, HQ_VERSION);
    if (hq_dist_rank(job->dist) == 0)
        hq_checkpoint_create(job->temporary, job->state, &job->fingerprint, &job->problem);
}

/* ---- stage 2: all ranks want to write the same, and can --------------------------------------------------------- */

static void compare(hq_job *job)
{
    const uint64_t mine[3] = {job->fingerprint.state, job->fingerprint.texts, hq_hash_text(job->path)};
    uint64_t rank_0[3];
    memcpy(rank_0, mine, sizeof mine);
    hq_status status = hq_dist_bcast(job->dist, rank_0, sizeof rank_0);
    if (status != HQ_OK)
        hq_problem_set(&job->problem, status, "%s", "");
    else if (memcmp(rank_0, mine, sizeof mine) != 0)
        hq_problem_set(&job->problem, HQ_ERR_INTERNAL, "this rank's %s differs from rank 0's",
                       rank_0[0] != mine[0] ? "state" : "configuration, kernel variant or path");
    hq_file_reach(job->temporary, &job->problem);
}

/* ---- stage 3: all ranks open the file --------------------------------------------------------------------------- */

/* The part of this rank: at the same place in the file and in memory. */
static hid_t select_part(hq_job *job, const hq_block *block)
{
    hq_h5 *h5 = &job->h5;
    int64_t lo, hi;
    hq_dist_share(job->dist, block->count, &lo, &hi);
    hsize_t count = (hsize_t)block->count, start = (hsize_t)lo, n = (hsize_t)(hi - lo);
    hid_t space = hq_h5_keep(h5, H5Screate_simple(1, &count, NULL), block->name);
    if (n > 0)
        hq_h5_check(h5, H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &n, NULL), block->name);
    else
        hq_h5_check(h5, H5Sselect_none(space), block->name);
    return space;
}

static void open_all(hq_job *job)
{
    hq_h5 *h5 = &job->h5;
    hid_t access = hq_h5_keep(h5, H5Pcreate(H5P_FILE_ACCESS), "file access");
    hq_h5_check(h5, H5Pset_fapl_mpio(access, hq_dist_comm(job->dist), MPI_INFO_NULL), "MPI-IO");
    hq_h5_check(h5, H5Pset_all_coll_metadata_ops(access, true), "collective metadata");
    hq_h5_check(h5, H5Pset_coll_metadata_write(access, true), "collective metadata");
    job->transfer = hq_h5_keep(h5, H5Pcreate(H5P_DATASET_XFER), "collective transfer");
    hq_h5_check(h5, H5Pset_dxpl_mpio(job->transfer, H5FD_MPIO_COLLECTIVE), "collective transfer");
    hid_t file = hq_h5_keep(h5, H5Fopen(job->temporary, H5F_ACC_RDWR, access), "cannot open it on all ranks");
    hid_t group = hq_h5_keep(h5, H5Gopen2(file, HQ_H5_BLOCKS, H5P_DEFAULT), HQ_H5_BLOCKS);
    for (int i = 0; i < job->state->blocks; i++) {
        const hq_block *block = &job->state->block[i];
        job->block[i].dataset = hq_h5_keep(h5, H5Dopen2(group, block->name, H5P_DEFAULT), block->name);
        job->block[i].part = select_part(job, block);
    }
}

/* ---- stage 4: the numbers --------------------------------------------------------------------------------------- */

static void write_part(hq_job *job, const hq_block *block, const hq_slot *slot)
{
    hid_t type = hq_h5_memory_type(block->number);
    hq_problem failure = {0};
    hq_h5 h5 = {.problem = &failure};
    if (block->count == 0) return;
    if (!hq_h5_check(&h5, H5Dwrite(slot->dataset, type, slot->part, slot->part, job->transfer, block->data),
                     block->name))
        hq_problem_set(&job->problem, failure.status, "cannot write block %s; %lld bytes are free", failure.text,
                       (long long)hq_file_free_space(job->temporary));
}

/* Collective: MPI-IO gathers the parts into few large writes, so that thousands of ranks do not all write to the file
 * system. Every rank goes through all blocks whatever happened to an earlier one, for the others wait there. */
static void write_parts(hq_job *job)
{
    for (int i = 0; i < job->state->blocks; i++) write_part(job, &job->state->block[i], &job->block[i]);
    hq_file_divert(job->temporary);
    hq_h5_release(&job->h5);
}

/* ---- stage 5: rank 0 seals the file, reads it as a resume would, and gives it its name -------------------------- */

static void commit(hq_job *job)
{
    if (hq_dist_rank(job->dist) != 0) return;
    hq_seal_write(job->temporary, &job->problem);
    if (job->problem.status != HQ_OK) return;
    hq_state copy;
    hq_fingerprint found;
    hq_problem reading = {0};
    hq_checkpoint_load(job->temporary, &copy, &found, &reading);
    hq_checkpoint_free(&copy);
    if (reading.status != HQ_OK)
        hq_problem_set(&job->problem, reading.status, "%s%s", reading.text[0] ? "reading back what was written: " : "",
                       reading.text);
    else if (memcmp(&found, &job->fingerprint, sizeof found) != 0)
        hq_problem_set(&job->problem, HQ_ERR_FILE, "what was written reads back with other bits");
    if (job->problem.status == HQ_OK) hq_file_commit(job->temporary, job->path, &job->problem);
}

static hq_status run_stages(hq_job *job)
{
    static void (*const stage[])(hq_job *) = {create, compare, open_all, write_parts, commit};
    for (size_t i = 0; i < sizeof stage / sizeof *stage; i++) {
        stage[i](job);
        HQ_TRY(hq_problem_settle(job->dist, &job->problem, job->path, "was not saved"));
    }
    return HQ_OK;
}

hq_status hq_checkpoint_write(const hq_dist *dist, const char *path, const hq_state *state)
{
    hq_job job = {.dist = dist, .path = path, .state = state};
    hq_h5_begin(&job.h5, &job.problem);
    hq_status status = run_stages(&job);
    if (status == HQ_ERR_COMM) return status; /* closing is collective, and this rank is about to end the job */
    hq_file_divert(job.temporary);            /* still open when a rank could not open it */
    hq_h5_end(&job.h5);
    if (status != HQ_OK && hq_dist_rank(dist) == 0 && job.temporary[0]) unlink(job.temporary);
    return status;
}
