/* doctor_training.c: the training itself: its data, its work for the ranks, its arithmetic, its checkpoint. */
#include "cli/doctor.h"
#include "hqcnn/nn.h"

#include <fenv.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- data and network ------------------------------------------------------------------------------------------- */

/* Rank 0. Without the data set other checks go on with the built-in images. */
static hq_status open_on_first(hq_patient *patient)
{
    const hq_status status = hq_data_look(&patient->config, &patient->info);
    patient->has_data = status == HQ_OK;
    if (status == HQ_OK) return HQ_OK;
    hq_config instead;
    hq_config_defaults(&instead);
    if (hq_data_look(&instead, &patient->info) != HQ_OK) return HQ_ERR_INTERNAL;
    return status;
}

hq_status hq_doctor_data(hq_patient *patient, hq_finding *finding)
{
    hq_dist *dist = patient->dist;
    const hq_data_info *info = &patient->info;
    const hq_status status = hq_dist_rank(dist) == 0 ? open_on_first(patient) : HQ_OK;
    HQ_TRY(hq_dist_bcast(dist, &patient->info, sizeof patient->info));
    HQ_TRY(hq_dist_bcast(dist, &patient->has_data, sizeof patient->has_data));
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s: %lld train, %lld validation, %lld test; %s%s", info->name,
                    (long long)info->count[HQ_SPLIT_TRAIN], (long long)info->count[HQ_SPLIT_VAL],
                    (long long)info->count[HQ_SPLIT_TEST], hq_doctor_bytes((double)info->bytes),
                    info->stream ? " in memory, images streamed" : "");
    hq_doctor_advise(finding, "set data.source to an .npz or .h5 file that all nodes can read (what follows supposes "
                              "the built-in images)");
    return status;
}

hq_status hq_doctor_work(hq_patient *patient, hq_finding *finding)
{
    hq_dist *dist = patient->dist;
    hq_train_needs *needs = &patient->needs;
    const hq_status status = hq_dist_agree(
        dist, hq_dist_rank(dist) == 0 ? hq_train_estimate(dist, &patient->config, &patient->info, needs) : HQ_OK);
    patient->has_needs = status == HQ_OK;
    hq_doctor_advise(finding, "check the configuration: hqcnn-dist check");
    HQ_TRY(status);
    HQ_TRY(hq_dist_bcast(dist, needs, sizeof *needs));
    const char *ranks = hq_doctor_count(hq_dist_size(dist), "rank");
    const char *images = hq_doctor_count(hq_train_microbatch(&patient->config), "image");
    const int64_t idle = hq_dist_size(dist) - needs->micro;
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s of %s for %s", hq_doctor_count(needs->micro, "micro-batch"), images,
                    ranks);
    if (idle <= 0) return HQ_OK;
    hq_doctor_found(finding, HQ_VERDICT_NOTE, "%lld of %s have no work: a batch is %s of %s", (long long)idle, ranks,
                    hq_doctor_count(needs->micro, "micro-batch"), images);
    hq_doctor_advise(finding,
                     "a larger train.batch or a smaller train.microbatch feeds more ranks "
                     "(docs/large_batch.md); else start %lld",
                     (long long)needs->micro);
    return HQ_OK;
}

hq_status hq_doctor_loading(hq_patient *patient, hq_finding *finding)
{
    hq_node_data data;
    hq_balance seconds;
    if (!patient->has_data || !patient->has_room) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "not tried: see %s", patient->has_data ? "memory" : "data set");
        return HQ_OK;
    }
    hq_doctor_advise(finding, "copy the same file to all nodes, or to a folder that they share");
    const double start = hq_clock();
    HQ_TRY(hq_train_load_data(patient->dist, &patient->config, &data));
    const double mine = hq_clock() - start;
    const unsigned long long hash = data.hash;
    hq_train_free_data(&data);
    HQ_TRY(hq_dist_balance(patient->dist, mine, &seconds));
    hq_doctor_found(finding, HQ_VERDICT_OK, "%.2f s on all nodes, with the same hash %016llx", seconds.most, hash);
    return HQ_OK;
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------- */

/* Largest difference, of the largest number. */
static double difference(const hq_real *a, const hq_real *b, int64_t n)
{
    double most = 0, apart = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i])) return INFINITY;
        most = fmax(most, fabs((double)b[i]));
        apart = fmax(apart, fabs((double)a[i] - (double)b[i]));
    }
    return most > 0 ? apart / most : apart;
}

/* Libraries that were built with "fast" arithmetic switch these off for the whole process. */
static const char *unusual_arithmetic(void)
{
    volatile float smallest = FLT_MIN, half = smallest / 2;
    if (fegetround() != FE_TONEAREST) return "rounding is not to the nearest number";
    return half == 0 ? "the smallest numbers (denormals) are taken for zero" : "";
}

