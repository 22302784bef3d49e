/* step.c: one update of the parameters. See docs/architecture.md for the way through it.
 *
 * The result does not depend on the rank count: micro-batches have the same shapes wherever they run, their gradients
 * are summed as integers, and everything after the sum is the same arithmetic on every rank.
 */
#include "train/rounds.h"
#include "train/run.h"

#include <math.h>
#include <string.h>

int hq_train_microbatch(const hq_config *config)
{
    enum { AIM = 16 };
    if (config->train_microbatch > 0) return config->train_microbatch;
    int pieces = (config->train_batch + AIM - 1) / AIM;
    return (config->train_batch + pieces - 1) / pieces;
}

/* The batch under way: global positions [first, first + count) of the epoch's order. */
typedef struct hq_span {
    int64_t first;
    int count;
    int64_t micro; /* micro-batches in it */
} hq_span;

static hq_span current_batch(const hq_run *run)
{
    int64_t n = run->data.set.info.count[HQ_SPLIT_TRAIN], first = run->progress.seen;
    int64_t count = n - first < run->config->train_batch ? n - first : run->config->train_batch;
    return (hq_span){first, (int)count, (count + run->microbatch - 1) / run->microbatch};
}

/* Where micro-batch m starts: a batch that is not full is cut as evenly as a full one, for a last micro-batch of one or
 * two images would have batch statistics of little worth. */
static int64_t micro_start(const hq_span *span, int64_t m) { return m * span->count / span->micro; }

/* Memory of the m-th micro-batch under way. */
typedef struct hq_loaded {
    hq_real *x;
    int32_t *labels;
    int64_t *samples;
} hq_loaded;

static hq_loaded loaded_at(const hq_run *run, int m)
{
    const size_t first = (size_t)m * (size_t)run->microbatch;
    return (hq_loaded){run->x + first * hq_model_input_size(run->model),
                       run->labels + first * (size_t)run->data.set.info.labels, run->samples + first};
}

/* Images, labels and sample numbers of micro-batch m, and its size; lane: which of this rank's it is. */
static hq_status load_micro(const hq_run *run, const hq_span *span, int64_t m, int lane, const hq_loaded *to,
                            int *out_n)
{
    const hq_config *config = run->config;
    const hq_dataset *set = &run->data.set;
    const uint64_t seed = (uint64_t)config->train_seed;
    const uint32_t epoch = (uint32_t)run->progress.epoch;
    const size_t labels = (size_t)set->info.labels;
    const int64_t start = micro_start(span, m);
    const hq_piece piece = {span->first, span->count, start, (int)(micro_start(span, m + 1) - start)};
    const hq_order order = {HQ_SPLIT_TRAIN, config->train_shuffle == HQ_SHUFFLE_ON, seed, epoch, config->train_batch};
    const hq_augment augment = {config->augment_flip, config->augment_shift, config->augment_rotate, seed, epoch};
    const bool changes = augment.flip != HQ_FLIP_NONE || augment.shift > 0 || augment.rotate > 0;
    HQ_TRY(hq_reader_load(run->reader, &order, &piece, lane, changes ? &augment : NULL, to->samples, to->x));
    for (int i = 0; i < piece.n; i++)
        memcpy(to->labels + (size_t)i * labels, set->label[HQ_SPLIT_TRAIN] + (size_t)to->samples[i] * labels,
               labels * sizeof *to->labels);
    *out_n = piece.n;
    return HQ_OK;
}

/* Right predictions among n samples: argmax (first maximum), or labels at score > 0.5 for multi-label. */
static int64_t count_correct(const hq_run *run, int n, const int32_t *labels, const hq_real *logits)
{
    const int k = run->data.set.info.classes;
    int64_t correct = 0;
    for (int i = 0; i < n; i++, logits += k) {
        if (run->data.set.info.task == HQ_TASK_MULTI_LABEL) {
            for (int j = 0; j < k; j++) correct += (logits[j] > 0) == (labels[i * k + j] != 0);
            continue;
        }
        int best = 0;
        for (int j = 1; j < k; j++)
            if (logits[j] > logits[best]) best = j;
        correct += best == labels[i];
    }
    return correct;
}

/* ---- what is summed -------------------------------------------------------------------------------------------- */

