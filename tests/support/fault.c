#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "support/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
    fault_kind kind;
    int after, error;
    bool stays, fired;
    bool counts, tells;     /* as a module: every call is named; the one that fails is */
    int rank;               /* of MPI */
    int calls[FAULT_KINDS]; /* so far */
    const char *folder;     /* whose files count */
    int log;                /* a file that all ranks append to; -1: stderr */
    uintptr_t program, end; /* addresses of its code */
    uintptr_t base;         /* that its symbols start from */
} fault;

static const char *const word[FAULT_KINDS] = {"none",
#define X(name, text, error, stays) text,
                                              FAULT_LIST(X)
#undef X
};
static const int error_of[FAULT_KINDS] = {0,
#define X(name, text, number, stays) number,
                                          FAULT_LIST(X)
#undef X
};
static const bool stays_of[FAULT_KINDS] = {false,
#define X(name, text, error, goes_on) goes_on,
                                           FAULT_LIST(X)
#undef X
};

void fault_arm(fault_kind kind, int after, int error)
{
    fault.kind = kind;
    fault.after = after;
    fault.error = error;
    fault.stays = stays_of[kind];
    fault.fired = false;
}

void fault_disarm(void) { fault.kind = FAULT_NONE; }

bool fault_fired(void) { return fault.fired; }

/* ---- the program, and where it calls from ------------------------------------------------------------------------ */

/* The first object is the program. */
static int note_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    fault.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        fault.program = info->dlpi_addr + part->p_vaddr;
        fault.end = fault.program + part->p_memsz;
    }
    return 1;
}

bool fault_from_program(const void *address)
{
    if (!fault.program) dl_iterate_phdr(note_program, NULL);
    return (uintptr_t)address >= fault.program && (uintptr_t)address < fault.end;
}

/* Places in the program, the innermost first, for addr2line. */
static void print_places(char *text, size_t room)
{
    enum { DEPTH = 32, NAMED = 8 };
    void *frame[DEPTH];
    const int n = backtrace(frame, DEPTH);
    size_t at = 0;
    for (int i = 0, named = 0; i < n && named < NAMED && at < room; i++) {
        if (!fault_from_program(frame[i])) continue;
        at += (size_t)snprintf(text + at, room - at, " %lx", (unsigned long)((uintptr_t)frame[i] - fault.base - 1));
        named++;
    }
}

static void tell(const char *verb, fault_kind kind, const char *what)
{
    char text[PATH_MAX + 512], places[256] = "";
    print_places(places, sizeof places);
    const int n = snprintf(text, sizeof text, "fault: %s %s %d rank %d %s at%s\n", verb, word[kind], fault.calls[kind],
                           fault.rank, what, places);
    const int log = fault.log < 0 ? STDERR_FILENO : fault.log;
    syscall(SYS_write, log, text, n < (int)sizeof text ? n : (int)sizeof text);
}

bool fault_due(fault_kind kind, const char *what)
{
    fault.calls[kind]++;
    if (fault.counts) tell("point", kind, what);
    if (fault.kind != kind || fault.after-- > 0) return false;
    if (fault.tells && !fault.fired) tell("fired", kind, what);
    fault.fired = true;
    if (!fault.stays) fault.kind = FAULT_NONE;
    errno = fault.error;
    return true;
}

/* ---- as a module ------------------------------------------------------------------------------------------------- */

static void *json_memory(size_t bytes) { return fault_due(FAULT_JSON, "jansson") ? NULL : malloc(bytes); }

static void read_order(const char *order)
{
    char name[16];
    int number, rank = 0;
    fault.counts = strcmp(order, "count") == 0;
    if (fault.counts) return;
    const int n = sscanf(order, "%15[a-z]:%d@%d", name, &number, &rank);
    for (fault_kind kind = FAULT_NONE + 1; n >= 2 && kind < FAULT_KINDS; kind++) {
        if (strcmp(name, word[kind]) != 0) continue;
        if (rank == fault.rank) fault_arm(kind, number - 1, error_of[kind]);
        fault.tells = true;
        return;
    }
    fprintf(stderr, "HQCNN_FAULT=%s: expected KIND:K[@RANK] or count\n", order);
    _exit(2);
}

