/* A line that an external executor has written. The first byte chooses the job. */
#include "support.h"

#include "quantum/executor_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[HQ_PROBLEM_MAX], excerpt[HQ_EXCERPT_MAX];
    hq_counts counts = {0};
    if (size == 0) return 0;
    const int qubits = 1 + (data[0] & 3);
    const hq_job job = {
        .id = 1, .version = 2, .program = "", .qubits = qubits, .shots = 1 + (data[0] >> 2), .basis = ""};
    const char *line = (const char *)data + 1;
    hq_excerpt(line, size - 1, excerpt);
    if (hq_answer_read(&job, line, size - 1, &counts, problem) == HQ_OK) {
        int64_t sum = 0;
        for (size_t i = 0; i < counts.n; i++) {
            HQ_ASSERT(counts.outcome[i].bits >> qubits == 0 && counts.outcome[i].count > 0);
            sum += counts.outcome[i].count;
        }
        HQ_ASSERT(sum == job.shots);
    }
    hq_free(counts.outcome);
    fuzz_check_memory();
    return 0;
}
