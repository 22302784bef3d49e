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

/* Images, labels and sample numbers of micro-batch m, and its size. */
static hq_status load_micro(hq_run *run, const hq_span *span, int64_t m, int *out_n)
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
    int64_t lo, hi;
    hq_dist_share(run->dist, span->micro, &lo, &hi);
    HQ_TRY(hq_reader_load(run->reader, &order, &piece, (int)(m - lo), changes ? &augment : NULL, run->samples, run->x));
    for (int i = 0; i < piece.n; i++)
        memcpy(run->labels + (size_t)i * labels, set->label[HQ_SPLIT_TRAIN] + (size_t)run->samples[i] * labels,
               labels * sizeof *run->labels);
    *out_n = piece.n;
    return HQ_OK;
}

/* A rank without the images of its micro-batch still joins the circuits of the others in the round. */
static hq_status join_failed(const hq_run *run, hq_status failure, const hq_runner *runner)
{
    const hq_status joined = hq_model_join(run->model, true, (uint32_t)run->progress.epoch, runner);
    return joined > failure ? joined : failure;
}

/* Right predictions among n samples: argmax (first maximum), or labels at score > 0.5 for multi-label. */
static int64_t count_correct(const hq_run *run, int n, const hq_real *logits)
{
    const int k = run->data.set.info.classes;
    int64_t correct = 0;
    for (int i = 0; i < n; i++, logits += k) {
        if (run->data.set.info.task == HQ_TASK_MULTI_LABEL) {
            for (int j = 0; j < k; j++) correct += (logits[j] > 0) == (run->labels[i * k + j] != 0);
            continue;
        }
        int best = 0;
        for (int j = 1; j < k; j++)
            if (logits[j] > logits[best]) best = j;
        correct += best == run->labels[i];
    }
    return correct;
}

/* Adds gradient, statistics, loss and counts of micro-batch m to the sums. */
static hq_status add_micro(hq_run *run, const hq_span *span, int64_t m, const hq_runner *runner)
{
    const hq_data_info *info = &run->data.set.info;
    const int64_t p = hq_model_param_count(run->model), s = hq_model_stat_count(run->model);
    int64_t *extra = run->sums + p + s;
    double since = hq_clock();
    int n;
    const hq_status loaded = load_micro(run, span, m, &n);
    if (loaded != HQ_OK) return join_failed(run, loaded, runner);
    hq_model_batch batch = {.n = n,
                            .x = run->x,
                            .labels = run->labels,
                            .samples = run->samples,
                            .class_weight = run->class_weight,
                            .denominator = (double)span->count * info->labels,
                            .seed = (uint64_t)run->config->train_seed,
                            .epoch = (uint32_t)run->progress.epoch,
                            .runner = runner};
    double loss;
    const hq_real *logits;
    hq_clock_lap(&since, &run->times.data);
    HQ_TRY(hq_model_train(run->model, &batch, &loss, &logits));
    hq_clock_lap(&since, &run->times.network);
    int64_t refused = hq_fixed_add(run->sums, hq_model_grads(run->model), (size_t)p, 1, HQ_FIXED_GRADIENT, span->micro);
    refused += hq_fixed_add(run->sums + p, hq_model_batch_stats(run->model), (size_t)s, (double)batch.n / span->count,
                            HQ_FIXED_STATISTIC, span->micro);
    refused += hq_fixed_add_one(&extra[HQ_SUM_LOSS], loss, HQ_FIXED_GRADIENT, span->micro);
    extra[HQ_SUM_REFUSED] += refused;
    extra[HQ_SUM_CORRECT] += count_correct(run, batch.n, logits);
    hq_clock_lap(&since, &run->times.exchange);
    return HQ_OK;
}

/* Scales the gradient to the largest allowed norm; the norm is of the summed gradient, the same on every rank. */
static void clip(hq_real *grad, int64_t n, double largest)
{
    double squares = 0;
    for (int64_t i = 0; i < n; i++) squares += (double)grad[i] * (double)grad[i];
    double norm = sqrt(squares);
    if (norm <= largest) return;
    for (int64_t i = 0; i < n; i++) grad[i] = (hq_real)(grad[i] * (largest / norm));
}

