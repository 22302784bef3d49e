/* build.c: from configuration and data description to shapes, blocks and memory. */
#include "model/network.h"

#include <stdio.h>
#include <string.h>

enum { KERNEL = 3 };

/* ---- the blocks' tensors ---------------------------------------------------------------------------------------- */

typedef struct hq_table {
    hq_param *list;
    int used;
    int64_t count;
} hq_table;

static hq_slot add_tensor(hq_table *table, const char *name, int rank, const int64_t *shape, bool decays, bool quantum)
{
    hq_param *param = &table->list[table->used++];
    *param = (hq_param){.offset = table->count, .count = 1, .rank = rank, .decays = decays, .quantum = quantum};
    hq_copy_text(param->name, sizeof param->name, name);
    for (int i = 0; i < rank; i++) {
        param->shape[i] = shape[i];
        param->count *= shape[i];
    }
    table->count += param->count;
    return (hq_slot){param->offset, param->count};
}

static hq_slot add_vector(hq_table *table, const char *name, int64_t n)
{
    return add_tensor(table, name, 1, &n, false, false);
}

static void add_dense(hq_table *table, const char *name, int in, int out, hq_slot *weight, hq_slot *bias)
{
    char text[48];
    snprintf(text, sizeof text, "%s.weight", name);
    *weight = add_tensor(table, text, 2, (int64_t[]){in, out}, true, false);
    snprintf(text, sizeof text, "%s.bias", name);
    *bias = add_vector(table, text, out);
}

static void add_stage(hq_table *params, hq_table *stats, int norm, int number, hq_stage *stage)
{
    const hq_conv *conv = &stage->conv;
    char text[48];
    snprintf(text, sizeof text, "conv%d.weight", number);
    const int64_t shape[5] = {conv->t, conv->r, conv->s, conv->c, conv->k};
    const int skipped = conv->t == 1; /* images: [r][s][c][k] */
    stage->weight = add_tensor(params, text, 5 - skipped, shape + skipped, true, false);
    snprintf(text, sizeof text, "conv%d.bias", number);
    stage->bias = add_vector(params, text, conv->k);
    if (norm == HQ_NORM_NONE) return;
    snprintf(text, sizeof text, "norm%d.scale", number);
    stage->scale = add_vector(params, text, conv->k);
    snprintf(text, sizeof text, "norm%d.shift", number);
    stage->shift = add_vector(params, text, conv->k);
    if (norm != HQ_NORM_BATCH) return;
    snprintf(text, sizeof text, "norm%d.mean", number);
    stage->mean = add_vector(stats, text, conv->k);
    snprintf(text, sizeof text, "norm%d.var", number);
    stage->var = add_vector(stats, text, conv->k);
}

static void add_circuit(hq_table *params, hq_model *model)
{
    if (!model->circuit) {
        add_dense(params, "circuit", model->inputs, model->outputs, &model->circuit_weight, &model->circuit_bias);
        return;
    }
    const int64_t n = hq_circuit_weights(model->circuit);
    if (n > 0) model->circuit_weight = add_tensor(params, "circuit.weights", 1, &n, false, true);
}

