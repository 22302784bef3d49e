/* support.h: sweeps without trainings: results are written by the tests. */
#ifndef HQ_TEST_SWEEP_SUPPORT_H
#define HQ_TEST_SWEEP_SUPPORT_H

#include "sweep/private.h"

/* A configuration with its defaults and these overrides, "a=1" and so on; ends with NULL. */
void configure(hq_config *config, ...);

/* An empty folder "<scratch>/<name>" with folders for results, trials and claims. */
void make_dir(const char *name, char dir[PATH_MAX]);

/* Writes the result of a training that has come to so many epochs, with this validation AUC in all of them; final: to
 * its end. */
void write_result(hq_sweep *sweep, int trial, int seed, int64_t epochs, bool final, double auc);

#endif
