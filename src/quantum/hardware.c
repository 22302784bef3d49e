#include "quantum/hardware.h"

#include "quantum/sampling.h"

#include <math.h>
#include <string.h>

static int qubits_of(const hq_hardware *h) { return h->sweep->circuit->qubits; }
static int outputs_of(const hq_hardware *h) { return h->sweep->circuit->n_observables; }
static double *leaves(const hq_hardware *h) { return h->tree + ((size_t)1 << qubits_of(h)); }
static double *values_of(const hq_hardware *h, int observable)
{
    return h->value + (size_t)observable * (size_t)(qubits_of(h) + 1);
}

/* ---- memory ---- */

static void take_states(hq_hardware *h, hq_arena *arena)
{
    const int n = qubits_of(h);
    switch (h->simulation) {
    case HQ_SIMULATION_STATE:
        h->front = h->sweep->psi;
        h->end = h->sweep->lambda;
        hq_state_take(&h->turned, n, 0, arena);
        break;
    case HQ_SIMULATION_DENSITY:
        hq_state_take(&h->front, 2 * n, 0, arena);
        hq_state_take(&h->end, 2 * n, 0, arena);
        hq_state_take(&h->turned, 2 * n, 0, arena);
        break;
    case HQ_SIMULATION_TRAJECTORIES:
        h->end = h->sweep->psi;
        h->turned = h->sweep->lambda;
        break;
    }
}

void hq_hardware_take(hq_hardware *h, const hq_hardware_settings *settings, hq_sweep *sweep, hq_arena *arena)
{
    const size_t n = (size_t)sweep->circuit->qubits, o = (size_t)sweep->circuit->n_observables;
    const int64_t shots = settings->shots, chunk = settings->chunk > 0 ? settings->chunk : shots;
    HQ_ASSERT(sweep->lanes == 1);
    *h = (hq_hardware){.settings = *settings, .sweep = sweep, .measured = -1};
    h->simulation = hq_hardware_simulation(settings, sweep->circuit->qubits);
    h->chunks = shots > 0 ? (shots + chunk - 1) / chunk : 1;
    hq_bases_take(&h->bases, sweep->circuit, arena);
    take_states(h, arena);
    h->tree = hq_arena_take(arena, (size_t)2 << n, sizeof *h->tree);
    h->value = hq_arena_take(arena, o * (n + 1), sizeof *h->value);
}

void hq_hardware_start(hq_hardware *h)
{
    const hq_circuit *c = h->sweep->circuit;
    hq_bases_start(&h->bases);
    for (int k = 0; k < c->n_observables; k++)
        hq_readout_values(&h->settings.noise, h->settings.mitigation,
                          __builtin_popcount(hq_pauli_support(c->observables[k])), values_of(h, k));
    hq_hardware_reset(h);
}

/* ---- simulation ---- */

static void run(const hq_hardware *h, int first, int end, hq_state *state)
{
    if (h->simulation == HQ_SIMULATION_STATE)
        hq_sweep_run(h->sweep, first, end, state);
    else
        hq_density_run(h->sweep, &h->settings.noise, first, end, state);
}

void hq_hardware_reset(hq_hardware *h)
{
    h->front_op = 0;
    h->measured = -1;
    if (h->simulation != HQ_SIMULATION_TRAJECTORIES) hq_state_reset(&h->front); /* |0><0| too is 1, 0, 0, ... */
}

void hq_hardware_advance(hq_hardware *h, int op)
{
    if (h->simulation == HQ_SIMULATION_TRAJECTORIES) return;
    if (h->simulation == HQ_SIMULATION_STATE) op = hq_sweep_front(h->sweep, op);
    HQ_ASSERT(op >= h->front_op);
    run(h, h->front_op, op, &h->front);
    h->front_op = op;
}

void hq_hardware_finish(hq_hardware *h)
{
    h->measured = -1;
    if (h->simulation == HQ_SIMULATION_TRAJECTORIES) return;
    hq_state_copy(&h->end, &h->front);
    run(h, h->front_op, h->sweep->circuit->n_ops, &h->end);
}

/* Leaves of the tree = probabilities of the outcomes of a basis, before reading. */
static void measure(hq_hardware *h, int basis)
{
    const hq_basis *b = &h->bases.basis[basis];
    const hq_state *state = &h->end;
    if (b->letters.x) {
        hq_state_copy(&h->turned, &h->end);
        hq_basis_turn(b, h->sweep->kernels, qubits_of(h), &h->turned);
        state = &h->turned;
    }
    if (h->simulation == HQ_SIMULATION_DENSITY)
        hq_density_diagonal(state, leaves(h));
    else
        hq_state_probabilities(state, leaves(h));
}

/* ---- random numbers ---- */

/* Evaluation, part, epoch stand in the counter as they are; split, sample and trajectory (from 1; 0: none) are hashed
 * into the key with the seed. Two evaluations meet only where 64 bits of the hash do, for the same counter. */
static hq_random stream_of(const hq_hardware *h, const hq_shots_key *key, int64_t part, int64_t trajectory)
{
    const uint64_t name[3] = {key->split, key->sample, (uint64_t)trajectory};
    const uint64_t index = (uint64_t)key->evaluation << 40 | (uint64_t)part;
    return hq_random_make(hq_hash(name, sizeof name, h->settings.seed), HQ_PURPOSE_SHOTS, key->epoch, index);
}

/* ---- shots ---- */

void hq_hardware_count(const hq_hardware *h, int basis, uint32_t outcome, int64_t count, int64_t total, double *q)
{
    const hq_basis *b = &h->bases.basis[basis];
    const double weight = (double)count / (double)total;
    for (int i = b->first; i < b->first + b->count; i++) {
        const int k = h->bases.order[i];
        const uint32_t read = outcome & hq_pauli_support(h->sweep->circuit->observables[k]);
        q[k] += weight * values_of(h, k)[__builtin_popcount(read)];
    }
}

