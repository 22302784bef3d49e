/* What a sweep reads: the first byte chooses a space (with points of it), the result of a training, a claim. */
#include "support.h"

#include "sweep/claim.h"
#include "sweep/space.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* Points of a space that is taken can be applied, and lie in it. */
static void fuzz_space(const uint8_t *data, size_t size)
{
    static hq_config config, trial;
    hq_space space = {0};
    char *text = fuzz_text(data, size);
    hq_config_defaults(&config);
    if (hq_config_put(&config, "sweep.space", text, "fuzz") == HQ_OK && hq_space_read(&config, &space) == HQ_OK) {
        double u[HQ_AXES_MAX], point[HQ_AXES_MAX];
        int place[HQ_AXES_MAX] = {0};
        for (int i = 0; i < 3; i++) {
            for (int k = 0; k < HQ_AXES_MAX; k++) u[k] = i == 2 ? 0x1.fffffffffffffp-1 : 0.5 * i;
            hq_space_point(&space, u, point);
            trial = config;
            HQ_ASSERT(hq_space_apply(&space, point, &config, &trial) == HQ_OK);
        }
        bool grid = true;
        for (int k = 0; k < space.axes; k++) {
            grid &= space.axis[k].points > 0;
            place[k] = space.axis[k].points - 1;
        }
        if (grid) {
            hq_space_grid_point(&space, place, point);
            HQ_ASSERT(hq_space_apply(&space, point, &config, &trial) == HQ_OK);
        }
    }
    hq_space_free(&space);
    free(text);
}

static void fuzz_result(const uint8_t *data, size_t size)
{
    const hq_results results = {.rungs = 3, .metric = size ? data[0] & 3 : 0, .rung_epochs = {1, 3, 9}};
    hq_record record = {.epochs = 1};
    if (!hq_result_read(&results, (const char *)data, size, &record)) return;
    HQ_ASSERT(record.found.epochs >= 0 && record.found.best_epoch >= 0 &&
              record.found.best_epoch <= record.found.epochs);
    for (int i = 0; i < results.rungs; i++) HQ_ASSERT(!isnan(record.merit[i]));
}

/* In a folder of its own, in memory where there is such a folder. */
static void fuzz_claim(const uint8_t *data, size_t size)
{
    static char dir[64], path[160];
    char holder[64];
    bool alive;
    const hq_run_key key = {0x0123456789abcdef, 1};
    hq_claims claims = {.lease = 60};
    if (!dir[0]) {
        snprintf(dir, sizeof dir, "%s/hqcnn-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        HQ_ASSERT(mkdtemp(dir) != NULL);
        snprintf(path, sizeof path, "%s/claims", dir);
        HQ_ASSERT(mkdir(path, 0777) == 0);
        snprintf(path, sizeof path, "%s/claims/0123456789abcdef-s1.1", dir);
    }
    FILE *file = fopen(path, "w");
    HQ_ASSERT(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    hq_copy_text(claims.dir, sizeof claims.dir, dir);
    HQ_ASSERT(hq_claims_look(&claims) == HQ_OK && hq_claims_known(&claims, key));
    HQ_ASSERT(hq_claim_holder(&claims, key, holder, sizeof holder, &alive));
    hq_map_free(&claims.map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char said[256];
    if (size == 0) return 0;
    hq_log_capture(said, sizeof said);
    if (data[0] == 's') fuzz_space(data + 1, size - 1);
    if (data[0] == 'r') fuzz_result(data + 1, size - 1);
    if (data[0] == 'c') fuzz_claim(data + 1, size - 1);
    hq_log_capture(NULL, 0);
    fuzz_check_memory();
    return 0;
}
