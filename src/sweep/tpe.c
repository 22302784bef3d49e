/* tpe.c: the best observations and the others each give a density for every axis; of some values drawn from the first
 * that one is taken for which the first is largest against the second. Numbers as programs for it have them: the best
 * are a tenth of all, at most 25; 24 values are drawn; the width of a kernel is its distance to its neighbours. */
#include "sweep/tpe.h"

#include <math.h>
#include <stdlib.h>

enum { BEST_MAX = 25, OTHERS_MAX = 100, DRAWN = 24 };

/* ---- a range: normal kernels on [0, 1] and a wide one ------------------------------------------------------------ */

typedef struct hq_kernel {
    double at, width, weight; /* weight: so that the part inside [0, 1] counts one */
} hq_kernel;

typedef struct hq_density {
    hq_kernel kernel[OTHERS_MAX + 1];
    int n;
} hq_density;

static int by_place(const void *a, const void *b)
{
    const hq_kernel *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static double below(double z) { return 0.5 * erfc(-z * M_SQRT1_2); } /* share of the normal distribution */

/* Of more than `most` observations evenly some. */
static void estimate(const hq_axis *axis, int i, const hq_observation *seen, int n, int most, hq_density *density)
{
    const int stride = n > most ? (n + most - 1) / most : 1;
    density->n = 0;
    for (int k = 0; k < n; k += stride)
        if (!isnan(seen[k].point[i]))
            density->kernel[density->n++] = (hq_kernel){.at = hq_axis_unit(axis, seen[k].point[i])};
    density->kernel[density->n++] = (hq_kernel){.at = 0.5, .width = 1};
    qsort(density->kernel, (size_t)density->n, sizeof *density->kernel, by_place);
    const double least = 1.0 / fmin(100, 1 + density->n);
    for (int k = 0; k < density->n; k++) {
        hq_kernel *kernel = &density->kernel[k];
        const double left = k > 0 ? kernel->at - kernel[-1].at : 0;
        const double right = k + 1 < density->n ? kernel[1].at - kernel->at : 0;
        if (kernel->width == 0) kernel->width = fmin(fmax(fmax(left, right), least), 1);
    }
    for (int k = 0; k < density->n; k++) {
        hq_kernel *kernel = &density->kernel[k];
        kernel->weight = 1 / (below((1 - kernel->at) / kernel->width) - below(-kernel->at / kernel->width));
    }
}

/* Up to a factor that is the same for all u of one density. */
static double density_at(const hq_density *density, double u)
{
    double sum = 0;
    for (int k = 0; k < density->n; k++) {
        const hq_kernel *kernel = &density->kernel[k];
        const double z = (u - kernel->at) / kernel->width;
        sum += kernel->weight / kernel->width * exp(-0.5 * z * z);
    }
    return sum / density->n;
}

static double draw(const hq_density *density, hq_random *random)
{
    enum { TRIES = 100 };
    const hq_kernel *kernel = &density->kernel[(int)(hq_random_uniform(random) * density->n)];
    for (int i = 0; i < TRIES; i++) {
        const double u = kernel->at + kernel->width * hq_random_normal(random);
        if (u >= 0 && u < 1) return u;
    }
    return kernel->at;
}

/* ---- a list ------------------------------------------------------------------------------------------------------ */

/* share[points]: how often each was there, each once more than it was. */
static void count(const hq_axis *axis, int i, const hq_observation *seen, int n, double *share)
{
    double all = axis->points;
    for (int k = 0; k < axis->points; k++) share[k] = 1;
    for (int k = 0; k < n; k++)
        if (!isnan(seen[k].point[i])) {
            share[(int)seen[k].point[i]]++;
            all++;
        }
    for (int k = 0; k < axis->points; k++) share[k] /= all;
}

static int draw_choice(const double *share, int n, hq_random *random)
{
    double left = hq_random_uniform(random);
    int k = 0;
    for (; k < n - 1 && left >= share[k]; k++) left -= share[k];
    return k;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

typedef struct hq_parzen {
    hq_density good, other;
    double good_share[HQ_CHOICES_MAX], other_share[HQ_CHOICES_MAX];
} hq_parzen;

/* A coordinate u for one axis. */
static double suggest(const hq_axis *axis, int i, const hq_observation *seen, int n, int good, hq_parzen *work,
                      hq_random *random)
{
    double best = 0, best_ratio = -1;
    if (axis->range) {
        estimate(axis, i, seen, good, BEST_MAX, &work->good);
        estimate(axis, i, seen + good, n - good, OTHERS_MAX, &work->other);
    } else {
        count(axis, i, seen, good, work->good_share);
        count(axis, i, seen + good, n - good, work->other_share);
    }
    for (int k = 0; k < DRAWN; k++) {
        double u, ratio;
        if (axis->range) {
            u = draw(&work->good, random);
            ratio = density_at(&work->good, u) / density_at(&work->other, u);
        } else {
            const int choice = draw_choice(work->good_share, axis->points, random);
            u = (choice + 0.5) / axis->points;
            ratio = work->good_share[choice] / work->other_share[choice];
        }
        if (ratio > best_ratio) best = u, best_ratio = ratio;
    }
    return best;
}

hq_status hq_tpe_suggest(const hq_space *space, const hq_observation *seen, int n, hq_random *random, double *point)
{
    double u[HQ_AXES_MAX];
    hq_parzen *work;
    HQ_TRY(hq_alloc(sizeof *work, "densities of a sweep", &work));
    const int good = (int)fmin(ceil(0.1 * n), BEST_MAX);
    for (int i = 0; i < space->axes; i++) u[i] = suggest(&space->axis[i], i, seen, n, good, work, random);
    hq_space_point(space, u, point);
    hq_free(work);
    return HQ_OK;
}
