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

/* The file in the folder of the checkpoint to resume. */
static void beside(const char *checkpoint, const char *file, char path[PATH_MAX])
{
    hq_copy_text(path, PATH_MAX, checkpoint);
    char *slash = strrchr(path, '/');
    size_t room = slash ? (size_t)(slash + 1 - path) : 0;
    snprintf(path + room, PATH_MAX - room, "%s", file);
}

/* Which folder, which checkpoint: rank 0 looks at the file system for all. Without a CONFIG, a resumed run takes the
 * configuration of its folder. */
static hq_status settle(hq_options *options)
{
    if (options->resume && !options->resume_file[0]) {
        if (!options->run_dir[0])
            HQ_FAIL(HQ_ERR_USAGE, "--resume needs --run-dir DIR, or the checkpoint: --resume=FILE");
        if (strlen(options->run_dir) + 16 > PATH_MAX) HQ_FAIL(HQ_ERR_USAGE, "--run-dir: the name is too long");
        snprintf(options->resume_file, PATH_MAX, "%.*s/last.h5", PATH_MAX - 16, options->run_dir);
        if (access(options->resume_file, F_OK) != 0) {
            hq_say("no checkpoint in %s yet: starting anew\n", options->run_dir);
            options->resume = false;
        }
    }
    if (options->resume && !options->config[0]) {
        char path[PATH_MAX];
        beside(options->resume_file, "config.cfg", path);
        if (access(path, R_OK) == 0) hq_copy_text(options->config, sizeof options->config, path);
    }
    if (!options->run_dir[0]) name_run(options);
    return HQ_OK;
}

hq_status hq_cli_train(hq_dist *dist, const hq_options *given)
{
    hq_options *options;
    hq_config config;
    HQ_TRY(hq_dist_agree(dist, hq_alloc(sizeof *options, "options", &options)));
    *options = *given;
    hq_status status = hq_dist_agree(dist, hq_dist_rank(dist) == 0 ? settle(options) : HQ_OK);
    if (status == HQ_OK) status = hq_dist_bcast(dist, options, sizeof *options);
    if (status == HQ_OK) status = hq_cli_configure(dist, options, NULL, &config);
    if (status == HQ_OK) {
        hq_say("hqcnn-dist %s\n", HQ_VERSION);
        status = hq_train_run(dist, &config,
                              &(hq_train_options){options->run_dir, options->resume ? options->resume_file : NULL});
    }
    if (status == HQ_INTERRUPTED)
        hq_say("\ninterrupted; the state is saved in %s/last.h5: run again with --run-dir %s --resume\n",
               options->run_dir, options->run_dir);
    hq_free(options);
    return status;
}
