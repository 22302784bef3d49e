/* train.c: hqcnn-dist train. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* runs/<name of the configuration>-<date>-<time> */
static void name_run(hq_options *options)
{
    char name[64] = "phantom", stamp[32];
    const char *slash = strrchr(options->config, '/'), *base = slash ? slash + 1 : options->config;
    if (*base) hq_copy_text(name, sizeof name, base);
    char *dot = strrchr(name, '.');
    if (dot && dot > name) *dot = '\0';
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &parts);
    snprintf(options->run_dir, sizeof options->run_dir, "runs/%s-%s", name, stamp);
}

/* Rank 0 decides for all. */
static hq_status settle(hq_options *options)
{
    if (options->resume && !options->resume_file[0] && !options->run_dir[0])
        HQ_FAIL(HQ_ERR_USAGE, "--resume needs --run-dir DIR, or the checkpoint: --resume=FILE");
    if (!options->run_dir[0]) name_run(options);
    return HQ_OK;
}

/* A run that was stopped before its first checkpoint has left its configuration; it is read on rank 0. */
static void start_anew(hq_options *options)
{
    char path[PATH_MAX];
    hq_say("no checkpoint in %s yet: starting anew\n", options->run_dir);
    options->resume = false;
    snprintf(path, sizeof path, "%.*s/config.cfg", PATH_MAX - 16, options->run_dir);
    if (!options->config[0] && access(path, F_OK) == 0) hq_copy_text(options->config, sizeof options->config, path);
}

/* The checkpoint that the run goes on from: of the command line, or the one in the run folder that can be loaded. */
static hq_status open_state(hq_dist *dist, hq_options *options, hq_state *state)
{
    if (!options->resume) return HQ_OK;
    if (options->resume_file[0]) return hq_checkpoint_read(dist, options->resume_file, state);
    HQ_TRY(hq_train_open_last(dist, options->run_dir, options->resume_file, state));
    if (!options->resume_file[0]) start_anew(options);
    return HQ_OK;
}

/* A run that is resumed without a CONFIG has that of the checkpoint. */
static hq_status configure(hq_dist *dist, const hq_options *options, const hq_state *state, hq_config *config)
{
    if (!options->resume || options->config[0]) return hq_cli_configure(dist, options, NULL, NULL, config);
    return hq_cli_configure(dist, options, state->config, options->resume_file, config);
}

hq_status hq_cli_train(hq_dist *dist, const hq_options *given)
{
    hq_options *options;
    hq_config config;
    hq_state state = {0};
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *options, "options", &options));
    *options = *given;
    hq_cli_signals_take(hq_dist_rank(dist));
    hq_status status = hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? settle(options) : HQ_OK);
    if (status == HQ_OK) status = hq_dist_bcast(dist, options, sizeof *options);
    if (status == HQ_OK) status = open_state(dist, options, &state);
    if (status == HQ_OK) status = configure(dist, options, &state, &config);
    if (status == HQ_OK) {
        hq_say("hqcnn-dist %s\n", HQ_VERSION);
        const char *resume = options->resume ? options->resume_file : NULL;
        status = hq_train_run(
            dist, &config,
            &(hq_train_options){
                .run_dir = options->run_dir, .resume = resume, .state = &state, .signal_of = hq_cli_signal_asked});
    }
    hq_checkpoint_free(&state);
    if (status == HQ_INTERRUPTED)
        hq_say("interrupted; the state is saved in %s/last.h5: run again with --run-dir %s --resume\n",
               options->run_dir, options->run_dir);
    hq_free(options);
    return status;
}
