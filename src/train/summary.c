/* summary.c: what the user reads before a run starts. */
#include "train/run.h"

/* What the circuit is made of. */
static void print_template(const hq_config *config, const hq_circuit *circuit, char *buffer, size_t size)
{
    const int kind = config->model_circuit_template, layers = config->model_layers;
    if (kind == HQ_TEMPLATE_GATES)
        snprintf(buffer, size, "gate list of %d input%s", hq_circuit_inputs(circuit),
                 hq_circuit_inputs(circuit) == 1 ? "" : "s");
    else if (kind == HQ_TEMPLATE_HQCNN)
        snprintf(buffer, size, "%d layer%s, %s attention", layers, layers == 1 ? "" : "s",
                 hq_config_word("model.attention", config->model_attention));
    else
        snprintf(buffer, size, "%s, %d layer%s", hq_config_word("model.circuit.template", kind), layers,
                 layers == 1 ? "" : "s");
}

static const char *circuit_text(const hq_config *config, const hq_circuit *circuit, char *buffer, size_t size)
{
    char template[64], evaluations[48] = "";
    if (!circuit) return "classical control in place of the circuit";
    print_template(config, circuit, template, sizeof template);
    if (config->gradient_method == HQ_GRADIENT_PARAMETER_SHIFT)
        snprintf(evaluations, sizeof evaluations, " (%d evaluations per image)", hq_circuit_shift_evaluations(circuit));
    snprintf(buffer, size, "%d qubit%s, %s, %d output%s, %s%s", config->model_qubits,
             config->model_qubits == 1 ? "" : "s", template, hq_circuit_outputs(circuit),
             hq_circuit_outputs(circuit) == 1 ? "" : "s", hq_config_word("gradient.method", config->gradient_method),
             evaluations);
    return buffer;
}

static bool has_gate_noise(const hq_config *c)
{
    return c->noise_depolarizing1 > 0 || c->noise_depolarizing2 > 0 || c->noise_amplitude_damping > 0 ||
           c->noise_phase_damping > 0;
}

/* How circuits are evaluated, when that is not exactly and at once. */
static void print_hardware(const hq_config *config, const hq_circuit *circuit)
{
    const bool reading = config->noise_readout01 > 0 || config->noise_readout10 > 0;
    if (!circuit || (config->gradient_method == HQ_GRADIENT_ADJOINT && config->dist_spread == HQ_SPREAD_AUTO)) return;
    hq_say("circuits  ");
    if (config->executor_command[0]) hq_say("by \"%.60s\", ", config->executor_command);
    if (config->shots_count > 0)
        hq_say("%d shots for each basis of an evaluation", config->shots_count);
    else
        hq_say("exact expectation values");
    if (has_gate_noise(config)) hq_say(", noisy gates");
    if (reading)
        hq_say(", reading errors%s", config->shots_mitigation == HQ_MITIGATION_READOUT ? " that are mitigated" : "");
    hq_say("; spread over ranks: %s\n", hq_config_word("dist.spread", config->dist_spread));
}

static void print_ranks(const hq_dist *dist, int64_t micro)
{
    const int size = hq_dist_size(dist), nodes = hq_dist_nodes(dist);
    int64_t lo, hi;
    hq_dist_share_of(dist, 0, micro, &lo, &hi);
    hq_say("ranks     %d on %d node%s; %lld micro-batch%s of a full batch on the busiest rank\n", size, nodes,
           nodes == 1 ? "" : "s", (long long)hi, hi == 1 ? "" : "es");
    if (size > micro)
        hq_say(
            "          note: %lld of %d ranks have no micro-batch; a larger train.batch or a smaller train.microbatch "
            "feeds more, and spread circuits (dist.spread) keep all busy\n",
            (long long)(size - micro), size);
}

/* The learning rate in force, and where it comes from. */
static const char *rate_text(const hq_config *config, char *buffer, size_t size)
{
    const int used = snprintf(buffer, size, "%g", hq_train_rate(config));
    if (config->train_rate_rule != HQ_RATE_RULE_NONE)
        snprintf(buffer + used, size - (size_t)used, " (%g at batch %d, rule %s)", config->train_learning_rate,
                 config->train_rate_batch, hq_config_word("train.rate_rule", config->train_rate_rule));
    return buffer;
}

