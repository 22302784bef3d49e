#include "quantum/executor.h"

#include "quantum/executor_process.h"
#include "quantum/executor_protocol.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double PATIENCE = 2;                         /* seconds that a program has to end by itself */
static const double PAUSE_FIRST = 0.1, PAUSE_LONGEST = 5; /* seconds before a restart; doubled each time */

struct hq_executor {
    char command[HQ_TEXT_MAX];
    int version; /* of OpenQASM */
    double timeout;
    int retries;
    const hq_circuit *circuit;
    hq_circuit bound; /* the circuit with constants for all parameters; its ops are ours, the rest the circuit's */
    bool finite;      /* these constants */
    int64_t jobs;     /* so far */
    hq_process process;
    hq_line line;
    hq_counts counts;
};

/* ---- creation ---- */

hq_status hq_executor_create(const hq_config *config, const hq_circuit *circuit, hq_executor **out_executor)
{
    hq_executor *e;
    *out_executor = NULL;
    if (!config->executor_command[0]) return HQ_OK;
    if (config->shots_count == 0)
        HQ_FAIL(HQ_ERR_CONFIG,
                "executor.command = \"%.100s\" answers with counts, but shots.count = 0; set shots.count to at least 1",
                config->executor_command);
    HQ_TRY(hq_alloc(sizeof *e, "external executor", &e));
    *e = (hq_executor){.version = config->executor_format == HQ_EXECUTOR_FORMAT_QASM3 ? 3 : 2,
                       .timeout = config->executor_timeout,
                       .retries = config->executor_retries,
                       .circuit = circuit,
                       .bound = *circuit};
    hq_copy_text(e->command, sizeof e->command, config->executor_command);
    e->bound.inputs = e->bound.weights = 0;
    const hq_status status =
        hq_alloc_array((size_t)circuit->n_ops, sizeof *e->bound.ops, "circuits for the executor", &e->bound.ops);
    if (status != HQ_OK) {
        hq_free(e);
        return status;
    }
    *out_executor = e;
    return HQ_OK;
}

void hq_executor_destroy(hq_executor *e)
{
    if (!e) return;
    hq_process_end(&e->process, PATIENCE);
    hq_free(e->bound.ops);
    hq_free(e->line.text);
    hq_free(e->counts.outcome);
    hq_free(e);
}

/* ---- circuits ---- */

void hq_executor_bind(hq_executor *e, const double *x, const double *w, int entry, double shift)
{
    const hq_circuit *c = e->circuit;
    double value[HQ_GATE_PARAMETERS_MAX];
    e->finite = true;
    for (int i = 0; i < c->n_ops; i++) {
        hq_op *op = &e->bound.ops[i];
        *op = c->ops[i];
        hq_op_parameters(&c->ops[i], x, w, value);
        if (entry >= 0 && c->entries[entry].op == i) value[c->entries[entry].slot] += shift;
        for (int slot = 0; slot < op->gate->parameters; slot++) {
            op->binding[slot] = hq_bind_constant(value[slot]);
            if (!isfinite(value[slot])) e->finite = false;
        }
    }
}

/* ---- one job ---- */

/* A reply that is no line, in words. */
static void describe(const hq_executor *e, hq_reply reply, char problem[HQ_PROBLEM_MAX])
{
    char fate[80];
    switch (reply) {
    case HQ_REPLY_ENDED:
        hq_process_fate(&e->process, fate, sizeof fate);
        snprintf(problem, HQ_PROBLEM_MAX, "the program %s", fate);
        break;
    case HQ_REPLY_LATE:
        snprintf(problem, HQ_PROBLEM_MAX, "no answer within executor.timeout = %g seconds", e->timeout);
        break;
    case HQ_REPLY_LONG:
        snprintf(problem, HQ_PROBLEM_MAX, "a line that is too long for an answer");
        break;
    default:
        snprintf(problem, HQ_PROBLEM_MAX, "more than one line");
    }
}

/* What is wrong, with the beginning of what was read. */
static void add_excerpt(const hq_executor *e, char problem[HQ_PROBLEM_MAX])
{
    char excerpt[HQ_EXCERPT_MAX];
    const size_t used = strlen(problem);
    if (e->line.used == 0) return;
    hq_excerpt(e->line.text, e->line.used, excerpt);
    snprintf(problem + used, HQ_PROBLEM_MAX - used, "; it wrote: %s%s", excerpt,
             e->line.used > strlen(excerpt) ? "..." : "");
}

