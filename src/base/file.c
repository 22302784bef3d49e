/* file.c: files that appear whole or not at all, also when the machine stops in the midst. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH, memfd_create */
#endif
#include "hqcnn/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 64 << 20 }; /* bytes of a file that is freed in the background: it takes more than 10 ms */

void hq_file_folder(const char *path, char *folder, size_t size)
{
    hq_copy_text(folder, size, path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        hq_copy_text(folder, size, ".");
    else
        slash[slash == folder] = '\0'; /* the root keeps its slash */
}

/* 0 or the error. */
static int sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = fsync(fd) == 0 ? 0 : errno;
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

/* After the rename the file is in place and whole: a folder that cannot be synced is no failure. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    hq_file_folder(path, folder, sizeof folder);
    int error = sync_file(folder);
    if (error && error != EINVAL && error != EROFS)
        hq_warn("%s is in place, but its folder cannot be synced: %s", path, strerror(error));
}

/* A large file is held, for what its last name leaves is freed by whoever lets go of it: for 2 GB on ext4 0.4 s. -1: it
 * is none. */
static int hold(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < LARGE) return -1;
    return open(path, O_PATH | O_CLOEXEC);
}

static void *close_it(void *fd)
{
    close((int)(intptr_t)fd);
    return NULL;
}

static struct {
    pthread_t thread;
    bool runs;
} freeing; /* of the main thread */

void hq_file_settle(void)
{
    if (freeing.runs) pthread_join(freeing.thread, NULL);
    freeing.runs = false;
}

/* In the background. When the process ends first, the system does it. */
static void let_go(int fd)
{
    if (fd < 0) return;
    hq_file_settle();
    freeing.runs = pthread_create(&freeing.thread, NULL, close_it, (void *)(intptr_t)fd) == 0;
    if (!freeing.runs) close(fd);
}

int hq_file_remove(const char *path)
{
    const int fd = hold(path);
    const int error = unlink(path) == 0 ? 0 : errno;
    let_go(fd);
    return error;
}

int hq_file_replace(const char *temporary, const char *path)
{
    int error = sync_file(temporary);
    const int fd = hold(path);
    if (!error && rename(temporary, path) != 0) error = errno;
    let_go(fd);
    if (error) return error;
    unlink(temporary); /* rename of one file's two names does nothing and leaves both */
    sync_folder(path);
    return 0;
}

int hq_file_finish(FILE *file)
{
    int error = 0;
    if (ferror(file))
        error = errno ? errno : EIO; /* of the write that failed, unless it is not known any more */
    else if (fflush(file) != 0)
        error = errno;
    if (fclose(file) != 0 && !error) error = errno;
    return error;
}

static int write_by_way_of(const char *temporary, const char *path, hq_write write, const void *ctx)
{
    FILE *file = fopen(temporary, "w");
    if (!file) return errno;
    errno = 0;
    const bool good = write(file, ctx);
    const int failed = good ? 0 : errno ? errno : EIO;
    int error = hq_file_finish(file);
    if (failed) error = failed;
    if (!error) error = hq_file_replace(temporary, path);
    if (error) remove(temporary);
    return error;
}

int hq_file_write(const char *path, hq_write write, const void *ctx)
{
    char temporary[PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    return write_by_way_of(temporary, path, write, ctx);
}

int hq_file_write_among_others(const char *path, hq_write write, const void *ctx)
{
    char temporary[PATH_MAX + 128];
    snprintf(temporary, sizeof temporary, "%s.%.64s-%ld.tmp", path, hq_host_name(), (long)getpid());
    return write_by_way_of(temporary, path, write, ctx);
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
    int memory = memfd_create("closed", MFD_CLOEXEC);
    for (struct dirent *entry = readdir(open_files); entry && memory >= 0; entry = readdir(open_files)) {
        int fd = atoi(entry->d_name);
        if (is_open_as(fd, &file)) dup2(memory, fd);
    }
    if (memory >= 0) close(memory);
    closedir(open_files);
}
