/* bench_circuit.c: hqcnn-dist bench circuit: how fast circuits are evaluated, and how that compares with the machine's
 * bounds.
 *
 * Rank 0 measures, with one thread. A time is the median of several runs; weights change from call to call, so that
 * nothing is left over from the one before.
 */
#include "cli/cli.h"

#include "hqcnn/json.h"

#include <stdlib.h>

enum { RUNS = 7 };
static const double run_seconds = 0.02; /* of one run, about */
#define LONG_CALL 0.5                   /* seconds: one such call is enough, and larger batches are left out */
#define TOO_LONG_CALL 30.0              /* seconds: not even one */

/* One circuit on one path with one kernel variant, and everything its functions need. */
typedef struct hq_subject {
    hq_circuit *circuit;
    hq_circuit_work *work;
    hq_circuit_peak peak;
    int64_t batch;
    double *x, *w, *dq, *q, *dx, *dw; /* one block */
} hq_subject;

typedef enum hq_what { WHAT_OUTPUTS, WHAT_ADJOINT, WHAT_SHIFT, WHAT_COUNT } hq_what;
static const char *const what_name[WHAT_COUNT] = {"outputs", "adjoint", "parameter-shift"};

/* ---- subjects ---------------------------------------------------------------------------------------------------- */

static void fill(hq_random *stream, double *v, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) v[i] = low + (high - low) * hq_random_uniform(stream);
}

static hq_status fill_subject(hq_subject *s)
{
    const int64_t n = s->batch, q = hq_circuit_inputs(s->circuit), p = hq_circuit_weights(s->circuit),
                  o = hq_circuit_outputs(s->circuit);
    hq_random stream = hq_random_make(1, HQ_PURPOSE_TEST, 0, 1);
    HQ_TRY(hq_alloc_array((size_t)(2 * n * q + 2 * p + 2 * n * o), sizeof(double), "benchmark", &s->x));
    s->w = s->x + n * q;
    s->dq = s->w + p;
    s->q = s->dq + n * o;
    s->dx = s->q + n * o;
    s->dw = s->dx + n * q;
    fill(&stream, s->x, n * q, -1.5, 1.5);
    fill(&stream, s->w, p, 0, 6.28);
    fill(&stream, s->dq, n * o, -1, 1);
    return HQ_OK;
}

static void free_subject(hq_subject *s)
{
    hq_free(s->x);
    hq_circuit_work_destroy(s->work);
    hq_circuit_destroy(s->circuit);
    *s = (hq_subject){0};
}

/* HQ_ERR_CONFIG, logged, when the path or the kernel cannot serve the circuit. */
static hq_status make_subject(const hq_config *config, int kernel, int path, int64_t batch, hq_subject *s)
{
    const hq_circuit_options options = {.kernel = kernel, .path = path};
    *s = (hq_subject){.batch = batch};
    hq_status status = hq_circuit_create_config(config, &s->circuit);
    if (status == HQ_OK) status = hq_circuit_work_create(s->circuit, batch, &options, &s->work);
    if (status == HQ_OK) status = hq_circuit_measure_peak(s->work, &s->peak);
    if (status == HQ_OK) status = fill_subject(s);
    if (status != HQ_OK) free_subject(s);
    return status;
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

static hq_status call(hq_subject *s, hq_what what)
{
    if (hq_circuit_weights(s->circuit) > 0) s->w[0] += 1e-7;
    if (what == WHAT_SHIFT)
        return hq_circuit_bwd_shift(s->circuit, s->work, &hq_runner_local, s->batch, s->x, s->w, s->dq, s->dx, s->dw);
    HQ_TRY(hq_circuit_fwd(s->circuit, s->work, s->batch, s->x, s->w, s->q));
    if (what == WHAT_OUTPUTS) return HQ_OK;
    return hq_circuit_bwd_adjoint(s->circuit, s->work, s->batch, s->x, s->w, s->dq, s->dx, s->dw);
}

static hq_status time_calls(hq_subject *s, hq_what what, int calls, double *seconds)
{
    const double start = hq_clock();
    for (int i = 0; i < calls; i++) HQ_TRY(call(s, what));
    *seconds = (hq_clock() - start) / calls;
    return HQ_OK;
}

/* Seconds of one call: the median of runs of about run_seconds. */
static hq_status measure(hq_subject *s, hq_what what, double *seconds)
{
    double times[RUNS];
    HQ_TRY(time_calls(s, what, 1, seconds)); /* warms up */
    if (*seconds > LONG_CALL) return HQ_OK;
    HQ_TRY(time_calls(s, what, 1, &times[0]));
    const int calls = times[0] > 0 ? (int)(run_seconds / times[0]) + 1 : 1000;
    for (int i = 0; i < RUNS; i++) HQ_TRY(time_calls(s, what, calls, &times[i]));
    *seconds = hq_median(times, RUNS);
    return HQ_OK;
}

/* ---- the configured circuit on all paths ------------------------------------------------------------------------- */

static void say_case(const hq_subject *s, hq_what what, double seconds, double flops)
{
    const double each = seconds / (double)s->batch;
    const double evaluations = what == WHAT_SHIFT ? hq_circuit_shift_evaluations(s->circuit) : 1;
    hq_say("  %-8s %-8s %-16s %6lld  %10.4f  %12.0f", hq_circuit_work_path(s->work), hq_circuit_work_kernel(s->work),
           what_name[what], (long long)s->batch, each * 1e6, evaluations / each);
    if (flops > 0) hq_say("  %7.1f  %3.0f %%", flops / each / 1e9, 100 * flops / each / s->peak.flops);
    hq_say("\n");
}

static json_t *case_json(const hq_subject *s, hq_what what, double seconds, double flops)
{
    const double each = seconds / (double)s->batch;
    const double evaluations = what == WHAT_SHIFT ? hq_circuit_shift_evaluations(s->circuit) : 1;
    json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f}", "path", hq_circuit_work_path(s->work), "kernel",
                               hq_circuit_work_kernel(s->work), "what", what_name[what], "batch", (json_int_t)s->batch,
                               "us_per_sample", each * 1e6, "circuits_per_second", evaluations / each);
    if (flops > 0) {
        hq_json_put(&object, "gflops", json_real(flops / each / 1e9));
        hq_json_put(&object, "peak_fraction", json_real(flops / each / s->peak.flops));
    }
    return object;
}

