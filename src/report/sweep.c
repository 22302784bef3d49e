/* sweep.c: the page of a sweep. */
#include "hqcnn/report.h"

#include "report/page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEST = 10,    /* trials in the table, and coloured learning curves */
    LINES = 1500, /* trials drawn in parallel coordinates */
    CURVES = 200, /* learning curves */
    WIDTH = 1060,
    TOP = 60,     /* above axes */
    HEIGHT = 320, /* of axes */
    LEFT = 70,
    RIGHT = 110 /* beside them */
};

typedef struct hq_sweep_page {
    hq_sweep *sweep;
    const hq_config *config;
    const char *name;
    hq_sweep_counts counts;
    hq_trial *trial; /* [n], the best first */
    int n, good;     /* good: of them neither diverged nor failed */
    double *share;   /* [axes]: what they matter */
    double *curve;   /* [curves][epochs], NAN behind the end */
    int curves;
    int epochs;       /* the most of any trial */
    double low, high; /* of the metric among the good ones */
} hq_sweep_page;

static const char *metric_name(const hq_sweep_page *page)
{
    static const char *const name[] = {"validation AUC", "validation accuracy", "validation F1", "validation loss"};
    return name[page->config->sweep_metric];
}

/* The metric as it is; the merit has the larger for the better. */
static double metric_of(const hq_sweep_page *page, double merit)
{
    return page->config->sweep_metric == HQ_METRIC_VAL_LOSS ? -merit : merit;
}

/* ---- what is gathered first -------------------------------------------------------------------------------------- */

/* A range in which steps can be told apart. */
static void widen(double *low, double *high)
{
    if (*high - *low > 1e-6 * fmax(fabs(*low), fabs(*high))) return;
    *low -= 0.01;
    *high += 0.01;
}

static void find_range(hq_sweep_page *page)
{
    page->low = INFINITY;
    page->high = -INFINITY;
    for (int i = 0; i < page->good; i++) {
        const double metric = metric_of(page, page->trial[i].merit);
        page->low = fmin(page->low, metric);
        page->high = fmax(page->high, metric);
    }
    if (page->good == 0) page->low = 0, page->high = 1;
    widen(&page->low, &page->high);
}

static hq_status gather_curves(hq_sweep_page *page)
{
    page->epochs = hq_sweep_epochs(page->sweep, 0);
    const size_t epochs = (size_t)page->epochs;
    page->curves = page->good < CURVES ? page->good : CURVES;
    HQ_TRY(hq_alloc_array((size_t)page->curves + 1, epochs * sizeof *page->curve, "learning curves", &page->curve));
    for (int i = 0; i < page->curves; i++)
        HQ_TRY(hq_sweep_curve(page->sweep, page->trial[i].number, &page->curve[(size_t)i * epochs], epochs));
    return HQ_OK;
}

