/* backward.c: a micro-batch from the loss back to the gradient block. */
#include "model/network.h"

/* The two gradient buffers are used in turn: `from` holds the gradient of a layer's output, the other takes that of its
 * input. */
static hq_real *other(hq_model *model, const hq_real *from)
{
    return from == model->gradient[0] ? model->gradient[1] : model->gradient[0];
}

/* Returns the gradient of the circuit's outputs. */
static hq_real *head_bwd(hq_model *model, int n)
{
    const bool hidden = model->head > 0, dropped = hidden && model->dropout > 0;
    const int width = hidden ? model->head : model->outputs;
    const hq_real *in = dropped ? model->dropped : hidden ? model->hidden : model->measured;
    hq_real *d = model->gradient[0];
    hq_dense_bwd(n, width, model->classes, in, hq_weights_at(model, model->out_weight), model->dlogits, d,
                 hq_grads_at(model, model->out_weight), hq_grads_at(model, model->out_bias));
    if (!hidden) return d;
    size_t count = (size_t)n * (size_t)width;
    if (dropped) hq_dropout_apply(count, model->keep, d, d);
    hq_relu_bwd(count, model->hidden, d, d);
    hq_real *dmeasured = other(model, d);
    hq_dense_bwd(n, model->outputs, width, model->measured, hq_weights_at(model, model->hidden_weight), d, dmeasured,
                 hq_grads_at(model, model->hidden_weight), hq_grads_at(model, model->hidden_bias));
    return dmeasured;
}

static hq_status quantum_bwd(hq_model *model, const hq_model_batch *batch, const hq_real *dmeasured, hq_real *dangles)
{
    const int n = batch->n;
    hq_real *dw = hq_grads_at(model, model->circuit_weight);
    for (int i = 0; i < n * model->outputs; i++) model->dmeasured64[i] = dmeasured[i];
    const hq_circuit_batch circuits = hq_model_circuits(model, batch, true);
    HQ_TRY(hq_circuit_backward(model->circuit_work, batch->runner, &circuits, model->dmeasured64, model->dangles64,
                               model->dweights64));
    for (int i = 0; i < n * model->inputs; i++) dangles[i] = (hq_real)model->dangles64[i];
    for (int64_t i = 0; i < model->circuit_weight.count; i++) dw[i] = (hq_real)model->dweights64[i];
    return HQ_OK;
}

static void classical_bwd(hq_model *model, int n, hq_real *dmeasured, hq_real *dangles)
{
    hq_tanh_bwd((size_t)n * (size_t)model->outputs, 1, model->measured, dmeasured, dmeasured);
    hq_dense_bwd(n, model->inputs, model->outputs, model->angles, hq_weights_at(model, model->circuit_weight),
                 dmeasured, dangles, hq_grads_at(model, model->circuit_weight),
                 hq_grads_at(model, model->circuit_bias));
}

/* Returns the gradient of the flattened features. */
static hq_real *reduce_bwd(hq_model *model, int n, const hq_real *features, hq_real *dangles)
{
    double factor = hq_model_scaling_factor(model->scaling);
    if (factor != 0) hq_tanh_bwd((size_t)n * (size_t)model->inputs, factor, model->angles, dangles, dangles);
    hq_real *dx = other(model, dangles);
    hq_dense_bwd(n, model->flat, model->inputs, features, hq_weights_at(model, model->reduce_weight), dangles, dx,
                 hq_grads_at(model, model->reduce_weight), hq_grads_at(model, model->reduce_bias));
    return dx;
}

