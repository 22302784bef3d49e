#include <stdio.h>
#include <string.h>

#include "config/refusal.h"
#include "hqcnn/config.h"

#define REFUSED(text, ...) CHECK_REFUSED(read(text), HQ_ERR_CONFIG, __VA_ARGS__)

static hq_config config;

/* Reads over the defaults. A refused text must leave them as they are and free what it took. */
static hq_status read(const char *text)
{
    hq_config before;
    hq_config_defaults(&before);
    config = before;
    hq_status status = hq_config_read_text(&config, text, "run.cfg");
    CHECK(status == HQ_OK || memcmp(&config, &before, sizeof before) == 0);
    CHECK_INT(hq_memory_balance(), 0);
    return status;
}

static void defaults(void)
{
    CHECK(read("") == HQ_OK);
    CHECK_TEXT(config.data_source, "phantom");
    CHECK_INT(config.data_task, HQ_TASK_AUTO);
    CHECK_INT(config.data_classes.n, 0);
    CHECK_INT(config.model_channels.n, 5);
    CHECK_INT(config.model_channels.v[1], 16);
    CHECK_INT(config.model_channels.v[4], 64);
    CHECK_INT(config.model_circuit_template, HQ_TEMPLATE_HQCNN);
    CHECK_TEXT(config.model_circuit_gates, "");
    CHECK_INT(config.gradient_method, HQ_GRADIENT_ADJOINT);
    CHECK_INT(config.shots_count, 0);
    CHECK(config.noise_depolarizing1 == 0 && config.noise_readout10 == 0);
    CHECK_TEXT(config.executor_command, "");
    CHECK_INT(config.model_attention, HQ_ATTENTION_QFT);
    CHECK_INT(config.model_scaling, HQ_SCALING_HALF_PI_TANH);
    CHECK_INT(config.train_optimizer, HQ_OPTIMIZER_ADAM);
    CHECK(config.train_learning_rate == 1e-3);
    CHECK(config.train_beta2 == 0.999);
    CHECK_INT(config.train_schedule_steps.v[1], 75);
    CHECK_INT(config.checkpoint_epochs, 1);
    CHECK(hq_config_check(&config) == HQ_OK);
}

static void values_of_every_kind(void)
{
    CHECK(read("# comment\n"
               "train = { batch = 96; optimizer = \"adamw\"; learning_rate = 5e-4; clip_norm = 2; };\n"
               "data : { classes = [3, 1]; source = \"a \\\"b\\\" \\\\ c\" \".npz\" }\n"
               "model = { pool = (); padding = (1, 0,1); channels = [8]; qubits = 6L; };\n"
               "phantom = { size = 0x20; seed = 2147483647; };\n") == HQ_OK);
    CHECK_INT(config.train_batch, 96);
    CHECK_INT(config.train_optimizer, HQ_OPTIMIZER_ADAMW);
    CHECK(config.train_learning_rate == 5e-4);
    CHECK(config.train_clip_norm == 2);
    CHECK_INT(config.data_classes.n, 2);
    CHECK_INT(config.data_classes.v[0], 3);
    CHECK_INT(config.data_classes.v[1], 1);
    CHECK_TEXT(config.data_source, "a \"b\" \\ c.npz");
    CHECK_INT(config.model_pool.n, 0);
    CHECK_INT(config.model_padding.n, 3);
    CHECK_INT(config.model_channels.n, 1);
    CHECK_INT(config.model_qubits, 6);
    CHECK_INT(config.phantom_size, 32);
    CHECK_INT(config.phantom_seed, 2147483647);
    CHECK_INT(config.train_epochs, 10); /* absent: unchanged */
}

static void later_texts_go_over_earlier_ones(void)
{
    CHECK(read("train = { batch = 96; epochs = 3; };") == HQ_OK);
    CHECK(hq_config_read_text(&config, "train = { epochs = 4; };", "second.cfg") == HQ_OK);
    CHECK_INT(config.train_batch, 96);
    CHECK_INT(config.train_epochs, 4);
}

/* libconfig alone reads 5000000000 as 705032704. */
static void integers_never_wrap(void)
{
    REFUSED("train = {\n batch = 5000000000; };", "run.cfg:2", "train.batch = 5000000000", "1 to 16777216");
    REFUSED("train = { batch = 4294967297; };", "train.batch = 4294967297");
    REFUSED("train = { batch = 99999999999999999999; };", "train.batch", "out of range");
    REFUSED("train = { seed = -1; };", "train.seed = -1", "0 to 2147483647");
    REFUSED("phantom = { seed = 0x1FFFFFFFF; };", "phantom.seed = 8589934591");
    REFUSED("data = { classes = [0, 4294967297]; };", "entry 2 of data.classes = 4294967297");
    CHECK(read("train = { seed = 123; } // 5 \"\n data = { source = \"x 77 # 5\"; } /* 1 \" */ log = { steps = 7L }") ==
          HQ_OK);
    CHECK_TEXT(config.data_source, "x 77 # 5");
    CHECK_INT(config.log_steps, 7);
    CHECK(read("train = { learning_rate = .5; warmup = 1.; clip_norm = 1e+2; epsilon = 1E-5; momentum = 0 }") == HQ_OK);
    CHECK(config.train_learning_rate == 0.5 && config.train_warmup == 1 && config.train_clip_norm == 100);
    CHECK(config.train_epsilon == 1e-5 && config.train_momentum == 0);
}

