/* What is saved comes back with the same bits, whatever the number of ranks and the sizes. */
#include "support.h"

#include "dist/mpi_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void test_sizes(void)
{
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 1000, 100003};
    const char *path = file_named("sizes.h5");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hq_state state = make_state(sizes[i], i);
        CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
        check_loads(path, &state);
        CHECK_VALUE(leftovers(path), 0);
        drop_state(&state);
    }
}

static void test_million(void)
{
    const char *path = file_named("million.h5");
    hq_state state = make_state(1000000, 5);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    check_loads(path, &state);
    drop_state(&state);
}

static void test_no_blocks_no_texts(void)
{
    const char *path = file_named("nothing.h5");
    hq_state nothing = {0}, have;
    CHECK_VALUE(hq_checkpoint_write(dist, path, &nothing), HQ_OK);
    CHECK_VALUE(hq_checkpoint_read(dist, path, &have), HQ_OK);
    CHECK_VALUE(have.blocks, 0);
    CHECK_VALUE(have.tensors, 0);
    CHECK_TEXT(have.config, "");
    CHECK_TEXT(have.variant, "");
    hq_checkpoint_free(&have);
}

/* As many blocks as allowed, with the longest names, and a table of 300 tensors. */
static void test_limits(void)
{
    const char *path = file_named("limits.h5");
    double numbers[300];
    hq_state state = {.blocks = HQ_CHECKPOINT_BLOCKS_MAX, .tensors = 300, .config = "", .variant = ""};
    for (int i = 0; i < 300; i++) numbers[i] = 1.0 / (1 + i);
    for (int i = 0; i < state.blocks; i++) {
        state.block[i] = (hq_block){.number = HQ_NUMBER_F64, .count = 300 - i, .data = numbers};
        memset(state.block[i].name, 'z' - i, HQ_CHECKPOINT_NAME_MAX - 1);
    }
    CHECK_VALUE(hq_alloc_array(300, sizeof *state.tensor, "tensors", &state.tensor), HQ_OK);
    for (int i = 0; i < 300; i++) {
        hq_tensor_entry *entry = &state.tensor[i];
        *entry = (hq_tensor_entry){.offset = i, .rank = 5, .shape = {1, 1, 1, 1, 1}};
        snprintf(entry->name, sizeof entry->name, "layer%d.weight", i);
        memcpy(entry->block, state.block[0].name, sizeof entry->block);
    }
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    check_loads(path, &state);
    hq_free(state.tensor);
}

/* Not-a-number, infinities, negative zero and subnormals are bits like others. */
static void test_special_numbers(void)
{
    const char *path = file_named("special.h5");
    double numbers[6] = {NAN, INFINITY, -INFINITY, -0.0, 5e-324, 0};
    uint64_t signalling = 0x7ff0000000000001u;
    memcpy(&numbers[5], &signalling, sizeof signalling);
    hq_state state = {.blocks = 1, .config = "", .variant = ""};
    state.block[0] = (hq_block){.name = "odd", .number = HQ_NUMBER_F64, .count = 6, .data = numbers};
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    check_loads(path, &state);
}

static void check_same_bytes(const char *path_a, const char *path_b)
{
    size_t bytes_a, bytes_b;
    unsigned char *a = read_bytes(path_a, &bytes_a), *b = read_bytes(path_b, &bytes_b);
    CHECK_VALUE(bytes_a, bytes_b);
    CHECK(bytes_a == bytes_b && memcmp(a, b, bytes_a) == 0);
    hq_free(a);
    hq_free(b);
}

/* The first n ranks write and read by themselves; all others wait. The files of all n have the same bytes, and what n
 * ranks wrote is read by one and by all. */
static void test_rank_counts(void)
{
    hq_state state = make_state(777, 3);
    hq_dist alone = {.all = MPI_COMM_SELF, .node = MPI_COMM_SELF, .size = 1, .node_size = 1, .nodes = 1};
    int rank = hq_dist_rank(dist), size = hq_dist_size(dist);
    for (int n = 1; n <= size; n++) {
        char name[32];
        hq_dist part = *dist;
        MPI_Comm_split(dist->all, rank < n, rank, &part.all);
        part.size = part.nodes = n;
        part.node_index = rank; /* each a node of its own: all of them write */
        part.node_rank = 0;
        snprintf(name, sizeof name, "written_by_%d.h5", n);
        if (rank < n) CHECK_VALUE(hq_checkpoint_write(&part, file_named(name), &state), HQ_OK);
        MPI_Comm_free(&part.all);
        hq_dist_barrier(dist);
        check_loads(file_named(name), &state);
        if (rank == 0) check_same_bytes(file_named(name), file_named("written_by_1.h5"));
        hq_state have;
        CHECK_VALUE(hq_checkpoint_read(&alone, file_named(name), &have), HQ_OK);
        CHECK(same_state(&have, &state));
        hq_checkpoint_free(&have);
    }
    drop_state(&state);
}

static void test_hash(void)
{
    hq_state state = make_state(10, 1);
    uint64_t hash = hq_checkpoint_hash(&state);
    state.config = "other";
    state.variant = NULL;
    CHECK(hq_checkpoint_hash(&state) == hash);
    memset(state.block[0].name + 12, 'x', 8); /* behind the end of the name */
    memset(state.tensor[1].name + 20, 'x', 8);
    state.tensor[1].shape[2] = 9; /* behind the rank */
    CHECK(hq_checkpoint_hash(&state) == hash);
    ((float *)state.block[0].data)[9] *= -1;
    CHECK(hq_checkpoint_hash(&state) != hash);
    ((float *)state.block[0].data)[9] *= -1;
    CHECK(hq_checkpoint_hash(&state) == hash);
    state.tensor[0].offset = 1;
    CHECK(hq_checkpoint_hash(&state) != hash);
    state.tensor[0].offset = 0;
    state.block[0].name[0] = 'q';
    CHECK(hq_checkpoint_hash(&state) != hash);
    CHECK(hq_state_block(&state, "moment") == &state.block[1]);
    CHECK(hq_state_block(&state, "nothing") == NULL);
    drop_state(&state);
}

/* A second write of the same name replaces the first. */
static void test_replace(void)
{
    const char *path = file_named("replace.h5");
    hq_state a = make_state(100, 1), b = make_state(50, 2);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &a), HQ_OK);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &b), HQ_OK);
    check_loads(path, &b);
    drop_state(&a);
    drop_state(&b);
}

/* A name without a folder means the current one. */
static void test_plain_name(void)
{
    char before[4096];
    CHECK(getcwd(before, sizeof before) != NULL);
    CHECK(chdir(file_named("")) == 0);
    hq_state state = make_state(9, 1);
    CHECK_VALUE(hq_checkpoint_write(dist, "plain.h5", &state), HQ_OK);
    CHECK_VALUE(hq_checkpoint_link(dist, "plain.h5", "plain2.h5"), HQ_OK);
    check_loads("plain2.h5", &state);
    CHECK(chdir(before) == 0);
    drop_state(&state);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    HQ_RUN(test_sizes);
    HQ_RUN(test_million);
    HQ_RUN(test_no_blocks_no_texts);
    HQ_RUN(test_limits);
    HQ_RUN(test_special_numbers);
    HQ_RUN(test_rank_counts);
    HQ_RUN(test_hash);
    HQ_RUN(test_replace);
    HQ_RUN(test_plain_name);
    return finish();
}
