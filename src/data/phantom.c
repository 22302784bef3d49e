#include "data/phantom.h"

#include <math.h>

/* The mass and what it does to the echo behind it. */
typedef struct mass {
    hq_outline outline;
    double x, y;      /* centre */
    double echo;      /* of the mass, as a share of the tissue's */
    double posterior; /* factor on the echo behind it: below 1 a shadow, above 1 an enhancement */
} mass;

static void draw_mass(hq_random *stream, int label, mass *m)
{
    double size = hq_phantom_between(stream, 0.15, 0.23);
    m->x = hq_phantom_between(stream, 0.32, 0.68);
    m->y = hq_phantom_between(stream, 0.34, 0.64);
    m->echo = hq_phantom_between(stream, 0.12, 0.4);
    double kind = hq_random_uniform(stream), strength = hq_random_uniform(stream);
    double shadows = label ? 0.45 : 0.30; /* spiculated masses cast a shadow somewhat more often */
    m->posterior = kind < shadows ? 0.45 + 0.4 * strength : kind < 0.75 ? 1.2 + 0.6 * strength : 1;
    hq_outline_draw(stream, label, size, &m->outline);
}

/* 0 for t <= 0, 1 for t >= 1, smooth between. */
static double smooth_step(double t)
{
    t = hq_phantom_clamp(t);
    return t * t * (3 - 2 * t);
}

/* Share of the pixel at (u, v) that the mass covers; the edge is `edge` wide. */
static double coverage(const mass *m, double u, double v, double edge)
{
    double dx = u - m->x, dy = v - m->y, distance = sqrt(dx * dx + dy * dy);
    if (distance > m->outline.reach + edge) return 0;
    double turn = atan2(dy, dx) / (2 * HQ_PI);
    double at = (turn < 0 ? turn + 1 : turn) * HQ_OUTLINE_STEPS;
    int step = at < HQ_OUTLINE_STEPS ? (int)at : HQ_OUTLINE_STEPS - 1;
    const double *radius = m->outline.radius + step;
    double boundary = radius[0] + (at - step) * (radius[1] - radius[0]);
    /* On a steep flank of a spicule the distance to the outline is smaller than the distance along the ray. */
    double slope = (radius[1] - radius[0]) * HQ_OUTLINE_STEPS / (2 * HQ_PI * (distance > edge ? distance : edge));
    return hq_phantom_clamp(0.5 + (boundary - distance) / (edge * sqrt(1 + slope * slope)));
}

/* Factor on the echo at (u, v) from what lies above it. */
static double behind(const mass *m, double u, double v)
{
    double side = fabs(u - m->x) / (0.9 * m->outline.reach);
    double depth = (v - m->y) / m->outline.reach;
    return 1 + (m->posterior - 1) * smooth_step(2.2 - 2 * side) * smooth_step(1.5 * depth);
}

/* ---- speckle --------------------------------------------------------------------------------------------------- */

/* A number near the normal distribution from 32 random bits: the sum of two uniform ones, of mean 0. The blur sums
 * more. */
static double bell(uint32_t bits) { return (double)(bits & 0xffff) + (double)(bits >> 16) - 65535.0; }

static double blur(const double *p, int stride)
{
    const double *a = p - stride, *b = p + stride;
    return a[-1] + a[1] + b[-1] + b[1] + 2.5 * (a[0] + b[0] + p[-1] + p[1]) + 6 * p[0];
}

/* Fully developed speckle is the magnitude of a complex normal field that the aperture has blurred (J. W. Goodman,
 * "Speckle phenomena in optics", 2007): Rayleigh distributed. field: 2 (size + 2)^2 numbers, made here; read by
 * speckle_at. */
static void draw_field(const hq_random *stream, int size, double *field)
{
    int n = (size + 2) * (size + 2);
    double *real = field, *imaginary = field + n;
    for (int i = 0; i < n; i += 2) {
        uint32_t bits[4];
        hq_random_block(stream, stream->position + (uint32_t)i / 2, bits);
        real[i] = bell(bits[0]);
        imaginary[i] = bell(bits[1]);
        if (i + 1 == n) break;
        real[i + 1] = bell(bits[2]);
        imaginary[i + 1] = bell(bits[3]);
    }
}

/* Magnitude at pixel (x, y), of mean about 1. */
static double speckle_at(const double *field, int size, int x, int y)
{
    int stride = size + 2;
    const double *real = field + (y + 1) * stride + x + 1, *imaginary = real + stride * stride;
    double re = blur(real, stride), im = blur(imaginary, stride);
    /* Standard deviation of bell: 65536 / sqrt(6); of blur: times sqrt(4 + 4 * 6.25 + 36); a Rayleigh mean: times
     * sqrt(pi/2). */
    const double mean = 65536 / 2.449489742783178 * 8.06225774829855 * 1.2533141373155001;
    return sqrt(re * re + im * im) / mean;
}

/* ---- image ----------------------------------------------------------------------------------------------------- */

size_t hq_phantom_scratch(int size) { return 2 * (size_t)(size + 2) * (size_t)(size + 2); }

static uint8_t to_byte(double brightness) { return (uint8_t)(255 * hq_phantom_clamp(brightness) + 0.5); }

int hq_phantom_draw(uint64_t seed, int split, int64_t index, int size, int channels, double *scratch, uint8_t *image)
{
    hq_random stream = hq_random_make(seed, HQ_PURPOSE_PHANTOM, (uint32_t)split, (uint64_t)index);
    int label = (int)(hq_random_next(&stream) >> 63);
    mass m;
    hq_tissue tissue;
    draw_mass(&stream, label, &m);
    hq_tissue_draw(&stream, &tissue);
    double gain = hq_phantom_between(&stream, 0.42, 0.58), grain = hq_phantom_between(&stream, 0.5, 0.85);
    double tint[3] = {1, 1, 1}; /* warm, as on many screens */
    tint[1] = hq_phantom_between(&stream, 0.9, 1);
    tint[2] = tint[1] * hq_phantom_between(&stream, 0.85, 1);
    draw_field(&stream, size, scratch);
    double edge = fmax(1.0 / size, 0.02);
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            double u = (x + 0.5) / size, v = (y + 0.5) / size;
            double inside = coverage(&m, u, v, edge);
            double echo = hq_tissue_echo(&tissue, u, v);
            echo *= inside * m.echo + (1 - inside) * behind(&m, u, v);
            echo *= 1 - grain + grain * speckle_at(scratch, size, x, y);
            double brightness = gain * sqrt(echo); /* the root stands for the scanner's compression */
            for (int c = 0; c < channels; c++) *image++ = to_byte(brightness * tint[c]);
        }
    return label;
}
