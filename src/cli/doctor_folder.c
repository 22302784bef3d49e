/* doctor_folder.c: the folder in which a run writes. Rank 0 works in a folder of its own there, which is removed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* flock, mkdtemp */
#endif
#include "cli/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- which folder ----------------------------------------------------------------------------------------------- */

/* The nearest one on the way up that is there: the others will be made in it. */
void hq_doctor_choose_folder(const char *run_dir, char folder[PATH_MAX])
{
    char name[PATH_MAX];
    hq_copy_text(name, sizeof name, run_dir[0] ? run_dir : "runs");
    while (!realpath(name, folder)) {
        char *slash = strrchr(name, '/');
        hq_copy_text(folder, PATH_MAX, name);
        if (strcmp(name, ".") == 0) return;
        if (!slash)
            hq_copy_text(name, sizeof name, ".");
        else
            slash[slash == name] = '\0'; /* the root keeps its slash */
    }
}

/* The name of a file in our folder, in static memory. */
static const char *at(const hq_patient *patient, const char *name)
{
    enum { NAMES = 4 };
    static char path[NAMES][PATH_MAX + 16];
    static int next;
    next = (next + 1) % NAMES;
    snprintf(path[next], sizeof path[next], "%s/%s", patient->scratch, name);
    return path[next];
}

void hq_doctor_clear_folder(const hq_patient *patient)
{
    DIR *folder = patient->scratch[0] ? opendir(patient->scratch) : NULL;
    if (!folder) return;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(patient->scratch);
}

/* File systems by the number in statfs: Linux's magic.h and the sources of those that are not in it. */
static const struct hq_file_system {
    unsigned long type;
    const char *name;
    enum { ON_NODE, ON_NETWORK, IN_MEMORY } place;
} file_system[] = {{0xEF53, "ext4", ON_NODE},          {0x58465342, "xfs", ON_NODE},
                   {0x9123683E, "btrfs", ON_NODE},     {0x2FC12FC1, "zfs", ON_NODE},
                   {0xF2F52010, "f2fs", ON_NODE},      {0x794c7630, "overlayfs", ON_NODE},
                   {0x4d44, "fat", ON_NODE},           {0x01021994, "tmpfs", IN_MEMORY},
                   {0x858458f6, "ramfs", IN_MEMORY},   {0x6969, "NFS", ON_NETWORK},
                   {0x0BD00BD0, "Lustre", ON_NETWORK}, {0x47504653, "GPFS", ON_NETWORK},
                   {0x19830326, "BeeGFS", ON_NETWORK}, {0x00C36400, "Ceph", ON_NETWORK},
                   {0xAAD7AAEA, "PanFS", ON_NETWORK},  {0xFE534D42, "SMB", ON_NETWORK},
                   {0xFF534D42, "CIFS", ON_NETWORK},   {0x01021997, "9p", ON_NETWORK},
                   {0x01161970, "GFS2", ON_NETWORK},   {0x7461636f, "OCFS2", ON_NETWORK},
                   {0x5346414F, "AFS", ON_NETWORK},    {0x20030528, "OrangeFS", ON_NETWORK}};

static const struct hq_file_system *find_file_system(const char *folder)
{
    struct statfs info;
    if (statfs(folder, &info) != 0) return NULL;
    for (size_t i = 0; i < sizeof file_system / sizeof *file_system; i++)
        if (file_system[i].type == ((unsigned long)info.f_type & 0xffffffff)) return &file_system[i];
    return NULL;
}

static hq_status make_scratch(hq_patient *patient)
{
    if (snprintf(patient->scratch, sizeof patient->scratch, "%.*s/.hqcnn-doctor-XXXXXX", PATH_MAX - 32,
                 patient->folder) > 0 &&
        mkdtemp(patient->scratch))
        return HQ_OK;
    const int error = errno;
    patient->scratch[0] = '\0';
    HQ_FAIL(HQ_ERR_FILE, "folder %s cannot be written to: %s", patient->folder, strerror(error));
}

