/* Cosines and sines of every kernel variant against the C library's. */
#include "blocks.h"
#include "support/check.h"

#include <string.h>

#define PI 3.14159265358979323846
#define COUNT 4096

typedef struct numbers {
    _Alignas(HQ_ALIGN) double v[COUNT];
} numbers;

static hq_random stream;

static void check_numbers(const hq_kernels *kernels, const numbers *angle)
{
    static numbers cosine, sine;
    double worst_cosine = 0, worst_sine = 0, worst_at[2] = {0};
    memset(&cosine, 0xff, sizeof cosine);
    memset(&sine, 0xff, sizeof sine);
    kernels->cosine_sine(COUNT, angle->v, cosine.v, sine.v);
    for (int i = 0; i < COUNT; i++) {
        const double c = fabs(cosine.v[i] - cos(angle->v[i])), s = fabs(sine.v[i] - sin(angle->v[i]));
        if (!(c <= worst_cosine)) worst_cosine = c, worst_at[0] = angle->v[i]; /* NaN too */
        if (!(s <= worst_sine)) worst_sine = s, worst_at[1] = angle->v[i];
    }
    CHECK_MSG(worst_cosine <= 4e-16, "%s: cos(%.17g) off by %g", kernels->name, worst_at[0], worst_cosine);
    CHECK_MSG(worst_sine <= 4e-16, "%s: sin(%.17g) off by %g", kernels->name, worst_at[1], worst_sine);
}

static void check_all(const numbers *angle)
{
    const hq_kernels *variant[VARIANTS_MAX];
    const int variants = block_variants(variant);
    for (int v = 0; v < variants; v++) check_numbers(variant[v], angle);
}

static void test_random_angles(void)
{
    static const double most[] = {1e-9, 0.1, 0.8, 7, 100, 1e4, 1e5};
    numbers angle;
    for (int i = 0; i < 7; i++)
        for (int repeat = 0; repeat < 10; repeat++) {
            fill_random(&stream, COUNT, -most[i], most[i], angle.v);
            check_all(&angle);
        }
}

/* Multiples of pi/4, where quadrants change, and their neighbours. */
static void test_borders(void)
{
    numbers angle;
    for (int first = 0; first < 64000; first += 1600) {
        for (int i = 0; i < COUNT / 4; i++) {
            const double border = (first + i) * (PI / 4);
            angle.v[4 * i] = border;
            angle.v[4 * i + 1] = -border;
            angle.v[4 * i + 2] = nextafter(border, 1e9);
            angle.v[4 * i + 3] = nextafter(border, 0);
        }
        check_all(&angle);
    }
}

/* Huge angles among small ones, and both sides of the place where the C library takes over. */
static void test_huge_angles(void)
{
    numbers angle;
    fill_random(&stream, COUNT, -7, 7, angle.v);
    for (int i = 0; i < COUNT; i += 3) angle.v[i] = (i % 2 ? -1 : 1) * pow(10, 5 + 0.07 * i);
    for (int i = 0; i < COUNT; i++)
        if (isinf(angle.v[i])) angle.v[i] = 1e308;
    angle.v[1] = 1e5;
    angle.v[2] = nextafter(1e5, 1e6);
    angle.v[4] = -1e5;
    angle.v[5] = nextafter(-1e5, -1e6);
    check_all(&angle);
}

/* Exact where they must be, and not a number where there is none. */
static void test_special_angles(void)
{
    const hq_kernels *variant[VARIANTS_MAX];
    const int variants = block_variants(variant);
    _Alignas(HQ_ALIGN) const double angle[8] = {0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, -5e-324, 1e-300};
    for (int v = 0; v < variants; v++) {
        _Alignas(HQ_ALIGN) double c[8], s[8];
        variant[v]->cosine_sine(8, angle, c, s);
        for (int i = 0; i < 8; i++) {
            const bool number = i < 2 || i > 4;
            CHECK(number ? c[i] == 1 : isnan(c[i]));
            CHECK(number ? s[i] == angle[i] : isnan(s[i]));
        }
    }
}

int main(void)
{
    stream = hq_random_make(13, HQ_PURPOSE_TEST, 0, 1);
    HQ_RUN(test_random_angles);
    HQ_RUN(test_borders);
    HQ_RUN(test_huge_angles);
    HQ_RUN(test_special_angles);
    return hq_check_result();
}
