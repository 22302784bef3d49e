/* seal.c: the first 512 bytes of a checkpoint, before HDF5's part: what it is, how long it is, and the hash of the
 * rest.
 *
 * HDF5 leaves room for such a block and skips it. It is checked before HDF5 sees the file, for HDF5 1.10 does not
 * always get over damaged files unharmed.
 */
#include "checkpoint/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OLDEST = 2, OLD_PIECE = 1 << 16 }; /* version 2: the hash of a file is chained over pieces of 64 KiB */

typedef struct hq_seal {
    int version;
    char program[64];
    long long bytes;         /* of the file */
    unsigned long long hash; /* of version, program and all behind the seal */
} hq_seal;

/* A seal has one form only. */
static void print_seal(const hq_seal *seal, char text[HQ_SEAL_BYTES])
{
    memset(text, 0, HQ_SEAL_BYTES);
    snprintf(text, HQ_SEAL_BYTES, HQ_CHECKPOINT_FORMAT "\nversion %d\nprogram %s\nbytes %lld\nhash %016llx\n",
             seal->version, seal->program, seal->bytes, seal->hash);
}

int64_t hq_seal_pieces(int64_t bytes) { return (bytes - HQ_SEAL_BYTES + HQ_SEAL_PIECE - 1) / HQ_SEAL_PIECE; }

void hq_seal_piece(int64_t bytes, int64_t piece, int64_t *lo, int64_t *hi)
{
    *lo = HQ_SEAL_BYTES + piece * HQ_SEAL_PIECE;
    *hi = *lo + HQ_SEAL_PIECE < bytes ? *lo + HQ_SEAL_PIECE : bytes;
}

/* The hash of a file before its first piece: of version and program. */
static uint64_t hash_start(const hq_seal *seal)
{
    char text[HQ_SEAL_BYTES];
    hq_seal empty = *seal;
    empty.bytes = 0;
    empty.hash = 0;
    print_seal(&empty, text);
    return hq_hash(text, HQ_SEAL_BYTES, 0);
}

static uint64_t chain(uint64_t hash_of_piece, uint64_t hash) { return hq_hash(&hash_of_piece, 8, hash); }

/* Length and hash of the file by the rules of the seal's version. 0 or the error. */
static int measure(int fd, hq_seal *seal)
{
    static char piece[HQ_SEAL_PIECE];
    const size_t most = seal->version == OLDEST ? OLD_PIECE : HQ_SEAL_PIECE;
    off_t place = HQ_SEAL_BYTES;
    ssize_t n;
    uint64_t hash = hash_start(seal);
    while ((n = hq_file_read(fd, piece, most, place)) > 0) {
        hash = seal->version == OLDEST ? hq_hash(piece, (size_t)n, hash) : chain(hq_hash(piece, (size_t)n, 0), hash);
        place += n;
    }
    seal->bytes = (long long)place;
    seal->hash = hash;
    return n < 0 ? errno : 0;
}

/* 0 or the error. */
static int put_seal(const char *path, const hq_seal *seal)
{
    char text[HQ_SEAL_BYTES], again[HQ_SEAL_BYTES];
    print_seal(seal, text);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno;
    ssize_t n = pwrite(fd, text, sizeof text, 0);
    int error = n == (ssize_t)sizeof text ? 0 : n < 0 ? errno : ENOSPC;
    if (!error && (hq_file_read(fd, again, sizeof again, 0) != n || memcmp(again, text, sizeof again) != 0))
        error = EIO;
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

void hq_seal_write(const char *path, int64_t bytes, const int64_t *hash, hq_problem *problem)
{
    hq_seal seal = {.version = HQ_CHECKPOINT_VERSION, .program = HQ_VERSION, .bytes = bytes};
    uint64_t all = hash_start(&seal);
    for (int64_t i = 0; i < hq_seal_pieces(bytes); i++) all = chain((uint64_t)hash[i], all);
    seal.hash = all;
    int error = put_seal(path, &seal);
    if (error) hq_problem_set(problem, HQ_ERR_FILE, "cannot write its first bytes: %s", strerror(error));
}

/* The start is not ours: whose is it? */
static void name_foreign(const char *text, int fd, hq_problem *problem)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    char behind[8] = "";
    if (memcmp(text, signature, sizeof signature) == 0)
        hq_problem_set(problem, HQ_ERR_FILE, "it is an HDF5 file, but no checkpoint of hqcnn-dist");
    else if (hq_file_read(fd, behind, sizeof behind, HQ_SEAL_BYTES) == 8 && memcmp(behind, signature, 8) == 0)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered at its start, or is no checkpoint of hqcnn-dist");
    else
        hq_problem_set(problem, HQ_ERR_FILE, "it is not an HDF5 file, or its start is lost");
}

