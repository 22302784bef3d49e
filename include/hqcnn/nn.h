/* nn.h: layers, losses, update rules, schedules and initialisation as functions on plain arrays.
 *
 * Pixel-major layout: images x[N][H][W][C], volumes x[N][D][H][W][C], convolution weights w[R][S][C][K] or
 * w[T][R][S][C][K], dense weights w[in][out]. Every _bwd
 * function writes (does not add to) its gradients. A convolution or dense layer with dx = NULL does not compute it.
 * Arrays are disjoint except where a comment allows otherwise. NaN goes through every function. Nothing here allocates
 * or fails. Knows no MPI; every function is local. Letters: N batch, H W C input, K output channels, R S kernel.
 */
#ifndef HQCNN_NN_H
#define HQCNN_NN_H

#include "hqcnn/tensor.h"

/* ---- layers ---------------------------------------------------------------------------------------------------- */

/* Shape of a convolution with stride 1. Images: d = t = 1. Volumes: kernels of t planes; y is
 * [n][out_d][out_h][out_w][k] with out_h = h + 2 pad - r + 1, out_w likewise, and out_d too where t > 1 (no padding in
 * depth where t = 1). kernel: the instruction set, HQ_COMPUTE_KERNEL_* of config.h, which this processor must have. */
typedef struct hq_conv {
    int n, d, h, w, c, k, t, r, s, pad;
    int kernel;
    int precision; /* HQ_CONV_*: numbers that are multiplied; sums, and all arrays, are in single precision */
} hq_conv;

/* BF16: where the shape allows, 3x3 kernels and channels in multiples of 16; this processor must have the instructions,
 * AMX or else AVX512-BF16. For tests: AVX512-BF16 also where there is AMX, and the same in plain C, the reference but
 * for denormal numbers, which the instructions take for zero. None in a build in double precision. */
enum { HQ_CONV_FP32, HQ_CONV_BF16, HQ_CONV_BF16_AVX512, HQ_CONV_BF16_EMULATED };

/* Name of the instructions for one of them ("AMX"), NULL when this processor has none. */
const char *hq_bf16_kernel_name(int precision);

/* Name of an instruction set for layers ("avx512"; of AUTO: the best one), NULL when this processor lacks it. */
const char *hq_nn_kernel_name(int kernel);

/* What an instruction set that this processor has does at most: multiplications and additions per second, one thread,
 * measured here and now with independent multiply-adds of registers. */
double hq_nn_peak(int kernel);

int hq_conv_out_d(const hq_conv *conv);
int hq_conv_out_h(const hq_conv *conv);
int hq_conv_out_w(const hq_conv *conv);
/* Numbers of work memory that fwd and bwd need (images with padding, weights in tiles). */
size_t hq_conv_work(const hq_conv *conv);
/* Numbers that fwd keeps for bwd (x in 16 bits); 0 in single precision, where kept may be NULL. */
size_t hq_conv_kept(const hq_conv *conv);
/* y = conv(x, w) + bias. */
void hq_conv_fwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y,
                 hq_real *work, hq_real *kept);
/* kept: of the forward pass of the same x. dx or dbias may be NULL. */
void hq_conv_bwd(const hq_conv *conv, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx, hq_real *dw,
                 hq_real *dbias, hq_real *work, const hq_real *kept);

/* What stands behind a convolution, as one layer: norm, ReLU, and with `pool` 2x2 max pooling (2x2x2 where d > 1) with
 * stride 2; a last odd row, column or plane is dropped. x is [n][d][h][w][c], y [n][out_d][out_h][out_w][c]. */
typedef struct hq_norm {
    int kind, groups; /* HQ_NORM_* of config.h; groups of group norm, which divide c */
    double eps;
    int n, d, h, w, c;
    bool pool;
    int kernel; /* as above */
} hq_norm;

int hq_norm_out_d(const hq_norm *norm);
int hq_norm_out_h(const hq_norm *norm);
int hq_norm_out_w(const hq_norm *norm);
/* Numbers of mean, and of var: [c] for batch norm, [n][groups] for group norm, 0 for none. */
size_t hq_norm_statistics_size(const hq_norm *norm);
/* Numbers of work memory, which is aligned for double. */
size_t hq_norm_work(const hq_norm *norm);

