/* hardware.h: a circuit as hardware runs it: a finite number of shots, errors after gates and in reading.
 *
 * An evaluation is one circuit with weights, inputs and shift bound to a sweep of one lane. Its work comes in parts
 * that can be done anywhere: with shots, every chunk of shots in every measured basis (part = basis * chunks + chunk);
 * without shots there is one part. The outputs are the sum of what the parts give, in their order. A part is a function
 * of the bound circuit, the settings and its key alone.
 *
 * Order of use: take, start; then for every sample bind the sweep, reset, and for every evaluation in the order of its
 * op: advance to the op that is shifted, bind the shift, finish, parts, bind without the shift.
 */
#ifndef QUANTUM_HARDWARE_H
#define QUANTUM_HARDWARE_H

#include "hqcnn/config.h"
#include "quantum/basis.h"
#include "quantum/noise.h"

typedef struct hq_hardware_settings {
    int64_t shots;        /* for each basis and evaluation; 0: exact expectation values */
    int64_t chunk;        /* shots in a part; 0: all */
    bool mitigation;      /* undo readout errors */
    int method;           /* HQ_NOISE_METHOD_*, as asked for */
    int64_t trajectories; /* of an evaluation in one basis */
    uint64_t seed;
    hq_noise noise;
} hq_hardware_settings;

/* From the keys shots.*, noise.* and train.seed. */
hq_hardware_settings hq_hardware_settings_make(const hq_config *config);

/* Whether anything differs from exact evaluation. */
bool hq_hardware_wanted(const hq_hardware_settings *settings);

/* How circuits are simulated: without gate noise the state; with it the density matrix, or random trajectories. */
typedef enum hq_simulation { HQ_SIMULATION_STATE, HQ_SIMULATION_DENSITY, HQ_SIMULATION_TRAJECTORIES } hq_simulation;
hq_simulation hq_hardware_simulation(const hq_hardware_settings *settings, int qubits);

/* Whether the settings serve a circuit: HQ_ERR_CONFIG when it is too large for the density matrix that is asked for,
 * needs too many bases, or when readout errors that are to be undone have no inverse. To be asked before
 * hq_hardware_take. */
hq_status hq_hardware_check(const hq_hardware_settings *settings, const hq_circuit *circuit);

typedef struct hq_hardware {
    hq_hardware_settings settings;
    hq_simulation simulation;
    hq_sweep *sweep; /* not owned; trajectories and states use its psi and lambda */
    hq_bases bases;
    int64_t chunks; /* in each basis */
    hq_state front; /* in front of op `front_op` */
    hq_state end;   /* behind the circuit */
    hq_state turned;
    int front_op;
    int measured;  /* the basis whose probabilities stand in tree; -1: none */
    double *tree;  /* [2 * 2^n], see sampling.h */
    double *value; /* [O][n + 1], see hq_readout_values */
} hq_hardware;

/* Takes all memory from an arena (over an empty arena: measures) for a sweep of one lane that was taken before.
 * hq_hardware_start: fills what depends on neither weights nor inputs. */
void hq_hardware_take(hq_hardware *hardware, const hq_hardware_settings *settings, hq_sweep *sweep, hq_arena *arena);
void hq_hardware_start(hq_hardware *hardware);

/* Parts of one evaluation (known as soon as the memory was measured), and a rough cost of one part with its simulation,
 * seconds: operations / 2e9. */
int64_t hq_hardware_parts(const hq_hardware *hardware);
double hq_hardware_seconds(const hq_hardware *hardware);

/* |0...0>, in front of op 0. */
void hq_hardware_reset(hq_hardware *hardware);

/* Moves the front on to op `op` (not back) with the matrices that are bound. */
void hq_hardware_advance(hq_hardware *hardware, int op);

/* Runs the rest of the circuit from the front with the matrices that are bound; the front stays. Trajectories run in
 * hq_hardware_part, all from the start: for them the matrices must stay bound until the parts are done. */
void hq_hardware_finish(hq_hardware *hardware);

/* Names an evaluation, for its random numbers. Different keys give independent numbers. */
typedef struct hq_shots_key {
    uint32_t epoch;      /* below 2^24 */
    uint32_t split;      /* of the data, or another small number that tells uses apart */
    uint64_t sample;     /* global number in the split */
    uint32_t evaluation; /* of the sample; below 2^24 */
} hq_shots_key;

/* Writes the share of a part in all outputs: q[O]. Parts of one basis that follow each other share the simulation. */
void hq_hardware_part(hq_hardware *hardware, const hq_shots_key *key, int64_t part, double *q);

/* The whole evaluation of what is bound: reset, finish, all parts: q[O]. scratch[O]. */
void hq_hardware_evaluate(hq_hardware *hardware, const hq_shots_key *key, double *q, double *scratch);

/* Adds to q[O] what `count` readings of `outcome` (bits of the wires, wire 0 most significant) in a basis say about its
 * observables, each reading with weight 1 / total; for counts that come from elsewhere. */
void hq_hardware_count(const hq_hardware *hardware, int basis, uint32_t outcome, int64_t count, int64_t total,
                       double *q);

#endif