/* The numbers of the seal against those of the file. */
static void compare(const hq_seal *seal, const char *text, int fd, hq_problem *problem)
{
    char again[HQ_SEAL_BYTES];
    hq_seal found = *seal;
    print_seal(seal, again);
    int error = measure(fd, &found);
    if (error)
        hq_problem_set(problem, HQ_ERR_FILE, "cannot read it: %s", strerror(error));
    else if (memcmp(again, text, sizeof again) != 0)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered at its start");
    else if (found.bytes < seal->bytes)
        hq_problem_set(problem, HQ_ERR_FILE, "it is truncated: %lld bytes of %lld are there", found.bytes, seal->bytes);
    else if (found.bytes != seal->bytes || found.hash != seal->hash)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered: its bytes have hash %016llx, it should be %016llx",
                       found.hash, seal->hash);
}

/* The version of the format, which means nothing when there is a problem. */
static int check_seal(int fd, hq_problem *problem)
{
    char text[HQ_SEAL_BYTES + 1] = "";
    hq_seal seal = {0};
    ssize_t n = hq_file_read(fd, text, HQ_SEAL_BYTES, 0);
    if (n < 0)
        hq_problem_set(problem, HQ_ERR_FILE, "cannot read it: %s", strerror(errno));
    else if (strncmp(text, HQ_CHECKPOINT_FORMAT "\n", sizeof HQ_CHECKPOINT_FORMAT) != 0)
        name_foreign(text, fd, problem);
    else if (n < HQ_SEAL_BYTES)
        hq_problem_set(problem, HQ_ERR_FILE, "it is truncated: only %zd bytes are there", n);
    else if (sscanf(text, HQ_CHECKPOINT_FORMAT " version %d program %63s", &seal.version, seal.program) != 2)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered at its start");
    else if (seal.version < OLDEST || seal.version > HQ_CHECKPOINT_VERSION)
        hq_problem_set(problem, HQ_ERR_FILE,
                       "it has version %d of the format, written by hqcnn-dist %s; this program (%s) reads versions %d "
                       "to %d",
                       seal.version, seal.program, HQ_VERSION, OLDEST, HQ_CHECKPOINT_VERSION);
    else if (sscanf(text, HQ_CHECKPOINT_FORMAT " version %*d program %*s bytes %lld hash %llx", &seal.bytes,
                    &seal.hash) != 2)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered at its start");
    else
        compare(&seal, text, fd, problem);
    return seal.version;
}

/* Behind a seal that is right, for whoever makes a file can make its seal. */
static void check_structure(int fd, hq_problem *problem)
{
    char text[HQ_HDF5_PROBLEM_MAX];
    if (!hq_hdf5_check(fd, text)) hq_problem_set(problem, HQ_ERR_FILE, "it is no file by hqcnn-dist: %s", text);
}

int hq_seal_check(const char *path, hq_problem *problem)
{
    struct stat info;
    int version = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* does not wait at a pipe */
    if (fd < 0 || fstat(fd, &info) != 0)
        hq_problem_set(problem, HQ_ERR_FILE, "%s", errno == ENOENT ? "there is no such file" : strerror(errno));
    else if (!S_ISREG(info.st_mode))
        hq_problem_set(problem, HQ_ERR_FILE, "it is not a file");
    else
        version = check_seal(fd, problem);
    if (problem->status == HQ_OK) check_structure(fd, problem);
    if (fd >= 0) close(fd);
    return version;
}
