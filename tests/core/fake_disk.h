/*
 * fake_disk.h - a file system in memory that can lose what was not synced, and refuse.
 *
 * Each file has the bytes that programs see and those that are on stable
 * storage; each sector of 512 bytes moves from one to the other at a sync, or at
 * any moment, as a kernel writes back. Names become durable in the order they
 * were made, at the latest when the directory is synced. A crash makes a new
 * disk out of the durable bytes, any set of the other sectors, and any number of
 * the pending names.
 *
 * A failed sync drops what it should have written, as Linux does: the pages look
 * clean afterwards.
 */
#ifndef FC_TEST_FAKE_DISK_H
#define FC_TEST_FAKE_DISK_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "wal/io.h"

#define DISK_FILES         24
#define DISK_FILE_BYTES    (128u * 1024)
#define DISK_SECTOR        512u
#define DISK_SECTORS       (DISK_FILE_BYTES / DISK_SECTOR)
#define DISK_NAMES_PENDING 64

typedef struct disk_file {
    char name[32];         /* as programs see it; empty: gone */
    char durable_name[32]; /* as it is after a crash */
    bool used;
    bool mapped;
    bool locked;
    uint64_t size;
    uint64_t durable_size;
    uint8_t *seen;
    uint8_t *durable;
    bool dirty[DISK_SECTORS];
} disk_file;

typedef struct disk_rename {
    size_t file;
    char name[32];
} disk_rename;

typedef struct disk {
    disk_file files[DISK_FILES];
    disk_rename pending[DISK_NAMES_PENDING];
    size_t pending_count;
    fc_io io;
    unsigned long calls;
    unsigned long fail_at; /* the call with this number fails; 0: none */
    int fail_with;         /* an errno; 0: a write is cut short */
    bool failed_sync;
    bool failed;
    void (*watch)(struct disk *disk,
                  void *to); /* before and after each call that changes something */
    void *watcher;
    pthread_mutex_t lock; /* held through every call, and while somebody watches */
    pthread_t maker;      /* who watches: the flusher's calls are seen by the maker's next one */
} disk;

static inline disk *disk_of(void *context) { return context; }

static inline disk *disk_enter(void *context)
{
    disk *d = disk_of(context);
    pthread_mutex_lock(&d->lock);
    return d;
}

static inline void disk_leave(disk **d) { pthread_mutex_unlock(&(*d)->lock); }

/* Of a variable made by disk_enter(): left with the block. */
#define DISK_HELD __attribute__((cleanup(disk_leave)))

static inline const char *disk_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static inline void disk_watch(disk *d)
{
    if (d->watch != NULL && pthread_equal(d->maker, pthread_self()))
        d->watch(d, d->watcher);
}

/* Between two calls. */
static inline void disk_watch_now(disk *d)
{
    disk *held DISK_HELD = disk_enter(d);
    disk_watch(held);
}

/* Count a call; an errno when it is the one to fail. */
static inline int disk_call(disk *d)
{
    disk_watch(d);
    if (++d->calls != d->fail_at || d->fail_with == 0)
        return 0;
    d->failed = true;
    return d->fail_with;
}

static inline disk_file *disk_find(disk *d, const char *name)
{
    for (size_t i = 0; i < DISK_FILES; i++)
        if (d->files[i].used && strcmp(d->files[i].name, name) == 0)
            return &d->files[i];
    return NULL;
}

static inline void disk_note_name(disk *d, disk_file *file)
{
    CHECK_EQ(d->pending_count < DISK_NAMES_PENDING, 1, "more names than the fake has room for");
    disk_rename *pending = &d->pending[d->pending_count++];
    pending->file = (size_t)(file - d->files);
    memcpy(pending->name, file->name, sizeof pending->name);
}

