/* joint.c: batch norm by the statistics of the whole batch (model.norm_statistics = "batch").
 *
 * Ioffe and Szegedy, "Batch normalization", ICML 2015, over all micro-batches of all ranks. Their sums are added as
 * integers, so that the statistics have the same bits on any number of ranks. Sums of a layer's output are taken about
 * the running mean, which all ranks have and which soon is near the mean: little is lost when its square is taken away.
 */
#include "model/network.h"

#include <math.h>
#include <string.h>

static int64_t rows_of(const hq_norm *norm, int64_t samples) { return samples * norm->d * norm->h * norm->w; }

/* Adds 2 c numbers to the integer sums; behind them is counted what could not be represented. */
static void add(hq_model *model, const hq_model_group *group, int c, const double *numbers, double weight, int bits)
{
    for (int k = 0; k < 2 * c; k++)
        model->joint_sums[2 * c] += hq_fixed_add_one(&model->joint_sums[k], numbers[k] * weight, bits, group->micro);
}

/* Over all ranks; a sum that could not be represented is no number, so that the loss tells. */
static hq_status sum(hq_model *model, const hq_model_group *group, int c, int bits)
{
    HQ_TRY(group->hooks.sum(group->hooks.ctx, model->joint_sums, (size_t)(2 * c + 1)));
    const bool lost = model->joint_sums[2 * c] > 0;
    for (int k = 0; k < 2 * c; k++) model->joint_totals[k] = lost ? NAN : hq_fixed_get_one(model->joint_sums[k], bits);
    return HQ_OK;
}

static void clear(hq_model *model, int c)
{
    memset(model->joint_sums, 0, (size_t)(2 * c + 1) * sizeof *model->joint_sums);
}

/* ---- forward ---- */

static void add_moments(hq_model *model, int i, const hq_model_group *group)
{
    hq_stage *stage = &model->stage[i];
    const int c = stage->norm.c;
    const hq_real *pivot = model->stats + stage->mean.offset;
    const double weight = 1.0 / (double)rows_of(&stage->norm, group->samples);
    clear(model, c);
    for (int m = 0; m < group->count; m++) {
        const hq_model_batch *batch = &group->batch[m];
        hq_held *held = &model->held[m];
        if (batch->n == 0) continue;
        hq_model_convolve(model, i, held, i > 0 ? held->stage[i - 1].out : batch->x, batch->n);
        double since = hq_clock();
        hq_norm_moments(&stage->norm, held->stage[i].pre, pivot, model->norm_sums, model->norm_sums + c);
        add(model, group, c, model->norm_sums, weight, HQ_FIXED_STATISTIC);
        hq_clock_lap(&since, &hq_norm_part(model, i)->forward.seconds);
    }
}

hq_status hq_model_joint_fwd(hq_model *model, int i, const hq_model_group *group)
{
    hq_stage *stage = &model->stage[i];
    const int c = stage->norm.c;
    const hq_real *pivot = model->stats + stage->mean.offset;
    hq_real *mean = model->held[0].stage[i].mean, *var = model->held[0].stage[i].var;
    add_moments(model, i, group);
    HQ_TRY(sum(model, group, c, HQ_FIXED_STATISTIC));
    for (int ch = 0; ch < c; ch++) {
        const double offset = model->joint_totals[ch];
        mean[ch] = (hq_real)(pivot[ch] + offset);
        const double variance = model->joint_totals[c + ch] - offset * offset;
        var[ch] = (hq_real)(variance < 0 ? 0 : variance); /* rounding; what is no number stays so */
    }
    hq_model_note_statistics(model, i, mean, var, rows_of(&stage->norm, group->samples));
    double since = hq_clock();
    for (int m = 0; m < group->count; m++) {
        if (group->batch[m].n == 0) continue;
        stage->norm.n = group->batch[m].n;
        hq_model_normalise(model, i, &model->held[m], mean, var);
    }
    hq_clock_lap(&since, &hq_norm_part(model, i)->forward.seconds);
    return HQ_OK;
}

/* ---- backward ---- */

/* From sums of dy (x - mean) to those of dy u, u = (x - mean) / sqrt(var + eps), which are gradients and have their
 * range; and back. */
static void scale_products(const hq_stage *stage, const hq_real *var, bool back, double *product)
{
    for (int ch = 0; ch < stage->norm.c; ch++) {
        const double deviation = sqrt((double)var[ch] + stage->norm.eps);
        product[ch] = back ? product[ch] * deviation : product[ch] / deviation;
    }
}

hq_status hq_model_joint_bwd(hq_model *model, int i, const hq_model_group *group, hq_real *const *dout)
{
    hq_stage *stage = &model->stage[i];
    const int c = stage->norm.c;
    double since = hq_clock();
    clear(model, c);
    for (int m = 0; m < group->count; m++) {
        const hq_stage_held *here = &model->held[m].stage[i];
        double *sums = model->norm_sums + (size_t)m * 2 * (size_t)c;
        if (group->batch[m].n == 0) continue;
        stage->norm.n = group->batch[m].n;
        hq_norm_bwd_sums(&stage->norm, here->pre, here->choice, hq_weights_at(model, stage->scale),
                         hq_weights_at(model, stage->shift), here->mean, here->var, dout[m], sums, sums + c,
                         model->work);
        scale_products(stage, here->var, false, sums + c);
        add(model, group, c, sums, 1, HQ_FIXED_GRADIENT);
        scale_products(stage, here->var, true, sums + c);
    }
    hq_clock_lap(&since, &hq_norm_part(model, i)->backward.seconds);
    HQ_TRY(sum(model, group, c, HQ_FIXED_GRADIENT));
    scale_products(stage, model->held[0].stage[i].var, true, model->joint_totals + c);
    return HQ_OK;
}

hq_real *hq_model_joint_apply(hq_model *model, int i, const hq_model_group *group, int m, hq_real *dout)
{
    const hq_stage *stage = &model->stage[i];
    const hq_stage_held *here = &model->held[m].stage[i];
    const int c = stage->norm.c;
    const double *mine = model->norm_sums + (size_t)m * 2 * (size_t)c;
    hq_real *dpre = hq_model_other(&model->held[m], dout);
    double since = hq_clock();
    hq_norm_bwd_apply(&stage->norm, here->pre, here->choice, hq_weights_at(model, stage->scale),
                      hq_weights_at(model, stage->shift), here->mean, here->var, dout, model->joint_totals,
                      model->joint_totals + c, (double)rows_of(&stage->norm, group->samples), dpre, model->work);
    hq_norm_gradients(&stage->norm, here->var, mine, mine + c, hq_grads_at(model, stage->scale),
                      hq_grads_at(model, stage->shift));
    hq_clock_lap(&since, &hq_norm_part(model, i)->backward.seconds);
    return dpre;
}
