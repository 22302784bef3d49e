/* Files that must be refused: each with one message that names file, member, what was found and what is allowed. */
#include "npz_make.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void refuse(const char *what, const set_spec *spec, const char *words)
{
    hq_config config = config_for(write_set(spec, "bad.npz"));
    char all[400];
    snprintf(all, sizeof all, "bad.npz|%s", words);
    expect_refusal(what, &config, HQ_ERR_DATA, all);
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, size, file) == size);
    if (file) fclose(file);
}

static unsigned char *read_bytes(const char *path, size_t *size)
{
    unsigned char *bytes = malloc(1 << 16);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    *size = file ? fread(bytes, 1, 1 << 16, file) : 0;
    if (file) fclose(file);
    return bytes;
}

static void test_no_file(void)
{
    hq_config config = config_for("/nonexistent/folder/set.npz");
    expect_refusal("missing file", &config, HQ_ERR_FILE, "/nonexistent/folder/set.npz|No such file|phantom");
    config = config_for(hq_check_scratch());
    expect_refusal("a folder", &config, HQ_ERR_FILE, hq_check_scratch());
}

static void test_not_a_zip(void)
{
    char path[600];
    snprintf(path, sizeof path, "%s/text.npz", hq_check_scratch());
    hq_config config = config_for(path);
    write_bytes(path, "hello, world", 12);
    expect_refusal("text", &config, HQ_ERR_DATA, "text.npz|not a zip file");
    write_bytes(path, "", 0);
    expect_refusal("empty file", &config, HQ_ERR_DATA, "text.npz|not a zip file");
}

/* Cut anywhere, the file must be refused with one message. */
static void test_truncated(void)
{
    set_spec spec = make_set();
    hq_config config = config_for(write_set(&spec, "cut.npz"));
    size_t size;
    unsigned char *bytes = read_bytes(config.data_source, &size);
    for (size_t have = 4; have < size; have += 97) {
        write_bytes(config.data_source, bytes, have);
        expect_refusal("truncated zip", &config, HQ_ERR_DATA, "cut.npz|truncated or damaged");
    }
    free(bytes);
}

/* Any byte changed: either refused with one message, or, where the byte means nothing to us, read; never a crash. */
static void test_any_byte(void)
{
    set_spec spec = make_set();
    spec.stored = true;
    hq_config config = config_for(write_set(&spec, "byte.npz"));
    size_t size;
    unsigned char *bytes = read_bytes(config.data_source, &size);
    int null = open("/dev/null", O_WRONLY), kept = dup(STDERR_FILENO), refused = 0, wrong = 0;
    dup2(null, STDERR_FILENO);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 0x55;
        write_bytes(config.data_source, bytes, size);
        int errors = hq_log_error_count();
        hq_data_source *source;
        hq_data_info info;
        hq_status status = hq_data_open(&config, &source, &info);
        if (status == HQ_OK) {
            void *block;
            status = hq_alloc(info.bytes, "block", &block);
            if (status == HQ_OK) status = hq_data_fill(source, block, 0, 1);
            hq_free(block);
            hq_data_close(source);
        }
        refused += status != HQ_OK;
        wrong += hq_log_error_count() - errors != (status != HQ_OK);
        bytes[at] ^= 0x55;
    }
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(null);
    CHECK_INT(wrong, 0);
    CHECK_MSG(refused > (int)size / 2, "only %d of %d damaged files were refused", refused, (int)size);
    free(bytes);
}

/* The first place of `what` in the file. */
static size_t find_bytes(const unsigned char *bytes, size_t size, const void *what, size_t length)
{
    for (size_t at = 0; at + length <= size; at++)
        if (memcmp(bytes + at, what, length) == 0) return at;
    CHECK_MSG(false, "bytes not found in the file");
    return 0;
}

/* A pixel changed in a stored member is only seen by its checksum. */
static void test_checksum(void)
{
    set_spec spec = make_set();
    spec.stored = true;
    hq_config config = config_for(write_set(&spec, "crc.npz"));
    size_t size;
    unsigned char *bytes = read_bytes(config.data_source, &size), pixels[90], labels[6] = {0, 1, 0, 1, 0, 1};
    for (int i = 0; i < 90; i++) pixels[i] = (unsigned char)i;
    size_t at = find_bytes(bytes, size, pixels, 90) + 40;
    bytes[at] ^= 1;
    write_bytes(config.data_source, bytes, size);
    expect_refusal("pixel", &config, HQ_ERR_DATA, "crc.npz|train_images.npy|damaged|CRC");
    bytes[at] ^= 1;
    bytes[find_bytes(bytes, size, labels, 6)] ^= 1;
    write_bytes(config.data_source, bytes, size);
    expect_refusal("label", &config, HQ_ERR_DATA, "crc.npz|train_labels.npy|damaged|CRC");
    free(bytes);
}

