/* The whole network: parameter counts, gradients against finite differences, independence of the place in a batch, no
 * allocation in a step. */
#include "hqcnn/model.h"
#include "support/check.h"

#include <string.h>

/* Images and labels for one micro-batch. */
typedef struct hq_case {
    hq_config config;
    hq_data_info info;
    hq_model *model;
    hq_real x[8 * 20 * 18 * 4];
    int32_t labels[8 * 4];
    int64_t samples[8];
    double class_weight[4];
    hq_model_batch batch;
} hq_case;

static void set(hq_config *config, const char *assignment) { CHECK_INT(hq_config_set(config, assignment), HQ_OK); }

/* A small network: every kind of layer, few numbers. For images, or volumes of some depth. */
static void make_case_of(hq_case *c, int depth, int task, const char *const *settings)
{
    memset(c, 0, sizeof *c);
    hq_config_defaults(&c->config);
    static const char *const small[] = {"model.channels=[4, 6, 4]",
                                        "model.padding=[0, 1, 0]",
                                        "model.pool=[0, 1, 0]",
                                        "model.features=3",
                                        "model.head=7",
                                        "model.qubits=3",
                                        NULL};
    for (int i = 0; small[i]; i++) set(&c->config, small[i]);
    for (int i = 0; settings && settings[i]; i++) set(&c->config, settings[i]);
    CHECK_INT(hq_config_check(&c->config), HQ_OK);
    c->info = (hq_data_info){.name = "test",
                             .task = task,
                             .classes = 3,
                             .labels = task == HQ_TASK_MULTI_LABEL ? 3 : 1,
                             .depth = depth,
                             .height = depth > 1 ? 9 : 12,
                             .width = depth > 1 ? 8 : 11,
                             .channels = 2,
                             .count = {8, 8, 8}};
    if (task == HQ_TASK_BINARY) c->info.classes = 2;
    CHECK_INT(hq_model_create(&c->config, &c->info, 5, 5, &c->model), HQ_OK);
    hq_model_init(c->model, 3);
    hq_random stream = hq_random_make(4, HQ_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < 5 * hq_model_input_size(c->model); i++)
        c->x[i] = (hq_real)(hq_random_uniform(&stream) * 2 - 1);
    for (int i = 0; i < 5; i++) c->samples[i] = 100 + i;
    for (int i = 0; i < 5 * c->info.labels; i++)
        c->labels[i] = (int32_t)(hq_random_next(&stream) % (c->info.labels > 1 ? 2 : (unsigned)c->info.classes));
    for (int k = 0; k < 3; k++) c->class_weight[k] = 0.5 + k;
    c->batch = (hq_model_batch){.n = 5,
                                .x = c->x,
                                .labels = c->labels,
                                .samples = c->samples,
                                .class_weight = c->class_weight,
                                .denominator = 5.0 * c->info.labels,
                                .seed = 9,
                                .epoch = 2,
                                .runner = &hq_runner_local};
}

static void make_case(hq_case *c, int task, const char *const *settings) { make_case_of(c, 1, task, settings); }

/* What a group of micro-batches reports. */
typedef struct hq_report {
    hq_model *model;
    double loss;
    double gradient[20000];         /* sum over the micro-batches */
    int64_t told;                   /* numbers of gradients told, over all micro-batches */
    int64_t complete;               /* offset from which on all is complete */
    int statistics, circuits, sums; /* calls */
} hq_report;

static void note_statistics(void *ctx, int m)
{
    hq_report *report = ctx;
    CHECK_INT(m, report->statistics++);
}

static void note_circuits(void *ctx, int m)
{
    hq_report *report = ctx;
    CHECK_INT(m, report->circuits++);
}

static void note_score(void *ctx, int m, double loss, const hq_real *logits)
{
    hq_report *report = ctx;
    CHECK(m >= 0 && isfinite(logits[0]));
    report->loss += loss;
}

static void note_gradient(void *ctx, int m, int64_t offset, int64_t count)
{
    hq_report *report = ctx;
    CHECK(m >= 0 && offset >= 0 && offset + count <= report->complete);
    for (int64_t i = offset; i < offset + count; i++) report->gradient[i] += hq_model_grads(report->model)[i];
    report->told += count;
}

