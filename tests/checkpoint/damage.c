/* Files that are not as they were written: altered, cut, foreign, newer. Each is refused with one message that says
 * what it is, or loads as the very state that was saved; nothing crashes, nothing stays allocated. */
#include "support.h"

#include "checkpoint/private.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char message[8192];

/* Loads quietly; what was logged is in `message`. */
static hq_status try_read(const char *path, hq_state *state)
{
    int before = hq_log_error_count();
    int64_t blocks = hq_memory_balance();
    capture_begin();
    hq_status status = hq_checkpoint_read(dist, path, state);
    hq_copy_text(message, sizeof message, capture_end());
    CHECK_VALUE(hq_log_error_count() - before, status != HQ_OK);
    if (status != HQ_OK) {
        CHECK_VALUE(hq_memory_balance(), blocks);
        CHECK_MSG(strstr(message, path) != NULL, "no path in: %s", message);
    }
    return status;
}

static void check_refused(const char *path, const char *reason)
{
    hq_state state;
    CHECK_VALUE(try_read(path, &state), HQ_ERR_FILE);
    CHECK_MSG(strstr(message, reason) != NULL, "no '%s' in: %s", reason, message);
    hq_checkpoint_free(&state);
}

/* Refused, or the same. Returns whether it was refused. */
static bool check_harmless(const char *path, const hq_state *want, const char *what, size_t position)
{
    hq_state have;
    hq_status status = try_read(path, &have);
    CHECK_MSG(status == HQ_OK || status == HQ_ERR_FILE, "%s %zu: status %d", what, position, (int)status);
    if (status == HQ_OK) CHECK_MSG(same_state(&have, want), "%s %zu: another state", what, position);
    hq_checkpoint_free(&have);
    return status != HQ_OK;
}

static void flip_bit(const char *path, size_t place, int bit)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && pread(fd, &byte, 1, (off_t)place) == 1);
    byte ^= (unsigned char)(1u << bit);
    CHECK(pwrite(fd, &byte, 1, (off_t)place) == 1);
    close(fd);
}

/* Position of the first number of a block in the file. */
static size_t find(const unsigned char *file, size_t bytes, const void *data, size_t n)
{
    for (size_t i = 0; i + n <= bytes; i++)
        if (memcmp(file + i, data, n) == 0) return i;
    CHECK_MSG(false, "the data are not in the file");
    return 0;
}

static void test_altered_bytes(void)
{
    const char *path = file_named("good.h5"), *altered = file_named("altered.h5");
    hq_state state = make_state(40, 1);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    size_t bytes;
    unsigned char *file = read_bytes(path, &bytes);
    const size_t step = getenv("HQCNN_TEST_EVERY_BYTE") ? 1 : 7;
    for (size_t i = 0; i < bytes; i += i < 64 ? 1 : step) {
        unsigned char old = file[i];
        file[i] ^= (unsigned char)(1u << (i / step % 8));
        write_bytes(altered, file, bytes);
        bool noticed = check_harmless(altered, &state, "altered byte", i);
        CHECK_MSG(noticed, "altered byte %zu is not noticed", i);
        file[i] = old;
    }
    hq_free(file);
    drop_state(&state);
}

/* Each byte of numbers, table and texts matters. */
static void check_every_byte(unsigned char *file, size_t bytes, size_t position, size_t n)
{
    const char *altered = file_named("altered.h5");
    for (size_t i = position; i < position + n; i++) {
        file[i] ^= 0x10;
        write_bytes(altered, file, bytes);
        check_refused(altered, "altered");
        file[i] ^= 0x10;
    }
}

static void test_altered_data(void)
{
    const char *path = file_named("good.h5");
    hq_state state = make_state(8, 1);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    size_t bytes;
    unsigned char *file = read_bytes(path, &bytes);
    for (int i = 0; i < state.blocks; i++) {
        size_t n = (size_t)state.block[i].count * (state.block[i].number == HQ_NUMBER_F32 ? 4 : 8);
        if (n > 0) check_every_byte(file, bytes, find(file, bytes, state.block[i].data, n), n);
    }
    check_every_byte(file, bytes, find(file, bytes, state.config, strlen(state.config)), strlen(state.config));
    check_every_byte(file, bytes, find(file, bytes, state.variant, strlen(state.variant)), strlen(state.variant));
    size_t table = find(file, bytes, "conv1.weight\0\0\0\0\0\0", 18);
    check_every_byte(file, bytes, table, 12);                               /* name */
    check_every_byte(file, bytes, table + 48, 10);                          /* block */
    check_every_byte(file, bytes, table + 96, (2 + HQ_DIMENSIONS_MAX) * 8); /* offset, rank, shape */
    hq_free(file);
    drop_state(&state);
}