typedef struct counting {
    const hq_hardware *hardware;
    int basis;
    double *q;
} counting;

static void count_outcome(void *ctx, uint32_t outcome, int64_t count)
{
    const counting *c = ctx;
    hq_hardware_count(c->hardware, c->basis, outcome, count, c->hardware->settings.shots, c->q);
}

/* The basis as it is read, ready to be sampled. */
static void measure_for_shots(hq_hardware *h, int basis)
{
    measure(h, basis);
    hq_readout_apply(&h->settings.noise, qubits_of(h), leaves(h));
    hq_sampling_start(qubits_of(h), h->tree);
}

/* Whether the probabilities can be drawn from. A state that is not finite has outputs that are not: so the training is
 * told that it diverged. */
static bool is_sampled(const hq_hardware *h, const counting *c)
{
    const hq_basis *b = &h->bases.basis[c->basis];
    if (h->tree[1] > 0 && isfinite(h->tree[1])) return true;
    for (int i = b->first; i < b->first + b->count; i++) c->q[h->bases.order[i]] = NAN;
    return false;
}

static void sample_state(hq_hardware *h, const hq_shots_key *key, int64_t part, int64_t shots, counting *c)
{
    hq_random stream = stream_of(h, key, part, 0);
    if (h->measured != c->basis) measure_for_shots(h, c->basis);
    h->measured = c->basis;
    if (is_sampled(h, c)) hq_sampling_draw(qubits_of(h), h->tree, shots, &stream, count_outcome, c);
}

/* Trajectories of a chunk: in proportion to its shots, rounded up, never more than shots. No product below exceeds 64
 * bits: shots and trajectories are at most 10^9. */
static int64_t trajectories_of(const hq_hardware *h, int64_t shots)
{
    const int64_t total = h->settings.shots, n = (h->settings.trajectories * shots + total - 1) / total;
    return n < shots ? n : shots;
}

static void sample_trajectories(hq_hardware *h, const hq_shots_key *key, int64_t part, int64_t shots, counting *c)
{
    const int64_t n = trajectories_of(h, shots);
    for (int64_t t = 0; t < n; t++) {
        hq_random stream = stream_of(h, key, part, t + 1);
        hq_trajectory_run(h->sweep, &h->settings.noise, &stream, &h->end);
        measure_for_shots(h, c->basis);
        if (!is_sampled(h, c)) return;
        hq_sampling_draw(qubits_of(h), h->tree, shots * (t + 1) / n - shots * t / n, &stream, count_outcome, c);
    }
}

static void sample_part(hq_hardware *h, const hq_shots_key *key, int64_t part, double *q)
{
    const int64_t chunk = part % h->chunks, shots = h->settings.shots;
    const int64_t size = h->settings.chunk > 0 ? h->settings.chunk : shots, left = shots - chunk * size;
    counting c = {h, (int)(part / h->chunks), q};
    if (h->simulation == HQ_SIMULATION_TRAJECTORIES)
        sample_trajectories(h, key, part, left < size ? left : size, &c);
    else
        sample_state(h, key, part, left < size ? left : size, &c);
}

/* ---- exact expectation values ---- */

/* Adds weight * the expectation values of the state behind the circuit. Mitigation undoes reading errors exactly. */
static void add_exact(hq_hardware *h, double weight, double *q)
{
    const hq_circuit *c = h->sweep->circuit;
    for (int basis = 0; basis < h->bases.n; basis++) {
        const hq_basis *b = &h->bases.basis[basis];
        measure(h, basis);
        if (!h->settings.mitigation) hq_readout_apply(&h->settings.noise, c->qubits, leaves(h));
        hq_basis_signs(c->qubits, leaves(h));
        for (int i = b->first; i < b->first + b->count; i++)
            q[h->bases.order[i]] += weight * leaves(h)[hq_pauli_support(c->observables[h->bases.order[i]])];
    }
}

static void exact_part(hq_hardware *h, const hq_shots_key *key, double *q)
{
    if (h->simulation != HQ_SIMULATION_TRAJECTORIES) {
        add_exact(h, 1, q);
        return;
    }
    for (int64_t t = 0; t < h->settings.trajectories; t++) {
        hq_random stream = stream_of(h, key, 0, t + 1);
        hq_trajectory_run(h->sweep, &h->settings.noise, &stream, &h->end);
        add_exact(h, 1 / (double)h->settings.trajectories, q);
    }
}

/* ---- parts ---- */

int64_t hq_hardware_parts(const hq_hardware *h) { return h->settings.shots > 0 ? h->bases.n * h->chunks : 1; }

void hq_hardware_part(hq_hardware *h, const hq_shots_key *key, int64_t part, double *q)
{
    HQ_ASSERT(part >= 0 && part < hq_hardware_parts(h));
    memset(q, 0, (size_t)outputs_of(h) * sizeof *q);
    if (h->settings.shots > 0)
        sample_part(h, key, part, q);
    else
        exact_part(h, key, q);
}

void hq_hardware_evaluate(hq_hardware *h, const hq_shots_key *key, double *q, double *scratch)
{
    hq_hardware_reset(h);
    hq_hardware_finish(h);
    memset(q, 0, (size_t)outputs_of(h) * sizeof *q);
    for (int64_t part = 0; part < hq_hardware_parts(h); part++) {
        hq_hardware_part(h, key, part, scratch);
        for (int k = 0; k < outputs_of(h); k++) q[k] += scratch[k];
    }
}