hq_status hq_doctor_folder(hq_patient *patient, hq_finding *finding)
{
    const bool first = hq_dist_rank(patient->dist) == 0;
    const struct hq_file_system *fs = first ? find_file_system(patient->folder) : NULL;
    const hq_status status = first ? make_scratch(patient) : HQ_OK;
    HQ_TRY(hq_dist_bcast(patient->dist, patient->scratch, sizeof patient->scratch));
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s can be written to; %s", patient->folder,
                    fs ? fs->name : "a file system of unknown kind");
    hq_doctor_advise(finding, "give a folder that you may write to: --run-dir");
    if (!fs || fs->place != IN_MEMORY || status != HQ_OK) return status;
    hq_doctor_found(finding, HQ_VERDICT_NOTE, "%s is in memory (%s): what is saved there goes with the node",
                    patient->folder, fs->name);
    hq_doctor_advise(finding, "give a folder on a disk, or on the cluster's file system: --run-dir");
    return HQ_OK;
}

static void not_tried(hq_finding *finding) { hq_doctor_found(finding, HQ_VERDICT_NOTE, "not tried: see folder"); }

/* ---- seen by all nodes ------------------------------------------------------------------------------------------ */

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    const bool good = file && fputs(text, file) >= 0;
    return file && fclose(file) == 0 && good;
}

static bool holds_text(const char *path, const char *text)
{
    char line[64] = "";
    FILE *file = fopen(path, "r");
    if (file && !fgets(line, sizeof line, file)) line[0] = '\0';
    if (file) fclose(file);
    return strcmp(line, text) == 0;
}

hq_status hq_doctor_shared_folder(hq_patient *patient, hq_finding *finding)
{
    static const char *const word = "made by rank 0";
    const hq_dist *dist = patient->dist;
    char text[HQ_TOLD_MAX] = "";
    if (!patient->scratch[0]) {
        not_tried(finding);
        return HQ_OK;
    }
    const bool made = hq_dist_rank(dist) != 0 || write_text(at(patient, "seen"), word);
    HQ_TRY(hq_dist_agree(dist, made ? HQ_OK : hq_fail(HQ_ERR_FILE, "%s: %s", at(patient, "seen"), strerror(errno))));
    if (hq_dist_node_rank(dist) == 0 && !holds_text(at(patient, "seen"), word))
        snprintf(text, sizeof text, "a file that rank 0 made in %.300s is not there", patient->folder);
    hq_doctor_found(finding, HQ_VERDICT_OK, "a file that rank 0 made is seen from %s",
                    hq_doctor_count(hq_dist_nodes(dist), "node"));
    hq_doctor_advise(finding, "give a folder that all nodes share: --run-dir");
    HQ_TRY(hq_doctor_tell(patient, HQ_VERDICT_PROBLEM, text, finding));
    hq_found blind;
    HQ_TRY(hq_dist_find(dist, text[0] != '\0', &blind));
    patient->is_common = blind.count == 0;
    return HQ_OK;
}

/* ---- locks and MPI-IO; rank 0 alone from here on ---------------------------------------------------------------- */

static bool environment_is(const char *name, const char *const *values)
{
    const char *value = getenv(name);
    for (; value && *values; values++)
        if (strcasecmp(value, *values) == 0) return true;
    return false;
}

/* 0, or the error of a lock on the file: of the kind that HDF5 takes (flock), or MPI-IO (fcntl). */
static int try_lock(int fd, bool mpi)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0) return errno;
    return (mpi ? fcntl(fd, F_SETLK, &whole) : flock(fd, LOCK_EX | LOCK_NB)) == 0 ? 0 : errno;
}

