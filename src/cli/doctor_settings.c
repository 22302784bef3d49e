/* doctor_settings.c: the job, and settings of launchers that are known to hurt (docs/failures.md). */
#include "cli/doctor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- the job ---------------------------------------------------------------------------------------------------- */

hq_status hq_doctor_job(hq_patient *patient, hq_finding *finding)
{
    enum { SHORT = 600 }; /* seconds */
    const char *text = getenv("SLURM_JOB_END_TIME");
    char *end;
    (void)patient;
    if (!text) {
        hq_doctor_found(finding, HQ_VERDICT_OK, "no time limit is known (SLURM_JOB_END_TIME is not set)");
        return HQ_OK;
    }
    const long long when = strtoll(text, &end, 10), left = when - (long long)time(NULL);
    hq_doctor_advise(finding, "give more --time; jobs/train.sbatch saves before the limit and goes on in another job");
    if (*end || end == text)
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM, "SLURM_JOB_END_TIME = \"%s\": seconds since 1970 are expected",
                        text);
    else if (left < 0)
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM,
                        "the job ended %lld s ago by SLURM_JOB_END_TIME and the clock of rank 0", -left);
    else
        hq_doctor_found(finding, left < SHORT ? HQ_VERDICT_NOTE : HQ_VERDICT_OK, "%lld:%02lld:%02lld are left",
                        left / 3600, left / 60 % 60, left % 60);
    return HQ_OK;
}

/* ---- mpirun ----------------------------------------------------------------------------------------------------- */

/* Of mpirun's own parameters the ranks see those in the environment. Under Slurm ranks that are ended need the time to
 * save. */
hq_status hq_doctor_failures(hq_patient *patient, hq_finding *finding)
{
    enum { LONG = 60 }; /* seconds */
    const char *launcher = hq_dist_launcher(), *time = getenv("OMPI_MCA_oob_tcp_keepalive_time");
    const bool ours = launcher && strncmp(launcher, "mpirun of Open MPI", 18) == 0;
    if (hq_dist_nodes(patient->dist) < 2 || !ours) {
        hq_doctor_found(finding, HQ_VERDICT_OK, "nothing to set: %s", ours ? "one node" : "mpirun is not the launcher");
        return HQ_OK;
    }
    if (!time)
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "mpirun notices a lost node after more than 11 minutes");
    else if (atoi(time) <= 0)
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "mpirun does not look for lost nodes (oob_tcp_keepalive_time = %s)",
                        time);
    else
        hq_doctor_found(finding, atoi(time) > LONG ? HQ_VERDICT_NOTE : HQ_VERDICT_OK,
                        "mpirun looks whether a node is lost when it has been silent for %s s "
                        "(oob_tcp_keepalive_time)",
                        time);
    hq_doctor_advise(finding, "export OMPI_MCA_oob_tcp_keepalive_time=10 OMPI_MCA_oob_tcp_keepalive_intvl=5 "
                              "OMPI_MCA_oob_tcp_keepalive_probes=3");
    return HQ_OK;
}

/* ---- Slurm ------------------------------------------------------------------------------------------------------ */

typedef struct hq_slurm {
    bool requeues; /* RequeueExit has the code of an interrupted run */
    int kill_wait; /* seconds */
} hq_slurm;

static FILE *open_slurm_conf(void)
{
    static const char *const usual[] = {"/etc/slurm/slurm.conf", "/run/slurm/conf/slurm.conf",
                                        "/etc/slurm-llnl/slurm.conf"};
    const char *given = getenv("SLURM_CONF");
    FILE *file = given ? fopen(given, "r") : NULL;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !file; i++) file = fopen(usual[i], "r");
    return file;
}

/* Whether a list such as "1-5,75" has the code. */
static bool has_code(const char *list, int code)
{
    while (isdigit((unsigned char)*list)) {
        int from, to, n = 0;
        if (sscanf(list, "%d-%d%n", &from, &to, &n) != 2 || n == 0) {
            if (sscanf(list, "%d%n", &from, &n) != 1) return false;
            to = from;
        }
        if (from <= code && code <= to) return true;
        list += n;
        list += *list == ',';
    }
    return false;
}

static void read_slurm_conf(FILE *file, hq_slurm *slurm)
{
    char line[1024];
    while (fgets(line, sizeof line, file)) {
        char *key = line + strspn(line, " \t"), *value = strchr(key, '=');
        if (*key == '#' || !value) continue;
        *value++ = '\0';
        if (strcasecmp(key, "RequeueExit") == 0)
            slurm->requeues = has_code(value, hq_status_exit_code(HQ_INTERRUPTED));
        else if (strcasecmp(key, "KillWait") == 0)
            slurm->kill_wait = atoi(value);
    }
}

hq_status hq_doctor_slurm(hq_patient *patient, hq_finding *finding)
{
    enum { USUAL = 30 };
    hq_slurm slurm = {.kill_wait = USUAL};
    (void)patient;
    if (!getenv("SLURM_JOB_ID")) {
        hq_doctor_found(finding, HQ_VERDICT_OK, "this is no Slurm job");
        return HQ_OK;
    }
    FILE *file = open_slurm_conf();
    if (!file) {
        hq_doctor_found(finding, HQ_VERDICT_OK, "slurm.conf cannot be read here");
        return HQ_OK;
    }
    read_slurm_conf(file, &slurm);
    fclose(file);
    hq_doctor_found(finding, HQ_VERDICT_OK, "KillWait = %d s; RequeueExit does not have 75", slurm.kill_wait);
    if (slurm.requeues) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE,
                        "RequeueExit has 75: an interrupted job goes back to the queue "
                        "without end, whatever the job script says");
        hq_doctor_advise(finding, "end a job that shall not go on with scancel; RESTARTS of jobs/train.sbatch has no "
                                  "effect here");
    } else if (slurm.kill_wait < USUAL) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "KillWait = %d: ranks are killed so many seconds behind the limit",
                        slurm.kill_wait);
        hq_doctor_advise(finding, "ask for a signal long before it, as jobs/train.sbatch does: --signal=B:USR1@120");
    }
    return HQ_OK;
}

/* ---- our own ---------------------------------------------------------------------------------------------------- */

hq_status hq_doctor_switches(hq_patient *patient, hq_finding *finding)
{
    static const char *const name[] = {"HQCNN_ANY_LAUNCHER", "HQCNN_NODE_RANKS", "HQCNN_MACHINE_LIMIT"};
    char text[HQ_TOLD_MAX] = "";
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const char *value = getenv(name[i]);
        const size_t used = strlen(text);
        if (value) snprintf(text + used, sizeof text - used, "%s%s = %.60s", used ? ", " : "", name[i], value);
    }
    hq_doctor_found(finding, HQ_VERDICT_OK, "none that is meant for tests is set");
    hq_doctor_advise(finding, "unset them, unless you know why they are set");
    return hq_doctor_tell(patient, HQ_VERDICT_NOTE, text, finding);
}
