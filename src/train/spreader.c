/* spreader.c: who evaluates the circuits of a run: every rank its own, or all ranks together (dist.spread). */
#include "train/run.h"

struct hq_spreader {
    hq_runner runner; /* its state is this */
    int mode;         /* HQ_SPREAD_* */
    hq_spread *spread;
    int64_t samples_total, samples_most; /* of the round under way */
    int64_t own;                         /* items evaluated without spreading */
};

static bool spreads(const hq_spreader *spreader, const hq_spread_items *items, double seconds)
{
    if (spreader->mode != HQ_SPREAD_AUTO) return spreader->mode == HQ_SPREAD_ON;
    return seconds > 0 &&
           hq_dist_spread_pays(spreader->spread, spreader->samples_total, spreader->samples_most, items, seconds);
}

static hq_status run_items(const hq_runner *runner, const hq_items *items, int64_t samples, const double *in,
                           double *out)
{
    hq_spreader *spreader = runner->state;
    const hq_spread_items work = {items->parts, items->in_size, items->out_size, items->evaluate, items->ctx};
    const hq_phase before = hq_phase_enter(HQ_PHASE_CIRCUITS);
    hq_status status;
    if (spreads(spreader, &work, items->seconds)) {
        status = hq_dist_spread(spreader->spread, &work, samples, in, out);
    } else {
        spreader->own += samples * items->parts;
        status = hq_runner_local.run(&hq_runner_local, items, samples, in, out);
    }
    hq_phase_enter(before);
    return status;
}

/* Memory for a micro-batch on every rank. */
static hq_status reserve(const hq_dist *dist, const hq_spreader *spreader, const hq_model *model, int microbatch)
{
    const hq_items items = hq_model_largest_items(model);
    if (items.parts == 0) return HQ_OK;
    return hq_dist_spread_reserve(spreader->spread, (int64_t)hq_dist_size(dist) * microbatch, items.parts,
                                  items.in_size, items.out_size);
}

hq_status hq_train_spreader_create(hq_dist *dist, const hq_config *config, const hq_model *model,
                                   hq_spreader **out_spreader)
{
    hq_spreader *spreader;
    *out_spreader = NULL;
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *spreader, "spreading of circuits", &spreader));
    spreader->runner = (hq_runner){run_items, spreader};
    spreader->mode = config->dist_spread;
    hq_status status = HQ_OK;
    if (spreader->mode != HQ_SPREAD_OFF) {
        status = hq_dist_spread_create(dist, &spreader->spread);
        if (status == HQ_OK) status = reserve(dist, spreader, model, hq_train_microbatch(config));
    }
    if (status != HQ_OK) {
        hq_train_spreader_destroy(spreader);
        return status;
    }
    *out_spreader = spreader;
    return HQ_OK;
}

void hq_train_spreader_destroy(hq_spreader *spreader)
{
    if (!spreader) return;
    hq_dist_spread_destroy(spreader->spread);
    hq_free(spreader);
}

const hq_runner *hq_train_spreader_round(hq_spreader *spreader, int64_t samples_total, int64_t samples_most)
{
    spreader->samples_total = samples_total;
    spreader->samples_most = samples_most;
    return &spreader->runner;
}

const hq_runner *hq_train_spreader_runner(const hq_spreader *spreader) { return &spreader->runner; }

hq_circuit_load hq_train_spreader_load(const hq_spreader *spreader)
{
    hq_spread_counts counts = {0};
    if (spreader->spread) counts = hq_dist_spread_counts(spreader->spread);
    return (hq_circuit_load){spreader->own + counts.items, counts.bytes, counts.waiting};
}
