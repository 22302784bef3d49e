/* parts.c: what the parts of a network are and need, for the tables of hqcnn-dist bench. */
#include "model/network.h"

#include <stdio.h>
#include <string.h>

static const double real = sizeof(hq_real);
_Static_assert(2 * HQ_LIST_MAX + HQ_PARTS_BEHIND <= HQ_MODEL_PARTS_MAX, "all parts fit");

static double volume(int d, int h, int w, int c) { return (double)d * h * w * c; }

static void write_size(int d, int h, int w, int c, char *text, size_t size)
{
    if (d > 1)
        snprintf(text, size, "%dx%dx%dx%d", d, h, w, c);
    else
        snprintf(text, size, "%dx%dx%d", h, w, c);
}

static void name_part(hq_model_part *part, const char *name, int number, const char *from, const char *to)
{
    if (number > 0)
        snprintf(part->name, sizeof part->name, "%s%d", name, number);
    else
        snprintf(part->name, sizeof part->name, "%s", name);
    snprintf(part->shape, sizeof part->shape, "%.20s -> %.20s", from, to);
}

/* Backward: the gradients of weights and, but for the first one, of the input. */
static void conv_cost(const hq_model *model, int i, hq_model_part *part)
{
    const hq_conv *conv = &model->stage[i].conv;
    const hq_norm *norm = &model->stage[i].norm;
    const double in = volume(conv->d, conv->h, conv->w, conv->c), out = volume(norm->d, norm->h, norm->w, norm->c);
    const double weights = (double)model->stage[i].weight.count / model->max_batch;
    const double flops = 2 * out * conv->t * conv->r * conv->s * conv->c;
    part->convolution = true;
    part->forward.flops = flops;
    part->forward.bytes = (in + out + weights) * real;
    part->backward.flops = i > 0 ? 2 * flops : flops;
    part->backward.bytes = (i > 0 ? 2 * (in + out + weights) : in + out + weights) * real;
}

/* Forward: statistics, then the rest; backward: sums, then the gradient. Without a norm the first sweep falls away. */
static void norm_cost(const hq_model *model, int i, hq_model_part *part)
{
    const hq_stage *stage = &model->stage[i];
    const hq_norm *norm = &stage->norm;
    const double in = volume(norm->d, norm->h, norm->w, norm->c),
                 out = volume(stage->out_d, stage->out_h, stage->out_w, norm->c);
    const double choice = norm->pool ? out : 0, sweeps = norm->kind == HQ_NORM_NONE ? 1 : 2;
    part->forward.bytes = (sweeps * in + out) * real + choice;
    part->backward.bytes = (sweeps * (in + out) + in) * real + sweeps * choice;
}

static void dense_cost(const hq_model *model, double in, double out, hq_model_part *part)
{
    part->forward.flops += 2 * in * out;
    part->backward.flops += 4 * in * out;
    part->forward.bytes += (in + out + in * out / model->max_batch) * real;
    part->backward.bytes += 2 * (in + out + in * out / model->max_batch) * real;
}

static void list_stage(hq_model *model, int i)
{
    const hq_stage *stage = &model->stage[i];
    const hq_conv *conv = &stage->conv;
    const hq_norm *norm = &stage->norm;
    char from[24], between[24], to[24];
    write_size(conv->d, conv->h, conv->w, conv->c, from, sizeof from);
    write_size(norm->d, norm->h, norm->w, norm->c, between, sizeof between);
    write_size(stage->out_d, stage->out_h, stage->out_w, norm->c, to, sizeof to);
    name_part(hq_conv_part(model, i), "conv", i + 1, from, between);
    name_part(hq_norm_part(model, i), norm->kind == HQ_NORM_NONE ? "relu" : "norm", i + 1, between, to);
    conv_cost(model, i, hq_conv_part(model, i));
    norm_cost(model, i, hq_norm_part(model, i));
}

static void list_behind(hq_model *model, int which, const char *name, int in, int out)
{
    char from[24], to[24];
    snprintf(from, sizeof from, "%d", in);
    snprintf(to, sizeof to, "%d", out);
    name_part(hq_part_behind(model, which), name, 0, from, to);
}

void hq_model_list_parts(hq_model *model)
{
    const int last = model->head > 0 ? model->head : model->outputs;
    for (int i = 0; i < model->stages; i++) list_stage(model, i);
    list_behind(model, HQ_PART_REDUCE, "reduce", model->flat, model->inputs);
    list_behind(model, HQ_PART_CIRCUIT, "circuit", model->inputs, model->outputs);
    list_behind(model, HQ_PART_HEAD, "head", model->outputs, model->classes);
    dense_cost(model, model->flat, model->inputs, hq_part_behind(model, HQ_PART_REDUCE));
    if (model->head > 0) dense_cost(model, model->outputs, model->head, hq_part_behind(model, HQ_PART_HEAD));
    dense_cost(model, last, model->classes, hq_part_behind(model, HQ_PART_HEAD));
}

int hq_model_parts(const hq_model *model, const hq_model_part **out_list)
{
    *out_list = model->part;
    return 2 * model->stages + HQ_PARTS_BEHIND;
}

void hq_model_clear_times(hq_model *model)
{
    for (int i = 0; i < 2 * model->stages + HQ_PARTS_BEHIND; i++)
        model->part[i].forward.seconds = model->part[i].backward.seconds = 0;
}
