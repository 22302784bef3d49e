/* A checkpoint as it comes: its seal. */
#include "support.h"

#include "checkpoint/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hq_state state;
    hq_fingerprint fingerprint;
    hq_problem problem = {0};
    hq_checkpoint_load(fuzz_file(data, size), &state, &fingerprint, &problem);
    hq_checkpoint_free(&state);
    fuzz_check_memory();
    return 0;
}
