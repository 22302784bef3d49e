/* executor.h: circuits that an external program evaluates, a simulator or hardware (executor.command).
 *
 * The program gets an evaluation's parts (see hardware.h: the chunks of shots in every measured basis) as jobs, one
 * after the other: the circuit in OpenQASM with numbers in place of inputs and weights, to be run so many times. It
 * answers with counts. When it dies, is silent for too long or answers nonsense, it is started anew for the same job,
 * up to executor.retries times. docs/executor.md has the same for users.
 */
#ifndef QUANTUM_EXECUTOR_H
#define QUANTUM_EXECUTOR_H

#include "quantum/hardware.h"

/* The external program of one rank. Nothing is started before the first job. */
typedef struct hq_executor hq_executor;

/* Takes what it needs from the configuration's executor.*; *out_executor is NULL when executor.command is empty. The
 * circuit must outlive it. The caller frees it with hq_executor_destroy, which ends the program (NULL is allowed).
 * HQ_ERR_CONFIG without shots, HQ_ERR_MEMORY. */
hq_status hq_executor_create(const hq_config *config, const hq_circuit *circuit, hq_executor **out_executor);
void hq_executor_destroy(hq_executor *executor);

/* The circuit of the parts that follow: with inputs x[Q] and weights w[P], the parameter of `entry` shifted (entry -1:
 * none). */
void hq_executor_bind(hq_executor *executor, const double *x, const double *w, int entry, double shift);

/* As hq_hardware_part, evaluated by the program; `hardware` (never run) knows bases, chunks and what readings mean. The
 * outputs of a circuit with numbers that are not finite are NaN. HQ_ERR_EXECUTOR when the program has failed too often
 * for this part, HQ_ERR_MEMORY. */
hq_status hq_executor_part(hq_executor *executor, const hq_hardware *hardware, const hq_shots_key *key, int64_t part,
                           double *q);

/* A rough cost of one part, seconds. */
double hq_executor_seconds(const hq_hardware *hardware);

#endif
