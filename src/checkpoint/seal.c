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

enum { PIECE = 1 << 16 }; /* bytes; the hash of a file is chained over pieces of this size */

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

/* Like read or pread at `offset`, until `bytes` bytes are there or the file ends; -1 for an error. */
static ssize_t read_piece(int fd, void *data, size_t bytes, off_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = pread(fd, (char *)data + done, bytes - done, offset + (off_t)done);
        if (n == 0) break;
        if (n < 0 && errno != EINTR) return -1;
        if (n > 0) done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Completes a seal that has version and program with length and hash of the file. 0 or the error. */
static int measure(int fd, hq_seal *seal)
{
    char piece[PIECE];
    ssize_t n;
    seal->bytes = 0;
    seal->hash = 0;
    print_seal(seal, piece);
    uint64_t hash = hq_hash(piece, HQ_SEAL_BYTES, 0);
    off_t place = HQ_SEAL_BYTES;
    while ((n = read_piece(fd, piece, sizeof piece, place)) > 0) {
        hash = hq_hash(piece, (size_t)n, hash);
        place += n;
    }
    seal->bytes = (long long)place;
    seal->hash = hash;
    return n < 0 ? errno : 0;
}

void hq_seal_write(const char *path, hq_problem *problem)
{
    char text[HQ_SEAL_BYTES];
    hq_seal seal = {.version = HQ_CHECKPOINT_VERSION, .program = HQ_VERSION};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int error = fd < 0 ? errno : measure(fd, &seal);
    print_seal(&seal, text);
    if (!error) {
        ssize_t n = pwrite(fd, text, sizeof text, 0);
        if (n != (ssize_t)sizeof text) error = n < 0 ? errno : ENOSPC;
    }
    if (fd >= 0) close(fd);
    if (error) hq_problem_set(problem, HQ_ERR_FILE, "cannot write its first bytes: %s", strerror(error));
}

/* The start is not ours: whose is it? */
static void name_foreign(const char *text, int fd, hq_problem *problem)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    char behind[8] = "";
    if (memcmp(text, signature, sizeof signature) == 0)
        hq_problem_set(problem, HQ_ERR_FILE, "it is an HDF5 file, but no checkpoint of hqcnn-dist");
    else if (read_piece(fd, behind, sizeof behind, HQ_SEAL_BYTES) == 8 && memcmp(behind, signature, 8) == 0)
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

static void check_seal(int fd, hq_problem *problem)
{
    char text[HQ_SEAL_BYTES + 1] = "";
    hq_seal seal = {0};
    ssize_t n = read_piece(fd, text, HQ_SEAL_BYTES, 0);
    if (n < 0)
        hq_problem_set(problem, HQ_ERR_FILE, "cannot read it: %s", strerror(errno));
    else if (strncmp(text, HQ_CHECKPOINT_FORMAT "\n", sizeof HQ_CHECKPOINT_FORMAT) != 0)
        name_foreign(text, fd, problem);
    else if (n < HQ_SEAL_BYTES)
        hq_problem_set(problem, HQ_ERR_FILE, "it is truncated: only %zd bytes are there", n);
    else if (sscanf(text, HQ_CHECKPOINT_FORMAT " version %d program %63s", &seal.version, seal.program) != 2)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered at its start");
    else if (seal.version != HQ_CHECKPOINT_VERSION)
        hq_problem_set(problem, HQ_ERR_FILE,
                       "it has version %d of the format, written by hqcnn-dist %s; this program (%s) reads version %d",
                       seal.version, seal.program, HQ_VERSION, HQ_CHECKPOINT_VERSION);
    else if (sscanf(text, HQ_CHECKPOINT_FORMAT " version %*d program %*s bytes %lld hash %llx", &seal.bytes,
                    &seal.hash) != 2)
        hq_problem_set(problem, HQ_ERR_FILE, "it was altered at its start");
    else
        compare(&seal, text, fd, problem);
}

void hq_seal_check(const char *path, hq_problem *problem)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* does not wait at a pipe */
    if (fd < 0 || fstat(fd, &info) != 0)
        hq_problem_set(problem, HQ_ERR_FILE, "%s", errno == ENOENT ? "there is no such file" : strerror(errno));
    else if (!S_ISREG(info.st_mode))
        hq_problem_set(problem, HQ_ERR_FILE, "it is not a file");
    else
        check_seal(fd, problem);
    if (fd >= 0) close(fd);
}
