/* data_import.c: hqcnn-dist data import: a data set as an HDF5 file that a training can stream. */
#include "cli/cli.h"

#include <unistd.h>

typedef struct hq_import {
    hq_dist *dist;
    const hq_options *options;
    const hq_config *config;
    bool works; /* this rank writes images: every rank those of a drawn set, rank 0 those of a file */
    hq_data_source *source;
    hq_data_info info;
    char temporary[PATH_MAX];
} hq_import;

/* Rank 0 first: what is wrong with the source is told once. */
static hq_status open_source(void *ctx)
{
    hq_import *import = ctx;
    if (!import->works) return HQ_OK;
    if (hq_data_is_set_file(import->config->data_source))
        HQ_FAIL(HQ_ERR_USAGE, "data import: SOURCE %s is an .h5 file already; allowed are \"phantom\" and .npz files",
                import->config->data_source);
    return hq_data_open(import->config, &import->source, &import->info);
}

/* Rank 0 makes the file under a temporary name. */
static hq_status create(const hq_import *import)
{
    const hq_options *options = import->options;
    if (hq_dist_rank(import->dist) != 0) return HQ_OK;
    if (!options->force && access(options->target, F_OK) == 0)
        HQ_FAIL(HQ_ERR_USAGE, "data import: %s is there already; --force replaces it", options->target);
    return hq_data_file_create(import->config, &import->info, import->temporary);
}

static hq_status finish(const hq_import *import)
{
    hq_data_info info;
    if (hq_dist_rank(import->dist) != 0) return HQ_OK;
    HQ_TRY(hq_data_file_finish(import->temporary, import->options->target, &info));
    hq_say("%s: %s, %d %s; %lld train, %lld validation, %lld test, in chunks of %lld images; hash %016llx\n",
           import->options->target, info.name, info.classes, info.task == HQ_TASK_MULTI_LABEL ? "labels" : "classes",
           (long long)info.count[HQ_SPLIT_TRAIN], (long long)info.count[HQ_SPLIT_VAL],
           (long long)info.count[HQ_SPLIT_TEST], (long long)info.chunk[HQ_SPLIT_TRAIN], (unsigned long long)info.hash);
    return HQ_OK;
}

static hq_status write_all(hq_import *import)
{
    hq_dist *dist = import->dist;
    const int rank = hq_dist_rank(dist), size = hq_dist_size(dist);
    const bool drawn = hq_data_is_drawn(import->config);
    HQ_TRY(hq_dist_agree(dist, create(import)));
    hq_status status = HQ_OK;
    if (import->works)
        status = hq_data_file_write(import->source, import->temporary, drawn ? rank : 0, drawn ? size : 1);
    status = hq_dist_agree(dist, status);
    if (status == HQ_OK) status = hq_dist_agree(dist, hq_data_file_hash(import->temporary, rank, size));
    if (status == HQ_OK) status = hq_dist_agree(dist, finish(import));
    if (status != HQ_OK && rank == 0) unlink(import->temporary);
    return status;
}

hq_status hq_cli_data_import(hq_dist *dist, const hq_options *options)
{
    hq_config config;
    HQ_TRY(hq_cli_configure(dist, options, NULL, NULL, &config));
    hq_import import = {.dist = dist, .options = options, .config = &config};
    hq_dist_watch(dist, 0, 0); /* rank 0 may read alone for hours: the others rightly wait */
    import.works = hq_data_is_drawn(&config) || hq_dist_rank(dist) == 0;
    snprintf(import.temporary, sizeof import.temporary, "%.*s.tmp", PATH_MAX - 8, options->target);
    hq_status status = hq_dist_in_turn(dist, open_source, &import);
    if (status == HQ_OK) status = write_all(&import);
    hq_data_close(import.source);
    return status;
}