static void note_complete(void *ctx, int64_t offset)
{
    hq_report *report = ctx;
    CHECK(offset < report->complete);
    report->complete = offset;
}

static hq_status note_sum(void *ctx, int64_t *numbers, size_t n)
{
    hq_report *report = ctx;
    CHECK(n > 0 && numbers[n - 1] == 0); /* this process is all there is */
    report->sums++;
    return HQ_OK;
}

/* Forward and backward of the samples of c as `count` micro-batches. */
static hq_report *train_group(hq_case *c, int count)
{
    static hq_report report;
    hq_model_batch batch[5];
    const size_t size = hq_model_input_size(c->model);
    memset(&report, 0, sizeof report);
    report.model = c->model;
    report.complete = hq_model_param_count(c->model);
    for (int m = 0; m < count; m++) {
        const int first = m * c->batch.n / count;
        batch[m] = c->batch;
        batch[m].n = (m + 1) * c->batch.n / count - first;
        batch[m].x += (size_t)first * size;
        batch[m].labels += first * c->info.labels;
        batch[m].samples += first;
    }
    const hq_model_group group = {
        .batch = batch,
        .count = count,
        .samples = c->batch.n,
        .micro = count,
        .hooks = {note_statistics, note_circuits, note_score, note_gradient, note_complete, note_sum, &report}};
    CHECK_INT(hq_model_train(c->model, &group), HQ_OK);
    CHECK_INT(report.told, count * hq_model_param_count(c->model));
    CHECK_INT(report.complete, 0);
    return &report;
}

static double loss_of(hq_case *c) { return train_group(c, 1)->loss; }

#ifdef HQ_REAL_F64
/* (-f(x + 2h) + 8 f(x + h) - 8 f(x - h) + f(x - 2h)) / 12 h */
static double difference(hq_case *c, int64_t i, int micro)
{
    const double h = 2e-6;
    hq_real *w = hq_model_params(c->model) + i, kept = *w;
    static const double at[4] = {2, 1, -1, -2}, factor[4] = {-1, 8, -8, 1};
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        *w = kept + at[k] * h;
        sum += factor[k] * train_group(c, micro)->loss;
    }
    *w = kept;
    return sum / (12 * h);
}

/* Every seventh parameter (volumes, which take longer: every 31st) and all of the circuit. Pooling and ReLU have kinks,
 * which a difference may straddle: a few parameters near one are let off, the rest must agree closely. */
static void check_gradient_in(int micro, int depth, int task, const char *const *settings, const char *what)
{
    static hq_case c;
    static double grads[20000];
    make_case_of(&c, depth, task, settings);
    const int64_t n = hq_model_param_count(c.model);
    memcpy(grads, train_group(&c, micro)->gradient, (size_t)n * sizeof *grads);
    const hq_param *list;
    int tensors = hq_model_params_list(c.model, &list), tested = 0, off = 0;
    const int64_t each = depth > 1 ? 31 : 7;
    for (int t = 0; t < tensors; t++)
        for (int64_t i = list[t].offset; i < list[t].offset + list[t].count; i += list[t].quantum ? 1 : each) {
            double want = difference(&c, i, micro);
            tested++;
            if (fabs(grads[i] - want) > 1e-7 * fmax(1, fabs(want))) off++;
        }
    CHECK_MSG(tested > 30 && off * 50 <= tested, "%s: %d of %d gradients differ", what, off, tested);
    hq_model_destroy(c.model);
}

static void check_gradient_of(int depth, int task, const char *const *settings, const char *what)
{
    check_gradient_in(1, depth, task, settings, what);
}

static void check_gradient(int task, const char *const *settings, const char *what)
{
    check_gradient_of(1, task, settings, what);
}

