#include "hqcnn/config.h"

/* Rules that need more than one key, or more than a range. Each names the keys, their values and what is allowed. */

static hq_status check_classes(const hq_config *c)
{
    const hq_list *classes = &c->data_classes;
    if (classes->n == 1) {
        HQ_FAIL(HQ_ERR_CONFIG, "data.classes = [%d] keeps a single class; allowed: at least 2, or [] for all",
                classes->v[0]);
    }
    for (int i = 0; i < classes->n; i++)
        for (int j = 0; j < i; j++)
            if (classes->v[i] == classes->v[j])
                HQ_FAIL(HQ_ERR_CONFIG, "data.classes names label %d twice (entries %d and %d)", classes->v[i], j + 1,
                        i + 1);
    return HQ_OK;
}

static hq_status check_class_count(const hq_config *c)
{
    int count = c->data_class_count, kept = c->data_classes.n;
    if (count == 1) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "data.class_count = 1 leaves nothing to tell apart; allowed: 0 (from the data) or at least 2");
    }
    if (kept && count && count != kept) {
        HQ_FAIL(HQ_ERR_CONFIG, "data.class_count = %d, but data.classes names %d classes; set data.class_count = 0",
                count, kept);
    }
    return HQ_OK;
}

static hq_status check_task(const hq_config *c)
{
    int kept = c->data_classes.n, count = kept ? kept : c->data_class_count;
    if (c->data_task == HQ_TASK_MULTI_LABEL && kept) {
        HQ_FAIL(HQ_ERR_CONFIG, "data.classes chooses samples by their one label and can't be used with "
                               "data.task = \"multi-label\"; set data.classes = []");
    }
    if (c->data_task == HQ_TASK_BINARY && count && count != 2) {
        HQ_FAIL(HQ_ERR_CONFIG, "data.task = \"binary\" has 2 classes, but %s gives %d",
                kept ? "data.classes" : "data.class_count", count);
    }
    return HQ_OK;
}

static hq_status check_source(const hq_config *c)
{
    if (c->data_source[0] == '\0')
        HQ_FAIL(HQ_ERR_CONFIG, "data.source is empty; allowed: \"phantom\" or the path of a file");
    if (c->phantom_channels == 2) HQ_FAIL(HQ_ERR_CONFIG, "phantom.channels = 2; allowed: 1 (grey) or 3 (colour)");
    return HQ_OK;
}

static hq_status check_convolutions(const hq_config *c)
{
    int n = c->model_channels.n;
    if (n < 1) HQ_FAIL(HQ_ERR_CONFIG, "model.channels is empty; allowed: 1 to %d convolutions", HQ_LIST_MAX);
    if (c->model_padding.n != n || c->model_pool.n != n) {
        HQ_FAIL(
            HQ_ERR_CONFIG,
            "model.channels, model.padding and model.pool need one entry for each convolution, but have %d, %d and %d",
            n, c->model_padding.n, c->model_pool.n);
    }
    for (int i = 0; c->model_norm == HQ_NORM_GROUP && i < n; i++) {
        if (c->model_channels.v[i] % c->model_norm_groups) {
            HQ_FAIL(HQ_ERR_CONFIG, "model.norm_groups = %d does not divide entry %d of model.channels, %d",
                    c->model_norm_groups, i + 1, c->model_channels.v[i]);
        }
    }
    return HQ_OK;
}

static hq_status check_head(const hq_config *c)
{
    if (c->model_head == 0 && c->model_dropout > 0) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "model.dropout = %g drops hidden units, but model.head = 0 has none; set model.dropout = 0",
                c->model_dropout);
    }
    return HQ_OK;
}

static hq_status check_batch(const hq_config *c)
{
    if (c->train_microbatch > c->train_batch) {
        HQ_FAIL(HQ_ERR_CONFIG, "train.microbatch = %d is larger than train.batch = %d; allowed: 1 to train.batch, or 0",
                c->train_microbatch, c->train_batch);
    }
    return HQ_OK;
}

static hq_status check_schedule(const hq_config *c)
{
    const hq_list *steps = &c->train_schedule_steps;
    if (c->train_schedule == HQ_SCHEDULE_STEP && steps->n == 0)
        HQ_FAIL(HQ_ERR_CONFIG,
                "train.schedule = \"step\", but train.schedule_steps is empty; allowed: at least 1 entry");
    for (int i = 1; i < steps->n; i++) {
        if (steps->v[i] <= steps->v[i - 1]) {
            HQ_FAIL(HQ_ERR_CONFIG, "train.schedule_steps must rise, but entry %d is %d and entry %d is %d", i,
                    steps->v[i - 1], i + 1, steps->v[i]);
        }
    }
    return HQ_OK;
}

static hq_status check_rate_rule(const hq_config *c)
{
    if (c->train_rate_rule == HQ_RATE_RULE_NONE || c->train_rate_batch > 0) return HQ_OK;
    HQ_FAIL(HQ_ERR_CONFIG,
            "train.rate_rule = \"%s\" needs the batch that train.learning_rate was chosen for, but train.rate_batch = "
            "0; allowed: at least 1, or train.rate_rule = \"none\"",
            hq_config_word("train.rate_rule", c->train_rate_rule));
}

