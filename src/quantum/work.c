#include "quantum/work.h"

#include "hqcnn/config.h"

#include <string.h>

/* Beyond so many qubits one state fills the vectors as well, and more samples the cache less well. */
#define BATCHED_QUBITS_MAX 7

/* Samples side by side, as a power of two: two states stay in the first cache, and there are so many samples. */
static int batched_lane_bits(const hq_circuit_work *work)
{
    return work->circuit->qubits <= 5 && work->batch > 16 ? 5 : 4;
}

/* ---- which path ---- */

/* Multiply-adds of one sample, forwards and backwards. A gate costs about 8 of them for each amplitude and is applied
 * three times; the fused path needs about four products with U. */
static double gates_cost(const hq_circuit *c) { return 3 * 8 * (double)c->n_ops * (double)(1 << c->qubits); }
static double fused_cost(const hq_circuit *c) { return 4 * 2 * (double)(1 << c->qubits) * (double)(1 << c->qubits); }

static int choose_path(const hq_circuit *c)
{
    if (hq_fused_possible(c) && fused_cost(c) <= gates_cost(c)) return HQ_COMPUTE_CIRCUIT_FUSED;
    return c->qubits <= BATCHED_QUBITS_MAX ? HQ_COMPUTE_CIRCUIT_BATCHED : HQ_COMPUTE_CIRCUIT_SINGLE;
}

static hq_status check_range(const hq_circuit_options *options)
{
    const bool kernel = options->kernel >= HQ_COMPUTE_KERNEL_AUTO && options->kernel <= HQ_COMPUTE_KERNEL_PLAIN;
    const bool path = options->path >= HQ_COMPUTE_CIRCUIT_AUTO && options->path <= HQ_COMPUTE_CIRCUIT_SINGLE;
    if (!kernel || !path)
        HQ_FAIL(HQ_ERR_CONFIG, "kernel %d and path %d of a circuit; allowed are 0 to %d and 0 to %d", options->kernel,
                options->path, HQ_COMPUTE_KERNEL_PLAIN, HQ_COMPUTE_CIRCUIT_SINGLE);
    return HQ_OK;
}

static hq_status settle_path(hq_circuit_work *work, const hq_circuit_options *options)
{
    HQ_TRY(check_range(options));
    work->kernels = hq_kernels_find(options->kernel);
    if (!work->kernels)
        HQ_FAIL(HQ_ERR_CONFIG,
                "compute.kernel = \"%s\": this processor does not have that instruction set; allowed: "
                "\"auto\", \"plain\" and what it has (best: \"%s\")",
                hq_config_word("compute.kernel", options->kernel), hq_kernels_best()->name);
    work->path = options->path == HQ_COMPUTE_CIRCUIT_AUTO ? choose_path(work->circuit) : options->path;
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED && !hq_fused_possible(work->circuit))
        HQ_FAIL(
            HQ_ERR_CONFIG,
            "compute.circuit = \"fused\" needs a circuit of up to %d qubits whose inputs enter once, by RY or RX at "
            "the start of a wire; allowed here: \"auto\", \"batched\" and \"single\"",
            HQ_FUSED_QUBITS_MAX);
    return HQ_OK;
}

/* ---- memory ---- */

static void take_all(hq_circuit_work *work)
{
    const hq_circuit *c = work->circuit;
    hq_arena *arena = &work->arena;
    const size_t batch = (size_t)work->batch, q = (size_t)c->inputs, o = (size_t)c->n_observables;
    const int lane_bits = work->path == HQ_COMPUTE_CIRCUIT_SINGLE ? 0 : batched_lane_bits(work);
    const size_t lanes = (size_t)1 << lane_bits;
    if (work->one_by_one)
        hq_sweep_take(&work->single, c, work->kernels, 0, arena);
    else if (work->path == HQ_COMPUTE_CIRCUIT_FUSED)
        hq_fused_take(&work->fused, work->kernels, arena);
    else
        hq_sweep_take(&work->sweep, c, work->kernels, lane_bits, arena);
    work->x = hq_arena_take(arena, lanes * q, sizeof(double));
    work->dq = hq_arena_take(arena, lanes * o, sizeof(double));
    work->row = hq_arena_take(arena, q + (size_t)c->weights, sizeof(double));
    if (work->is_noisy) hq_hardware_take(&work->hardware, &work->settings, &work->single, arena);
    work->w_row = hq_arena_take(arena, (size_t)c->weights, sizeof(double));
    work->rows = hq_arena_take(arena, batch * (q + (o > 0 ? o : 1)), sizeof(double));
    const size_t evaluations = (size_t)work->evaluations * (size_t)work->pieces * o, gradients = q + (size_t)c->weights;
    work->outputs = hq_arena_take(arena, batch * (evaluations > gradients ? evaluations : gradients), sizeof(double));
}

