/* doctor.c: hqcnn-dist doctor: looks at the machine before a long job, and says what to set. */
#include "cli/doctor.h"

#include "hqcnn/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are told; later ones may use what earlier ones found. */
static const struct hq_check {
    const char *name;
    bool alone; /* rank 0 does it while the others sleep */
    hq_examine examine;
} check[] = {
    {"start", false, hq_doctor_start},
    {"MPI library", false, hq_doctor_library},
    {"kernels", false, hq_doctor_kernels},
    {"cores", false, hq_doctor_cores},
    {"waiting", true, hq_doctor_waiting},
    {"data set", false, hq_doctor_data},
    {"work", false, hq_doctor_work},
    {"memory", false, hq_doctor_memory},
    {"shared memory", false, hq_doctor_shared},
    {"loading", false, hq_doctor_loading},
    {"arithmetic", false, hq_doctor_arithmetic},
    {"sums", false, hq_doctor_sums},
    {"sum speed", false, hq_doctor_sum_speed},
    {"network", false, hq_doctor_network},
    {"interfaces", false, hq_doctor_interfaces},
    {"clock", false, hq_doctor_clock},
    {"folder", false, hq_doctor_folder},
    {"same folder", false, hq_doctor_shared_folder},
    {"locks", true, hq_doctor_locks},
    {"MPI-IO", true, hq_doctor_mpi_io},
    {"names", true, hq_doctor_names},
    {"space", true, hq_doctor_space},
    {"disk", true, hq_doctor_disk},
    {"checkpoint", false, hq_doctor_checkpoint},
    {"job", true, hq_doctor_job},
    {"lost nodes", true, hq_doctor_failures},
    {"Slurm", true, hq_doctor_slurm},
    {"switches", false, hq_doctor_switches},
};
enum { CHECKS = sizeof check / sizeof *check };

static const char *const verdict_name[] = {"ok", "note", "problem"};

/* ---- for the checks --------------------------------------------------------------------------------------------- */

void hq_doctor_found(hq_finding *finding, hq_verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
    finding->verdict = verdict;
}

void hq_doctor_advise(hq_finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->advice, sizeof finding->advice, format, args);
    va_end(args);
}

enum { TEXTS = 8, TEXT_SIZE = 40 };

static char *next_text(void)
{
    static char text[TEXTS][TEXT_SIZE];
    static int at;
    at = (at + 1) % TEXTS;
    return text[at];
}

const char *hq_doctor_bytes(double bytes)
{
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
    char *text = next_text();
    int u = 0;
    if (!isfinite(bytes)) return "an unknown number of bytes";
    for (; u < 4 && bytes >= 1000; u++) bytes /= 1000;
    snprintf(text, TEXT_SIZE, u == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes, unit[u]);
    return text;
}

const char *hq_doctor_count(int64_t n, const char *one)
{
    char *text = next_text();
    const char *ending = one[strlen(one) - 1] == 'h' ? "es" : "s";
    snprintf(text, TEXT_SIZE, "%lld %s%s", (long long)n, one, n == 1 ? "" : ending);
    return text;
}

hq_status hq_doctor_tell(const hq_patient *patient, hq_verdict verdict, const char *mine, hq_finding *finding)
{
    char text[HQ_TOLD_MAX];
    hq_found found;
    const bool speaks = mine[0] != '\0';
    hq_copy_text(text, sizeof text, mine);
    HQ_TRY(hq_dist_tell(patient->dist, speaks, text, sizeof text, &found));
    if (found.count == 0) return HQ_OK;
    const int others = found.count - 1;
    char more[32] = "";
    if (others > 0) snprintf(more, sizeof more, " (%d more like that)", others);
    hq_doctor_found(finding, verdict, "%s%s: %s", found.host, more, text);
    return HQ_OK;
}

/* ---- one check -------------------------------------------------------------------------------------------------- */

/* What was logged on any rank becomes the finding. */
static hq_status take_log(const hq_patient *patient, hq_status status, char log[HQ_TOLD_MAX], hq_finding *finding)
{
    hq_found found;
    HQ_TRY(hq_dist_tell(patient->dist, log[0] != '\0', log, HQ_TOLD_MAX, &found));
    const hq_verdict verdict = status == HQ_OK ? finding->logged : HQ_VERDICT_PROBLEM;
    if (found.count > 0 && found.rank == 0)
        hq_doctor_found(finding, verdict, "%s", log);
    else if (found.count > 0)
        hq_doctor_found(finding, verdict, "rank %d on %s: %s", found.rank, found.host, log);
    else if (status != HQ_OK)
        hq_doctor_found(finding, verdict, "%s", hq_status_text(status));
    return HQ_OK;
}

