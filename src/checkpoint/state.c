/* state.c: a state in memory: hash, checks, release. */
#include "checkpoint/private.h"

#include <string.h>

size_t hq_number_size(hq_number number) { return number == HQ_NUMBER_F32 ? 4 : 8; }

size_t hq_block_bytes(const hq_block *block) { return (size_t)block->count * hq_number_size(block->number); }

int64_t hq_state_bytes(const hq_state *state)
{
    int64_t bytes = 0;
    for (int i = 0; i < state->blocks; i++) bytes += (int64_t)hq_block_bytes(&state->block[i]);
    return bytes;
}

static size_t text_bytes(const char *text) { return text ? strlen(text) : 0; }

/* Into a zeroed array: what stands behind the end of the name does not count. */
static void put_name(char out[HQ_CHECKPOINT_NAME_MAX], const char name[HQ_CHECKPOINT_NAME_MAX])
{
    memcpy(out, name, strnlen(name, HQ_CHECKPOINT_NAME_MAX - 1));
}

hq_record hq_record_of(const hq_tensor_entry *entry)
{
    hq_record record = {.offset = entry->offset, .rank = entry->rank};
    put_name(record.name, entry->name);
    put_name(record.block, entry->block);
    for (int d = 0; d < entry->rank && d < HQ_DIMENSIONS_MAX; d++) record.shape[d] = entry->shape[d];
    return record;
}

hq_tensor_entry hq_record_entry(const hq_record *record)
{
    hq_tensor_entry entry = {.offset = record->offset, .rank = (int32_t)record->rank};
    if (record->rank != entry.rank) entry.rank = 0; /* no valid rank: hq_state_check refuses it */
    put_name(entry.name, record->name);
    put_name(entry.block, record->block);
    memcpy(entry.shape, record->shape, sizeof entry.shape);
    return entry;
}

static uint64_t hash_block(const hq_block *block, uint64_t seed)
{
    struct {
        char name[HQ_CHECKPOINT_NAME_MAX];
        int64_t number, count;
    } head = {.number = block->number, .count = block->count};
    put_name(head.name, block->name);
    return hq_hash(block->data, hq_block_bytes(block), hq_hash(&head, sizeof head, seed));
}

uint64_t hq_checkpoint_hash(const hq_state *state)
{
    const int64_t counts[2] = {state->blocks, state->tensors};
    uint64_t hash = hq_hash(counts, sizeof counts, 0);
    for (int i = 0; i < state->blocks; i++) hash = hash_block(&state->block[i], hash);
    for (int i = 0; i < state->tensors; i++) {
        hq_record record = hq_record_of(&state->tensor[i]);
        hash = hq_hash(&record, sizeof record, hash);
    }
    return hash;
}

/* With the ending zero, so that text cannot move from one to the next. */
static uint64_t hash_text(const char *text, uint64_t seed)
{
    return hq_hash(text ? text : "", text_bytes(text) + 1, seed);
}

hq_fingerprint hq_state_fingerprint(const hq_state *state, const char *program)
{
    uint64_t texts = hash_text(program, hash_text(state->variant, hash_text(state->config, 0)));
    return (hq_fingerprint){.state = hq_checkpoint_hash(state), .texts = texts};
}

/* A name is also a link name in the file. */
static bool is_name(const char name[HQ_CHECKPOINT_NAME_MAX])
{
    size_t n = strnlen(name, HQ_CHECKPOINT_NAME_MAX);
    return n > 0 && n < HQ_CHECKPOINT_NAME_MAX && !memchr(name, '/', n) && strcmp(name, ".") != 0;
}

static void check_block(const hq_state *state, int i, hq_status status, hq_problem *problem)
{
    const hq_block *block = &state->block[i];
    if (!is_name(block->name)) {
        hq_problem_set(problem, status, "the name of block %d is empty, too long, '.' or has a '/'", i);
        return;
    }
    if (hq_state_block(state, block->name) != block)
        hq_problem_set(problem, status, "there are two blocks '%s'", block->name);
    if (block->number < HQ_NUMBER_F32 || block->number > HQ_NUMBER_I64)
        hq_problem_set(problem, status, "block '%s' has the unknown kind of number %d", block->name,
                       (int)block->number);
    if (block->count < 0 || block->count > INT64_MAX / 8 || (block->count > 0 && !block->data))
        hq_problem_set(problem, status, "block '%s' has no data for its %lld numbers", block->name,
                       (long long)block->count);
}

/* Number of elements of a tensor, or -1 when the shape is not valid. */
static int64_t element_count(const hq_tensor_entry *entry)
{
    int64_t count = 1;
    if (entry->rank < 1 || entry->rank > HQ_DIMENSIONS_MAX) return -1;
    for (int d = 0; d < entry->rank; d++)
        if (entry->shape[d] < 0 || __builtin_mul_overflow(count, entry->shape[d], &count)) return -1;
    return count;
}

static void check_tensor(const hq_state *state, int i, hq_status status, hq_problem *problem)
{
    const hq_tensor_entry *entry = &state->tensor[i];
    size_t n = strnlen(entry->name, HQ_CHECKPOINT_NAME_MAX);
    if (n == 0 || n == HQ_CHECKPOINT_NAME_MAX ||
        strnlen(entry->block, HQ_CHECKPOINT_NAME_MAX) == HQ_CHECKPOINT_NAME_MAX) {
        hq_problem_set(problem, status, "the names of tensor %d are empty or too long", i);
        return;
    }
    const hq_block *block = hq_state_block(state, entry->block);
    if (!block) {
        hq_problem_set(problem, status, "tensor '%s' names the block '%s', which is not there", entry->name,
                       entry->block);
        return;
    }
    int64_t count = element_count(entry);
    if (count < 0 || entry->offset < 0 || entry->offset > block->count || count > block->count - entry->offset)
        hq_problem_set(problem, status, "tensor '%s' lies outside of block '%s' of %lld numbers", entry->name,
                       block->name, (long long)block->count);
}

void hq_state_check(const hq_state *state, hq_status status, hq_problem *problem)
{
    if (state->blocks < 0 || state->blocks > HQ_CHECKPOINT_BLOCKS_MAX || state->tensors < 0 ||
        (state->tensors > 0 && !state->tensor)) {
        hq_problem_set(problem, status, "the state has %d blocks (at most %d) and %d tensors", state->blocks,
                       HQ_CHECKPOINT_BLOCKS_MAX, state->tensors);
        return;
    }
    for (int i = 0; i < state->blocks; i++) check_block(state, i, status, problem);
    for (int i = 0; i < state->tensors; i++) check_tensor(state, i, status, problem);
}

hq_block *hq_state_block(const hq_state *state, const char *name)
{
    for (int i = 0; i < state->blocks; i++)
        if (strncmp(state->block[i].name, name, HQ_CHECKPOINT_NAME_MAX) == 0) return (hq_block *)&state->block[i];
    return NULL;
}

void hq_checkpoint_free(hq_state *state)
{
    if (state->owned) {
        for (int i = 0; i < state->blocks; i++) hq_free(state->block[i].data);
        hq_free(state->tensor);
        hq_free((void *)state->config);
        hq_free((void *)state->variant);
    }
    *state = (hq_state){0};
}
