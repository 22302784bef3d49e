#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

hq_dist *dist;
static char folder[256];
static int64_t of_dist; /* blocks of memory */

void check_value(long long have, long long want, const char *text, const char *file, int line)
{
    hq_check_record(have == want, file, line, "%s is %lld, expected %lld", text, have, want);
}

void start(int argc, char **argv)
{
    CHECK_VALUE(hq_dist_start(&argc, &argv, &dist), HQ_OK);
    of_dist = hq_memory_balance();
    if (hq_dist_rank(dist) == 0) hq_copy_text(folder, sizeof folder, hq_check_scratch());
    hq_dist_bcast(dist, folder, sizeof folder);
}

int finish(void)
{
    hq_check_begin("finish");
    CHECK_VALUE(hq_memory_balance(), of_dist);
    int64_t failures = total(hq_check_failures());
    hq_dist_stop(dist);
    CHECK_VALUE(hq_memory_balance(), 0);
    return hq_check_result() || failures > 0;
}

int64_t total(int64_t mine)
{
    hq_dist_sum(dist, &mine, 1);
    return mine;
}

const char *file_named(const char *name)
{
    enum { NAMES_MAX = 64 };
    static char path[NAMES_MAX][512];
    char wanted[512];
    snprintf(wanted, sizeof wanted, "%s/%s", folder, name);
    int i = 0;
    while (i < NAMES_MAX - 1 && path[i][0] && strcmp(path[i], wanted) != 0) i++;
    hq_copy_text(path[i], sizeof path[i], wanted);
    return path[i];
}

static void add_block(hq_state *state, const char *name, hq_number number, int64_t count, uint64_t seed)
{
    hq_block *block = &state->block[state->blocks++];
    size_t size = number == HQ_NUMBER_F32 ? 4 : 8;
    hq_copy_text(block->name, sizeof block->name, name);
    block->number = number;
    block->count = count;
    hq_alloc_array((size_t)count, size, name, &block->data);
    hq_random stream = hq_random_make(seed, HQ_PURPOSE_TEST, (uint32_t)number, 0);
    for (int64_t i = 0; i < count; i++) {
        float x = (float)hq_random_normal(&stream);
        if (number == HQ_NUMBER_F32) ((float *)block->data)[i] = x;
        if (number == HQ_NUMBER_F64) ((double *)block->data)[i] = x / 3;
        if (number == HQ_NUMBER_I64) ((int64_t *)block->data)[i] = (int64_t)hq_random_next(&stream);
    }
}

hq_state make_state(int64_t n, uint64_t seed)
{
    hq_state state = {0};
    add_block(&state, "parameters", HQ_NUMBER_F32, n, seed); /* not in the order of the alphabet */
    add_block(&state, "moment", HQ_NUMBER_F64, n, seed);
    add_block(&state, "empty", HQ_NUMBER_F32, 0, seed);
    add_block(&state, "counters", HQ_NUMBER_I64, n, seed);
    state.tensors = n >= 6 ? 2 : 0;
    hq_alloc_array(2, sizeof *state.tensor, "tensors", &state.tensor);
    state.tensor[0] = (hq_tensor_entry){"conv1.weight", "parameters", 0, 2, {2, 2, 0, 0}};
    state.tensor[1] = (hq_tensor_entry){"conv1.bias", "parameters", 4, 1, {2, 0, 0, 0}};
    state.config = "train = {\n    batch = 128;\n};\n";
    state.variant = "plain, fp32";
    return state;
}