static hq_status make_blocks(hq_model *model)
{
    int most = 4 * model->stages + 8;
    HQ_TRY(hq_alloc_array((size_t)most, sizeof(hq_param), "parameter table", &model->param_list));
    HQ_TRY(hq_alloc_array((size_t)most, sizeof(hq_param), "statistics table", &model->stat_list));
    hq_table params = {.list = model->param_list}, stats = {.list = model->stat_list};
    for (int i = 0; i < model->stages; i++) add_stage(&params, &stats, model->norm, i + 1, &model->stage[i]);
    add_dense(&params, "reduce", model->flat, model->inputs, &model->reduce_weight, &model->reduce_bias);
    add_circuit(&params, model);
    int in = model->outputs;
    if (model->head > 0) {
        add_dense(&params, "hidden", in, model->head, &model->hidden_weight, &model->hidden_bias);
        in = model->head;
    }
    add_dense(&params, "output", in, model->classes, &model->out_weight, &model->out_bias);
    model->params_listed = params.used;
    model->param_count = params.count;
    model->stats_listed = stats.used;
    model->stat_count = stats.count;
    HQ_TRY(hq_alloc_array((size_t)params.count, sizeof(hq_real), "parameters", &model->params));
    HQ_TRY(hq_alloc_array((size_t)params.count, sizeof(hq_real), "gradients", &model->grads));
    HQ_TRY(hq_alloc_array((size_t)stats.count, sizeof(hq_real), "norm statistics", &model->stats));
    return hq_alloc_array((size_t)stats.count, sizeof(hq_real), "norm statistics", &model->batch_stats);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static hq_status too_small(const hq_data_info *info, int stage)
{
    char depth[16] = "";
    if (info->depth > 1) snprintf(depth, sizeof depth, "%d x ", info->depth);
    HQ_FAIL(
        HQ_ERR_CONFIG,
        "%s of \"%s\" (%s%d x %d) are too small for the network: nothing is left after convolution %d; use fewer or "
        "padded convolutions (model.channels, model.padding, model.pool)",
        info->depth > 1 ? "volumes" : "images", info->name, depth, info->height, info->width, stage + 1);
}

static hq_status plan_stages(hq_model *model, const hq_config *config, const hq_data_info *info)
{
    int d = info->depth, h = info->height, w = info->width, c = info->channels;
    model->stages = config->model_channels.n;
    for (int i = 0; i < model->stages; i++) {
        hq_stage *stage = &model->stage[i];
        stage->conv = (hq_conv){.n = model->max_batch,
                                .d = d,
                                .h = h,
                                .w = w,
                                .c = c,
                                .k = config->model_channels.v[i],
                                .t = info->depth > 1 ? KERNEL : 1,
                                .r = KERNEL,
                                .s = KERNEL,
                                .pad = config->model_padding.v[i],
                                .kernel = config->compute_kernel,
                                .precision = config->compute_precision == HQ_COMPUTE_PRECISION_BF16 ? HQ_CONV_BF16
                                                                                                    : HQ_CONV_FP32};
        stage->norm = (hq_norm){.kind = config->model_norm,
                                .groups = config->model_norm_groups,
                                .eps = HQ_NORM_EPSILON,
                                .n = model->max_batch,
                                .d = hq_conv_out_d(&stage->conv),
                                .h = hq_conv_out_h(&stage->conv),
                                .w = hq_conv_out_w(&stage->conv),
                                .c = stage->conv.k,
                                .pool = config->model_pool.v[i] != 0,
                                .kernel = config->compute_kernel};
        stage->out_d = hq_norm_out_d(&stage->norm);
        stage->out_h = hq_norm_out_h(&stage->norm);
        stage->out_w = hq_norm_out_w(&stage->norm);
        if (stage->out_d < 1 || stage->out_h < 1 || stage->out_w < 1) return too_small(info, i);
        d = stage->out_d, h = stage->out_h, w = stage->out_w, c = stage->conv.k;
    }
    model->features = config->model_features;
    model->features_d = info->depth > 1 ? model->features : 1;
    model->adapt = d != model->features_d || h != model->features || w != model->features;
    model->flat = model->features_d * model->features * model->features * c;
    return HQ_OK;
}

static hq_status plan_circuit(hq_model *model, const hq_config *config)
{
    model->inputs = config->model_qubits;
    model->outputs = model->inputs * (config->model_observables == HQ_OBSERVABLES_XZ ? 2 : 1);
    if (config->model_circuit_template == HQ_TEMPLATE_CLASSICAL) return HQ_OK;
    HQ_TRY(hq_circuit_create_config(config, &model->circuit));
    model->inputs = hq_circuit_inputs(model->circuit);
    model->outputs = hq_circuit_outputs(model->circuit);
    const hq_circuit_options options = {.kernel = config->compute_kernel,
                                        .path = config->compute_circuit,
                                        .method = config->gradient_method,
                                        .spsa_step = config->gradient_spsa_step,
                                        .spsa_samples = config->gradient_spsa_samples,
                                        .seed = (uint64_t)config->train_seed,
                                        .config = config};
    return hq_circuit_work_create(model->circuit, model->max_batch, &options, &model->circuit_work);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t volume(int d, int h, int w, int c) { return (size_t)d * (size_t)h * (size_t)w * (size_t)c; }

/* Numbers of the largest activation, and of the largest work memory. */
typedef struct hq_sizes {
    size_t activation, work;
} hq_sizes;

static hq_sizes sizes_of(const hq_model *model)
{
    const size_t n = (size_t)model->max_batch;
    hq_sizes sizes = {.activation = n * (size_t)model->flat};
    for (int i = 0; i < model->stages; i++) {
        const hq_conv *conv = &model->stage[i].conv;
        const hq_norm *norm = &model->stage[i].norm;
        sizes.activation = larger(sizes.activation, n * volume(conv->d, conv->h, conv->w, conv->c));
        sizes.activation = larger(sizes.activation, n * volume(norm->d, norm->h, norm->w, norm->c));
        sizes.work = larger(sizes.work, larger(hq_norm_work(norm), hq_conv_work(conv)));
    }
    const size_t widest = larger((size_t)model->head, larger((size_t)model->inputs, (size_t)model->outputs));
    sizes.activation = larger(sizes.activation, n * widest);
    return sizes;
}

/* first: the first micro-batch, with which it shares the statistics of the whole batch; or itself. */
static void take_stage(const hq_model *model, int i, hq_arena *arena, const hq_held *first, hq_stage_held *here)
{
    const hq_stage *stage = &model->stage[i];
    const hq_norm *norm = &stage->norm;
    const size_t n = (size_t)model->max_batch, real = sizeof(hq_real), statistics = hq_norm_statistics_size(norm);
    const size_t out = n * volume(stage->out_d, stage->out_h, stage->out_w, norm->c);
    const bool shares = model->joint && here != &first->stage[i];
    here->kept = hq_arena_take(arena, hq_conv_kept(&stage->conv), real);
    here->pre = hq_arena_take(arena, n * volume(norm->d, norm->h, norm->w, norm->c), real);
    here->out = hq_arena_take(arena, out, real);
    here->choice = norm->pool ? hq_arena_take(arena, out, 1) : NULL;
    here->mean = shares ? first->stage[i].mean : hq_arena_take(arena, statistics, real);
    here->var = shares ? first->stage[i].var : hq_arena_take(arena, statistics, real);
}

static void take_held(const hq_model *model, hq_arena *arena, size_t activation, const hq_held *first, hq_held *held)
{
    const size_t n = (size_t)model->max_batch, real = sizeof(hq_real);
    for (int i = 0; i < model->stages; i++) take_stage(model, i, arena, first, &held->stage[i]);
    held->adapted = model->adapt ? hq_arena_take(arena, n * (size_t)model->flat, real) : NULL;
    held->angles = hq_arena_take(arena, n * (size_t)model->inputs, real);
    for (int k = 0; k < 2; k++) held->gradient[k] = hq_arena_take(arena, activation, real);
}

static void take_joint(hq_model *model, hq_arena *arena)
{
    size_t widest = 0;
    for (int i = 0; i < model->stages; i++) widest = larger(widest, (size_t)model->stage[i].norm.c);
    model->norm_sums = hq_arena_take(arena, (size_t)model->most_held * 2 * widest, sizeof(double));
    model->joint_sums = hq_arena_take(arena, 2 * widest + 1, sizeof(int64_t));
    model->joint_totals = hq_arena_take(arena, 2 * widest, sizeof(double));
}

static void take_arrays(hq_model *model, hq_arena *arena)
{
    const size_t n = (size_t)model->max_batch, real = sizeof(hq_real);
    const size_t q = (size_t)model->inputs, o = (size_t)model->outputs, head = (size_t)model->head;
    const size_t p = model->circuit ? (size_t)hq_circuit_weights(model->circuit) : 0;
    const hq_sizes sizes = sizes_of(model);
    for (int m = 0; m < model->most_held; m++)
        take_held(model, arena, sizes.activation, &model->held[0], &model->held[m]);
    model->reduced = hq_arena_take(arena, n * q, real);
    model->measured = hq_arena_take(arena, n * o, real);
    model->hidden = hq_arena_take(arena, n * head, real);
    model->keep = hq_arena_take(arena, n * head, real);
    model->dropped = hq_arena_take(arena, n * head, real);
    model->logits = hq_arena_take(arena, n * (size_t)model->classes, real);
    model->dlogits = hq_arena_take(arena, n * (size_t)model->classes, real);
    model->work = hq_arena_take(arena, sizes.work, real);
    model->angles64 = hq_arena_take(arena, n * q, sizeof(double));
    model->dangles64 = hq_arena_take(arena, n * q, sizeof(double));
    model->measured64 = hq_arena_take(arena, n * o, sizeof(double));
    model->dmeasured64 = hq_arena_take(arena, n * o, sizeof(double));
    model->weights64 = hq_arena_take(arena, p, sizeof(double));
    model->dweights64 = hq_arena_take(arena, p, sizeof(double));
    if (model->joint) take_joint(model, arena);
}

static hq_status make_arena(hq_model *model)
{
    hq_arena measure = {0};
    HQ_TRY(hq_alloc_array((size_t)model->most_held, sizeof *model->held, "micro-batches", &model->held));
    HQ_TRY(hq_alloc_array((size_t)model->most_held, sizeof *model->gradients, "micro-batches", &model->gradients));
    take_arrays(model, &measure);
    HQ_TRY(hq_arena_create(measure.used, "activations of micro-batches", &model->arena));
    take_arrays(model, &model->arena);
    return HQ_OK;
}

/* Whether any convolution multiplies 16-bit numbers. */
static bool uses_bf16(const hq_model *model)
{
    for (int i = 0; i < model->stages; i++)
        if (hq_conv_kept(&model->stage[i].conv) > 0) return true;
    return false;
}

static void name_variant(hq_model *model)
{
    char convolutions[48] = "", circuits[64] = "";
    const hq_conv *conv = &model->stage[0].conv;
    if (uses_bf16(model))
        snprintf(convolutions, sizeof convolutions, ", convolutions bf16 by %s", hq_bf16_kernel_name(conv->precision));
    if (model->circuit)
        snprintf(circuits, sizeof circuits, "; circuits %s, %s", hq_circuit_work_path(model->circuit_work),
                 hq_circuit_work_kernel(model->circuit_work));
    snprintf(model->variant, sizeof model->variant, "%s; layers %s%s%s", hq_kernel_variant(),
             hq_nn_kernel_name(conv->kernel), convolutions, circuits);
}

static hq_status check_precision(const hq_config *config)
{
    if (config->compute_precision != HQ_COMPUTE_PRECISION_BF16 || hq_bf16_kernel_name(HQ_CONV_BF16)) return HQ_OK;
    HQ_FAIL(HQ_ERR_CONFIG, "compute.precision = \"bf16\": %s; allowed: \"fp32\"",
            sizeof(hq_real) == sizeof(double) ? "this program computes in double precision"
                                              : "this processor has neither AMX nor AVX512-BF16");
}

static hq_status build(hq_model *model, const hq_config *config, const hq_data_info *info)
{
    if (!hq_nn_kernel_name(config->compute_kernel))
        HQ_FAIL(HQ_ERR_CONFIG,
                "compute.kernel = \"%s\": this processor does not have that instruction set; allowed: \"auto\", "
                "\"plain\" and what it has (best: \"%s\")",
                hq_config_word("compute.kernel", config->compute_kernel), hq_nn_kernel_name(HQ_COMPUTE_KERNEL_AUTO));
    HQ_TRY(check_precision(config));
    HQ_TRY(plan_stages(model, config, info));
    HQ_TRY(plan_circuit(model, config));
    name_variant(model);
    HQ_TRY(make_blocks(model));
    hq_model_list_parts(model);
    return make_arena(model);
}

hq_status hq_model_create(const hq_config *config, const hq_data_info *info, int max_batch, int most_held,
                          hq_model **out_model)
{
    hq_model *model;
    *out_model = NULL;
    HQ_TRY(hq_alloc(sizeof *model, "network", &model));
    model->norm = config->model_norm;
    model->joint = model->norm == HQ_NORM_BATCH && config->model_norm_statistics == HQ_NORM_STATISTICS_BATCH;
    model->scaling = config->model_scaling;
    model->dropout = config->model_dropout;
    model->head = config->model_head;
    model->task = info->task;
    model->classes = info->classes;
    model->labels = info->labels;
    model->channels = info->channels;
    model->depth = info->depth;
    model->height = info->height;
    model->width = info->width;
    model->max_batch = max_batch;
    model->most_held = most_held;
    hq_status status = build(model, config, info);
    if (status != HQ_OK) {
        hq_model_destroy(model);
        return status;
    }
    *out_model = model;
    return HQ_OK;
}

void hq_model_destroy(hq_model *model)
{
    if (!model) return;
    hq_circuit_work_destroy(model->circuit_work);
    hq_circuit_destroy(model->circuit);
    hq_arena_destroy(&model->arena);
    hq_free(model->params);
    hq_free(model->grads);
    hq_free(model->stats);
    hq_free(model->batch_stats);
    hq_free(model->held);
    hq_free(model->gradients);
    hq_free(model->param_list);
    hq_free(model->stat_list);
    hq_free(model);
}
