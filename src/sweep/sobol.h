/* sobol.h: points that fill a cube evenly. Private to sweep. */
#ifndef HQCNN_SWEEP_SOBOL_H
#define HQCNN_SWEEP_SOBOL_H

#include <stdint.h>

enum { HQ_SOBOL_DIMENSIONS = 32 };

/* Coordinate `dimension` (from 0) of point `index` of Sobol's sequence, as a number of 32 bits behind the point: I. M.
 * Sobol, 1967; direction numbers of S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
 * projections", SIAM J. Sci. Comput. 30, 2008 (new-joe-kuo-6). */
uint32_t hq_sobol(uint64_t index, int dimension);

#endif
