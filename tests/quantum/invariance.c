/* Same bits: a sample's outputs and input gradient do not depend on its place in a batch or on the other samples, on
 * any path and kernel variant; a batch evaluated again gives the same gradient of the weights. No allocation in a step.
 */
#include "cases.h"
#include "hqcnn/config.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static hq_random stream;

/* Some batches are tested with the first method only, which is faster. */
static const int methods[] = {HQ_GRADIENT_ADJOINT, HQ_GRADIENT_PARAMETER_SHIFT};

/* Each sample alone, in the work memory of a batch of one: same rows; dw is their sum, in order and with the same bits
 * (weights enter once here), but on the fused path, which sums over the batch before it differentiates. */
static void check_alone(const samples *s, const hq_circuit_options *way, int method, const result *whole)
{
    hq_circuit_work *work = make_work(s->circuit, 1, way);
    result one = result_make(s);
    double *sum = calloc((size_t)s->weights, sizeof *sum), most = 1;
    for (int64_t b = 0; b < s->batch; b++) {
        evaluate(s, work, method, b, 1, &one);
        CHECK_MSG(same_bits(one.q, whole->q + b * s->outputs, s->outputs), "%s: outputs alone", way_name(work));
        CHECK_MSG(same_bits(one.dx, whole->dx + b * s->inputs, s->inputs), "%s: dx alone", way_name(work));
        for (int p = 0; p < s->weights; p++) sum[p] += one.dw[p];
    }
    for (int p = 0; p < s->weights; p++) most = fmax(most, fabs(sum[p]));
    if (method == HQ_GRADIENT_ADJOINT && way->path == HQ_COMPUTE_CIRCUIT_FUSED)
        CHECK_MSG(worst_difference(sum, whole->dw, s->weights) <= 1e-13 * most, "%s: dw off by %g of %g",
                  way_name(work), worst_difference(sum, whole->dw, s->weights), most);
    else
        CHECK_MSG(same_bits(sum, whole->dw, s->weights), "%s: dw is not the sum", way_name(work));
    free(sum);
    result_free(&one);
    hq_circuit_work_destroy(work);
}

/* The batch without its first samples: every sample moves to another lane. */
static void check_moved(const samples *s, hq_circuit_work *work, int method, const result *whole)
{
    result moved = result_make(s);
    for (int64_t skip = 1; skip < s->batch; skip += 1 + skip) {
        const int64_t n = s->batch - skip;
        evaluate(s, work, method, skip, n, &moved);
        CHECK_MSG(same_bits(moved.q, whole->q + skip * s->outputs, n * s->outputs), "%s: outputs, %d places further",
                  way_name(work), (int)skip);
        CHECK_MSG(same_bits(moved.dx, whole->dx + skip * s->inputs, n * s->inputs), "%s: dx, %d places further",
                  way_name(work), (int)skip);
    }
    result_free(&moved);
}

static void check_same(const samples *s, const hq_circuit_work *work, const result *a, const result *b,
                       const char *what)
{
    CHECK_MSG(same_bits(a->q, b->q, s->batch * s->outputs), "%s: outputs %s", way_name(work), what);
    CHECK_MSG(same_bits(a->dx, b->dx, s->batch * s->inputs), "%s: dx %s", way_name(work), what);
    CHECK_MSG(same_bits(a->dw, b->dw, s->weights), "%s: dw %s", way_name(work), what);
}

/* Nothing of other weights, other samples or a Jacobian stays behind in the work memory, and its size does not matter.
 */
static void check_again(const samples *s, const hq_circuit_options *way, hq_circuit_work *work, int method,
                        const result *whole)
{
    samples other = samples_make(&stream, s->circuit, s->batch);
    result again = result_make(s);
    double *jacobian = calloc((size_t)((s->inputs + s->weights) * s->outputs), sizeof *jacobian);
    evaluate(&other, work, method, 0, (s->batch + 1) / 2, &again);
    for (int m = 0; m < 2; m++)
        CHECK(hq_circuit_jacobian(s->circuit, work, methods[m], other.x, other.w, jacobian) == HQ_OK);
    evaluate(s, work, method, 0, s->batch, &again);
    check_same(s, work, &again, whole, "after other ones");
    hq_circuit_work *fresh = make_work(s->circuit, s->batch, way);
    evaluate(s, fresh, method, 0, s->batch, &again);
    check_same(s, fresh, &again, whole, "in new memory");
    hq_circuit_work_destroy(fresh);
    free(jacobian);
    result_free(&again);
    samples_free(&other);
}

