/* inspect.c: hqcnn-dist check and inspect: look without training. */
#include "cli/cli.h"

static hq_status say_text(hq_status status, char *text)
{
    if (status == HQ_OK) hq_say("%s", text);
    hq_free(text);
    return status;
}

/* Rank 0 alone: reads the headers of the data set and builds the network. */
static hq_status check_all(hq_dist *dist, const hq_config *config)
{
    hq_data_info info;
    hq_model *model;
    HQ_TRY(hq_data_look(config, &info));
    HQ_TRY(hq_model_create(config, &info, hq_train_microbatch(config), 1, &model));
    hq_train_print_summary(dist, config, &info, model);
    hq_model_destroy(model);
    hq_say("configuration and data are in order\n");
    return HQ_OK;
}

hq_status hq_cli_check(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    char *text = NULL;
    const bool first = hq_dist_rank(dist) == 0;
    hq_status status = HQ_OK;
    if (options->document) {
        if (first) status = hq_config_document(&text);
    } else {
        HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
        if (first) status = options->dump ? hq_config_dump(&config, true, &text) : check_all(dist, &config);
    }
    if (first && (options->document || options->dump)) status = say_text(status, text);
    return hq_dist_agree(dist, status);
}

hq_status hq_cli_inspect(hq_dist *dist, const hq_options *options)
{
    hq_state state;
    HQ_TRY(hq_checkpoint_read(dist, options->checkpoint, &state));
    hq_status status = HQ_OK;
    if (options->hash)
        hq_say("%016llx\n", (unsigned long long)hq_checkpoint_hash(&state));
    else
        status = hq_train_print_state(&state, options->checkpoint);
    hq_checkpoint_free(&state);
    return status;
}
