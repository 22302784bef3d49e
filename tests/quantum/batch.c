/* Batches of a training, forward and backward, by every method: exact methods give the gradients of the functions on
 * one process; SPSA and shots give them on average; cutting the items changes no bit. */
#include "cases.h"
#include "hqcnn/config.h"
#include "quantum/circuit.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 5 };

static hq_random stream;

/* ---- a runner that cuts the items in three, each with the rows of its own samples only ---- */

static hq_status run_cut(const hq_runner *runner, const hq_items *items, int64_t count, const double *in, double *out)
{
    const int64_t n = count * items->parts, cut[4] = {0, n / 3, n / 2, n};
    (void)runner;
    for (int r = 2; r >= 0; r--) {
        const int64_t lo = cut[r], hi = cut[r + 1], first = lo / items->parts;
        if (lo == hi) continue;
        HQ_TRY(items->evaluate(items->ctx, lo, hi, in + first * items->in_size, out + lo * items->out_size));
    }
    return HQ_OK;
}

static const hq_runner cutting = {run_cut, NULL};

/* ---- one evaluation of a batch ---- */

static hq_circuit_options options_of(int method, const hq_config *config)
{
    return (hq_circuit_options){.method = method,
                                .spsa_step = config->gradient_spsa_step,
                                .spsa_samples = config->gradient_spsa_samples,
                                .seed = (uint64_t)config->train_seed,
                                .config = config};
}

static void run(const samples *s, hq_circuit_work *work, const hq_runner *runner, const int64_t *keys, uint32_t epoch,
                result *out)
{
    const hq_circuit_batch batch = {
        .n = s->batch, .x = s->x, .w = s->w, .keys = keys, .epoch = epoch, .gradient = true};
    CHECK(hq_circuit_forward(work, runner, &batch, out->q) == HQ_OK);
    CHECK(hq_circuit_backward(work, runner, &batch, s->dq, out->dx, out->dw) == HQ_OK);
}

static hq_circuit_work *work_for(const samples *s, int method, const hq_config *config)
{
    const hq_circuit_options options = options_of(method, config);
    hq_circuit_work *work;
    CHECK(hq_circuit_work_create(s->circuit, s->batch, &options, &work) == HQ_OK);
    return work;
}

/* Outputs and gradients by the exact functions. */
static result exact_result(const samples *s)
{
    hq_circuit_work *work;
    result exact = result_make(s);
    CHECK(hq_circuit_work_create(s->circuit, s->batch, NULL, &work) == HQ_OK);
    evaluate(s, work, HQ_GRADIENT_ADJOINT, 0, s->batch, &exact);
    hq_circuit_work_destroy(work);
    return exact;
}

static bool same_results(const samples *s, const result *a, const result *b)
{
    return same_bits(a->q, b->q, s->batch * s->outputs) && same_bits(a->dx, b->dx, s->batch * s->inputs) &&
           same_bits(a->dw, b->dw, s->weights);
}

/* ---- exact methods ---- */

static void check_exact(const samples *s, int method, const char *name)
{
    hq_config config;
    hq_config_defaults(&config);
    result want = exact_result(s), have = result_make(s), cut = result_make(s);
    hq_circuit_work *work = work_for(s, method, &config);
    const int64_t made = hq_memory_count();
    run(s, work, &hq_runner_local, NULL, 0, &have);
    CHECK_INT(hq_memory_count(), made);
    CHECK_MSG(worst_difference(have.q, want.q, s->batch * s->outputs) <= 1e-12, "%s: outputs", name);
    CHECK_MSG(worst_difference(have.dx, want.dx, s->batch * s->inputs) <= 1e-10, "%s: dx", name);
    CHECK_MSG(worst_difference(have.dw, want.dw, s->weights) <= 1e-10, "%s: dw", name);
    run(s, work, &cutting, NULL, 0, &cut);
    CHECK_MSG(same_results(s, &have, &cut), "%s: cutting the items changes bits", name);
    hq_circuit_work_destroy(work);
    result_free(&want);
    result_free(&have);
    result_free(&cut);
}

static void test_exact_methods(void)
{
    for (int i = 0; i < 30; i++) {
        hq_circuit *c = random_case(&stream, 1 + i % 9, i % 3 == 0);
        samples s = samples_make(&stream, c, BATCH);
        check_exact(&s, HQ_GRADIENT_ADJOINT, "adjoint");
        check_exact(&s, HQ_GRADIENT_PARAMETER_SHIFT, "parameter shift");
        samples_free(&s);
        hq_circuit_destroy(c);
    }
}

/* ---- methods that are right on average ---- */

