/* Items of parameter shift through runners that cut them as processes would: any ranges, in any order, computed
 * elsewhere and copied, give the same bits as one process. */
#include "cases.h"
#include "hqcnn/config.h"
#include "quantum/work.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static hq_random stream;

/* ---- ranges ---- */

/* Items lo, ..., hi - 1 as another process has them: the rows of their samples only, in memory of just that size. */
static hq_status run_range(const hq_items *items, int64_t lo, int64_t hi, const double *in, double *out)
{
    if (lo == hi) return HQ_OK;
    const int64_t first = lo / items->parts, rows = (hi - 1) / items->parts - first + 1;
    const size_t in_bytes = (size_t)(rows * items->in_size) * sizeof(double);
    const size_t out_bytes = (size_t)((hi - lo) * items->out_size) * sizeof(double);
    double *there = malloc(in_bytes + 1), *rows_there = malloc(out_bytes);
    memcpy(there, in + first * items->in_size, in_bytes);
    memset(rows_there, 0xff, out_bytes);
    const hq_status status = items->evaluate(items->ctx, lo, hi, there, rows_there);
    memcpy(out + lo * items->out_size, rows_there, out_bytes);
    free(there);
    free(rows_there);
    return status;
}

/* The same range by a second process, which takes part in the call with no samples of its own. */
typedef struct other_process {
    const samples *s;
    hq_circuit_work *work;
    int64_t lo, hi;
    const double *in;
    double *out;
} other_process;

static hq_status run_given_range(const hq_runner *runner, const hq_items *items, int64_t count, const double *in,
                                 double *out)
{
    const other_process *o = runner->state;
    (void)in, (void)out;
    CHECK_INT(count, 0);
    return run_range(items, o->lo, o->hi, o->in, o->out);
}

static hq_status run_there(other_process *other, int64_t lo, int64_t hi, const double *in, double *out)
{
    const hq_runner runner = {run_given_range, other};
    const samples *s = other->s;
    double unused[1], *dw = calloc((size_t)s->weights, sizeof *dw);
    other->lo = lo;
    other->hi = hi;
    other->in = in;
    other->out = out;
    const hq_status status =
        hq_circuit_bwd_shift(s->circuit, other->work, &runner, 0, unused, s->w, unused, unused, dw);
    for (int p = 0; p < s->weights; p++) CHECK(dw[p] == 0);
    free(dw);
    return status;
}

/* ---- runners ---- */

/* How the items of a call are shared out. */
typedef struct sharing {
    int workers;          /* ranges of even size; 0: of random sizes */
    bool backwards;       /* the last range first */
    other_process *other; /* computes every second range; NULL: none */
} sharing;

static int even_cuts(int workers, int64_t n, int64_t *cut)
{
    for (int r = 0; r <= workers; r++) cut[r] = n * r / workers;
    return workers;
}

static int random_cuts(int64_t n, int64_t *cut)
{
    int ranges = 0;
    cut[0] = 0;
    while (cut[ranges] < n) {
        const int64_t next = cut[ranges] + random_int(&stream, 0, (int)(n / 5) + 2);
        cut[++ranges] = next < n ? next : n;
    }
    return ranges;
}

static hq_status run_shared(const hq_runner *runner, const hq_items *items, int64_t count, const double *in,
                            double *out)
{
    const sharing *how = runner->state;
    const int64_t n = count * items->parts;
    int64_t *cut = calloc((size_t)n + 66, sizeof *cut);
    const int ranges = how->workers ? even_cuts(how->workers, n, cut) : random_cuts(n, cut);
    hq_status status = HQ_OK;
    for (int i = 0; i < ranges && status == HQ_OK; i++) {
        const int r = how->backwards ? ranges - 1 - i : i;
        if (how->other && i % 2)
            status = run_there(how->other, cut[r], cut[r + 1], in, out);
        else
            status = run_range(items, cut[r], cut[r + 1], in, out);
    }
    free(cut);
    return status;
}

static void check_sharing(const samples *s, hq_circuit_work *work, const sharing *how, const result *want)
{
    result have = result_make(s);
    const hq_runner runner = {run_shared, (void *)how};
    CHECK(hq_circuit_bwd_shift(s->circuit, work, &runner, s->batch, s->x, s->w, s->dq, have.dx, have.dw) == HQ_OK);
    CHECK_MSG(same_bits(have.dx, want->dx, s->batch * s->inputs), "%s: %d workers change dx", way_name(work),
              how->workers);
    CHECK_MSG(same_bits(have.dw, want->dw, s->weights), "%s: %d workers change dw", way_name(work), how->workers);
    result_free(&have);
}

