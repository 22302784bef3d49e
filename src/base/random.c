#include "hqcnn/base.h"

#include <Random123/philox.h>
#include <math.h>

hq_random hq_random_make(uint64_t seed, hq_purpose purpose, uint32_t epoch, uint64_t index)
{
    return (hq_random){.seed = seed, .purpose = (uint32_t)purpose, .epoch = epoch, .index = index};
}

/* Key: the seed. Counter: index (64 bits), epoch (24) with purpose (8), position (32). */
void hq_random_block(const hq_random *stream, uint32_t position, uint32_t out[4])
{
    philox4x32_key_t key = {{(uint32_t)stream->seed, (uint32_t)(stream->seed >> 32)}};
    philox4x32_ctr_t counter = {
        {(uint32_t)stream->index, (uint32_t)(stream->index >> 32), stream->epoch ^ (stream->purpose << 24), position}};
    philox4x32_ctr_t bits = philox4x32(counter, key);
    for (int i = 0; i < 4; i++) out[i] = bits.v[i];
}

static double to_unit(uint32_t high, uint32_t low) { return (double)((((uint64_t)high << 32) | low) >> 11) * 0x1p-53; }

uint64_t hq_random_next(hq_random *stream)
{
    uint32_t bits[4];
    hq_random_block(stream, stream->position++, bits);
    return ((uint64_t)bits[0] << 32) | bits[1];
}

double hq_random_uniform(hq_random *stream)
{
    uint32_t bits[4];
    hq_random_block(stream, stream->position++, bits);
    return to_unit(bits[0], bits[1]);
}

double hq_random_normal(hq_random *stream)
{
    uint32_t bits[4];
    hq_random_block(stream, stream->position++, bits);
    double u = 1.0 - to_unit(bits[0], bits[1]); /* in (0, 1] */
    return sqrt(-2.0 * log(u)) * cos(2.0 * 3.14159265358979323846 * to_unit(bits[2], bits[3]));
}