/* Mean and biased variance of x: of each channel of this micro-batch, or of each group of channels of each sample. */
void hq_norm_statistics(const hq_norm *norm, const hq_real *x, hq_real *mean, hq_real *var, void *work);

/* y = max over a cell of max(0, scale * (x - mean) / sqrt(var + eps) + shift). choice, where pooled: the place of the
 * maximum in its cell, 0..3 or 0..7 in memory order, the first of equal ones. Without a norm: scale 1, shift 0, mean 0,
 * none of which is read. */
void hq_norm_fwd(const hq_norm *norm, const hq_real *x, const hq_real *scale, const hq_real *shift, const hq_real *mean,
                 const hq_real *var, hq_real *y, uint8_t *choice, void *work);

/* The gradients by x (through the statistics too), scale and shift from that by y; x, choice, mean and var as forward
 * had or left them. */
void hq_norm_bwd(const hq_norm *norm, const hq_real *x, const uint8_t *choice, const hq_real *scale,
                 const hq_real *shift, const hq_real *mean, const hq_real *var, const hq_real *dy, hq_real *dx,
                 hq_real *dscale, hq_real *dshift, void *work);

/* Batch norm over several micro-batches, whose sums the caller adds up. hq_norm_moments: sum[c] of x - pivot[c] and
 * squares[c] of its square over the rows (pixels of all samples) of this micro-batch. hq_norm_bwd_sums: sum[c] of dy
 * and product[c] of dy (x - mean), where dy has passed pooling and ReLU. hq_norm_bwd_apply: dx from those of all `rows`
 * rows of all micro-batches, whose mean and var normalised x. hq_norm_gradients: the gradients by scale and shift from
 * one micro-batch's sums. */
void hq_norm_moments(const hq_norm *norm, const hq_real *x, const hq_real *pivot, double *sum, double *squares);
void hq_norm_bwd_sums(const hq_norm *norm, const hq_real *x, const uint8_t *choice, const hq_real *scale,
                      const hq_real *shift, const hq_real *mean, const hq_real *var, const hq_real *dy, double *sum,
                      double *product, void *work);
void hq_norm_bwd_apply(const hq_norm *norm, const hq_real *x, const uint8_t *choice, const hq_real *scale,
                       const hq_real *shift, const hq_real *mean, const hq_real *var, const hq_real *dy,
                       const double *sum, const double *product, double rows, hq_real *dx, void *work);
void hq_norm_gradients(const hq_norm *norm, const hq_real *var, const double *sum, const double *product,
                       hq_real *dscale, hq_real *dshift);

/* y = max(x, 0); bwd needs y only. y may be x, dx may be dy. */
void hq_relu_fwd(size_t count, const hq_real *x, hq_real *y);
void hq_relu_bwd(size_t count, const hq_real *y, const hq_real *dy, hq_real *dx);

/* Adaptive average pooling of x[n][d][h][w][c] to out_d x out x out: cell i covers rows floor(i h / out) .. ceil((i +
 * 1) h / out) - 1, columns and planes likewise (PyTorch's rule). */
void hq_avgpool_fwd(int n, int d, int h, int w, int c, int out_d, int out, const hq_real *x, hq_real *y);
void hq_avgpool_bwd(int n, int d, int h, int w, int c, int out_d, int out, const hq_real *dy, hq_real *dx);

/* y[n][out] = x[n][in] w[in][out] + bias. */
void hq_dense_fwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *bias, hq_real *y);
void hq_dense_bwd(int n, int in, int out, const hq_real *x, const hq_real *w, const hq_real *dy, hq_real *dx,
                  hq_real *dw, hq_real *dbias);

/* y = factor * tanh(x), and dx from y. y may be x, dx may be dy. */
void hq_tanh_fwd(size_t count, double factor, const hq_real *x, hq_real *y);
void hq_tanh_bwd(size_t count, double factor, const hq_real *y, const hq_real *dy, hq_real *dx);

/* Dropout: y[n][width] = x * keep[n][width]; keep is 0 or 1 / (1 - share), drawn for (seed, epoch, samples[i]). bwd is
 * the same product. y may be x. */
void hq_dropout_mask(int n, int width, double share, uint64_t seed, uint32_t epoch, const int64_t *samples,
                     hq_real *keep);
void hq_dropout_apply(size_t count, const hq_real *keep, const hq_real *x, hq_real *y);