/* From the gradient of the normalised values to that of the convolution's output, in place or in the other buffer. */
static hq_real *norm_bwd(hq_model *model, hq_stage *stage, int n, hq_real *d)
{
    if (model->norm == HQ_NORM_NONE) return d;
    const int64_t pixels = (int64_t)stage->out_h * stage->out_w;
    hq_real *dx = other(model, d);
    const hq_real *scale = hq_weights_at(model, stage->scale);
    hq_real *dscale = hq_grads_at(model, stage->scale), *dshift = hq_grads_at(model, stage->shift);
    if (model->norm == HQ_NORM_GROUP)
        hq_groupnorm_bwd(n, pixels, stage->conv.k, model->norm_groups, HQ_NORM_EPSILON, stage->pre, scale,
                         stage->group_mean, stage->group_var, d, dx, dscale, dshift);
    else
        hq_batchnorm_bwd(n * pixels, stage->conv.k, HQ_NORM_EPSILON, stage->pre, scale,
                         model->batch_stats + stage->mean.offset, stage->batch_var, d, dx, dscale, dshift);
    return dx;
}

/* Returns the gradient of the stage's input, or NULL for the first stage, which needs none. */
static hq_real *stage_bwd(hq_model *model, int i, int n, hq_real *d)
{
    hq_stage *stage = &model->stage[i];
    if (stage->pool) {
        hq_real *unpooled = other(model, d);
        hq_maxpool_bwd(n, stage->out_h, stage->out_w, stage->conv.k, stage->choice, d, unpooled);
        d = unpooled;
    }
    hq_relu_bwd((size_t)n * (size_t)stage->out_h * (size_t)stage->out_w * (size_t)stage->conv.k, stage->act, d, d);
    d = norm_bwd(model, stage, n, d);
    hq_real *dx = i > 0 ? other(model, d) : NULL;
    hq_conv_bwd(&stage->conv, stage->in, hq_weights_at(model, stage->weight), d, dx, hq_grads_at(model, stage->weight),
                hq_grads_at(model, stage->bias), model->work);
    return dx;
}

hq_status hq_model_backward(hq_model *model, const hq_model_batch *batch)
{
    const int n = batch->n;
    const hq_stage *last = &model->stage[model->stages - 1];
    hq_real *dmeasured = head_bwd(model, n);
    hq_real *dangles = other(model, dmeasured);
    if (model->circuit)
        HQ_TRY(quantum_bwd(model, batch, dmeasured, dangles));
    else
        classical_bwd(model, n, dmeasured, dangles);
    hq_real *d = reduce_bwd(model, n, model->adapt ? model->adapted : last->out, dangles);
    if (model->adapt) {
        hq_real *dx = other(model, d);
        hq_avgpool_bwd(n, last->pool_h, last->pool_w, last->conv.k, model->features, d, dx);
        d = dx;
    }
    for (int i = model->stages - 1; i >= 0; i--) d = stage_bwd(model, i, n, d);
    return HQ_OK;
}

hq_status hq_model_train(hq_model *model, const hq_model_batch *batch, double *loss, const hq_real **out_logits)
{
    HQ_TRY(hq_model_forward(model, batch, true));
    if (model->task == HQ_TASK_MULTI_LABEL)
        hq_sigmoid_loss(batch->n, model->classes, model->logits, batch->labels, batch->class_weight, batch->denominator,
                        loss, model->dlogits);
    else
        hq_softmax_loss(batch->n, model->classes, model->logits, batch->labels, batch->class_weight, batch->denominator,
                        loss, model->dlogits);
    HQ_TRY(hq_model_backward(model, batch));
    *out_logits = model->logits;
    return HQ_OK;
}

hq_status hq_model_join(hq_model *model, bool training, uint32_t epoch, const hq_runner *runner)
{
    if (!model->circuit) return HQ_OK;
    const hq_model_batch nothing = {.n = 0, .epoch = epoch, .runner = runner};
    const hq_circuit_batch circuits = hq_model_circuits(model, &nothing, training);
    HQ_TRY(hq_circuit_forward(model->circuit_work, runner, &circuits, model->measured64));
    if (!training) return HQ_OK;
    return hq_circuit_backward(model->circuit_work, runner, &circuits, model->dmeasured64, model->dangles64,
                               model->dweights64);
}

hq_items hq_model_largest_items(const hq_model *model)
{
    return model->circuit ? hq_circuit_largest_items(model->circuit_work) : (hq_items){.parts = 0};
}