static hq_status gather(hq_sweep_page *page)
{
    HQ_TRY(hq_sweep_count(page->sweep, true, &page->counts));
    HQ_TRY(hq_alloc_array((size_t)hq_sweep_trials(page->sweep) + 1, sizeof *page->trial, "trials", &page->trial));
    HQ_TRY(hq_alloc_array((size_t)hq_sweep_axes(page->sweep) + 1, sizeof *page->share, "keys", &page->share));
    HQ_TRY(hq_sweep_rank(page->sweep, page->trial, &page->n));
    while (page->good < page->n && !isinf(page->trial[page->good].merit)) page->good++;
    find_range(page);
    HQ_TRY(hq_sweep_importance(page->sweep, page->trial, page->good, page->share));
    return gather_curves(page);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void write_head(FILE *file, const hq_sweep_page *page)
{
    const hq_sweep_counts *c = &page->counts;
    fputs("<h1>Sweep ", file);
    hq_page_text(file, page->name);
    fprintf(file, "</h1>\n<p>%d trials with %d seed%s each; method %s%s; compared by %s.<br>\n",
            hq_sweep_trials(page->sweep), hq_sweep_seeds(page->sweep), hq_sweep_seeds(page->sweep) == 1 ? "" : "s",
            hq_config_word("sweep.method", page->config->sweep_method),
            page->config->sweep_halving == HQ_HALVING_ASHA ? " with asha" : "", metric_name(page));
    fprintf(file,
            "%lld of %lld trainings%s done, %lld diverged, %lld failed; %lld epochs, %.1f %% of what all trials take "
            "to their end.</p>\n",
            (long long)c->done, (long long)c->all, c->over ? "" : " so far", (long long)c->diverged,
            (long long)c->failed, (long long)c->epochs,
            c->epochs_of_all > 0 ? 100 * (double)c->epochs / (double)c->epochs_of_all : 0);
}

static void write_cell(FILE *file, hq_over_seeds of)
{
    fputs("<td class=\"n\">", file);
    if (isfinite(of.mean)) fprintf(file, "%.4f", of.mean);
    if (isfinite(of.mean) && isfinite(of.deviation)) fprintf(file, " &plusmn; %.4f", of.deviation);
    fputs("</td>", file);
}

static void write_best(FILE *file, const hq_sweep_page *page)
{
    const int axes = hq_sweep_axes(page->sweep);
    fputs("<h2>The best trials</h2>\n<div class=\"wide\"><table>\n<tr><th>trial</th><th>epochs</th><th>val AUC</th>"
          "<th>val accuracy</th><th>test AUC</th><th>test accuracy</th>",
          file);
    for (int i = 0; i < axes; i++) {
        fputs("<th>", file);
        hq_page_text(file, hq_sweep_key(page->sweep, i));
        fputs("</th>", file);
    }
    fputs("</tr>\n", file);
    for (int k = 0; k < page->good && k < BEST; k++) {
        const hq_trial *trial = &page->trial[k];
        fprintf(file, "<tr><td class=\"n\">%d</td><td class=\"n\">%lld</td>", trial->number, (long long)trial->epochs);
        write_cell(file, trial->val_auc);
        write_cell(file, trial->val_acc);
        write_cell(file, trial->test_auc);
        write_cell(file, trial->test_acc);
        for (int i = 0; i < axes; i++) {
            fputs("<td>", file);
            hq_page_text(file, hq_sweep_value(page->sweep, trial->number, i));
            fputs("</td>", file);
        }
        fputs("</tr>\n", file);
    }
    fputs("</table></div>\n", file);
    if (hq_sweep_seeds(page->sweep) > 1)
        fputs("<p class=\"note\">Mean and standard deviation over the seeds. Nothing is chosen by the test "
              "numbers.</p>\n",
              file);
}

/* ---- parallel coordinates ---------------------------------------------------------------------------------------- */

static double axis_x(const hq_sweep_page *page, int i)
{
    return LEFT + (double)i / hq_sweep_axes(page->sweep) * (WIDTH - LEFT - RIGHT);
}

static double unit_y(double unit) { return TOP + (1 - unit) * HEIGHT; }

static void write_tick(FILE *file, double x, double unit, const char *text)
{
    fprintf(
        file,
        "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"tick halo\" x=\"%.1f\" "
        "y=\"%.1f\">",
        x - 4, x, unit_y(unit), unit_y(unit), x + 6, unit_y(unit) + 4);
    hq_page_text(file, text);
    fputs("</text>\n", file);
}

/* Names of neighbours stand on two lines in turn, so that long ones have room. */
static void write_axis(FILE *file, double x, int i, const char *name)
{
    fprintf(file,
            "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/><text x=\"%.1f\" y=\"%d\" "
            "text-anchor=\"middle\">",
            x, x, TOP, TOP + HEIGHT, x, i % 2 ? TOP - 34 : TOP - 16);
    hq_page_text(file, name);
    fputs("</text>\n", file);
}

static void write_key_axis(FILE *file, const hq_sweep_page *page, int i)
{
    enum { TICKS = 5 };
    hq_axis_scale scale;
    char text[64];
    hq_sweep_scale(page->sweep, i, &scale);
    write_axis(file, axis_x(page, i), i, hq_sweep_key(page->sweep, i));
    const int ticks = scale.choices > 0 ? scale.choices : TICKS;
    const int each = ticks > 25 ? (ticks + 24) / 25 : 1;
    for (int k = 0; k < ticks; k += each) {
        const double unit = ticks > 1 ? (double)k / (ticks - 1) : 0.5;
        if (scale.choices > 0)
            hq_copy_text(text, sizeof text, hq_sweep_choice(page->sweep, i, k));
        else
            snprintf(text, sizeof text, "%s", hq_page_figure(hq_sweep_at(page->sweep, i, unit)).text);
        write_tick(file, axis_x(page, i), unit, text);
    }
}

static double metric_unit(const hq_sweep_page *page, double merit)
{
    return (metric_of(page, merit) - page->low) / (page->high - page->low);
}

static void write_metric_axis(FILE *file, const hq_sweep_page *page)
{
    const int axes = hq_sweep_axes(page->sweep);
    const double step = hq_page_step(page->low, page->high, 6);
    write_axis(file, axis_x(page, axes), axes, metric_name(page));
    for (double x = ceil(page->low / step) * step; x <= page->high; x += step)
        write_tick(file, axis_x(page, axes), (x - page->low) / (page->high - page->low), hq_page_figure(x).text);
}

/* Where the line of a trial meets an axis; below it where the key is not varied. Trials with the same choice are a few
 * pixels apart, so that many look like many. */
static double meet_y(const hq_sweep_page *page, const hq_trial *trial, int i)
{
    hq_axis_scale scale;
    const double unit = hq_sweep_place(page->sweep, trial->number, i);
    if (isnan(unit)) return TOP + HEIGHT + 16;
    hq_sweep_scale(page->sweep, i, &scale);
    const double apart = scale.choices > 0 ? (trial->number * 37 % 13 - 6) * 0.7 : 0;
    return unit_y(unit) + apart;
}

static void write_title(FILE *file, const hq_sweep_page *page, const hq_trial *trial)
{
    fprintf(file, "<title>trial %d: %s %.4f, %lld epochs", trial->number, metric_name(page),
            metric_of(page, trial->merit), (long long)trial->epochs);
    for (int i = 0; i < hq_sweep_axes(page->sweep); i++) {
        const char *value = hq_sweep_value(page->sweep, trial->number, i);
        if (!*value) continue;
        fputs("&#10;", file);
        hq_page_text(file, hq_sweep_key(page->sweep, i));
        fputs(" = ", file);
        hq_page_text(file, value);
    }
    fputs("</title>", file);
}

/* The share of the good trials that are no better, for colours: ranks, so that one outlier does not take them all. */
static double rank_of(const hq_sweep_page *page, int k)
{
    return page->good > 1 ? 1 - (double)k / (page->good - 1) : 1;
}

static void write_line(FILE *file, const hq_sweep_page *page, int k)
{
    const hq_trial *trial = &page->trial[k];
    const int axes = hq_sweep_axes(page->sweep);
    fprintf(file, "<path class=\"line\" stroke=\"%s\" stroke-width=\"%s\" opacity=\"%s\" d=\"",
            hq_page_colour(0.95 * rank_of(page, k)).text, k < 3 ? "2.4" : "1.2",
            k < 3      ? "1"
            : k < BEST ? "0.85"
                       : "0.45");
    for (int i = 0; i < axes; i++) fprintf(file, "%c%.1f %.1f", i ? 'L' : 'M', axis_x(page, i), meet_y(page, trial, i));
    fprintf(file, "%c%.1f %.1f\">", axes ? 'L' : 'M', axis_x(page, axes), unit_y(metric_unit(page, trial->merit)));
    write_title(file, page, trial);
    fputs("</path>\n", file);
}

static void write_coordinates(FILE *file, const hq_sweep_page *page)
{
    const int axes = hq_sweep_axes(page->sweep), each = page->good > LINES ? (page->good + LINES - 1) / LINES : 1;
    if (page->good == 0 || axes == 0) return;
    fputs("<h2>All trials</h2>\n<p class=\"note\">A line is a trial, the brighter the better (by rank); point at one "
          "for its "
          "numbers. Where a line passes below an axis, that key was not varied.</p>\n",
          file);
    fprintf(file, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"parallel coordinates\">\n", WIDTH,
            TOP + HEIGHT + 30, WIDTH);
    for (int k = page->good - 1; k >= 0; k--)
        if (k < BEST || k % each == 0) write_line(file, page, k);
    for (int i = 0; i < axes; i++) write_key_axis(file, page, i);
    write_metric_axis(file, page);
    fputs("</svg>\n", file);
    if (each > 1) fprintf(file, "<p class=\"note\">One of %d trials is drawn, and the %d best.</p>\n", each, BEST);
}

/* ---- importance -------------------------------------------------------------------------------------------------- */

static int larger_share(const void *a, const void *b)
{
    const double x = **(const double *const *)a, y = **(const double *const *)b;
    return (x < y) - (x > y);
}

static void write_importance(FILE *file, const hq_sweep_page *page)
{
    enum { ROW = 24, NAMES = 240, BARS = 520, MOST = 64 };
    const double *order[MOST];
    int n = 0;
    for (int i = 0; i < hq_sweep_axes(page->sweep) && n < MOST; i++)
        if (isfinite(page->share[i])) order[n++] = &page->share[i];
    if (n == 0) return;
    qsort(order, (size_t)n, sizeof *order, larger_share);
    fputs("<h2>What matters</h2>\n<p class=\"note\">How much of the differences in rank a key alone explains, less "
          "what chance "
          "would; keys that only matter together show little.</p>\n",
          file);
    fprintf(file, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"importance of keys\">\n", WIDTH,
            n * ROW + 8, WIDTH);
    for (int k = 0; k < n; k++) {
        const double y = k * ROW + 4;
        fprintf(file, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">", NAMES - 10, y + 15);
        hq_page_text(file, hq_sweep_key(page->sweep, (int)(order[k] - page->share)));
        fprintf(file,
                "</text><rect x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"#2c718e\"/><text x=\"%.1f\" "
                "y=\"%.0f\">%.0f "
                "%%</text>\n",
                NAMES, y + 2, fmax(*order[k] * BARS, 1), ROW - 8, NAMES + 8 + fmax(*order[k] * BARS, 1), y + 15,
                100 * *order[k]);
    }
    fputs("</svg>\n", file);
}

/* ---- learning curves --------------------------------------------------------------------------------------------- */

typedef struct hq_frame {
    double low, high; /* of the numbers */
    int epochs;
} hq_frame;

static double epoch_x(const hq_frame *frame, double epoch)
{
    return LEFT + (frame->epochs > 1 ? (epoch - 1) / (frame->epochs - 1) : 0.5) * (WIDTH - LEFT - RIGHT);
}

static double value_y(const hq_frame *frame, double value)
{
    return 14 + (1 - (value - frame->low) / (frame->high - frame->low)) * HEIGHT;
}

static void write_frame(FILE *file, const hq_frame *frame)
{
    const double step = hq_page_step(frame->low, frame->high, 6);
    for (double v = ceil(frame->low / step) * step; v <= frame->high; v += step)
        fprintf(file,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"tick\" x=\"%d\" "
                "y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>\n",
                LEFT, WIDTH - RIGHT, value_y(frame, v), value_y(frame, v), LEFT - 8, value_y(frame, v) + 4,
                hq_page_figure(v).text);
    const double each = fmax(1, frame->epochs > 1 ? hq_page_step(1, frame->epochs, 10) : 1);
    for (double e = each > 1 ? each : 1; e <= frame->epochs; e += each)
        fprintf(file, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                epoch_x(frame, e), HEIGHT + 32, e);
    fprintf(file,
            "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/><text class=\"tick\" x=\"%d\" "
            "y=\"%d\">epoch</text>\n",
            LEFT, WIDTH - RIGHT, HEIGHT + 14, HEIGHT + 14, WIDTH - RIGHT + 10, HEIGHT + 32);
}

static void write_curve(FILE *file, const hq_sweep_page *page, const hq_frame *frame, int k)
{
    const double *curve = &page->curve[(size_t)k * (size_t)page->epochs];
    int n = 0;
    if (k < BEST)
        fprintf(file, "<path class=\"line\" stroke=\"%s\" stroke-width=\"%s\" d=\"",
                hq_page_colour(0.9 * (1 - (double)k / BEST)).text, k == 0 ? "3" : "1.8");
    else
        fputs("<path class=\"line\" stroke=\"#afb8c1\" stroke-width=\"1\" opacity=\"0.6\" d=\"", file);
    for (int e = 0; e < page->epochs && !isnan(curve[e]); e++, n++)
        fprintf(file, "%c%.1f %.1f", e ? 'L' : 'M', epoch_x(frame, e + 1), value_y(frame, curve[e]));
    fputs("\">", file);
    write_title(file, page, &page->trial[k]);
    fputs("</path>\n", file);
    if (n > 0 && n < page->epochs) /* where asha stopped it, or it stopped early */
        fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"%s\"/>\n", epoch_x(frame, n),
                value_y(frame, curve[n - 1]), k < BEST ? "#1b1f24" : "#8c959f");
}

