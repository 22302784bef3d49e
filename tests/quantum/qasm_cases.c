/* qasm_cases FOLDER SEED COUNT: writes random circuits over the whole gate table as FOLDER/<number>.qasm (OpenQASM 2)
 * and the probabilities of their basis states as FOLDER/<number>.csv, for comparison with another program. */
#include "hqcnn/quantum.h"
#include "random_circuit.h"
#include "support/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUBITS_MIN = 2, QUBITS_MAX = 6, GATES = 40 };

static FILE *create(const char *folder, int number, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%s", folder, number, ending);
    FILE *file = fopen(path, "w");
    CHECK_MSG(file != NULL, "%s cannot be written", path);
    return file;
}

static void write_text(const char *folder, int number, const char *text)
{
    FILE *file = create(folder, number, "qasm");
    if (!file) return;
    fputs(text, file);
    CHECK(fclose(file) == 0);
}

static void write_probabilities(const char *folder, int number, int qubits, const double *p)
{
    FILE *file = create(folder, number, "csv");
    if (!file) return;
    fputs("state,probability\n", file);
    for (int i = 0; i < 1 << qubits; i++) {
        for (int wire = 0; wire < qubits; wire++) fputc('0' + (i >> (qubits - 1 - wire) & 1), file);
        fprintf(file, ",%.17g\n", p[i]);
    }
    CHECK(fclose(file) == 0);
}

static void fill(hq_random *stream, int n, double *v)
{
    for (int i = 0; i < n; i++) v[i] = 8 * hq_random_uniform(stream) - 4;
}

static void write_case(const char *folder, uint64_t seed, int number)
{
    hq_random stream = hq_random_make(seed, HQ_PURPOSE_TEST, 1, (uint64_t)number);
    hq_circuit *c = random_circuit(&stream, QUBITS_MIN + number % (QUBITS_MAX - QUBITS_MIN + 1), GATES);
    double x[RANDOM_CIRCUIT_NUMBERS], w[RANDOM_CIRCUIT_NUMBERS], p[1 << QUBITS_MAX];
    char *text = NULL;
    fill(&stream, c->inputs, x);
    fill(&stream, c->weights, w);
    CHECK(hq_circuit_write_qasm(c, 2, x, w, NULL, &text) == HQ_OK);
    CHECK(hq_circuit_probabilities(c, x, w, p) == HQ_OK);
    write_text(folder, number, text);
    write_probabilities(folder, number, c->qubits, p);
    hq_free(text);
    hq_circuit_destroy(c);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: qasm_cases FOLDER SEED COUNT\n");
        return 2;
    }
    const uint64_t seed = strtoull(argv[2], NULL, 10);
    printf("%s random circuits, seed %" PRIu64 "\n", argv[3], seed);
    for (int number = 0; number < atoi(argv[3]); number++) write_case(argv[1], seed, number);
    return hq_check_result();
}
