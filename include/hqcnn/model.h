/* model.h: the hybrid network: built from the configuration, owner of the flat parameter, gradient and statistics
 * blocks.
 *
 * Computes micro-batches one at a time or in groups. Knows no MPI: what must be done together with other processes goes
 * through a runner and hooks; every function that takes neither is local, and its results depend on its arguments
 * alone.
 */
#ifndef HQCNN_MODEL_H
#define HQCNN_MODEL_H

#include "hqcnn/config.h"
#include "hqcnn/data.h"
#include "hqcnn/quantum.h"
#include "hqcnn/tensor.h"

typedef struct hq_model hq_model;

/* A named tensor of the parameter or statistics block. */
typedef struct hq_param {
    char name[48];  /* for example "conv1.weight" */
    int64_t offset; /* numbers from the start of the block */
    int64_t count;
    int rank; /* dimensions, 1..HQ_DIMENSIONS_MAX */
    int64_t shape[HQ_DIMENSIONS_MAX];
    bool decays;  /* weight decay applies, and the ratio of lars and lamb */
    bool quantum; /* a circuit weight */
} hq_param;

/* Builds the network for the images or volumes of `info`, for micro-batches of up to max_batch samples of which up to
 * most_held (at least 1) are under way at once: shapes, blocks, one arena for all activations. HQ_ERR_CONFIG when they
 * are too small. Freed by hq_model_destroy. */
hq_status hq_model_create(const hq_config *config, const hq_data_info *info, int max_batch, int most_held,
                          hq_model **out_model);
void hq_model_destroy(hq_model *model);

/* Start weights: uniform +-1/sqrt(fan_in), norm scale 1 and shift 0, circuit weights uniform in [0, 2 pi); statistics
 * mean 0, variance 1. */
void hq_model_init(hq_model *model, uint64_t seed);

/* The blocks, owned by the model: parameters[hq_model_param_count], gradient of a micro-batch (hooks tell when what
 * part of it is there), running statistics of the norms, and the statistics of the last forward pass in training (same
 * layout; variances unbiased), of a micro-batch or, where norms see the whole batch, of that. */
int64_t hq_model_param_count(const hq_model *model);
int64_t hq_model_stat_count(const hq_model *model); /* 0 without batch norm */
hq_real *hq_model_params(hq_model *model);
hq_real *hq_model_grads(hq_model *model);
hq_real *hq_model_stats(hq_model *model);
const hq_real *hq_model_batch_stats(const hq_model *model);

/* The named tensors of the parameter block and of the statistics block. */
int hq_model_params_list(const hq_model *model, const hq_param **out_list);
int hq_model_stats_list(const hq_model *model, const hq_param **out_list);

/* Sum of the counts of circuit weights (0 for model.circuit.template = "classical"). */
int64_t hq_model_quantum_count(const hq_model *model);

const hq_circuit *hq_model_circuit(const hq_model *model); /* NULL for "classical" */

/* Kernels in use, of dense layers, of the other layers and of circuits, for example "openblas 0.3.21 SkylakeX, fp32;
 * layers avx512; circuits fused, avx512": bits are promised for one variant. Owned by the model. */
const char *hq_model_variant(const hq_model *model);

size_t hq_model_input_size(const hq_model *model);  /* numbers of one sample */
size_t hq_model_arena_bytes(const hq_model *model); /* activations of the micro-batches under way */

/* One micro-batch, of training or of an evaluation. */
typedef struct hq_model_batch {
    int n;
    const hq_real *x;
    const int32_t *labels;      /* [n][info.labels] */
    const int64_t *samples;     /* [n] keys of the random draws of dropout, shots and noise: global sample numbers */
    const double *class_weight; /* [classes] */
    double denominator;         /* of the loss: samples of the global batch (times classes for multi-label) */
    uint64_t seed;
    uint32_t epoch;
    const hq_runner *runner; /* who evaluates circuits */
} hq_model_batch;

