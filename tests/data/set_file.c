/* Data sets as HDF5 files: made of any source, loaded and streamed with the same images, refused when they are not as
 * they were made. */
#include "npz_make.h"

#include "data/h5.h"
#include "data/layout.h"
#include "data/set_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRAIN = 203, VAL = 31, TEST = 17, CHUNK = 10, BATCH = 24, MICRO = 3, PIXELS = 144 };

static hq_config phantom(void)
{
    hq_config config = config_for("phantom");
    config.phantom_size = 12;
    config.phantom_train = TRAIN;
    config.phantom_val = VAL;
    config.phantom_test = TEST;
    config.data_chunk = CHUNK;
    return config;
}

static const char *scratch(const char *name)
{
    static char path[2][600];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", hq_check_scratch(), name);
    return path[turn];
}

/* Makes a file of a source, with `parts` writers; the configuration then names it. */
static void import(hq_config *config, const char *name, int parts)
{
    hq_data_source *source;
    hq_data_info info;
    char temporary[600];
    const char *path = scratch(name);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    CHECK(hq_data_open(config, &source, &info) == HQ_OK);
    CHECK(hq_data_file_create(config, &info, temporary) == HQ_OK);
    for (int part = 0; part < parts; part++) CHECK(hq_data_file_write(source, temporary, part, parts) == HQ_OK);
    for (int part = 0; part < parts + 1; part++) CHECK(hq_data_file_hash(temporary, part, parts + 1) == HQ_OK);
    CHECK(hq_data_file_finish(temporary, path, &info) == HQ_OK);
    hq_data_close(source);
    CHECK(access(temporary, F_OK) != 0);
    hq_copy_text(config->data_source, sizeof config->data_source, path);
}

/* Sample i of the source is row `row_of(i)` of the file. */
static void compare_sets(const hq_dataset *have, const hq_dataset *want)
{
    const size_t image = (size_t)hq_data_image_bytes(&want->info);
    CHECK_INT(have->info.task, want->info.task);
    CHECK_INT(have->info.classes, want->info.classes);
    CHECK_INT(have->info.labels, want->info.labels);
    CHECK_TEXT(have->info.name, want->info.name);
    CHECK_INT((int)hq_data_image_bytes(&have->info), (int)image);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const int64_t n = want->info.count[s];
        int64_t wrong = 0;
        CHECK_INT(have->info.count[s], n);
        for (int64_t i = 0; i < n; i++) {
            const int64_t row = s == HQ_SPLIT_TRAIN ? hq_data_shuffle(HQ_DATA_FILE_SEED, 0, n, i) : i;
            wrong += memcmp(have->image[s] + (size_t)row * image, want->image[s] + (size_t)i * image, image) != 0;
            wrong += have->label[s][row] != want->label[s][i];
        }
        CHECK_INT(wrong, 0);
    }
}

static void test_round_trip(void)
{
    hq_config config = phantom(), file = config;
    hq_dataset want, have, again;
    void *a = load_set(&config, &want);
    import(&file, "phantom.h5", 3);
    void *b = load_set(&file, &have);
    compare_sets(&have, &want);
    CHECK(have.info.hash != 0);
    hq_config other = config;
    import(&other, "again.h5", 1); /* as many parts as one likes */
    void *c = load_set(&other, &again);
    CHECK(again.info.hash == have.info.hash);
    hq_free(a);
    hq_free(b);
    hq_free(c);
}

static void test_of_npz(void)
{
    set_spec spec = make_set();
    hq_config config = config_for(write_set(&spec, "small.npz")), file = config;
    hq_dataset want, have;
    void *a = load_set(&config, &want);
    file.data_chunk = 4;
    import(&file, "small.h5", 2);
    void *b = load_set(&file, &have);
    compare_sets(&have, &want);
    CHECK_INT(have.info.chunk[HQ_SPLIT_TRAIN], 4);
    CHECK_INT(have.info.chunk[HQ_SPLIT_TEST], 2);
    hq_free(a);
    hq_free(b);
}

/* ---- streaming ------------------------------------------------------------------------------------------------- */

/* Bytes that this process has read so far; -1 when the system does not tell. */
static long long bytes_read(void)
{
    long long bytes = -1;
    FILE *file = fopen("/proc/self/io", "r");
    if (file && fscanf(file, "rchar: %lld", &bytes) != 1) bytes = -1;
    if (file) fclose(file);
    return bytes;
}

