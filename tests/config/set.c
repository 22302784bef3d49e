#include <string.h>

#include "config/refusal.h"
#include "config/table.h"
#include "hqcnn/config.h"

#define SET(assignment) CHECK(hq_config_set(&config, assignment) == HQ_OK)
#define REFUSED(assignment, ...) CHECK_REFUSED(set(assignment), HQ_ERR_CONFIG, "--set", __VA_ARGS__)

static hq_config config;

/* A refused override must leave the configuration as it is. */
static hq_status set(const char *assignment)
{
    hq_config before = config;
    hq_status status = hq_config_set(&config, assignment);
    CHECK(status == HQ_OK || memcmp(&config, &before, sizeof before) == 0);
    CHECK_INT(hq_memory_balance(), 0);
    return status;
}

static void numbers(void)
{
    SET("train.batch=128");
    CHECK_INT(config.train_batch, 128);
    SET(" train.batch =  32 ");
    CHECK_INT(config.train_batch, 32);
    SET("train.learning_rate=1");
    CHECK(config.train_learning_rate == 1);
    SET("train.learning_rate=2.5e-4");
    CHECK(config.train_learning_rate == 2.5e-4);
    REFUSED("train.batch=0", "train.batch=0", "train.batch = 0", "1 to 16777216");
    REFUSED("train.batch=6.4", "train.batch is a real number", "an integer");
    REFUSED("train.batch=many", "train.batch is a text", "an integer");
    REFUSED("train.batch=", "train.batch is empty", "an integer");
    REFUSED("train.batch=4294967297", "train.batch = 4294967297");
    REFUSED("train.batch=99999999999999999999", "train.batch", "out of range");
    REFUSED("train.batch=12;", "train.batch is a text");
    REFUSED("train.learning_rate=nan", "train.learning_rate = nan", "0 to 1000");
    REFUSED("train.learning_rate=inf", "train.learning_rate = inf");
    REFUSED("train.learning_rate=1e-3x", "train.learning_rate is a text", "a number");
    SET("train.clip_norm=-0.0");
    CHECK(!signbit(config.train_clip_norm));
}

static void words_and_texts(void)
{
    SET("train.optimizer=sgd");
    CHECK_INT(config.train_optimizer, HQ_OPTIMIZER_SGD);
    SET("train.optimizer=\"adamw\"");
    CHECK_INT(config.train_optimizer, HQ_OPTIMIZER_ADAMW);
    SET("data.source=/a=b/c d.npz");
    CHECK_TEXT(config.data_source, "/a=b/c d.npz");
    SET("data.source=\"/a\\\"b\\\\c\\x41\\n\"");
    CHECK_TEXT(config.data_source, "/a\"b\\cA\n");
    SET("data.source=/a\\b\"c");
    CHECK_TEXT(config.data_source, "/a\\b\"c");
    REFUSED("data.source=\"/a", "quotes", "data.source");
    REFUSED("data.source=\"/a\"b", "quotes");
    REFUSED("data.source=\"/a\\\"", "quotes");
    REFUSED("data.source=\"", "quotes");
    REFUSED("train.optimizer=adma", "\"adma\"", "\"sgd\", \"adam\", \"adamw\", \"lars\", \"lamb\"",
            "nearest is \"adam\"");
    char text[8000] = "data.source=/";
    memset(text + 13, 'x', HQ_TEXT_MAX - 1);
    REFUSED(text, "data.source", "up to 1023");
    text[12 + HQ_TEXT_MAX - 1] = '\0';
    SET(text);
    CHECK_INT(strlen(config.data_source), HQ_TEXT_MAX - 1);
    memset(text + 13, 'x', sizeof text - 14);
    REFUSED(text, "data.source", "bytes");
}

static void check_list(const hq_list *list, int n, int first, int last)
{
    CHECK_INT(list->n, n);
    CHECK_INT(list->v[0], first);
    CHECK_INT(list->v[n ? n - 1 : 0], last);
}

static void lists(void)
{
    const hq_list *list = &config.data_classes;
    SET("data.classes=[1, 2]"), check_list(list, 2, 1, 2);
    SET("data.classes=3,4,5"), check_list(list, 3, 3, 5);
    SET("data.classes=[]"), check_list(list, 0, 0, 0);
    SET("data.classes=6"), check_list(list, 1, 6, 6);
    SET("data.classes=( 7 , 8 )"), check_list(list, 2, 7, 8);
    SET("data.classes=[ ]"), check_list(list, 0, 0, 0);
    REFUSED("data.classes=", "data.classes is empty", "[]");
    REFUSED("data.classes=[1", "closing bracket");
    REFUSED("data.classes=[", "closing bracket");
    REFUSED("data.classes=1]", "entry 1 of data.classes is a text");
    REFUSED("data.classes=1,,2", "entry 2 of data.classes is empty");
    REFUSED("data.classes=1,2,", "entry 3 of data.classes is empty");
    REFUSED("data.classes=1,2.5", "entry 2 of data.classes is a real number", "an integer");
    REFUSED("data.classes=1,-2", "entry 2 of data.classes = -2", "0 to 65535");
    REFUSED("data.classes=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", "17 entries", "up to 16");
}

