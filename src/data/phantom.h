/* phantom.h: the built-in data set: drawn images that look like ultrasound of a mass in tissue.
 *
 * Class 0: a smooth, elliptic, well-circumscribed mass. Class 1: an irregular mass with spicules and lobules. The
 * classes agree in area, contrast, position and brightness, so only the outline tells them apart; the echo behind the
 * mass (shadow or enhancement) is a weak hint. Every image is a function of (seed, split, index).
 */
#ifndef HQ_DATA_PHANTOM_H
#define HQ_DATA_PHANTOM_H

#include "hqcnn/base.h"

#define HQ_PI 3.14159265358979323846

/* The next number of the stream, uniform in [low, high). */
static inline double hq_phantom_between(hq_random *stream, double low, double high)
{
    return low + (high - low) * hq_random_uniform(stream);
}

/* x, or the nearer end of 0..1. */
static inline double hq_phantom_clamp(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

#define HQ_OUTLINE_STEPS 256 /* directions of an outline */

/* The outline of a mass in polar coordinates around its centre, in units of the image's side. */
typedef struct hq_outline {
    double radius[HQ_OUTLINE_STEPS + 1]; /* direction 2 pi i / HQ_OUTLINE_STEPS; the last repeats the first */
    double reach;                        /* largest radius */
} hq_outline;

/* Draws an outline of class `label` (0 or 1) whose area is that of a circle of radius `size`. */
void hq_outline_draw(hq_random *stream, int label, double size, hq_outline *outline);

#define HQ_TEXTURE_SIDE 12 /* lattice points of the texture along a side */
#define HQ_LAYERS 4

/* What surrounds the mass: layers of tissue with bright borders, shading, and a coarse texture. */
typedef struct hq_tissue {
    double border[HQ_LAYERS], level[HQ_LAYERS + 1],
        line[HQ_LAYERS];     /* depth, echo between borders, brightness of a border */
    double tilt, bend;       /* of all borders */
    double shade_x, shade_y; /* echo changes across the image */
    double texture[HQ_TEXTURE_SIDE][HQ_TEXTURE_SIDE];
} hq_tissue;

void hq_tissue_draw(hq_random *stream, hq_tissue *tissue);

/* Echo of the tissue at (u, v), 0..1 from left to right and from the skin downwards; about 1. */
double hq_tissue_echo(const hq_tissue *tissue, double u, double v);

/* The texture alone, about 0, within -1..1. */
double hq_tissue_texture(const hq_tissue *tissue, double u, double v);

/* Doubles of scratch memory that hq_phantom_draw needs. */
size_t hq_phantom_scratch(int size);

/* Draws image `index` of split `split`: image[size][size][channels], channels 1 or 3. Returns its label, 0 or 1. */
int hq_phantom_draw(uint64_t seed, int split, int64_t index, int size, int channels, double *scratch, uint8_t *image);

#endif