static inline int disk_open(void *context, const char *path, int how, fc_file *out)
{
    disk *d DISK_HELD = disk_enter(context);
    int failed = disk_call(d);
    if (failed)
        return failed;
    disk_file *file = disk_find(d, disk_base(path));
    if (file == NULL) {
        if (!(how & FC_IO_CREATE))
            return ENOENT;
        for (size_t i = 0; i < DISK_FILES && file == NULL; i++)
            if (!d->files[i].used)
                file = &d->files[i];
        CHECK_EQ(file != NULL, 1, "more files than the fake has room for");
        memset(file, 0, sizeof *file);
        file->used = true;
        file->seen = calloc(2, DISK_FILE_BYTES);
        file->durable = file->seen + DISK_FILE_BYTES;
        snprintf(file->name, sizeof file->name, "%s", disk_base(path));
        disk_note_name(d, file);
        disk_watch(d);
    }
    *out = file - d->files;
    return 0;
}

static inline void disk_close(void *context, fc_file file)
{
    (void)context;
    (void)file;
}

static inline int disk_size(void *context, fc_file file, uint64_t *bytes)
{
    disk *d DISK_HELD = disk_enter(context);
    *bytes = d->files[file].size;
    return 0;
}

static inline int disk_read_at(void *context, fc_file file, void *data, size_t bytes,
                               uint64_t offset, size_t *done)
{
    disk *d DISK_HELD = disk_enter(context);
    const disk_file *f = &d->files[file];
    const uint64_t left = offset < f->size ? f->size - offset : 0;
    *done = bytes < left ? bytes : (size_t)left;
    memcpy(data, f->seen + offset, *done);
    return 0;
}

static inline int disk_write_at(void *context, fc_file file, const void *data, size_t bytes,
                                uint64_t offset, size_t *done)
{
    disk *d DISK_HELD = disk_enter(context);
    disk_file *f = &d->files[file];
    int failed = disk_call(d);
    if (failed)
        return failed;
    if (d->calls == d->fail_at && bytes > 1) {
        d->failed = true;
        bytes /= 2;
    }
    CHECK_EQ(offset + bytes <= f->size, 1, "a write passes the allocated %s", f->name);
    memcpy(f->seen + offset, data, bytes);
    for (uint64_t s = offset / DISK_SECTOR; s * DISK_SECTOR < offset + bytes; s++)
        f->dirty[s] = true;
    *done = bytes;
    disk_watch(d);
    return 0;
}

static inline int disk_sync(void *context, fc_file file)
{
    disk *d DISK_HELD = disk_enter(context);
    disk_file *f = &d->files[file];
    int failed = disk_call(d);
    for (size_t s = 0; s < DISK_SECTORS; s++) {
        if (f->dirty[s] && !failed)
            memcpy(f->durable + s * DISK_SECTOR, f->seen + s * DISK_SECTOR, DISK_SECTOR);
        f->dirty[s] = false;
    }
    if (failed) {
        d->failed_sync = true;
        return failed;
    }
    f->durable_size = f->size;
    disk_watch(d);
    return 0;
}

static inline int disk_resize(void *context, fc_file file, uint64_t bytes)
{
    disk *d DISK_HELD = disk_enter(context);
    disk_file *f = &d->files[file];
    int failed = disk_call(d);
    if (failed)
        return failed;
    CHECK_EQ(bytes <= DISK_FILE_BYTES, 1, "the fake has no file of this size");
    if (bytes < f->size) {
        memset(f->seen + bytes, 0, (size_t)(f->size - bytes));
        for (uint64_t s = bytes / DISK_SECTOR; s < DISK_SECTORS; s++)
            f->dirty[s] = true;
    }
    f->size = bytes;
    disk_watch(d);
    return 0;
}

static inline int disk_allocate(void *context, fc_file file, uint64_t bytes)
{
    disk *d DISK_HELD = disk_enter(context);
    int failed = disk_call(d);
    if (failed)
        return failed;
    CHECK_EQ(bytes <= DISK_FILE_BYTES, 1, "the fake has no file of this size");
    if (d->files[file].size < bytes)
        d->files[file].size = bytes;
    disk_watch(d);
    return 0;
}

static inline uint64_t disk_next_data(void *context, fc_file file, uint64_t offset)
{
    (void)context;
    (void)file;
    return offset;
}