static void test_truncated(void)
{
    const char *path = file_named("good.h5"), *cut = file_named("cut.h5");
    hq_state state = make_state(40, 1);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    size_t bytes;
    unsigned char *file = read_bytes(path, &bytes);
    for (size_t n = 0; n < bytes; n += n < 100 ? 1 : 31) {
        write_bytes(cut, file, n);
        CHECK_MSG(check_harmless(cut, &state, "cut to", n), "a file cut to %zu bytes loads", n);
    }
    write_bytes(cut, file, bytes - 1);
    check_refused(cut, "truncated");
    write_bytes(cut, file, bytes / 2);
    check_refused(cut, "truncated");
    hq_free(file);
    drop_state(&state);
}

static void test_no_checkpoints(void)
{
    const char *text = file_named("text.h5"), *other = file_named("other.h5");
    check_refused(file_named("missing.h5"), "no such file");
    check_refused(file_named("."), "not a file");
    write_bytes(text, "hello, this is not what you want\n", 33);
    check_refused(text, "not an HDF5 file");
    write_bytes(text, "", 0);
    check_refused(text, "not an HDF5 file");
    hid_t file = H5Fcreate(other, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(file, "blocks", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
    check_refused(other, "no checkpoint");
    check_refused(file_named("text.h5/inside.h5"), "Not a directory");
}

/* ---- files that were changed through HDF5 and sealed again: the seal and HDF5's checksums are right ------------- */

/* A fresh good file, open for changes. */
static hid_t open_copy(const char *path, const hq_state *state)
{
    CHECK_VALUE(hq_checkpoint_write(dist, path, state), HQ_OK);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18); /* as ours */
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

static void close_sealed(hid_t file, const char *path)
{
    size_t bytes;
    hq_problem problem = {0};
    H5Fclose(file);
    unsigned char *data = read_bytes(path, &bytes);
    const int64_t pieces = hq_seal_pieces((int64_t)bytes);
    int64_t *hash, lo, hi;
    CHECK_VALUE(hq_alloc_array((size_t)pieces, sizeof *hash, "hashes", &hash), HQ_OK);
    for (int64_t i = 0; i < pieces; i++) {
        hq_seal_piece((int64_t)bytes, i, &lo, &hi);
        hash[i] = (int64_t)hq_hash(data + lo, (size_t)(hi - lo), 0);
    }
    hq_seal_write(path, (int64_t)bytes, hash, &problem);
    CHECK_VALUE(problem.status, HQ_OK);
    hq_free(hash);
    hq_free(data);
}

static void set_attribute(hid_t file, const char *name, hid_t type, const void *value)
{
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    CHECK_MSG(H5Awrite(attribute, type, value) >= 0, "attribute %s", name);
    H5Aclose(attribute);
}

/* Of a later or of an earlier format. */
static void check_version(const char *other, const char *version)
{
    const char *path = file_named("newer.h5");
    hq_state state = make_state(8, 1);
    size_t bytes;
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    unsigned char *file = read_bytes(path, &bytes);
    memcpy(file, other, strlen(other));
    write_bytes(path, file, bytes);
    check_refused(path, version);
    check_refused(path, "hqcnn-dist 7.8.9");
    hq_free(file);
    drop_state(&state);
}

static void test_versions(void)
{
    check_version("hqcnn-checkpoint\nversion 4\nprogram 7.8.9\nbytes ", "version 4");
    check_version("hqcnn-checkpoint\nversion 1\nprogram 7.8.9\nbytes ", "version 1");
    check_version("hqcnn-checkpoint\nversion 4\nprogram 7.8.9\nbytes ", "reads versions 2 to 3");
}

static void test_attributes(void)
{
    const char *path = file_named("version.h5");
    hq_state state = make_state(8, 1);
    hid_t file = open_copy(path, &state);
    int version = HQ_CHECKPOINT_VERSION + 1;
    set_attribute(file, "version", H5T_NATIVE_INT, &version);
    close_sealed(file, path);
    check_refused(path, "attribute 'version' is 4");
    file = open_copy(path, &state);
    H5Adelete(file, "format");
    close_sealed(file, path);
    check_refused(path, "no checkpoint");
    file = open_copy(path, &state);
    H5Adelete(file, "hash");
    double number = 1;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(file, "hash", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_DOUBLE, &number);
    H5Aclose(attribute);
    H5Sclose(space);
    close_sealed(file, path);
    check_refused(path, "attribute 'hash'");
    drop_state(&state);
}

/* The hashes inside cover names, and the program's version too. */
static void test_altered_through_hdf5(void)
{
    const char *path = file_named("edited.h5");
    hq_state state = make_state(8, 1);
    hid_t file = open_copy(path, &state);
    H5Lmove(file, "config", file, "configuration", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file); /* not sealed */
    check_refused(path, "altered");
    file = open_copy(path, &state);
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, sizeof HQ_VERSION);
    char program[sizeof HQ_VERSION] = "0.0.1";
    set_attribute(file, "program", text, program);
    H5Tclose(text);
    close_sealed(file, path);
    check_refused(path, "altered");
    file = open_copy(path, &state);
    H5Lmove(file, "blocks/moment", file, "blocks/momenta", H5P_DEFAULT, H5P_DEFAULT);
    close_sealed(file, path);
    check_refused(path, "altered");
    file = open_copy(path, &state);
    H5Ldelete(file, "blocks/moment", H5P_DEFAULT);
    close_sealed(file, path);
    check_refused(path, "altered");
    file = open_copy(path, &state);
    H5Ldelete(file, "config", H5P_DEFAULT);
    close_sealed(file, path);
    check_refused(path, "'config' is missing");
    drop_state(&state);
}

/* Adds a data set of one dimension to /blocks. */
static void add_block(hid_t file, const char *name, hid_t type, hsize_t n, hid_t creation)
{
    hid_t space = H5Screate_simple(1, &n, NULL);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    CHECK(dataset >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
}

static void test_foreign_blocks(void)
{
    const char *path = file_named("foreign.h5"), *foreign = "no file by hqcnn-dist";
    hq_state state = make_state(8, 1);
    hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    hid_t ours = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(chunked, 1, (hsize_t[]){4});
    H5Pset_obj_track_times(ours, false);
    hid_t file = open_copy(path, &state);
    add_block(file, "blocks/big", H5T_IEEE_F64LE, (hsize_t)1 << 50, H5P_DEFAULT); /* a petabyte that is not there */
    close_sealed(file, path);
    check_refused(path, foreign);
    file = open_copy(path, &state);
    add_block(file, "blocks/half", H5T_STD_I16LE, 0, ours);
    close_sealed(file, path);
    check_refused(path, "'half'");
    file = open_copy(path, &state);
    add_block(file, "blocks/chunks", H5T_IEEE_F64LE, 8, chunked);
    close_sealed(file, path);
    check_refused(path, foreign);
    file = open_copy(path, &state);
    H5Lcreate_soft("/config", file, "blocks/soft", H5P_DEFAULT, H5P_DEFAULT);
    close_sealed(file, path);
    check_refused(path, foreign);
    file = open_copy(path, &state);
    for (int i = 0; i < HQ_CHECKPOINT_BLOCKS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "blocks/more%d", i);
        add_block(file, name, H5T_IEEE_F64LE, 0, ours);
    }
    close_sealed(file, path);
    check_refused(path, "at most 16");
    file = open_copy(path, &state);
    add_block(file, "extra", H5T_IEEE_F64LE, 5, chunked);
    close_sealed(file, path);
    check_refused(path, foreign);
    file = open_copy(path, &state);
    add_block(file, "extra", H5T_IEEE_F64LE, 0, ours); /* beside the blocks: no harm */
    close_sealed(file, path);
    check_loads(path, &state);
    H5Pclose(ours);
    H5Pclose(chunked);
    drop_state(&state);
}

/* A table that points outside, in a file whose hashes are right: made by a program with a bug. */
static void test_wrong_table(void)
{
    const char *path = file_named("table.h5");
    hq_state state = make_state(8, 1);
    static const hq_tensor_entry wrong[] = {
        {"conv1.bias", "parameters", 7, 1, {2, 0, 0, 0}},
        {"conv1.bias", "parameters", -1, 1, {2, 0, 0, 0}},
        {"conv1.bias", "parameters", 0, 4, {(int64_t)1 << 31, (int64_t)1 << 31, 1 << 20, 2}},
        {"conv1.bias", "parameters", 0, 1, {-1, 0, 0, 0}},
        {"conv1.bias", "parameters", 0, 0, {0, 0, 0, 0}},
        {"conv1.bias", "parameters", 0, HQ_DIMENSIONS_MAX + 1, {1, 1, 1, 1, 1}},
        {"conv1.bias", "nowhere", 0, 1, {1, 0, 0, 0}},
        {"", "parameters", 0, 1, {1, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct {
            char name[48], block[48];
            int64_t offset, rank, shape[HQ_DIMENSIONS_MAX];
        } row[2];
        hid_t file = open_copy(path, &state);
        hid_t table = H5Dopen2(file, "tensors", H5P_DEFAULT), type = H5Dget_type(table);
        H5Dread(table, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, row);
        hq_tensor_entry good = state.tensor[1];
        state.tensor[1] = wrong[i];
        uint64_t hash = hq_checkpoint_hash(&state);
        state.tensor[1] = good;
        memcpy(row[1].name, wrong[i].name, 48);
        memcpy(row[1].block, wrong[i].block, 48);
        memcpy(row[1].shape, wrong[i].shape, sizeof row[1].shape);
        row[1].offset = wrong[i].offset;
        row[1].rank = wrong[i].rank;
        H5Dwrite(table, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, row);
        set_attribute(file, "hash", H5T_NATIVE_UINT64, &hash);
        H5Tclose(type);
        H5Dclose(table);
        close_sealed(file, path);
        check_refused(path, "tensor");
    }
    drop_state(&state);
}

/* ---- a state of the default network's shape ---------------------------------------------------------------------- */

/* Flips one bit at each of many places, in a file of 1.1 MB with a table of many tensors and a long text: every one is
 * refused. The places are fixed: half of them anywhere, half where there are no numbers. */
static void test_flipped_bits(void)
{
    static const char text[] = "    key = 0.001; # and what it means\n";
    const char *path = file_named("flipped.h5");
    const char *asked = getenv("HQCNN_TEST_BIT_FLIPS");
    const int flips = asked ? atoi(asked) : 1000;
    char config[12 * 1024] = "";
    hq_state state = {.config = config, .variant = "openblas 0.3.21, fp32; layers avx512; circuits fused, avx512"};
    for (size_t i = 0; i + sizeof text < sizeof config; i += sizeof text - 1) memcpy(config + i, text, sizeof text);
    make_network_state(&state);
    CHECK_VALUE(hq_checkpoint_write(dist, path, &state), HQ_OK);
    size_t bytes;
    unsigned char *file = read_bytes(path, &bytes);
    const hq_block *last = &state.block[state.blocks - 1];
    const size_t first = find(file, bytes, state.block[0].data, 64); /* numbers lie from here ... */
    const size_t behind = find(file, bytes, last->data, 64) + hq_block_bytes(last);
    const size_t rest = first + bytes - behind; /* ... to behind */
    hq_random stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, 0);
    int refused = 0;
    for (int i = 0; i < flips; i++) {
        const uint64_t draw = hq_random_next(&stream);
        size_t place = (size_t)(draw >> 3) % (i % 2 ? rest : bytes);
        if (i % 2 && place >= first) place += behind - first;
        flip_bit(path, place, (int)(draw & 7));
        refused += check_harmless(path, &state, "flipped bit at", place);
        flip_bit(path, place, (int)(draw & 7));
    }
    check_loads(path, &state);
    printf("%d bits flipped in %zu bytes, half of them in the %zu that are no numbers: %d refused, %d harmless\n",
           flips, bytes, rest, refused, flips - refused);
    CHECK_VALUE(refused, flips);
    hq_free(file);
    drop_state(&state);
}

int main(int argc, char **argv)
{
    start(argc, argv);
    HQ_RUN(test_altered_bytes);
    HQ_RUN(test_altered_data);
    HQ_RUN(test_truncated);
    HQ_RUN(test_no_checkpoints);
    HQ_RUN(test_versions);
    HQ_RUN(test_attributes);
    HQ_RUN(test_altered_through_hdf5);
    HQ_RUN(test_foreign_blocks);
    HQ_RUN(test_wrong_table);
    HQ_RUN(test_flipped_bits);
    return finish();
}
