/* bench_scale.c: hqcnn-dist bench scale: the same training on 1, 2, 4, ... of the ranks, with as many images for each
 * rank (weak scaling) and with as many in all (strong scaling); what sums cost, and what that means for more ranks. */
#include "cli/cli.h"

#include "hqcnn/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 32, KINDS = 2 };
enum { WEAK, STRONG };
static const double run_seconds = 0.2; /* of one of the timings of a point, about */
static const char *const kind_name[KINDS] = {"weak", "strong"};

typedef struct hq_scaling {
    int points;
    hq_scale_point point[KINDS][POINTS_MAX];
    hq_sum_cost cost[POINTS_MAX]; /* on as many ranks as the point */
    int group;                    /* dist.group */
} hq_scaling;

/* ---- measuring ------------------------------------------------------------------------------------------------- */

/* A point of all ranks that take part: both kinds, and sums alone. */
static hq_status measure_part(hq_dist *part, const hq_config *config, int64_t each, int ranks, hq_scaling *scaling)
{
    hq_config changed = *config;
    const int at = scaling->points;
    for (int kind = 0; kind < KINDS; kind++) {
        changed.train_batch = (int)(kind == WEAK ? each * hq_dist_size(part) : each * ranks);
        if (kind == STRONG && hq_dist_size(part) == ranks) { /* the same training */
            scaling->point[STRONG][at] = scaling->point[WEAK][at];
            break;
        }
        HQ_TRY(hq_train_scale(part, &changed, run_seconds, &scaling->point[kind][at]));
    }
    return hq_dist_sum_cost(part, &scaling->cost[at]);
}

/* The first `ranks` ranks work, the others sleep; then all know. */
static hq_status measure_point(hq_dist *dist, const hq_config *config, int64_t each, int ranks, hq_scaling *scaling)
{
    const bool works = hq_dist_rank(dist) < ranks;
    hq_dist *part;
    HQ_TRY(hq_dist_split(dist, works ? 0 : 1, &part));
    hq_status status = works ? measure_part(part, config, each, hq_dist_size(dist), scaling) : HQ_OK;
    hq_dist_split_free(part);
    if (status == HQ_ERR_COMM) return status;
    HQ_TRY(hq_dist_rest(dist));
    HQ_TRY(hq_dist_agree(dist, status));
    scaling->points++;
    return HQ_OK;
}

