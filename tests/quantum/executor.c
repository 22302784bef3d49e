/* Circuits through an external executor: outputs and gradients within statistics, the same bits from any split of the
 * work, start and end of the program. */
#include "config/refusal.h"
#include "executor_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hq_random stream;

/* ---- outputs and gradients ---- */

static void check_outputs(const bench *b, const bench_result *have, const bench_result *exact)
{
    const double shots = b->config.shots_count;
    for (int i = 0; i < BENCH_BATCH * b->circuit->n_observables; i++) {
        const double q = exact->q[i], error = sqrt(fmax(1 - q * q, 0) / shots);
        CHECK_MSG(fabs(have->q[i] - q) <= 5 * error + 5 / shots, "output %d: %g, not %g +- %g", i, have->q[i], q,
                  error);
    }
}

/* Largest standard errors of the gradient by parameter shift: outputs of one evaluation have a variance of up to
 * 1 / shots each, and may be correlated. */
static void gradient_errors(const bench *b, bench_result *error)
{
    const hq_circuit *c = b->circuit;
    memset(error, 0, sizeof *error);
    for (int s = 0; s < BENCH_BATCH; s++) {
        double sum = 0;
        for (int k = 0; k < c->n_observables; k++) sum += fabs(b->dq[s * c->n_observables + k]);
        for (int e = 0; e < c->n_entries; e++) {
            const hq_shift_rule *rule = hq_circuit_entry_rule(c, e);
            const hq_binding *binding = hq_circuit_entry_binding(c, e);
            double *to = binding->source == HQ_SOURCE_INPUT ? &error->dx[s * c->inputs + binding->index]
                                                            : &error->dw[binding->index];
            for (int t = 0; t < rule->terms; t++)
                *to += pow(binding->scale * rule->weight[t] * sum, 2) / b->config.shots_count;
        }
    }
}

static void check_gradient(const char *what, int n, const double *have, const double *want, const double *variance)
{
    for (int i = 0; i < n; i++)
        CHECK_MSG(fabs(have[i] - want[i]) <= 5 * sqrt(variance[i]) + 1e-12, "%s[%d]: %g, not %g +- %g", what, i,
                  have[i], want[i], sqrt(variance[i]));
}

static void check_circuit(int qubits, int format, int chunk)
{
    bench *b = bench_open(&stream, qubits, 12);
    bench_result have, exact, error;
    b->config.shots_count = 20000;
    b->config.shots_chunk = chunk;
    b->config.executor_format = format;
    CHECK(bench_evaluate(b, &hq_runner_local, true, &exact) == HQ_OK);
    CHECK(bench_evaluate(b, &hq_runner_local, false, &have) == HQ_OK);
    gradient_errors(b, &error);
    check_outputs(b, &have, &exact);
    check_gradient("dx", BENCH_BATCH * b->circuit->inputs, have.dx, exact.dx, error.dx);
    check_gradient("dw", b->circuit->weights, have.dw, exact.dw, error.dw);
    bench_close(b);
}

static void test_statistics(void)
{
    for (int qubits = 2; qubits <= 5; qubits++) {
        check_circuit(qubits, HQ_EXECUTOR_FORMAT_QASM2, 0);
        check_circuit(qubits, HQ_EXECUTOR_FORMAT_QASM3, 7000);
    }
}

/* SPSA: the differences of outputs have the error sqrt(2 / shots), over 2 step and averaged over the samples. */
static void test_spsa(void)
{
    bench *b = bench_open(&stream, 3, 10);
    bench_result have, exact, error;
    b->config.gradient_method = HQ_GRADIENT_SPSA;
    CHECK(bench_evaluate(b, &hq_runner_local, true, &exact) == HQ_OK);
    CHECK(bench_evaluate(b, &hq_runner_local, false, &have) == HQ_OK);
    memset(&error, 0, sizeof error);
    for (int s = 0; s < BENCH_BATCH; s++) {
        double sum = 0;
        for (int k = 0; k < b->circuit->n_observables; k++) sum += fabs(b->dq[s * b->circuit->n_observables + k]);
        const double variance = sum * sum * 2 / b->config.shots_count / 4; /* step 0.5, 4 samples */
        for (int i = 0; i < b->circuit->inputs; i++) error.dx[s * b->circuit->inputs + i] = variance;
        for (int i = 0; i < b->circuit->weights; i++) error.dw[i] += variance;
    }
    check_outputs(b, &have, &exact);
    check_gradient("dx", BENCH_BATCH * b->circuit->inputs, have.dx, exact.dx, error.dx);
    check_gradient("dw", b->circuit->weights, have.dw, exact.dw, error.dw);
    bench_close(b);
}

/* Mitigation divides what a perfect device reads by 1 - a - b for each wire of an observable. */
static void test_mitigation(void)
{
    bench *b = bench_open(&stream, 2, 0);
    bench_result have, exact;
    b->config.shots_count = 20000;
    b->config.shots_mitigation = HQ_MITIGATION_READOUT;
    b->config.noise_readout01 = b->config.noise_readout10 = 0.1;
    CHECK(bench_evaluate(b, &hq_runner_local, true, &exact) == HQ_OK);
    CHECK(bench_evaluate(b, &hq_runner_local, false, &have) == HQ_OK);
    for (int i = 0; i < BENCH_BATCH * b->circuit->n_observables; i++) {
        const hq_pauli pauli = b->circuit->observables[i % b->circuit->n_observables];
        const double factor = pow(0.8, __builtin_popcount(pauli.x | pauli.z));
        CHECK_NEAR(have.q[i], exact.q[i] / factor, 5 / sqrt(20000) / factor);
    }
    bench_close(b);
}

