/* bench_train.c: hqcnn-dist bench train: how fast training steps are, on all ranks together. */
#include "cli/cli.h"

#include <jansson.h>
#include <stdlib.h>

enum { RUNS = 7 };
static const double run_seconds = 0.5; /* of one run, about */

typedef struct hq_phase {
    const char *name, *what;
    double seconds; /* of a step, on rank 0 */
} hq_phase;

enum { PHASES = 4 };

static void list_phases(const hq_step_times *times, hq_phase phase[PHASES])
{
    const hq_phase list[PHASES] = {
        {"data", "images drawn, decoded, augmented", times->data},
        {"network", "forward and backward, circuits", times->network},
        {"exchange", "gradients summed over micro-batches and ranks", times->exchange},
        {"update", "of parameters and statistics", times->update},
    };
    for (int i = 0; i < PHASES; i++) phase[i] = list[i];
}

/* times[RUNS] are sorted. */
static void print_table(const hq_train_speed *speed, double median, const double *times)
{
    hq_phase phase[PHASES];
    list_phases(&speed->times, phase);
    hq_say("\nmedian of %d runs of %d steps of %d images: %.0f images/s (%.0f to %.0f), %.3f ms a step\n\n", RUNS,
           speed->steps, speed->images, speed->images / median, speed->images / times[RUNS - 1],
           speed->images / times[0], median * 1e3);
    hq_say("  phase      us/image   share\n");
    for (int i = 0; i < PHASES; i++)
        hq_say("  %-8s  %9.3f  %4.1f %%   %s\n", phase[i].name, phase[i].seconds / speed->images * 1e6,
               100 * phase[i].seconds / median, phase[i].what);
}

static hq_status print_json(const hq_train_speed *speed, double median)
{
    hq_phase phase[PHASES];
    list_phases(&speed->times, phase);
    json_t *phases = json_object();
    for (int i = 0; i < PHASES; i++) json_object_set_new(phases, phase[i].name, json_real(phase[i].seconds));
    json_t *root = json_pack("{s:i, s:i, s:i, s:f, s:f, s:o}", "ranks", speed->ranks, "images_per_step", speed->images,
                             "steps_per_run", speed->steps, "images_per_second", speed->images / median,
                             "seconds_per_step", median, "phase_seconds_per_step", phases);
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
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    HQ_TRY(hq_train_measure(dist, &config, !options->json, RUNS, run_seconds, times, &speed));
    if (hq_dist_rank(dist) != 0) return HQ_OK;
    const double median = hq_cli_median(times, RUNS);
    if (options->json) return print_json(&speed, median);
    print_table(&speed, median, times);
    return HQ_OK;
}