static void unknown_names(void)
{
    REFUSED("train = {\n epochs = 3;\n bathc = 64; };", "run.cfg:3", "train.bathc", "train.batch");
    REFUSED("train = { dropout = 0.5; };", "train.dropout", "model.dropout");
    REFUSED("\ntrian = { epochs = 3; };", "run.cfg:2", "group trian", "group is train");
    REFUSED("empty = { };", "group empty");
    REFUSED("epoch = 3;", "run.cfg:1", "epoch", "train.epochs");
    REFUSED("train = 3;", "train is an integer", "a group of keys");
    REFUSED("train = [];", "train is a list", "a group of keys");
    REFUSED("train : { batch : { size = 3; }; };", "train.batch is a group", "an integer");
}

static void wrong_types(void)
{
    REFUSED("train = {\n\n batch = 64.0; };", "run.cfg:3", "train.batch is a real number", "an integer",
            "1 to 16777216");
    REFUSED("train = { batch = \"64\"; };", "train.batch is a text", "an integer");
    REFUSED("train = { batch = [64]; };", "train.batch is a list", "an integer");
    REFUSED("train = { learning_rate = \"high\"; };", "train.learning_rate is a text", "a number", "0 to 1000");
    REFUSED("train = { shuffle = true; };", "train.shuffle is a truth value", "\"on\", \"off\"");
    REFUSED("train = { optimizer = 3; };", "train.optimizer is an integer", "\"adamw\"");
    REFUSED("data = { source = 3; };", "data.source is an integer", "a text");
    REFUSED("model = { channels = 16; };", "model.channels is an integer", "a list", "[1]");
    REFUSED("model = { channels = [1.5]; };", "entry 1 of model.channels is a real number", "an integer");
    REFUSED("model = { channels = (1, \"a\"); };", "entry 2 of model.channels is a text");
    REFUSED("model = { channels = (1, 2, (3)); };", "entry 3 of model.channels is a list");
}

static void wrong_values(void)
{
    REFUSED("train = { epochs = 0; };", "run.cfg:1", "train.epochs = 0", "1 to 1000000");
    REFUSED("train = { momentum = 1.0; };", "train.momentum = 1 ", "0 to 0.9999");
    REFUSED("train = { clip_norm = 1e999; };", "train.clip_norm = inf", "0 to 1000000000");
    REFUSED("train = { clip_norm = -1; };", "train.clip_norm = -1");
    REFUSED("train = { optimizer = \"adm\"; };", "train.optimizer = \"adm\"", "\"sgd\", \"adam\", \"adamw\"",
            "nearest is \"adam\"");
    REFUSED("train = { optimizer = \"Adam\"; };", "\"Adam\"", "nearest is \"adam\"");
    REFUSED("train = { optimizer = \"\"; };", "train.optimizer = \"\"");
    REFUSED("model = { pool = [0, 2]; };", "entry 2 of model.pool = 2", "0 to 1");
    REFUSED("model = { pool = [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]; };", "model.pool has 17 entries", "up to 16");
}

static void groups_inside_groups(void)
{
    CHECK(read("model = { qubits = 3; circuit = { template = \"gates\"; gates = (\"h 0\"); }; layers = 2; };") ==
          HQ_OK);
    CHECK_INT(config.model_qubits, 3);
    CHECK_INT(config.model_layers, 2);
    CHECK_INT(config.model_circuit_template, HQ_TEMPLATE_GATES);
    CHECK_TEXT(config.model_circuit_gates, "h 0");
    CHECK(read("model : { circuit : { } }") == HQ_OK);
    REFUSED("model = {\n circuit = {\n gtes = (); }; };", "run.cfg:3", "unknown key model.circuit.gtes",
            "is model.circuit.gates");
    REFUSED("model = {\n cirucit = {\n gates = (); }; };", "run.cfg:2", "unknown group model.cirucit",
            "is model.circuit");
    REFUSED("model = {\n circuit = \"classical\"; };", "run.cfg:2", "model.circuit is a text", "a group of keys",
            "circuit = { key = value; };");
    REFUSED("circuit = { gates = (); };", "unknown group circuit", "is model.circuit");
    REFUSED("train = { circuit = { gates = (); }; };", "unknown group train.circuit", "is model.circuit");
    REFUSED("model = { gates = (); };", "unknown key model.gates", "is model.circuit.gates");
    REFUSED("model = { circuit = { qubits = 3; }; };", "unknown key model.circuit.qubits", "is model.qubits");
    REFUSED("model = { circuit = { gates = { h = 0; }; }; };", "model.circuit.gates is a group", "a list of texts");
    REFUSED("model = { circuit = { }; circuit = { }; };", "duplicate");
}

