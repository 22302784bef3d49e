#include "hqcnn/nn.h"

#include <math.h>

/* Each number takes one block of the stream, so number i is a function of (seed, name, i). */
void hq_init_uniform(uint64_t seed, const char *name, double low, double high, size_t count, hq_real *w)
{
    hq_random stream = hq_random_make(seed, HQ_PURPOSE_INIT, 0, hq_hash_text(name));
    for (size_t i = 0; i < count; i++) {
        w[i] = (hq_real)(low + (high - low) * hq_random_uniform(&stream));
        /* rounding may reach the end that is excluded */
        if (w[i] >= high) w[i] = (hq_real)nextafterf((float)w[i], (float)low);
    }
}
