/* circuit_eval.c: hqcnn-dist circuit eval: outputs and Jacobians of the circuits of a JSON file. */
#include "cli/cli.h"

#include "hqcnn/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One case of the file, read and built. */
typedef struct hq_case {
    hq_circuit *circuit;
    hq_circuit_work *work;
    double *x, *w; /* [Q], [P] */
} hq_case;

/* Where a case stands, for messages. */
typedef struct hq_spot {
    const char *file;
    size_t number; /* from 0 */
} hq_spot;

__attribute__((format(printf, 2, 3))) static hq_status refuse(const hq_spot *spot, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    HQ_FAIL(HQ_ERR_DATA, "%s: case %zu: %s", spot->file, spot->number, text);
}

/* ---- reading a case ---- */

static hq_status read_count(const hq_spot *spot, const json_t *object, const char *key, int max, int *out)
{
    const json_t *value = json_object_get(object, key);
    if (!value) return refuse(spot, "\"%s\" is missing", key);
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > max)
        return refuse(spot, "\"%s\" must be an integer from 1 to %d", key, max);
    *out = (int)json_integer_value(value);
    return HQ_OK;
}

/* The position of a word in the list of a configuration key; an absent one is `missing`, unless that is negative. */
static hq_status read_word(const hq_spot *spot, const json_t *object, const char *key, const char *config_key,
                           int words, int missing, int *out)
{
    const json_t *value = json_object_get(object, key);
    char allowed[128] = "";
    size_t used = 0;
    *out = missing;
    if (!value && missing >= 0) return HQ_OK;
    for (int i = 0; i < words; i++) {
        const char *word = hq_config_word(config_key, i);
        if (json_is_string(value) && strcmp(json_string_value(value), word) == 0) {
            *out = i;
            return HQ_OK;
        }
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s\"%s\"", i ? ", " : "", word);
    }
    return refuse(spot, "\"%s\" %s; allowed are %s", key, value ? "is another word" : "is missing", allowed);
}

static hq_status read_numbers(const hq_spot *spot, const json_t *object, const char *key, int n, double **out)
{
    const json_t *array = json_object_get(object, key);
    if (!array) return refuse(spot, "\"%s\" is missing", key);
    if (!json_is_array(array) || json_array_size(array) != (size_t)n)
        return refuse(spot, "\"%s\" must be an array of %d numbers (it has %zu)", key, n, json_array_size(array));
    HQ_TRY(hq_alloc_array((size_t)n, sizeof(double), key, out));
    for (int i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, (size_t)i);
        if (!json_is_number(value)) return refuse(spot, "\"%s\"[%d] is not a number", key, i);
        (*out)[i] = json_number_value(value);
    }
    return HQ_OK;
}

/* "q" and "jacobian" may be there, as in a file that came out of this command. */
static hq_status check_keys(const hq_spot *spot, json_t *object)
{
    static const char *const known[] = {"qubits", "layers", "fourier", "observables", "x", "w", "q", "jacobian"};
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return refuse(spot, "is not an object");
    json_object_foreach(object, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) found = found || strcmp(key, known[i]) == 0;
        if (!found)
            return refuse(
                spot,
                "unknown key \"%.64s\"; allowed are qubits, layers, fourier, observables, x, w (q and jacobian "
                "are ignored)",
                key);
    }
    return HQ_OK;
}

static void free_case(hq_case *c)
{
    hq_circuit_work_destroy(c->work);
    hq_circuit_destroy(c->circuit);
    hq_free(c->x);
    hq_free(c->w);
}

static hq_status read_case(const hq_spot *spot, const hq_config *config, json_t *object, hq_case *c)
{
    const hq_circuit_options options = {.kernel = config->compute_kernel, .path = config->compute_circuit};
    int qubits = 0, layers = 0, attention = 0, observables = 0;
    HQ_TRY(check_keys(spot, object));
    HQ_TRY(read_count(spot, object, "qubits", HQ_QUBITS_MAX, &qubits));
    HQ_TRY(read_count(spot, object, "layers", 1000, &layers));
    HQ_TRY(read_word(spot, object, "fourier", "model.attention", HQ_ATTENTION_TRAINABLE + 1, -1, &attention));
    HQ_TRY(read_word(spot, object, "observables", "model.observables", HQ_OBSERVABLES_Z + 1, HQ_OBSERVABLES_XZ,
                     &observables));
    HQ_TRY(hq_circuit_create_hqcnn(qubits, layers, attention, observables, &c->circuit));
    HQ_TRY(read_numbers(spot, object, "x", hq_circuit_inputs(c->circuit), &c->x));
    HQ_TRY(read_numbers(spot, object, "w", hq_circuit_weights(c->circuit), &c->w));
    return hq_circuit_work_create(c->circuit, 1, &options, &c->work);
}

