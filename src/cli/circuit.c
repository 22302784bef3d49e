/* circuit.c: hqcnn-dist circuit: the circuit drawn, counted and exported. */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_WITHOUT_TERMINAL = 120 };

/* A circuit with what is known of its numbers. */
typedef struct hq_view {
    const hq_options *options;
    const hq_config *config;
    hq_circuit *circuit;
    double *x, *w; /* [Q], [P]; NULL: unknown */
} hq_view;

/* ---- numbers ---- */

/* "0.1,-2e-3" as exactly n numbers; `what` is "input" or "weight". */
static hq_status parse_numbers(const char *option, const char *what, const char *text, int n, double **out)
{
    HQ_TRY(hq_alloc_array((size_t)n, sizeof(double), "numbers", out));
    int count = 0;
    for (const char *at = text;; at++) {
        char *end;
        const double value = strtod(at, &end);
        while (*end == ' ') end++;
        if (end == at || (*end && *end != ',') || !isfinite(value))
            HQ_FAIL(HQ_ERR_USAGE, "%s: number %d is no finite number; allowed are numbers with commas between them",
                    option, count);
        if (count < n) (*out)[count] = value;
        count++;
        if (!*end) break;
        at = end;
    }
    if (count != n) HQ_FAIL(HQ_ERR_USAGE, "%s: %d numbers; the circuit has %d %ss", option, count, n, what);
    return HQ_OK;
}

static const hq_tensor_entry *find_tensor(const hq_state *state, const char *name)
{
    for (int i = 0; i < state->tensors; i++)
        if (strcmp(state->tensor[i].name, name) == 0) return &state->tensor[i];
    return NULL;
}

/* The trained weights of a checkpoint. */
static hq_status copy_weights(const hq_view *view, const hq_state *state, double **out)
{
    const int n = hq_circuit_weights(view->circuit);
    const char *name = view->options->checkpoint;
    HQ_TRY(hq_alloc_array((size_t)n, sizeof(double), "weights", out));
    if (n == 0) return HQ_OK;
    const hq_tensor_entry *tensor = find_tensor(state, "circuit.weights");
    const hq_block *block = tensor ? hq_state_block(state, tensor->block) : NULL;
    if (!block || tensor->rank != 1 || tensor->shape[0] != n || tensor->offset + n > block->count)
        HQ_FAIL(HQ_ERR_FILE, "%s: no tensor \"circuit.weights\" of %d numbers in it", name, n);
    for (int i = 0; i < n; i++)
        (*out)[i] = block->number == HQ_NUMBER_F64 ? ((const double *)block->data)[tensor->offset + i]
                                                   : (double)((const float *)block->data)[tensor->offset + i];
    return HQ_OK;
}

static hq_status find_numbers(hq_view *view, const hq_state *state)
{
    const hq_options *options = view->options;
    const int inputs = hq_circuit_inputs(view->circuit), weights = hq_circuit_weights(view->circuit);
    if (options->inputs[0]) HQ_TRY(parse_numbers("--inputs", "input", options->inputs, inputs, &view->x));
    if (options->weights[0]) return parse_numbers("--weights", "weight", options->weights, weights, &view->w);
    return state ? copy_weights(view, state, &view->w) : HQ_OK;
}

/* Refuses an export that cannot do without numbers. */
static hq_status need_numbers(const hq_view *view, const char *option, const char *reason)
{
    const int inputs = hq_circuit_inputs(view->circuit), weights = hq_circuit_weights(view->circuit);
    if (inputs > 0 && !view->x)
        HQ_FAIL(HQ_ERR_USAGE, "%s needs a number for each of the %d inputs (%s): --inputs X0,X1,...", option, inputs,
                reason);
    if (weights > 0 && !view->w)
        HQ_FAIL(HQ_ERR_USAGE,
                "%s needs a number for each of the %d weights (%s): name a checkpoint, or --weights W0,W1,...", option,
                weights, reason);
    return HQ_OK;
}

/* ---- drawing and counts ---- */

