#include "blocks.h"

#include "hqcnn/config.h"

#include <math.h>
#include <string.h>

dense_number *block_lane(block *b, int lane) { return b->dense + ((size_t)lane << b->state.qubits); }

void block_load(block *b)
{
    b->state.re = b->re;
    b->state.im = b->im;
    for (int l = 0; l < b->lanes; l++)
        for (int i = 0; i < 1 << b->state.qubits; i++) {
            b->re[i * b->lanes + l] = creal(block_lane(b, l)[i]);
            b->im[i * b->lanes + l] = cimag(block_lane(b, l)[i]);
        }
}

static void normalise(int n, dense_number *psi)
{
    const double norm = sqrt(creal(dense_product(n, psi, psi)));
    for (int i = 0; i < 1 << n; i++) psi[i] /= norm;
}

void block_fill(hq_random *stream, int n, int lane_bits, block *b)
{
    memset(b, 0, sizeof *b);
    b->lanes = 1 << lane_bits;
    b->state = (hq_state){n, lane_bits, NULL, NULL};
    HQ_ASSERT(n + lane_bits <= 8);
    for (int l = 0; l < b->lanes; l++) {
        dense_number *psi = block_lane(b, l);
        for (int i = 0; i < 1 << n; i++) {
            double part[2];
            fill_random(stream, 2, -1, 1, part);
            psi[i] = part[0] + I * part[1];
        }
        normalise(n, psi);
    }
    block_load(b);
}

double block_distance(const block *b)
{
    const int states = 1 << b->state.qubits;
    double worst = 0;
    for (int l = 0; l < b->lanes; l++)
        for (int i = 0; i < states; i++)
            worst = fmax(worst, cabs(b->re[i * b->lanes + l] + I * b->im[i * b->lanes + l] - b->dense[l * states + i]));
    for (int i = states * b->lanes; i < BLOCK_SIZE; i++) worst = fmax(worst, fabs(b->re[i]) + fabs(b->im[i]));
    return worst;
}

int block_variants(const hq_kernels *out[VARIANTS_MAX])
{
    static const int all[] = {HQ_COMPUTE_KERNEL_PLAIN, HQ_COMPUTE_KERNEL_AVX2, HQ_COMPUTE_KERNEL_AVX512};
    int n = 0;
    for (int i = 0; i < VARIANTS_MAX; i++)
        if (hq_kernels_find(all[i])) out[n++] = hq_kernels_find(all[i]);
    return n;
}

static void for_all_wires(block_test test, const hq_kernels *kernels, int lane_bits, const hq_gate *gate)
{
    const int k = hq_gate_wires(gate);
    for (int n = k; n <= (lane_bits == 0 ? 6 : 4); n++)
        for (int code = 0; code < n * n * n; code++) {
            int wires[3] = {code % n, code / n % n, code / (n * n)};
            bool repeats = (k > 1 && wires[0] == wires[1]) || (k > 2 && (wires[0] == wires[2] || wires[1] == wires[2]));
            bool seen = (k < 2 && wires[1] > 0) || (k < 3 && wires[2] > 0);
            if (!repeats && !seen) test(kernels, lane_bits, gate, n, wires);
        }
}

void block_for_all(block_test test)
{
    static const int lane_bits[] = {0, 3, 4};
    const hq_kernels *variant[VARIANTS_MAX];
    const int variants = block_variants(variant);
    for (int v = 0; v < variants; v++)
        for (int l = 0; l < 3; l++)
            for (int g = 0; g < HQ_GATE_COUNT; g++) for_all_wires(test, variant[v], lane_bits[l], &hq_gate_table[g]);
}