static void lists_of_texts(void)
{
    static const struct {
        const char *value, *want;
    } cases[] = {{"(\"h 0\", \"cx 0 1\")", "h 0; cx 0 1"},
                 {"[\"h 0\", \"cx 0 1\"]", "h 0; cx 0 1"},
                 {"\"h 0; cx 0 1\"", "h 0; cx 0 1"},
                 {"(\"  h \\t 0\", \"\", \" ; \", \"cx 0 1; x 1;\")", "h 0; cx 0 1; x 1"},
                 {"(\n\"ry(x0)\" \" 1\", # one text in two pieces\n\"h 12\")", "ry(x0) 1; h 12"},
                 {"()", ""},
                 {"[]", ""},
                 {"\"\"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "model = { circuit = { gates = %s; }; };", cases[i].value);
        CHECK(read(text) == HQ_OK);
        CHECK_TEXT(config.model_circuit_gates, cases[i].want);
    }
    REFUSED("model = { circuit = {\n gates = (\"h 0\", 5); }; };", "run.cfg:2",
            "entry 2 of model.circuit.gates is an integer", "a text");
    REFUSED("model = { circuit = { gates = (\"h 0\", (\"h 1\")); }; };", "entry 2 of model.circuit.gates is a list");
    REFUSED("model = { circuit = { gates = 5; }; };", "model.circuit.gates is an integer", "a list of texts");
    REFUSED("model = { circuit = { gates = [1, 2]; }; };", "entry 1 of model.circuit.gates is an integer");
    REFUSED("model = { circuit = { template = (\"gates\"); }; };", "model.circuit.template is a list", "a word");
}

static void lists_of_texts_have_a_length(void)
{
    enum { PIECE = 1000 };
    static char text[HQ_LINES_MAX + 2048];
    char piece[PIECE + 1];
    memset(piece, 'x', PIECE);
    piece[PIECE] = '\0';
    for (int pieces = 16; pieces <= 17; pieces++) {
        strcpy(text, "model = { circuit = { measure = (");
        for (int i = 0; i < pieces; i++) strcat(strcat(strcat(strcat(text, i ? "," : ""), "\""), piece), "\"");
        strcat(text, "); }; };");
        if (pieces == 17)
            REFUSED(text, "model.circuit.measure = \"xxx", "17032 bytes", "up to 16383");
        else
            CHECK(read(text) == HQ_OK);
    }
}

static void texts_have_a_length(void)
{
    char text[HQ_TEXT_MAX + 64], value[HQ_TEXT_MAX + 1];
    memset(value, 'x', sizeof value);
    value[HQ_TEXT_MAX] = '\0';
    strcat(strcat(strcpy(text, "data = { source = \""), value), "\"; };");
    REFUSED(text, "data.source", "1024 bytes", "up to 1023");
    strcat(strcat(strcpy(text, "data = { source = \""), value + 1), "\"; };");
    CHECK(read(text) == HQ_OK);
    CHECK_TEXT(config.data_source, value + 1);
}

static void bad_syntax(void)
{
    REFUSED("train = {\n batch 64; };", "run.cfg:2", "syntax error");
    REFUSED("train = { batch = 64; batch = 65; };", "run.cfg:1", "duplicate");
    REFUSED("train = { batch = 64; };\ntrain = { epochs = 6; };", "run.cfg:2", "duplicate");
    REFUSED("train = { batch = 64;", "run.cfg:1", "syntax error");
    REFUSED("data = { source = \"no end", "run.cfg", "syntax error");
    REFUSED("train = { batch = 64; };\n \t@include \"/dev/zero\"\n", "run.cfg:2", "@include is allowed in files only");
    REFUSED("train = {\n batch = 3; /* no end\n };", "run.cfg:2", "comment without end");
}

int main(void)
{
    HQ_RUN(defaults);
    HQ_RUN(values_of_every_kind);
    HQ_RUN(later_texts_go_over_earlier_ones);
    HQ_RUN(integers_never_wrap);
    HQ_RUN(unknown_names);
    HQ_RUN(wrong_types);
    HQ_RUN(wrong_values);
    HQ_RUN(groups_inside_groups);
    HQ_RUN(lists_of_texts);
    HQ_RUN(lists_of_texts_have_a_length);
    HQ_RUN(texts_have_a_length);
    HQ_RUN(bad_syntax);
    return hq_check_result();
}