/* The pieces of micro-batch m of an epoch through a reader, against the set in memory. Returns wrong samples. */
static int64_t follow_lane(hq_reader *reader, const hq_dataset *stream, const hq_dataset *memory, const hq_order *order,
                           int m, int slot, int64_t from)
{
    static hq_real x[BATCH * PIXELS], want[BATCH * PIXELS];
    int64_t samples[BATCH], wrong = 0;
    const hq_augment augment = {HQ_FLIP_BOTH, 1, 5, 3, order->epoch};
    for (int64_t first = from; first < TRAIN; first += BATCH) {
        const int64_t count = TRAIN - first < BATCH ? TRAIN - first : BATCH, start = m * count / MICRO;
        const hq_piece piece = {first, count, start, (int)((m + 1) * count / MICRO - start)};
        CHECK(hq_reader_load(reader, order, &piece, slot, &augment, samples, x) == HQ_OK);
        for (int i = 0; i < piece.n; i++)
            wrong += samples[i] != hq_data_sample(&stream->info, 2 * CHUNK, order, &piece, i);
        hq_data_load(memory, order->split, samples, piece.n, &augment, want);
        wrong += memcmp(x, want, (size_t)piece.n * PIXELS * sizeof *x) != 0;
    }
    return wrong;
}

static void test_stream(void)
{
    hq_config config = phantom();
    hq_dataset memory, stream;
    hq_reader *reader, *late;
    import(&config, "stream.h5", 1);
    void *a = load_set(&config, &memory);
    config.data_stream = HQ_STREAM_ON;
    void *b = load_set(&config, &stream);
    CHECK(hq_data_connect(config.data_source, &stream) == HQ_OK);
    CHECK(stream.info.stream && !stream.image[0] && stream.info.bytes < memory.info.bytes / 5);
    CHECK(stream.info.hash == memory.info.hash);
    CHECK(hq_reader_create(&stream, 2 * CHUNK, MICRO, &reader) == HQ_OK);
    CHECK(hq_reader_create(&stream, 2 * CHUNK, 1, &late) == HQ_OK);
    const int64_t memory_count = hq_memory_count();
    for (int off = 0; off < 2; off++)
        for (uint32_t epoch = 0; epoch < 3; epoch++) {
            const hq_order order = {HQ_SPLIT_TRAIN, !off, 7, epoch, BATCH};
            const long long before = bytes_read();
            for (int m = 0; m < MICRO; m++) CHECK_INT(follow_lane(reader, &stream, &memory, &order, m, m, 0), 0);
            const long long read = bytes_read() - before;
            /* Each image once, but for the chunks that two lanes share, and /proc/self/io itself. */
            CHECK_MSG(before < 0 || off || read <= (TRAIN + 2 * (MICRO + 2) * CHUNK) * PIXELS + 4096,
                      "%lld bytes read for an epoch of %d", read, TRAIN * PIXELS);
            /* A reader that begins in mid-epoch, in another slot. */
            CHECK_INT(follow_lane(late, &stream, &memory, &order, 1, 0, 5 * BATCH), 0);
        }
    CHECK_INT(hq_memory_count(), memory_count);
    hq_reader_destroy(reader);
    hq_data_disconnect(&stream);
    hq_reader_destroy(late);
    hq_free(a);
    hq_free(b);
}

/* Runs of a split as an evaluation reads them, over its end. */
static void test_evaluation(void)
{
    hq_config config = phantom();
    hq_dataset memory, stream;
    hq_reader *reader;
    static hq_real x[7 * PIXELS], want[7 * PIXELS];
    int64_t samples[7], wrong = 0;
    import(&config, "eval.h5", 1);
    void *a = load_set(&config, &memory);
    config.data_stream = HQ_STREAM_ON;
    void *b = load_set(&config, &stream);
    CHECK(hq_data_connect(config.data_source, &stream) == HQ_OK);
    CHECK(hq_reader_create(&stream, 0, 1, &reader) == HQ_OK);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++)
        for (int64_t first = 0; first < memory.info.count[s]; first += 7) {
            const int64_t left = memory.info.count[s] - first, n = left < 7 ? left : 7;
            const hq_order order = {.split = s, .batch = n};
            const hq_piece piece = {first, n, 0, (int)n};
            CHECK(hq_reader_load(reader, &order, &piece, 0, NULL, samples, x) == HQ_OK);
            for (int i = 0; i < n; i++) wrong += samples[i] != first + i;
            hq_data_load(&memory, s, samples, (int)n, NULL, want);
            wrong += memcmp(x, want, (size_t)n * PIXELS * sizeof *x) != 0;
        }
    CHECK_INT(wrong, 0);
    hq_reader_destroy(reader);
    hq_data_disconnect(&stream);
    hq_free(a);
    hq_free(b);
}

