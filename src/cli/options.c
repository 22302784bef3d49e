/* options.c: the command line as a plain struct. */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const command_name[HQ_COMMAND_COUNT] = {[HQ_COMMAND_TRAIN] = "train",
                                                           [HQ_COMMAND_EVALUATE] = "evaluate",
                                                           [HQ_COMMAND_PREDICT] = "predict",
                                                           [HQ_COMMAND_CHECK] = "check",
                                                           [HQ_COMMAND_INSPECT] = "inspect",
                                                           [HQ_COMMAND_CIRCUIT] = "circuit",
                                                           [HQ_COMMAND_CIRCUIT_EVAL] = "circuit eval",
                                                           [HQ_COMMAND_BENCH_CIRCUIT] = "bench circuit",
                                                           [HQ_COMMAND_BENCH_TRAIN] = "bench train",
                                                           [HQ_COMMAND_BENCH_INFER] = "bench infer",
                                                           [HQ_COMMAND_BENCH_LAYERS] = "bench layers",
                                                           [HQ_COMMAND_BENCH_SCALE] = "bench scale",
                                                           [HQ_COMMAND_BENCH_CHECKPOINT] = "bench checkpoint",
                                                           [HQ_COMMAND_DATA_IMPORT] = "data import",
                                                           [HQ_COMMAND_DOCTOR] = "doctor",
                                                           [HQ_COMMAND_SWEEP] = "sweep",
                                                           [HQ_COMMAND_SWEEP_PLAN] = "sweep plan",
                                                           [HQ_COMMAND_SWEEP_STATUS] = "sweep status",
                                                           [HQ_COMMAND_SWEEP_BEST] = "sweep best",
                                                           [HQ_COMMAND_SWEEP_TABLE] = "sweep table",
                                                           [HQ_COMMAND_SWEEP_REPORT] = "sweep report"};

enum {
    ON_TRAIN = 1 << HQ_COMMAND_TRAIN,
    ON_EVALUATE = 1 << HQ_COMMAND_EVALUATE,
    ON_PREDICT = 1 << HQ_COMMAND_PREDICT,
    ON_CHECK = 1 << HQ_COMMAND_CHECK,
    ON_INSPECT = 1 << HQ_COMMAND_INSPECT,
    ON_CIRCUIT = 1 << HQ_COMMAND_CIRCUIT,
    ON_CIRCUIT_EVAL = 1 << HQ_COMMAND_CIRCUIT_EVAL,
    ON_BENCH_CHECKPOINT = 1 << HQ_COMMAND_BENCH_CHECKPOINT,
    ON_BENCH = ON_BENCH_CHECKPOINT | 1 << HQ_COMMAND_BENCH_CIRCUIT | 1 << HQ_COMMAND_BENCH_TRAIN |
               1 << HQ_COMMAND_BENCH_INFER | 1 << HQ_COMMAND_BENCH_LAYERS | 1 << HQ_COMMAND_BENCH_SCALE,
    ON_COMPUTE = ON_TRAIN | 1 << HQ_COMMAND_SWEEP | ON_EVALUATE | ON_PREDICT | 1 << HQ_COMMAND_BENCH_TRAIN |
                 1 << HQ_COMMAND_BENCH_INFER,
    ON_DATA_IMPORT = 1 << HQ_COMMAND_DATA_IMPORT,
    ON_DOCTOR = 1 << HQ_COMMAND_DOCTOR,
    ON_SWEEP = 1 << HQ_COMMAND_SWEEP,
    ON_SWEEP_PLAN = 1 << HQ_COMMAND_SWEEP_PLAN,
    ON_SWEEP_BEST = 1 << HQ_COMMAND_SWEEP_BEST,
    ON_SWEEP_TABLE = 1 << HQ_COMMAND_SWEEP_TABLE,
    ON_SWEEP_REPORT = 1 << HQ_COMMAND_SWEEP_REPORT,
    ON_SWEEP_SHOW = ON_SWEEP_BEST | ON_SWEEP_TABLE | ON_SWEEP_REPORT | 1 << HQ_COMMAND_SWEEP_STATUS,
    ON_ALL = (1 << HQ_COMMAND_COUNT) - 1
};

