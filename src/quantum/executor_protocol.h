/* executor_protocol.h: jobs and answers of an external executor, one JSON object on a line. docs/executor.md describes
 * the lines for those who write one.
 */
#ifndef QUANTUM_EXECUTOR_PROTOCOL_H
#define QUANTUM_EXECUTOR_PROTOCOL_H

#include "hqcnn/base.h"

/* A circuit that ends in the measurement of all wires, to be run `shots` times. */
typedef struct hq_job {
    int64_t id;
    int version; /* of OpenQASM: 2 or 3 */
    const char *program;
    int qubits;
    int64_t shots;
    const char *basis; /* [qubits] letters X, Y, Z: for information, the program has the turns in it */
    uint64_t seed;     /* below 2^53 */
} hq_job;

/* What was read, by rising bits (wire 0 is the most significant); outcome is freed with hq_free. */
typedef struct hq_outcome {
    uint32_t bits;
    int64_t count; /* positive */
} hq_outcome;
typedef struct hq_counts {
    hq_outcome *outcome;
    size_t n, room;
} hq_counts;

#define HQ_PROBLEM_MAX 400

/* The job as a line with its end; freed with free(). NULL when there is no memory. */
char *hq_job_write(const hq_job *job);

/* Bytes that no right answer exceeds. */
size_t hq_answer_longest(const hq_job *job);

/* Reads an answer. HQ_ERR_EXECUTOR, not logged, with what is wrong in `problem`, unless it has the job's id and counts
 * of its shots; HQ_ERR_MEMORY. */
hq_status hq_answer_read(const hq_job *job, const char *line, size_t bytes, hq_counts *counts,
                         char problem[HQ_PROBLEM_MAX]);

/* The beginning of a line that came from outside, fit for a message. */
#define HQ_EXCERPT_MAX 81
void hq_excerpt(const char *line, size_t bytes, char text[HQ_EXCERPT_MAX]);

#endif
