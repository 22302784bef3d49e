/* Preparation of a configuration's text before libconfig reads it. */
#ifndef HQ_CONFIG_SCAN_H
#define HQ_CONFIG_SCAN_H

#include "hqcnn/base.h"

/* Copies `text` with an L behind every integer that has none. libconfig reads integers without L by atoi, which
 * silently turns 5000000000 into 705032704; with L they are 64 bits wide and meet the check of their range. Lines stay
 * where they are. The caller frees *out with hq_free. HQ_ERR_MEMORY; HQ_ERR_CONFIG
 * for a comment without an end. `name` stands for the text in messages. */
hq_status hq_scan_widen(const char *text, const char *name, char **out);

#endif