void make_network_state(hq_state *state)
{
    enum { PARAMETERS = 91586, TENSORS = 60, EACH = PARAMETERS / TENSORS };
    add_block(state, "parameters", HQ_NUMBER_F32, PARAMETERS, 1);
    add_block(state, "statistics", HQ_NUMBER_F32, 448, 2);
    add_block(state, "moment1", HQ_NUMBER_F32, PARAMETERS, 3);
    add_block(state, "moment2", HQ_NUMBER_F32, PARAMETERS, 4);
    add_block(state, "progress", HQ_NUMBER_I64, 8, 5);
    add_block(state, "history", HQ_NUMBER_F64, 80, 6);
    hq_alloc_array(TENSORS, sizeof *state->tensor, "tensors", &state->tensor);
    for (state->tensors = 0; state->tensors < TENSORS; state->tensors++) {
        hq_tensor_entry *entry = &state->tensor[state->tensors];
        *entry = (hq_tensor_entry){.block = "parameters", .offset = state->tensors * EACH, .rank = 1, .shape = {EACH}};
        snprintf(entry->name, sizeof entry->name, "layer%d.weight", state->tensors);
    }
}

void drop_state(hq_state *state)
{
    for (int i = 0; i < state->blocks; i++) hq_free(state->block[i].data);
    hq_free(state->tensor);
}

static bool same_block(const hq_block *a, const hq_block *b)
{
    size_t bytes = (size_t)a->count * (a->number == HQ_NUMBER_F32 ? 4 : 8);
    return strcmp(a->name, b->name) == 0 && a->number == b->number && a->count == b->count &&
           memcmp(a->data, b->data, bytes) == 0;
}

static bool same_tensor(const hq_tensor_entry *a, const hq_tensor_entry *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->block, b->block) == 0 && a->offset == b->offset &&
           a->rank == b->rank && memcmp(a->shape, b->shape, sizeof a->shape) == 0;
}

bool same_state(const hq_state *a, const hq_state *b)
{
    bool same = a->blocks == b->blocks && a->tensors == b->tensors;
    for (int i = 0; same && i < a->blocks; i++) same = same_block(&a->block[i], &b->block[i]);
    for (int i = 0; same && i < a->tensors; i++) same = same_tensor(&a->tensor[i], &b->tensor[i]);
    return same && strcmp(a->config, b->config) == 0 && strcmp(a->variant, b->variant) == 0;
}

void check_loads(const char *path, const hq_state *want)
{
    hq_state have;
    hq_status status = hq_checkpoint_read(dist, path, &have);
    CHECK_VALUE(status, HQ_OK);
    if (status == HQ_OK) {
        CHECK_MSG(same_state(&have, want), "%s is another state", path);
        CHECK(hq_checkpoint_hash(&have) == hq_checkpoint_hash(want));
    }
    hq_checkpoint_free(&have);
}

bool exists(const char *path) { return access(path, F_OK) == 0; }

int leftovers(const char *path)
{
    char parent[PATH_MAX];
    if (hq_dist_rank(dist) != 0) return 0;
    hq_copy_text(parent, sizeof parent, path);
    char *name = strrchr(parent, '/');
    *name++ = '\0';
    DIR *dir = opendir(parent);
    int n = 0;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
        n += strncmp(entry->d_name, name, strlen(name)) == 0 && strcmp(entry->d_name, name) != 0;
    if (dir) closedir(dir);
    return n;
}

static int saved_stderr = -1, captured = -1;

void capture_begin(void)
{
    char name[64];
    snprintf(name, sizeof name, "stderr.%d", hq_dist_rank(dist));
    saved_stderr = dup(STDERR_FILENO);
    captured = open(file_named(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(captured, STDERR_FILENO);
}

const char *capture_end(void)
{
    static char text[8192];
    ssize_t n = pread(captured, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(captured);
    return text;
}

unsigned char *read_bytes(const char *path, size_t *bytes)
{
    struct stat info = {0};
    unsigned char *data = NULL;
    FILE *file = fopen(path, "rb");
    CHECK_MSG(file && fstat(fileno(file), &info) == 0, "cannot open %s", path);
    *bytes = (size_t)info.st_size;
    CHECK(hq_alloc(*bytes, path, &data) == HQ_OK);
    if (file) {
        CHECK(fread(data, 1, *bytes, file) == *bytes);
        fclose(file);
    }
    return data;
}

void write_bytes(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    CHECK_MSG(file && fwrite(data, 1, bytes, file) == bytes, "cannot write %s", path);
    if (file) fclose(file);
}
