#include "data/phantom.h"

#include <math.h>

static double direction(int step) { return 2 * HQ_PI * step / HQ_OUTLINE_STEPS; }

/* An ellipse of random orientation. */
static void draw_ellipse(hq_random *stream, hq_outline *outline)
{
    double ratio = hq_phantom_between(stream, 0.62, 1.0), turn = hq_phantom_between(stream, 0, HQ_PI);
    for (int i = 0; i < HQ_OUTLINE_STEPS; i++) {
        double c = ratio * cos(direction(i) - turn), s = sin(direction(i) - turn);
        outline->radius[i] = ratio / sqrt(c * c + s * s);
    }
}

/* A wave of `lobes` lobes round the outline. */
static void add_lobes(hq_random *stream, int lobes, double height, hq_outline *outline)
{
    double phase = hq_phantom_between(stream, 0, 2 * HQ_PI);
    for (int i = 0; i < HQ_OUTLINE_STEPS; i++) outline->radius[i] *= 1 + height * cos(lobes * direction(i) + phase);
}

/* A spicule that tapers to a point, of half width `width` (radians) at its foot. */
static void add_spicule(double angle, double width, double height, hq_outline *outline)
{
    for (int i = 0; i < HQ_OUTLINE_STEPS; i++) {
        double distance = fabs(remainder(direction(i) - angle, 2 * HQ_PI)) / width;
        if (distance < 1) outline->radius[i] += height * (1 - distance) * (1 - distance);
    }
}

static void add_spicules(hq_random *stream, hq_outline *outline)
{
    int count = 5 + (int)(hq_random_next(stream) % 5);
    double start = hq_phantom_between(stream, 0, 2 * HQ_PI);
    double longest = hq_phantom_between(stream, 0.6, 1.8);
    for (int k = 0; k < count; k++) {
        double angle = start + 2 * HQ_PI * (k + hq_phantom_between(stream, -0.4, 0.4)) / count;
        double width = hq_phantom_between(stream, 0.28, 0.55);
        add_spicule(angle, width, longest * hq_phantom_between(stream, 0.5, 1.0), outline);
    }
}

/* Scales the outline to the area of a circle of radius `size`, so that area says nothing about the class. */
static void set_area(double size, hq_outline *outline)
{
    double square = 0;
    for (int i = 0; i < HQ_OUTLINE_STEPS; i++) square += outline->radius[i] * outline->radius[i];
    double scale = size / sqrt(square / HQ_OUTLINE_STEPS);
    outline->reach = 0;
    for (int i = 0; i < HQ_OUTLINE_STEPS; i++) {
        outline->radius[i] *= scale;
        outline->reach = fmax(outline->reach, outline->radius[i]);
    }
    outline->radius[HQ_OUTLINE_STEPS] = outline->radius[0];
}

void hq_outline_draw(hq_random *stream, int label, double size, hq_outline *outline)
{
    draw_ellipse(stream, outline);
    add_lobes(stream, 3, hq_phantom_between(stream, 0, 0.05), outline);
    if (label == 1) {
        /* One draw in a statement: C leaves the order of a call's arguments open. */
        int lobes = 4 + (int)(hq_random_next(stream) % 3);
        double height = hq_phantom_between(stream, 0.02, 0.12);
        add_lobes(stream, lobes, height, outline);
        add_spicules(stream, outline);
    }
    set_area(size, outline);
}