static inline int disk_map(void *context, fc_file file, size_t bytes, uint8_t **out)
{
    disk *d DISK_HELD = disk_enter(context);
    int failed = disk_call(d);
    if (failed)
        return failed;
    CHECK_EQ(bytes <= d->files[file].size, 1, "a map passes the end of the file");
    d->files[file].mapped = true;
    *out = d->files[file].seen;
    return 0;
}

static inline void disk_unmap(void *context, uint8_t *at, size_t bytes)
{
    (void)context;
    (void)at;
    (void)bytes;
}

static inline int disk_lock(void *context, fc_file file)
{
    disk *d DISK_HELD = disk_enter(context);
    disk_file *f = &d->files[file];
    if (f->locked)
        return EAGAIN;
    f->locked = true;
    return 0;
}

static inline void disk_unlock(void *context, fc_file file)
{
    disk *d DISK_HELD = disk_enter(context);
    d->files[file].locked = false;
}

static inline int disk_unlink(void *context, const char *path)
{
    disk *d DISK_HELD = disk_enter(context);
    int failed = disk_call(d);
    if (failed)
        return failed;
    disk_file *f = disk_find(d, disk_base(path));
    if (f == NULL)
        return ENOENT;
    memset(f->name, 0, sizeof f->name);
    disk_note_name(d, f);
    disk_watch(d);
    return 0;
}

static inline int disk_rename_file(void *context, const char *from, const char *to)
{
    disk *d DISK_HELD = disk_enter(context);
    int failed = disk_call(d);
    if (failed)
        return failed;
    disk_file *f = disk_find(d, disk_base(from));
    if (f == NULL)
        return ENOENT;
    snprintf(f->name, sizeof f->name, "%s", disk_base(to));
    disk_note_name(d, f);
    disk_watch(d);
    return 0;
}

static inline int disk_make_directory(void *context, const char *path)
{
    disk *d DISK_HELD = disk_enter(context);
    (void)path;
    return disk_call(d);
}

static inline void disk_settle_names(disk *d, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy(d->files[d->pending[i].file].durable_name, d->pending[i].name,
               sizeof d->pending[i].name);
}

static inline int disk_sync_directory(void *context, const char *path)
{
    disk *d DISK_HELD = disk_enter(context);
    (void)path;
    int failed = disk_call(d);
    if (failed) {
        d->failed_sync = true;
        return failed;
    }
    disk_settle_names(d, d->pending_count);
    d->pending_count = 0;
    for (size_t i = 0; i < DISK_FILES; i++) {
        disk_file *f = &d->files[i];
        if (f->used && f->name[0] == 0) { /* gone for good; nobody has it open here */
            free(f->seen);
            memset(f, 0, sizeof *f);
        }
    }
    disk_watch(d);
    return 0;
}

static inline int disk_list(void *context, const char *path,
                            bool (*visit)(void *to, const char *name), void *to)
{
    disk *d DISK_HELD = disk_enter(context);
    (void)path;
    for (size_t i = 0; i < DISK_FILES; i++)
        if (d->files[i].used && d->files[i].name[0] != 0 && !visit(to, d->files[i].name))
            break;
    return 0;
}

static inline int disk_random(void *context, void *data, size_t bytes)
{
    uint8_t *out = data;
    (void)context;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(random64() >> 40);
    return 0;
}

static inline int64_t disk_now_ns(void *context)
{
    (void)context;
    return 1700000000000000000;
}