static int line_width(void)
{
    struct winsize size;
    if (hq_say_is_terminal() && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return WIDTH_WITHOUT_TERMINAL;
}

enum { COLUMN = 22 };

/* One more word of a list that began with a line of COLUMN letters; *at is where the line stands. */
static void say_word(const char *word, bool first, int width, int *at)
{
    const int n = (int)strlen(word);
    if (!first) hq_say(",");
    if (!first && *at + 2 + n > width) {
        hq_say("\n%*s", COLUMN + 1, "");
        *at = COLUMN;
    } else if (!first) {
        hq_say(" ");
    }
    hq_say("%s", word);
    *at += n + 2;
}

static void say_outputs(const hq_circuit *circuit, int width)
{
    char name[HQ_OUTPUT_NAME_MAX];
    int at = COLUMN;
    hq_say("  outputs       %6d (", hq_circuit_outputs(circuit));
    for (int k = 0; k < hq_circuit_outputs(circuit); k++) {
        hq_circuit_output_name(circuit, k, name);
        say_word(name, k == 0, width, &at);
    }
    hq_say(")\n");
}

static void say_gates(const hq_census *census, int width)
{
    char word[32];
    int at = COLUMN;
    hq_say("  gates         %6d (", census->gates);
    for (int i = 0; i < census->kinds; i++) {
        snprintf(word, sizeof word, "%s %d", census->name[i], census->count[i]);
        say_word(word, i == 0, width, &at);
    }
    hq_say(")\n");
}

static hq_status say_counts(const hq_view *view, int width)
{
    const hq_circuit_options options = {.kernel = view->config->compute_kernel, .path = view->config->compute_circuit};
    hq_circuit_work *work;
    hq_census census;
    HQ_TRY(hq_circuit_work_create(view->circuit, 1, &options, &work));
    hq_circuit_census(view->circuit, &census);
    hq_say("\n  qubits        %6d\n  inputs        %6d\n  weights       %6d\n", hq_circuit_qubits(view->circuit),
           hq_circuit_inputs(view->circuit), hq_circuit_weights(view->circuit));
    say_outputs(view->circuit, width);
    say_gates(&census, width);
    hq_say("  on two wires  %6d\n  on three      %6d\n  depth         %6d\n", census.on_wires[1], census.on_wires[2],
           census.depth);
    hq_say("  evaluations   %6d (of a sample: outputs and gradient by parameter shift)\n",
           hq_circuit_shift_evaluations(view->circuit));
    hq_say("  path          %6s\n  kernel        %6s\n", hq_circuit_work_path(work), hq_circuit_work_kernel(work));
    hq_circuit_work_destroy(work);
    return HQ_OK;
}

static hq_status say_circuit(const hq_view *view)
{
    const int width = line_width();
    char *text;
    HQ_TRY(hq_circuit_draw_text(view->circuit, view->x, view->w, width, &text));
    hq_say("%s", text);
    hq_free(text);
    return say_counts(view, width);
}

/* ---- exports ---- */

static bool write_text(FILE *file, const void *ctx) { return fputs(ctx, file) >= 0; }

static hq_status export_text(const char *option, const char *path, hq_status status, char *text)
{
    if (status == HQ_OK) status = hq_cli_write(option, path, write_text, text);
    hq_free(text);
    return status;
}

typedef struct hq_distribution {
    int qubits;
    const double *p;
} hq_distribution;

static bool write_distribution(FILE *file, const void *ctx)
{
    const hq_distribution *d = ctx;
    fputs("state,probability\n", file);
    for (size_t i = 0; i < (size_t)1 << d->qubits; i++) {
        for (int wire = 0; wire < d->qubits; wire++) fputc(i >> (d->qubits - 1 - wire) & 1 ? '1' : '0', file);
        fprintf(file, ",%.17g\n", d->p[i]);
    }
    return true;
}

static hq_status export_probabilities(const hq_view *view)
{
    hq_distribution d = {.qubits = hq_circuit_qubits(view->circuit)};
    double *p;
    HQ_TRY(need_numbers(view, "--probabilities", "nothing can be computed without"));
    HQ_TRY(hq_alloc_array((size_t)1 << d.qubits, sizeof *p, "probabilities", &p));
    d.p = p;
    hq_status status = hq_circuit_probabilities(view->circuit, view->x, view->w, p);
    if (status == HQ_OK) status = hq_cli_write("--probabilities", view->options->probabilities, write_distribution, &d);
    hq_free(p);
    return status;
}

static hq_status export_all(const hq_view *view)
{
    const hq_options *options = view->options;
    hq_status status;
    char *text = NULL;
    if (options->svg[0]) {
        status = hq_circuit_draw_svg(view->circuit, view->x, view->w, &text);
        HQ_TRY(export_text("--svg", options->svg, status, text));
    }
    if (options->qasm2[0]) {
        HQ_TRY(need_numbers(view, "--qasm2", "OpenQASM 2.0 has no symbols"));
        status = hq_circuit_write_qasm(view->circuit, 2, view->x, view->w, NULL, &text);
        HQ_TRY(export_text("--qasm2", options->qasm2, status, text));
    }
    if (options->qasm3[0]) {
        status = hq_circuit_write_qasm(view->circuit, 3, view->x, view->w, NULL, &text);
        HQ_TRY(export_text("--qasm3", options->qasm3, status, text));
    }
    return options->probabilities[0] ? export_probabilities(view) : HQ_OK;
}

/* ---- the command ---- */

/* The drawing is left out when an export goes to the standard output. */
static bool is_quiet(const hq_options *options)
{
    return strcmp(options->svg, "-") == 0 || strcmp(options->qasm2, "-") == 0 || strcmp(options->qasm3, "-") == 0 ||
           strcmp(options->probabilities, "-") == 0;
}

static hq_status build_circuit(const hq_config *config, hq_circuit **out)
{
    if (config->model_circuit_template == HQ_TEMPLATE_CLASSICAL)
        HQ_FAIL(HQ_ERR_CONFIG, "model.circuit.template = \"classical\" has a dense layer in place of a circuit");
    return hq_circuit_create_config(config, out);
}

static hq_status show(const hq_options *options, const hq_config *config, const hq_state *state)
{
    hq_view view = {.options = options, .config = config};
    HQ_TRY(build_circuit(config, &view.circuit));
    hq_status status = find_numbers(&view, state);
    if (status == HQ_OK) status = export_all(&view);
    if (status == HQ_OK && !is_quiet(options)) status = say_circuit(&view);
    hq_circuit_destroy(view.circuit);
    hq_free(view.x);
    hq_free(view.w);
    return status;
}

hq_status hq_cli_circuit(hq_dist *dist, const hq_options *options)
{
    const bool trained = options->checkpoint[0] != '\0';
    hq_config config;
    hq_state state = {0};
    if (trained) HQ_TRY(hq_checkpoint_read(dist, options->checkpoint, &state));
    hq_status status = hq_cli_configure(dist, options, state.config, options->checkpoint, &config);
    if (status == HQ_OK)
        status = hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? show(options, &config, trained ? &state : NULL) : HQ_OK);
    hq_checkpoint_free(&state);
    return status;
}