static void test_gradients(void)
{
#define SETTINGS(...) (const char *const[]){__VA_ARGS__, NULL}
    check_gradient(HQ_TASK_MULTI_CLASS, NULL, "defaults");
    check_gradient(HQ_TASK_MULTI_CLASS, SETTINGS("gradient.method=parameter-shift"), "parameter shift");
    check_gradient(HQ_TASK_BINARY, SETTINGS("model.norm=group", "model.norm_groups=2"), "group norm");
    check_gradient(HQ_TASK_ORDINAL, SETTINGS("model.norm=none", "model.scaling=identity"), "no norm, no scaling");
    check_gradient(HQ_TASK_MULTI_LABEL, SETTINGS("model.dropout=0.4"), "multi-label, dropout");
    check_gradient(HQ_TASK_MULTI_CLASS, SETTINGS("model.circuit.template=classical"), "classical control");
    check_gradient(HQ_TASK_MULTI_CLASS, SETTINGS("model.head=0", "model.observables=z"), "no hidden layer, Z only");
    check_gradient(HQ_TASK_MULTI_CLASS,
                   SETTINGS("model.attention=trainable", "model.layers=2", "model.scaling=pi-tanh"),
                   "trainable attention");
    check_gradient(HQ_TASK_MULTI_CLASS, SETTINGS("model.attention=ladder", "model.features=2", "model.scaling=tanh"),
                   "ladder");
    check_gradient_of(10, HQ_TASK_MULTI_CLASS, NULL, "volumes");
    check_gradient_of(11, HQ_TASK_BINARY, SETTINGS("model.norm=group", "model.norm_groups=2", "model.features=2"),
                      "volumes, group norm");
    check_gradient_of(9, HQ_TASK_BINARY, SETTINGS("model.channels=[16, 16, 4]", "model.norm=none"),
                      "volumes, Winograd's algorithm");
    check_gradient(HQ_TASK_BINARY, SETTINGS("model.channels=[16, 32, 4]"), "Winograd's algorithm");
}

/* Several micro-batches together, each by its own statistics or all by those of the whole batch: there the gradient
 * of one passes through the statistics of all. */
static void test_gradients_of_groups(void)
{
    check_gradient_in(2, 1, HQ_TASK_MULTI_CLASS, NULL, "two micro-batches");
    check_gradient_in(3, 1, HQ_TASK_MULTI_CLASS, SETTINGS("model.norm_statistics=batch"), "norms of the whole batch");
    check_gradient_in(2, 10, HQ_TASK_BINARY, SETTINGS("model.norm_statistics=batch"), "volumes, whole batch");
    check_gradient_in(5, 1, HQ_TASK_MULTI_LABEL,
                      SETTINGS("model.norm_statistics=batch", "model.dropout=0.4", "gradient.method=parameter-shift"),
                      "whole batch, sample by sample");
}

/* Two inputs and four weights on three qubits, factors, offsets, a weight used twice, a gate of the four-term rule. */
#define GATES                                                                                                          \
    "model.circuit.gates=h 0; ry(2*x0 + pi/4) 0; u3(w0, -x1, w1/2) 1; cry(w2) 0 1; rzz(x0) 1 2; rx(w0 - 1) 2; cp(w3) " \
    "2 0"
#define MEASURE "model.circuit.measure=X0; Y1 Z2; Z0 Z1"

static void test_gradients_of_circuits(void)
{
    check_gradient(HQ_TASK_MULTI_CLASS, SETTINGS("model.circuit.template=re-uploading", "model.layers=3"),
                   "re-uploading");
    check_gradient(HQ_TASK_BINARY,
                   SETTINGS("model.circuit.template=re-uploading", "model.layers=2", "gradient.method=parameter-shift"),
                   "re-uploading, parameter shift");
    check_gradient(HQ_TASK_MULTI_CLASS,
                   SETTINGS("model.circuit.template=strongly-entangling", "model.layers=2", "model.observables=z"),
                   "strongly entangling");
    check_gradient(HQ_TASK_MULTI_CLASS,
                   SETTINGS("model.circuit.template=hardware-efficient", "model.circuit.measure=Z0 Z1; X2"),
                   "hardware-efficient");
    check_gradient(HQ_TASK_MULTI_CLASS, SETTINGS("model.circuit.template=gates", GATES, MEASURE), "gate list");
    check_gradient(HQ_TASK_MULTI_CLASS,
                   SETTINGS("model.circuit.template=gates", GATES, MEASURE, "gradient.method=parameter-shift"),
                   "gate list, parameter shift");
    check_gradient(HQ_TASK_MULTI_CLASS,
                   SETTINGS("model.circuit.template=gates", "model.circuit.gates=rx(x0) 0; ry(x1) 1; cx 0 1; cx 1 2"),
                   "gate list without weights");
    check_gradient(HQ_TASK_MULTI_CLASS,
                   SETTINGS("model.circuit.template=gates", "model.qubits=1", "model.head=0", "model.features=1",
                            "model.circuit.gates=ry(x0) 0; rx(x1) 0; rz(w0) 0; ry(x2) 0; rx(x3) 0; ry(x4) 0"),
                   "more inputs than qubits and features");
}
#endif