typedef enum hq_takes { TAKES_NOTHING, TAKES_VALUE, TAKES_PERHAPS } hq_takes;

static hq_status set_text(char *field, size_t size, const char *value, const char *name)
{
    if (!value[0]) HQ_FAIL(HQ_ERR_USAGE, "%s: the value is empty", name);
    if (hq_copy_text(field, size, value)) return HQ_OK;
    HQ_FAIL(HQ_ERR_USAGE, "%s: the value is longer than %zu characters", name, size - 1);
}

static hq_status on_set(hq_options *options, const char *value)
{
    if (options->sets == HQ_SETS_MAX)
        HQ_FAIL(HQ_ERR_USAGE, "--set %s: at most %d of them are allowed", value, HQ_SETS_MAX);
    return set_text(options->set[options->sets++], HQ_TEXT_MAX, value, "--set");
}

static hq_status on_split(hq_options *options, const char *value)
{
    for (int i = 0; i < HQ_SPLIT_COUNT; i++)
        if (strcmp(value, hq_split_name(i)) == 0) {
            options->split = i;
            return HQ_OK;
        }
    HQ_FAIL(HQ_ERR_USAGE, "--split %s: allowed are train, val and test", value);
}

static hq_status on_run_dir(hq_options *options, const char *value)
{
    return set_text(options->run_dir, sizeof options->run_dir, value, "--run-dir");
}

static hq_status on_output(hq_options *options, const char *value)
{
    return set_text(options->output, sizeof options->output, value, "--output");
}

static hq_status on_svg(hq_options *options, const char *value)
{
    return set_text(options->svg, sizeof options->svg, value, "--svg");
}

static hq_status on_qasm2(hq_options *options, const char *value)
{
    return set_text(options->qasm2, sizeof options->qasm2, value, "--qasm2");
}

static hq_status on_qasm3(hq_options *options, const char *value)
{
    return set_text(options->qasm3, sizeof options->qasm3, value, "--qasm3");
}

static hq_status on_probabilities(hq_options *options, const char *value)
{
    return set_text(options->probabilities, sizeof options->probabilities, value, "--probabilities");
}

static hq_status on_inputs(hq_options *options, const char *value)
{
    return set_text(options->inputs, sizeof options->inputs, value, "--inputs");
}

static hq_status on_weights(hq_options *options, const char *value)
{
    return set_text(options->weights, sizeof options->weights, value, "--weights");
}

/* A number of bytes, or of K, M or G bytes, powers of 1024. */
static hq_status on_bytes(hq_options *options, const char *value)
{
    static const char units[] = "KMG";
    char *end;
    const double number = strtod(value, &end);
    const char *unit = *end ? strchr(units, *end) : NULL;
    const double bytes = ldexp(number, unit ? 10 * (int)(unit - units + 1) : 0);
    if (end == value || (*end && (!unit || end[1])) || !(bytes >= 1 && bytes <= 0x1p50))
        HQ_FAIL(HQ_ERR_USAGE, "--bytes %s: allowed is a number from 1 to 2^50, also with K, M or G behind it", value);
    options->bytes = (int64_t)bytes;
    return HQ_OK;
}

static hq_status on_ranks_per_trial(hq_options *options, const char *value)
{
    char set[HQ_TEXT_MAX];
    snprintf(set, sizeof set, "sweep.ranks_per_trial=%.100s", value);
    return on_set(options, set);
}

static hq_status on_trial(hq_options *options, const char *value)
{
    char *end;
    const long number = strtol(value, &end, 10);
    if (*end || end == value || number < 1 || number > INT32_MAX)
        HQ_FAIL(HQ_ERR_USAGE, "--trial %s: allowed is the number of a trial, from 1", value);
    options->trial = (int)number;
    return HQ_OK;
}

static hq_status on_retry(hq_options *options, const char *value) { return (void)value, options->retry = true, HQ_OK; }

static bool is_folder(const char *word)
{
    struct stat info;
    return stat(word, &info) == 0 && S_ISDIR(info.st_mode);
}