/* data.stream and data.memory. */
static void test_choice(void)
{
    hq_config config = phantom();
    hq_data_source *source;
    hq_data_info info;
    config.data_stream = HQ_STREAM_ON;
    expect_refusal("no file to stream", &config, HQ_ERR_CONFIG, "data.stream|phantom|data import");
    config.data_stream = HQ_STREAM_AUTO;
    import(&config, "choice.h5", 1);
    for (int memory = 0; memory < 2; memory++) {
        config.data_memory = memory;
        CHECK(hq_data_open(&config, &source, &info) == HQ_OK);
        CHECK_INT(info.stream, memory == 0);
        hq_data_close(source);
    }
    config.data_classes = (hq_list){2, {0, 1}};
    expect_refusal("classes of a file", &config, HQ_ERR_CONFIG, "choice.h5|data.classes|data import");
    config.data_classes.n = 0;
    config.data_class_count = 5;
    expect_refusal("count of a file", &config, HQ_ERR_CONFIG, "choice.h5|data.class_count|2 classes");
    config.data_class_count = 0;
    config.data_task = HQ_TASK_MULTI_LABEL;
    expect_refusal("task of a file", &config, HQ_ERR_CONFIG, "choice.h5|data.task");
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static unsigned char *read_file(const char *path, size_t *size)
{
    unsigned char *bytes = malloc(1 << 20);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    *size = file ? fread(bytes, 1, 1 << 20, file) : 0;
    if (file) fclose(file);
    return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, size, file) == size);
    if (file) fclose(file);
}

/* Where things lie in a file. */
static hq_data_info places(const hq_config *config, hq_set_file *file)
{
    hq_data_info info;
    CHECK(hq_set_file_open(config->data_source, false, file, &info) == HQ_OK);
    return info;
}

static void test_altered(void)
{
    hq_config config = phantom();
    hq_set_file file;
    size_t size;
    import(&config, "altered.h5", 1);
    const hq_data_info info = places(&config, &file);
    unsigned char *bytes = read_file(config.data_source, &size);
    const size_t image = info.offset[HQ_SPLIT_TRAIN] + 25 * PIXELS, label = file.label_offset[HQ_SPLIT_VAL] + 8;
    const size_t hash = file.hash_offset[HQ_SPLIT_TEST];
    hq_set_file_close(&file);
    bytes[image] ^= 1;
    write_file(config.data_source, bytes, size);
    expect_refusal("an image", &config, HQ_ERR_DATA,
                   "altered.h5|chunk 2 of train_images (samples 20 to 29)|altered or damaged");
    bytes[image] ^= 1;
    bytes[label] ^= 1;
    write_file(config.data_source, bytes, size);
    expect_refusal("a label", &config, HQ_ERR_DATA, "altered.h5|altered or damaged");
    bytes[label] ^= 1;
    bytes[hash] ^= 1;
    write_file(config.data_source, bytes, size);
    expect_refusal("a hash", &config, HQ_ERR_DATA, "altered.h5|altered or damaged");
    for (size_t have = 0; have < size; have += size / 20) {
        bytes[hash] ^= have == 0;
        write_file(config.data_source, bytes, have);
        expect_refusal("truncated", &config, HQ_ERR_DATA, "altered.h5|truncated or damaged");
    }
    free(bytes);
}

/* While a training streams: an altered chunk, then a file that has become shorter. */
static void test_altered_under_way(void)
{
    hq_config config = phantom();
    hq_dataset stream;
    hq_reader *reader;
    hq_real x[PIXELS];
    int64_t sample;
    const hq_order order = {.split = HQ_SPLIT_TRAIN, .batch = 1};
    import(&config, "way.h5", 1);
    config.data_stream = HQ_STREAM_ON;
    void *block = load_set(&config, &stream);
    CHECK(hq_data_connect(config.data_source, &stream) == HQ_OK);
    CHECK(hq_reader_create(&stream, 0, 1, &reader) == HQ_OK);
    CHECK(hq_reader_load(reader, &order, &(hq_piece){5, 1, 0, 1}, 0, NULL, &sample, x) == HQ_OK);
    int fd = open(config.data_source, O_RDWR), errors = hq_log_error_count();
    CHECK(pwrite(fd, "x", 1, (off_t)stream.info.offset[0] + 15 * PIXELS) == 1);
    CHECK(hq_reader_load(reader, &order, &(hq_piece){9, 1, 0, 1}, 0, NULL, &sample, x) == HQ_OK); /* in memory */
    CHECK_INT(hq_reader_load(reader, &order, &(hq_piece){10, 1, 0, 1}, 0, NULL, &sample, x), HQ_ERR_DATA);
    CHECK(ftruncate(fd, (off_t)stream.info.offset[0] + 25 * PIXELS) == 0);
    CHECK_INT(hq_reader_load(reader, &order, &(hq_piece){20, 1, 0, 1}, 0, NULL, &sample, x), HQ_ERR_FILE);
    CHECK(hq_reader_load(reader, &order, &(hq_piece){5, 1, 0, 1}, 0, NULL, &sample, x) == HQ_OK); /* goes on after */
    CHECK_INT(hq_log_error_count(), errors + 2);
    close(fd);
    hq_reader_destroy(reader);
    hq_data_disconnect(&stream);
    hq_free(block);
}

