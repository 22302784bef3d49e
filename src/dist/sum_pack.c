/* sum_pack.c: 64-bit integers in as few bytes as they need. Nothing is lost: a block of numbers of which the largest
 * needs w bytes is written with w bytes each. Gradients are far smaller than what their fixed point can hold, so that
 * about five of eight bytes are left. */
#include "dist/sum_private.h"

#include <string.h>

enum { BLOCK = 256, SPARE = 8 }; /* numbers in a block; bytes behind the last number that may be written or read */

size_t hq_sum_packed_most(size_t n) { return (n + BLOCK - 1) / BLOCK + n * sizeof(int64_t) + SPARE; }

/* A number with its lowest byte first, from or to that of this machine. */
static inline uint64_t little(uint64_t number)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number : __builtin_bswap64(number);
}

/* Bytes that hold every number of a block in two's complement. */
static int width_of(const int64_t *x, size_t n)
{
    uint64_t magnitude = 0;
    for (size_t i = 0; i < n; i++) magnitude |= (uint64_t)(x[i] ^ (x[i] >> 63));
    const int bits = magnitude ? 64 - __builtin_clzll(magnitude) + 1 : 1;
    return (bits + 7) / 8;
}

/* Every number is written whole, little-endian, and the next one over the bytes it does not need. */
size_t hq_sum_pack(const int64_t *x, size_t n, unsigned char *bytes)
{
    unsigned char *to = bytes;
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t count = n - at < BLOCK ? n - at : BLOCK;
        const int width = width_of(x + at, count);
        *to++ = (unsigned char)width;
        for (size_t i = 0; i < count; i++, to += width) {
            const uint64_t number = little((uint64_t)x[at + i]);
            memcpy(to, &number, sizeof number);
        }
    }
    return (size_t)(to - bytes);
}

/* x[i] += or =, as `adds` says. */
bool hq_sum_unpack(const unsigned char *bytes, size_t size, size_t n, bool adds, int64_t *x)
{
    const unsigned char *from = bytes, *end = bytes + size;
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t count = n - at < BLOCK ? n - at : BLOCK;
        if (from >= end || *from < 1 || *from > 8 || (size_t)(end - from - 1) < count * *from) return false;
        const int width = *from++, shift = 64 - 8 * width;
        for (size_t i = 0; i < count; i++, from += width) {
            uint64_t number;
            memcpy(&number, from, sizeof number);
            const int64_t value = (int64_t)(little(number) << shift) >> shift;
            x[at + i] = (adds ? x[at + i] : 0) + value;
        }
    }
    return from == end;
}
