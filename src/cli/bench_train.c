/* bench_train.c: hqcnn-dist bench train, infer and layers: how fast training steps and evaluations are, on all ranks
 * together, and what their time goes into. */
#include "cli/cli.h"

#include "hqcnn/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 7 };
static const double run_seconds = 0.5; /* of one run, about */

typedef struct hq_part_of_step {
    const char *name, *what;
    double seconds; /* of a step, on rank 0 */
} hq_part_of_step;

enum { PHASES = 4 };

static void list_phases(const hq_step_times *times, hq_part_of_step phase[PHASES])
{
    const hq_part_of_step list[PHASES] = {
        {"data", "images drawn, decoded, augmented", times->data},
        {"network", "forward and backward, circuits", times->network},
        {"exchange", "gradients summed over micro-batches and ranks", times->exchange},
        {"update", "of parameters and statistics", times->update},
    };
    for (int i = 0; i < PHASES; i++) phase[i] = list[i];
}

/* ---- the layers ---- */

/* One pass of one part, beside the least time that this machine needs for it. */
typedef struct hq_row {
    const hq_model_part *part;
    const char *direction;
    double seconds, flops, bytes, bound; /* of an image */
} hq_row;

static hq_row row_of(const hq_train_speed *speed, int part, bool backward)
{
    const hq_model_pass *pass = backward ? &speed->part[part].backward : &speed->part[part].forward;
    const double arithmetic = pass->flops / speed->peak_flops, memory = pass->bytes / speed->peak_bytes;
    return (hq_row){.part = &speed->part[part],
                    .direction = backward ? "backward" : "forward",
                    .seconds = pass->seconds,
                    .flops = pass->flops,
                    .bytes = pass->bytes,
                    .bound = arithmetic > memory ? arithmetic : memory};
}

/* All convolutions together. */
static hq_row convolutions(const hq_train_speed *speed, bool backward)
{
    hq_row all = {.direction = backward ? "backward" : "forward"};
    for (int i = 0; i < speed->parts; i++) {
        if (!speed->part[i].convolution) continue;
        const hq_row row = row_of(speed, i, backward);
        all.seconds += row.seconds, all.flops += row.flops, all.bytes += row.bytes, all.bound += row.bound;
    }
    return all;
}

static void print_row(const hq_train_speed *speed, const hq_row *row, const char *name, const char *shape)
{
    hq_say("  %-8s  %-8s  %-26s  %9.3f", name, row->direction, shape, row->seconds * 1e6);
    if (row->flops > 0)
        hq_say("  %8.1f  %5.0f %%", row->flops / row->seconds / 1e9,
               100 * row->flops / row->seconds / speed->peak_flops);
    else
        hq_say("  %8s  %7s", "", "");
    if (row->bytes > 0)
        hq_say("  %7.1f  %9.3f  %5.2f", row->bytes / row->seconds / 1e9, row->bound * 1e6, row->seconds / row->bound);
    hq_say("\n");
}

static void print_layers(const hq_train_speed *speed)
{
    hq_say("this core: %.1f GFLOP/s of independent multiply-adds, %.1f GB/s copying blocks of %.1f MB\n\n",
           speed->peak_flops / 1e9, speed->peak_bytes / 1e9, (double)speed->copied / 1e6);
    hq_say(
        "  layer     pass      shape                        us/image   GFLOP/s  of peak     GB/s   bound us  ratio\n");
    for (int backward = 0; backward < 2; backward++) {
        for (int i = 0; i < speed->parts; i++) {
            const hq_row row = row_of(speed, backward ? speed->parts - 1 - i : i, backward);
            print_row(speed, &row, row.part->name, row.part->shape);
        }
        const hq_row all = convolutions(speed, backward);
        print_row(speed, &all, "conv", "all convolutions");
    }
    hq_say(
        "\nGFLOP/s count the products of the definition of a layer. Winograd's algorithm needs fewer, and 16-bit "
        "numbers "
        "(compute.precision)\nmultiply faster: both may pass the peak, which is of single precision. Bound: the larger "
        "of arithmetic at the peak and\nevery array once through the caches at the rate of copies.\n");
}

static json_t *row_json(const hq_train_speed *speed, const hq_row *row, const char *name, const char *shape)
{
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f}", "layer", name, "pass", row->direction, "shape", shape,
                     "seconds", row->seconds, "flops", row->flops, "bytes", row->bytes, "bound", row->bound,
                     "peak_fraction", row->seconds > 0 ? row->flops / row->seconds / speed->peak_flops : 0);
}

