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

/* Convolution, norm, ReLU and, where set, max pooling. conv.n and norm.n are set by every pass. */
typedef struct hq_stage {
    hq_conv conv;
    hq_norm norm;                       /* with ReLU and pooling */
    int out_d, out_h, out_w;            /* after pooling */
    hq_slot weight, bias, scale, shift; /* parameters */
    hq_slot mean, var;                  /* statistics block */
} hq_stage;

/* What the pass of a micro-batch through a stage leaves for the way back. */
typedef struct hq_stage_held {
    const hq_real *in;
    hq_real *kept;       /* of the convolution, for backward */
    hq_real *pre;        /* convolution's output */
    hq_real *out;        /* after norm, ReLU and pooling */
    uint8_t *choice;     /* of the maxima, where pooled */
    hq_real *mean, *var; /* statistics that normalised it, biased variance; those of the whole batch are one array */
} hq_stage_held;

/* The same for the whole network: a micro-batch that is under way. */
typedef struct hq_held {
    hq_stage_held stage[HQ_LIST_MAX];
    hq_real *adapted;     /* [n][features_d][features][features][C] */
    hq_real *angles;      /* [n][inputs] */
    hq_real *gradient[2]; /* two images' worth of gradient, used in turn */
} hq_held;

struct hq_model {
    int norm, scaling;
    bool joint; /* norms by the statistics of the whole batch, not of each micro-batch */
    double dropout;
    int task, classes, labels;
    int channels, depth, height, width; /* of the input; depth 1: images */
    int max_batch, most_held;           /* samples of a micro-batch; micro-batches under way at once */

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

    /* memory of the micro-batches under way, and what one after the other uses; all in one arena */
    hq_arena arena;
    hq_held *held;                    /* [most_held] */
    hq_real **gradients;              /* [most_held] of the layer the way back has come to */
    hq_real *reduced;                 /* [n][inputs] */
    hq_real *measured;                /* [n][outputs] */
    hq_real *hidden, *keep, *dropped; /* [n][head] */
    hq_real *logits, *dlogits;        /* [n][classes] */
    hq_real *work;                    /* of convolutions and norms */
    double *angles64, *measured64, *dangles64, *dmeasured64, *weights64, *dweights64;
    double *norm_sums;    /* [most_held][2][C]: of the backward pass of a norm, joint only */
    int64_t *joint_sums;  /* [2][C] over all micro-batches, and whether some could not be represented; joint only */
    double *joint_totals; /* [2][C] of them */
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

/* The convolution of stage i on a micro-batch, then norm, ReLU and pooling by the statistics in held. */
void hq_model_convolve(hq_model *model, int i, hq_held *held, const hq_real *x, int n);
void hq_model_normalise(hq_model *model, int i, hq_held *held, const hq_real *mean, const hq_real *var);

/* Notes statistics of stage i (biased variance, over that many rows) for the running ones, which take the unbiased. */
void hq_model_note_statistics(hq_model *model, int i, const hq_real *mean, const hq_real *var, int64_t rows);

/* All stages, by the statistics of this micro-batch or, for batch norm outside training, the running ones. */
void hq_model_stages(hq_model *model, hq_held *held, const hq_real *x, int n, bool training);

/* From the last stage's output to the angles, then to the logits. */
void hq_model_reduce(hq_model *model, hq_held *held, int n);
hq_status hq_model_classify(hq_model *model, hq_held *held, const hq_model_batch *batch, bool training);

/* model->dlogits back to the gradient of the angles, which is returned and lies in held; then that of the features.
 * The gradients of the weights are in the gradient block. */
hq_status hq_model_classify_bwd(hq_model *model, hq_held *held, const hq_model_batch *batch, hq_real **dangles);
hq_real *hq_model_reduce_bwd(hq_model *model, hq_held *held, int n, hq_real *dangles);

/* The two gradient buffers are used in turn: `from` holds the gradient of a layer's output, the other takes that of its
 * input. */
hq_real *hq_model_other(const hq_held *held, const hq_real *from);

/* joint.c: stage i forward by the statistics of the whole batch; the sums of its norm's way back over the whole batch,
 * from the gradients dout[m] of its output; then the norm's gradient in micro-batch m, which lies in the other buffer.
 * The first two are collective, as hooks.sum. */
hq_status hq_model_joint_fwd(hq_model *model, int i, const hq_model_group *group);
hq_status hq_model_joint_bwd(hq_model *model, int i, const hq_model_group *group, hq_real *const *dout);
hq_real *hq_model_joint_apply(hq_model *model, int i, const hq_model_group *group, int m, hq_real *dout);

/* The circuits of the angles in angles64, as quantum.h wants them; weights64 is filled from the parameters. */
hq_circuit_batch hq_model_circuits(hq_model *model, const hq_model_batch *batch, bool training);

#endif
