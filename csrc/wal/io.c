/* wal/io.c - the file system as the operating system gives it: Linux and macOS. */
#if defined(__linux__)
#define _GNU_SOURCE
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif

#include "wal/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/random.h>
#else
#include <sys/file.h>
#endif

#include "base/arch.h"

/* A single call of 2 GiB or more is cut by the kernel; this is far from it. */
#define IO_BYTES_MAX (256u * 1024 * 1024)

static int system_open(void *context, const char *path, int how, fc_file *out)
{
    (void)context;
    int flags = O_CLOEXEC | (how == FC_IO_READ ? O_RDONLY : O_RDWR);
    if (how & FC_IO_CREATE)
        flags |= O_CREAT;
    int fd;
    do
        fd = open(path, flags, 0666);
    while (fd < 0 && errno == EINTR);
    *out = fd;
    return fd < 0 ? errno : 0;
}

static void system_close(void *context, fc_file file)
{
    (void)context;
    close((int)file);
}

static int system_size(void *context, fc_file file, uint64_t *bytes)
{
    (void)context;
    struct stat about;
    if (fstat((int)file, &about) != 0)
        return errno;
    *bytes = (uint64_t)about.st_size;
    return 0;
}

static int system_read_at(void *context, fc_file file, void *data, size_t bytes, uint64_t offset,
                          size_t *done)
{
    (void)context;
    const ssize_t got =
        pread((int)file, data, bytes < IO_BYTES_MAX ? bytes : IO_BYTES_MAX, (off_t)offset);
    if (got < 0)
        return errno;
    *done = (size_t)got;
    return 0;
}

static int system_write_at(void *context, fc_file file, const void *data, size_t bytes,
                           uint64_t offset, size_t *done)
{
    (void)context;
    const ssize_t put =
        pwrite((int)file, data, bytes < IO_BYTES_MAX ? bytes : IO_BYTES_MAX, (off_t)offset);
    if (put < 0)
        return errno;
    *done = (size_t)put;
    return 0;
}

static int system_sync(void *context, fc_file file)
{
    (void)context;
    int failed;
    do {
#if defined(__APPLE__)
        /* fsync() there stops at the drive's cache. Volumes without F_FULLFSYNC have fsync alone.
         */
        failed = fcntl((int)file, F_FULLFSYNC);
        if (failed && (errno == ENOTSUP || errno == EINVAL))
            failed = fsync((int)file);
#else
        failed = fdatasync((int)file);
#endif
    } while (failed && errno == EINTR);
    return failed ? errno : 0;
}

static int system_resize(void *context, fc_file file, uint64_t bytes)
{
    (void)context;
    return ftruncate((int)file, (off_t)bytes) != 0 ? errno : 0;
}

static int system_allocate(void *context, fc_file file, uint64_t bytes)
{
#if defined(__APPLE__)
    uint64_t have;
    const int failed = system_size(context, file, &have);
    if (failed)
        return failed;
    if (have < bytes) {
        fstore_t want = {.fst_flags = F_ALLOCATEALL,
                         .fst_posmode = F_PEOFPOSMODE,
                         .fst_offset = 0,
                         .fst_length = (off_t)(bytes - have)};
        if (fcntl((int)file, F_PREALLOCATE, &want) == -1)
            return errno;
    }
    return system_resize(context, file, bytes);
#else
    (void)context;
    int failed;
    do
        failed = posix_fallocate((int)file, 0, (off_t)bytes);
    while (failed == EINTR);
    return failed;
#endif
}

static uint64_t system_next_data(void *context, fc_file file, uint64_t offset)
{
    (void)context;
#if defined(SEEK_DATA)
    const off_t at = lseek((int)file, (off_t)offset, SEEK_DATA);
    if (at >= 0)
        return (uint64_t)at;
    if (errno == ENXIO)
        return UINT64_MAX;
#endif
    return offset;
}

static int system_map(void *context, fc_file file, size_t bytes, uint8_t **out)
{
    (void)context;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, (int)file, 0);
    if (at == MAP_FAILED)
        return errno;
