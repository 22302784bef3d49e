/* file.c: POSIX: space, copies, and a new file that takes its name only when it is safe on the disk. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fallocate (posix_fallocate fills the file where it is not supported), memfd_create */
#endif
#include "checkpoint/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    hq_file_settle(); /* what is being freed counts */
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
static int write_piece(int fd, const char *data, int64_t n, off_t place)
{
    for (int64_t done = 0; done < n;) {
        ssize_t more = pwrite(fd, data + done, (size_t)(n - done), place + done);
        if (more < 0 && errno != EINTR) return errno;
        if (more > 0) done += more;
    }
    return 0;
}

ssize_t hq_file_read(int fd, void *data, size_t bytes, off_t offset)
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

/* 0 or the error. */
static int write_image(int fd, const hq_image *image, bool numbers)
{
    int error = 0;
    for (int i = 0; i < image->segments && !error; i++) {
        const hq_segment *segment = &image->segment[i];
        if (numbers || !segment->numbers)
            error = write_piece(fd, segment->data, segment->hi - segment->lo, segment->lo);
    }
    return error;
}

/* 0 or the error: copies bytes [0, size) and reads them back. */
static int copy_all(int in, int out, off_t size)
{
    char piece[COPY_PIECE], again[COPY_PIECE];
    for (off_t at = 0; at < size;) {
        ssize_t n = hq_file_read(in, piece, sizeof piece, at);
        if (n <= 0) return n < 0 ? errno : EIO; /* EIO: shorter than it was */
        int error = write_piece(out, piece, n, at);
        if (error) return error;
        if (hq_file_read(out, again, (size_t)n, at) != n || memcmp(piece, again, (size_t)n) != 0) return EIO;
        at += n;
    }
    return 0;
}

/* A file left behind by a killed run is removed, never written into: it may be a second name of a good checkpoint. */
static int open_new(const char *path, int *out_fd)
{
    *out_fd = -1;
    if (unlink(path) != 0 && errno != ENOENT) return errno;
    *out_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return *out_fd < 0 ? errno : 0;
}

/* What has been made at `path`, or why not. fd: its file, closed here. */
static void settle_place(int fd, int error, const char *path, int64_t bytes, int64_t space, hq_problem *problem)
{
    if (fd >= 0 && close(fd) != 0 && !error) error = errno;
    if (!error) return;
    char room[40] = "an unknown number of";
    if (space >= 0) snprintf(room, sizeof room, "%lld", (long long)space);
    hq_problem_set(problem, HQ_ERR_FILE, "cannot make %s: %s; %lld bytes are needed, %s bytes are free", path,
                   strerror(error), (long long)bytes, room);
}

void hq_file_place(const hq_image *image, bool numbers, const char *path, hq_problem *problem)
{
    int out, error = open_new(path, &out);
    int64_t space = hq_file_free_space(path);
    if (!error) error = reserve(out, image->bytes, space);
    if (!error) error = write_image(out, image, numbers);
    settle_place(out, error, path, image->bytes, space, problem);
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

void hq_file_commit(const char *temporary, const char *path, hq_problem *problem)
{
    int error = hq_file_replace(temporary, path);
    if (error) hq_problem_set(problem, HQ_ERR_FILE, "%s cannot be synced and renamed: %s", temporary, strerror(error));
}

void hq_file_copy(const char *from, const char *to, hq_problem *problem)
{
    struct stat info = {0};
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &info) != 0) {
        hq_problem_set(problem, HQ_ERR_FILE, "cannot read %s: %s", from, strerror(errno));
    } else {
        int out, error = open_new(to, &out);
        int64_t space = hq_file_free_space(to);
        if (!error) error = reserve(out, info.st_size, space);
        if (!error) error = copy_all(in, out, info.st_size);
        settle_place(out, error, to, info.st_size, space, problem);
    }
    if (in >= 0) close(in);
}
