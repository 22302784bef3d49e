#include "hqcnn/nn.h"
#include "nn/rows.h"

/* Every sample has a stream of its own, so its mask does not depend on its place in the batch or on the rank. */
void hq_dropout_mask(int n, int width, double share, uint64_t seed, uint32_t epoch, const int64_t *samples,
                     hq_real *keep)
{
    hq_real scale = (hq_real)(1 / (1 - share));
    for (int i = 0; i < n; i++) {
        hq_random stream = hq_random_make(seed, HQ_PURPOSE_DROPOUT, epoch, (uint64_t)samples[i]);
        for (int j = 0; j < width; j++) keep[(int64_t)i * width + j] = hq_random_uniform(&stream) < share ? 0 : scale;
    }
}

void hq_dropout_apply(size_t count, const hq_real *keep, const hq_real *x, hq_real *y)
{
    HQ_ROWS_VECTOR
    for (size_t i = 0; i < count; i++) y[i] = x[i] * keep[i];
}