#if defined(MADV_DONTFORK)
    /* A child that appended by mistake would write into its parent's log. */
    madvise(at, bytes, MADV_DONTFORK);
#endif
    *out = at;
    return 0;
}

static void system_unmap(void *context, uint8_t *at, size_t bytes)
{
    (void)context;
    munmap(at, bytes);
}

static int system_lock(void *context, fc_file file)
{
    (void)context;
#if defined(F_OFD_SETLK)
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl((int)file, F_OFD_SETLK, &whole) == 0)
        return 0;
    return errno == EACCES ? EAGAIN : errno;
#else
    if (flock((int)file, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? EAGAIN : errno;
#endif
}

static void system_unlock(void *context, fc_file file)
{
    (void)context;
#if defined(F_OFD_SETLK)
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    (void)fcntl((int)file, F_OFD_SETLK, &whole);
#else
    (void)flock((int)file, LOCK_UN);
#endif
}

static int system_rename(void *context, const char *from, const char *to)
{
    (void)context;
    return rename(from, to) != 0 ? errno : 0;
}

static int system_unlink(void *context, const char *path)
{
    (void)context;
    return unlink(path) != 0 ? errno : 0;
}

static int system_make_directory(void *context, const char *path)
{
    (void)context;
    return mkdir(path, 0777) != 0 ? errno : 0;
}

static int system_sync_directory(void *context, const char *path)
{
    fc_file directory;
    int failed = system_open(context, path, FC_IO_READ, &directory);
    if (failed)
        return failed;
    do
        failed = fsync((int)directory) != 0 ? errno : 0;
    while (failed == EINTR);
    close((int)directory);
    return failed;
}

static int system_list(void *context, const char *path, bool (*visit)(void *to, const char *name),
                       void *to)
{
    (void)context;
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno;
    int failed = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            failed = errno;
            break;
        }
        if (!visit(to, entry->d_name))
            break;
    }
    closedir(directory);
    return failed;
}

static int system_random(void *context, void *data, size_t bytes)
{
    (void)context;
#if defined(__linux__)
    ssize_t got;
    do
        got = getrandom(data, bytes, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)bytes ? 0 : got < 0 ? errno : EIO;
#else
    arc4random_buf(data, bytes);
    return 0;
#endif
}

static int64_t system_now_ns(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const fc_io fc_io_system = {
    .open = system_open,
    .close = system_close,
    .size = system_size,
    .read_at = system_read_at,
    .write_at = system_write_at,
    .sync = system_sync,
    .allocate = system_allocate,
    .resize = system_resize,
    .next_data = system_next_data,
    .map = system_map,
    .unmap = system_unmap,
    .lock = system_lock,
    .unlock = system_unlock,
    .rename = system_rename,
    .unlink = system_unlink,
    .make_directory = system_make_directory,
    .sync_directory = system_sync_directory,
    .list = system_list,
    .random = system_random,
    .now_ns = system_now_ns,
};

int fc_io_write_all(const fc_io *io, fc_file file, const void *data, size_t bytes, uint64_t offset)
{
    const uint8_t *at = data;
    while (bytes > 0) {
        size_t done = 0;
        const int failed = io->write_at(io->context, file, at, bytes, offset, &done);
        if (failed == EINTR)
            continue;
        if (failed)
            return failed;
        if (done == 0)
            return EIO;
        at += done;
        bytes -= done;
        offset += done;
    }
    return 0;
}

int fc_io_read_all(const fc_io *io, fc_file file, void *data, size_t bytes, uint64_t offset,
                   size_t *got)
{
    uint8_t *at = data;
    *got = 0;
    while (*got < bytes) {
        size_t done = 0;
        const int failed =
            io->read_at(io->context, file, at + *got, bytes - *got, offset + *got, &done);
        if (failed == EINTR)
            continue;
        if (failed)
            return failed;
        if (done == 0)
            break;
        *got += done;
    }
    return 0;
}
