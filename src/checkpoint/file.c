/* file.c: POSIX: space, copies, and a new file that takes its name only when it is safe on the disk. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fallocate (posix_fallocate fills the file where it is not supported), memfd_create */
#endif
#include "checkpoint/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { COPY_PIECE = 1 << 16 }; /* bytes */

bool hq_file_temporary(const char *path, char temporary[PATH_MAX])
{
    return snprintf(temporary, PATH_MAX, "%s.tmp", path) < PATH_MAX;
}

int64_t hq_file_free_space(const char *path)
{
    char folder[PATH_MAX];
    struct statvfs info;
    hq_file_folder(path, folder, sizeof folder);
    if (statvfs(folder, &info) != 0 || info.f_blocks == 0) return -1;
    return (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

/* 0 or the error. Where the file system cannot reserve, the free space must do. */
static int reserve(int fd, off_t bytes, int64_t space)
{
    while (bytes > 0 && fallocate(fd, 0, 0, bytes) != 0) {
        if (errno == EINTR) continue;
        if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
        if (space >= 0 && space < bytes) return ENOSPC;
        return ftruncate(fd, bytes) == 0 ? 0 : errno;
    }
    return 0;
}

/* 0 or the error. */
static int write_piece(int fd, const char *data, ssize_t n, off_t place)
{
    for (ssize_t done = 0; done < n;) {
        ssize_t more = pwrite(fd, data + done, (size_t)(n - done), place + done);
        if (more < 0 && errno != EINTR) return errno;
        if (more > 0) done += more;
    }
    return 0;
}

/* 0 or the error: copies bytes [lo, hi) to the same place, and reads them back. */
static int copy_range(int in, int out, off_t lo, off_t hi)
{
    char piece[COPY_PIECE], again[COPY_PIECE];
    while (lo < hi) {
        ssize_t n = pread(in, piece, (size_t)(hi - lo < COPY_PIECE ? hi - lo : COPY_PIECE), lo);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO; /* EIO: shorter than it was */
        int error = write_piece(out, piece, n, lo);
        if (error) return error;
        if (pread(out, again, (size_t)n, lo) != n || memcmp(piece, again, (size_t)n) != 0) return EIO;
        lo += n;
    }
    return 0;
}

/* The pieces that are not holes; where holes are unknown there is one piece. */
static int copy_pieces(int in, int out, off_t size)
{
    int error = 0;
    for (off_t hi = 0; hi < size && !error;) {
        off_t lo = lseek(in, hi, SEEK_DATA);
        if (lo < 0) return errno == ENXIO ? 0 : copy_range(in, out, hi, size); /* ENXIO: only a hole is left */
        hi = lseek(in, lo, SEEK_HOLE);
        error = hi < 0 ? errno : copy_range(in, out, lo, hi);
    }
    return error;
}

/* A file left behind by a killed run is removed, never written into: it may be a second name of a good checkpoint. */
static int open_new(const char *path, int *out_fd)
{
    *out_fd = -1;
    if (unlink(path) != 0 && errno != ENOENT) return errno;
    *out_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return *out_fd < 0 ? errno : 0;
}

void hq_file_place(int image, const char *path, hq_problem *problem)
{
    struct stat info = {0};
    int out, error = open_new(path, &out);
    int64_t space = hq_file_free_space(path);
    if (!error && fstat(image, &info) != 0) error = errno;
    if (!error) error = reserve(out, info.st_size, space);
    if (!error) error = copy_pieces(image, out, info.st_size);
    if (out >= 0 && close(out) != 0 && !error) error = errno;
    if (!error) return;
    char room[40] = "an unknown number of";
    if (space >= 0) snprintf(room, sizeof room, "%lld", (long long)space);
    hq_problem_set(problem, HQ_ERR_FILE, "cannot make %s: %s; %lld bytes are needed, %s bytes are free", path,
                   strerror(error), (long long)info.st_size, room);
}

void hq_file_reach(const char *path, hq_problem *problem)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    else
        hq_problem_set(problem, HQ_ERR_FILE,
                       "%s, made by rank 0, cannot be opened on host %s: %s; the folder must be shared by all nodes",
                       path, hq_host_name(), strerror(errno));
}

static bool is_open_as(int fd, const struct stat *file)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_dev == file->st_dev && info.st_ino == file->st_ino;
}

void hq_file_divert(const char *path)
{
    struct stat file;
    DIR *open_files = stat(path, &file) == 0 ? opendir("/proc/self/fd") : NULL;
    if (!open_files) return;
    int memory = memfd_create("checkpoint", MFD_CLOEXEC);
    for (struct dirent *entry = readdir(open_files); entry && memory >= 0; entry = readdir(open_files)) {
        int fd = atoi(entry->d_name);
        if (is_open_as(fd, &file)) dup2(memory, fd);
    }
    if (memory >= 0) close(memory);
    closedir(open_files);
}

void hq_file_commit(const char *temporary, const char *path, hq_problem *problem)
{
    int error = hq_file_replace(temporary, path);
    if (error) hq_problem_set(problem, HQ_ERR_FILE, "%s cannot be synced and renamed: %s", temporary, strerror(error));
}

void hq_file_copy(const char *from, const char *to, hq_problem *problem)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        hq_problem_set(problem, HQ_ERR_FILE, "cannot read %s: %s", from, strerror(errno));
    else
        hq_file_place(in, to, problem);
    if (in >= 0) close(in);
}
