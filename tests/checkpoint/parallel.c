/* parallel.c: the tests of this folder once more, with states of any size written by all nodes: in their programs
 * hq_checkpoint_write is this. */
#include "checkpoint/private.h"

hq_status save_in_parallel(const hq_dist *dist, const char *path, const hq_state *state)
{
    double seconds[HQ_SAVE_PARTS];
    return hq_checkpoint_save(dist, path, state, -1, seconds);
}