static hq_status on_resume(hq_options *options, const char *value)
{
    options->resume = true;
    if (value && is_folder(value)) return on_run_dir(options, value);
    return value ? set_text(options->resume_file, sizeof options->resume_file, value, "--resume") : HQ_OK;
}

static hq_status on_json(hq_options *options, const char *value) { return (void)value, options->json = true, HQ_OK; }
static hq_status on_hash(hq_options *options, const char *value) { return (void)value, options->hash = true, HQ_OK; }
static hq_status on_document(hq_options *options, const char *value)
{
    return (void)value, options->document = true, HQ_OK;
}
static hq_status on_force(hq_options *options, const char *value) { return (void)value, options->force = true, HQ_OK; }
static hq_status on_dump(hq_options *options, const char *value) { return (void)value, options->dump = true, HQ_OK; }

static hq_status on_binding(hq_options *options, const char *value)
{
    return (void)value, options->binding = true, HQ_OK;
}

static const struct hq_option {
    const char *name;
    hq_takes takes;
    int commands;
    hq_status (*apply)(hq_options *options, const char *value);
} option[] = {
    {"--set", TAKES_VALUE, ON_ALL & ~(ON_INSPECT | ON_SWEEP_SHOW), on_set},
    {"--run-dir", TAKES_VALUE,
     ON_ALL & ~(ON_CHECK | ON_CIRCUIT_EVAL | (ON_BENCH & ~ON_BENCH_CHECKPOINT) | ON_DATA_IMPORT), on_run_dir},
    {"--resume", TAKES_PERHAPS, ON_TRAIN, on_resume},
    {"--split", TAKES_VALUE, ON_EVALUATE | ON_PREDICT, on_split},
    {"--json", TAKES_NOTHING, ON_EVALUATE | ON_BENCH | ON_DOCTOR, on_json},
    {"--output", TAKES_VALUE, ON_PREDICT | ON_SWEEP_BEST | ON_SWEEP_TABLE | ON_SWEEP_REPORT, on_output},
    {"--ranks-per-trial", TAKES_VALUE, ON_SWEEP, on_ranks_per_trial},
    {"--trial", TAKES_VALUE, ON_SWEEP, on_trial},
    {"--retry", TAKES_NOTHING, ON_SWEEP, on_retry},
    {"--bytes", TAKES_VALUE, ON_BENCH_CHECKPOINT, on_bytes},
    {"--print-binding", TAKES_NOTHING, ON_COMPUTE, on_binding},
    {"--hash", TAKES_NOTHING, ON_INSPECT, on_hash},
    {"--force", TAKES_NOTHING, ON_DATA_IMPORT | ON_SWEEP | ON_SWEEP_PLAN, on_force},
    {"--document", TAKES_NOTHING, ON_CHECK, on_document},
    {"--dump", TAKES_NOTHING, ON_CHECK, on_dump},
    {"--svg", TAKES_VALUE, ON_CIRCUIT, on_svg},
    {"--qasm2", TAKES_VALUE, ON_CIRCUIT, on_qasm2},
    {"--qasm3", TAKES_VALUE, ON_CIRCUIT, on_qasm3},
    {"--probabilities", TAKES_VALUE, ON_CIRCUIT, on_probabilities},
    {"--inputs", TAKES_VALUE, ON_CIRCUIT, on_inputs},
    {"--weights", TAKES_VALUE, ON_CIRCUIT, on_weights},
};
enum { OPTIONS = sizeof option / sizeof *option };

static hq_status unknown_option(const char *name)
{
    const char *nearest = option[0].name;
    for (int i = 1; i < OPTIONS; i++)
        if (hq_edit_distance(name, option[i].name) < hq_edit_distance(name, nearest)) nearest = option[i].name;
    HQ_FAIL(HQ_ERR_USAGE, "unknown option \"%s\"; the nearest known one is %s (see hqcnn-dist --help)", name, nearest);
}

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