static json_t *layers_json(const hq_train_speed *speed)
{
    json_t *list = json_array();
    for (int backward = 0; backward < 2; backward++) {
        for (int i = 0; i < speed->parts; i++) {
            const hq_row row = row_of(speed, i, backward);
            hq_json_append(&list, row_json(speed, &row, row.part->name, row.part->shape));
        }
        const hq_row all = convolutions(speed, backward);
        hq_json_append(&list, row_json(speed, &all, "conv", "all convolutions"));
    }
    return list;
}

/* ---- the whole ---- */

static void print_phases(const hq_train_speed *speed, double median)
{
    hq_part_of_step phase[PHASES];
    list_phases(&speed->times, phase);
    hq_say("  phase      us/image   share\n");
    for (int i = 0; i < PHASES; i++)
        hq_say("  %-8s  %9.3f  %4.1f %%   %s\n", phase[i].name, phase[i].seconds / (double)speed->images * 1e6,
               100 * phase[i].seconds / median, phase[i].what);
}

/* times[RUNS] are sorted. */
static void print_table(int command, const hq_train_speed *speed, double median, const double *times)
{
    const double images = (double)speed->images;
    const char *what = command == HQ_COMMAND_BENCH_INFER ? "evaluation" : "step";
    hq_say("\nmedian of %d runs of %d %s%s of %lld images: %.4g images/s (%.4g to %.4g), %.3f ms a%s %s\n", RUNS,
           speed->steps, what, speed->steps == 1 ? "" : "s", (long long)speed->images, images / median,
           images / times[RUNS - 1], images / times[0], median * 1e3, what[0] == 'e' ? "n" : "", what);
    hq_say("resident memory of a rank: %.0f MB at most\n\n", speed->memory / 1e6);
    if (command == HQ_COMMAND_BENCH_TRAIN) print_phases(speed, median);
    if (command == HQ_COMMAND_BENCH_LAYERS) print_layers(speed);
}

static hq_status print_json(int command, const hq_train_speed *speed, double median)
{
    const char *step = command == HQ_COMMAND_BENCH_INFER ? "evaluation" : "step";
    char images[32], steps[32], seconds[32];
    snprintf(images, sizeof images, "images_per_%s", step);
    snprintf(steps, sizeof steps, "%ss_per_run", step);
    snprintf(seconds, sizeof seconds, "seconds_per_%s", step);
    json_t *root = json_pack("{s:i, s:I, s:i, s:f, s:f, s:f}", "ranks", speed->ranks, images, (json_int_t)speed->images,
                             steps, speed->steps, "images_per_second", (double)speed->images / median, seconds, median,
                             "peak_memory_megabytes", speed->memory / 1e6);
    if (command == HQ_COMMAND_BENCH_TRAIN) {
        hq_part_of_step phase[PHASES];
        list_phases(&speed->times, phase);
        json_t *phases = json_object();
        for (int i = 0; i < PHASES; i++) hq_json_put(&phases, phase[i].name, json_real(phase[i].seconds));
        hq_json_put(&root, "phase_seconds_per_step", phases);
    } else if (command == HQ_COMMAND_BENCH_LAYERS) {
        hq_json_put(&root, "peak_flops", json_real(speed->peak_flops));
        hq_json_put(&root, "peak_bytes", json_real(speed->peak_bytes));
        hq_json_put(&root, "layers_per_image", layers_json(speed));
    }
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the results");
    hq_say("%s\n", text);
    free(text);
    return HQ_OK;
}

hq_status hq_cli_bench_train(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    hq_train_speed speed;
    double times[RUNS];
    const hq_speed_options what = {.infer = options->command == HQ_COMMAND_BENCH_INFER,
                                   .summary = !options->json,
                                   .peaks = options->command == HQ_COMMAND_BENCH_LAYERS,
                                   .runs = RUNS,
                                   .run_seconds = run_seconds};
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    HQ_TRY(hq_train_measure(dist, &config, &what, times, &speed));
    if (hq_dist_rank(dist) != 0) return HQ_OK;
    const double median = hq_median(times, RUNS);
    if (options->json) return print_json(options->command, &speed, median);
    print_table(options->command, &speed, median, times);
    return HQ_OK;
}