hq_status hq_doctor_locks(hq_patient *patient, hq_finding *finding)
{
    static const char *const off[] = {"FALSE", "0", "BEST_EFFORT", NULL};
    if (!patient->scratch[0]) {
        not_tried(finding);
        return HQ_OK;
    }
    const int fd = open(at(patient, "lock"), O_RDWR | O_CREAT, 0600);
    const int of_hdf5 = try_lock(fd, false), of_mpi = try_lock(fd, true);
    const char *setting = getenv("HDF5_USE_FILE_LOCKING");
    if (fd >= 0) close(fd);
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s; HDF5_USE_FILE_LOCKING = %s",
                    of_hdf5 ? "flock is not supported here, and HDF5 does without" : "flock and fcntl work", setting);
    if (of_hdf5 && !environment_is("HDF5_USE_FILE_LOCKING", off)) {
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM, "HDF5 wants to lock files (HDF5_USE_FILE_LOCKING = %s): %s",
                        setting, strerror(of_hdf5));
        hq_doctor_advise(finding, "unset HDF5_USE_FILE_LOCKING: the program sets it to FALSE");
    } else if (of_mpi) {
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM, "MPI-IO locks what it writes, and fcntl cannot: %s",
                        strerror(of_mpi));
        hq_doctor_advise(finding, "have the file system mounted with locks, or export "
                                  "OMPI_MCA_fs_ufs_lock_algorithm=1 and look whether the checkpoint below is good");
    }
    return HQ_OK;
}

/* Whether this is an Open MPI with issue 12718: collective writes on local file systems can corrupt; mended in 4.1.7
 * and 5.0.6. */
static bool corrupts(const char *library)
{
    int major, minor, release;
    if (sscanf(library, "Open MPI v%d.%d.%d", &major, &minor, &release) != 3) return false;
    const int version = (major * 100 + minor) * 100 + release;
    return version < 40107 || (version >= 50000 && version < 50006);
}

hq_status hq_doctor_mpi_io(hq_patient *patient, hq_finding *finding)
{
    static const char *const ranges[] = {"3", NULL};
    const char *io = getenv("OMPI_MCA_io"), *fcoll = getenv("OMPI_MCA_fcoll");
    const bool romio = io && strncmp(io, "romio", 5) == 0;
    char library[HQ_LIBRARY_TEXT];
    (void)patient;
    hq_dist_library(library);
    hq_doctor_found(finding, HQ_VERDICT_OK, "no known defect");
    if (corrupts(library))
        hq_doctor_found(finding, HQ_VERDICT_OK, "%s can write wrong bytes (issue 12718); the cure is set", library);
    if (romio || (fcoll && strcmp(fcoll, "two_phase") == 0)) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "OMPI_MCA_%s = %s: when a write fails, other ranks wait for that one",
                        romio ? "io" : "fcoll", romio ? io : fcoll);
        hq_doctor_advise(finding, "unset OMPI_MCA_%s, unless the checkpoint below needs it", romio ? "io" : "fcoll");
    } else if (corrupts(library) && !environment_is("OMPI_MCA_fs_ufs_lock_algorithm", ranges)) {
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM,
                        "%s can write wrong bytes on local file systems (issue 12718), and the cure is switched off: "
                        "OMPI_MCA_fs_ufs_lock_algorithm = %s",
                        library, getenv("OMPI_MCA_fs_ufs_lock_algorithm"));
        hq_doctor_advise(finding, "unset OMPI_MCA_fs_ufs_lock_algorithm: the program sets it to 3; or export "
                                  "OMPI_MCA_io=romio321");
    }
    return HQ_OK;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What a save does with names: a second one for a file, and one that takes the place of another. */