/* Images that stay in their file. */
static void print_stream(const hq_dist *dist, const hq_config *config, const hq_data_info *info, int64_t micro)
{
    const int64_t window = hq_data_window(config, info, micro, hq_train_microbatch(config));
    int64_t lo, hi;
    if (!info->stream) return;
    hq_dist_share_of(dist, 0, micro, &lo, &hi);
    const double image = (double)info->depth * info->height * info->width * info->channels;
    hq_say(
        "stream    images are read as they are needed: %lld for each micro-batch at once, in chunks of %lld; %.1f MB "
        "on the busiest rank\n",
        (long long)window, (long long)info->chunk[HQ_SPLIT_TRAIN], (double)(hi * window) * image / 1e6);
}

void hq_train_print_summary(const hq_dist *dist, const hq_config *config, const hq_data_info *info,
                            const hq_model *model)
{
    const int64_t total = hq_model_param_count(model), quantum = hq_model_quantum_count(model);
    const int microbatch = hq_train_microbatch(config);
    const int64_t micro = (config->train_batch + microbatch - 1) / microbatch;
    const int64_t steps = (info->count[HQ_SPLIT_TRAIN] + config->train_batch - 1) / config->train_batch;
    char text[160], rate[80], depth[24] = "";
    if (info->depth > 1) snprintf(depth, sizeof depth, "%d x ", info->depth);
    hq_say("data      %s: %s, %d %s, %s %d x %s%d x %d; %lld train, %lld validation, %lld test\n", info->name,
           hq_config_word("data.task", info->task), info->classes,
           info->task == HQ_TASK_MULTI_LABEL ? "labels" : "classes", info->depth > 1 ? "volumes" : "images",
           info->channels, depth, info->height, info->width, (long long)info->count[HQ_SPLIT_TRAIN],
           (long long)info->count[HQ_SPLIT_VAL], (long long)info->count[HQ_SPLIT_TEST]);
    hq_say("network   %lld trainable parameters: %lld classical, %lld quantum; %s\n", (long long)total,
           (long long)(total - quantum), (long long)quantum,
           circuit_text(config, hq_model_circuit(model), text, sizeof text));
    hq_say("training  %d epochs of %lld steps; batch %d in %lld micro-batch%s of %d, feeds up to %lld rank%s; %s, rate "
           "%s\n",
           config->train_epochs, (long long)steps, config->train_batch, (long long)micro, micro == 1 ? "" : "es",
           microbatch, (long long)micro, micro == 1 ? "" : "s",
           hq_config_word("train.optimizer", config->train_optimizer), rate_text(config, rate, sizeof rate));
    print_hardware(config, hq_model_circuit(model));
    print_ranks(dist, micro);
    print_stream(dist, config, info, micro);
    hq_say("memory    %.1f MB of activations per rank, %.1f MB of data per node\n",
           (double)hq_model_arena_bytes(model) / 1e6, (double)info->bytes / 1e6);
    hq_say("kernels   %s\n", hq_model_variant(model));
}

/* Whether a class (multi-label: a label column) has samples in a split, and samples that are not of it. */
static bool has_both(const hq_dataset *set, hq_split split, int k)
{
    const hq_data_info *info = &set->info;
    bool with = false, without = false;
    for (int64_t i = 0; i < info->count[split] && !(with && without); i++) {
        const int32_t *label = set->label[split] + i * info->labels;
        const bool is = info->task == HQ_TASK_MULTI_LABEL ? label[k] != 0 : label[0] == k;
        *(is ? &with : &without) = true;
    }
    return with && without;
}

void hq_train_print_absent(const hq_dataset *set)
{
    for (hq_split split = HQ_SPLIT_VAL; split < HQ_SPLIT_COUNT; split++)
        for (int k = 0; k < set->info.classes; k++)
            if (!has_both(set, split, k))
                hq_say("note      the AUC of class %d is undefined in the %s split, which has none or nothing else of "
                       "it\n",
                       k, hq_split_name(split));
}
