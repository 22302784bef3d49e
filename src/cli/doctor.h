/* doctor.h: what the checks of hqcnn-dist doctor share. Private to doctor*.c. */
#ifndef HQCNN_CLI_DOCTOR_H
#define HQCNN_CLI_DOCTOR_H

#include "cli/cli.h"

typedef enum hq_verdict { HQ_VERDICT_OK, HQ_VERDICT_NOTE, HQ_VERDICT_PROBLEM } hq_verdict;

enum { HQ_FOUND_MAX = 2048, HQ_ADVICE_MAX = 512, HQ_TOLD_MAX = 512 };

/* What a check found; rank 0's is shown. */
typedef struct hq_finding {
    hq_verdict verdict;
    hq_verdict logged; /* of a warning that the check leads to; HQ_VERDICT_NOTE unless the check says otherwise */
    char text[HQ_FOUND_MAX];
    char advice[HQ_ADVICE_MAX]; /* what to set; shown unless the verdict is ok */
    double seconds;             /* that the check took */
} hq_finding;

/* What is examined, and what earlier checks found of it; equal on all ranks. */
typedef struct hq_patient {
    hq_dist *dist;
    hq_config config;
    hq_data_info info; /* of data.source, or of the built-in images when that cannot be opened */
    bool has_data;     /* of data.source */
    bool has_needs;
    hq_train_needs needs;
    bool has_memory;        /* each node has what it needs */
    bool has_room;          /* and shared memory for the data set too */
    bool crowded;           /* some node has more ranks than cores */
    char folder[PATH_MAX];  /* where run folders are made, or the run folder */
    char scratch[PATH_MAX]; /* a folder of our own in it; "" when it cannot be made */
    bool is_common;         /* all nodes see it */
    bool copies;            /* files cannot have two names there; known to rank 0 alone */
} hq_patient;

/* Says what was found, and what to do about it. */
void hq_doctor_found(hq_finding *finding, hq_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void hq_doctor_advise(hq_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "12.3 MB"; "2 ranks", "1 rank". In static memory that the next seven calls of either leave alone. */
const char *hq_doctor_bytes(double bytes);
const char *hq_doctor_count(int64_t n, const char *one);

/* The first rank with a text tells rank 0 what is wrong with its node, and how many are like that. Collective. */
hq_status hq_doctor_tell(const hq_patient *patient, hq_verdict verdict, const char *mine, hq_finding *finding);

/* A check fills the finding. What it logs on any rank is no message but becomes the finding: an error with a status
 * that is not HQ_OK a problem, a warning what finding->logged says. Collective but where the table of doctor.c says
 * that rank 0 does it alone. */
typedef hq_status (*hq_examine)(hq_patient *patient, hq_finding *finding);

/* doctor_start.c */
hq_status hq_doctor_start(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_library(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_kernels(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_sums(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_sum_speed(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_network(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_interfaces(hq_patient *patient, hq_finding *finding);

/* doctor_machine.c */
hq_status hq_doctor_cores(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_waiting(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_memory(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_shared(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_clock(hq_patient *patient, hq_finding *finding);

/* doctor_training.c */
hq_status hq_doctor_data(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_work(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_loading(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_arithmetic(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_checkpoint(hq_patient *patient, hq_finding *finding);

/* doctor_folder.c */
hq_status hq_doctor_folder(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_shared_folder(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_locks(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_mpi_io(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_names(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_space(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_disk(hq_patient *patient, hq_finding *finding);
/* Where the checks work: the folder of `run_dir`, or of the run folder that "train" would make. Rank 0. */
void hq_doctor_choose_folder(const char *run_dir, char folder[PATH_MAX]);
/* Leaves nothing behind. Rank 0. */
void hq_doctor_clear_folder(const hq_patient *patient);

/* doctor_settings.c */
hq_status hq_doctor_job(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_failures(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_slurm(hq_patient *patient, hq_finding *finding);
hq_status hq_doctor_switches(hq_patient *patient, hq_finding *finding);

#endif
