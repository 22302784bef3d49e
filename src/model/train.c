/* train.c: micro-batches forward and backward, with what their owner does between: hq_model_train. */
#include "model/network.h"

#include <string.h>

/* ---- forward --------------------------------------------------------------------------------------------------- */

/* Micro-batch after micro-batch, each by its own statistics: what one leaves in the caches serves its next layer. */
static void stages_apart(hq_model *model, const hq_model_group *group)
{
    for (int m = 0; m < group->count; m++) {
        const hq_model_batch *batch = &group->batch[m];
        if (batch->n == 0) continue;
        hq_model_stages(model, &model->held[m], batch->x, batch->n, true);
        group->hooks.statistics(group->hooks.ctx, m);
    }
}

/* Layer after layer, because all micro-batches of a layer share its statistics. */
static hq_status stages_jointly(hq_model *model, const hq_model_group *group)
{
    for (int i = 0; i < model->stages; i++) HQ_TRY(hq_model_joint_fwd(model, i, group));
    return HQ_OK;
}

/* ---- circuit, classifier, loss --------------------------------------------------------------------------------- */

static double loss_of(hq_model *model, const hq_model_batch *batch)
{
    double loss;
    if (model->task == HQ_TASK_MULTI_LABEL)
        hq_sigmoid_loss(batch->n, model->classes, model->logits, batch->labels, batch->class_weight, batch->denominator,
                        &loss, model->dlogits);
    else
        hq_softmax_loss(batch->n, model->classes, model->logits, batch->labels, batch->class_weight, batch->denominator,
                        &loss, model->dlogits);
    return loss;
}

/* The gradients behind the reduce layer lie behind it in the block. */
static int64_t behind_reduce(const hq_model *model) { return model->reduce_bias.offset + model->reduce_bias.count; }

static hq_status classify_one(hq_model *model, const hq_model_group *group, int m, hq_real **dangles)
{
    const hq_model_batch *batch = &group->batch[m];
    const int64_t first = behind_reduce(model);
    hq_held *held = &model->held[m];
    hq_model_reduce(model, held, batch->n);
    HQ_TRY(hq_model_classify(model, held, batch, true));
    group->hooks.scored(group->hooks.ctx, m, loss_of(model, batch), model->logits);
    HQ_TRY(hq_model_classify_bwd(model, held, batch, dangles));
    group->hooks.gradient(group->hooks.ctx, m, first, model->param_count - first);
    return HQ_OK;
}

/* Takes part in the circuits of other processes' micro-batches. */
static hq_status join(hq_model *model, bool training, uint32_t epoch, const hq_runner *runner)
{
    if (!model->circuit) return HQ_OK;
    const hq_model_batch nothing = {.n = 0, .epoch = epoch, .runner = runner};
    const hq_circuit_batch circuits = hq_model_circuits(model, &nothing, training);
    HQ_TRY(hq_circuit_forward(model->circuit_work, runner, &circuits, model->measured64));
    if (!training) return HQ_OK;
    return hq_circuit_backward(model->circuit_work, runner, &circuits, model->dmeasured64, model->dangles64,
                               model->dweights64);
}

hq_status hq_model_join(hq_model *model, uint32_t epoch, const hq_runner *runner)
{
    return join(model, false, epoch, runner);
}

/* After a failure (only an external executor can fail) the rank still joins the others' circuits. */
static hq_status classify_all(hq_model *model, const hq_model_group *group, hq_real **dangles)
{
    hq_status status = HQ_OK;
    for (int m = 0; m < group->count; m++) {
        const hq_model_batch *batch = &group->batch[m];
        group->hooks.circuits(group->hooks.ctx, m);
        const bool joins = batch->n == 0 || status != HQ_OK;
        const hq_status here =
            joins ? join(model, true, batch->epoch, batch->runner) : classify_one(model, group, m, &dangles[m]);
        if (here > status) status = here;
    }
    return status;
}

/* ---- backward -------------------------------------------------------------------------------------------------- */