static void check_way(const samples *s, const hq_circuit_options *way)
{
    static const int workers[] = {1, 2, 3, 7, 64, 0, 0, 0, 0};
    hq_circuit_work *work = make_work(s->circuit, s->batch, way);
    other_process other = {.s = s, .work = make_work(s->circuit, 0, way)};
    result want = result_make(s);
    evaluate(s, work, HQ_GRADIENT_PARAMETER_SHIFT, 0, s->batch, &want);
    for (int i = 0; i < 9; i++)
        for (int kind = 0; kind < 4; kind++) {
            const sharing how = {workers[i], kind % 2, kind < 2 ? NULL : &other};
            check_sharing(s, work, &how, &want);
        }
    result_free(&want);
    hq_circuit_work_destroy(other.work);
    hq_circuit_work_destroy(work);
}

static void check_circuit(hq_circuit *c, int64_t batch)
{
    hq_circuit_options way[WAYS_MAX];
    const int ways = all_ways(c, way);
    samples s = samples_make(&stream, c, batch);
    for (int i = 0; i < ways; i++) check_way(&s, &way[i]);
    samples_free(&s);
    hq_circuit_destroy(c);
}

static void test_hqcnn(void)
{
    static const int qubits[] = {1, 4, 5}, batch[] = {5, 21, 3};
    for (int i = 0; i < 3; i++) {
        hq_circuit *c;
        CHECK(hq_circuit_create_hqcnn(qubits[i], 2, HQ_ATTENTION_TRAINABLE, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
        check_circuit(c, batch[i]);
    }
}

/* Rules of two and of four terms, several entries in one gate. */
static void test_random(void)
{
    for (int qubits = 2; qubits <= 5; qubits++) {
        check_circuit(random_case(&stream, qubits, true), 17);
        check_circuit(random_case(&stream, qubits, false), 19);
    }
}

/* ---- what a runner says ---- */

static hq_status run_refuse(const hq_runner *runner, const hq_items *items, int64_t count, const double *in,
                            double *out)
{
    (void)items, (void)count, (void)in, (void)out;
    return *(const hq_status *)runner->state;
}

static void test_status(void)
{
    hq_status status[] = {HQ_ERR_COMM, HQ_INTERRUPTED, HQ_ERR_INTERNAL};
    hq_circuit_options path[WAYS_MAX];
    hq_circuit *c;
    CHECK(hq_circuit_create_hqcnn(3, 1, HQ_ATTENTION_QFT, HQ_OBSERVABLES_Z, &c) == HQ_OK);
    const int paths = all_paths(c, path);
    samples s = samples_make(&stream, c, 2);
    result out = result_make(&s);
    for (int i = 0; i < paths; i++) {
        hq_circuit_work *work = make_work(c, 2, &path[i]);
        for (int k = 0; k < 3; k++) {
            const hq_runner refuse = {run_refuse, &status[k]};
            CHECK(hq_circuit_bwd_shift(c, work, &refuse, 2, s.x, s.w, s.dq, out.dx, out.dw) == status[k]);
        }
        hq_circuit_work_destroy(work);
    }
    result_free(&out);
    samples_free(&s);
    hq_circuit_destroy(c);
}

/* ---- rectangles ---- */

/* The items of the rectangles, one after the other, are lo, ..., hi - 1. */
static void check_rectangles(int64_t lo, int64_t hi, int evaluations)
{
    hq_rectangle r[3];
    const int n = hq_shift_rectangles(lo, hi, evaluations, r);
    int64_t next = lo;
    bool in_order = n <= 3;
    for (int i = 0; i < n && in_order; i++) {
        in_order = r[i].count > 0 && r[i].from >= 0 && r[i].from < r[i].to && r[i].to <= evaluations;
        for (int64_t s = r[i].first; s < r[i].first + r[i].count; s++)
            for (int v = r[i].from; v < r[i].to; v++) in_order &= next++ == s * evaluations + v;
    }
    CHECK_MSG(in_order && next == hi, "[%d, %d) of %d evaluations: %d rectangles up to %d", (int)lo, (int)hi,
              evaluations, n, (int)next);
}

static void test_rectangles(void)
{
    for (int evaluations = 1; evaluations <= 9; evaluations++)
        for (int64_t lo = 0; lo <= 40; lo++)
            for (int64_t hi = lo; hi <= 50; hi++) check_rectangles(lo, hi, evaluations);
    check_rectangles(33 * ((int64_t)1 << 40) + 5, 33 * ((int64_t)1 << 40) + 5000, 33);
}

int main(void)
{
    stream = hq_random_make(6, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_rectangles);
    HQ_RUN(test_hqcnn);
    HQ_RUN(test_random);
    HQ_RUN(test_status);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