static int64_t count_of(int depth, int height, int width, int channels, int classes, const char *const *settings)
{
    hq_config config;
    hq_config_defaults(&config);
    for (int i = 0; settings && settings[i]; i++) set(&config, settings[i]);
    hq_data_info info = {.name = "test",
                         .task = HQ_TASK_MULTI_CLASS,
                         .classes = classes,
                         .labels = 1,
                         .depth = depth,
                         .height = height,
                         .width = width,
                         .channels = channels};
    hq_model *model;
    CHECK_INT(hq_model_create(&config, &info, 1, 1, &model), HQ_OK);
    int64_t n = hq_model_param_count(model), listed = 0;
    const hq_param *list;
    int tensors = hq_model_params_list(model, &list);
    for (int i = 0; i < tensors; i++) {
        CHECK_INT(list[i].offset, listed);
        listed += list[i].count;
    }
    CHECK_INT(listed, n);
    hq_model_destroy(model);
    return n;
}

static int64_t count_for(int height, int width, int channels, int classes, const char *const *settings)
{
    return count_of(1, height, width, channels, classes, settings);
}

static void test_parameter_counts(void)
{
    CHECK_INT(count_for(28, 28, 1, 2, NULL), 91586); /* the design's figures */
    CHECK_INT(count_for(28, 28, 3, 9, NULL), 92777);
    CHECK_INT(count_for(64, 64, 1, 2, NULL), 91586); /* adaptive pooling: independent of the image size */
    CHECK_INT(count_for(28, 28, 1, 2, (const char *const[]){"model.attention=trainable", NULL}), 91586 + 4);
    CHECK_INT(count_for(28, 28, 1, 2, (const char *const[]){"model.circuit.template=classical", NULL}),
              91586 - 12 + 40);
    CHECK_INT(count_for(28, 28, 1, 2, (const char *const[]){"model.norm=none", NULL}), 91586 - 448);
    CHECK_INT(count_for(28, 28, 1, 2, (const char *const[]){"model.layers=3", NULL}), 91586 + 24);
    /* volumes: kernels of 27 in place of 9, 4 x 4 x 4 features */
    const int64_t products = 16 + 16 * 16 + 16 * 64 + 2 * 64 * 64;
    CHECK_INT(count_of(28, 28, 28, 1, 2, NULL), 91586 + 18 * products + 3 * 16 * 64 * 4);
}

/* The reduce layer has an output for each input of the circuit, the next layer an input for each of its outputs. */
static void test_circuit_sizes(void)
{
#define WITH(...) count_for(28, 28, 1, 2, (const char *const[]){__VA_ARGS__, NULL})
    const int64_t flat = 4 * 4 * 64, rest = 91586 - (flat * 4 + 4) - 12 - 8 * 128;
    CHECK_INT(WITH("model.circuit.template=strongly-entangling", "model.layers=2"), 91586 + 12);
    CHECK_INT(WITH("model.circuit.template=re-uploading", "model.layers=2"), 91586 + 12);
    CHECK_INT(WITH("model.circuit.template=hardware-efficient"), 91586 + 4);
    CHECK_INT(WITH("model.circuit.measure=Z0; Z0 Z1 Z2"), 91586 - 6 * 128);
    CHECK_INT(WITH("model.circuit.template=gates",
                   "model.circuit.gates=ry(x0) 0; ry(x1) 0; rx(w0) 0; rz(w1) 1; ry(x2) 1", "model.qubits=2",
                   "model.circuit.measure=X0; Z0 Z1; Y0"),
              rest + 3 * flat + 3 + 2 + 3 * 128);
    CHECK_INT(WITH("model.circuit.template=gates", "model.circuit.gates=ry(x0) 0; cx 0 1"), rest + flat + 1 + 8 * 128);
}