/* ---- evaluating a case ---- */

static json_t *number_array(const double *v, int n)
{
    json_t *array = json_array();
    for (int i = 0; i < n; i++) hq_json_append(&array, hq_json_number(v[i]));
    return array;
}

/* What was given, with q[O] and jacobian[rows][O] in place of what the file may have had. */
static hq_status say_case(json_t *object, const double *q, const double *jacobian, int rows, int outputs)
{
    json_t *lines = json_array(), *result = json_copy(object);
    for (int i = 0; i < rows; i++) hq_json_append(&lines, number_array(jacobian + i * outputs, outputs));
    hq_json_put(&result, "q", number_array(q, outputs));
    hq_json_put(&result, "jacobian", lines);
    char *text = json_dumps(result, JSON_REAL_PRECISION(17));
    json_decref(result);
    if (!text) HQ_FAIL(HQ_ERR_MEMORY, "no memory for the results");
    hq_say("%s", text);
    free(text);
    return HQ_OK;
}

static hq_status evaluate(const hq_config *config, const hq_case *c, json_t *object)
{
    const int outputs = hq_circuit_outputs(c->circuit);
    const int rows = hq_circuit_inputs(c->circuit) + hq_circuit_weights(c->circuit);
    double *q;
    HQ_TRY(hq_alloc_array((size_t)(rows + 1) * (size_t)outputs, sizeof(double), "results", &q));
    double *jacobian = q + outputs;
    hq_status status = hq_circuit_fwd(c->circuit, c->work, 1, c->x, c->w, q);
    if (status == HQ_OK)
        status = hq_circuit_jacobian(c->circuit, c->work, config->gradient_method, c->x, c->w, jacobian);
    if (status == HQ_OK) status = say_case(object, q, jacobian, rows, outputs);
    hq_free(q);
    return status;
}

/* ---- the command ---- */

/* All cases are read before the first one is computed, so that a mistake in the file leaves no half output. */
static hq_status run(const char *file, const hq_config *config, json_t *cases, bool compute_too)
{
    const size_t n = json_array_size(cases);
    for (size_t i = 0; i < n; i++) {
        const hq_spot spot = {file, i};
        hq_case c = {0};
        json_t *object = json_array_get(cases, i);
        hq_status status = read_case(&spot, config, object, &c);
        if (status == HQ_OK && compute_too) {
            hq_say(i == 0 ? "[" : ",\n ");
            status = evaluate(config, &c, object);
        }
        free_case(&c);
        HQ_TRY(status);
    }
    if (compute_too) hq_say(n ? "]\n" : "[]\n");
    return HQ_OK;
}

static hq_status load(const char *file, json_t **out)
{
    json_error_t error;
    *out = json_load_file(file, 0, &error);
    if (!*out && json_error_code(&error) == json_error_cannot_open_file) HQ_FAIL(HQ_ERR_FILE, "%s", error.text);
    if (!*out) HQ_FAIL(HQ_ERR_DATA, "%s:%d: %s", file, error.line, error.text);
    if (json_is_array(*out)) return HQ_OK;
    json_decref(*out);
    HQ_FAIL(HQ_ERR_DATA, "%s: not an array of cases", file);
}

static hq_status eval_file(const char *file, const hq_config *config)
{
    json_t *cases;
    if (config->gradient_method == HQ_GRADIENT_SPSA)
        HQ_FAIL(HQ_ERR_CONFIG, "gradient.method = \"spsa\" has no Jacobian; allowed here are \"adjoint\" and "
                               "\"parameter-shift\"");
    HQ_TRY(load(file, &cases));
    hq_status status = run(file, config, cases, false);
    if (status == HQ_OK) status = run(file, config, cases, true);
    json_decref(cases);
    return status;
}

hq_status hq_cli_circuit_eval(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    return hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? eval_file(options->cases, &config) : HQ_OK);
}