/* A sample with a huge angle, or with none, leaves the others alone. */
static void check_strange_sample(samples *s, hq_circuit_work *work, int method, const result *whole)
{
    static const double strange[] = {3e7, NAN, INFINITY};
    const int64_t odd = s->batch / 2, after = s->batch - odd - 1;
    result out = result_make(s);
    for (int i = 0; i < 3; i++) {
        const double kept = s->x[odd * s->inputs];
        s->x[odd * s->inputs] = strange[i];
        evaluate(s, work, method, 0, s->batch, &out);
        s->x[odd * s->inputs] = kept;
        CHECK_MSG(same_bits(out.q, whole->q, odd * s->outputs) &&
                      same_bits(out.q + (odd + 1) * s->outputs, whole->q + (odd + 1) * s->outputs, after * s->outputs),
                  "%s: outputs beside a sample with angle %g", way_name(work), strange[i]);
        CHECK_MSG(same_bits(out.dx, whole->dx, odd * s->inputs) &&
                      same_bits(out.dx + (odd + 1) * s->inputs, whole->dx + (odd + 1) * s->inputs, after * s->inputs),
                  "%s: dx beside a sample with angle %g", way_name(work), strange[i]);
    }
    result_free(&out);
}

static void check_no_samples(const samples *s, hq_circuit_work *work, int method)
{
    result none = result_make(s);
    evaluate(s, work, method, 0, 0, &none);
    for (int p = 0; p < s->weights; p++) CHECK(none.dw[p] == 0);
    CHECK(none.q[0] == 99 && none.dx[0] == 99); /* as result_make left them */
    result_free(&none);
}

static void check_way(samples *s, const hq_circuit_options *way, int method)
{
    hq_circuit_work *work = make_work(s->circuit, s->batch + 3, way);
    result whole = result_make(s);
    const int64_t made = hq_memory_count();
    evaluate(s, work, method, 0, s->batch, &whole);
    CHECK_INT(hq_memory_count(), made); /* no allocation in a step */
    check_moved(s, work, method, &whole);
    check_strange_sample(s, work, method, &whole);
    check_no_samples(s, work, method);
    check_again(s, way, work, method, &whole);
    check_alone(s, way, method, &whole);
    result_free(&whole);
    hq_circuit_work_destroy(work);
}

static void check_circuit(hq_circuit *c, int64_t batch, int n_methods)
{
    hq_circuit_options way[WAYS_MAX];
    const int ways = all_ways(c, way);
    samples s = samples_make(&stream, c, batch);
    for (int i = 0; i < ways; i++)
        for (int m = 0; m < n_methods; m++) check_way(&s, &way[i], methods[m]);
    samples_free(&s);
    hq_circuit_destroy(c);
}

static hq_circuit *hqcnn(int qubits, int attention)
{
    hq_circuit *c;
    CHECK(hq_circuit_create_hqcnn(qubits, 1, attention, HQ_OBSERVABLES_XZ, &c) == HQ_OK);
    return c;
}

static void test_hqcnn(void)
{
    for (int attention = HQ_ATTENTION_NONE; attention <= HQ_ATTENTION_TRAINABLE; attention++)
        check_circuit(hqcnn(4, attention), 37, 2);
    check_circuit(hqcnn(4, HQ_ATTENTION_QFT), 299, 1);
    check_circuit(hqcnn(1, HQ_ATTENTION_QFT), 16, 2);
    check_circuit(hqcnn(2, HQ_ATTENTION_TRAINABLE), 9, 2);
    check_circuit(hqcnn(3, HQ_ATTENTION_LADDER), 33, 2);
    check_circuit(hqcnn(6, HQ_ATTENTION_QFT), 17, 2);
    check_circuit(hqcnn(7, HQ_ATTENTION_TRAINABLE), 5, 2);
    check_circuit(hqcnn(9, HQ_ATTENTION_QFT), 3, 2);
}

/* Inputs everywhere, in gates of one and of three parameters; every weight enters once. */
static hq_circuit *reuploading(int qubits)
{
    hq_circuit *c;
    CHECK(hq_circuit_create(qubits, &c) == HQ_OK);
    for (int layer = 0; layer < 2; layer++)
        for (int i = 0; i < qubits; i++) {
            const int w = c->weights, next = (i + 1) % qubits;
            const hq_binding scaled = {HQ_SOURCE_INPUT, i, 1.5, -0.25};
            const hq_binding mixed[3] = {hq_bind_input(next), hq_bind_weight(w), hq_bind_weight(w + 1)};
            const hq_binding weight = hq_bind_weight(w + 2);
            CHECK(hq_circuit_add(c, HQ_GATE_U3, &i, mixed) == HQ_OK);
            CHECK(hq_circuit_add(c, HQ_GATE_RXX, (int[]){i, next}, &scaled) == HQ_OK);
            CHECK(hq_circuit_add(c, HQ_GATE_CRY, (int[]){next, i}, &scaled) == HQ_OK);
            CHECK(hq_circuit_add(c, HQ_GATE_RZZ, (int[]){i, next}, &weight) == HQ_OK);
        }
    for (uint32_t x = 0; x < 4; x++) CHECK(hq_circuit_observe(c, (hq_pauli){x, 3 - x / 2}) == HQ_OK);
    return c;
}

static void test_reuploading(void)
{
    check_circuit(reuploading(2), 37, 2);
    check_circuit(reuploading(4), 19, 2);
    check_circuit(reuploading(8), 3, 2);
}

int main(void)
{
    stream = hq_random_make(5, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_hqcnn);
    HQ_RUN(test_reuploading);
    CHECK_INT(hq_memory_balance(), 0);
    return hq_check_result();
}
