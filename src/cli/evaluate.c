/* evaluate.c: hqcnn-dist evaluate and predict: metrics and scores of a trained model. */
#include "cli/cli.h"

#include "hqcnn/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything an evaluation yields on rank 0. */
typedef struct hq_results {
    hq_evaluation evaluation;
    double *scores;
    hq_class_metrics *per_class;
    int64_t *confusion;
} hq_results;

static hq_status compute(hq_dist *dist, const hq_options *options, hq_loaded *loaded, hq_results *results)
{
    const hq_data_info *info = &loaded->data.set.info;
    const size_t k = (size_t)info->classes, n = (size_t)info->count[options->split];
    hq_status status = HQ_OK;
    if (hq_dist_rank(dist) == 0) {
        status = hq_alloc_array(n * k, sizeof(double), "scores", &results->scores);
        if (status == HQ_OK) status = hq_alloc_array(k, sizeof(hq_class_metrics), "metrics", &results->per_class);
        size_t cells = info->task == HQ_TASK_MULTI_LABEL ? 4 * k : k * k;
        if (status == HQ_OK) status = hq_alloc_array(cells, sizeof(int64_t), "confusion matrix", &results->confusion);
    }
    HQ_TRY(hq_dist_agree(dist, status));
    return hq_train_evaluate(dist, &loaded->config, loaded->model, loaded->spreader, &loaded->data.set, options->split,
                             NULL, &results->evaluation, results->scores, results->per_class, results->confusion);
}

static void release(hq_results *results)
{
    hq_free(results->scores);
    hq_free(results->per_class);
    hq_free(results->confusion);
}

static void print_classes(const hq_data_info *info, const hq_results *results)
{
    const int k = info->classes;
    const bool multi = info->task == HQ_TASK_MULTI_LABEL;
    hq_say("\n  class  samples     AUC  precision  recall      F1\n");
    for (int i = 0; i < k; i++) {
        const hq_class_metrics *m = &results->per_class[i];
        hq_say("  %5d  %7lld  %6.4f     %.4f  %.4f  %.4f\n", i, (long long)m->support, m->auc, m->precision, m->recall,
               m->f1);
    }
    hq_say(multi ? "\n  label     TN     FP     FN     TP\n" : "\n  confusion matrix: rows true, columns predicted\n");
    const int columns = multi ? 4 : k;
    for (int i = 0; i < k; i++) {
        hq_say("  %5d", i);
        for (int j = 0; j < columns; j++) hq_say(" %6lld", (long long)results->confusion[i * columns + j]);
        hq_say("\n");
    }
}

static json_t *classes_json(const hq_data_info *info, const hq_results *results)
{
    json_t *list = json_array();
    for (int i = 0; i < info->classes; i++) {
        const hq_class_metrics *m = &results->per_class[i];
        json_t *object = json_object();
        hq_json_put(&object, "samples", json_integer(m->support));
        hq_json_put(&object, "auc", hq_json_number(m->auc));
        hq_json_put(&object, "precision", hq_json_number(m->precision));
        hq_json_put(&object, "recall", hq_json_number(m->recall));
        hq_json_put(&object, "f1", hq_json_number(m->f1));
        hq_json_append(&list, object);
    }
    return list;
}

static json_t *confusion_json(const hq_data_info *info, const hq_results *results)
{
    const int columns = info->task == HQ_TASK_MULTI_LABEL ? 4 : info->classes;
    json_t *rows = json_array();
    for (int i = 0; i < info->classes; i++) {
        json_t *row = json_array();
        for (int j = 0; j < columns; j++) hq_json_append(&row, json_integer(results->confusion[i * columns + j]));
        hq_json_append(&rows, row);
    }
    return rows;
}