/* All that can be asked of one subject; not again what took long with a smaller batch, nor a parameter shift whose
 * evaluations would take minutes. */
static hq_status bench_subject(hq_subject *s, bool took_long[WHAT_COUNT], json_t *list)
{
    double outputs = 0;
    for (hq_what what = 0; what < WHAT_COUNT; what++) {
        double seconds, flops = 0;
        if (what == WHAT_SHIFT && outputs * hq_circuit_shift_evaluations(s->circuit) > TOO_LONG_CALL)
            took_long[what] = true;
        if (took_long[what]) continue;
        HQ_TRY(measure(s, what, &seconds));
        if (what == WHAT_OUTPUTS) outputs = seconds;
        took_long[what] = seconds > LONG_CALL;
        if (what != WHAT_SHIFT) flops = hq_circuit_sample_cost(s->work, what == WHAT_ADJOINT, &s->peak).flops;
        if (list)
            json_array_append_new(list, case_json(s, what, seconds, flops));
        else
            say_case(s, what, seconds, flops);
    }
    return HQ_OK;
}

static hq_status bench_paths(const hq_config *config, const hq_circuit *circuit, int kernel, json_t *list)
{
    static const int64_t batches[] = {16, 256, 1024};
    const int only = config->compute_circuit;
    for (int path = HQ_COMPUTE_CIRCUIT_FUSED; path <= HQ_COMPUTE_CIRCUIT_SINGLE; path++) {
        if (only != HQ_COMPUTE_CIRCUIT_AUTO && path != only) continue;
        if (only == HQ_COMPUTE_CIRCUIT_AUTO && !hq_circuit_path_possible(circuit, path)) continue;
        bool took_long[WHAT_COUNT] = {false};
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            hq_subject s;
            HQ_TRY(make_subject(config, kernel, path, batches[b], &s));
            hq_status status = bench_subject(&s, took_long, list);
            free_subject(&s);
            HQ_TRY(status);
        }
    }
    return HQ_OK;
}

/* ---- gates against bounds ---------------------------------------------------------------------------------------- */

/* Circuits into which data enters in every layer: no path but gate by gate. */
static hq_config layered(const hq_config *config, int qubits)
{
    hq_config c = *config;
    c.model_circuit_template = HQ_TEMPLATE_RE_UPLOADING;
    c.model_circuit_gates[0] = c.model_circuit_measure[0] = '\0';
    c.model_qubits = qubits;
    c.model_layers = 2;
    c.model_observables = HQ_OBSERVABLES_Z;
    return c;
}