static void update_parameters(hq_run *run, double rate)
{
    const hq_param *list;
    const int n = hq_model_params_list(run->model, &list);
    hq_real *params = hq_model_params(run->model), *grads = hq_model_grads(run->model);
    hq_fixed_get(run->sums, grads, (size_t)hq_model_param_count(run->model), HQ_FIXED_GRADIENT);
    if (run->config->train_clip_norm > 0) clip(grads, hq_model_param_count(run->model), run->config->train_clip_norm);
    for (int i = 0; i < n; i++) {
        int64_t at = list[i].offset;
        hq_optimizer_step(&run->optimizer, rate, run->progress.step + 1, (size_t)list[i].count, list[i].decays,
                          grads + at, params + at, run->moment1 + at, run->moment2 ? run->moment2 + at : NULL);
    }
}

/* Running statistics: 0.9 old + 0.1 of this batch, the mean over its micro-batches weighted by their samples. */
static void update_statistics(hq_run *run)
{
    const int64_t n = hq_model_stat_count(run->model);
    hq_real *stats = hq_model_stats(run->model);
    hq_fixed_get(run->sums + hq_model_param_count(run->model), run->mean_stats, (size_t)n, HQ_FIXED_STATISTIC);
    for (int64_t i = 0; i < n; i++)
        stats[i] = (hq_real)((1 - 0.1) * (double)stats[i] + 0.1 * (double)run->mean_stats[i]);
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
            run->config->train_learning_rate);
}

/* All micro-batches of the batch, round by round. A rank that fails (an external executor, or images that cannot be
 * read) takes part in the rounds that are left, so that nobody waits for it. */
static hq_status run_rounds(hq_run *run, const hq_span *span)
{
    const hq_rounds rounds = hq_rounds_make(run->dist, span->micro);
    hq_status status = HQ_OK;
    for (int64_t r = 0; r < rounds.count; r++) {
        const int64_t m = hq_rounds_group(&rounds, r), active = hq_rounds_active(&rounds, r);
        const hq_runner *runner = hq_train_spreader_round(run->spreader, active * run->microbatch, run->microbatch);
        const bool joins = m < 0 || status != HQ_OK;
        hq_status here = joins ? hq_model_join(run->model, true, (uint32_t)run->progress.epoch, runner)
                               : add_micro(run, span, m, runner);
        if (here > status) status = here;
    }
    return status;
}

/* A rank that has failed cannot leave the others waiting in the sum: it takes part and tells. */
hq_status hq_train_step(hq_run *run, hq_step_result *result)
{
    const hq_span span = current_batch(run);
    const size_t extra_at = (size_t)(hq_model_param_count(run->model) + hq_model_stat_count(run->model));
    int64_t *extra = run->sums + extra_at;
    memset(run->sums, 0, (extra_at + HQ_SUM_COUNT) * sizeof *run->sums);
    const hq_status status = run_rounds(run, &span);
    extra[HQ_SUM_FAILED] = status != HQ_OK;
    extra[HQ_SUM_STOP] = hq_train_signals_asked();
    double since = hq_clock();
    HQ_TRY(hq_dist_sum(run->dist, run->sums, extra_at + HQ_SUM_COUNT));
    hq_clock_lap(&since, &run->times.exchange);
    if (extra[HQ_SUM_FAILED] > 0) return hq_dist_agree(run->dist, status);
    if (extra[HQ_SUM_REFUSED] > 0) return diverged(run, extra[HQ_SUM_REFUSED]);
    *result = (hq_step_result){.loss = hq_fixed_get_one(extra[HQ_SUM_LOSS], HQ_FIXED_GRADIENT),
                               .learning_rate = rate_of(run, &span),
                               .batch = span.count,
                               .stop = extra[HQ_SUM_STOP] > 0};
    update_parameters(run, result->learning_rate);
    update_statistics(run);
    hq_clock_lap(&since, &run->times.update);
    run->progress.step++;
    run->progress.step_in_epoch++;
    run->progress.correct += extra[HQ_SUM_CORRECT];
    run->progress.seen += span.count;
    run->epoch_loss += result->loss * span.count;
    return HQ_OK;
}
