#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
    fault_kind kind;
    int after, error, fired;
} fault;

void fault_arm(fault_kind kind, int after, int error)
{
    fault.kind = kind;
    fault.after = after;
    fault.error = error;
    fault.fired = 0;
}

void fault_disarm(void) { fault.kind = FAULT_NONE; }

int fault_fired(void) { return fault.fired; }

static int is_temporary(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".tmp") == 0;
}

static int is_open_temporary(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = '\0';
    return is_temporary(path);
}

/* Counts a call; whether its turn has come. */
static int due(fault_kind kind, int counts)
{
    if (fault.kind != kind || !counts || fault.after-- > 0) return 0;
    fault.fired = 1;
    return 1;
}

static int refuse(void)
{
    errno = fault.error;
    return -1;
}

/* All writes end here, with the contents in one piece or as they are. */
static ssize_t write_faulty(int fd, const struct iovec *piece, int n, off_t offset)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++) bytes += piece[i].iov_len;
    int counts = fault.kind >= FAULT_WRITE && fault.kind <= FAULT_FLIP && is_open_temporary(fd);
    if (due(FAULT_WRITE, counts)) return refuse();
    if (due(FAULT_LOSE, counts)) {
        fault.kind = FAULT_NONE;
        return (ssize_t)bytes;
    }
    if (due(FAULT_SHORT, counts)) {
        fault.kind = FAULT_WRITE;
        fault.after = 0;
        return syscall(SYS_pwrite64, fd, piece[0].iov_base, (piece[0].iov_len + 1) / 2, offset);
    }
    if (due(FAULT_FLIP, counts)) {
        fault.kind = FAULT_NONE;
        ssize_t done = syscall(SYS_pwritev, fd, piece, n, offset, 0);
        unsigned char byte = *(unsigned char *)piece[0].iov_base ^ 1;
        syscall(SYS_pwrite64, fd, &byte, 1, offset);
        return done;
    }
    return syscall(SYS_pwritev, fd, piece, n, offset, 0);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    struct iovec piece = {(void *)data, bytes};
    return write_faulty(fd, &piece, 1, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) { return pwrite(fd, data, bytes, offset); }
ssize_t pwritev(int fd, const struct iovec *piece, int n, off_t offset) { return write_faulty(fd, piece, n, offset); }
ssize_t pwritev64(int fd, const struct iovec *piece, int n, off64_t offset) { return pwritev(fd, piece, n, offset); }

int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    if (due(FAULT_RESERVE, 1)) return refuse();
    return (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
}

int fsync(int fd)
{
    if (due(FAULT_SYNC, is_open_temporary(fd))) return refuse();
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    if (due(FAULT_RENAME, is_temporary(from))) return refuse();
    return (int)syscall(SYS_rename, from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    if (due(FAULT_LINK, is_temporary(to))) return refuse();
    return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}