static hq_status unknown_command(const char *word)
{
    const char *nearest = command_name[0];
    bool begins = false; /* the word is the start of the nearest one, which is nearer than any other */
    for (int i = 1; i < HQ_COMMAND_COUNT && !begins; i++) {
        begins = starts_with(command_name[i], word);
        if (begins || hq_edit_distance(word, command_name[i]) < hq_edit_distance(word, nearest))
            nearest = command_name[i];
    }
    HQ_FAIL(HQ_ERR_USAGE, "\"%s\" is neither a command nor a file; the nearest command is %s (see hqcnn-dist --help)",
            word, nearest);
}

/* argv[*at] is an option, perhaps with "=value"; takes the next word when a value is needed. */
static hq_status parse_option(int argc, char **argv, int *at, hq_options *options)
{
    char name[64];
    const char *word = argv[*at], *value = strchr(word, '=');
    size_t n = value ? (size_t)(value - word) : strlen(word);
    if (value) value++;
    if (n >= sizeof name) return unknown_option(word);
    memcpy(name, word, n);
    name[n] = '\0';
    const struct hq_option *found = NULL;
    for (int i = 0; i < OPTIONS; i++)
        if (strcmp(name, option[i].name) == 0) found = &option[i];
    if (!found) return unknown_option(name);
    if (!(found->commands & (1 << options->command)))
        HQ_FAIL(HQ_ERR_USAGE, "%s is not an option of \"%s\" (see hqcnn-dist --help)", name,
                command_name[options->command]);
    if (found->takes == TAKES_NOTHING && value) HQ_FAIL(HQ_ERR_USAGE, "%s takes no value", name);
    if (found->takes == TAKES_VALUE && !value) {
        if (*at + 1 >= argc) HQ_FAIL(HQ_ERR_USAGE, "%s needs a value (see hqcnn-dist --help)", name);
        value = argv[++*at];
    }
    if (found->takes == TAKES_PERHAPS && !value && *at + 1 < argc &&
        (hq_data_is_set_file(argv[*at + 1]) || is_folder(argv[*at + 1])))
        value = argv[++*at];
    return found->apply(options, value);
}

/* Words of "data import": SOURCE, which is data.source, then TARGET. */
static hq_status parse_import(const char *word, hq_options *options)
{
    char source[PATH_MAX + 16] = "data.source=";
    if (!options->has_source) {
        options->has_source = true;
        strncat(source, word, PATH_MAX);
        return on_set(options, source);
    }
    if (options->target[0])
        HQ_FAIL(HQ_ERR_USAGE, "unexpected word \"%s\" after %s (see hqcnn-dist --help)", word, options->target);
    if (!hq_data_is_set_file(word))
        HQ_FAIL(HQ_ERR_USAGE,
                "data import: TARGET \"%s\" does not end in \".h5\", by which data.source knows such files", word);
    return set_text(options->target, sizeof options->target, word, "TARGET");
}

/* A word that is no option: for commands that read checkpoints a checkpoint or a run folder, for "circuit eval" its
 * file, else a configuration file. */
static hq_status parse_word(const char *word, hq_options *options)
{
    const bool reads = options->command == HQ_COMMAND_EVALUATE || options->command == HQ_COMMAND_PREDICT ||
                       options->command == HQ_COMMAND_INSPECT || options->command == HQ_COMMAND_CIRCUIT;
    const bool folder = is_folder(word), shows = ON_SWEEP_SHOW & (1 << options->command);
    if (shows || (folder && ((ON_SWEEP | ON_SWEEP_PLAN) & (1 << options->command)))) return on_run_dir(options, word);
    if (options->command == HQ_COMMAND_DATA_IMPORT) return parse_import(word, options);
    if (options->command == HQ_COMMAND_CIRCUIT_EVAL && !options->cases[0])
        return set_text(options->cases, sizeof options->cases, word, "file of circuits");
    if (reads && folder && !options->run_dir[0] && !options->checkpoint[0]) return on_run_dir(options, word);
    if (reads && !folder && !options->checkpoint[0] &&
        (hq_data_is_set_file(word) || options->command == HQ_COMMAND_INSPECT))
        return set_text(options->checkpoint, sizeof options->checkpoint, word, "checkpoint");
    if (options->config[0])
        HQ_FAIL(HQ_ERR_USAGE, "unexpected word \"%s\" after %s (see hqcnn-dist --help)", word, options->config);
    return set_text(options->config, sizeof options->config, word, "configuration file");
}

