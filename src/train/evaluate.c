/* evaluate.c: scores of a split from all ranks, each sample once, and what they amount to. */
#include "hqcnn/nn.h"
#include "train/rounds.h"
#include "train/run.h"

/* Buffers of one evaluation on one rank. */
typedef struct hq_scoring {
    hq_reader *reader;
    hq_real *x;
    int64_t *samples;
    double *mine; /* rows of this rank: classes scores, then the sample's loss */
    double *all;  /* rank 0: rows of all samples, then their scores alone */
} hq_scoring;

/* One evaluation of a split: what is equal for all its groups. */
typedef struct hq_scored {
    hq_model *model;
    hq_spreader *spreader;
    const hq_dataset *data;
    hq_split split;
    int group; /* samples */
    const hq_asked *asked;
    int64_t ask_rounds; /* between two agreements on that */
} hq_scored;

/* Samples of different splits draw different random numbers. */
static int64_t key_of(hq_split split, int64_t sample) { return (int64_t)split << 40 | sample; }

static hq_status score_rows(const hq_scored *scored, int64_t first, int n, const hq_runner *runner, hq_scoring *scoring,
                            double *rows)
{
    const hq_data_info *info = &scored->data->info;
    const int k = info->classes, width = k + 1;
    const hq_real *logits;
    const hq_order order = {.split = scored->split, .batch = n};
    const hq_piece piece = {.first = first, .count = n, .n = n};
    const hq_status loaded = hq_reader_load(scoring->reader, &order, &piece, 0, NULL, scoring->samples, scoring->x);
    if (loaded != HQ_OK) { /* joins the circuits of the others all the same */
        const hq_status joined = hq_model_join(scored->model, 0, runner);
        return joined > loaded ? joined : loaded;
    }
    for (int i = 0; i < n; i++) scoring->samples[i] = key_of(scored->split, first + i);
    const hq_model_batch batch = {.n = n, .x = scoring->x, .samples = scoring->samples, .runner = runner};
    HQ_TRY(hq_model_predict(scored->model, &batch, &logits));
    const bool multi = info->task == HQ_TASK_MULTI_LABEL;
    for (int i = 0; i < n; i++, logits += k) {
        double *row = rows + (size_t)i * (size_t)width;
        const int32_t *label = scored->data->label[scored->split] + (first + i) * info->labels;
        (multi ? hq_sigmoid_scores : hq_softmax_scores)(1, k, logits, row);
        (multi ? hq_sigmoid_loss : hq_softmax_loss)(1, k, logits, label, NULL, info->labels, &row[k], NULL);
    }
    return HQ_OK;
}

/* Evaluates this rank's share of the groups, in rounds with the others. */
static hq_status score_share(hq_dist *dist, const hq_scored *scored, hq_scoring *scoring)
{
    const int64_t n = scored->data->info.count[scored->split], group = scored->group;
    const hq_rounds rounds = hq_rounds_make(dist, (n + group - 1) / group);
    const size_t width = (size_t)scored->data->info.classes + 1;
    hq_status status = HQ_OK;
    for (int64_t r = 0; r < rounds.count; r++) {
        const int64_t g = hq_rounds_group(&rounds, r), first = g * group;
        const hq_runner *runner =
            hq_train_spreader_round(scored->spreader, hq_rounds_active(&rounds, r) * group, group);
        hq_status here;
        if (g < 0 || status != HQ_OK)
            here = hq_model_join(scored->model, 0, runner);
        else
            here = score_rows(scored, first, (int)(n - first < group ? n - first : group), runner, scoring,
                              scoring->mine + (size_t)(first - rounds.lo * group) * width);
        if (here > status) status = here;
        if (scored->asked && (r + 1) % scored->ask_rounds == 0 && r + 1 < rounds.count) {
            const bool stop = scored->asked->stop(scored->asked->ctx);
            HQ_TRY(hq_dist_agree(dist, status == HQ_OK && stop ? HQ_INTERRUPTED : status));
        }
    }
    return status;
}

static hq_status allocate(const hq_dist *dist, const hq_scored *scored, hq_scoring *scoring)
{
    const hq_data_info *info = &scored->data->info;
    const int group = scored->group;
    const size_t n = (size_t)info->count[scored->split], width = (size_t)info->classes + 1;
    const size_t groups = (n + (size_t)group - 1) / (size_t)group;
    const size_t mine = (groups / (size_t)hq_dist_size(dist) + 1) * (size_t)group;
    HQ_TRY(hq_reader_create(scored->data, 0, 1, &scoring->reader));
    HQ_TRY(hq_alloc_array((size_t)group, hq_model_input_size(scored->model) * sizeof(hq_real), "images", &scoring->x));
    HQ_TRY(hq_alloc_array((size_t)group, sizeof(int64_t), "sample numbers", &scoring->samples));
    HQ_TRY(hq_alloc_array(mine * width, sizeof(double), "scores", &scoring->mine));
    if (hq_dist_rank(dist) != 0) return HQ_OK;
    return hq_alloc_array(n * width, sizeof(double), "scores of all ranks", &scoring->all);
}

static void release(hq_scoring *scoring)
{
    hq_reader_destroy(scoring->reader);
    hq_free(scoring->x);
    hq_free(scoring->samples);
    hq_free(scoring->mine);
    hq_free(scoring->all);
}

/* Rank 0: splits rows into scores (moved to the front of `all`) and the mean loss, then computes the metrics. */
static hq_status conclude(const hq_dataset *data, hq_split split, double *all, hq_evaluation *evaluation,
                          double *scores, hq_class_metrics *per_class, int64_t *confusion)
{
    const hq_data_info *info = &data->info;
    const int64_t n = info->count[split];
    const int k = info->classes;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        loss += all[i * (k + 1) + k];
        for (int j = 0; j < k; j++) all[i * k + j] = all[i * (k + 1) + j];
    }
    evaluation->loss = loss / (double)n;
    if (scores)
        for (int64_t i = 0; i < n * k; i++) scores[i] = all[i];
    return hq_metrics_compute(info->task, k, n, all, data->label[split], &evaluation->metrics, per_class, confusion);
}

hq_status hq_train_evaluate(hq_dist *dist, const hq_config *config, hq_model *model, hq_spreader *spreader,
                            const hq_dataset *data, hq_split split, const hq_asked *asked, hq_evaluation *evaluation,
                            double *scores, hq_class_metrics *per_class, int64_t *confusion)
{
    const hq_phase before = hq_phase_enter(HQ_PHASE_EVALUATE);
    const int group = hq_train_microbatch(config);
    const hq_scored scored = {model, spreader, data, split, group, asked, config->executor_command[0] ? 1 : 16};
    hq_scoring scoring = {0};
    hq_status status = hq_dist_agree(dist, allocate(dist, &scored, &scoring));
    if (status == HQ_OK) status = hq_dist_agree(dist, score_share(dist, &scored, &scoring));
    if (status == HQ_OK)
        status = hq_dist_gather_rows(dist, data->info.count[split], group, data->info.classes + 1, scoring.mine,
                                     scoring.all);
    if (status == HQ_OK && hq_dist_rank(dist) == 0)
        status = conclude(data, split, scoring.all, evaluation, scores, per_class, confusion);
    release(&scoring);
    status = hq_dist_agree(dist, status);
    if (status == HQ_OK) status = hq_dist_bcast(dist, evaluation, sizeof *evaluation);
    hq_phase_enter(before);
    return status;
}