static hq_status check(const hq_dist *dist, hq_config *config)
{
    const int size = hq_dist_size(dist), batch = config->train_batch;
    if (batch % size != 0)
        HQ_FAIL(HQ_ERR_CONFIG, "bench scale: train.batch = %d cannot be divided by %d ranks; allowed: multiples of it",
                batch, size);
    config->train_batch = batch / size;
    config->train_microbatch = hq_train_microbatch(config); /* of as many images at every point */
    config->train_batch = batch;
    if (batch / size % config->train_microbatch != 0)
        HQ_FAIL(HQ_ERR_CONFIG,
                "bench scale: %d images a rank (train.batch / ranks) cannot be cut into micro-batches of %d; give a "
                "train.microbatch that divides them",
                batch / size, config->train_microbatch);
    if (strcmp(config->data_source, "phantom") == 0 && config->phantom_train < config->train_batch)
        config->phantom_train = config->train_batch;
    return HQ_OK;
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

static double rate(const hq_scale_point *point) { return (double)point->images / point->settled; }

/* Images per second against those of one rank times the ranks. */
static double efficiency(const hq_scaling *scaling, int kind, int at)
{
    return rate(&scaling->point[kind][at]) / (rate(&scaling->point[kind][0]) * scaling->point[kind][at].ranks);
}

static double exposed(double step, double alone) { return step > alone ? (step - alone) / step : 0; }

static void print_kind(const hq_scaling *scaling, int kind)
{
    const hq_scale_point *last = &scaling->point[kind][scaling->points - 1];
    if (kind == WEAK)
        hq_say("\nweak scaling, %lld images of a step on each rank\n", (long long)last->images / last->ranks);
    else
        hq_say("\nstrong scaling, %lld images of a step on all ranks together\n", (long long)last->images);
    hq_say("  ranks  nodes  images/s  efficiency   step ms  without sums  exposed, sums behind  as settled  work "
           "us/image  MB/rank  of its own\n");
    for (int i = 0; i < scaling->points; i++) {
        const hq_scale_point *p = &scaling->point[kind][i];
        hq_say("  %5d  %5d  %8.0f  %8.0f %%  %8.2f  %12.2f  %18.1f %%  %8.1f %%  %13.1f  %7.0f  %10.0f\n", p->ranks,
               p->nodes, rate(p), 100 * efficiency(scaling, kind, i), 1e3 * p->settled, 1e3 * p->alone,
               100 * exposed(p->at_end, p->alone), 100 * exposed(p->settled, p->alone), 1e6 * p->work, p->memory / 1e6,
               p->share / 1e6);
    }
}

static void print_sums(const hq_scaling *scaling)
{
    const double bytes = scaling->point[WEAK][0].sum_bytes;
    hq_say(
        "\nsums of %.0f kB: model ceil(log2 p) alpha + 2 (p - 1) / p n beta + (p - 1) / p n gamma, fitted to sums by "
        "MPI alone\n",
        bytes / 1e3);
    hq_say("  ranks  alpha us  beta ns/B  gamma ns/B  worst error  model ms  in a step ms  way\n");
    for (int i = 1; i < scaling->points; i++) {
        const hq_scale_point *p = &scaling->point[WEAK][i];
        const hq_sum_cost *cost = &scaling->cost[i];
        hq_say("  %5d  %8.1f  %9.3f  %10.3f  %9.0f %%  %8.2f  %12.2f  %s\n", p->ranks, 1e6 * cost->alpha,
               1e9 * cost->beta, 1e9 * cost->gamma, 100 * cost->worst, 1e3 * hq_dist_sum_predict(cost, p->ranks, bytes),
               1e3 * fmax(0, p->at_end - p->alone), p->way);
    }
}

/* Seconds of a step on `ranks` ranks with a core each, if they had the network of the largest point. */
static double predict(const hq_scaling *scaling, int kind, int ranks, bool hides)
{
    const hq_scale_point *one = &scaling->point[WEAK][0], *all = &scaling->point[kind][scaling->points - 1];
    const double micro = one->alone / ceil((double)one->images / one->microbatch);
    const double images = kind == WEAK ? (double)one->images : ceil((double)all->images / ranks);
    const double rounds = fmax(1, ceil(images / one->microbatch));
    const double sum = hq_dist_sum_predict(&scaling->cost[scaling->points - 1], ranks, one->sum_bytes);
    const double hidden = hides ? one->backward * micro * fmin(rounds, scaling->group) : 0;
    return rounds * micro + fmax(sum - hidden, 0);
}

static void print_prediction(const hq_scaling *scaling)
{
    static const int ranks[] = {64, 1024, 16384};
    if (scaling->points < 2) return;
    hq_say("\nprediction, if every rank computes as fast as one here alone and any two are as far apart as here:\n");
    hq_say("  ranks   weak: step ms  efficiency, sums behind  hidden as far as can be   strong: step ms  efficiency\n");
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        const double one = predict(scaling, WEAK, 1, false), behind = predict(scaling, WEAK, ranks[i], false);
        const double hidden = predict(scaling, WEAK, ranks[i], true);
        const double strong = predict(scaling, STRONG, ranks[i], true);
        hq_say("  %5d  %14.2f  %22.0f %%  %22.0f %%  %16.2f  %8.1f %%\n", ranks[i], 1e3 * behind, 100 * one / behind,
               100 * one / hidden, 1e3 * strong, 100 * predict(scaling, STRONG, 1, false) / strong / ranks[i]);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *point_json(const hq_scaling *scaling, int kind, int at)
{
    const hq_scale_point *p = &scaling->point[kind][at];
    const hq_sum_cost *cost = &scaling->cost[at];
    return json_pack("{s:s, s:i, s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:f, s:f, s:f}", "scaling",
                     kind_name[kind], "ranks", p->ranks, "nodes", p->nodes, "images_per_step", (json_int_t)p->images,
                     "seconds_per_step", p->settled, "seconds_without_sums", p->alone, "seconds_sums_behind", p->at_end,
                     "efficiency", efficiency(scaling, kind, at), "work_seconds_per_image", p->work,
                     "peak_memory_megabytes", p->memory / 1e6, "own_memory_megabytes", p->share / 1e6, "way", p->way,
                     "alpha", cost->alpha, "beta", cost->beta, "gamma", cost->gamma);
}

static hq_status print_json(const hq_scaling *scaling)
{
    json_t *root = json_array();
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < scaling->points; i++) hq_json_append(&root, point_json(scaling, kind, i));
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the results");
    hq_say("%s\n", text);
    free(text);
    return HQ_OK;
}

static void print_tables(const hq_scaling *scaling)
{
    print_kind(scaling, WEAK);
    print_kind(scaling, STRONG);
    print_sums(scaling);
    print_prediction(scaling);
    hq_say("\nWithout sums: the same steps, at whose end ranks only wait for each other. Exposed: what is longer with "
           "sums, as a share.\nWork: processor time of all ranks outside waiting.\n");
}

hq_status hq_cli_bench_scale(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    hq_scaling scaling = {0};
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    HQ_TRY(hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? check(dist, &config) : HQ_OK));
    HQ_TRY(hq_dist_bcast(dist, &config, sizeof config));
    const int size = hq_dist_size(dist);
    const int64_t each = config.train_batch / size;
    scaling.group = config.dist_group;
    for (int ranks = 1;; ranks = 2 * ranks < size ? 2 * ranks : size) {
        if (!options->json && hq_dist_rank(dist) == 0 && hq_say_is_terminal()) hq_say("%d of %d ranks\n", ranks, size);
        HQ_TRY(measure_point(dist, &config, each, ranks, &scaling));
        if (ranks == size) break;
    }
    if (hq_dist_rank(dist) != 0) return HQ_OK;
    if (options->json) return print_json(&scaling);
    print_tables(&scaling);
    return HQ_OK;
}
