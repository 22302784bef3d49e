/* The JSON file of `circuit eval`. */
#include "support.h"

#include "cli/cli.h"

#include <jansson.h>

enum { QUBITS_MAX = 6 }; /* larger circuits that may be, take the same way, for longer */

static hq_config config;

/* In place of cli's and dist's: one process, the defaults. */
hq_status hq_cli_configure(hq_dist *dist, const hq_options *options, const char *text, const char *name, hq_config *out)
{
    (void)dist, (void)options, (void)text, (void)name;
    *out = config;
    return HQ_OK;
}

int hq_dist_rank(const hq_dist *dist) { return (void)dist, 0; }
hq_status hq_dist_agree(const hq_dist *dist, hq_status status) { return (void)dist, status; }

static bool takes_long(const uint8_t *data, size_t size)
{
    bool found = false;
    json_t *value = json_loadb((const char *)data, size, 0, NULL);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_int_t qubits = json_integer_value(json_object_get(json_array_get(value, i), "qubits"));
        found = found || (qubits > QUBITS_MAX && qubits <= HQ_QUBITS_MAX);
    }
    json_decref(value);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hq_options options;
    if (!config.data_source[0]) hq_config_defaults(&config);
    if (takes_long(data, size)) return 0;
    hq_copy_text(options.cases, sizeof options.cases, fuzz_file(data, size));
    hq_cli_circuit_eval(NULL, &options);
    fuzz_check_memory();
    return 0;
}
