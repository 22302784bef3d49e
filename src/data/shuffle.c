#include "hqcnn/data.h"

#define ROUNDS 8

/* One pass of a balanced Feistel network over numbers of 2 * half_bits bits: a permutation whatever the round function
 * is. */
static uint64_t feistel(const hq_random *key, int half_bits, uint64_t x)
{
    uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    uint64_t left = x >> half_bits, right = x & mask;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        hq_random stream = *key;
        uint32_t bits[4];
        stream.index = right;
        hq_random_block(&stream, round, bits);
        uint64_t mixed = (left ^ bits[0]) & mask;
        left = right;
        right = mixed;
    }
    return left << half_bits | right;
}

/* The way back through the same rounds. */
static uint64_t unfeistel(const hq_random *key, int half_bits, uint64_t x)
{
    uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    uint64_t left = x >> half_bits, right = x & mask;
    for (uint32_t round = ROUNDS; round-- > 0;) {
        hq_random stream = *key;
        uint32_t bits[4];
        stream.index = left;
        hq_random_block(&stream, round, bits);
        uint64_t mixed = (right ^ bits[0]) & mask;
        right = left;
        left = mixed;
    }
    return left << half_bits | right;
}

/* Cycle walking: numbers outside 0..n-1 are sent round again; the domain is less than four times n. */
static int64_t walk(uint64_t (*pass)(const hq_random *key, int half_bits, uint64_t x), uint64_t seed, uint32_t epoch,
                    int64_t n, int64_t i)
{
    HQ_ASSERT(i >= 0 && i < n);
    int half_bits = 1;
    while (half_bits < 31 && (int64_t)1 << (2 * half_bits) < n) half_bits++;
    HQ_ASSERT(n <= (int64_t)1 << (2 * half_bits));
    hq_random key = hq_random_make(seed, HQ_PURPOSE_ORDER, epoch, 0);
    uint64_t x = (uint64_t)i;
    do x = pass(&key, half_bits, x);
    while (x >= (uint64_t)n);
    return (int64_t)x;
}

int64_t hq_data_shuffle(uint64_t seed, uint32_t epoch, int64_t n, int64_t i)
{
    return walk(feistel, seed, epoch, n, i);
}

int64_t hq_data_unshuffle(uint64_t seed, uint32_t epoch, int64_t n, int64_t sample)
{
    return walk(unfeistel, seed, epoch, n, sample);
}