static hq_status bench_gates(hq_subject *s, bool gradient, json_t *list)
{
    double times[RUNS];
    for (int i = 0; i < RUNS; i++) HQ_TRY(hq_circuit_time_gates(s->work, s->x, s->w, gradient, &times[i]));
    const hq_circuit_cost cost = hq_circuit_sample_cost(s->work, gradient, &s->peak);
    const double seconds = hq_median(times, RUNS), lanes = (double)hq_circuit_work_lanes(s->work);
    const double passes = (double)cost.gates * (double)((int64_t)1 << hq_circuit_qubits(s->circuit));
    const double each = seconds / lanes / passes * 1e9, bound = cost.bound / passes * 1e9;
    const char *what = gradient ? "gates, adjoint" : "gates";
    if (list)
        json_array_append_new(list,
                              json_pack("{s:i, s:s, s:s, s:s, s:i, s:f, s:f, s:f}", "qubits",
                                        hq_circuit_qubits(s->circuit), "path", hq_circuit_work_path(s->work), "kernel",
                                        hq_circuit_work_kernel(s->work), "what", what, "passes", cost.gates,
                                        "ns_per_pass_and_amplitude", each, "bound", bound, "ratio", each / bound));
    else
        hq_say("  %6d  %-8s %-8s %-16s %6d  %10.4f  %10.4f  %6.2f\n", hq_circuit_qubits(s->circuit),
               hq_circuit_work_path(s->work), hq_circuit_work_kernel(s->work), what, cost.gates, each, bound,
               each / bound);
    return HQ_OK;
}

static hq_status bench_layered(const hq_config *config, int kernel, json_t *list)
{
    static const int qubits[] = {4, 10, 14, 18};
    for (size_t i = 0; i < sizeof qubits / sizeof *qubits; i++) {
        const hq_config c = layered(config, qubits[i]);
        hq_subject s;
        HQ_TRY(make_subject(&c, kernel, HQ_COMPUTE_CIRCUIT_AUTO, qubits[i] < 8 ? 64 : 1, &s));
        hq_status status = bench_gates(&s, false, list);
        if (status == HQ_OK) status = bench_gates(&s, true, list);
        free_subject(&s);
        HQ_TRY(status);
    }
    return HQ_OK;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static bool wants_kernel(const hq_config *config, int kernel)
{
    const int only = config->compute_kernel;
    return only == HQ_COMPUTE_KERNEL_AUTO ? hq_circuit_kernel_possible(kernel) : kernel == only;
}

static hq_status bench_all(const hq_config *config, const hq_circuit *circuit, json_t *cases, json_t *gates)
{
    if (!cases) hq_say("  path     kernel   what              batch  us/sample    circuits/s  GFLOP/s  of peak\n");
    for (int kernel = HQ_COMPUTE_KERNEL_AVX512; kernel <= HQ_COMPUTE_KERNEL_PLAIN; kernel++)
        if (wants_kernel(config, kernel)) HQ_TRY(bench_paths(config, circuit, kernel, cases));
    if (!gates)
        hq_say("\nlayered circuits, data in every layer: nanoseconds for a pass of a gate over an amplitude\n"
               "  qubits  path     kernel   what              passes        time       bound   ratio\n");
    for (int kernel = HQ_COMPUTE_KERNEL_AVX512; kernel <= HQ_COMPUTE_KERNEL_PLAIN; kernel++)
        if (wants_kernel(config, kernel)) HQ_TRY(bench_layered(config, kernel, gates));
    return HQ_OK;
}

static hq_status print_json(const hq_config *config, const hq_circuit *circuit)
{
    json_t *cases = json_array(), *gates = json_array();
    hq_status status = bench_all(config, circuit, cases, gates);
    json_t *root =
        json_pack("{s:{s:i, s:i, s:i, s:i, s:i}, s:s, s:o, s:o}", "circuit", "qubits", hq_circuit_qubits(circuit),
                  "inputs", hq_circuit_inputs(circuit), "weights", hq_circuit_weights(circuit), "outputs",
                  hq_circuit_outputs(circuit), "evaluations", hq_circuit_shift_evaluations(circuit), "kernel",
                  hq_circuit_kernel_name(config->compute_kernel), "cases", cases, "gates", gates);
    char *text = status == HQ_OK ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    HQ_TRY(status);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the results");
    hq_say("%s\n", text);
    free(text);
    return HQ_OK;
}

static hq_status bench(const hq_config *config, bool json)
{
    hq_circuit *circuit;
    if (config->model_circuit_template == HQ_TEMPLATE_CLASSICAL)
        HQ_FAIL(HQ_ERR_CONFIG, "model.circuit.template = \"classical\" has no circuit to measure");
    HQ_TRY(hq_circuit_create_config(config, &circuit));
    hq_status status;
    if (json) {
        status = print_json(config, circuit);
    } else {
        hq_say(
            "%d qubits, %d inputs, %d weights, %d outputs; one thread, double precision, medians of %d runs\n"
            "adjoint: outputs, then gradients of inputs and weights; parameter-shift: %d evaluations of a sample\n\n",
            hq_circuit_qubits(circuit), hq_circuit_inputs(circuit), hq_circuit_weights(circuit),
            hq_circuit_outputs(circuit), RUNS, hq_circuit_shift_evaluations(circuit));
        status = bench_all(config, circuit, NULL, NULL);
    }
    hq_circuit_destroy(circuit);
    return status;
}

hq_status hq_cli_bench_circuit(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    return hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? bench(&config, options->json) : HQ_OK);
}