/* HQ_ERR_EXECUTOR is not logged yet: `problem` has the reason. */
static hq_status try_job(hq_executor *e, const hq_job *job, const char *request, char problem[HQ_PROBLEM_MAX])
{
    e->line.used = 0;
    if (e->process.pid == 0 && !hq_process_start(&e->process, e->command)) {
        snprintf(problem, HQ_PROBLEM_MAX, "it cannot be started: %s", strerror(errno));
        return HQ_ERR_EXECUTOR;
    }
    const hq_reply reply =
        hq_process_ask(&e->process, request, strlen(request), e->timeout, hq_answer_longest(job), &e->line);
    hq_status status = HQ_ERR_EXECUTOR;
    if (reply == HQ_REPLY_MEMORY) return HQ_ERR_MEMORY;
    if (reply == HQ_REPLY_LINE)
        status = hq_answer_read(job, e->line.text, e->line.used, &e->counts, problem);
    else
        describe(e, reply, problem);
    if (status == HQ_ERR_EXECUTOR) add_excerpt(e, problem);
    return status;
}

static void pause_before(int attempt)
{
    const double seconds = fmin(ldexp(PAUSE_FIRST, attempt < 30 ? attempt : 30), PAUSE_LONGEST);
    nanosleep(&(struct timespec){(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)}, NULL);
}

/* The counts of a job in e->counts. */
static hq_status ask(hq_executor *e, const hq_job *job, const char *request)
{
    char problem[HQ_PROBLEM_MAX];
    for (int attempt = 0;; attempt++) {
        const hq_status status = try_job(e, job, request, problem);
        if (status != HQ_ERR_EXECUTOR) return status;
        hq_process_end(&e->process, 0);
        if (attempt == e->retries) break;
        hq_warn("executor.command = \"%.200s\": job %lld: %s; starting it again (%d of executor.retries = %d)",
                e->command, (long long)job->id, problem, attempt + 1, e->retries);
        pause_before(attempt);
    }
    HQ_FAIL(HQ_ERR_EXECUTOR,
            "executor.command = \"%.200s\" has failed: job %lld: %s; executor.retries = %d, executor.timeout = %g. A "
            "training saves its state: put the program right, then go on with --resume",
            e->command, (long long)job->id, problem, e->retries, e->timeout);
}

static hq_status run_job(hq_executor *e, const hq_job *job)
{
    char *request = hq_job_write(job);
    if (!request) HQ_FAIL(HQ_ERR_MEMORY, "no memory for a job of the external executor");
    const hq_status status = ask(e, job, request);
    free(request);
    return status;
}

/* ---- parts ---- */

static int64_t chunk_of(const hq_hardware *h) { return h->settings.chunk > 0 ? h->settings.chunk : h->settings.shots; }

/* As the random numbers of the simulator: a function of the run's seed and of what is evaluated, nothing else. */
static uint64_t seed_of(const hq_hardware *h, const hq_shots_key *key, int64_t part)
{
    const uint64_t name[5] = {key->epoch, key->split, key->sample, key->evaluation, (uint64_t)part};
    return hq_hash(name, sizeof name, h->settings.seed) >> 11;
}

hq_status hq_executor_part(hq_executor *e, const hq_hardware *h, const hq_shots_key *key, int64_t part, double *q)
{
    const hq_circuit *c = e->circuit;
    const int basis = (int)(part / h->chunks);
    const int64_t size = chunk_of(h), left = h->settings.shots - part % h->chunks * size;
    char letters[HQ_QUBITS_MAX + 1] = "", *program;
    for (int k = 0; k < c->n_observables; k++) q[k] = e->finite ? 0 : NAN;
    if (!e->finite) return HQ_OK;
    for (int wire = 0; wire < c->qubits; wire++)
        letters[wire] = hq_basis_letter(&h->bases.basis[basis], c->qubits, wire);
    HQ_TRY(hq_circuit_write_qasm(&e->bound, e->version, NULL, NULL, letters, &program));
    const hq_job job = {++e->jobs, e->version,           program, c->qubits, left < size ? left : size,
                        letters,   seed_of(h, key, part)};
    const hq_status status = run_job(e, &job);
    hq_free(program);
    HQ_TRY(status);
    for (size_t i = 0; i < e->counts.n; i++)
        hq_hardware_count(h, basis, e->counts.outcome[i].bits, e->counts.outcome[i].count, h->settings.shots, q);
    return HQ_OK;
}

double hq_executor_seconds(const hq_hardware *h) { return 1e-3 + 1e-6 * (double)chunk_of(h); }