static hq_status print_json(const hq_options *options, const hq_data_info *info, const hq_results *results)
{
    const hq_metrics *m = &results->evaluation.metrics;
    json_t *object = json_object();
    hq_json_put(&object, "checkpoint", hq_json_text(options->checkpoint));
    hq_json_put(&object, "data", hq_json_text(info->name));
    hq_json_put(&object, "split", json_string(hq_split_name(options->split)));
    hq_json_put(&object, "samples", json_integer(m->samples));
    hq_json_put(&object, "acc", hq_json_number(m->acc));
    hq_json_put(&object, "auc", hq_json_number(m->auc));
    hq_json_put(&object, "precision", hq_json_number(m->precision));
    hq_json_put(&object, "recall", hq_json_number(m->recall));
    hq_json_put(&object, "f1", hq_json_number(m->f1));
    hq_json_put(&object, "loss", hq_json_number(results->evaluation.loss));
    hq_json_put(&object, "classes", classes_json(info, results));
    hq_json_put(&object, "confusion", confusion_json(info, results));
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(object);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the results");
    hq_say("%s\n", text);
    free(text);
    return HQ_OK;
}

static hq_status show(const hq_options *options, const hq_loaded *loaded, const hq_results *results)
{
    const hq_data_info *info = &loaded->data.set.info;
    if (options->json) return print_json(options, info, results);
    char title[320];
    snprintf(title, sizeof title, "%s split of %s, %.100s", hq_split_name(options->split), info->name,
             options->checkpoint);
    hq_train_print_table(title, info, &results->evaluation, results->per_class);
    print_classes(info, results);
    return HQ_OK;
}

/* ---- predict ----------------------------------------------------------------------------------------------------- */

static int predicted_class(const hq_data_info *info, const double *score)
{
    int best = 0;
    if (info->task == HQ_TASK_BINARY) return score[1] > 0.5;
    for (int k = 1; k < info->classes; k++)
        if (score[k] > score[best]) best = k;
    return best;
}

static void write_sample(FILE *file, const hq_data_info *info, int64_t i, const int32_t *label, const double *score)
{
    fprintf(file, "%lld", (long long)i);
    for (int k = 0; k < info->labels; k++) fprintf(file, ",%d", (int)label[k]);
    for (int k = 0; k < info->labels; k++)
        fprintf(file, ",%d", info->task == HQ_TASK_MULTI_LABEL ? score[k] > 0.5 : predicted_class(info, score));
    for (int k = 0; k < info->classes; k++) fprintf(file, ",%.17g", score[k]);
    fputc('\n', file);
}

static void write_header(FILE *file, const hq_data_info *info)
{
    static const char *const kind[] = {"label", "predicted"};
    fputs("sample", file);
    for (int which = 0; which < 2; which++)
        for (int k = 0; k < info->labels; k++) {
            fprintf(file, ",%s", kind[which]);
            if (info->labels > 1) fprintf(file, "_%d", k);
        }
    for (int k = 0; k < info->classes; k++) fprintf(file, ",score_%d", k);
    fputc('\n', file);
}

typedef struct hq_scores {
    const hq_dataset *set;
    int split;
    const double *scores;
} hq_scores;

static bool write_csv(FILE *file, const void *ctx)
{
    const hq_scores *s = ctx;
    const hq_data_info *info = &s->set->info;
    write_header(file, info);
    for (int64_t i = 0; i < info->count[s->split]; i++)
        write_sample(file, info, i, s->set->label[s->split] + i * info->labels, s->scores + i * info->classes);
    return true;
}

typedef hq_status (*hq_finish)(const hq_options *options, const hq_loaded *loaded, const hq_results *results);

static hq_status save_scores(const hq_options *options, const hq_loaded *loaded, const hq_results *results)
{
    const hq_scores scores = {&loaded->data.set, options->split, results->scores};
    return hq_cli_write("--output", options->output, write_csv, &scores);
}

static hq_status run(hq_dist *dist, const hq_options *options, hq_finish finish)
{
    hq_loaded *loaded;
    hq_results results = {0};
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *loaded, "model", &loaded));
    hq_status status = hq_cli_load(dist, options, loaded);
    if (status == HQ_OK) {
        status = compute(dist, options, loaded, &results);
        if (status == HQ_OK)
            status = hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? finish(options, loaded, &results) : HQ_OK);
        release(&results);
        hq_cli_unload(loaded);
    }
    hq_free(loaded);
    return status;
}

hq_status hq_cli_evaluate(hq_dist *dist, const hq_options *options) { return run(dist, options, show); }
hq_status hq_cli_predict(hq_dist *dist, const hq_options *options) { return run(dist, options, save_scores); }
