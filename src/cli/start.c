/* start.c: what must hold, and what is agreed on, before a command runs. */
#include "cli/cli.h"
#include "hqcnn/tensor.h"

/* Every rank uses the kernels that all of them have, so that the bits are the same on every rank. */
hq_status hq_cli_agree_on_kernels(const hq_dist *dist)
{
    const hq_machine mine = hq_machine_have();
    hq_balance level;
    hq_found poorer;
    HQ_TRY(hq_dist_balance(dist, (double)mine, &level));
    HQ_TRY(hq_dist_find(dist, (double)mine < level.most, &poorer));
    hq_machine_limit((hq_machine)level.least);
    if (poorer.count > 0 && hq_dist_rank(dist) == 0)
        hq_warn("%d of %d ranks, the first of them rank %d on %s, have poorer processors: all ranks use kernels for "
                "\"%s\", not \"%s\"",
                poorer.count, hq_dist_size(dist), poorer.rank, poorer.host, hq_machine_name((hq_machine)level.least),
                hq_machine_name((hq_machine)level.most));
    uint64_t name = hq_hash_text(hq_kernel_variant());
    HQ_TRY(hq_dist_bcast(dist, &name, sizeof name));
    HQ_TRY(hq_dist_find(dist, name != hq_hash_text(hq_kernel_variant()), &poorer));
    if (poorer.count > 0 || level.least < level.most) hq_gemm_choose_common();
    return hq_dist_check_same(dist, hq_hash_text(hq_kernel_variant()),
                              "other kernels of OpenBLAS; use the same library and the same OPENBLAS_CORETYPE on all "
                              "nodes");
}

static bool computes(int command)
{
    return command == HQ_COMMAND_TRAIN || command == HQ_COMMAND_SWEEP || command == HQ_COMMAND_EVALUATE ||
           command == HQ_COMMAND_PREDICT || command == HQ_COMMAND_BENCH_TRAIN || command == HQ_COMMAND_BENCH_INFER;
}

hq_status hq_cli_start(const hq_dist *dist, const hq_options *options)
{
    if (options->command == HQ_COMMAND_DOCTOR) return HQ_OK;
    HQ_TRY(hq_cli_agree_on_kernels(dist));
    if (!computes(options->command)) return HQ_OK;
    hq_dist_warn_alone(dist);
    HQ_TRY(hq_dist_warn_binding(dist));
    return options->binding ? hq_dist_print_binding(dist) : HQ_OK;
}
