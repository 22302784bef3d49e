/* space.h: the keys that a sweep varies, and the points between them. Private to sweep. */
#ifndef HQCNN_SWEEP_SPACE_H
#define HQCNN_SWEEP_SPACE_H

#include "hqcnn/config.h"

enum {
    HQ_AXES_MAX = 32,
    HQ_CHOICES_MAX = 1000, /* of a list, or of a range in a grid */
    HQ_VALUE_MAX = 256,    /* bytes of a value as text, with its end */
    HQ_AXIS_KEY_MAX = 64
};

/* One key that varies: over a list, or over a range. */
typedef struct hq_axis {
    char key[HQ_AXIS_KEY_MAX];
    bool range, integer, logarithmic;
    double low, high;             /* of a range */
    int points;                   /* of a list, or of a range in a grid; 0: a range that a grid cannot take */
    char (*choice)[HQ_VALUE_MAX]; /* [points] of a list, owned */

    /* The key is varied only where another one has one of these values: "" for always. */
    char when[HQ_AXIS_KEY_MAX];
    char (*value)[HQ_VALUE_MAX]; /* [values], owned */
    int values;
    int above;   /* that key is an axis before this one; -1: it is none, */
    bool always; /* and has one of the values, or not */
} hq_axis;

typedef struct hq_space {
    int axes;
    hq_axis axis[HQ_AXES_MAX];
} hq_space;

/* Reads sweep.space of a configuration. HQ_ERR_CONFIG, naming the entry and what is allowed; HQ_ERR_MEMORY. Freed by
 * hq_space_free, whether it worked or not. */
hq_status hq_space_read(const hq_config *config, hq_space *space);
void hq_space_free(hq_space *space);

/* The axis of a key; -1: there is none. */
int hq_space_axis(const hq_space *space, const char *key);

/* A point is a number for each axis: of a list the position in it, of a range the value; NAN where the axis is not
 * varied. These make one from numbers in [0, 1), u[axes], or from positions in a grid, place[axes]; false: the grid has
 * the same point at other positions, which differ only on axes that are not varied. */
void hq_space_point(const hq_space *space, const double *u, double *point);
bool hq_space_grid_point(const hq_space *space, const int *place, double *point);

/* Where on the axis, from 0 to 1, a value lies; the other way round. */
double hq_axis_unit(const hq_axis *axis, double value);
double hq_axis_value(const hq_axis *axis, double u);

/* The value of an axis as text; "" for NAN. */
void hq_axis_text(const hq_axis *axis, double value, char text[HQ_VALUE_MAX]);

/* The keys of the space as the point says; those that are not varied as in `base`. HQ_ERR_CONFIG cannot happen for
 * points of the space. */
hq_status hq_space_apply(const hq_space *space, const double *point, const hq_config *base, hq_config *config);

#endif
