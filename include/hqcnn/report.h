/* report.h: pages with pictures of what a program has found. A page is one HTML file that needs no other file and no
 * network. Local. */
#ifndef HQCNN_REPORT_H
#define HQCNN_REPORT_H

#include "hqcnn/sweep.h"

/* The page of a sweep: its best trials, all trials as lines over the keys that vary (parallel coordinates), how much
 * each key matters, learning curves. config: its plan; name: for the title. The file appears whole. HQ_ERR_FILE,
 * HQ_ERR_MEMORY. */
hq_status hq_report_sweep(hq_sweep *sweep, const hq_config *config, const char *name, const char *path);

#endif
