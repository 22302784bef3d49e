/* Expectation values of Pauli strings and their sums times a state, in every kernel variant, against full matrices:
 * every string on up to 4 qubits, random ones on 5 and 6. */
#include "blocks.h"
#include "dense_circuit.h"
#include "support/check.h"

#include <string.h>

static hq_random stream;

typedef struct lane_numbers {
    _Alignas(HQ_ALIGN) double v[BLOCK_LANES];
} lane_numbers;

static void check_expect(const hq_kernels *kernels, hq_pauli pauli, const block *b, const char *letters)
{
    const int n = b->state.qubits;
    lane_numbers out;
    memset(&out, 0xff, sizeof out);
    kernels->expect(&b->state, pauli, out.v);
    for (int l = 0; l < b->lanes; l++) {
        const dense_number *psi = b->dense + (l << n);
        const double want = creal(dense_between(n, psi, letters, psi));
        CHECK_MSG(fabs(out.v[l] - want) <= 1e-14, "%s: <%.*s>, %d lanes, lane %d: %.17g, not %.17g", kernels->name, n,
                  letters, b->lanes, l, out.v[l], want);
    }
}

/* Adds to another random state. */
static void check_accumulate(const hq_kernels *kernels, hq_pauli pauli, const block *b, const char *letters)
{
    const int n = b->state.qubits;
    block sum;
    lane_numbers factor;
    dense_number image[BLOCK_SIZE];
    block_fill(&stream, n, b->state.lane_bits, &sum);
    fill_random(&stream, BLOCK_LANES, -1, 1, factor.v);
    kernels->accumulate(&b->state, pauli, factor.v, &sum.state);
    for (int l = 0; l < b->lanes; l++) {
        dense_pauli(n, letters, b->dense + (l << n), image);
        for (int i = 0; i < 1 << n; i++) block_lane(&sum, l)[i] += factor.v[l] * image[i];
    }
    CHECK_MSG(block_distance(&sum) <= 1e-14, "%s: %.*s, %d lanes: off by %g", kernels->name, n, letters, b->lanes,
              block_distance(&sum));
}

static void check_string(int n, int lane_bits, hq_pauli pauli)
{
    const hq_kernels *variant[VARIANTS_MAX];
    const int variants = block_variants(variant);
    char letters[HQ_QUBITS_MAX];
    block b;
    block_fill(&stream, n, lane_bits, &b);
    pauli_letters(n, pauli, letters);
    for (int v = 0; v < variants; v++) {
        check_expect(variant[v], pauli, &b, letters);
        check_accumulate(variant[v], pauli, &b, letters);
    }
}

static void test_every_string(void)
{
    static const int lane_bits[] = {0, 3, 4};
    for (int n = 1; n <= 4; n++)
        for (uint32_t code = 0; code < 1u << 2 * n; code++)
            for (int l = 0; l < 3; l++) check_string(n, lane_bits[l], (hq_pauli){code >> n, code & ((1u << n) - 1)});
}

static void test_random_strings(void)
{
    for (int n = 5; n <= 6; n++)
        for (int i = 0; i < 150; i++) {
            const uint32_t most = (1u << n) - 1;
            const hq_pauli pauli = {(uint32_t)hq_random_next(&stream) & most, (uint32_t)hq_random_next(&stream) & most};
            check_string(n, 0, pauli);
            if (n == 5) check_string(n, 3, pauli);
        }
}

int main(void)
{
    stream = hq_random_make(12, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_every_string);
    HQ_RUN(test_random_strings);
    return hq_check_result();
}
