/* forward.c: a micro-batch from pixels to logits. */
#include "model/network.h"

/* Batch norm with the statistics of this micro-batch; notes them (variance unbiased) for the running ones. */
static void normalise_batch(hq_model *model, hq_stage *stage, int64_t rows)
{
    const int c = stage->conv.k;
    hq_real *mean = model->batch_stats + stage->mean.offset, *var = model->batch_stats + stage->var.offset;
    hq_batchnorm_fwd_train(rows, c, HQ_NORM_EPSILON, stage->pre, hq_weights_at(model, stage->scale),
                           hq_weights_at(model, stage->shift), stage->act, mean, stage->batch_var);
    const double unbiased = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
    for (int i = 0; i < c; i++) var[i] = (hq_real)(stage->batch_var[i] * unbiased);
}

static void normalise(hq_model *model, hq_stage *stage, int n, bool training)
{
    const int c = stage->conv.k;
    const int64_t pixels = (int64_t)stage->out_h * stage->out_w, rows = n * pixels;
    const hq_real *scale = hq_weights_at(model, stage->scale), *shift = hq_weights_at(model, stage->shift);
    if (model->norm == HQ_NORM_GROUP)
        hq_groupnorm_fwd(n, pixels, c, model->norm_groups, HQ_NORM_EPSILON, stage->pre, scale, shift, stage->act,
                         stage->group_mean, stage->group_var);
    else if (model->norm == HQ_NORM_BATCH && training)
        normalise_batch(model, stage, rows);
    else if (model->norm == HQ_NORM_BATCH)
        hq_batchnorm_fwd_eval(rows, c, HQ_NORM_EPSILON, stage->pre, scale, shift, model->stats + stage->mean.offset,
                              model->stats + stage->var.offset, stage->act);
}

static const hq_real *stage_fwd(hq_model *model, hq_stage *stage, const hq_real *x, int n, bool training)
{
    stage->in = x;
    stage->conv.n = n;
    hq_conv_fwd(&stage->conv, x, hq_weights_at(model, stage->weight), hq_weights_at(model, stage->bias), stage->pre,
                model->work);
    normalise(model, stage, n, training);
    size_t count = (size_t)n * (size_t)stage->out_h * (size_t)stage->out_w * (size_t)stage->conv.k;
    hq_relu_fwd(count, stage->act, stage->act);
    if (stage->pool)
        hq_maxpool_fwd(n, stage->out_h, stage->out_w, stage->conv.k, stage->act, stage->out, stage->choice);
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
    for (int i = 0; i < model->stages; i++) x = stage_fwd(model, &model->stage[i], x, n, training);
    if (model->adapt) {
        const hq_stage *last = &model->stage[model->stages - 1];
        hq_avgpool_fwd(n, last->pool_h, last->pool_w, last->conv.k, model->features, x, model->adapted);
        x = model->adapted;
    }
    hq_dense_fwd(n, model->flat, model->inputs, x, hq_weights_at(model, model->reduce_weight),
                 hq_weights_at(model, model->reduce_bias), model->reduced);
    scale_fwd(model, (size_t)n * (size_t)model->inputs);
    HQ_TRY(circuit_fwd(model, batch, training));
    head_fwd(model, batch, training);
    return HQ_OK;
}

hq_status hq_model_predict(hq_model *model, const hq_model_batch *batch, const hq_real **out_logits)
{
    HQ_TRY(hq_model_forward(model, batch, false));
    *out_logits = model->logits;
    return HQ_OK;
}
