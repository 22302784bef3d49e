#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/refusal.h"
#include "hqcnn/config.h"

enum { PATH_SIZE = 600 };
static hq_config config;

/* Writes a file into the scratch folder, in static memory: its path. */
static const char *write_file(const char *name, const void *bytes, size_t n)
{
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", hq_check_scratch(), name);
    FILE *file = fopen(path, "w");
    CHECK(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
    return path;
}

static hq_status read_file(const char *path)
{
    hq_config_defaults(&config);
    hq_status status = hq_config_read_file(&config, path);
    CHECK_INT(hq_memory_balance(), 0);
    return status;
}

static const char *write_text(const char *name, const char *text) { return write_file(name, text, strlen(text)); }

static void a_file(void)
{
    const char *path = write_text("a.cfg", "train = { batch = 7; };\r\n");
    CHECK(read_file(path) == HQ_OK);
    CHECK_INT(config.train_batch, 7);
    CHECK_TEXT(config.data_source, "phantom");
    path = write_text("bad.cfg", "\n\ntrain = { bathc = 7; };\n");
    CHECK_REFUSED(read_file(path), HQ_ERR_CONFIG, path, "bad.cfg:3", "train.bathc");
}

static void files_that_cannot_be_read(void)
{
    CHECK_REFUSED(read_file("no/such/file.cfg"), HQ_ERR_FILE, "no/such/file.cfg", "No such file");
    CHECK_REFUSED(read_file(hq_check_scratch()), HQ_ERR_FILE, hq_check_scratch(), "directory");
}

static void files_that_are_something_else(void)
{
    const char *path = write_file("data.npz", "PK\3\4\0\0\0", 7);
    CHECK_REFUSED(read_file(path), HQ_ERR_CONFIG, path, "not a configuration file");
    static char large[(1 << 20) + 1];
    memset(large, '\n', sizeof large);
    path = write_file("large.cfg", large, sizeof large);
    CHECK_REFUSED(read_file(path), HQ_ERR_CONFIG, path, "not a configuration file");
    path = write_file("limit.cfg", large, sizeof large - 1);
    CHECK(read_file(path) == HQ_OK);
}

static void included_files(void)
{
    char text[2 * PATH_SIZE];
    const char *inner = write_text("inner.cfg", "train = {\n batch = 8; };\n");
    snprintf(text, sizeof text, "@include \"%s\"\nmodel = { qubits = 5; };\n", inner);
    CHECK(read_file(write_text("outer.cfg", text)) == HQ_OK);
    CHECK_INT(config.train_batch, 8);
    CHECK_INT(config.model_qubits, 5);
    inner = write_text("inner.cfg", "train = {\n batch = 0; };\n");
    CHECK_REFUSED(read_file(write_text("outer.cfg", text)), HQ_ERR_CONFIG, "inner.cfg:2", "train.batch = 0");

    inner = write_text("inner.cfg", "circuit = {\n gates = (\"h 0\"); };\n"); /* a group inside a group from a file */
    snprintf(text, sizeof text, "model = {\n@include \"%s\"\n};\n", inner);
    CHECK(read_file(write_text("outer.cfg", text)) == HQ_OK);
    CHECK_TEXT(config.model_circuit_gates, "h 0");
    write_text("inner.cfg", "circuit = {\n gtes = (\"h 0\"); };\n");
    CHECK_REFUSED(read_file(write_text("outer.cfg", text)), HQ_ERR_CONFIG, "inner.cfg:2", "model.circuit.gtes");
}

static void source_starts_from_the_folder_of_the_file(void)
{
    char want[2 * PATH_SIZE], folder[PATH_SIZE];
    char *real = realpath(hq_check_scratch(), NULL);
    snprintf(folder, sizeof folder, "%s", real);
    free(real);
    snprintf(want, sizeof want, "%s/sets/x.npz", folder);
    CHECK(read_file(write_text("s.cfg", "data = { source = \"sets/x.npz\"; };")) == HQ_OK);
    CHECK_TEXT(config.data_source, want);

    char back[PATH_SIZE];
    CHECK(getcwd(back, sizeof back) && chdir(folder) == 0);
    CHECK(read_file("s.cfg") == HQ_OK);
    CHECK_TEXT(config.data_source, want);
    CHECK(hq_config_set(&config, "data.source=sets/x.npz") == HQ_OK);
    CHECK_TEXT(config.data_source, want);
    CHECK(chdir(back) == 0);

    CHECK(read_file(write_text("s.cfg", "data = { source = \"/sets/x.npz\"; };")) == HQ_OK);
    CHECK_TEXT(config.data_source, "/sets/x.npz");
    CHECK(hq_config_set(&config, "data.source=phantom") == HQ_OK);
    CHECK_TEXT(config.data_source, "phantom");
    CHECK(hq_config_read_text(&config, "data = { source = \"x.npz\"; };", "text") == HQ_OK);
    CHECK_TEXT(config.data_source, "x.npz"); /* a text has no folder */
}

int main(void)
{
    HQ_RUN(a_file);
    HQ_RUN(files_that_cannot_be_read);
    HQ_RUN(files_that_are_something_else);
    HQ_RUN(included_files);
    HQ_RUN(source_starts_from_the_folder_of_the_file);
    return hq_check_result();
}
