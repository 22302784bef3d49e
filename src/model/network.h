/* network.h: what a built network consists of. Private to model. */
#ifndef HQCNN_MODEL_NETWORK_H
#define HQCNN_MODEL_NETWORK_H

#include "hqcnn/model.h"
#include "hqcnn/nn.h"

#define HQ_NORM_EPSILON 1e-5

/* Parts behind the stages, which have two each: convolution, norm. */
enum { HQ_PART_REDUCE, HQ_PART_CIRCUIT, HQ_PART_HEAD, HQ_PARTS_BEHIND };

/* A tensor of the parameter block: where weights and their gradient are. */
typedef struct hq_slot {
    int64_t offset, count;
} hq_slot;

/* Convolution, norm, ReLU and, where set, max pooling. Activations of the last pass stay for backward. conv.n and
 * norm.n are set by every pass. */
typedef struct hq_stage {
    hq_conv conv;
    hq_norm norm;                       /* with ReLU and pooling */
    int out_d, out_h, out_w;            /* after pooling */
    hq_slot weight, bias, scale, shift; /* parameters */
    hq_slot mean, var;                  /* statistics block */
    const hq_real *in;
    hq_real *kept;                   /* of the convolution, for backward */
    hq_real *pre;                    /* convolution's output */
    hq_real *out;                    /* after norm, ReLU and pooling */
    uint8_t *choice;                 /* of the maxima, where pooled */
    hq_real *batch_mean, *batch_var; /* statistics of this micro-batch, biased variance */
} hq_stage;

struct hq_model {
    int norm, scaling;
    double dropout;
    int task, classes, labels;
    int channels, depth, height, width; /* of the input; depth 1: images */
    int max_batch;

    int stages;
    hq_stage stage[HQ_LIST_MAX];
    int features, features_d;  /* side and depth after adaptive pooling */
    bool adapt;                /* whether that pooling is needed */
    int flat;                  /* inputs of the reduce layer */
    int inputs, outputs, head; /* the first two of the circuit, or of the dense layer in its place */
    hq_circuit *circuit;       /* NULL: classical */
    hq_circuit_work *circuit_work;
    hq_slot reduce_weight, reduce_bias, circuit_weight, circuit_bias, hidden_weight, hidden_bias, out_weight, out_bias;

    char variant[160]; /* kernels in use */
    hq_model_part part[HQ_MODEL_PARTS_MAX];

    /* blocks */
    hq_param *param_list, *stat_list;
    int params_listed, stats_listed;
    int64_t param_count, stat_count;
    hq_real *params, *grads, *stats, *batch_stats;

    /* activations of one micro-batch, all in one arena */
    hq_arena arena;
    hq_real *adapted;                 /* [n][features_d][features][features][C] */
    hq_real *reduced, *angles;        /* [n][inputs]: z and x */
    hq_real *measured;                /* [n][outputs] */
    hq_real *hidden, *keep, *dropped; /* [n][head] */
    hq_real *logits, *dlogits;        /* [n][classes] */
    hq_real *gradient[2];             /* two images' worth of gradient, used in turn */
    hq_real *work;                    /* of convolutions and norms */
    double *angles64, *measured64, *dangles64, *dmeasured64, *weights64, *dweights64;
};

/* The parts of stage i, and those behind the stages. */
static inline hq_model_part *hq_conv_part(hq_model *model, int i) { return &model->part[2 * i]; }
static inline hq_model_part *hq_norm_part(hq_model *model, int i) { return &model->part[2 * i + 1]; }
static inline hq_model_part *hq_part_behind(hq_model *model, int which)
{
    return &model->part[2 * model->stages + which];
}

/* Names, shapes and costs of all parts. */
void hq_model_list_parts(hq_model *model);

/* Factor of tanh for a scaling; 0 for identity. */
double hq_model_scaling_factor(int scaling);

/* Parameters and gradients at a slot. */
static inline const hq_real *hq_weights_at(const hq_model *model, hq_slot slot) { return model->params + slot.offset; }
static inline hq_real *hq_grads_at(hq_model *model, hq_slot slot) { return model->grads + slot.offset; }

/* Input to logits; leaves everything that backward needs. */
hq_status hq_model_forward(hq_model *model, const hq_model_batch *batch, bool training);

/* model->dlogits to the gradient block, for the batch of the forward pass before it. */
hq_status hq_model_backward(hq_model *model, const hq_model_batch *batch);

/* The circuits of the angles in angles64, as quantum.h wants them; weights64 is filled from the parameters. */
hq_circuit_batch hq_model_circuits(hq_model *model, const hq_model_batch *batch, bool training);

#endif