static inline void disk_make(disk *d)
{
    memset(d, 0, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    d->maker = pthread_self();
    d->io = (fc_io){.context = d,
                    .open = disk_open,
                    .close = disk_close,
                    .size = disk_size,
                    .read_at = disk_read_at,
                    .write_at = disk_write_at,
                    .sync = disk_sync,
                    .allocate = disk_allocate,
                    .resize = disk_resize,
                    .next_data = disk_next_data,
                    .map = disk_map,
                    .unmap = disk_unmap,
                    .lock = disk_lock,
                    .unlock = disk_unlock,
                    .rename = disk_rename_file,
                    .unlink = disk_unlink,
                    .make_directory = disk_make_directory,
                    .sync_directory = disk_sync_directory,
                    .list = disk_list,
                    .random = disk_random,
                    .now_ns = disk_now_ns};
}

static inline void disk_free(disk *d)
{
    for (size_t i = 0; i < DISK_FILES; i++)
        if (d->files[i].used)
            free(d->files[i].seen);
    memset(d->files, 0, sizeof d->files);
    pthread_mutex_destroy(&d->lock);
}

static inline bool disk_sector_differs(const disk_file *f, size_t s)
{
    return (f->dirty[s] || f->mapped) &&
           memcmp(f->seen + s * DISK_SECTOR, f->durable + s * DISK_SECTOR, DISK_SECTOR) != 0;
}

/* The kernel writes back some sectors of its own accord. */
static inline void disk_write_back_some(disk *d, unsigned one_in)
{
    for (size_t i = 0; i < DISK_FILES; i++)
        for (size_t s = 0; d->files[i].used && s * DISK_SECTOR < d->files[i].size; s++)
            if (disk_sector_differs(&d->files[i], s) && random_below(one_in) == 0)
                memcpy(d->files[i].durable + s * DISK_SECTOR, d->files[i].seen + s * DISK_SECTOR,
                       DISK_SECTOR);
}

typedef struct disk_place {
    uint8_t file;
    uint16_t sector;
} disk_place;

/* Sectors that a crash may keep or lose. */
static inline size_t disk_loose(const disk *d, disk_place *out, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < DISK_FILES; i++)
        for (size_t s = 0; d->files[i].used && s * DISK_SECTOR < d->files[i].size; s++)
            if (disk_sector_differs(&d->files[i], s) && count < max)
                out[count++] = (disk_place){.file = (uint8_t)i, .sector = (uint16_t)s};
    return count;
}

/*
 * The disk that a crash leaves: kept[i] says whether loose sector i made it;
 * `names` of the pending names did. Sizes go with any kept sector behind the
 * durable size, else with `sizes`.
 */
static inline void disk_crash(const disk *d, disk *out, const disk_place *loose, size_t count,
                              const bool *kept, size_t names, bool sizes)
{
    disk_make(out);
    for (size_t i = 0; i < DISK_FILES; i++) {
        const disk_file *from = &d->files[i];
        disk_file *to = &out->files[i];
        if (!from->used)
            continue;
        to->used = true;
        memcpy(to->durable_name, from->durable_name, sizeof to->durable_name);
        to->seen = malloc(2 * DISK_FILE_BYTES);
        to->durable = to->seen + DISK_FILE_BYTES;
        to->size = sizes ? from->size : from->durable_size;
        memcpy(to->seen, from->durable, DISK_FILE_BYTES);
    }
    for (size_t i = 0; i < count; i++)
        if (kept[i]) {
            const size_t at = (size_t)loose[i].sector * DISK_SECTOR;
            memcpy(out->files[loose[i].file].seen + at, d->files[loose[i].file].seen + at,
                   DISK_SECTOR);
            if (out->files[loose[i].file].size <= at)
                out->files[loose[i].file].size = d->files[loose[i].file].size;
        }
    for (size_t i = 0; i < names; i++)
        memcpy(out->files[d->pending[i].file].durable_name, d->pending[i].name, 32);
    for (size_t i = 0; i < DISK_FILES; i++) {
        disk_file *f = &out->files[i];
        if (!f->used)
            continue;
        memcpy(f->name, f->durable_name, sizeof f->name);
        if (f->size < DISK_FILE_BYTES)
            memset(f->seen + f->size, 0, DISK_FILE_BYTES - (size_t)f->size);
        memcpy(f->durable, f->seen, DISK_FILE_BYTES);
        f->durable_size = f->size;
        if (f->name[0] == 0) { /* never got a name that lasted */
            free(f->seen);
            memset(f, 0, sizeof *f);
        }
    }
}

/* The disk that is left when only the process is killed. */
static inline void disk_kill(const disk *d, disk *out)
{
    static disk_place loose[DISK_FILES * DISK_SECTORS];
    static bool kept[DISK_FILES * DISK_SECTORS];
    const size_t count = disk_loose(d, loose, DISK_FILES * DISK_SECTORS);
    memset(kept, 1, sizeof kept);
    disk_crash(d, out, loose, count, kept, d->pending_count, true);
}

#endif