/* Pieces of an evaluation, before memory is taken for their outputs. */
static hq_status count_pieces(hq_circuit_work *work)
{
    const int64_t most = (int64_t)1 << 28; /* numbers: 2 GiB */
    const hq_hardware_settings *settings = &work->settings;
    const int64_t chunk = settings->chunk > 0 ? settings->chunk : settings->shots;
    const int64_t samples = work->batch > 0 ? work->batch : 1;
    work->pieces = 1;
    if (settings->shots == 0) return HQ_OK;
    const int64_t pieces = hq_bases_count(work->circuit) * ((settings->shots + chunk - 1) / chunk);
    if (pieces > most / work->evaluations / samples / (work->circuit->n_observables + 1))
        HQ_FAIL(
            HQ_ERR_CONFIG,
            "shots.chunk = %lld cuts the %lld shots of an evaluation into too many pieces (%lld in all bases, for %d "
            "evaluations of %lld samples); allowed: larger chunks, or 0",
            (long long)settings->chunk, (long long)settings->shots, (long long)pieces, work->evaluations,
            (long long)samples);
    work->pieces = (int)pieces;
    return HQ_OK;
}

static hq_status settle_hardware(hq_circuit_work *work, const hq_circuit_options *options)
{
    work->options = *options;
    if (options->config) work->settings = hq_hardware_settings_make(options->config);
    work->settings.seed = options->seed;
    work->is_noisy = hq_hardware_wanted(&work->settings);
    work->one_by_one = work->is_noisy || options->method == HQ_GRADIENT_SPSA;
    if (work->is_noisy) HQ_TRY(hq_hardware_check(&work->settings, work->circuit));
    return options->config ? hq_executor_create(options->config, work->circuit, &work->executor) : HQ_OK;
}

static hq_status build(hq_circuit_work *work, const hq_circuit_options *options)
{
    HQ_TRY(settle_path(work, options));
    HQ_TRY(settle_hardware(work, options));
    work->evaluations = options->method == HQ_GRADIENT_SPSA ? 1 + 2 * options->spsa_samples
                                                            : hq_circuit_shift_evaluations(work->circuit);
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED && !work->one_by_one)
        HQ_TRY(hq_fused_split(&work->fused, work->circuit));
    HQ_TRY(count_pieces(work));
    take_all(work); /* measures */
    HQ_TRY(hq_arena_create(work->arena.used, "states of a block of circuits", &work->arena));
    take_all(work);
    if (work->one_by_one)
        hq_sweep_start(&work->single);
    else if (work->path == HQ_COMPUTE_CIRCUIT_FUSED)
        hq_fused_start(&work->fused);
    else
        hq_sweep_start(&work->sweep);
    if (work->is_noisy) hq_hardware_start(&work->hardware);
    return HQ_OK;
}

hq_status hq_circuit_work_create(const hq_circuit *circuit, int64_t batch, const hq_circuit_options *options,
                                 hq_circuit_work **out_work)
{
    static const hq_circuit_options defaults = {0};
    hq_circuit_work *work;
    *out_work = NULL;
    HQ_ASSERT(batch >= 0);
    HQ_TRY(hq_alloc(sizeof *work, "circuit work", &work));
    work->given = circuit;
    work->batch = batch;
    hq_status status = hq_circuit_order(circuit, &work->circuit);
    if (status == HQ_OK) status = build(work, options ? options : &defaults);
    if (status != HQ_OK) {
        hq_circuit_work_destroy(work);
        return status;
    }
    *out_work = work;
    return HQ_OK;
}

