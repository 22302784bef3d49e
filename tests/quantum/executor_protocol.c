/* The lines between program and executor. */
#include "quantum/executor_protocol.h"

#include "support/check.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const hq_job job = {.id = 7,
                           .version = 2,
                           .program = "OPENQASM 2.0;\n// \"quoted\"\n",
                           .qubits = 3,
                           .shots = 100,
                           .basis = "XZY",
                           .seed = (1ULL << 53) - 1};

static void test_job(void)
{
    char *line = hq_job_write(&job);
    CHECK_TEXT(line, "{\"id\":7,\"format\":\"qasm2\",\"qubits\":3,\"shots\":100,\"basis\":\"XZY\",\"seed\":"
                     "9007199254740991,\"program\":\"OPENQASM 2.0;\\n// \\\"quoted\\\"\\n\"}\n");
    free(line);
}

static hq_status read_line(const char *line, hq_counts *counts, char problem[HQ_PROBLEM_MAX])
{
    problem[0] = '\0';
    return hq_answer_read(&job, line, strlen(line), counts, problem);
}

static void test_counts(void)
{
    hq_counts counts = {0};
    char problem[HQ_PROBLEM_MAX];
    CHECK(read_line(" {\"time\": [1.5, null], \"counts\":{\"110\":60,\"001\":0,\"011\":40}, \"id\":7}\r", &counts,
                    problem) == HQ_OK);
    CHECK_TEXT(problem, "");
    CHECK_INT((long long)counts.n, 2);
    CHECK_INT(counts.outcome[0].bits, 3);
    CHECK_INT(counts.outcome[0].count, 40);
    CHECK_INT(counts.outcome[1].bits, 6);
    CHECK_INT(counts.outcome[1].count, 60);
    CHECK(read_line("{\"id\":7,\"counts\":{\"000\":100}}", &counts, problem) == HQ_OK);
    CHECK_INT((long long)counts.n, 1);
    hq_free(counts.outcome);
}

static void test_nonsense(void)
{
    static const char *const lines[][2] = {
        {"", "no JSON object"},
        {"[1]", "no JSON object"},
        {"{\"id\":7,\"counts\":{\"000\":100}", "no JSON object"},
        {"{\"id\":7,\"counts\":{\"000\":100}} {}", "no JSON object"},
        {"{\"id\":7,\"counts\":{\"000\":50,\"000\":50}}", "duplicate"},
        {"{\"counts\":{\"000\":100}}", "without \"id\": 7"},
        {"{\"id\":\"7\",\"counts\":{\"000\":100}}", "without \"id\": 7"},
        {"{\"id\":7.0,\"counts\":{\"000\":100}}", "without \"id\": 7"},
        {"{\"id\":6,\"counts\":{\"000\":100}}", "without \"id\": 7"},
        {"{\"id\":7}", "without \"counts\""},
        {"{\"id\":7,\"counts\":[100]}", "without \"counts\""},
        {"{\"id\":7,\"counts\":{}}", "counts of 0 shots in place of 100"},
        {"{\"id\":7,\"counts\":{\"000\":99}}", "counts of 99 shots in place of 100"},
        {"{\"id\":7,\"counts\":{\"000\":60,\"001\":60}}", "counts of 120 shots in place of 100"},
        {"{\"id\":7,\"counts\":{\"000\":-1,\"001\":101}}", "\"000\" is no integer from 0 to 100"},
        {"{\"id\":7,\"counts\":{\"000\":101,\"001\":-1}}", "\"000\" is no integer from 0 to 100"},
        {"{\"id\":7,\"counts\":{\"000\":100.0}}", "\"000\" is no integer from 0 to 100"},
        {"{\"id\":7,\"counts\":{\"000\":\"100\"}}", "\"000\" is no integer from 0 to 100"},
        {"{\"id\":7,\"counts\":{\"000\":9223372036854775807,\"001\":1}}", "\"000\" is no integer from 0 to 100"},
        {"{\"id\":7,\"counts\":{\"00\":100}}", "not of 3 digits 0 and 1"},
        {"{\"id\":7,\"counts\":{\"0000\":100}}", "not of 3 digits 0 and 1"},
        {"{\"id\":7,\"counts\":{\"0b1\":100}}", "not of 3 digits 0 and 1"},
        {"{\"id\":7,\"counts\":{\"012\":100}}", "not of 3 digits 0 and 1"},
        {"{\"id\":7,\"error\":\"too\\nwarm\",\"counts\":{\"000\":100}}", "the error \"too?warm\""},
    };
    char problem[HQ_PROBLEM_MAX];
    hq_counts counts = {0};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const hq_status status = read_line(lines[i][0], &counts, problem);
        CHECK_MSG(status == HQ_ERR_EXECUTOR, "%s: status %d", lines[i][0], (int)status);
        CHECK_MSG(strstr(problem, lines[i][1]) != NULL, "%s: \"%s\"", lines[i][0], problem);
    }
    CHECK_INT(hq_log_error_count(), 0);
    hq_free(counts.outcome);
}

/* Every line of an executor that is right fits, however it is spaced within reason. */
static void test_longest(void)
{
    hq_job large = job;
    large.qubits = 10;
    large.shots = 1000000000;
    json_t *counts = json_object();
    for (int state = 0; state < 1024; state++) {
        char text[11] = "";
        for (int wire = 0; wire < 10; wire++) text[wire] = state >> wire & 1 ? '1' : '0';
        json_object_set_new(counts, text, json_integer(976562));
    }
    json_t *answer = json_pack("{s:o, s:I}", "counts", counts, "id", (json_int_t)1 << 60);
    CHECK(json_dumpb(answer, NULL, 0, 0) < hq_answer_longest(&large));
    json_decref(answer);
    large.shots = 1;
    CHECK(hq_answer_longest(&large) < 100000);
}

static void test_excerpt(void)
{
    char text[HQ_EXCERPT_MAX], line[200];
    memset(line, 'a', sizeof line);
    hq_excerpt("x\ty\033\200", 5, text);
    CHECK_TEXT(text, "x?y??");
    hq_excerpt(line, sizeof line, text);
    CHECK_INT((long long)strlen(text), HQ_EXCERPT_MAX - 1);
}

int main(void)
{
    HQ_RUN(test_job);
    HQ_RUN(test_counts);
    HQ_RUN(test_nonsense);
    HQ_RUN(test_longest);
    HQ_RUN(test_excerpt);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
