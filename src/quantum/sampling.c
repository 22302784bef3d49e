#include "quantum/sampling.h"

#include <math.h>

enum {
    INVERSION_MAX = 10, /* mean up to which inversion is used; BTRS is proven from there on */
    TABLE = 10          /* corrections of Stirling's formula that are tabled */
};

/* ---- binomial numbers ---- */

/* Adds up the probabilities of 0, 1, 2, ... successes until they exceed a uniform number. */
static int64_t invert(hq_random *stream, int64_t n, double p)
{
    const double odds = p / (1 - p);
    double left = hq_random_uniform(stream), probability = exp((double)n * log1p(-p));
    int64_t k = 0;
    while (left >= probability && probability > 0 && k < n) { /* rounding may leave a little behind the last one */
        left -= probability;
        probability *= odds * (double)(n - k) / (double)(k + 1);
        k++;
    }
    return k;
}

/* What Stirling's formula leaves: log k! - ((k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2). */
static double correction(double k)
{
    static const double table[TABLE] = {
        0.08106146679532726, 0.04134069595540929, 0.02767792568499834, 0.02079067210376509,  0.01664469118982119,
        0.01387612882307075, 0.01189670994589177, 0.01041126526197209, 0.009255462182712733, 0.008330563433362871};
    if (k < TABLE) return table[(int)k];
    const double inverse = 1 / (k + 1), square = inverse * inverse;
    return (1.0 / 12 - (1.0 / 360 - square / 1260) * square) * inverse;
}

/* log of the probability of k successes over that of m. */
static double log_ratio(double n, double p, double m, double k)
{
    const double odds = p / (1 - p), rest_m = n - m + 1, rest_k = n - k + 1;
    return (m + 0.5) * log((m + 1) / (odds * rest_m)) + (n + 1) * log(rest_m / rest_k) +
           (k + 0.5) * log(odds * rest_k / (k + 1)) + correction(m) + correction(n - m) - correction(k) -
           correction(n - k);
}

/* Transformed rejection under a hat with squeeze; p <= 1/2, n p >= 10. */
static int64_t reject(hq_random *stream, double n, double p)
{
    const double root = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * root, a = -0.0873 + 0.0248 * b + 0.01 * p;
    const double center = n * p + 0.5, squeeze = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * root;
    const double mode = floor((n + 1) * p);
    for (;;) {
        const double u = hq_random_uniform(stream) - 0.5, v = hq_random_uniform(stream), side = 0.5 - fabs(u);
        const double k = floor((2 * a / side + b) * u + center);
        if (side >= 0.07 && v <= squeeze) return (int64_t)k;
        if (!(k >= 0 && k <= n)) continue; /* side may be 0 */
        if (log(v * alpha / (a / (side * side) + b)) <= log_ratio(n, p, mode, k)) return (int64_t)k;
    }
}

int64_t hq_binomial(hq_random *stream, int64_t n, double p)
{
    if (n <= 0 || !(p > 0)) return 0;
    if (p >= 1) return n;
    if (n == 1) return hq_random_uniform(stream) < p;
    if (p > 0.5) return n - hq_binomial(stream, n, 1 - p);
    return (double)n * p < INVERSION_MAX ? invert(stream, n, p) : reject(stream, (double)n, p);
}

/* ---- counts of outcomes ---- */

typedef struct sampler {
    int bits;
    const double *tree;
    hq_random *stream;
    hq_outcome_fn *seen;
    void *ctx;
} sampler;

void hq_sampling_start(int bits, double *tree)
{
    for (size_t k = ((size_t)1 << bits) - 1; k > 0; k--) tree[k] = tree[2 * k] + tree[2 * k + 1];
}

/* Shares the shots that fell on a node between its two halves. */
static void split(const sampler *s, size_t node, int64_t shots)
{
    if (shots == 0) return;
    if (node >> s->bits) {
        s->seen(s->ctx, (uint32_t)(node - ((size_t)1 << s->bits)), shots);
        return;
    }
    const double low = s->tree[2 * node], high = s->tree[2 * node + 1];
    const int64_t to_high = hq_binomial(s->stream, shots, high / (low + high));
    split(s, 2 * node, shots - to_high);
    split(s, 2 * node + 1, to_high);
}

void hq_sampling_draw(int bits, const double *tree, int64_t shots, hq_random *stream, hq_outcome_fn *seen, void *ctx)
{
    const sampler s = {bits, tree, stream, seen, ctx};
    HQ_ASSERT(tree[1] > 0);
    split(&s, 1, shots);
}