/* A circuit without weights leaves no empty tensor in the list. */
static void test_no_weights(void)
{
    static hq_case c;
    const hq_param *list;
    make_case(&c, HQ_TASK_MULTI_CLASS,
              (const char *const[]){"model.circuit.template=gates", "model.circuit.gates=ry(x0) 0; h 1; cx 0 1", NULL});
    const int n = hq_model_params_list(c.model, &list);
    CHECK_INT(hq_model_quantum_count(c.model), 0);
    for (int i = 0; i < n; i++) CHECK_MSG(list[i].count > 0 && !list[i].quantum, "tensor %s", list[i].name);
    CHECK(isfinite(loss_of(&c)));
    hq_model_destroy(c.model);
}

static void test_refuses(void)
{
    hq_config config;
    hq_model *model;
    hq_config_defaults(&config);
    hq_data_info info = {.name = "tiny",
                         .task = HQ_TASK_BINARY,
                         .classes = 2,
                         .labels = 1,
                         .depth = 1,
                         .height = 9,
                         .width = 28,
                         .channels = 1};
    CHECK_INT(hq_model_create(&config, &info, 1, 1, &model), HQ_ERR_CONFIG);
    info.depth = 9, info.height = 28; /* no plane is left */
    CHECK_INT(hq_model_create(&config, &info, 1, 1, &model), HQ_ERR_CONFIG);
    info.depth = 1;
    set(&config, "model.circuit.template=gates");
    set(&config, "model.circuit.gates=ry(x1) 0");
    CHECK_INT(hq_model_create(&config, &info, 1, 1, &model), HQ_ERR_CONFIG);
    CHECK(model == NULL);
}

/* In evaluation a sample's logits do not depend on the other samples; in training dropout follows the sample's number.
 */
static void test_samples_apart(void)
{
    static hq_case c;
    make_case(&c, HQ_TASK_MULTI_CLASS, NULL);
    const size_t one = hq_model_input_size(c.model);
    const hq_real *logits;
    hq_real together[15];
    CHECK_INT(hq_model_predict(c.model, &c.batch, &logits), HQ_OK);
    memcpy(together, logits, sizeof together);
    for (int i = 0; i < 5; i++) {
        const hq_model_batch single = {
            .n = 1, .x = c.x + (size_t)i * one, .samples = c.samples + i, .epoch = 2, .runner = &hq_runner_local};
        CHECK_INT(hq_model_predict(c.model, &single, &logits), HQ_OK);
        for (int k = 0; k < 3; k++) CHECK_NEAR(logits[k], together[i * 3 + k], sizeof(hq_real) == 4 ? 1e-5 : 1e-12);
    }
    hq_model_destroy(c.model);
}

static void test_step_is_pure(void)
{
    static hq_case c;
    static hq_real first[20000];
    make_case(&c, HQ_TASK_MULTI_CLASS,
              (const char *const[]){"model.dropout=0.5", "gradient.method=parameter-shift", NULL});
    const size_t bytes = (size_t)hq_model_param_count(c.model) * sizeof(hq_real);
    double loss = loss_of(&c);
    memcpy(first, hq_model_grads(c.model), bytes);
    const int64_t allocations = hq_memory_count();
    CHECK(loss_of(&c) == loss);
    CHECK(memcmp(first, hq_model_grads(c.model), bytes) == 0);
    CHECK_INT(hq_memory_count(), allocations);
    c.batch.epoch++; /* another dropout mask */
    CHECK(loss_of(&c) != loss);
    hq_model_destroy(c.model);
}