/* The network by the kernels in use, on every rank, and by the plain ones, on the first rank of each node. */
static hq_status compare_kernels(const hq_patient *patient, uint64_t *hash, double *apart)
{
    const hq_config *config = &patient->config;
    hq_real *fast = NULL, *plain = NULL;
    int64_t n;
    HQ_TRY(hq_model_probe(config, &patient->info, config->compute_kernel, &n, &fast));
    *hash = hq_hash(fast, (size_t)n * sizeof *fast, 0);
    hq_status status = HQ_OK;
    if (hq_dist_node_rank(patient->dist) == 0) {
        status = hq_model_probe(config, &patient->info, HQ_COMPUTE_KERNEL_PLAIN, &n, &plain);
        if (status == HQ_OK) *apart = difference(fast, plain, n);
    }
    hq_free(fast);
    hq_free(plain);
    return status;
}

hq_status hq_doctor_arithmetic(hq_patient *patient, hq_finding *finding)
{
    const bool short_numbers = patient->config.compute_precision == HQ_COMPUTE_PRECISION_BF16;
    const double allowed = short_numbers ? 0.3 : 1e-3; /* sums of a few thousand products, and norms of few numbers */
    hq_dist *dist = patient->dist;
    char text[HQ_TOLD_MAX] = "";
    uint64_t hash = 0, first;
    double apart = 0;
    hq_balance all;
    if (!patient->has_memory) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "not tried: see memory");
        return HQ_OK;
    }
    HQ_TRY(hq_dist_agree(dist, compare_kernels(patient, &hash, &apart)));
    first = hash;
    HQ_TRY(hq_dist_bcast(dist, &first, sizeof first));
    HQ_TRY(hq_dist_balance(dist, fmin(apart, 1e300), &all));
    hq_doctor_found(finding, HQ_VERDICT_OK, "same bits on all ranks; layers %s differ from plain ones by %.1g",
                    hq_nn_kernel_name(patient->config.compute_kernel), all.most);
    snprintf(text, sizeof text, "%s", unusual_arithmetic());
    if (!(apart < allowed)) snprintf(text, sizeof text, "kernels differ from plain ones by %.1g", apart);
    if (hash != first) snprintf(text, sizeof text, "computes other bits than rank 0, with the same kernels");
    hq_doctor_advise(finding, "leave this node out and have it looked at; compute.kernel = \"plain\" and no LD_PRELOAD "
                              "tell whether instructions or a library are the cause");
    return hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding);
}

/* ---- checkpoint ------------------------------------------------------------------------------------------------- */

typedef struct hq_trial_save {
    hq_dist *dist;
    char path[PATH_MAX + 16];
    double write, read; /* seconds */
} hq_trial_save;

static hq_status save_and_load(void *ctx, const hq_state *state)
{
    hq_trial_save *save = ctx;
    hq_state found;
    double start = hq_clock();
    HQ_TRY(hq_checkpoint_write(save->dist, save->path, state));
    hq_clock_lap(&start, &save->write);
    HQ_TRY(hq_checkpoint_read(save->dist, save->path, &found));
    hq_clock_lap(&start, &save->read);
    const bool same = hq_checkpoint_hash(&found) == hq_checkpoint_hash(state);
    hq_checkpoint_free(&found);
    return hq_dist_agree(save->dist, same ? HQ_OK : hq_fail(HQ_ERR_FILE, "%s comes back with other bits", save->path));
}

hq_status hq_doctor_checkpoint(hq_patient *patient, hq_finding *finding)
{
    hq_trial_save save = {.dist = patient->dist};
    if (!patient->scratch[0] || !patient->is_common || !patient->has_memory) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "not tried: see %s",
                        !patient->scratch[0]  ? "folder"
                        : !patient->is_common ? "same folder"
                                              : "memory");
        return HQ_OK;
    }
    hq_doctor_advise(finding, "free space or another --run-dir; for errors of MPI-IO OMPI_MCA_io=romio321");
    snprintf(save.path, sizeof save.path, "%s/trial.h5", patient->scratch);
    const hq_phase before = hq_phase_enter(HQ_PHASE_CHECKPOINT);
    const hq_status status =
        hq_train_visit_state(patient->dist, &patient->config, &patient->info, save_and_load, &save);
    hq_phase_enter(before);
    HQ_TRY(status);
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s written by %s and verified in %.2f s, loaded in %.2f s",
                    hq_doctor_bytes(patient->needs.checkpoint), hq_doctor_count(hq_dist_size(patient->dist), "rank"),
                    save.write, save.read);
    return HQ_OK;
}