/* Sizes in the zip directory that no packing could reach: refused before memory is asked for. */
/* Zeros that deflate packs 1000 to 1: allowed up to data.memory, then only unpacked. */
static void test_bomb(void)
{
    enum { IMAGES = 20000, BYTES = IMAGES * 100 };
    set_spec spec = make_set();
    snprintf(spec.images[0].shape, sizeof spec.images[0].shape, "(%d, 10, 10)", IMAGES);
    snprintf(spec.labels[0].shape, sizeof spec.labels[0].shape, "(%d, 1)", IMAGES);
    void *zeros = calloc(BYTES, 1);
    spec.images[0].data = spec.labels[0].data = zeros;
    spec.images[0].bytes = BYTES;
    spec.labels[0].bytes = IMAGES;
    hq_config config = config_for(write_set(&spec, "bomb.npz"));
    config.data_memory = 1;
    expect_refusal("a bomb", &config, HQ_ERR_DATA,
                   "bomb.npz|train_images.npy|bytes from|1 MB (data.memory)|numpy.savez");
    config.data_memory = 3;
    expect_refusal("its size", &config, HQ_ERR_DATA, "bomb.npz|val_images.npy|all splits must agree");
    spec.stored = true;
    write_set(&spec, "bomb.npz");
    config.data_memory = 1;
    expect_refusal("it unpacked", &config, HQ_ERR_DATA, "bomb.npz|val_images.npy|all splits must agree");
    free(zeros);
}

static void test_claimed_size(void)
{
    set_spec spec = make_set();
    hq_config config = config_for(write_set(&spec, "claim.npz"));
    size_t size;
    unsigned char *bytes = read_bytes(config.data_source, &size);
    size_t entry = find_bytes(bytes, size, "PK\1\2", 4); /* of train_images.npy in the directory; its size is at + 24 */
    memcpy(bytes + entry + 24, "\xf0\xff\xff\xff", 4);
    write_bytes(config.data_source, bytes, size);
    expect_refusal("4 GiB", &config, HQ_ERR_DATA, "claim.npz|train_images.npy|cannot be");
    bytes[entry + 10] = 12; /* packed with bzip2 */
    write_bytes(config.data_source, bytes, size);
    expect_refusal("method", &config, HQ_ERR_DATA, "claim.npz|train_images.npy|method 12|deflate");
    free(bytes);
}

/* ---- members --------------------------------------------------------------------------------------------------- */

static void test_missing_members(void)
{
    for (int m = 0; m < 6; m++) {
        set_spec spec = make_set();
        array_spec *array = m < 3 ? &spec.images[m] : &spec.labels[m - 3];
        char words[64];
        snprintf(words, sizeof words, "%s|no member", array->name);
        array->name[0] = '\0';
        refuse("missing member", &spec, words);
    }
}

static void test_image_types(void)
{
    static const char *const types[] = {"<f4", "<u2", "|i1", "|b1", ">f8", "<c8", "|S1"};
    static const int bytes[] = {4, 2, 1, 1, 8, 8, 1};
    for (int t = 0; t < 7; t++) {
        set_spec spec = make_set();
        char words[64];
        strcpy(spec.images[0].type, types[t]);
        spec.images[0].bytes *= (size_t)bytes[t];
        snprintf(words, sizeof words, "train_images.npy|\"%s\"|\"|u1\"", types[t]);
        *strstr(words, "|u1") = '\0'; /* '|' separates the words */
        refuse("image type", &spec, words);
    }
}

static void test_label_types(void)
{
    static const char *const types[] = {"<f4", ">i4", "<f8", "|b1"};
    static const int bytes[] = {4, 4, 8, 1};
    for (int t = 0; t < 4; t++) {
        set_spec spec = make_set();
        char words[64];
        strcpy(spec.labels[1].type, types[t]);
        spec.labels[1].data = NULL;
        spec.labels[1].bytes *= (size_t)bytes[t];
        snprintf(words, sizeof words, "val_labels.npy|integer of 1, 2, 4 or 8|%s",
                 types[t][0] == '|' ? "b1" : types[t]);
        refuse("label type", &spec, words);
    }
}

static void test_order(void)
{
    set_spec spec = make_set();
    strcpy(spec.images[2].order, "True");
    refuse("Fortran order", &spec, "test_images.npy|Fortran|C order");
}

static void test_image_shapes(void)
{
    static const struct {
        const char *shape;
        size_t bytes;
    } cases[] = {{"(90,)", 90}, {"(9, 10)", 90},  {"(6, 1, 1, 3, 5)", 90},
                 {"()", 1},     {"(6, 0, 5)", 0}, {"(1, 1, 70000)", 70000}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        set_spec spec = make_set();
        strcpy(spec.images[0].shape, cases[c].shape);
        spec.images[0].bytes = cases[c].bytes;
        refuse(cases[c].shape, &spec, "train_images.npy|(N, H, W)");
    }
    set_spec spec = make_set();
    strcpy(spec.images[1].shape, "(4, 5, 3)");
    refuse("splits differ", &spec, "val_images.npy|(4, 5, 3)|height 3, width 5|agree");
    strcpy(spec.images[1].shape, "(4, 3, 5, 1)"); /* the same shape in another form */
    hq_config config = config_for(write_set(&spec, "same.npz"));
    hq_dataset set;
    hq_free(load_set(&config, &set));
}