/* ---- the same bits ---- */

/* Items in pieces of three, the last ones first. */
static hq_status run_backwards(const hq_runner *runner, const hq_items *items, int64_t samples, const double *in,
                               double *out)
{
    (void)runner;
    for (int64_t hi = samples * items->parts; hi > 0; hi -= 3) {
        const int64_t lo = hi > 3 ? hi - 3 : 0;
        HQ_TRY(
            items->evaluate(items->ctx, lo, hi, in + lo / items->parts * items->in_size, out + lo * items->out_size));
    }
    return HQ_OK;
}

static void test_splits(void)
{
    static const int methods[] = {HQ_GRADIENT_PARAMETER_SHIFT, HQ_GRADIENT_SPSA};
    const hq_runner backwards = {run_backwards, NULL};
    bench *b = bench_open(&stream, 3, 8);
    bench_result want, have;
    b->config.shots_chunk = 300;
    for (int i = 0; i < 2; i++) {
        b->config.gradient_method = methods[i];
        CHECK(bench_evaluate(b, &hq_runner_local, false, &want) == HQ_OK);
        CHECK(bench_evaluate(b, &backwards, false, &have) == HQ_OK);
        CHECK(bench_same(b, &have, &want));
        b->config.train_seed++;
        CHECK(bench_evaluate(b, &hq_runner_local, false, &have) == HQ_OK);
        CHECK(!bench_same(b, &have, &want));
    }
    bench_close(b);
}

/* ---- the program ---- */

/* It is started at the first job, and closing its input is enough to end it. */
static void test_life(void)
{
    bench *b = bench_open(&stream, 2, 0);
    bench_result result;
    hq_circuit_work *work;
    const hq_circuit_options options = {.method = HQ_GRADIENT_PARAMETER_SHIFT, .config = &b->config};
    bench_count_processes();
    const int files = bench_open_files();
    CHECK(hq_circuit_work_create(b->circuit, 1, &options, &work) == HQ_OK);
    hq_circuit_work_destroy(work);
    CHECK_INT(bench_count_processes().started, 0);
    snprintf(b->config.executor_command, sizeof b->config.executor_command, "'%s'; echo >'%s'", FAKE_EXECUTOR,
             bench_file("ended"));
    CHECK(bench_evaluate(b, &hq_runner_local, false, &result) == HQ_OK);
    CHECK(access(bench_file("ended"), F_OK) == 0);
    const bench_processes processes = bench_count_processes();
    CHECK_INT(processes.started, 1);
    CHECK_INT(processes.left, 0);
    CHECK_INT(bench_open_files(), files);
    bench_close(b);
}

/* A diverged training: nothing is asked, and the outputs say so. */
static void test_not_finite(void)
{
    bench *b = bench_open(&stream, 2, 0);
    bench_result result;
    b->w[0] = INFINITY;
    CHECK(bench_evaluate(b, &hq_runner_local, false, &result) == HQ_OK);
    for (int i = 0; i < BENCH_BATCH * b->circuit->n_observables; i++) CHECK(isnan(result.q[i]));
    CHECK_INT(bench_count_processes().started, 0);
    bench_close(b);
}

static void test_no_shots(void)
{
    bench *b = bench_open(&stream, 2, 0);
    hq_circuit_work *work;
    const hq_circuit_options options = {.method = HQ_GRADIENT_PARAMETER_SHIFT, .config = &b->config};
    b->config.shots_count = 0;
    CHECK_REFUSED(hq_circuit_work_create(b->circuit, 1, &options, &work), HQ_ERR_CONFIG, "executor.command",
                  "shots.count = 0");
    CHECK(work == NULL);
    bench_close(b);
}

/* With HQCNN_EXECUTOR_COMMAND statistics alone, by that program: see tests/cli/executor_node.sh. */
static void test_other_program(const char *command)
{
    bench *b = bench_open(&stream, 3, 10);
    bench_result have, exact, error;
    hq_copy_text(b->config.executor_command, sizeof b->config.executor_command, command);
    b->config.executor_timeout = 100;
    b->config.shots_count = 20000;
    CHECK(bench_evaluate(b, &hq_runner_local, true, &exact) == HQ_OK);
    CHECK(bench_evaluate(b, &hq_runner_local, false, &have) == HQ_OK);
    gradient_errors(b, &error);
    check_outputs(b, &have, &exact);
    check_gradient("dx", BENCH_BATCH * b->circuit->inputs, have.dx, exact.dx, error.dx);
    check_gradient("dw", b->circuit->weights, have.dw, exact.dw, error.dw);
    bench_close(b);
}

int main(void)
{
    const char *command = getenv("HQCNN_EXECUTOR_COMMAND");
    stream = hq_random_make(11, HQ_PURPOSE_TEST, 0, 1);
    setenv("HQCNN_FAKE_PIDS", bench_file("pids"), 1);
    if (command) {
        for (int i = 0; i < 3; i++) test_other_program(command);
        return hq_check_result();
    }
    HQ_RUN(test_statistics);
    HQ_RUN(test_spsa);
    HQ_RUN(test_mitigation);
    HQ_RUN(test_splits);
    HQ_RUN(test_life);
    HQ_RUN(test_not_finite);
    HQ_RUN(test_no_shots);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