/* Forward pass in evaluation mode (running statistics, no dropout) of n samples of batch: n, x, samples, epoch and
 * runner are used. The logits[n][classes] stay in the model until the next pass. Logically collective, as the runner.
 */
hq_status hq_model_predict(hq_model *model, const hq_model_batch *batch, const hq_real **out_logits);

/* What the owner of a training does while micro-batches are under way. m: position in the group. */
typedef struct hq_model_hooks {
    /* hq_model_batch_stats has those of micro-batch m. Not called where norms see the whole batch. */
    void (*statistics)(void *ctx, int m);
    /* The circuits of micro-batch m come next, or others' that it joins. */
    void (*circuits)(void *ctx, int m);
    /* Loss (its share of the batch loss) and logits[n][classes] of micro-batch m. */
    void (*scored)(void *ctx, int m, double loss, const hq_real *logits);
    /* Of micro-batch m, the gradients [offset, offset + count) are in the gradient block, till the next call. */
    void (*gradient)(void *ctx, int m, int64_t offset, int64_t count);
    /* All gradients of this group at or behind offset have been told. Called from the end of the block to its start. */
    void (*complete)(void *ctx, int64_t offset);
    /* Adds up n numbers over all ranks, in place; equal on all of them. Collective. Needed only where norms see the
     * whole batch. */
    hq_status (*sum)(void *ctx, int64_t *numbers, size_t n);
    void *ctx;
} hq_model_hooks;

/* Micro-batches that are computed together, in training. */
typedef struct hq_model_group {
    const hq_model_batch *batch; /* [count]; one with n = 0 only takes part in circuits and sums (epoch, runner) */
    int count;                   /* at most most_held */
    int64_t samples, micro;      /* of the whole batch, over all ranks: samples, micro-batches */
    hq_model_hooks hooks;
} hq_model_group;

/* Forward and backward of a group. With model.norm_statistics = "batch" it is the whole batch: all ranks call it once
 * per step with equal counts. Logically collective, as the runners and hooks.sum. */
hq_status hq_model_train(hq_model *model, const hq_model_group *group);

/* One pass through a part of the network. */
typedef struct hq_model_pass {
    double seconds; /* of all passes since the network was built or hq_model_clear_times */
    double flops;   /* multiplications and additions that its definition takes for one sample; 0: not counted */
    double bytes;   /* that it reads and writes for one sample in a full micro-batch, every array once per sweep */
} hq_model_pass;

/* Convolutions, norms with what is fused to them, the layers to the circuit's inputs, circuit, head; in this order. */
typedef struct hq_model_part {
    char name[16], shape[48];
    bool convolution;
    hq_model_pass forward, backward; /* a first convolution has no gradient of its input */
} hq_model_part;

#define HQ_MODEL_PARTS_MAX (2 * HQ_LIST_MAX + 3)
int hq_model_parts(const hq_model *model, const hq_model_part **out_list);
void hq_model_clear_times(hq_model *model);

/* Takes part in the circuits of other processes' hq_model_predict. epoch: as theirs. Logically collective, as the
 * runner. */
hq_status hq_model_join(hq_model *model, uint32_t epoch, const hq_runner *runner);

/* Logits, then gradients of a few made-up images (cut to 64 x 64, volumes to 32 each way, or to what the stages need)
 * in a network of its own with this kernel (HQ_COMPUTE_KERNEL_*) and exact circuits: to compare kernels, and
 * processors. Equal arguments give equal bits on processors that are in order. The caller frees *out_numbers
 * [*out_count]. Local. */
hq_status hq_model_probe(const hq_config *config, const hq_data_info *info, int kernel, int64_t *out_count,
                         hq_real **out_numbers);

/* The largest items of a micro-batch's circuits (see quantum.h); parts 0 when there are none. */
hq_items hq_model_largest_items(const hq_model *model);

#endif
