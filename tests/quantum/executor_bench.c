#include "executor_bench.h"

#include "dense.h"
#include "random_circuit.h"
#include "support/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- circuits ---- */

static hq_circuit *small_circuit(void)
{
    hq_circuit *c = NULL;
    const hq_binding x = {HQ_SOURCE_INPUT, 0, 0.7, 0.2}, w = hq_bind_weight(0);
    CHECK(hq_circuit_create(2, &c) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_RY, (int[]){0}, &x) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_CX, (int[]){0, 1}, NULL) == HQ_OK);
    CHECK(hq_circuit_add(c, HQ_GATE_RX, (int[]){1}, &w) == HQ_OK);
    return c;
}

bench *bench_open(hq_random *stream, int qubits, int gates)
{
    bench *b = calloc(1, sizeof *b);
    hq_circuit *c = b->circuit = gates > 0 ? random_circuit(stream, qubits, gates) : small_circuit();
    for (int k = 0; k < 3; k++) CHECK(hq_circuit_observe(c, hq_circuit_pauli(c, "XYZ"[k], k % qubits)) == HQ_OK);
    CHECK(hq_circuit_observe(c, (hq_pauli){0, (1u << qubits) - 1}) == HQ_OK);
    CHECK(hq_circuit_observe(c, (hq_pauli){1, 3}) == HQ_OK);
    CHECK(c->inputs <= BENCH_NUMBERS && c->weights <= BENCH_NUMBERS && c->n_observables <= BENCH_OUTPUTS);
    hq_config_defaults(&b->config);
    b->config.shots_count = 1000;
    b->config.gradient_method = HQ_GRADIENT_PARAMETER_SHIFT;
    b->config.executor_timeout = 20;
    b->config.executor_retries = 0;
    bench_command(b, "");
    fill_random(stream, BENCH_BATCH * BENCH_NUMBERS, -3, 3, b->x);
    fill_random(stream, BENCH_NUMBERS, -3, 3, b->w);
    fill_random(stream, BENCH_BATCH * BENCH_OUTPUTS, -1, 1, b->dq);
    return b;
}

void bench_close(bench *b)
{
    hq_circuit_destroy(b->circuit);
    free(b);
}

/* exec: so that the shell does not stay in between, whichever it is. */
void bench_command(bench *b, const char *words)
{
    snprintf(b->config.executor_command, sizeof b->config.executor_command, "exec '%s' %s", FAKE_EXECUTOR, words);
}

const char *bench_file(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", hq_check_scratch(), name);
    return path;
}

/* ---- evaluation ---- */

hq_status bench_evaluate(const bench *b, const hq_runner *runner, bool exact, bench_result *out)
{
    const hq_circuit_options options = {.method = b->config.gradient_method,
                                        .spsa_step = 0.5,
                                        .spsa_samples = 4,
                                        .config = exact ? NULL : &b->config,
                                        .seed = (uint64_t)b->config.train_seed};
    const hq_circuit_batch batch = {.n = BENCH_BATCH, .x = b->x, .w = b->w, .epoch = 2, .gradient = true};
    hq_circuit_work *work;
    HQ_TRY(hq_circuit_work_create(b->circuit, BENCH_BATCH, &options, &work));
    hq_status status = hq_circuit_forward(work, runner, &batch, out->q);
    if (status == HQ_OK) status = hq_circuit_backward(work, runner, &batch, b->dq, out->dx, out->dw);
    hq_circuit_work_destroy(work);
    return status;
}

bool bench_same(const bench *b, const bench_result *have, const bench_result *want)
{
    const hq_circuit *c = b->circuit;
    return memcmp(have->q, want->q, (size_t)(BENCH_BATCH * c->n_observables) * sizeof(double)) == 0 &&
           memcmp(have->dx, want->dx, (size_t)(BENCH_BATCH * c->inputs) * sizeof(double)) == 0 &&
           memcmp(have->dw, want->dw, (size_t)c->weights * sizeof(double)) == 0;
}

/* ---- processes ---- */

/* A zombie that waits for another process than this one counts as gone. */
static bool runs(long pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
    fclose(file);
    return state != 'Z';
}

static bool runs_on(long pid)
{
    for (int i = 0; i < 1000 && runs(pid); i++) usleep(10000);
    return runs(pid);
}

bench_processes bench_count_processes(void)
{
    bench_processes count = {0};
    char path[400];
    long pid;
    snprintf(path, sizeof path, "%s", bench_file("pids"));
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%ld", &pid) == 1) {
        count.started++;
        count.left += runs_on(pid);
    }
    if (file) fclose(file);
    remove(path);
    return count;
}

int bench_open_files(void)
{
    int open_files = 0;
    for (int file = 0; file < 1024; file++) open_files += fcntl(file, F_GETFD) >= 0;
    return open_files;
}
