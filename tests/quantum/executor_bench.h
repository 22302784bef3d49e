/* executor_bench.h: a batch of a circuit evaluated through the fake executor, and what is left of its processes. */
#ifndef TEST_QUANTUM_EXECUTOR_BENCH_H
#define TEST_QUANTUM_EXECUTOR_BENCH_H

#include "quantum/circuit.h"

enum { BENCH_BATCH = 3, BENCH_NUMBERS = 6, BENCH_OUTPUTS = 8 };

typedef struct bench {
    hq_circuit *circuit; /* destroyed by bench_close; up to BENCH_NUMBERS inputs and weights, BENCH_OUTPUTS outputs */
    hq_config config;    /* 1000 shots by the fake executor, time-out 20 s, no retries */
    double x[BENCH_BATCH * BENCH_NUMBERS], w[BENCH_NUMBERS], dq[BENCH_BATCH * BENCH_OUTPUTS];
} bench;

typedef struct bench_result {
    double q[BENCH_BATCH * BENCH_OUTPUTS], dx[BENCH_BATCH * BENCH_NUMBERS], dw[BENCH_NUMBERS];
} bench_result;

/* Two qubits, or random gates on more; every kind of observable. x, w and dq are random. */
bench *bench_open(hq_random *stream, int qubits, int gates);
void bench_close(bench *b);

/* The fake executor, run as fake_executor WORDS; a file in the scratch folder. */
void bench_command(bench *b, const char *words);
const char *bench_file(const char *name);

/* Forward and backward with work memory of its own. exact: without shots and executor. */
hq_status bench_evaluate(const bench *b, const hq_runner *runner, bool exact, bench_result *out);

bool bench_same(const bench *b, const bench_result *have, const bench_result *want);

/* Processes that the fake executor has noted since the last call: how many, and how many still run after some
 * seconds. */
typedef struct bench_processes {
    int started, left;
} bench_processes;
bench_processes bench_count_processes(void);

/* Open files of this process. */
int bench_open_files(void);

#endif