static void lists_of_texts(void)
{
    static const struct {
        const char *assignment, *want;
    } cases[] = {
        {"model.circuit.gates=h 0; cx 0 1", "h 0; cx 0 1"},
        {"model.circuit.gates=\"h 0; cx 0 1\"", "h 0; cx 0 1"},
        {"model.circuit.gates=h 0;cx 0 1", "h 0; cx 0 1"},
        {"model.circuit.gates=;; h \t 0 ;;\n cx  0   1 ; ", "h 0; cx 0 1"},
        {"model.circuit.gates=\"h\\t0\\n;\\x78 1\"", "h 0; x 1"},
        {"model.circuit.gates=(\"h 0\", \"cx 0 1\")", "h 0; cx 0 1"},
        {"model.circuit.gates=[ \" h  0\",\"\" ,\"x 1;y 0\" ]", "h 0; x 1; y 0"},
        {"model.circuit.gates=(\"a, b)\")", "a, b)"},
        {"model.circuit.gates=( )", ""},
        {"model.circuit.gates=[]", ""},
        {"model.circuit.gates=", ""},
        {"model.circuit.gates= ; ", ""},
        {"model.circuit.gates=ry(2*x0+0.5) 3", "ry(2*x0+0.5) 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(config.model_circuit_gates, 'x', HQ_LINES_MAX);
        CHECK(set(cases[i].assignment) == HQ_OK);
        CHECK_TEXT(config.model_circuit_gates, cases[i].want);
        size_t n = strlen(cases[i].want), zeros = 0;
        while (n + zeros < HQ_LINES_MAX && !config.model_circuit_gates[n + zeros]) zeros++;
        CHECK_INT(n + zeros, HQ_LINES_MAX);
    }
    REFUSED("model.circuit.gates=(\"h 0\"", "closing bracket", "(\"a\", \"b\")", "16383 bytes");
    REFUSED("model.circuit.gates=(\"h 0)", "quotes", "model.circuit.gates");
    REFUSED("model.circuit.gates=(\"h 0\" \"h 1\")", "quotes");
    REFUSED("model.circuit.gates=(\"h 0\",)", "entry 2 of model.circuit.gates is not a text");
    REFUSED("model.circuit.gates=(h 0)", "entry 1 of model.circuit.gates is not a text");
    REFUSED("model.circuit.gates=\"h 0\"; \"h 1\"", "quotes");
}

static void lists_of_texts_have_a_length(void)
{
    static char text[HQ_LINES_MAX + 64] = "model.circuit.gates=";
    size_t start = strlen(text);
    memset(text + start, 'x', HQ_LINES_MAX);
    REFUSED(text, "model.circuit.gates = \"xxx", "16384 bytes", "up to 16383");
    text[start + HQ_LINES_MAX - 1] = '\0';
    SET(text);
    CHECK_INT(strlen(config.model_circuit_gates), HQ_LINES_MAX - 1);
    text[start + 7] = ';'; /* the blank behind it is one byte more */
    REFUSED(text, "16384 bytes");
    text[start + HQ_LINES_MAX - 2] = ';';
    SET(text);
    CHECK_INT(strlen(config.model_circuit_gates), HQ_LINES_MAX - 1);
}

static void groups_inside_groups(void)
{
    SET("model.circuit.template=strongly-entangling");
    CHECK_INT(config.model_circuit_template, HQ_TEMPLATE_STRONGLY_ENTANGLING);
    REFUSED("model.circuit=classical", "model.circuit is a group", "model.circuit.key=value");
    REFUSED("model.circuit.gtes=h 0", "unknown key model.circuit.gtes", "model.circuit.gates");
    REFUSED("model.cirucit.gates=h 0", "unknown key model.cirucit.gates", "model.circuit.gates");
    REFUSED("modle.circuit.gates=h 0", "unknown group modle.circuit", "is model.circuit");
    REFUSED("model.template=gates", "unknown key model.template", "is model.circuit.template");
    REFUSED("model.circuit.qubits=3", "unknown key model.circuit.qubits", "is model.qubits");
    REFUSED("circuit.template=gates", "unknown group circuit", "is model.circuit");
    REFUSED("template=gates", "template belongs to no group", "is model.circuit.template");
    REFUSED("model.circuit.template=quantum", "\"quantum\"", "\"hqcnn\", \"strongly-entangling\"", "\"classical\"");
}

static void unknown_names(void)
{
    REFUSED("train.bathc=3", "--set train.bathc=3", "train.bathc", "train.batch");
    REFUSED("trian.batch=3", "group trian", "train");
    REFUSED("batch=3", "batch belongs to no group", "train.batch");
    REFUSED("train=3", "train is a group");
    REFUSED("train.batch", "group.key=value");
    REFUSED("=3", "no group");
    REFUSED("", "group.key=value");
    REFUSED("train.=3", "unknown key train.");
    REFUSED("train.batch.size=3", "train.batch.size");
}

/* The words that the code knows by position are the words of the table. */
static void words_by_position(void)
{
    CHECK_TEXT(hq_config_word("data.task", HQ_TASK_MULTI_LABEL), "multi-label");
    CHECK_TEXT(hq_config_word("data.task", HQ_TASK_ORDINAL), "ordinal");
    CHECK_TEXT(hq_config_word("augment.flip", HQ_FLIP_BOTH), "both");
    CHECK_TEXT(hq_config_word("model.norm", HQ_NORM_GROUP), "group");
    CHECK_TEXT(hq_config_word("model.scaling", HQ_SCALING_IDENTITY), "identity");
    CHECK_TEXT(hq_config_word("model.circuit.template", HQ_TEMPLATE_CLASSICAL), "classical");
    CHECK_TEXT(hq_config_word("model.attention", HQ_ATTENTION_TRAINABLE), "trainable");
    CHECK_TEXT(hq_config_word("model.observables", HQ_OBSERVABLES_Z), "z");
    CHECK_TEXT(hq_config_word("model.circuit.template", HQ_TEMPLATE_HQCNN), "hqcnn");
    CHECK_TEXT(hq_config_word("model.circuit.template", HQ_TEMPLATE_RE_UPLOADING), "re-uploading");
    CHECK_TEXT(hq_config_word("model.circuit.template", HQ_TEMPLATE_GATES), "gates");
    CHECK_TEXT(hq_config_word("gradient.method", HQ_GRADIENT_PARAMETER_SHIFT), "parameter-shift");
    CHECK_TEXT(hq_config_word("gradient.method", HQ_GRADIENT_SPSA), "spsa");
    CHECK_TEXT(hq_config_word("shots.mitigation", HQ_MITIGATION_READOUT), "readout");
    CHECK_TEXT(hq_config_word("noise.method", HQ_NOISE_METHOD_TRAJECTORIES), "trajectories");
    CHECK_TEXT(hq_config_word("executor.format", HQ_EXECUTOR_FORMAT_QASM3), "qasm3");
    CHECK_TEXT(hq_config_word("compute.kernel", HQ_COMPUTE_KERNEL_PLAIN), "plain");
    CHECK_TEXT(hq_config_word("compute.circuit", HQ_COMPUTE_CIRCUIT_SINGLE), "single");
    CHECK_TEXT(hq_config_word("dist.spread", HQ_SPREAD_OFF), "off");
    CHECK_TEXT(hq_config_word("train.shuffle", HQ_SHUFFLE_OFF), "off");
    CHECK_TEXT(hq_config_word("train.optimizer", HQ_OPTIMIZER_ADAMW), "adamw");
    CHECK_TEXT(hq_config_word("train.optimizer", HQ_OPTIMIZER_LAMB), "lamb");
    CHECK_TEXT(hq_config_word("train.rate_rule", HQ_RATE_RULE_SQRT), "sqrt");
    CHECK_TEXT(hq_config_word("train.schedule", HQ_SCHEDULE_COSINE), "cosine");
    CHECK_TEXT(hq_config_word("train.class_weights", HQ_CLASS_WEIGHTS_BALANCED), "balanced");
    for (int i = 0; i < hq_key_count; i++) {
        if (hq_keys[i].kind != HQ_KIND_WORD) continue;
        CHECK(hq_key_word(&hq_keys[i], 1) != NULL);
        CHECK(hq_key_word(&hq_keys[i], -1) == NULL && hq_key_word(&hq_keys[i], 100) == NULL);
    }
}

int main(void)
{
    hq_config_defaults(&config);
    HQ_RUN(numbers);
    HQ_RUN(words_and_texts);
    HQ_RUN(lists);
    HQ_RUN(lists_of_texts);
    HQ_RUN(lists_of_texts_have_a_length);
    HQ_RUN(groups_inside_groups);
    HQ_RUN(unknown_names);
    HQ_RUN(words_by_position);
    return hq_check_result();
}
