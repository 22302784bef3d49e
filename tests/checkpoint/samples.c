/* Files that earlier versions of the program wrote still load, with the bits they were saved with. */
#include "support.h"

#include "checkpoint/private.h"

#include <stdio.h>
#include <string.h>

typedef struct hq_sample {
    const char *name;
    int version;
    uint64_t hash; /* as the program that wrote it printed (inspect --hash) */
    float bias;    /* first number of output.bias, as h5py reads it */
} hq_sample;

/* A new version of the format adds a line, and never changes one. */
static const hq_sample samples[] = {
    {"v2.h5", 2, 0x0fcf3aaee281684a, -0.0996417478f},
    {"v3.h5", 3, 0xb74c52fc352f459d, 0.42348066f},
};

static void check_numbers(const hq_state *state, const hq_sample *sample)
{
    static const char *const block[] = {"parameters", "statistics", "moment1", "moment2",
                                        "progress",   "epoch_loss", "history"};
    static const int64_t count[] = {46, 4, 46, 46, 8, 1, 8};
    CHECK_VALUE(state->blocks, 7);
    for (int i = 0; i < state->blocks && i < 7; i++) {
        CHECK_TEXT(state->block[i].name, block[i]);
        CHECK_VALUE(state->block[i].count, count[i]);
    }
    CHECK_VALUE(state->tensors, 11);
    CHECK_TEXT(state->tensor[8].name, "output.bias");
    CHECK_MSG(((float *)state->block[0].data)[44] == sample->bias, "output.bias is %.9g",
              ((float *)state->block[0].data)[44]);
    CHECK_VALUE(((int64_t *)state->block[4].data)[0], 1); /* epochs completed */
    CHECK(strstr(state->config, "qubits = 2;") != NULL);
}

static void check_sample(const hq_sample *sample)
{
    char path[4096];
    hq_state state;
    hq_problem problem = {0};
    snprintf(path, sizeof path, "%s/%s", HQ_SAMPLES, sample->name);
    CHECK_VALUE(hq_seal_check(path, &problem), sample->version);
    CHECK_VALUE(hq_checkpoint_read(dist, path, &state), HQ_OK);
    CHECK_MSG(hq_checkpoint_hash(&state) == sample->hash, "%s has another hash", path);
    if (state.blocks > 0) check_numbers(&state, sample);
    /* Written again, it is of the newest version, and the same state. */
    CHECK_VALUE(hq_checkpoint_write(dist, file_named("again.h5"), &state), HQ_OK);
    CHECK_VALUE(hq_seal_check(file_named("again.h5"), &problem), HQ_CHECKPOINT_VERSION);
    check_loads(file_named("again.h5"), &state);
    hq_checkpoint_free(&state);
}

/* Every bit of an old file matters too. */
static void check_flips(const hq_sample *sample)
{
    char path[4096];
    size_t bytes;
    snprintf(path, sizeof path, "%s/%s", HQ_SAMPLES, sample->name);
    unsigned char *file = read_bytes(path, &bytes);
    for (size_t i = 0; i < bytes; i += 97) {
        hq_problem problem = {0};
        file[i] ^= (unsigned char)(1u << (i % 8));
        write_bytes(file_named("flipped.h5"), file, bytes);
        hq_seal_check(file_named("flipped.h5"), &problem);
        CHECK_MSG(problem.status == HQ_ERR_FILE, "%s: flipped byte %zu is not noticed", path, i);
        file[i] ^= (unsigned char)(1u << (i % 8));
    }
    hq_free(file);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        check_sample(&samples[i]);
        check_flips(&samples[i]);
    }
    return finish();
}