hq_status hq_doctor_names(hq_patient *patient, hq_finding *finding)
{
    if (!patient->scratch[0]) {
        not_tried(finding);
        return HQ_OK;
    }
    const char *old = at(patient, "old"), *new = at(patient, "new"), *second = at(patient, "second");
    if (!write_text(old, "old") || !write_text(new, "new"))
        HQ_FAIL(HQ_ERR_FILE, "%s cannot be written: %s", old, strerror(errno));
    const bool links = link(new, second) == 0 && same_file(new, second);
    const int error = errno;
    patient->copies = !links;
    if (rename(new, old) != 0 || !holds_text(old, "new"))
        HQ_FAIL(HQ_ERR_FILE, "a file cannot take the name of another in %s: %s", patient->folder, strerror(errno));
    hq_doctor_found(finding, HQ_VERDICT_OK, "files can have two names, and one can take the place of another");
    if (!links) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE,
                        "no hard links (%s): last.h5 and best.h5 are copies, which take time and space",
                        strerror(error));
        hq_doctor_advise(finding, "give a --run-dir on another file system if checkpoints are large");
    }
    return HQ_OK;
}

/* ---- space and speed -------------------------------------------------------------------------------------------- */

static const double other_files = 1e6; /* config.cfg, metrics.jsonl; bytes */

hq_status hq_doctor_space(hq_patient *patient, hq_finding *finding)
{
    struct statvfs info;
    /* The best one and the next one; or the next one, last.h5, best.h5, and a copy that will be one of these. */
    const int checkpoints = patient->config.checkpoint_keep + (patient->copies ? 4 : 2);
    const double need = checkpoints * patient->needs.checkpoint + other_files;
    if (statvfs(patient->folder, &info) != 0 || info.f_blocks == 0) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "the file system does not say how much is free");
        return HQ_OK;
    }
    const double room = (double)info.f_bavail * (double)info.f_frsize;
    hq_doctor_found(finding, room < need ? HQ_VERDICT_PROBLEM : HQ_VERDICT_OK,
                    "a run needs %s (%d checkpoints of %s at once), %s are free", hq_doctor_bytes(need), checkpoints,
                    hq_doctor_bytes(patient->needs.checkpoint), hq_doctor_bytes(room));
    hq_doctor_advise(finding, "free space, or give a --run-dir with more; quotas of users are not seen here");
    if (info.f_files > 0 && info.f_favail == 0)
        hq_doctor_found(finding, HQ_VERDICT_PROBLEM, "no more files can be made: the file system has no inode left");
    return HQ_OK;
}

/* Seconds, or -1. */
static double write_and_sync(const char *path, const char *piece, size_t bytes, int pieces)
{
    const double start = hq_clock();
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool good = fd >= 0;
    for (int i = 0; i < pieces && good; i++) good = write(fd, piece, bytes) == (ssize_t)bytes;
    good = good && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return good ? hq_clock() - start : -1;
}

hq_status hq_doctor_disk(hq_patient *patient, hq_finding *finding)
{
    enum { PIECE = 1 << 20, PIECES = 32 };
    static const double share = 0.25; /* of what is free */
    struct statvfs info;
    char *piece;
    if (!patient->scratch[0]) {
        not_tried(finding);
        return HQ_OK;
    }
    const double room = statvfs(patient->folder, &info) == 0 ? (double)info.f_bavail * (double)info.f_frsize : 0;
    const int pieces = (int)fmin(PIECES, share * room / PIECE);
    if (pieces == 0) {
        hq_doctor_found(finding, HQ_VERDICT_NOTE, "not tried: %s are free", hq_doctor_bytes(room));
        return HQ_OK;
    }
    HQ_TRY(hq_alloc(PIECE, "trial of the disk", &piece));
    for (int i = 0; i < PIECE; i++) piece[i] = (char)(i * 31 ^ i >> 8);
    const double seconds = write_and_sync(at(patient, "disk"), piece, PIECE, pieces);
    const int error = errno;
    hq_free(piece);
    unlink(at(patient, "disk"));
    if (seconds < 0) HQ_FAIL(HQ_ERR_FILE, "%s cannot be written to: %s", patient->folder, strerror(error));
    hq_doctor_found(finding, HQ_VERDICT_OK, "%s/s, %s written by one rank and synced",
                    hq_doctor_bytes((double)pieces * PIECE / seconds), hq_doctor_bytes((double)pieces * PIECE));
    return HQ_OK;
}
