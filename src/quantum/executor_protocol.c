#include "quantum/executor_protocol.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- jobs ---- */

char *hq_job_write(const hq_job *job)
{
    json_t *object =
        json_pack("{s:I, s:s, s:i, s:I, s:s, s:I, s:s}", "id", (json_int_t)job->id, "format",
                  job->version == 2 ? "qasm2" : "qasm3", "qubits", job->qubits, "shots", (json_int_t)job->shots,
                  "basis", job->basis, "seed", (json_int_t)job->seed, "program", job->program);
    if (!object) return NULL;
    const size_t bytes = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *line = malloc(bytes + 2);
    if (line && bytes > 0) {
        json_dumpb(object, line, bytes, JSON_COMPACT);
        memcpy(line + bytes, "\n", 2);
    }
    json_decref(object);
    return line;
}

/* ---- answers ---- */

size_t hq_answer_longest(const hq_job *job)
{
    const int64_t states = (int64_t)1 << job->qubits, outcomes = job->shots < states ? job->shots : states;
    return ((size_t)1 << 16) + (size_t)outcomes * ((size_t)job->qubits + 32);
}

void hq_excerpt(const char *line, size_t bytes, char text[HQ_EXCERPT_MAX])
{
    size_t n = bytes < HQ_EXCERPT_MAX - 1 ? bytes : HQ_EXCERPT_MAX - 1;
    for (size_t i = 0; i < n; i++) text[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
    text[n] = '\0';
}

static hq_status wrong(char problem[HQ_PROBLEM_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static hq_status wrong(char problem[HQ_PROBLEM_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem, HQ_PROBLEM_MAX, format, args);
    va_end(args);
    return HQ_ERR_EXECUTOR;
}

static bool read_bits(const char *text, int qubits, uint32_t *bits)
{
    *bits = 0;
    if (strlen(text) != (size_t)qubits || strspn(text, "01") != (size_t)qubits) return false;
    for (int wire = 0; wire < qubits; wire++) *bits = *bits << 1 | (text[wire] == '1');
    return true;
}

static hq_status make_room(hq_counts *counts, size_t n)
{
    counts->n = 0;
    if (n <= counts->room) return HQ_OK;
    hq_free(counts->outcome);
    *counts = (hq_counts){0};
    HQ_TRY(hq_alloc_array(n, sizeof *counts->outcome, "counts of the external executor", &counts->outcome));
    counts->room = n;
    return HQ_OK;
}

static int by_bits(const void *a, const void *b)
{
    const uint32_t x = ((const hq_outcome *)a)->bits, y = ((const hq_outcome *)b)->bits;
    return (x > y) - (x < y);
}

/* Their order in the answer must not matter: sums of the outputs are made in the order of the bits. */
static hq_status read_counts(const hq_job *job, json_t *object, hq_counts *counts, char problem[HQ_PROBLEM_MAX])
{
    const char *key;
    char excerpt[HQ_EXCERPT_MAX];
    json_t *value;
    int64_t sum = 0;
    HQ_TRY(make_room(counts, json_object_size(object)));
    json_object_foreach(object, key, value)
    {
        const int64_t count = json_integer_value(value);
        uint32_t bits;
        hq_excerpt(key, strlen(key), excerpt);
        if (!read_bits(key, job->qubits, &bits))
            return wrong(problem, "counts of \"%s\", not of %d digits 0 and 1", excerpt, job->qubits);
        if (!json_is_integer(value) || count < 0 || count > job->shots)
            return wrong(problem, "the count of \"%s\" is no integer from 0 to %lld", excerpt, (long long)job->shots);
        if (count > 0) counts->outcome[counts->n++] = (hq_outcome){bits, count};
        sum += count;
    }
    if (sum != job->shots)
        return wrong(problem, "counts of %lld shots in place of %lld", (long long)sum, (long long)job->shots);
    qsort(counts->outcome, counts->n, sizeof *counts->outcome, by_bits);
    return HQ_OK;
}

static hq_status read_object(const hq_job *job, const json_t *object, hq_counts *counts, char problem[HQ_PROBLEM_MAX])
{
    const json_t *id = json_object_get(object, "id"), *error = json_object_get(object, "error");
    json_t *found = json_object_get(object, "counts");
    char excerpt[HQ_EXCERPT_MAX];
    if (!json_is_integer(id) || json_integer_value(id) != job->id)
        return wrong(problem, "an answer without \"id\": %lld", (long long)job->id);
    if (json_is_string(error)) {
        hq_excerpt(json_string_value(error), json_string_length(error), excerpt);
        return wrong(problem, "the error \"%s\"", excerpt);
    }
    if (!json_is_object(found)) return wrong(problem, "an answer without \"counts\": {...} or \"error\": \"...\"");
    return read_counts(job, found, counts, problem);
}

hq_status hq_answer_read(const hq_job *job, const char *line, size_t bytes, hq_counts *counts,
                         char problem[HQ_PROBLEM_MAX])
{
    json_error_t error;
    json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return wrong(problem, "a line that is no JSON object%s%s", object ? "" : ": ", object ? "" : error.text);
    }
    const hq_status status = read_object(job, object, counts, problem);
    json_decref(object);
    return status;
}