__attribute__((constructor)) static void begin(void)
{
    const char *order = getenv("HQCNN_FAULT"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    void *frame;
    if (!order) return;
    backtrace(&frame, 1); /* loads what it needs */
    fault.folder = getenv("HQCNN_FAULT_FOLDER");
    fault.rank = rank ? atoi(rank) : 0;
    const char *log = getenv("HQCNN_FAULT_LOG");
    fault.log = log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    void (*set_memory)(void *(*)(size_t), void (*)(void *));
    *(void **)&set_memory = dlsym(RTLD_DEFAULT, "json_set_alloc_funcs");
    if (set_memory) set_memory(json_memory, free);
    read_order(order);
}

/* ---- memory and threads ------------------------------------------------------------------------------------------ */

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

void *aligned_alloc(size_t alignment, size_t bytes)
{
    static void *(*real)(size_t, size_t);
    if (FAULT_OURS() && fault_due(FAULT_ALLOC, "aligned_alloc")) return NULL;
    if (!real) *(void **)&real = next("aligned_alloc");
    return real(alignment, bytes);
}

FILE *open_memstream(char **text, size_t *bytes)
{
    FILE *(*real)(char **, size_t *);
    if (FAULT_OURS() && fault_due(FAULT_ALLOC, "open_memstream")) return NULL;
    *(void **)&real = next("open_memstream");
    return real(text, bytes);
}

int memfd_create(const char *name, unsigned flags)
{
    if (FAULT_OURS() && fault_due(FAULT_MEMFILE, "memfd_create")) return -1;
    return (int)syscall(SYS_memfd_create, name, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (FAULT_OURS() && fault_due(FAULT_THREAD, "pthread_create")) return fault.error;
    *(void **)&real = next("pthread_create");
    return real(thread, attributes, run, argument);
}

/* ---- which files count ------------------------------------------------------------------------------------------- */

static bool counts(const char *path)
{
    const size_t n = strlen(path), m = fault.folder ? strlen(fault.folder) : 0;
    if (n > 4 && strcmp(path + n - 4, ".tmp") == 0) return true;
    if (m == 0) return false;
    if (path[0] != '/') return true; /* tests run in the folder */
    return strncmp(path, fault.folder, m) == 0 && (path[m] == '/' || path[m] == '\0');
}

/* The name of an open file that counts. */
static bool counts_open(int fd, char path[PATH_MAX])
{
    char link[64];
    if (fault.kind == FAULT_NONE && !fault.counts) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0 || path[0] != '/') return false;
    path[n] = '\0';
    return counts(path);
}

static bool open_due(fault_kind kind, int fd)
{
    char path[PATH_MAX];
    return counts_open(fd, path) && fault_due(kind, path);
}

/* ---- open and close ---------------------------------------------------------------------------------------------- */

#define MODE_OF(flags, mode)                                                                                           \
    va_list more;                                                                                                      \
    va_start(more, flags);                                                                                             \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                      \
    va_end(more)

/* Where Open MPI cannot open a file on one rank alone, it leaves the others waiting in MPI_File_open; checkpoint tries
 * the same itself right before. */
static bool in_file_open(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "/openmpi");
}

static int open_for(const void *caller, int folder, const char *path, int flags, mode_t mode)
{
    if (counts(path) && !in_file_open(caller) && fault_due(FAULT_OPEN, path)) return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags, mode);
    return open_for(__builtin_return_address(0), folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, mode);
    return open_for(__builtin_return_address(0), AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags, mode);
    return open_for(__builtin_return_address(0), AT_FDCWD, path, flags, mode);
}

int close(int fd)
{
    const bool fails = FAULT_OURS() && open_due(FAULT_CLOSE, fd);
    const int result = (int)syscall(SYS_close, fd);
    if (fails) errno = fault.error;
    return fails ? -1 : result;
}

/* ---- write and read ---------------------------------------------------------------------------------------------- */