/* A step under way, and the group of micro-batches that is computed. */
typedef struct hq_step {
    hq_run *run;
    hq_span span;
    hq_rounds rounds;
    int64_t *sums; /* of this rank, as run.h says */
    hq_model_group group;
    int64_t first;    /* round of its first micro-batch */
    bool last;        /* no group comes behind this one */
    bool lost;        /* a call of MPI has failed */
    hq_status status; /* worst of this rank */
} hq_step;

static int64_t statistics_summed(const hq_run *run) { return run->joint ? 0 : hq_model_stat_count(run->model); }

static void add_statistics(void *ctx, int m)
{
    hq_step *step = ctx;
    const double share = (double)step->group.batch[m].n / step->span.count;
    step->sums[HQ_SUM_REFUSED] +=
        hq_fixed_add(step->sums + HQ_SUM_COUNT, hq_model_batch_stats(step->run->model),
                     (size_t)hq_model_stat_count(step->run->model), share, HQ_FIXED_STATISTIC, step->span.micro);
}

static void add_score(void *ctx, int m, double loss, const hq_real *logits)
{
    hq_step *step = ctx;
    const hq_model_batch *batch = &step->group.batch[m];
    step->sums[HQ_SUM_REFUSED] += hq_fixed_add_one(&step->sums[HQ_SUM_LOSS], loss, HQ_FIXED_GRADIENT, step->span.micro);
    step->sums[HQ_SUM_CORRECT] += count_correct(step->run, batch->n, batch->labels, logits);
}

static void add_gradient(void *ctx, int m, int64_t offset, int64_t count)
{
    hq_step *step = ctx;
    (void)m;
    const hq_phase before = hq_phase_enter(HQ_PHASE_INTEGERS);
    step->sums[HQ_SUM_REFUSED] +=
        hq_fixed_add(step->sums + step->run->gradients_at + offset, hq_model_grads(step->run->model) + offset,
                     (size_t)count, 1, HQ_FIXED_GRADIENT, step->span.micro);
    hq_phase_enter(before);
}

/* Those of the last group are final. A failed MPI call is told at the end of the step. */
static void hand_over(void *ctx, int64_t offset)
{
    hq_step *step = ctx;
    if (!step->last || offset == 0) return; /* what lies before the gradients is not final yet */
    const hq_phase before = hq_phase_enter(HQ_PHASE_INTEGERS);
    const hq_status status = hq_dist_sum_ready(step->run->sum, (size_t)(step->run->gradients_at + offset));
    step->lost = step->lost || status != HQ_OK;
    hq_phase_enter(before);
}

static hq_status sum_statistics(void *ctx, int64_t *numbers, size_t n)
{
    const hq_step *step = ctx;
    return step->lost ? HQ_ERR_COMM : hq_dist_sum(step->run->dist, numbers, n);
}

/* The circuits of a round come next, on all ranks that have some in it. */
static void prepare_circuits(void *ctx, int m)
{
    const hq_step *step = ctx;
    const int64_t active = hq_rounds_active(&step->rounds, step->first + m), n = step->run->microbatch;
    hq_train_spreader_round(step->run->spreader, active * n, n);
}

/* ---- micro-batches --------------------------------------------------------------------------------------------- */

/* `count` rounds: this rank's micro-batches, perhaps fewer or none. One whose images cannot be read
 * is left out, but the rank joins the circuits and sums of the others. */
static void load_group(hq_step *step, int count)
{
    hq_run *run = step->run;
    const hq_phase before = hq_phase_enter(HQ_PHASE_DATA);
    for (int i = 0; i < count; i++) {
        const int64_t m = hq_rounds_group(&step->rounds, step->first + i);
        const hq_loaded to = loaded_at(run, i);
        int n = 0;
        if (m >= 0 && step->status == HQ_OK)
            step->status = load_micro(run, &step->span, m, (int)(m - step->rounds.lo), &to, &n);
        run->batch[i] = (hq_model_batch){.n = step->status == HQ_OK ? n : 0,
                                         .x = to.x,
                                         .labels = to.labels,
                                         .samples = to.samples,
                                         .class_weight = run->class_weight,
                                         .denominator = (double)step->span.count * run->data.set.info.labels,
                                         .seed = (uint64_t)run->config->train_seed,
                                         .epoch = (uint32_t)run->progress.epoch,
                                         .runner = hq_train_spreader_runner(run->spreader)};
    }
    hq_phase_enter(before);
}

/* All micro-batches of the batch, round by round; the last rounds may be computed together, layer by layer, so that
 * the sums of the last layers travel meanwhile. A rank that fails (an external executor, a file) takes part in the
 * rounds that are left, so that nobody waits for it. */
