#include "npz_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

static array_spec make_array(const char *split, const char *what, const char *shape, const void *data, size_t bytes)
{
    array_spec a = {.type = "|u1", .order = "False", .version = 1, .data = data, .bytes = bytes};
    snprintf(a.name, sizeof a.name, "%s_%s.npy", split, what);
    snprintf(a.shape, sizeof a.shape, "%s", shape);
    return a;
}

set_spec make_set(void)
{
    static const unsigned char turns[6] = {0, 1, 0, 1, 0, 1};
    return (set_spec){.images = {make_array("train", "images", "(6, 3, 5)", NULL, 90),
                                 make_array("val", "images", "(4, 3, 5)", NULL, 60),
                                 make_array("test", "images", "(2, 3, 5)", NULL, 30)},
                      .labels = {make_array("train", "labels", "(6, 1)", turns, 6),
                                 make_array("val", "labels", "(4, 1)", turns, 4),
                                 make_array("test", "labels", "(2, 1)", turns, 2)}};
}

/* The bytes of a .npy file, for libzip to free. */
static unsigned char *npy_bytes(const array_spec *a, size_t *size)
{
    char header[256];
    if (a->header[0])
        memcpy(header, a->header, sizeof header);
    else
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }          \n", a->type,
                 a->order, a->shape);
    size_t length = strlen(header), prefix = a->version == 1 ? 10 : 12;
    unsigned char *bytes = calloc(prefix + length + a->bytes + 1, 1);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)a->version;
    bytes[8] = (unsigned char)length;
    memcpy(bytes + prefix, header, length);
    for (size_t i = 0; i < a->bytes; i++)
        bytes[prefix + length + i] = a->data ? ((const unsigned char *)a->data)[i] : (unsigned char)i;
    *size = prefix + length + a->bytes;
    return bytes;
}

static void add_array(zip_t *zip, const array_spec *a, bool stored)
{
    if (!a->name[0]) return;
    size_t size;
    unsigned char *bytes = npy_bytes(a, &size);
    zip_int64_t at = zip_file_add(zip, a->name, zip_source_buffer(zip, bytes, size, 1), 0);
    CHECK(at >= 0);
    CHECK(zip_set_file_compression(zip, (zip_uint64_t)at, stored ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0) == 0);
}

const char *write_set(const set_spec *spec, const char *name)
{
    static char path[600];
    int code = 0;
    snprintf(path, sizeof path, "%s/%s", hq_check_scratch(), name);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    CHECK_MSG(zip != NULL, "cannot write %s: libzip error %d", path, code);
    if (!zip) return path;
    for (int s = 0; s < 3; s++) {
        add_array(zip, &spec->images[s], spec->stored);
        add_array(zip, &spec->labels[s], spec->stored);
    }
    CHECK(zip_close(zip) == 0);
    return path;
}

hq_config config_for(const char *path)
{
    hq_config config;
    hq_config_defaults(&config);
    hq_copy_text(config.data_source, sizeof config.data_source, path);
    return config;
}

void *load_set(const hq_config *config, hq_dataset *dataset)
{
    hq_data_source *source;
    hq_data_info info;
    void *block = NULL;
    hq_status status = hq_data_open(config, &source, &info);
    CHECK_INT(status, HQ_OK);
    if (status != HQ_OK) return NULL;
    CHECK(hq_alloc(info.bytes, "test block", &block) == HQ_OK);
    memset(block, 0xee, info.bytes);
    CHECK_INT(hq_data_fill(source, block, 0, 1), HQ_OK);
    hq_data_close(source);
    hq_data_attach(&info, block, dataset);
    return block;
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static hq_status open_and_fill(const hq_config *config)
{
    hq_data_source *source;
    hq_data_info info;
    HQ_TRY(hq_data_open(config, &source, &info));
    void *block;
    hq_status status = hq_alloc(info.bytes, "test block", &block);
    if (status == HQ_OK) status = hq_data_fill(source, block, 0, 1);
    hq_free(block);
    hq_data_close(source);
    return status;
}

/* Runs with stderr going to a file, whose start is put into text. */
static hq_status run_captured(const hq_config *config, char *text, size_t size)
{
    char path[600];
    snprintf(path, sizeof path, "%s/stderr", hq_check_scratch());
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    FILE *file = fopen(path, "w+");
    dup2(fileno(file), STDERR_FILENO);
    hq_status status = open_and_fill(config);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return status;
}

void expect_refusal(const char *what, const hq_config *config, hq_status status, const char *words)
{
    char text[4096], list[400];
    int errors = hq_log_error_count();
    int64_t balance = hq_memory_balance();
    hq_status have = run_captured(config, text, sizeof text);
    CHECK_MSG(have == status, "%s: status \"%s\", expected \"%s\"", what, hq_status_text(have), hq_status_text(status));
    CHECK_MSG(hq_log_error_count() == errors + 1, "%s: %d errors logged, expected one", what,
              hq_log_error_count() - errors);
    CHECK_MSG(hq_memory_balance() == balance, "%s: a block was not freed", what);
    hq_copy_text(list, sizeof list, words);
    for (char *word = strtok(list, "|"); word; word = strtok(NULL, "|"))
        CHECK_MSG(strstr(text, word) != NULL, "%s: \"%s\" is not in the message: %s", what, word, text);
}