/* Mean and its standard error, of every number of a gradient. */
typedef struct moments {
    double *sum, *squares;
    int64_t n, draws;
} moments;

static moments moments_make(int64_t n)
{
    return (moments){calloc((size_t)n, sizeof(double)), calloc((size_t)n, sizeof(double)), n, 0};
}

static void moments_add(moments *m, const double *x, const double *y, int64_t split)
{
    for (int64_t i = 0; i < m->n; i++) {
        const double v = i < split ? x[i] : y[i - split];
        m->sum[i] += v;
        m->squares[i] += v * v;
    }
    m->draws++;
}

/* Within `errors` standard errors, and `bias` besides. */
static void moments_check(const moments *m, const double *x, const double *y, int64_t split, double errors, double bias,
                          const char *name)
{
    const double draws = (double)m->draws;
    for (int64_t i = 0; i < m->n; i++) {
        const double want = i < split ? x[i] : y[i - split], mean = m->sum[i] / draws;
        const double variance = (m->squares[i] - draws * mean * mean) / (draws - 1);
        const double error = sqrt(fmax(variance, 0) / draws);
        CHECK_MSG(fabs(mean - want) <= errors * error + bias, "%s: number %d is %g +- %g on average, exactly %g", name,
                  (int)i, mean, error, want);
    }
}

/* Another seed of the run draws other numbers. */
static void check_seed(const samples *s, int method, hq_config config, const int64_t *keys, uint32_t epoch,
                       const result *have)
{
    config.train_seed++;
    hq_circuit_work *work = work_for(s, method, &config);
    result other = result_make(s);
    run(s, work, &hq_runner_local, keys, epoch, &other);
    CHECK(!same_results(s, have, &other));
    if (config.shots_count > 0) CHECK(!same_bits(have->q, other.q, s->batch * s->outputs));
    hq_circuit_work_destroy(work);
    result_free(&other);
}

/* `draws` gradients with different keys and epochs against the exact ones; one draw again has the same bits, one with
 * other keys has not. */