static hq_status run_rounds(hq_step *step, int together)
{
    const int64_t rounds = step->rounds.count;
    for (int64_t r = 0; r < rounds;) {
        const int count = step->run->joint ? (int)rounds : rounds - r <= together ? (int)(rounds - r) : 1;
        step->first = r;
        load_group(step, count);
        step->group.count = count;
        step->last = r + count == rounds;
        const hq_status status = hq_model_train(step->run->model, &step->group);
        if (status > step->status) step->status = status;
        r += count;
    }
    return step->status;
}

/* ---- the update ------------------------------------------------------------------------------------------------ */

/* Scales the gradient to the largest allowed norm; the norm is of the summed gradient, the same on every rank. */
static void clip(hq_real *grad, int64_t n, double largest)
{
    double squares = 0;
    for (int64_t i = 0; i < n; i++) squares += (double)grad[i] * (double)grad[i];
    double norm = sqrt(squares);
    if (norm <= largest) return;
    for (int64_t i = 0; i < n; i++) grad[i] = (hq_real)(grad[i] * (largest / norm));
}

static void update_parameters(hq_run *run, const int64_t *total, double rate)
{
    const hq_param *list;
    const int n = hq_model_params_list(run->model, &list);
    hq_real *params = hq_model_params(run->model), *grads = hq_model_grads(run->model);
    hq_fixed_get(total + run->gradients_at, grads, (size_t)hq_model_param_count(run->model), HQ_FIXED_GRADIENT);
    if (run->config->train_clip_norm > 0) clip(grads, hq_model_param_count(run->model), run->config->train_clip_norm);
    for (int i = 0; i < n; i++) {
        int64_t at = list[i].offset;
        hq_optimizer_step(&run->optimizer, rate, run->progress.step + 1, (size_t)list[i].count, list[i].decays,
                          grads + at, params + at, run->moment1 + at, run->moment2 ? run->moment2 + at : NULL);
    }
}

/* Running statistics: 0.9 old + 0.1 of this batch, the mean over its micro-batches weighted by their samples. */
static void update_statistics(hq_run *run, const int64_t *total)
{
    const int64_t n = hq_model_stat_count(run->model);
    const hq_real *seen = run->joint ? hq_model_batch_stats(run->model) : run->mean_stats;
    hq_real *stats = hq_model_stats(run->model);
    if (!run->joint) hq_fixed_get(total + HQ_SUM_COUNT, run->mean_stats, (size_t)n, HQ_FIXED_STATISTIC);
    for (int64_t i = 0; i < n; i++) stats[i] = (hq_real)((1 - 0.1) * (double)stats[i] + 0.1 * (double)seen[i]);
}

/* Rate of the step over a span: by the share of the epoch's samples behind it. */
static double rate_of(const hq_run *run, const hq_span *span)
{
    const double epoch = (double)run->progress.epoch, n = (double)run->data.set.info.count[HQ_SPLIT_TRAIN];
    const double start = (double)span->first, end = (double)(span->first + span->count);
    return hq_schedule_rate(&run->schedule, epoch + start / n, epoch + end / n);
}

static hq_status diverged(const hq_run *run, int64_t refused)
{
    if (hq_dist_rank(run->dist) != 0) return HQ_ERR_NUMERIC;
    HQ_FAIL(HQ_ERR_NUMERIC,
            "training diverged in epoch %lld, step %lld: %lld gradients, statistics or losses are not finite or too "
            "large; try a lower train.learning_rate (now %g), train.warmup or train.clip_norm",
            (long long)run->progress.epoch + 1, (long long)run->progress.step + 1, (long long)refused,
            hq_train_rate(run->config));
}

/* Returns how many micro-batches at its end are computed together. */
static int begin(hq_run *run, hq_step *step)
{
    *step = (hq_step){.run = run, .span = current_batch(run), .sums = hq_dist_sum_own(run->sum)};
    step->rounds = hq_rounds_make(run->dist, step->span.micro);
    step->group = (hq_model_group){
        .batch = run->batch,
        .samples = step->span.count,
        .micro = step->span.micro,
        .hooks = {add_statistics, prepare_circuits, add_score, add_gradient, hand_over, sum_statistics, step}};
    return hq_dist_sum_begin(run->sum).group;
}

/* The clock of rank 0 decides. */
static bool save_is_due(const hq_run *run)
{
    const double seconds = run->config->checkpoint_seconds;
    return seconds > 0 && hq_dist_rank(run->dist) == 0 && hq_clock() - run->saved_at >= seconds;
}