static hq_status run_check(hq_patient *patient, const struct hq_check *now, hq_finding *finding)
{
    char log[HQ_TOLD_MAX];
    hq_dist *dist = patient->dist;
    double start = hq_clock();
    *finding = (hq_finding){.logged = HQ_VERDICT_NOTE};
    hq_log_capture(log, sizeof log);
    hq_status status = !now->alone || hq_dist_rank(dist) == 0 ? now->examine(patient, finding) : HQ_OK;
    hq_log_capture(NULL, 0);
    if (status == HQ_ERR_COMM) {
        if (log[0]) hq_fail(status, "%s", log);
        return hq_dist_agree(dist, status); /* nobody leaves before it is said, if MPI still works */
    }
    if (now->alone) HQ_TRY(hq_dist_rest(dist));
    status = hq_dist_agree(dist, status);
    hq_clock_lap(&start, &finding->seconds);
    return status == HQ_ERR_COMM ? status : take_log(patient, status, log, finding);
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

enum { WIDTH = 100, TEXT_AT = 24 };

/* Words of the text from column TEXT_AT on; what is longer than a line goes on in the next one. */
static void print_text(const char *first, const char *text)
{
    int at = TEXT_AT;
    hq_say("%-*s", TEXT_AT, first);
    for (bool starts = true; *text; starts = false) {
        const int n = (int)strcspn(text, " ");
        if (!starts && at + 1 + n > WIDTH) {
            hq_say("\n%*s", TEXT_AT, "");
            at = TEXT_AT;
        } else if (!starts) {
            hq_say(" ");
            at++;
        }
        hq_say("%.*s", n, text);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    hq_say("\n");
}

static void print_finding(const char *name, const hq_finding *finding)
{
    char first[64];
    snprintf(first, sizeof first, "%-7s  %s", verdict_name[finding->verdict], name);
    print_text(first, finding->text);
    snprintf(first, sizeof first, "%*s", TEXT_AT - 3, "->");
    if (finding->verdict != HQ_VERDICT_OK && finding->advice[0]) print_text(first, finding->advice);
}

static json_t *row_of(const char *name, hq_finding *finding)
{
    hq_json_mend(finding->text);
    hq_json_mend(finding->advice);
    return json_pack("{s:s, s:s, s:s, s:s, s:f}", "check", name, "verdict", verdict_name[finding->verdict], "found",
                     finding->text, "advice", finding->verdict == HQ_VERDICT_OK ? "" : finding->advice, "seconds",
                     finding->seconds);
}

static hq_status print_json(hq_patient *patient, hq_finding *finding, const int count[])
{
    json_t *list = json_array();
    bool complete = true;
    for (int i = 0; i < CHECKS; i++)
        complete = json_array_append_new(list, row_of(check[i].name, &finding[i])) == 0 && complete;
    hq_json_mend(patient->folder);
    json_t *root =
        json_pack("{s:s, s:i, s:i, s:s, s:i, s:i, s:o}", "version", HQ_VERSION, "ranks", hq_dist_size(patient->dist),
                  "nodes", hq_dist_nodes(patient->dist), "folder", patient->folder, "problems",
                  count[HQ_VERDICT_PROBLEM], "notes", count[HQ_VERDICT_NOTE], "checks", list);
    char *text = complete ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    if (!text) HQ_FAIL(HQ_ERR_INTERNAL, "doctor: the results cannot be written as JSON");
    hq_say("%s\n", text);
    free(text);
    return HQ_OK;
}

/* ---- all checks ------------------------------------------------------------------------------------------------- */

/* Tells of each check as soon as it is over: one that takes long is the one behind the last line. */
static hq_status run_checks(hq_patient *patient, bool json, hq_finding finding[CHECKS])
{
    for (int i = 0; i < CHECKS; i++) {
        HQ_TRY(run_check(patient, &check[i], &finding[i]));
        if (!json && hq_dist_rank(patient->dist) == 0) print_finding(check[i].name, &finding[i]);
    }
    return HQ_OK;
}

/* A problem is a file error for the exit code: what is missing is missing outside of the program. */
static hq_status conclude(hq_patient *patient, bool json, hq_finding finding[CHECKS])
{
    int count[3] = {0};
    for (int i = 0; i < CHECKS; i++) count[finding[i].verdict]++;
    hq_status status = HQ_OK;
    if (hq_dist_rank(patient->dist) == 0) {
        if (json) status = print_json(patient, finding, count);
        if (!json)
            hq_say("\n%s, %s\n", hq_doctor_count(count[HQ_VERDICT_PROBLEM], "problem"),
                   hq_doctor_count(count[HQ_VERDICT_NOTE], "note"));
        if (status == HQ_OK && count[HQ_VERDICT_PROBLEM] > 0) status = HQ_ERR_FILE;
    }
    return hq_dist_agree(patient->dist, status);
}

static hq_status examine(hq_patient *patient, const hq_options *options, hq_finding *finding)
{
    const bool first = hq_dist_rank(patient->dist) == 0;
    if (first) hq_doctor_choose_folder(options->run_dir, patient->folder);
    HQ_TRY(hq_dist_bcast(patient->dist, patient->folder, sizeof patient->folder));
    if (!options->json)
        hq_say("hqcnn-dist %s doctor: %s on %s, folder %s\n\n", HQ_VERSION,
               hq_doctor_count(hq_dist_size(patient->dist), "rank"),
               hq_doctor_count(hq_dist_nodes(patient->dist), "node"), patient->folder);
    const hq_status status = run_checks(patient, options->json, finding);
    if (first) hq_doctor_clear_folder(patient);
    HQ_TRY(status);
    return conclude(patient, options->json, finding);
}

hq_status hq_cli_doctor(hq_dist *dist, const hq_options *options)
{
    hq_patient *patient;
    hq_finding *finding;
    HQ_TRY(hq_dist_alloc(dist, 1, sizeof *patient, "doctor", &patient));
    patient->dist = dist;
    hq_status status = hq_dist_alloc(dist, CHECKS, sizeof *finding, "findings", &finding);
    if (status == HQ_OK) status = hq_cli_configure(dist, options, NULL, NULL, &patient->config);
    if (status == HQ_OK) status = examine(patient, options, finding);
    hq_free(finding);
    hq_free(patient);
    return status;
}
