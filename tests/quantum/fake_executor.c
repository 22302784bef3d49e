/* fake_executor.c: an external executor for tests. fake_executor [MODE JOB [MARKER]]: answers every job by a naive
 * simulation, its counts a function of the job alone; but when a job's number is JOB it does what MODE says (see
 * `modes`), every time, or with a file MARKER only while that does not exist, and then makes it. HQCNN_FAKE_PIDS names
 * a file that gets a line with the number of every process started. A job that is not as docs/executor.md says, or an
 * open file that does not belong here, is answered with an error. */
#include "qasm_run.h"
#include "support/check.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUBITS_MAX = 8 };

typedef struct job {
    long long id, shots, seed;
    int qubits;
    const char *format, *program, *basis;
} job;

/* ---- misbehaviour ---- */

static void die(const job *j)
{
    (void)j;
    exit(3);
}

static void be_killed(const job *j)
{
    (void)j;
    kill(getpid(), SIGKILL);
}

/* Ends by SIGKILL alone. */
static void hang(const job *j)
{
    (void)j;
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
}

static void note_pid(long pid)
{
    const char *name = getenv("HQCNN_FAKE_PIDS");
    FILE *file = name ? fopen(name, "a") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", pid);
    fclose(file);
}

/* A child that outlives it unless the whole group is ended. */
static void leave_child(const job *j)
{
    const pid_t child = fork();
    if (child > 0) {
        note_pid(child);
        exit(4);
    }
    hang(j);
}

static void stay_silent(const job *j)
{
    close(STDOUT_FILENO);
    hang(j);
}

/* Answers, but long after; tests have a shorter executor.timeout. */
static void be_late(const job *j)
{
    (void)j;
    sleep(3);
}

/* Answers in a while; tests have a longer executor.timeout. */
static void be_slow(const job *j)
{
    (void)j;
    usleep(300000);
}

static void talk_nonsense(const job *j)
{
    (void)j;
    printf("loading the device...\n\001\n");
}

static void talk_forever(const job *j)
{
    for (;;) printf("{\"id\":%lld,\"counts\":{\"0\":                                                  ", j->id);
}

static void break_off(const job *j)
{
    printf("{\"id\":%lld,\"cou", j->id);
    fflush(stdout);
    exit(0);
}

static void report_error(const job *j) { printf("{\"id\":%lld,\"error\":\"the cryostat is warm\"}\n", j->id); }

static void lose_shot(const job *j)
{
    printf("{\"id\":%lld,\"counts\":{\"%0*d\":%lld}}\n", j->id, j->qubits, 0, j->shots - 1);
}

static void mistake_id(const job *j)
{
    printf("{\"id\":%lld,\"counts\":{\"%0*d\":%lld}}\n", j->id - 1, j->qubits, 0, j->shots);
}

static void answer_twice(const job *j)
{
    for (int i = 0; i < 2; i++) printf("{\"id\":%lld,\"counts\":{\"%0*d\":%lld}}\n", j->id, j->qubits, 0, j->shots);
}

static const struct {
    const char *name;
    void (*act)(const job *j);
    bool answers; /* the job is answered as usual afterwards */
} modes[] = {
    {"die", die, false},           {"killed", be_killed, false},       {"hang", hang, false},
    {"child", leave_child, false}, {"silent", stay_silent, false},     {"late", be_late, true},
    {"slow", be_slow, true},       {"nonsense", talk_nonsense, false}, {"endless", talk_forever, false},
    {"broken", break_off, false},  {"error", report_error, false},     {"sum", lose_shot, false},
    {"id", mistake_id, false},     {"twice", answer_twice, false},
};

/* Whether the job is to be answered as usual. */
static bool misbehave(const job *j, char **words)
{
    if (!words[0] || !words[1] || atoll(words[1]) != j->id) return true;
    if (words[2]) {
        const int file = open(words[2], O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (file < 0) return true;
        close(file);
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(modes[i].name, words[0])) {
            modes[i].act(j);
            fflush(stdout);
            return modes[i].answers;
        }
    fprintf(stderr, "fake_executor: no mode %s\n", words[0]);
    exit(2);
}

/* ---- answers ---- */

/* Bit strings with wire 0 first, in no special order: a program may print them as it likes. */
static json_t *sample(const job *j, const dense_number *psi)
{
    const int states = 1 << j->qubits;
    json_int_t count[1 << QUBITS_MAX] = {0};
    hq_random stream = hq_random_make((uint64_t)j->seed, HQ_PURPOSE_TEST, 0, 0);
    for (long long shot = 0; shot < j->shots; shot++) {
        double left = hq_random_uniform(&stream);
        int state = 0;
        while (state < states - 1 && (left -= pow(cabs(psi[state]), 2)) >= 0) state++;
        count[state]++;
    }
    json_t *counts = json_object();
    for (int state = states - 1; state >= 0; state--) {
        char text[QUBITS_MAX + 1] = "";
        for (int wire = 0; wire < j->qubits; wire++) text[wire] = state >> (j->qubits - 1 - wire) & 1 ? '1' : '0';
        if (count[state] > 0 || state % 2) json_object_set_new(counts, text, json_integer(count[state]));
    }
    return counts;
}

/* What is wrong with a job, or NULL. */
static const char *complaint(const job *j)
{
    const bool old = !strcmp(j->format, "qasm2"), new = !strcmp(j->format, "qasm3");
    if (!(old || new) || strncmp(j->program, old ? "OPENQASM 2.0;" : "OPENQASM 3.0;", 13) != 0) return "format";
    if (!strstr(j->program, old ? "measure q -> c;" : "c = measure q;")) return "no measurement";
    if (j->qubits < 1 || j->qubits > QUBITS_MAX) return "qubits";
    if (strlen(j->basis) != (size_t)j->qubits || strspn(j->basis, "XYZ") != strlen(j->basis)) return "basis";
    if (j->shots < 1 || j->seed < 0 || j->seed >= 1LL << 53) return "shots or seed";
    return NULL;
}

static json_t *answer(const job *j)
{
    dense_number psi[1 << QUBITS_MAX];
    const char *wrong = complaint(j);
    if (!wrong && !qasm_run(j->program, j->qubits, NULL, NULL, psi)) wrong = "program";
    if (wrong) return json_pack("{s:I, s:s}", "id", (json_int_t)j->id, "error", wrong);
    return json_pack("{s:o, s:I, s:s}", "counts", sample(j, psi), "id", (json_int_t)j->id, "device", "fake");
}

static void serve(const char *line, char **words)
{
    job j;
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (json_unpack_ex(object, &error, JSON_STRICT, "{s:I, s:s, s:i, s:I, s:s, s:I, s:s}", "id", &j.id, "format",
                       &j.format, "qubits", &j.qubits, "shots", &j.shots, "basis", &j.basis, "seed", &j.seed, "program",
                       &j.program) != 0) {
        fprintf(stderr, "fake_executor: a job that is none: %s\n", error.text);
        exit(5);
    }
    if (misbehave(&j, words)) {
        json_t *reply = answer(&j);
        json_dumpf(reply, stdout, 0);
        printf("\n");
        fflush(stdout);
        json_decref(reply);
    }
    json_decref(object);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    (void)argc;
    note_pid(getpid());
    for (int file = 3; file < 1024; file++)
        if (fcntl(file, F_GETFD) >= 0) {
            fprintf(stderr, "fake_executor: file %d is open\n", file);
            return 6;
        }
    while (getline(&line, &room, stdin) > 0) serve(line, argv + 1);
    free(line);
    return 0;
}
