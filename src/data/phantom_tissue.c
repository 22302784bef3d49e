#include "data/phantom.h"

void hq_tissue_draw(hq_random *stream, hq_tissue *tissue)
{
    double depth = hq_phantom_between(stream, 0.03, 0.08); /* the first border is the skin's */
    for (int i = 0; i < HQ_LAYERS; i++) {
        tissue->border[i] = depth;
        tissue->level[i] = i == 0 ? hq_phantom_between(stream, 1.2, 1.7) : hq_phantom_between(stream, 0.75, 1.25);
        tissue->line[i] = hq_phantom_between(stream, 0.0, 0.7);
        depth += hq_phantom_between(stream, 0.12, 0.35);
    }
    tissue->level[HQ_LAYERS] = hq_phantom_between(stream, 0.75, 1.2);
    tissue->tilt = hq_phantom_between(stream, -0.15, 0.15);
    tissue->bend = hq_phantom_between(stream, -0.3, 0.3);
    tissue->shade_x = hq_phantom_between(stream, -0.4, 0.4);
    tissue->shade_y = hq_phantom_between(stream, -0.5, 0.2);
    for (int y = 0; y < HQ_TEXTURE_SIDE; y++)
        for (int x = 0; x < HQ_TEXTURE_SIDE; x++) tissue->texture[y][x] = hq_phantom_between(stream, -1, 1);
}

double hq_tissue_texture(const hq_tissue *tissue, double u, double v)
{
    double x = u * (HQ_TEXTURE_SIDE - 1), y = v * (HQ_TEXTURE_SIDE - 1);
    int x0 = (int)x, y0 = (int)y; /* u and v are inside (0, 1) */
    double fx = x - x0, fy = y - y0;
    const double *top = &tissue->texture[y0][x0], *below = &tissue->texture[y0 + 1][x0];
    return (1 - fy) * ((1 - fx) * top[0] + fx * top[1]) + fy * ((1 - fx) * below[0] + fx * below[1]);
}

/* The layers: the level changes softly across each border, the border itself is a bright line. */
static double layer_echo(const hq_tissue *tissue, double depth)
{
    double echo = tissue->level[0], line = 0;
    for (int i = 0; i < HQ_LAYERS; i++) {
        double d = (depth - tissue->border[i]) / 0.025;
        double inside = hq_phantom_clamp(0.5 + 0.5 * d);
        echo += (tissue->level[i + 1] - tissue->level[i]) * inside;
        line += tissue->line[i] / (1 + d * d);
    }
    return echo + line;
}

double hq_tissue_echo(const hq_tissue *tissue, double u, double v)
{
    double x = u - 0.5;
    double depth = v + tissue->tilt * x + tissue->bend * (x * x - 0.08);
    double shade = (1 + tissue->shade_x * x) * (1 + tissue->shade_y * (v - 0.5));
    return layer_echo(tissue, depth) * shade * (1 + 0.35 * hq_tissue_texture(tissue, u, v));
}