static void write_curves(FILE *file, const hq_sweep_page *page)
{
    hq_frame frame = {INFINITY, -INFINITY, page->epochs};
    const size_t numbers = (size_t)page->curves * (size_t)page->epochs;
    for (size_t i = 0; i < numbers; i++)
        if (!isnan(page->curve[i])) {
            frame.low = fmin(frame.low, page->curve[i]);
            frame.high = fmax(frame.high, page->curve[i]);
        }
    if (isinf(frame.low)) return;
    widen(&frame.low, &frame.high);
    fprintf(file,
            "<h2>Learning curves</h2>\n<p class=\"note\">The %s over the epochs, mean over the seeds: the %d best in "
            "colours, "
            "the brightest the best; a dot where a trial was stopped.%s</p>\n",
            metric_name(page), page->good < BEST ? page->good : BEST,
            page->curves < page->good ? " Only the best trials are drawn." : "");
    fprintf(file, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"learning curves\">\n", WIDTH,
            HEIGHT + 44, WIDTH);
    write_frame(file, &frame);
    for (int k = page->curves - 1; k >= 0; k--) write_curve(file, page, &frame, k);
    fputs("</svg>\n", file);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static bool write_page(FILE *file, const void *ctx)
{
    const hq_sweep_page *page = ctx;
    char title[300];
    snprintf(title, sizeof title, "Sweep %.250s", page->name);
    hq_page_begin(file, title);
    write_head(file, page);
    if (page->good == 0)
        fputs("<p>No trial has a result yet.</p>\n", file);
    else
        write_best(file, page);
    write_coordinates(file, page);
    write_importance(file, page);
    write_curves(file, page);
    hq_page_end(file);
    return true;
}

hq_status hq_report_sweep(hq_sweep *sweep, const hq_config *config, const char *name, const char *path)
{
    hq_sweep_page page = {.sweep = sweep, .config = config, .name = name};
    hq_status status = gather(&page);
    if (status == HQ_OK) {
        const int error = hq_file_write_among_others(path, write_page, &page);
        if (error) status = hq_fail(HQ_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
    }
    hq_free(page.trial);
    hq_free(page.share);
    hq_free(page.curve);
    return status;
}
