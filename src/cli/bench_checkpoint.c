/* bench_checkpoint.c: hqcnn-dist bench checkpoint: how long all ranks are blocked by a save, and what a plain write of
 * as many bytes takes in the same folder, in turn. */
#include "cli/cli.h"

#include "hqcnn/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_MAX = 21 };
enum { BLOCKED = HQ_SAVE_PARTS, PLAIN, TIMES };

static const char *const part_name[HQ_SAVE_PARTS] = {"hash", "create", "write", "check", "sync"};
static const char *const part_what[HQ_SAVE_PARTS] = {
    "of the state in memory, on every rank; agreement", "the file, on rank 0; of small states with all numbers",
    "numbers of large states, by the nodes, read back at once", "small states: every byte read back and compared",
    "seal, sync, rename"};

typedef struct hq_saves {
    hq_dist *dist;
    const hq_options *options;
    char path[PATH_MAX], plain[PATH_MAX];
    int64_t bytes; /* of the state */
    int runs;
    double time[TIMES][RUNS_MAX]; /* on rank 0; BLOCKED: of the slowest rank */
} hq_saves;

/* Fewer for states that take long. */
static int runs_of(int64_t bytes) { return bytes > 1 << 30 ? 3 : bytes > 8 << 20 ? 5 : RUNS_MAX; }

/* ---- measuring -------------------------------------------------------------------------------------------------- */

/* 0 or the error: as dd with bs=1M. */
static int write_blocks(int fd, const hq_state *state)
{
    for (int i = 0; i < state->blocks; i++) {
        const hq_block *block = &state->block[i];
        const size_t bytes = (size_t)block->count * (block->number == HQ_NUMBER_F32 ? 4 : 8);
        for (size_t done = 0; done < bytes;) {
            const size_t piece = bytes - done < 1 << 20 ? bytes - done : 1 << 20;
            const ssize_t n = write(fd, (const char *)block->data + done, piece);
            if (n < 0) return errno;
            done += (size_t)n;
        }
    }
    return 0;
}