static void check_average(int method, const hq_config *config, int draws, double bias, const char *name)
{
    hq_circuit *c;
    CHECK(hq_circuit_create_hqcnn(3, 1, HQ_ATTENTION_QFT, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    samples s = samples_make(&stream, c, BATCH);
    result exact = exact_result(&s), have = result_make(&s), again = result_make(&s);
    hq_circuit_work *work = work_for(&s, method, config);
    const int64_t split = s.batch * s.inputs;
    moments m = moments_make(split + s.weights);
    for (int draw = 0; draw < draws; draw++) {
        int64_t keys[BATCH];
        for (int b = 0; b < BATCH; b++) keys[b] = 1000 * (draw / 7) + 3 * b;
        run(&s, work, &hq_runner_local, keys, (uint32_t)(draw % 7), &have);
        moments_add(&m, have.dx, have.dw, split);
        if (draw > 1) continue;
        const int64_t made = hq_memory_count();
        run(&s, work, &cutting, keys, (uint32_t)(draw % 7), &again);
        CHECK_INT(hq_memory_count(), made);
        CHECK_MSG(same_results(&s, &have, &again), "%s: cutting the items changes bits", name);
        run(&s, work, &cutting, keys, 77, &again);
        CHECK_MSG(!same_results(&s, &have, &again), "%s: another epoch draws the same numbers", name);
        check_seed(&s, method, *config, keys, (uint32_t)(draw % 7), &have);
    }
    moments_check(&m, exact.dx, exact.dw, split, 4.5, bias, name); /* 24 numbers: 4.5 errors are rare */
    free(m.sum);
    free(m.squares);
    hq_circuit_work_destroy(work);
    result_free(&exact);
    result_free(&have);
    result_free(&again);
    samples_free(&s);
    hq_circuit_destroy(c);
}

/* The error of a symmetric difference with step h is of order h^2. */
static void test_spsa(void)
{
    hq_config config;
    hq_config_defaults(&config);
    config.gradient_spsa_step = 0.01;
    check_average(HQ_GRADIENT_SPSA, &config, 4000, 1e-3, "spsa");
    config.gradient_spsa_samples = 5;
    check_average(HQ_GRADIENT_SPSA, &config, 1000, 1e-3, "spsa with 5 perturbations");
}

static void test_shots(void)
{
    hq_config config;
    hq_config_defaults(&config);
    config.shots_count = 50;
    config.shots_chunk = 20;
    check_average(HQ_GRADIENT_PARAMETER_SHIFT, &config, 1500, 0, "shots");
    config.gradient_spsa_step = 0.2;
    check_average(HQ_GRADIENT_SPSA, &config, 3000, 0.05, "shots and spsa");
}

/* Reading errors that are undone leave the gradient as it is, on average. */
static void test_mitigation(void)
{
    hq_config config;
    hq_config_defaults(&config);
    config.shots_count = 50;
    config.noise_readout01 = 0.05;
    config.noise_readout10 = 0.1;
    config.shots_mitigation = HQ_MITIGATION_READOUT;
    check_average(HQ_GRADIENT_PARAMETER_SHIFT, &config, 1500, 0, "mitigated reading errors");
}

/* A process without samples takes part; dw is zero. */
static void test_no_samples(void)
{
    hq_config config;
    hq_config_defaults(&config);
    config.shots_count = 10;
    hq_circuit *c = random_case(&stream, 3, false);
    samples s = samples_make(&stream, c, BATCH);
    for (int method = HQ_GRADIENT_PARAMETER_SHIFT; method <= HQ_GRADIENT_SPSA; method++) {
        result out = result_make(&s);
        hq_circuit_work *work = work_for(&s, method, &config);
        const hq_circuit_batch nothing = {.n = 0, .x = s.x, .w = s.w, .gradient = true};
        CHECK(hq_circuit_forward(work, &cutting, &nothing, out.q) == HQ_OK);
        CHECK(hq_circuit_backward(work, &cutting, &nothing, s.dq, out.dx, out.dw) == HQ_OK);
        for (int p = 0; p < s.weights; p++) CHECK(out.dw[p] == 0);
        hq_circuit_work_destroy(work);
        result_free(&out);
    }
    samples_free(&s);
    hq_circuit_destroy(c);
}

/* More pieces of shots than memory should hold are refused, on one basis and on several. */
static void check_too_many_pieces(const char *measure)
{
    hq_config config;
    hq_config_defaults(&config);
    config.shots_count = 1000000000;
    config.shots_chunk = 1;
    snprintf(config.model_circuit_measure, sizeof config.model_circuit_measure, "%s", measure);
    hq_circuit *c;
    CHECK(hq_circuit_create_config(&config, &c) == HQ_OK);
    const hq_circuit_options options = options_of(HQ_GRADIENT_PARAMETER_SHIFT, &config);
    hq_circuit_work *work;
    const int errors = hq_log_error_count();
    CHECK(hq_circuit_work_create(c, 1, &options, &work) == HQ_ERR_CONFIG);
    CHECK_INT(hq_log_error_count() - errors, 1);
    hq_circuit_destroy(c);
}

static void test_too_many_pieces(void)
{
    check_too_many_pieces("Z0");
    check_too_many_pieces("X0; Y0; Z0");
}

/* Work memory that evaluates circuits one by one does not serve the exact functions. */
static void check_exact_refused(const samples *s, int method, const hq_config *config)
{
    hq_circuit_work *work = work_for(s, method, config);
    result out = result_make(s);
    double *jacobian = calloc((size_t)(s->outputs * (s->inputs + s->weights) + 1), sizeof *jacobian);
    const int errors = hq_log_error_count();
    CHECK(hq_circuit_fwd(s->circuit, work, s->batch, s->x, s->w, out.q) == HQ_ERR_CONFIG);
    CHECK(hq_circuit_bwd_adjoint(s->circuit, work, s->batch, s->x, s->w, s->dq, out.dx, out.dw) == HQ_ERR_CONFIG);
    CHECK(hq_circuit_bwd_shift(s->circuit, work, &hq_runner_local, s->batch, s->x, s->w, s->dq, out.dx, out.dw) ==
          HQ_ERR_CONFIG);
    CHECK(hq_circuit_jacobian(s->circuit, work, HQ_GRADIENT_ADJOINT, s->x, s->w, jacobian) == HQ_ERR_CONFIG);
    CHECK_INT(hq_log_error_count() - errors, 4);
    free(jacobian);
    result_free(&out);
    hq_circuit_work_destroy(work);
}

static void test_exact_refused(void)
{
    hq_config config;
    hq_config_defaults(&config);
    hq_circuit *c = random_case(&stream, 3, true);
    samples s = samples_make(&stream, c, BATCH);
    check_exact_refused(&s, HQ_GRADIENT_SPSA, &config);
    config.shots_count = 10;
    check_exact_refused(&s, HQ_GRADIENT_PARAMETER_SHIFT, &config);
    samples_free(&s);
    hq_circuit_destroy(c);
}

int main(void)
{
    stream = hq_random_make(31, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_exact_methods);
    HQ_RUN(test_spsa);
    HQ_RUN(test_shots);
    HQ_RUN(test_mitigation);
    HQ_RUN(test_no_samples);
    HQ_RUN(test_too_many_pieces);
    HQ_RUN(test_exact_refused);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
