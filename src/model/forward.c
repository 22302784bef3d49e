/* forward.c: a micro-batch from pixels to logits. */
#include "model/network.h"

/* Notes the statistics of this micro-batch (variance unbiased) for the running ones. */
static void note_statistics(hq_model *model, const hq_stage *stage)
{
    const int64_t rows = (int64_t)stage->norm.n * stage->norm.d * stage->norm.h * stage->norm.w;
    const double unbiased = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
    for (int i = 0; i < stage->norm.c; i++) {
        model->batch_stats[stage->mean.offset + i] = stage->batch_mean[i];
        model->batch_stats[stage->var.offset + i] = (hq_real)(stage->batch_var[i] * unbiased);
    }
}

/* Norm, ReLU and pooling, by the statistics of this micro-batch or, for batch norm outside training, the running ones.
 */
static void normalise(hq_model *model, hq_stage *stage, bool training)
{
    const hq_real *mean = stage->batch_mean, *var = stage->batch_var;
    if (model->norm == HQ_NORM_BATCH && !training) {
        mean = model->stats + stage->mean.offset;
        var = model->stats + stage->var.offset;
    } else {
        hq_norm_statistics(&stage->norm, stage->pre, stage->batch_mean, stage->batch_var, model->work);
        if (model->norm == HQ_NORM_BATCH) note_statistics(model, stage);
    }
    hq_norm_fwd(&stage->norm, stage->pre, hq_weights_at(model, stage->scale), hq_weights_at(model, stage->shift), mean,
                var, stage->out, stage->choice, model->work);
}

static const hq_real *stage_fwd(hq_model *model, int i, const hq_real *x, int n, bool training)
{
    hq_stage *stage = &model->stage[i];
    double since = hq_clock();
    stage->in = x;
    stage->conv.n = stage->norm.n = n;
    hq_conv_fwd(&stage->conv, x, hq_weights_at(model, stage->weight), hq_weights_at(model, stage->bias), stage->pre,
                model->work, stage->kept);
    hq_clock_lap(&since, &hq_conv_part(model, i)->forward.seconds);
    normalise(model, stage, training);
    hq_clock_lap(&since, &hq_norm_part(model, i)->forward.seconds);
    return stage->out;
}

static void scale_fwd(const hq_model *model, size_t count)
{
    double factor = hq_model_scaling_factor(model->scaling);
    if (factor != 0)
        hq_tanh_fwd(count, factor, model->reduced, model->angles);
    else
        for (size_t i = 0; i < count; i++) model->angles[i] = model->reduced[i];
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

static hq_status circuit_fwd(hq_model *model, const hq_model_batch *batch, bool training)
{
    const int n = batch->n;
    if (!model->circuit) {
        hq_dense_fwd(n, model->inputs, model->outputs, model->angles, hq_weights_at(model, model->circuit_weight),
                     hq_weights_at(model, model->circuit_bias), model->measured);
        hq_tanh_fwd((size_t)n * (size_t)model->outputs, 1, model->measured, model->measured);
        return HQ_OK;
    }
    for (int i = 0; i < n * model->inputs; i++) model->angles64[i] = model->angles[i];
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

hq_status hq_model_forward(hq_model *model, const hq_model_batch *batch, bool training)
{
    const int n = batch->n;
    HQ_ASSERT(n >= 1 && n <= model->max_batch);
    const hq_real *x = batch->x;
    for (int i = 0; i < model->stages; i++) x = stage_fwd(model, i, x, n, training);
    double since = hq_clock();
    if (model->adapt) {
        const hq_stage *last = &model->stage[model->stages - 1];
        hq_avgpool_fwd(n, last->out_d, last->out_h, last->out_w, last->conv.k, model->features_d, model->features, x,
                       model->adapted);
        x = model->adapted;
    }
    hq_dense_fwd(n, model->flat, model->inputs, x, hq_weights_at(model, model->reduce_weight),
                 hq_weights_at(model, model->reduce_bias), model->reduced);
    scale_fwd(model, (size_t)n * (size_t)model->inputs);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_REDUCE)->forward.seconds);
    HQ_TRY(circuit_fwd(model, batch, training));
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_CIRCUIT)->forward.seconds);
    head_fwd(model, batch, training);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_HEAD)->forward.seconds);
    return HQ_OK;
}

hq_status hq_model_predict(hq_model *model, const hq_model_batch *batch, const hq_real **out_logits)
{
    HQ_TRY(hq_model_forward(model, batch, false));
    *out_logits = model->logits;
    return HQ_OK;
}