/* A new file that replaces the one of before, as a checkpoint does: so both need new pages and blocks. */
static hq_status write_plain(const char *path, const hq_state *state)
{
    char temporary[PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error = fd < 0 ? errno : write_blocks(fd, state);
    if (fd >= 0 && close(fd) != 0 && !error) error = errno;
    if (!error) error = hq_file_replace(temporary, path);
    if (error) unlink(temporary);
    if (error) HQ_FAIL(HQ_ERR_FILE, "bench checkpoint: %s cannot be written: %s", path, strerror(error));
    return HQ_OK;
}

static hq_status time_plain(const hq_saves *saves, const hq_state *state, double *seconds)
{
    HQ_TRY(hq_dist_barrier(saves->dist));
    const double start = hq_clock();
    HQ_TRY(hq_dist_agree(saves->dist, hq_dist_rank(saves->dist) == 0 ? write_plain(saves->plain, state) : HQ_OK));
    *seconds = hq_clock() - start;
    return HQ_OK;
}

static hq_status time_save(const hq_saves *saves, const hq_state *state, double time[TIMES])
{
    HQ_TRY(hq_dist_barrier(saves->dist));
    const double start = hq_clock();
    const hq_phase before = hq_phase_enter(HQ_PHASE_CHECKPOINT);
    const hq_status status = hq_checkpoint_write_timed(saves->dist, saves->path, state, time);
    hq_phase_enter(before);
    time[BLOCKED] = hq_clock() - start;
    return status;
}

/* The first of both is not counted. */
static hq_status measure(hq_saves *saves, const hq_state *state)
{
    for (int run = -1; run < saves->runs; run++) {
        double mine[TIMES];
        hq_balance blocked;
        HQ_TRY(time_save(saves, state, mine));
        HQ_TRY(time_plain(saves, state, &mine[PLAIN]));
        HQ_TRY(hq_dist_balance(saves->dist, mine[BLOCKED], &blocked));
        for (int i = 0; i < TIMES && run >= 0; i++) saves->time[i][run] = mine[i];
        if (run >= 0) saves->time[BLOCKED][run] = blocked.most;
    }
    return HQ_OK;
}

static hq_status measure_state(void *ctx, const hq_state *state)
{
    hq_saves *saves = ctx;
    saves->bytes = hq_state_bytes(state);
    saves->runs = runs_of(saves->bytes);
    const hq_status status = measure(saves, state);
    if (hq_dist_rank(saves->dist) == 0) {
        unlink(saves->path);
        unlink(saves->plain);
    }
    return status;
}

/* Rank 0 reads the headers of the data set; no images are needed. */
static hq_status measure_network(hq_saves *saves, const hq_config *config)
{
    hq_data_info info = {0};
    HQ_TRY(hq_dist_agree(saves->dist, hq_dist_rank(saves->dist) == 0 ? hq_data_look(config, &info) : HQ_OK));
    HQ_TRY(hq_dist_bcast(saves->dist, &info, sizeof info));
    return hq_train_visit_state(saves->dist, config, &info, measure_state, saves);
}

/* Three equal blocks, as of a training with Adam. */
static hq_status measure_synthetic(hq_saves *saves)
{
    static const char *const name[] = {"parameters", "moment1", "moment2"};
    enum { BLOCKS = sizeof name / sizeof *name };
    hq_state state = {.blocks = BLOCKS, .config = "", .variant = ""};
    float *data;
    const int64_t count = (saves->options->bytes + BLOCKS * 4 - 1) / (BLOCKS * 4);
    HQ_TRY(hq_dist_agree(saves->dist, hq_alloc_array((size_t)count * BLOCKS, sizeof *data, "synthetic state", &data)));
    for (int64_t i = 0; i < count * BLOCKS; i++) data[i] = (float)((uint64_t)i * 2654435761u % 1000003);
    for (int b = 0; b < BLOCKS; b++) {
        state.block[b] = (hq_block){.number = HQ_NUMBER_F32, .count = count, .data = data + b * count};
        hq_copy_text(state.block[b].name, sizeof state.block[b].name, name[b]);
    }
    const hq_status status = measure_state(saves, &state);
    hq_free(data);
    return status;
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static void print_table(const hq_saves *saves, const double median[TIMES])
{
    const double *sorted = saves->time[BLOCKED];
    hq_say("a state of %.6g MB on %d ranks, saved in %s\n", (double)saves->bytes / 1e6, hq_dist_size(saves->dist),
           saves->options->run_dir[0] ? saves->options->run_dir : ".");
    hq_say("blocked for %.3f ms (median of %d, slowest rank; %.3f to %.3f), %.0f MB/s\n\n", 1e3 * median[BLOCKED],
           saves->runs, 1e3 * sorted[0], 1e3 * sorted[saves->runs - 1], (double)saves->bytes / median[BLOCKED] / 1e6);
    hq_say("  part           ms   share   least ms   on rank 0\n");
    for (int i = 0; i < HQ_SAVE_PARTS; i++)
        hq_say("  %-6s  %9.3f  %4.1f %%  %9.3f   %s\n", part_name[i], 1e3 * median[i],
               100 * median[i] / median[BLOCKED], 1e3 * saves->time[i][0], part_what[i]);
    hq_say("\nplain write, sync and rename of as many bytes by one rank, in turn with the saves: %.3f ms, %.0f MB/s; "
           "bandwidth "
           "ratio %.2f\n",
           1e3 * median[PLAIN], (double)saves->bytes / median[PLAIN] / 1e6, median[PLAIN] / median[BLOCKED]);
}

static hq_status print_json(const hq_saves *saves, const double median[TIMES])
{
    json_t *parts = json_object();
    for (int i = 0; i < HQ_SAVE_PARTS; i++) hq_json_put(&parts, part_name[i], json_real(median[i]));
    json_t *root =
        json_pack("{s:i, s:I, s:i, s:f, s:o, s:f, s:f}", "ranks", hq_dist_size(saves->dist), "bytes",
                  (json_int_t)saves->bytes, "runs", saves->runs, "seconds_blocked", median[BLOCKED], "seconds_of_parts",
                  parts, "seconds_plain_write", median[PLAIN], "bandwidth_ratio", median[PLAIN] / median[BLOCKED]);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the results");
    hq_say("%s\n", text);
    free(text);
    return HQ_OK;
}

hq_status hq_cli_bench_checkpoint(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    hq_saves saves = {.dist = dist, .options = options};
    const char *folder = options->run_dir[0] ? options->run_dir : ".";
    double median[TIMES];
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    snprintf(saves.path, sizeof saves.path, "%.*s/bench-checkpoint.h5", PATH_MAX - 32, folder);
    snprintf(saves.plain, sizeof saves.plain, "%.*s/bench-checkpoint.plain", PATH_MAX - 32, folder);
    if (options->bytes > 0)
        HQ_TRY(measure_synthetic(&saves));
    else
        HQ_TRY(measure_network(&saves, &config));
    if (hq_dist_rank(dist) != 0) return HQ_OK;
    for (int i = 0; i < TIMES; i++) median[i] = hq_median(saves.time[i], saves.runs);
    if (options->json) return print_json(&saves, median);
    print_table(&saves, median);
    return HQ_OK;
}
