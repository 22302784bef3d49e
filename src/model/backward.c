/* backward.c: a micro-batch from the loss back to the features, step by step. */
#include "model/network.h"

#include <string.h>

hq_real *hq_model_other(const hq_held *held, const hq_real *from)
{
    return from == held->gradient[0] ? held->gradient[1] : held->gradient[0];
}

/* Returns the gradient of the circuit's outputs. */
static hq_real *head_bwd(hq_model *model, const hq_held *held, int n)
{
    const bool hidden = model->head > 0, dropped = hidden && model->dropout > 0;
    const int width = hidden ? model->head : model->outputs;
    const hq_real *in = dropped ? model->dropped : hidden ? model->hidden : model->measured;
    hq_real *d = held->gradient[0];
    hq_dense_bwd(n, width, model->classes, in, hq_weights_at(model, model->out_weight), model->dlogits, d,
                 hq_grads_at(model, model->out_weight), hq_grads_at(model, model->out_bias));
    if (!hidden) return d;
    size_t count = (size_t)n * (size_t)width;
    if (dropped) hq_dropout_apply(count, model->keep, d, d);
    hq_relu_bwd(count, model->hidden, d, d);
    hq_real *dmeasured = hq_model_other(held, d);
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

static void classical_bwd(hq_model *model, const hq_held *held, int n, hq_real *dmeasured, hq_real *dangles)
{
    hq_tanh_bwd((size_t)n * (size_t)model->outputs, 1, model->measured, dmeasured, dmeasured);
    hq_dense_bwd(n, model->inputs, model->outputs, held->angles, hq_weights_at(model, model->circuit_weight), dmeasured,
                 dangles, hq_grads_at(model, model->circuit_weight), hq_grads_at(model, model->circuit_bias));
}

hq_status hq_model_classify_bwd(hq_model *model, hq_held *held, const hq_model_batch *batch, hq_real **dangles)
{
    double since = hq_clock();
    hq_real *dmeasured = head_bwd(model, held, batch->n);
    *dangles = hq_model_other(held, dmeasured);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_HEAD)->backward.seconds);
    if (model->circuit)
        HQ_TRY(quantum_bwd(model, batch, dmeasured, *dangles));
    else
        classical_bwd(model, held, batch->n, dmeasured, *dangles);
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_CIRCUIT)->backward.seconds);
    return HQ_OK;
}

hq_real *hq_model_reduce_bwd(hq_model *model, hq_held *held, int n, hq_real *dangles)
{
    const hq_stage *last = &model->stage[model->stages - 1];
    const hq_real *features = model->adapt ? held->adapted : held->stage[model->stages - 1].out;
    const double factor = hq_model_scaling_factor(model->scaling);
    double since = hq_clock();
    if (factor != 0) hq_tanh_bwd((size_t)n * (size_t)model->inputs, factor, held->angles, dangles, dangles);
    hq_real *d = hq_model_other(held, dangles);
    hq_dense_bwd(n, model->flat, model->inputs, features, hq_weights_at(model, model->reduce_weight), dangles, d,
                 hq_grads_at(model, model->reduce_weight), hq_grads_at(model, model->reduce_bias));
    if (model->adapt) {
        hq_real *dx = hq_model_other(held, d);
        hq_avgpool_bwd(n, last->out_d, last->out_h, last->out_w, last->conv.k, model->features_d, model->features, d,
                       dx);
        d = dx;
    }
    hq_clock_lap(&since, &hq_part_behind(model, HQ_PART_REDUCE)->backward.seconds);
    return d;
}