/* All writes end here, with the contents in one piece or as they are. */
static ssize_t write_at(int fd, const struct iovec *piece, int n, off_t offset)
{
    const bool writes = fault.counts || (fault.kind >= FAULT_WRITE && fault.kind <= FAULT_FLIP);
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!writes || !counts_open(fd, path)) return syscall(SYS_pwritev, fd, piece, n, offset, 0);
    for (int i = 0; i < n; i++) bytes += piece[i].iov_len;
    if (fault_due(FAULT_WRITE, path)) return -1;
    if (fault_due(FAULT_LOSE, path)) return (ssize_t)bytes;
    if (fault_due(FAULT_SHORT, path)) {
        fault_arm(FAULT_WRITE, 0, fault.error);
        fault.fired = true;
        return syscall(SYS_pwrite64, fd, piece[0].iov_base, (piece[0].iov_len + 1) / 2, offset);
    }
    const bool flips = fault_due(FAULT_FLIP, path);
    const ssize_t done = syscall(SYS_pwritev, fd, piece, n, offset, 0);
    const unsigned char byte = *(unsigned char *)piece[0].iov_base ^ 1;
    if (flips) syscall(SYS_pwrite64, fd, &byte, 1, offset);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    struct iovec piece = {(void *)data, bytes};
    return write_at(fd, &piece, 1, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) { return pwrite(fd, data, bytes, offset); }
ssize_t pwritev(int fd, const struct iovec *piece, int n, off_t offset) { return write_at(fd, piece, n, offset); }
ssize_t pwritev64(int fd, const struct iovec *piece, int n, off64_t offset) { return pwritev(fd, piece, n, offset); }

ssize_t write(int fd, const void *data, size_t bytes)
{
    return open_due(FAULT_WRITE, fd) ? -1 : syscall(SYS_write, fd, data, bytes);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t offset)
{
    return open_due(FAULT_READ, fd) ? -1 : syscall(SYS_pread64, fd, data, bytes, offset);
}
ssize_t pread64(int fd, void *data, size_t bytes, off64_t offset) { return pread(fd, data, bytes, offset); }
ssize_t preadv(int fd, const struct iovec *piece, int n, off_t offset)
{
    return open_due(FAULT_READ, fd) ? -1 : syscall(SYS_preadv, fd, piece, n, offset, 0);
}
ssize_t preadv64(int fd, const struct iovec *piece, int n, off64_t offset) { return preadv(fd, piece, n, offset); }

ssize_t read(int fd, void *data, size_t bytes)
{
    return open_due(FAULT_READ, fd) ? -1 : syscall(SYS_read, fd, data, bytes);
}

/* ---- stdio, whose own calls cannot be replaced --------------------------------------------------------------------
 */

static ssize_t cookie_read(void *cookie, char *data, size_t bytes) { return read((int)(intptr_t)cookie, data, bytes); }

/* Zero tells of a failure. */
static ssize_t cookie_write(void *cookie, const char *data, size_t bytes)
{
    const ssize_t n = write((int)(intptr_t)cookie, data, bytes);
    return n < 0 ? 0 : n;
}

static int cookie_seek(void *cookie, off64_t *offset, int whence)
{
    *offset = lseek((int)(intptr_t)cookie, *offset, whence);
    return *offset < 0 ? -1 : 0;
}

static int cookie_close(void *cookie) { return (int)syscall(SYS_close, (int)(intptr_t)cookie); }

static int flags_of(const char *mode)
{
    const int more = strchr(mode, '+') ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
    return more | (mode[0] == 'r' ? 0 : O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC)) | O_CLOEXEC;
}

FILE *fopen(const char *path, const char *mode)
{
    static const cookie_io_functions_t calls = {cookie_read, cookie_write, cookie_seek, cookie_close};
    FILE *(*real)(const char *, const char *);
    if (counts(path) && FAULT_OURS()) {
        const int fd = open_for(__builtin_return_address(0), AT_FDCWD, path, flags_of(mode), 0666);
        return fd < 0 ? NULL : fopencookie((void *)(intptr_t)fd, mode, calls);
    }
    if (counts(path) && fault_due(FAULT_OPEN, path)) return NULL;
    *(void **)&real = next("fopen");
    return real(path, mode);
}

/* ---- what is done to whole files --------------------------------------------------------------------------------- */

int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    return open_due(FAULT_RESERVE, fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, bytes);
}

int sync_file_range(int fd, off_t from, off_t bytes, unsigned how)
{
    return open_due(FAULT_SYNC, fd) ? -1 : (int)syscall(SYS_sync_file_range, fd, from, bytes, how);
}

int fsync(int fd) { return open_due(FAULT_SYNC, fd) ? -1 : (int)syscall(SYS_fsync, fd); }

int rename(const char *from, const char *to)
{
    return counts(from) && fault_due(FAULT_RENAME, from) ? -1 : (int)syscall(SYS_rename, from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (counts(to) && fault_due(FAULT_LINK, to)) return -1;
    return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    return counts(path) && fault_due(FAULT_MKDIR, path) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}
