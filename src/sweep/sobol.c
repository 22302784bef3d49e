/* sobol.c: see sobol.h. */
#include "sweep/sobol.h"

enum { BITS = 32, DEGREE_MAX = 7 };

/* Of each dimension but the first: degree and inner coefficients of its primitive polynomial, first direction numbers.
 */
static const struct {
    int degree;
    unsigned coefficients, start[DEGREE_MAX];
} dimension_table[HQ_SOBOL_DIMENSIONS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
};

/* direction[i]: what bit i of the index turns over. */
static void directions(int dimension, uint32_t direction[BITS])
{
    if (dimension == 0) {
        for (int i = 0; i < BITS; i++) direction[i] = UINT32_C(1) << (BITS - 1 - i);
        return;
    }
    const int s = dimension_table[dimension - 1].degree;
    const unsigned a = dimension_table[dimension - 1].coefficients;
    for (int i = 0; i < s; i++) direction[i] = dimension_table[dimension - 1].start[i] << (BITS - 1 - i);
    for (int i = s; i < BITS; i++) {
        direction[i] = direction[i - s] ^ (direction[i - s] >> s);
        for (int k = 1; k < s; k++)
            if (a >> (s - 1 - k) & 1) direction[i] ^= direction[i - k];
    }
}

uint32_t hq_sobol(uint64_t index, int dimension)
{
    uint32_t direction[BITS], sum = 0;
    directions(dimension, direction);
    for (int i = 0; i < BITS; i++)
        if (index >> i & 1) sum ^= direction[i];
    return sum;
}
