/* probe.c: the numbers that a network computes with one kernel or another, to compare them. */
#include "hqcnn/model.h"

#include <string.h>

enum { SAMPLES = 4 };

/* A network being probed, and what it has told. */
typedef struct hq_probe {
    hq_model *model;
    hq_real *x, *numbers; /* logits[SAMPLES][classes], then gradients */
    int32_t *labels;
    double *class_weight;
    int64_t scores;
} hq_probe;

static void ignore(void *ctx, int m) { (void)ctx, (void)m; }
static void ignore_offset(void *ctx, int64_t offset) { (void)ctx, (void)offset; }

static void note_score(void *ctx, int m, double loss, const hq_real *logits)
{
    hq_probe *probe = ctx;
    (void)m, (void)loss;
    memcpy(probe->numbers, logits, (size_t)probe->scores * sizeof *logits);
}

static void note_gradient(void *ctx, int m, int64_t offset, int64_t count)
{
    hq_probe *probe = ctx;
    (void)m;
    memcpy(probe->numbers + probe->scores + offset, hq_model_grads(probe->model) + offset,
           (size_t)count * sizeof *probe->numbers);
}

/* Exact circuits, evaluated here; norms of a micro-batch: nothing that differs from one evaluation to the next, or that
 * needs another process. */
static hq_config simplified(const hq_config *config, int kernel)
{
    hq_config simple = *config;
    simple.compute_kernel = kernel;
    simple.model_norm_statistics = HQ_NORM_STATISTICS_MICROBATCH;
    simple.gradient_method = HQ_GRADIENT_ADJOINT;
    simple.executor_command[0] = '\0';
    simple.shots_count = 0;
    simple.shots_mitigation = HQ_MITIGATION_NONE;
    simple.noise_depolarizing1 = simple.noise_depolarizing2 = 0;
    simple.noise_amplitude_damping = simple.noise_phase_damping = 0;
    simple.noise_readout01 = simple.noise_readout10 = 0;
    return simple;
}

/* The least side of an image that leaves something behind the last stage; kernels are 3 wide. */
static int least_side(const hq_config *config)
{
    int side = 1;
    for (int i = config->model_channels.n - 1; i >= 0; i--)
        side = (config->model_pool.v[i] ? 2 : 1) * side + 2 - 2 * config->model_padding.v[i];
    return side;
}

/* Large images are cut: kernels do the same at any size. */
static hq_data_info shrunk(const hq_config *config, const hq_data_info *info)
{
    const int usual = info->depth > 1 ? 32 : 64, least = least_side(config), most = least > usual ? least : usual;
    hq_data_info small = *info;
    small.depth = info->depth < most ? info->depth : most;
    small.height = info->height < most ? info->height : most;
    small.width = info->width < most ? info->width : most;
    return small;
}

static hq_status prepare(hq_probe *probe, const hq_data_info *info)
{
    const size_t n = SAMPLES * hq_model_input_size(probe->model);
    hq_random stream = hq_random_make(1, HQ_PURPOSE_INIT, 0, hq_hash_text("probe"));
    HQ_TRY(hq_alloc_array(n, sizeof *probe->x, "images", &probe->x));
    HQ_TRY(hq_alloc_array(SAMPLES * (size_t)info->labels, sizeof *probe->labels, "labels", &probe->labels));
    HQ_TRY(hq_alloc_array((size_t)info->classes, sizeof *probe->class_weight, "class weights", &probe->class_weight));
    HQ_TRY(hq_alloc_array((size_t)(probe->scores + hq_model_param_count(probe->model)), sizeof *probe->numbers,
                          "numbers", &probe->numbers));
    for (size_t i = 0; i < n; i++) probe->x[i] = (hq_real)(2 * hq_random_uniform(&stream) - 1);
    for (int i = 0; i < info->classes; i++) probe->class_weight[i] = 1;
    hq_model_init(probe->model, 1);
    return HQ_OK;
}

static hq_status compute(hq_probe *probe)
{
    static const int64_t samples[SAMPLES] = {0, 1, 2, 3};
    const hq_model_batch batch = {.n = SAMPLES,
                                  .x = probe->x,
                                  .labels = probe->labels,
                                  .samples = samples,
                                  .class_weight = probe->class_weight,
                                  .denominator = SAMPLES,
                                  .seed = 1,
                                  .runner = &hq_runner_local};
    const hq_model_group group = {.batch = &batch,
                                  .count = 1,
                                  .samples = SAMPLES,
                                  .micro = 1,
                                  .hooks = {ignore, ignore, note_score, note_gradient, ignore_offset, NULL, probe}};
    return hq_model_train(probe->model, &group);
}

hq_status hq_model_probe(const hq_config *config, const hq_data_info *info, int kernel, int64_t *out_count,
                         hq_real **out_numbers)
{
    const hq_config simple = simplified(config, kernel);
    const hq_data_info small = shrunk(&simple, info);
    hq_probe probe = {.scores = SAMPLES * info->classes};
    *out_numbers = NULL;
    HQ_TRY(hq_model_create(&simple, &small, SAMPLES, 1, &probe.model));
    hq_status status = prepare(&probe, &small);
    if (status == HQ_OK) status = compute(&probe);
    *out_count = probe.scores + hq_model_param_count(probe.model);
    if (status == HQ_OK) *out_numbers = probe.numbers;
    if (status != HQ_OK) hq_free(probe.numbers);
    hq_free(probe.x);
    hq_free(probe.labels);
    hq_free(probe.class_weight);
    hq_model_destroy(probe.model);
    return status;
}