/* ---- losses ---------------------------------------------------------------------------------------------------- */

/* Softmax cross-entropy (binary, multi-class and ordinal tasks). labels[n] in 0..classes-1; class_weight[classes],
 * NULL: all 1. *loss = sum_i class_weight[labels[i]] * ce_i / denominator; dlogits (may be NULL) its gradient. Training
 * passes the number of samples of the GLOBAL batch as denominator, so that losses and gradients of micro-batches add
 * up. */
void hq_softmax_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                     double denominator, double *loss, hq_real *dlogits);

/* Sigmoid cross-entropy over label columns (multi-label). labels[n][classes] 0/1; positive terms weigh class_weight[k],
 * NULL: 1. *loss = sum over samples and labels / denominator (the global sample count times classes). */
void hq_sigmoid_loss(int n, int classes, const hq_real *logits, const int32_t *labels, const double *class_weight,
                     double denominator, double *loss, hq_real *dlogits);

/* Scores for metrics: scores[n][classes] = softmax or sigmoid of logits, in double. */
void hq_softmax_scores(int n, int classes, const hq_real *logits, double *scores);
void hq_sigmoid_scores(int n, int classes, const hq_real *logits, double *scores);

/* ---- update rules ---------------------------------------------------------------------------------------------- */

typedef struct hq_optimizer {
    int kind; /* HQ_OPTIMIZER_* of config.h */
    double momentum, beta1, beta2, epsilon, weight_decay;
    double trust; /* lars: eta */
} hq_optimizer;

/* Moment blocks that the rule keeps: 1 for sgd and lars, 2 for adam, adamw and lamb. */
int hq_optimizer_moments(int kind);
/* Whether a rule can go on from the moments of another one: those of adam, adamw and lamb are the same. */
bool hq_optimizer_follows(int kind, int before);

/* One update of a tensor of count parameters. sgd, adam and adamw in PyTorch's formulas: sgd m = momentum m + g (m = g
 * at step 1), w -= rate m; adam with bias correction; adamw with decoupled decay. lars: You, Gitman and Ginsburg,
 * arXiv:1708.03888, Algorithm 1: m = momentum m + rate ratio (g + decay w), w -= m, with ratio = trust |w| / (|g| +
 * decay |w|). lamb: You et al., ICLR 2020, arXiv:1904.00962, Algorithm 2 with phi(z) = z: w -= rate ratio u for u =
 * Adam's update + decay w, with ratio = |w| / |u|. A ratio is 1 where one of its norms is 0, and for parameters that do
 * not decay.
 * rate: learning rate of this step; step: 1 for the first update; decays: whether weight decay and the ratio apply to
 * these parameters. moment1, moment2: zero before the first step; moment2 may be NULL where the rule keeps one. */
void hq_optimizer_step(const hq_optimizer *optimizer, double rate, int64_t step, size_t count, bool decays,
                       const hq_real *grad, hq_real *weight, hq_real *moment1, hq_real *moment2);

/* ---- learning-rate schedule, initialisation -------------------------------------------------------------------- */

typedef struct hq_schedule {
    int kind; /* HQ_SCHEDULE_* of config.h */
    double rate, factor, warmup_epochs;
    int epochs;
    int n_steps;
    int steps[16]; /* per cent of the epochs */
} hq_schedule;

/* Learning rate for a batch when `rate` was chosen for batches of rate_batch. rule: HQ_RATE_RULE_* of config.h; linear:
 * times batch / rate_batch (Goyal et al., arXiv:1706.02677), sqrt: times its root (Krizhevsky, arXiv:1404.5997; Hoffer,
 * Hubara and Soudry, NeurIPS 2017), none: rate (rate_batch is not used). */
double hq_rate_for_batch(int rule, double rate, int batch, int rate_batch);

/* Learning rate at a fractional epoch (0 at the start): constant; step: * factor at each per cent passed, changing
 * between epochs only; cosine: from rate to rate * factor over all epochs. During the warm-up, times (epoch /
 * warmup_epochs), where epoch counts the END of the step, so the first step is not lost. */
double hq_schedule_rate(const hq_schedule *schedule, double epoch_start, double epoch_end);

/* Uniform in [low, high), drawn for (seed, name, position): equal whatever else is initialised. */
void hq_init_uniform(uint64_t seed, const char *name, double low, double high, size_t count, hq_real *w);

#endif
