/* backward.c: a micro-batch from the loss back to the gradient block. */
#include "model/network.h"

#include <string.h>

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

/* Returns the gradient of the stage's input, or NULL for the first stage, which needs none. */
static hq_real *stage_bwd(hq_model *model, int i, hq_real *dout)
{
    hq_stage *stage = &model->stage[i];
    hq_real *dpre = other(model, dout), *dx = i > 0 ? dout : NULL, *dbias = hq_grads_at(model, stage->bias);
    double since = hq_clock();
    hq_norm_bwd(&stage->norm, stage->pre, stage->choice, hq_weights_at(model, stage->scale),
                hq_weights_at(model, stage->shift), stage->batch_mean, stage->batch_var, dout, dpre,
                hq_grads_at(model, stage->scale), hq_grads_at(model, stage->shift), model->work);
    hq_clock_lap(&since, &hq_norm_part(model, i)->backward.seconds);
    if (model->norm == HQ_NORM_BATCH) { /* which takes every bias away again */
        memset(dbias, 0, (size_t)stage->bias.count * sizeof *dbias);
        dbias = NULL;
    }
    hq_conv_bwd(&stage->conv, stage->in, hq_weights_at(model, stage->weight), dpre, dx,
                hq_grads_at(model, stage->weight), dbias, model->work, stage->kept);
    hq_clock_lap(&since, &hq_conv_part(model, i)->backward.seconds);
    return dx;
}

hq_status hq_model_backward(hq_model *model, const hq_model_batch *batch)
{
    const int n = batch->n;
    const hq_stage *last = &model->stage[model->stages - 1];
    double since = hq_clock();
    hq_real *dmeasured = head_bwd(model, n);
    hq_real *dangles = other(model, dmeasured);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_HEAD)->backward.seconds);
    if (model->circuit)
        HQ_TRY(quantum_bwd(model, batch, dmeasured, dangles));
    else
        classical_bwd(model, n, dmeasured, dangles);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_CIRCUIT)->backward.seconds);
    hq_real *d = reduce_bwd(model, n, model->adapt ? model->adapted : last->out, dangles);
    if (model->adapt) {
        hq_real *dx = other(model, d);
        hq_avgpool_bwd(n, last->out_d, last->out_h, last->out_w, last->conv.k, model->features_d, model->features, d,
                       dx);
        d = dx;
    }
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_REDUCE)->backward.seconds);
    for (int i = model->stages - 1; i >= 0; i--) d = stage_bwd(model, i, d);
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