static hq_status name_checkpoint(hq_options *options)
{
    if (options->checkpoint[0]) return HQ_OK;
    if (!options->run_dir[0])
        HQ_FAIL(HQ_ERR_USAGE, "%s needs a checkpoint: a .h5 file or the folder of a run",
                command_name[options->command]);
    if (strlen(options->run_dir) + 16 > sizeof options->checkpoint)
        HQ_FAIL(HQ_ERR_USAGE, "--run-dir: the name is too long");
    strcpy(options->checkpoint, options->run_dir);
    strcat(options->checkpoint, "/best.h5");
    return HQ_OK;
}

/* What a command cannot do without. */
static hq_status check_needed(hq_options *options)
{
    switch (options->command) {
    case HQ_COMMAND_TRAIN:
    case HQ_COMMAND_CHECK:
    case HQ_COMMAND_BENCH_CIRCUIT:
    case HQ_COMMAND_BENCH_TRAIN:
    case HQ_COMMAND_BENCH_INFER:
    case HQ_COMMAND_BENCH_LAYERS:
    case HQ_COMMAND_BENCH_SCALE:
    case HQ_COMMAND_BENCH_CHECKPOINT:
    case HQ_COMMAND_DOCTOR:
    case HQ_COMMAND_SWEEP:
    case HQ_COMMAND_SWEEP_PLAN:
        return HQ_OK;
    case HQ_COMMAND_SWEEP_STATUS:
    case HQ_COMMAND_SWEEP_BEST:
    case HQ_COMMAND_SWEEP_TABLE:
    case HQ_COMMAND_SWEEP_REPORT:
        if (options->run_dir[0]) return HQ_OK;
        HQ_FAIL(HQ_ERR_USAGE, "%s needs the folder of a sweep", command_name[options->command]);
    case HQ_COMMAND_CIRCUIT:
        return options->run_dir[0] ? name_checkpoint(options) : HQ_OK;
    case HQ_COMMAND_CIRCUIT_EVAL:
        if (options->cases[0]) return HQ_OK;
        HQ_FAIL(HQ_ERR_USAGE, "circuit eval needs a file of circuits, in JSON (see docs/circuit_command.md)");
    case HQ_COMMAND_DATA_IMPORT:
        if (options->target[0]) return HQ_OK;
        HQ_FAIL(HQ_ERR_USAGE, "data import needs a SOURCE (\"phantom\" or an .npz file) and a TARGET.h5");
    default:
        return name_checkpoint(options);
    }
}

/* How many words of the command line the name of a command takes, from the first on: 1 or 2; 0: it is another one. */
static int words_of(int argc, char **argv, const char *name)
{
    const char *blank = strchr(name, ' ');
    if (!blank) return strcmp(argv[1], name) == 0;
    const size_t n = (size_t)(blank - name);
    const bool same = argc > 2 && strlen(argv[1]) == n && memcmp(argv[1], name, n) == 0;
    return same && strcmp(argv[2], blank + 1) == 0 ? 2 : 0;
}

hq_status hq_cli_parse(int argc, char **argv, hq_options *options)
{
    int at = 1;
    options->command = HQ_COMMAND_TRAIN;
    options->split = HQ_SPLIT_TEST;
    for (int i = 0; argc > 1 && i < HQ_COMMAND_COUNT; i++) {
        const int words = words_of(argc, argv, command_name[i]);
        if (words < at) continue;
        options->command = i;
        at = 1 + words;
    }
    if (at == 1 && argc > 1 && argv[1][0] != '-' && !strpbrk(argv[1], "./") && access(argv[1], F_OK) != 0)
        return unknown_command(argv[1]);
    for (; at < argc; at++) {
        if (argv[at][0] == '-')
            HQ_TRY(parse_option(argc, argv, &at, options));
        else
            HQ_TRY(parse_word(argv[at], options));
    }
    return check_needed(options);
}