/* Norms of the whole batch do not see where it is cut; groups do not change micro-batches. */
static void test_groups(void)
{
    static hq_case c;
    static double first[20000];
    const double bound = sizeof(hq_real) == 4 ? 1e-5 : 1e-11;
    make_case(&c, HQ_TASK_MULTI_CLASS, (const char *const[]){"model.norm_statistics=batch", NULL});
    const int64_t n = hq_model_param_count(c.model);
    hq_report *report = train_group(&c, 1);
    const double loss = report->loss;
    CHECK(report->statistics == 0 && report->sums == 2 * 3); /* a sum for each stage, forward and backward */
    memcpy(first, report->gradient, (size_t)n * sizeof *first);
    for (int count = 2; count <= 5; count++) {
        report = train_group(&c, count);
        CHECK_NEAR(report->loss, loss, bound);
        for (int64_t i = 0; i < n; i++) CHECK_NEAR(report->gradient[i], first[i], bound);
    }
    hq_model_destroy(c.model);
    make_case(&c, HQ_TASK_MULTI_CLASS, NULL); /* one micro-batch: the same statistics, by another way */
    report = train_group(&c, 1);
    CHECK(report->statistics == 1 && report->sums == 0);
    CHECK_NEAR(report->loss, loss, bound);
    for (int64_t i = 0; i < n; i++) CHECK_NEAR(report->gradient[i], first[i], bound);
    hq_model_destroy(c.model);
}

static void test_start_weights(void)
{
    static hq_case c;
    static hq_real first[20000];
    make_case(&c, HQ_TASK_MULTI_CLASS, NULL);
    const hq_param *list;
    const int n = hq_model_params_list(c.model, &list);
    memcpy(first, hq_model_params(c.model), (size_t)hq_model_param_count(c.model) * sizeof(hq_real));
    for (int i = 0; i < n; i++) {
        const bool conv1 = strcmp(list[i].name, "conv1.weight") == 0 || strcmp(list[i].name, "conv1.bias") == 0;
        for (int64_t j = list[i].offset; conv1 && j < list[i].offset + list[i].count; j++)
            CHECK(fabs((double)first[j]) <= 1 / sqrt(18.0)); /* fan-in 3 x 3 x 2 */
        for (int64_t j = list[i].offset; list[i].quantum && j < list[i].offset + list[i].count; j++)
            CHECK(first[j] >= 0 && (double)first[j] < 6.2831855);
    }
    hq_model_init(c.model, 3);
    CHECK(memcmp(first, hq_model_params(c.model), (size_t)hq_model_param_count(c.model) * sizeof(hq_real)) == 0);
    hq_model_init(c.model, 4);
    CHECK(memcmp(first, hq_model_params(c.model), (size_t)hq_model_param_count(c.model) * sizeof(hq_real)) != 0);
    hq_model_destroy(c.model);
}

/* Equal bits each time, other kernels close by; what is random or elsewhere in the settings plays no part. */
static void test_probe(void)
{
    static const char *const noisy[] = {"noise.depolarizing1=0.1", "shots.count=10", "gradient.method=parameter-shift",
                                        "model.norm_statistics=batch", NULL};
    static hq_case c;
    hq_real *numbers[3];
    int64_t n[3];
    for (int i = 0; i < 3; i++) {
        make_case(&c, HQ_TASK_MULTI_CLASS, i == 1 ? noisy : NULL);
        const int kernel = i == 2 ? HQ_COMPUTE_KERNEL_PLAIN : HQ_COMPUTE_KERNEL_AUTO;
        CHECK_INT(hq_model_probe(&c.config, &c.info, kernel, &n[i], &numbers[i]), HQ_OK);
        CHECK_INT(n[i], 4 * 3 + hq_model_param_count(c.model));
        hq_model_destroy(c.model);
    }
    CHECK(memcmp(numbers[0], numbers[1], (size_t)n[0] * sizeof(hq_real)) == 0);
    bool some = false;
    for (int64_t i = 0; i < n[0]; i++) {
        CHECK_NEAR(numbers[2][i], (double)numbers[0][i], 1e-4);
        some = some || fabs((double)numbers[0][i]) > 0.01;
    }
    CHECK(some);
    for (int i = 0; i < 3; i++) hq_free(numbers[i]);
}

int main(void)
{
    HQ_RUN(test_parameter_counts);
    HQ_RUN(test_circuit_sizes);
    HQ_RUN(test_no_weights);
    HQ_RUN(test_refuses);
    HQ_RUN(test_samples_apart);
    HQ_RUN(test_step_is_pure);
    HQ_RUN(test_start_weights);
    HQ_RUN(test_groups);
    HQ_RUN(test_probe);
#ifdef HQ_REAL_F64
    HQ_RUN(test_gradients);
    HQ_RUN(test_gradients_of_circuits);
    HQ_RUN(test_gradients_of_groups);
#endif
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