static void test_sizes(void)
{
    set_spec spec = make_set();
    spec.images[0].bytes = 89;
    refuse("too short", &spec, "train_images.npy|(6, 3, 5)|89 bytes");
    spec.images[0].bytes = 91;
    refuse("too long", &spec, "train_images.npy|(6, 3, 5)|91 bytes");
    spec = make_set();
    strcpy(spec.images[0].shape, "(4611686018427387904, 4, 4)"); /* 2^66 elements */
    refuse("overflow", &spec, "train_images.npy|4611686018427387904|90 bytes");
    strcpy(spec.images[0].shape, "(1000000000000, 3, 5)");
    refuse("huge", &spec, "train_images.npy|1000000000000|90 bytes");
}

static void test_counts(void)
{
    set_spec spec = make_set();
    strcpy(spec.labels[1].shape, "(3, 1)");
    spec.labels[1].bytes = 3;
    refuse("counts differ", &spec, "val_labels.npy|3 labels|4 images");
    spec = make_set();
    strcpy(spec.images[2].shape, "(0, 3, 5)");
    strcpy(spec.labels[2].shape, "(0, 1)");
    spec.images[2].bytes = spec.labels[2].bytes = 0;
    refuse("empty split", &spec, "test_images.npy|(0, 3, 5)|no sample");
}

static void test_label_shapes(void)
{
    set_spec spec = make_set();
    strcpy(spec.labels[0].shape, "(6, 1, 1)");
    refuse("3 dimensions", &spec, "train_labels.npy|(6, 1, 1)|(N, L)");
    strcpy(spec.labels[0].shape, "(6, 0)");
    spec.labels[0].bytes = 0;
    refuse("no column", &spec, "train_labels.npy|(6, 0)|(N, L)");
    spec = make_set();
    strcpy(spec.labels[2].shape, "(2, 2)");
    spec.labels[2].bytes = 4;
    refuse("columns differ", &spec, "test_labels.npy|2 label columns|has 1|agree");
}

static void test_label_values(void)
{
    static const signed char negative[6] = {0, 1, 0, -3, 0, 1};
    set_spec spec = make_set();
    strcpy(spec.labels[0].type, "|i1");
    spec.labels[0].data = negative;
    refuse("negative", &spec, "train_labels.npy|sample 3|label -3|0 to 65535");
    static const unsigned char wide[6 * 8] = {[8 + 7] = 0x80};
    spec.labels[0].data = wide;
    spec.labels[0].bytes = sizeof wide;
    strcpy(spec.labels[0].type, "<i8");
    refuse("smallest number", &spec, "train_labels.npy|sample 1|label -9223372036854775808");
    strcpy(spec.labels[0].type, "<u8");
    refuse("2^63", &spec, "train_labels.npy|sample 1|0 to 65535");
    static const unsigned char above[6 * 4] = {[8 + 2] = 1};
    spec.labels[0].data = above;
    spec.labels[0].bytes = sizeof above;
    strcpy(spec.labels[0].type, "<u4");
    refuse("65536", &spec, "train_labels.npy|sample 2|label 65536|0 to 65535");
}

static void test_headers(void)
{
    set_spec spec = make_set();
    strcpy(spec.images[0].header, "{'descr': '|u1', 'fortran_order': False, }");
    refuse("no shape", &spec, "train_images.npy|header|shape");
    strcpy(spec.images[0].header, "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (6, 3, 5)}");
    refuse("structured", &spec, "train_images.npy|header|descr");
    spec = make_set();
    spec.images[0].version = 4;
    refuse("version", &spec, "train_images.npy|version|3.0");
    spec = make_set();
    spec.images[0].bytes = 0;
    strcpy(spec.images[0].header, " "); /* 11 bytes in all */
    refuse("short member", &spec, "train_images.npy|11 bytes");
}

int main(void)
{
    HQ_RUN(test_no_file);
    HQ_RUN(test_not_a_zip);
    HQ_RUN(test_truncated);
    HQ_RUN(test_any_byte);
    HQ_RUN(test_checksum);
    HQ_RUN(test_bomb);
    HQ_RUN(test_claimed_size);
    HQ_RUN(test_missing_members);
    HQ_RUN(test_image_types);
    HQ_RUN(test_label_types);
    HQ_RUN(test_order);
    HQ_RUN(test_image_shapes);
    HQ_RUN(test_sizes);
    HQ_RUN(test_counts);
    HQ_RUN(test_label_shapes);
    HQ_RUN(test_label_values);
    HQ_RUN(test_headers);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