/* The norm's gradient; dout becomes that of the convolution's output. */
static hq_real *norm_bwd(hq_model *model, int i, hq_held *held, hq_real *dout)
{
    const hq_stage *stage = &model->stage[i];
    const hq_stage_held *here = &held->stage[i];
    hq_real *dpre = hq_model_other(held, dout);
    double since = hq_clock();
    hq_norm_bwd(&stage->norm, here->pre, here->choice, hq_weights_at(model, stage->scale),
                hq_weights_at(model, stage->shift), here->mean, here->var, dout, dpre, hq_grads_at(model, stage->scale),
                hq_grads_at(model, stage->shift), model->work);
    hq_clock_lap(&since, &hq_norm_part(model, i)->backward.seconds);
    return dpre;
}

/* Returns the gradient of the stage's input, or NULL for the first stage, which needs none. */
static hq_real *conv_bwd(hq_model *model, int i, hq_held *held, hq_real *dpre)
{
    const hq_stage *stage = &model->stage[i];
    const hq_stage_held *here = &held->stage[i];
    hq_real *dx = i > 0 ? hq_model_other(held, dpre) : NULL, *dbias = hq_grads_at(model, stage->bias);
    double since = hq_clock();
    if (model->norm == HQ_NORM_BATCH) { /* which takes every bias away again */
        memset(dbias, 0, (size_t)stage->bias.count * sizeof *dbias);
        dbias = NULL;
    }
    hq_conv_bwd(&stage->conv, here->in, hq_weights_at(model, stage->weight), dpre, dx,
                hq_grads_at(model, stage->weight), dbias, model->work, here->kept);
    hq_clock_lap(&since, &hq_conv_part(model, i)->backward.seconds);
    return dx;
}

static int64_t end_of_stage(const hq_model *model, int i)
{
    return i + 1 < model->stages ? model->stage[i + 1].weight.offset : model->reduce_weight.offset;
}

/* d[m]: gradient of the stage's output in micro-batch m; becomes that of its input. */
static hq_status stage_bwd(hq_model *model, int i, const hq_model_group *group, hq_real **d)
{
    hq_stage *stage = &model->stage[i];
    const int64_t first = stage->weight.offset, count = end_of_stage(model, i) - first;
    if (model->joint) HQ_TRY(hq_model_joint_bwd(model, i, group, d));
    for (int m = 0; m < group->count; m++) {
        hq_held *held = &model->held[m];
        if (group->batch[m].n == 0) continue;
        stage->conv.n = stage->norm.n = group->batch[m].n;
        hq_real *dpre = model->joint ? hq_model_joint_apply(model, i, group, m, d[m]) : norm_bwd(model, i, held, d[m]);
        d[m] = conv_bwd(model, i, held, dpre);
        group->hooks.gradient(group->hooks.ctx, m, first, count);
    }
    group->hooks.complete(group->hooks.ctx, first);
    return HQ_OK;
}

static void reduce_bwd(hq_model *model, const hq_model_group *group, hq_real **d)
{
    const int64_t first = model->reduce_weight.offset, count = behind_reduce(model) - first;
    for (int m = 0; m < group->count; m++) {
        if (group->batch[m].n == 0) continue;
        d[m] = hq_model_reduce_bwd(model, &model->held[m], group->batch[m].n, d[m]);
        group->hooks.gradient(group->hooks.ctx, m, first, count);
    }
    group->hooks.complete(group->hooks.ctx, first);
}

/* Layer after layer, so that the gradients of the last layers are complete as early as can be. After a failure the
 * gradients are of no use, but others may wait for the sums of the norms. */
static hq_status backward(hq_model *model, const hq_model_group *group, hq_real **d)
{
    group->hooks.complete(group->hooks.ctx, behind_reduce(model));
    reduce_bwd(model, group, d);
    for (int i = model->stages - 1; i >= 0; i--) HQ_TRY(stage_bwd(model, i, group, d));
    return HQ_OK;
}

hq_status hq_model_train(hq_model *model, const hq_model_group *group)
{
    HQ_ASSERT(group->count <= model->most_held);
    hq_real **d = model->gradients;
    for (int m = 0; m < group->count; m++) d[m] = model->held[m].gradient[0];
    if (model->joint)
        HQ_TRY(stages_jointly(model, group));
    else
        stages_apart(model, group);
    const hq_status status = classify_all(model, group, d);
    HQ_TRY(backward(model, group, d));
    return status;
}

hq_items hq_model_largest_items(const hq_model *model)
{
    return model->circuit ? hq_circuit_largest_items(model->circuit_work) : (hq_items){.parts = 0};
}
