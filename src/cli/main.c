/* main.c: start MPI, run one command, map its status to the exit code. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

static hq_status run_command(hq_dist *dist, const hq_options *options)
{
    static hq_status (*const command[HQ_COMMAND_COUNT])(hq_dist *, const hq_options *) = {
        [HQ_COMMAND_TRAIN] = hq_cli_train,
        [HQ_COMMAND_EVALUATE] = hq_cli_evaluate,
        [HQ_COMMAND_PREDICT] = hq_cli_predict,
        [HQ_COMMAND_CHECK] = hq_cli_check,
        [HQ_COMMAND_INSPECT] = hq_cli_inspect,
        [HQ_COMMAND_CIRCUIT] = hq_cli_circuit,
        [HQ_COMMAND_CIRCUIT_EVAL] = hq_cli_circuit_eval,
        [HQ_COMMAND_BENCH_CIRCUIT] = hq_cli_bench_circuit,
        [HQ_COMMAND_BENCH_TRAIN] = hq_cli_bench_train,
        [HQ_COMMAND_BENCH_INFER] = hq_cli_bench_train,
        [HQ_COMMAND_BENCH_LAYERS] = hq_cli_bench_train,
        [HQ_COMMAND_BENCH_SCALE] = hq_cli_bench_scale,
        [HQ_COMMAND_BENCH_CHECKPOINT] = hq_cli_bench_checkpoint,
        [HQ_COMMAND_DATA_IMPORT] = hq_cli_data_import,
        [HQ_COMMAND_DOCTOR] = hq_cli_doctor,
        [HQ_COMMAND_SWEEP] = hq_cli_sweep,
        [HQ_COMMAND_SWEEP_PLAN] = hq_cli_sweep,
        [HQ_COMMAND_SWEEP_STATUS] = hq_cli_sweep_show,
        [HQ_COMMAND_SWEEP_BEST] = hq_cli_sweep_show,
        [HQ_COMMAND_SWEEP_TABLE] = hq_cli_sweep_show,
        [HQ_COMMAND_SWEEP_REPORT] = hq_cli_sweep_show};
    return command[options->command](dist, options);
}

/* The command line is parsed on rank 0 alone, so that a mistake in it is told once. */
static hq_status work(hq_dist *dist, int argc, char **argv)
{
    hq_options *options;
    HQ_TRY(hq_dist_check_launch(dist));
    HQ_TRY(hq_dist_check_same(dist, hq_program_hash(), "another program; install the same one on all nodes"));
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *options, "options", &options));
    hq_status status = hq_dist_rank(dist) == 0 ? hq_cli_parse(argc, argv, options) : HQ_OK;
    status = hq_dist_agree(dist, status);
    if (status == HQ_OK) status = hq_dist_bcast(dist, options, sizeof *options);
    const bool hears = options->command == HQ_COMMAND_TRAIN || options->command == HQ_COMMAND_SWEEP;
    if (status == HQ_OK && !hears) hq_cli_signals_hold(false);
    if (status == HQ_OK) status = hq_cli_start(dist, options);
    if (status == HQ_OK) status = run_command(dist, options);
    hq_free(options);
    return status;
}

int main(int argc, char **argv)
{
    if (hq_cli_answer_early(argc, argv)) return 0;
    hq_dist *dist = NULL;
    hq_cli_signals_hold(true);
    hq_checkpoint_library();
    hq_status status = hq_dist_start(&argc, &argv, &dist);
    if (status != HQ_OK) hq_dist_abort(dist, hq_status_exit_code(status));
    status = work(dist, argc, argv);
    if (status == HQ_ERR_COMM) hq_dist_abort(dist, hq_status_exit_code(status));
    hq_dist_stop(dist);
    if (getenv("HQCNN_CHECK_MEMORY") && hq_memory_balance() != 0) {
        fprintf(stderr, "hqcnn-dist: %lld blocks of memory were not freed\n", (long long)hq_memory_balance());
        return 1;
    }
    return hq_status_exit_code(status);
}