/* A rank that has failed cannot leave the others waiting in the sum: it takes part and tells. */
static hq_status compute(hq_step *step, int together, const int64_t **total)
{
    hq_phase_enter(HQ_PHASE_NETWORK);
    const hq_status status = run_rounds(step, together);
    if (step->lost || status == HQ_ERR_COMM) return HQ_ERR_COMM;
    hq_phase_enter(HQ_PHASE_INTEGERS);
    step->sums[HQ_SUM_FAILED] = status != HQ_OK;
    step->sums[HQ_SUM_STOP] = hq_train_stop_asked(step->run);
    step->sums[HQ_SUM_SAVE] = save_is_due(step->run);
    HQ_TRY(hq_dist_sum_finish(step->run->sum, total));
    if ((*total)[HQ_SUM_FAILED] > 0) return hq_dist_agree(step->run->dist, status);
    return (*total)[HQ_SUM_REFUSED] > 0 ? diverged(step->run, (*total)[HQ_SUM_REFUSED]) : HQ_OK;
}

hq_status hq_train_step(hq_run *run, hq_step_result *result)
{
    hq_step step;
    const int64_t *total;
    hq_phase_step(run->progress.step + 1);
    const int together = begin(run, &step);
    HQ_TRY(compute(&step, together, &total));
    *result = (hq_step_result){.loss = hq_fixed_get_one(total[HQ_SUM_LOSS], HQ_FIXED_GRADIENT),
                               .learning_rate = rate_of(run, &step.span),
                               .batch = step.span.count,
                               .stop = total[HQ_SUM_STOP] > 0,
                               .save = total[HQ_SUM_SAVE] > 0};
    hq_phase_enter(HQ_PHASE_UPDATE);
    update_parameters(run, total, result->learning_rate);
    update_statistics(run, total);
    hq_phase_enter(HQ_PHASE_OTHER);
    run->progress.step++;
    run->progress.step_in_epoch++;
    run->progress.correct += total[HQ_SUM_CORRECT];
    run->progress.seen += step.span.count;
    run->epoch_loss += result->loss * step.span.count;
    return HQ_OK;
}

/* ---- memory of a step ------------------------------------------------------------------------------------------ */

/* With statistics of the whole batch all micro-batches of a rank; else those that may be computed together so that a
 * sum between nodes is hidden. */
int hq_train_most_held(const hq_dist *dist, const hq_config *config, const hq_data_info *info)
{
    const int64_t n = info->count[HQ_SPLIT_TRAIN], batch = n < config->train_batch ? n : config->train_batch;
    const int microbatch = hq_train_microbatch(config);
    const int64_t rounds = hq_rounds_make(dist, (batch + microbatch - 1) / microbatch).count;
    if (hq_train_joint(config)) return (int)rounds;
    const int most = hq_dist_sum_may_hide(dist, config->dist_overlap) ? config->dist_group : 1;
    return rounds < most ? (int)rounds : most;
}

bool hq_train_joint(const hq_config *config)
{
    return config->model_norm == HQ_NORM_BATCH && config->model_norm_statistics == HQ_NORM_STATISTICS_BATCH;
}

/* Behind HQ_SUM_* and the statistics come the gradients; borders where those of a layer start, of the first one what
 * lies before them too. */
hq_status hq_train_open_sum(hq_run *run)
{
    const hq_param *list;
    const int n = hq_model_params_list(run->model, &list);
    size_t *border;
    run->gradients_at = HQ_SUM_COUNT + statistics_summed(run);
    HQ_TRY(hq_dist_alloc(run->dist, (size_t)n, sizeof *border, "borders", &border));
    for (int i = 1; i < n; i++) border[i] = (size_t)(run->gradients_at + list[i].offset);
    border[0] = 0;
    const hq_sum_options options = {.count = (size_t)(run->gradients_at + hq_model_param_count(run->model)),
                                    .border = border,
                                    .borders = n,
                                    .piece_bytes = (size_t)run->config->dist_piece * 1024,
                                    .algorithm = run->config->dist_sum,
                                    .exchange = run->config->dist_exchange,
                                    .overlap = run->config->dist_overlap,
                                    .group = run->joint ? 1 : run->most_held};
    const hq_status status = hq_dist_sum_create(run->dist, &options, &run->sum);
    hq_free(border);
    return status;
}