static void test_foreign(void)
{
    hq_config config = phantom();
    hq_data_source *source;
    hq_data_info info;
    CHECK(hq_data_open(&config, &source, &info) == HQ_OK);
    CHECK(hq_data_file_create(&config, &info, scratch("begun.h5")) == HQ_OK);
    hq_data_close(source);
    config = config_for(scratch("begun.h5"));
    expect_refusal("an import that was killed", &config, HQ_ERR_DATA, "begun.h5|did not come to an end");
    config = config_for(scratch("text.h5"));
    write_file(config.data_source, "hello, world", 12);
    expect_refusal("text", &config, HQ_ERR_DATA, "text.h5|no HDF5 file");
    H5Fclose(H5Fcreate(scratch("other.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    config = config_for(scratch("other.h5"));
    expect_refusal("of another program", &config, HQ_ERR_DATA, "other.h5|no HDF5 file by hqcnn-dist|byte 0");
    config = config_for("/nonexistent/set.h5");
    expect_refusal("no file", &config, HQ_ERR_FILE, "/nonexistent/set.h5|No such file");
    char folder[600];
    snprintf(folder, sizeof folder, "%s/folder.h5", hq_check_scratch());
    CHECK(symlink("/tmp", folder) == 0);
    config = config_for(folder);
    expect_refusal("a folder", &config, HQ_ERR_FILE, "folder.h5|not a file");
}

/* Puts a member in the place of another one: numbers that were never written, in one piece or in chunks. */
static void replace_member(hq_handles *h5, hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                           const hsize_t *chunk)
{
    hq_handles_check(h5, H5Ldelete(file, name, H5P_DEFAULT), "delete");
    const hid_t creation = hq_handles_keep(h5, H5Pcreate(H5P_DATASET_CREATE), "creation");
    hq_handles_check(h5, H5Pset_obj_track_times(creation, false), "creation");
    hq_handles_check(h5, H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), "creation");
    if (chunk) hq_handles_check(h5, H5Pset_chunk(creation, rank, chunk), "creation");
    const hid_t space = hq_handles_keep(h5, H5Screate_simple(rank, dims, NULL), "space");
    hq_handles_keep(h5, H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name);
}

/* Validation images in chunks of `chunk`; 0: a soft link to those for the test. */
static void replace_images(const char *path, hsize_t chunk)
{
    const hsize_t dims[4] = {VAL, 12, 12, 1}, chunks[4] = {chunk, 12, 12, 1};
    hq_handles h5;
    hq_handles_begin(&h5, path);
    const hid_t access = hq_handles_keep(&h5, H5Pcreate(H5P_FILE_ACCESS), "access");
    hq_handles_check(&h5, H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "access");
    const hid_t file = hq_handles_keep(&h5, H5Fopen(path, H5F_ACC_RDWR, access), "file");
    if (chunk == 0) {
        hq_handles_check(&h5, H5Ldelete(file, "val_images", H5P_DEFAULT), "delete");
        hq_handles_check(&h5, H5Lcreate_soft("/test_images", file, "val_images", H5P_DEFAULT, H5P_DEFAULT), "link");
    } else {
        const hsize_t hashes = (VAL + chunk - 1) / chunk;
        replace_member(&h5, file, "val_images", H5T_STD_U8LE, 4, dims, chunks);
        replace_member(&h5, file, "val_hashes", H5T_STD_U64LE, 1, &hashes, NULL);
    }
    CHECK(hq_handles_end(&h5) == HQ_OK);
}

/* Files that another tool has changed: chunks of other sizes in some split, links. */
static void test_crafted(void)
{
    static const struct {
        hsize_t chunk;
        const char *words;
    } cases[] = {
        {2 * CHUNK, "crafted.h5|train_images: chunks of 10 images|allowed are 20"},
        {CHUNK / 2, "crafted.h5|val_images: chunks of 5 images|allowed are 10"},
        {VAL, "crafted.h5|train_images: chunks of 10 images|allowed are 31"},
        {0, "crafted.h5|no HDF5 file by hqcnn-dist"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hq_config config = phantom();
        import(&config, "crafted.h5", 1);
        replace_images(config.data_source, cases[i].chunk);
        for (config.data_stream = HQ_STREAM_AUTO; config.data_stream <= HQ_STREAM_OFF; config.data_stream++)
            expect_refusal("a crafted file", &config, HQ_ERR_DATA, cases[i].words);
    }
}

/* Splits that are smaller than a chunk are one chunk each, and the windows hold the largest of them. */
static void test_small_training(void)
{
    hq_config config = phantom();
    hq_dataset stream;
    hq_reader *reader;
    hq_real x[PIXELS];
    int64_t sample;
    config.phantom_train = 4;
    config.data_chunk = 100;
    import(&config, "few.h5", 1);
    config.data_stream = HQ_STREAM_ON;
    void *block = load_set(&config, &stream);
    CHECK_INT(stream.info.chunk[HQ_SPLIT_TRAIN], 4);
    CHECK_INT(stream.info.chunk[HQ_SPLIT_VAL], VAL);
    CHECK(hq_data_connect(config.data_source, &stream) == HQ_OK);
    CHECK(hq_reader_create(&stream, 4, 1, &reader) == HQ_OK);
    for (int s = 0; s < HQ_SPLIT_COUNT; s++) {
        const hq_order order = {.split = s, .shuffle = s == HQ_SPLIT_TRAIN, .batch = 1};
        const hq_piece piece = {stream.info.count[s] - 1, 1, 0, 1};
        CHECK(hq_reader_load(reader, &order, &piece, 0, NULL, &sample, x) == HQ_OK);
        if (!order.shuffle) CHECK_INT(sample, stream.info.count[s] - 1);
    }
    hq_reader_destroy(reader);
    hq_data_disconnect(&stream);
    hq_free(block);
}

/* Any byte changed: refused with one message, or, where the byte means nothing to us, read with the same images and
 * labels; never a crash. */
static void test_any_byte(void)
{
    set_spec spec = make_set();
    hq_config config = config_for(write_set(&spec, "byte.npz"));
    size_t size;
    import(&config, "byte.h5", 1);
    unsigned char *bytes = read_file(config.data_source, &size);
    int null = open("/dev/null", O_WRONLY), kept = dup(STDERR_FILENO), refused = 0, wrong = 0, altered = 0;
    hq_dataset whole;
    void *want = load_set(&config, &whole);
    const int64_t balance = hq_memory_balance();
    dup2(null, STDERR_FILENO);
    for (size_t at = 0; at < size; at += 3) {
        hq_data_source *source;
        hq_data_info info;
        void *block = NULL;
        const int errors = hq_log_error_count();
        bytes[at] ^= 0x5a;
        write_file(config.data_source, bytes, size);
        hq_status status = hq_data_open(&config, &source, &info);
        if (status == HQ_OK) {
            status = hq_alloc(info.bytes, "test block", &block);
            if (status == HQ_OK) memset(block, 0xee, (size_t)info.bytes); /* as load_set does */
            if (status == HQ_OK) status = hq_data_fill(source, block, 0, 1);
            if (status == HQ_OK)
                altered += info.bytes != whole.info.bytes || memcmp(block, want, (size_t)info.bytes) != 0;
            hq_free(block);
            hq_data_close(source);
        }
        refused += status != HQ_OK;
        wrong += (status != HQ_OK) != (hq_log_error_count() == errors + 1);
        bytes[at] ^= 0x5a;
    }
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(null);
    CHECK_INT(wrong, 0);
    CHECK_INT(altered, 0);
    CHECK(refused > 50);
    CHECK(hq_memory_balance() == balance);
    hq_free(want);
    free(bytes);
}

int main(void)
{
    HQ_RUN(test_round_trip);
    HQ_RUN(test_of_npz);
    HQ_RUN(test_stream);
    HQ_RUN(test_evaluation);
    HQ_RUN(test_choice);
    HQ_RUN(test_altered);
    HQ_RUN(test_altered_under_way);
    HQ_RUN(test_foreign);
    HQ_RUN(test_crafted);
    HQ_RUN(test_small_training);
    HQ_RUN(test_any_byte);
    return hq_check_result();
}
