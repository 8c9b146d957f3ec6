/*
 * wal/io.h - every call that the log makes to the file system, as one table.
 *
 * The log never calls the system by another way, so a test can put a disk that
 * loses, tears and refuses in its place. All functions return 0 or an errno.
 */
#ifndef FC_WAL_IO_H
#define FC_WAL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef intptr_t fc_file; /* negative: none */

enum { FC_IO_READ = 0, FC_IO_WRITE = 1, FC_IO_CREATE = 2 }; /* CREATE implies WRITE */

typedef struct fc_io {
    void *context; /* handed to every function */

    int (*open)(void *context, const char *path, int how, fc_file *out);
    void (*close)(void *context, fc_file file);
    int (*size)(void *context, fc_file file, uint64_t *bytes);

    /* May read or write less than asked; reading 0 bytes means the end of the file. */
    int (*read_at)(void *context, fc_file file, void *data, size_t bytes, uint64_t offset,
                   size_t *done);
    int (*write_at)(void *context, fc_file file, const void *data, size_t bytes, uint64_t offset,
                    size_t *done);

    /* Returns when data and size are on stable storage, as far as the device tells. */
    int (*sync)(void *context, fc_file file);

    /* Give the file `bytes` bytes of space for good, zeros where nothing was, or fail with ENOSPC.
     */
    int (*allocate)(void *context, fc_file file, uint64_t bytes);
    int (*resize)(void *context, fc_file file, uint64_t bytes);

    /* First offset >= `offset` that may hold something else than zeros. */
    uint64_t (*next_data)(void *context, fc_file file, uint64_t offset);

    /* Map the file's first `bytes` bytes, shared and writable, absent in forked children. */
    int (*map)(void *context, fc_file file, size_t bytes, uint8_t **out);
    void (*unmap)(void *context, uint8_t *at, size_t bytes);

    /* An exclusive lock that lives as long as the open file; EAGAIN when it is taken. */
    int (*lock)(void *context, fc_file file);
    /* Let go, also of a copy of the open file that a forked child still has. */
    void (*unlock)(void *context, fc_file file);

    int (*rename)(void *context, const char *from, const char *to);
    int (*unlink)(void *context, const char *path);
    int (*make_directory)(void *context, const char *path);
    int (*sync_directory)(void *context, const char *path);

    /* Call visit() with every name in the directory until it returns false. */
    int (*list)(void *context, const char *path, bool (*visit)(void *to, const char *name),
                void *to);

    int (*random)(void *context, void *data, size_t bytes);
    int64_t (*now_ns)(void *context); /* since 1970-01-01 UTC */
} fc_io;

/* The operating system's. */
extern const fc_io fc_io_system;

/* All the bytes, or an errno; interrupted and partial calls go on. A file that ends early is EIO
 * for writing; reading reports how much there was. */
int fc_io_write_all(const fc_io *io, fc_file file, const void *data, size_t bytes, uint64_t offset);
int fc_io_read_all(const fc_io *io, fc_file file, void *data, size_t bytes, uint64_t offset,
                   size_t *got);

#endif
