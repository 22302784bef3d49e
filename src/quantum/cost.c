/* cost.c: what circuits need at least, for comparison with measured times. */
#include "hqcnn/config.h"
#include "quantum/work.h"

/* ---- the machine ---- */

static double seconds_of_peak(const hq_kernels *kernels, size_t n, double *sink)
{
    const double start = hq_clock();
    *sink += kernels->multiply_add(n, 0.5);
    return hq_clock() - start;
}

static double seconds_of_rescale(const hq_kernels *kernels, hq_state *state, int repeats)
{
    const double start = hq_clock();
    for (int i = 0; i < repeats; i++) kernels->rescale(state, i % 2 ? 0.5 : 2);
    return hq_clock() - start;
}

static hq_status measure_bytes(hq_circuit_work *work, double *bytes)
{
    enum { TRIALS = 20 };
    hq_arena arena = {0};
    hq_state state;
    const int qubits = work->circuit->qubits,
              lane_bits = work->path == HQ_COMPUTE_CIRCUIT_FUSED ? 3 : work->sweep.lane_bits;
    const double numbers = (double)hq_state_size(qubits, lane_bits);
    const int repeats = (int)(1e6 / numbers) + 1;
    hq_state_take(&state, qubits, lane_bits, &arena);
    HQ_TRY(hq_arena_create(arena.used, "state of a measurement", &arena));
    hq_state_take(&state, qubits, lane_bits, &arena);
    double least = 1e300;
    for (int i = 0; i < TRIALS; i++) {
        const double seconds = seconds_of_rescale(work->kernels, &state, repeats) / repeats;
        if (seconds < least) least = seconds;
    }
    hq_arena_destroy(&arena);
    *bytes = 4 * numbers * sizeof(double) / least; /* re and im, read and written */
    return HQ_OK;
}

hq_status hq_circuit_measure_peak(hq_circuit_work *work, hq_circuit_peak *out_peak)
{
    enum { TRIALS = 20, REPEATS = 20000 };
    double least = 1e300, sink = 0;
    for (int i = 0; i < TRIALS; i++) {
        const double seconds = seconds_of_peak(work->kernels, REPEATS, &sink);
        if (seconds < least) least = seconds;
    }
    out_peak->flops = sink == 0 ? 0 : 2.0 * work->kernels->width * HQ_PEAK_VECTORS * REPEATS / least;
    return measure_bytes(work, &out_peak->bytes);
}

hq_status hq_circuit_time_gates(hq_circuit_work *work, const double *x, const double *w, bool gradient, double *seconds)
{
    hq_sweep *sweep = &work->sweep;
    const double amplitudes = (double)hq_state_size(work->circuit->qubits, sweep->lane_bits);
    const int repeats = (int)(1e6 / amplitudes) + 1;
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED)
        HQ_FAIL(HQ_ERR_CONFIG, "the fused path of a circuit has no gates to be timed");
    hq_sweep_bind_weights(sweep, w);
    hq_sweep_bind_inputs(sweep, (int64_t)sweep->lanes, x);
    hq_sweep_prepare(sweep);
    const double start = hq_clock();
    for (int i = 0; i < repeats; i++) {
        hq_sweep_run(sweep, 0, work->circuit->n_ops, &sweep->psi);
        if (gradient) hq_sweep_back(sweep);
    }
    *seconds = (hq_clock() - start) / repeats;
    return HQ_OK;
}

/* ---- one sample ---- */

/* Real multiply-adds on an amplitude that a gate touches. */
static double arithmetic_of(hq_form form)
{
    switch (form) {
    case HQ_FORM_FLIP:
        return 0;
    case HQ_FORM_DENSE:
        return 8;
    default: /* one complex factor, or two real ones */
        return 4;
    }
}

/* Amplitudes touched by a step: the pairs of its first gate; of a phase gate their second states. */
static double touched_by(const hq_circuit *c, const hq_step *step)
{
    const hq_gate *gate = c->ops[step->first].gate;
    const double pairs = (double)((size_t)1 << c->qubits) / (double)(1 << hq_gate_wires(gate)) * gate->blocks;
    return step->form == HQ_FORM_PHASE ? pairs : 2 * pairs;
}

static void add_pass(hq_circuit_cost *cost, double multiply_adds, double bytes, const hq_circuit_peak *peak)
{
    const double arithmetic = 2 * multiply_adds / peak->flops, memory = bytes / peak->bytes;
    cost->flops += 2 * multiply_adds;
    cost->bound += arithmetic > memory ? arithmetic : memory;
    cost->gates++;
}

static bool has_entry(const hq_circuit *c, const hq_step *step)
{
    for (int op = step->first; op < step->end; op++)
        if (c->ops[op].source != HQ_SOURCE_CONSTANT) return true;
    return false;
}

/* Forwards; backwards on two states; and the overlaps of steps with a parameter: four complex products a pair, of which
 * diagonal gates need two and phase gates one. */
static void add_step(hq_circuit_cost *cost, const hq_circuit *c, const hq_step *step, bool gradient,
                     const hq_circuit_peak *peak)
{
    const double touched = touched_by(c, step), moved = touched * 32, arithmetic = touched * arithmetic_of(step->form);
    for (int pass = 0; pass < (gradient ? 3 : 1); pass++) add_pass(cost, arithmetic, moved, peak);
    if (!gradient || !has_entry(c, step)) return;
    const bool diagonal = step->form == HQ_FORM_PHASE || step->form == HQ_FORM_DIAGONAL;
    add_pass(cost, touched * (diagonal ? 4 : 8), touched * 32, peak);
}

/* Products with U; outputs and lambda; cosines and sines about 40 operations an angle. */
static double fused_flops(const hq_circuit *c, bool gradient)
{
    const double dim = (double)(1 << c->qubits), outputs = c->n_observables;
    const double forward = 2 * dim * dim + 2 * dim + 1.5 * dim * outputs + 20 * c->qubits + dim;
    const double backward = 3 * 2 * dim * dim + 2 * dim + 3 * dim * outputs + 20 * c->qubits + 5 * dim;
    return 2 * (gradient ? forward + backward : forward);
}

hq_circuit_cost hq_circuit_sample_cost(const hq_circuit_work *work, bool gradient, const hq_circuit_peak *peak)
{
    const hq_circuit *c = work->circuit;
    hq_circuit_cost cost = {0};
    if (work->path == HQ_COMPUTE_CIRCUIT_FUSED) {
        cost.flops = fused_flops(c, gradient);
        return cost;
    }
    for (int i = 0; i < work->sweep.steps; i++) add_step(&cost, c, &work->sweep.step[i], gradient, peak);
    return cost;
}
