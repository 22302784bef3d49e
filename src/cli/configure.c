/* configure.c: one configuration for all ranks, read by rank 0. */
#include "cli/cli.h"

#include <string.h>

static hq_status read_all(const hq_options *options, const char *text, hq_config *config)
{
    hq_config_defaults(config);
    if (text) HQ_TRY(hq_config_read_text(config, text, options->checkpoint));
    if (options->config[0]) HQ_TRY(hq_config_read_file(config, options->config));
    for (int i = 0; i < options->sets; i++) HQ_TRY(hq_config_set(config, options->set[i]));
    return hq_config_check(config);
}

hq_status hq_cli_configure(hq_dist *dist, const hq_options *options, const char *text, hq_config *config)
{
    memset(config, 0, sizeof *config);
    HQ_TRY(hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? read_all(options, text, config) : HQ_OK));
    return hq_dist_bcast(dist, config, sizeof *config);
}

static hq_status load_model(hq_dist *dist, const hq_state *state, const char *name, hq_loaded *loaded)
{
    hq_status status = HQ_OK;
    const bool first = hq_dist_rank(dist) == 0;
    const hq_config *config = &loaded->config;
    for (int turn = 0; turn < 2; turn++) { /* rank 0 speaks first: what it finds, the others would find too */
        if (first == (turn == 0)) {
            status = hq_model_create(config, &loaded->data.set.info, hq_train_microbatch(config), &loaded->model);
            if (status == HQ_OK) status = hq_train_restore_model(loaded->model, state, name);
        }
        HQ_TRY(hq_dist_agree(dist, status));
    }
    return HQ_OK;
}

hq_status hq_cli_load(hq_dist *dist, const hq_options *options, hq_loaded *loaded)
{
    hq_state state;
    *loaded = (hq_loaded){0};
    HQ_TRY(hq_checkpoint_read(dist, options->checkpoint, &state));
    hq_status status = hq_cli_configure(dist, options, state.config, &loaded->config);
    if (status == HQ_OK) status = hq_train_load_data(dist, &loaded->config, &loaded->data);
    if (status == HQ_OK) status = load_model(dist, &state, options->checkpoint, loaded);
    hq_checkpoint_free(&state);
    if (status != HQ_OK) hq_cli_unload(loaded);
    return status;
}

void hq_cli_unload(hq_loaded *loaded)
{
    hq_model_destroy(loaded->model);
    hq_train_free_data(&loaded->data);
    *loaded = (hq_loaded){0};
}
