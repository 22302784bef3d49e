/* forward.c: a micro-batch from pixels to logits, step by step. */
#include "model/network.h"

void hq_model_note_statistics(hq_model *model, int i, const hq_real *mean, const hq_real *var, int64_t rows)
{
    const hq_stage *stage = &model->stage[i];
    const double unbiased = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
    for (int ch = 0; ch < stage->norm.c; ch++) {
        model->batch_stats[stage->mean.offset + ch] = mean[ch];
        model->batch_stats[stage->var.offset + ch] = (hq_real)(var[ch] * unbiased);
    }
}

void hq_model_convolve(hq_model *model, int i, hq_held *held, const hq_real *x, int n)
{
    hq_stage *stage = &model->stage[i];
    hq_stage_held *here = &held->stage[i];
    double since = hq_clock();
    here->in = x;
    stage->conv.n = stage->norm.n = n;
    hq_conv_fwd(&stage->conv, x, hq_weights_at(model, stage->weight), hq_weights_at(model, stage->bias), here->pre,
                model->work, here->kept);
    hq_clock_lap(&since, &hq_conv_part(model, i)->forward.seconds);
}

void hq_model_normalise(hq_model *model, int i, hq_held *held, const hq_real *mean, const hq_real *var)
{
    const hq_stage *stage = &model->stage[i];
    hq_stage_held *here = &held->stage[i];
    hq_norm_fwd(&stage->norm, here->pre, hq_weights_at(model, stage->scale), hq_weights_at(model, stage->shift), mean,
                var, here->out, here->choice, model->work);
}

/* By the statistics of this micro-batch or, for batch norm outside training, the running ones. */
static void normalise_alone(hq_model *model, int i, hq_held *held, bool training)
{
    const hq_stage *stage = &model->stage[i];
    const hq_norm *norm = &stage->norm;
    hq_stage_held *here = &held->stage[i];
    double since = hq_clock();
    if (model->norm == HQ_NORM_BATCH && !training) {
        hq_model_normalise(model, i, held, model->stats + stage->mean.offset, model->stats + stage->var.offset);
    } else {
        hq_norm_statistics(norm, here->pre, here->mean, here->var, model->work);
        if (model->norm == HQ_NORM_BATCH)
            hq_model_note_statistics(model, i, here->mean, here->var, (int64_t)norm->n * norm->d * norm->h * norm->w);
        hq_model_normalise(model, i, held, here->mean, here->var);
    }
    hq_clock_lap(&since, &hq_norm_part(model, i)->forward.seconds);
}

void hq_model_stages(hq_model *model, hq_held *held, const hq_real *x, int n, bool training)
{
    HQ_ASSERT(n >= 1 && n <= model->max_batch);
    for (int i = 0; i < model->stages; i++) {
        hq_model_convolve(model, i, held, x, n);
        normalise_alone(model, i, held, training);
        x = held->stage[i].out;
    }
}

static void scale_fwd(const hq_model *model, size_t count, hq_real *angles)
{
    double factor = hq_model_scaling_factor(model->scaling);
    if (factor != 0)
        hq_tanh_fwd(count, factor, model->reduced, angles);
    else
        for (size_t i = 0; i < count; i++) angles[i] = model->reduced[i];
}

void hq_model_reduce(hq_model *model, hq_held *held, int n)
{
    const hq_stage *last = &model->stage[model->stages - 1];
    const hq_real *x = held->stage[model->stages - 1].out;
    double since = hq_clock();
    if (model->adapt) {
        hq_avgpool_fwd(n, last->out_d, last->out_h, last->out_w, last->conv.k, model->features_d, model->features, x,
                       held->adapted);
        x = held->adapted;
    }
    hq_dense_fwd(n, model->flat, model->inputs, x, hq_weights_at(model, model->reduce_weight),
                 hq_weights_at(model, model->reduce_bias), model->reduced);
    scale_fwd(model, (size_t)n * (size_t)model->inputs, held->angles);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_REDUCE)->forward.seconds);
}

hq_circuit_batch hq_model_circuits(hq_model *model, const hq_model_batch *batch, bool training)
{
    const hq_real *w = hq_weights_at(model, model->circuit_weight);
    for (int64_t i = 0; i < model->circuit_weight.count; i++) model->weights64[i] = w[i];
    return (hq_circuit_batch){.n = batch->n,
                              .x = model->angles64,
                              .w = model->weights64,
                              .keys = batch->samples,
                              .epoch = batch->epoch,
                              .gradient = training};
}

static hq_status circuit_fwd(hq_model *model, const hq_real *angles, const hq_model_batch *batch, bool training)
{
    const int n = batch->n;
    if (!model->circuit) {
        hq_dense_fwd(n, model->inputs, model->outputs, angles, hq_weights_at(model, model->circuit_weight),
                     hq_weights_at(model, model->circuit_bias), model->measured);
        hq_tanh_fwd((size_t)n * (size_t)model->outputs, 1, model->measured, model->measured);
        return HQ_OK;
    }
    for (int i = 0; i < n * model->inputs; i++) model->angles64[i] = angles[i];
    const hq_circuit_batch circuits = hq_model_circuits(model, batch, training);
    HQ_TRY(hq_circuit_forward(model->circuit_work, batch->runner, &circuits, model->measured64));
    for (int i = 0; i < n * model->outputs; i++) model->measured[i] = (hq_real)model->measured64[i];
    return HQ_OK;
}

static void head_fwd(hq_model *model, const hq_model_batch *batch, bool training)
{
    const int n = batch->n;
    const hq_real *in = model->measured;
    int width = model->outputs;
    if (model->head > 0) {
        size_t count = (size_t)n * (size_t)model->head;
        hq_dense_fwd(n, width, model->head, in, hq_weights_at(model, model->hidden_weight),
                     hq_weights_at(model, model->hidden_bias), model->hidden);
        hq_relu_fwd(count, model->hidden, model->hidden);
        in = model->hidden;
        width = model->head;
        if (training && model->dropout > 0) {
            hq_dropout_mask(n, model->head, model->dropout, batch->seed, batch->epoch, batch->samples, model->keep);
            hq_dropout_apply(count, model->keep, model->hidden, model->dropped);
            in = model->dropped;
        }
    }
    hq_dense_fwd(n, width, model->classes, in, hq_weights_at(model, model->out_weight),
                 hq_weights_at(model, model->out_bias), model->logits);
}

hq_status hq_model_classify(hq_model *model, hq_held *held, const hq_model_batch *batch, bool training)
{
    double since = hq_clock();
    HQ_TRY(circuit_fwd(model, held->angles, batch, training));
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_CIRCUIT)->forward.seconds);
    head_fwd(model, batch, training);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_HEAD)->forward.seconds);
    return HQ_OK;
}

hq_status hq_model_predict(hq_model *model, const hq_model_batch *batch, const hq_real **out_logits)
{
    hq_held *held = model->held;
    hq_model_stages(model, held, batch->x, batch->n, false);
    hq_model_reduce(model, held, batch->n);
    HQ_TRY(hq_model_classify(model, held, batch, false));
    *out_logits = model->logits;
    return HQ_OK;
}