void hq_circuit_work_destroy(hq_circuit_work *work)
{
    if (!work) return;
    hq_executor_destroy(work->executor);
    hq_fused_free(&work->fused);
    hq_circuit_destroy(work->circuit);
    hq_arena_destroy(&work->arena);
    hq_free(work);
}

const char *hq_circuit_work_path(const hq_circuit_work *work)
{
    static const char *const simulation[] = {[HQ_SIMULATION_STATE] = "single",
                                             [HQ_SIMULATION_DENSITY] = "density",
                                             [HQ_SIMULATION_TRAJECTORIES] = "trajectories"};
    if (work->executor) return "external";
    if (work->is_noisy) return simulation[work->hardware.simulation];
    return hq_config_word("compute.circuit", work->one_by_one ? HQ_COMPUTE_CIRCUIT_SINGLE : work->path);
}

int hq_circuit_work_lanes(const hq_circuit_work *work)
{
    return work->path == HQ_COMPUTE_CIRCUIT_FUSED ? HQ_VECTOR : (int)work->sweep.lanes;
}

bool hq_circuit_path_possible(const hq_circuit *circuit, int path)
{
    if (path == HQ_COMPUTE_CIRCUIT_FUSED) return hq_fused_possible(circuit);
    return path != HQ_COMPUTE_CIRCUIT_BATCHED || circuit->qubits <= BATCHED_QUBITS_MAX;
}

bool hq_circuit_kernel_possible(int kernel) { return hq_kernels_find(kernel) != NULL; }
const char *hq_circuit_kernel_name(int kernel)
{
    const hq_kernels *kernels = hq_kernels_find(kernel);
    return kernels ? kernels->name : "none";
}

const char *hq_circuit_work_kernel(const hq_circuit_work *work) { return work->kernels->name; }

/* Times of this program with AVX-512 kernels: a gate on an amplitude 0.1 ns; one state at a time 25 ns more for every
 * gate of a small one; 1.5e10 multiply-adds a second on the fused path. */
double hq_work_seconds(const hq_circuit_work *work, bool gradient)
{
    const hq_circuit *c = work->circuit;
    const double passes = gradient ? 3 : 1;
    if (work->executor) return hq_executor_seconds(&work->hardware);
    if (work->is_noisy) return hq_hardware_seconds(&work->hardware);
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED && !work->one_by_one) return passes * fused_cost(c) / 3 / 1.5e10;
    const bool lonely = work->one_by_one || work->path == HQ_COMPUTE_CIRCUIT_SINGLE;
    return passes * c->n_ops * (1e-10 * (double)(1 << c->qubits) + (lonely ? 25e-9 : 0));
}

hq_status hq_work_check_exact(const hq_circuit_work *work)
{
    if (!work->one_by_one) return HQ_OK;
    HQ_FAIL(HQ_ERR_CONFIG,
            "work memory of circuits for shots, noise or spsa serves hq_circuit_forward and _backward only");
}

/* ---- outputs ---- */

hq_status hq_circuit_fwd(const hq_circuit *circuit, hq_circuit_work *work, int64_t batch, const double *x,
                         const double *w, double *q)
{
    HQ_ASSERT(work->given == circuit && batch <= work->batch);
    HQ_TRY(hq_work_check_exact(work));
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED) {
        hq_fused_bind(&work->fused, w);
        hq_fused_outputs(&work->fused, batch, x, -1, 0, q, circuit->n_observables);
        return HQ_OK;
    }
    const int64_t lanes = (int64_t)work->sweep.lanes;
    hq_sweep_bind_weights(&work->sweep, w);
    for (int64_t first = 0; first < batch; first += lanes) {
        const int64_t n = batch - first < lanes ? batch - first : lanes;
        hq_sweep_bind_inputs(&work->sweep, n, x + first * circuit->inputs);
        hq_sweep_prepare(&work->sweep);
        hq_sweep_measure(&work->sweep, &work->sweep.psi, n, q + first * circuit->n_observables);
    }
    return HQ_OK;
}
