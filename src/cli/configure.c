/* configure.c: one configuration for all ranks, read by rank 0. */
#include "cli/cli.h"

#include <string.h>

static hq_status read_all(const hq_options *options, const char *text, const char *name, hq_config *config)
{
    hq_config_defaults(config);
    if (text) HQ_TRY(hq_config_read_text(config, text, name));
    hq_config before = *config;
    if (options->config[0]) HQ_TRY(hq_config_read_file(config, options->config));
    for (int i = 0; i < options->sets; i++) HQ_TRY(hq_config_set(config, options->set[i]));
    HQ_TRY(hq_config_check(config));
    return text ? hq_config_same_model(&before, config, name) : HQ_OK;
}

hq_status hq_cli_configure(hq_dist *dist, const hq_options *options, const char *text, const char *name,
                           hq_config *config)
{
    memset(config, 0, sizeof *config);
    HQ_TRY(hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? read_all(options, text, name, config) : HQ_OK));
    HQ_TRY(hq_dist_bcast(dist, config, sizeof *config));
    hq_dist_watch(dist, config->dist_stall_timeout, config->dist_stall_abort);
    return HQ_OK;
}

typedef struct hq_building {
    hq_loaded *loaded;
    const hq_state *state;
    const char *name;
} hq_building;

static hq_status build(void *ctx)
{
    const hq_building *building = ctx;
    hq_loaded *loaded = building->loaded;
    const int microbatch = hq_train_microbatch(&loaded->config);
    HQ_TRY(hq_model_create(&loaded->config, &loaded->data.set.info, microbatch, 1, &loaded->model));
    return hq_train_restore_model(loaded->model, building->state, building->name);
}

hq_status hq_cli_load(hq_dist *dist, const hq_options *options, hq_loaded *loaded)
{
    hq_state state;
    *loaded = (hq_loaded){0};
    HQ_TRY(hq_checkpoint_read(dist, options->checkpoint, &state));
    hq_building building = {loaded, &state, options->checkpoint};
    hq_status status = hq_cli_configure(dist, options, state.config, options->checkpoint, &loaded->config);
    if (status == HQ_OK) status = hq_train_load_data(dist, &loaded->config, &loaded->data);
    if (status == HQ_OK) status = hq_dist_in_turn(dist, build, &building);
    if (status == HQ_OK) status = hq_train_spreader_create(dist, &loaded->config, loaded->model, &loaded->spreader);
    hq_checkpoint_free(&state);
    if (status != HQ_OK) hq_cli_unload(loaded);
    return status;
}

void hq_cli_unload(hq_loaded *loaded)
{
    hq_train_spreader_destroy(loaded->spreader);
    hq_model_destroy(loaded->model);
    hq_train_free_data(&loaded->data);
    *loaded = (hq_loaded){0};
}