static hq_status check_gates(const hq_config *c)
{
    bool given = c->model_circuit_gates[0] != '\0';
    if (c->model_circuit_template == HQ_TEMPLATE_GATES && !given) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "model.circuit.template = \"gates\", but model.circuit.gates is empty; allowed: at least 1 gate");
    }
    if (c->model_circuit_template != HQ_TEMPLATE_GATES && given) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "model.circuit.gates = \"%.60s\" is not used by model.circuit.template = \"%s\"; set "
                "model.circuit.template = \"gates\" or model.circuit.gates = ()",
                c->model_circuit_gates, hq_config_word("model.circuit.template", c->model_circuit_template));
    }
    return HQ_OK;
}

static hq_status check_measure(const hq_config *c)
{
    if (c->model_circuit_template == HQ_TEMPLATE_CLASSICAL && c->model_circuit_measure[0]) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "model.circuit.measure = \"%.60s\" is not used by model.circuit.template = \"classical\"; set "
                "model.circuit.measure = ()",
                c->model_circuit_measure);
    }
    return HQ_OK;
}

static hq_status check_shots(const hq_config *c)
{
    if (c->shots_chunk > c->shots_count) {
        HQ_FAIL(HQ_ERR_CONFIG, "shots.chunk = %d is larger than shots.count = %d; allowed: 1 to shots.count, or 0",
                c->shots_chunk, c->shots_count);
    }
    if (c->shots_mitigation == HQ_MITIGATION_NONE) return HQ_OK;
    if (c->shots_count == 0) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "shots.mitigation = \"readout\" corrects counts, but shots.count = 0 has none; set shots.mitigation = "
                "\"none\" or shots.count to at least 1");
    }
    if (c->noise_readout01 + c->noise_readout10 >= 1) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "shots.mitigation = \"readout\" can't invert noise.readout01 = %g and noise.readout10 = %g; allowed: "
                "less than 1 together",
                c->noise_readout01, c->noise_readout10);
    }
    return HQ_OK;
}

typedef struct hq_probability {
    const char *key;
    double value;
} hq_probability;

/* The first probability of an error after gates that is not 0; without key if there is none. */
static hq_probability gate_noise(const hq_config *c)
{
    const hq_probability noise[] = {{"noise.depolarizing1", c->noise_depolarizing1},
                                    {"noise.depolarizing2", c->noise_depolarizing2},
                                    {"noise.amplitude_damping", c->noise_amplitude_damping},
                                    {"noise.phase_damping", c->noise_phase_damping}};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (noise[i].value > 0) return noise[i];
    return (hq_probability){0};
}

/* The same, errors in reading too. */
static hq_probability any_noise(const hq_config *c)
{
    hq_probability noise = gate_noise(c);
    if (noise.key) return noise;
    if (c->noise_readout01 > 0) return (hq_probability){"noise.readout01", c->noise_readout01};
    if (c->noise_readout10 > 0) return (hq_probability){"noise.readout10", c->noise_readout10};
    return noise;
}

static hq_status check_gradient(const hq_config *c)
{
    static const char failed[] = "gradient.method = \"adjoint\" needs exact expectation values, but",
                      advice[] = "set gradient.method = \"parameter-shift\" or \"spsa\"";
    hq_probability noise = any_noise(c);
    if (c->gradient_method != HQ_GRADIENT_ADJOINT) return HQ_OK;
    if (c->executor_command[0])
        HQ_FAIL(HQ_ERR_CONFIG, "%s executor.command = \"%.100s\"; %s", failed, c->executor_command, advice);
    if (c->shots_count) HQ_FAIL(HQ_ERR_CONFIG, "%s shots.count = %d; %s", failed, c->shots_count, advice);
    if (noise.key) HQ_FAIL(HQ_ERR_CONFIG, "%s %s = %g; %s", failed, noise.key, noise.value, advice);
    return HQ_OK;
}

static hq_status check_executor(const hq_config *c)
{
    const char *command = c->executor_command;
    hq_probability noise = gate_noise(c);
    if (!command[0]) return HQ_OK;
    if (c->shots_count == 0) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "executor.command = \"%.100s\" answers with counts, but shots.count = 0; set shots.count to at least 1",
                command);
    }
    if (noise.key) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "executor.command = \"%.100s\" has its own noise and can't be used with %s = %g; set %s = 0", command,
                noise.key, noise.value, noise.key);
    }
    return HQ_OK;
}

static hq_status check_stall(const hq_config *c)
{
    const double executor = c->executor_timeout * (c->executor_retries + 1);
    if (c->dist_stall_abort > 0 && c->dist_stall_abort < c->dist_stall_timeout) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "dist.stall_abort = %g ends the job before dist.stall_timeout = %g has passed; allowed: 0 or "
                "at least dist.stall_timeout",
                c->dist_stall_abort, c->dist_stall_timeout);
    }
    if (c->executor_command[0] && c->dist_stall_abort > 0 && c->dist_stall_abort < executor) {
        HQ_FAIL(HQ_ERR_CONFIG,
                "dist.stall_abort = %g ends the job while the executor may still answer (executor.timeout * "
                "(executor.retries + 1) = %g); allowed: 0 or at least that",
                c->dist_stall_abort, executor);
    }
    return HQ_OK;
}

hq_status hq_config_check(const hq_config *config)
{
    static hq_status (*const rules[])(const hq_config *) = {
        check_source,  check_classes, check_class_count, check_task,      check_convolutions,
        check_head,    check_batch,   check_schedule,    check_rate_rule, check_gates,
        check_measure, check_shots,   check_gradient,    check_executor,  check_stall,
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) HQ_TRY(rules[i](config));
    return HQ_OK;
}
