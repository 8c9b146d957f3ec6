/* wal/wal.c - open, close, and what can be asked of an open log. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/port.h"
#include "wal/wal_internal.h"

static const char *const LOCK_NAME = "lock";

/* Read at a time to find how far the records of another process go. */
#define TAIL_READ_BYTES (256u * 1024)

fc_status fc_wal_refused(fc_wal *wal, fc_error *error)
{
    const int poison = atomic_load(&wal->poison);
    switch (atomic_load(&wal->state)) {
    case FC_WAL_FORKED:
        return fc_fail(error, FC_ECLOSED,
                       "the log belongs to the process this one was forked from");
    case FC_WAL_CLOSED:
        return fc_fail(error, FC_ECLOSED, "the log is closed");
    default:
        break;
    }
    if (wal->read_only)
        return fc_fail(error, FC_EWAL_READONLY, "the log was opened for reading");
    if (poison != 0)
        return fc_fail_os(error, poison, "an earlier flush failed; close the log and open it anew");
    return FC_OK;
}

static fc_status check(const fc_wal_options *options, fc_error *error)
{
    if (options->path == NULL || options->path[0] == 0)
        return fc_fail(error, FC_EINVAL, "the path is empty");
    /* The longest name inside the directory has to fit too. */
    if (strlen(options->path) + 32 > FC_WAL_PATH_BYTES_MAX)
        return fc_fail(error, FC_ELIMIT, "the path is longer than %d bytes",
                       FC_WAL_PATH_BYTES_MAX - 32);
    if (options->segment_bytes < FC_WAL_SEGMENT_BYTES_MIN ||
        options->segment_bytes > FC_WAL_SEGMENT_BYTES_MAX)
        return fc_fail(error, FC_ELIMIT, "segment_bytes must be %u to %u, not %llu",
                       FC_WAL_SEGMENT_BYTES_MIN, FC_WAL_SEGMENT_BYTES_MAX,
                       (unsigned long long)options->segment_bytes);
    if (options->batch_bytes == 0)
        return fc_fail(error, FC_EINVAL, "batch_bytes must be at least 1");
    if (options->batch_ms == 0)
        return fc_fail(error, FC_EINVAL, "batch_ms must be at least 1");
    return FC_OK;
}

static fc_status make_directory(fc_wal *wal, fc_error *error)
{
    const int failed = wal->io->make_directory(wal->io->context, wal->path);
    return failed && failed != EEXIST
               ? fc_fail_os(error, failed, "making the directory %s", wal->path)
               : FC_OK;
}

/* The first segment of a new log, and the directory's name in its parent: both durable. */
static fc_status begin(fc_wal *wal, fc_error *error)
{
    const fc_io *io = wal->io;
    char parent[FC_WAL_PATH_BYTES_MAX];
    uint64_t end;
    bool timed_out;

    memcpy(parent, wal->path, strlen(wal->path) + 1);
    size_t length = strlen(parent);
    while (length > 1 && parent[length - 1] == '/')
        length--;
    while (length > 0 && parent[length - 1] != '/')
        length--;
    memcpy(parent + length, ".", 2);
    const int failed = io->sync_directory(io->context, parent);
    if (failed)
        return fc_fail_os(error, failed, "syncing the directory %s", parent);
    const fc_status status = fc_wal_roll(wal, error);
    return status != FC_OK ? status : fc_wal_commit(wal, 0, -1, &timed_out, &end, error);
}

fc_status fc_wal_take_lock(fc_wal *wal, fc_error *error)
{
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];

    fc_wal_file_path(wal, path, LOCK_NAME);
    int failed = io->open(io->context, path, FC_IO_CREATE, &wal->lock_file);
    if (failed) {
        wal->lock_file = -1;
        return fc_fail_os(error, failed, "opening %s", path);
    }
    failed = io->lock(io->context, wal->lock_file);
    if (failed == EAGAIN)
        return fc_fail(error, FC_EWAL_LOCKED, "%s has a writer already", wal->path);
    return failed ? fc_fail_os(error, failed, "locking %s", path) : FC_OK;
}

static fc_status no_log(fc_wal *wal, fc_error *error)
{
    return fc_fail_os(error, ENOENT, "there is no log in %s", wal->path);
}

/* Asked before anything is created in the directory. */
fc_status fc_wal_require_log(fc_wal *wal, fc_error *error)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    const fc_status status = fc_wal_list(wal, &numbers, &count, error);
    free(numbers);
    return status == FC_OK && count == 0 ? no_log(wal, error) : status;
}

static fc_status repair(fc_wal *wal, fc_error *error)
{
    fc_wal_report report;
    fc_status status = fc_wal_check(wal, &report, error);
    if (status == FC_OK && wal->holes.count > 0)
        status = fc_wal_fill_holes(wal, error);
    wal->holes.count = 0;
    return status;
}

static fc_status open_for_writing(fc_wal *wal, bool create, fc_error *error)
{
    fc_status status = create ? make_directory(wal, error) : fc_wal_require_log(wal, error);
    if (status == FC_OK)
        status = fc_wal_take_lock(wal, error);
    if (status == FC_OK && wal->recovery == FC_WAL_SALVAGE)
        status = repair(wal, error);
    if (status == FC_OK)
        status = fc_wal_recover(wal, error);
    if (status == FC_OK)
        status = fc_wal_ring_open(wal, error);
    if (status == FC_OK && wal->segment_count == 0)
        status = begin(wal, error);
    if (status == FC_OK)
        status = fc_wal_flush_start(wal, error);
    return status;
}

static fc_status open_for_reading(fc_wal *wal, fc_error *error)
{
    fc_wal_report report;
    fc_status status = fc_wal_require_log(wal, error);
    if (status == FC_OK && wal->recovery == FC_WAL_SALVAGE)
        status = fc_wal_check(wal, &report, error); /* whose holes are then stepped over */
    if (status == FC_OK)
        status = fc_wal_recover(wal, error);
    if (status == FC_OK && wal->segment_count == 0)
        status = no_log(wal, error);
    if (status == FC_OK)
        status = fc_wal_reader_open(&wal->tail_reader, wal, UINT64_MAX, UINT64_MAX, error);
    if (status == FC_OK)
        fc_wal_reader_seat(wal->tail_reader, &wal->tail);
    return status;
}

fc_status fc_wal_make(fc_wal **out, const fc_wal_options *options, const fc_kernels *k,
                      fc_error *error)
{
    fc_status status = check(options, error);
    if (status != FC_OK)
        return status;
    fc_wal *wal = calloc(1, sizeof *wal);
    char *path = malloc(strlen(options->path) + 1);
    if (wal == NULL || path == NULL) {
        free(wal);
        free(path);
        return fc_fail(error, FC_ENOMEM, "a log");
    }
    memcpy(path, options->path, strlen(options->path) + 1);
    wal->io = options->io != NULL ? options->io : &fc_io_system;
    wal->k = k;
    wal->path = path;
    wal->read_only = options->read_only;
    wal->durability = options->durability;
    wal->recovery = options->recovery;
    wal->segment_bytes = options->segment_bytes;
    wal->stride = fc_wal_stride(options->segment_bytes);
    wal->batch_bytes = options->batch_bytes;
    wal->batch_ms = options->batch_ms;
    wal->max_bytes = options->max_bytes;
    wal->max_age_ns = options->max_age_ns;
    wal->lock_file = wal->ring_file = wal->out_file = -1;
    pthread_mutex_init(&wal->list_lock, NULL);
    pthread_mutex_init(&wal->append_lock, NULL);
    pthread_mutex_init(&wal->prepare_lock, NULL);
    pthread_mutex_init(&wal->flush_lock, NULL);
    fc_condition_init(&wal->flushed);
    fc_condition_init(&wal->wanted);
    fc_condition_init(&wal->gathering_done);
    *out = wal;
    return FC_OK;
}

fc_status fc_wal_open(fc_wal **out, const fc_wal_options *options, const fc_kernels *k,
                      fc_error *error)
{
    fc_wal *wal;
    fc_status status = fc_wal_make(&wal, options, k, error);
    if (status != FC_OK)
        return status;
    status = wal->read_only ? open_for_reading(wal, error)
                            : open_for_writing(wal, options->create, error);
    if (status != FC_OK) {
        fc_wal_free(wal);
        return status;
    }
    *out = wal;
    return FC_OK;
}

static void close_file(fc_wal *wal, fc_file *file)
{
    if (*file >= 0)
        wal->io->close(wal->io->context, *file);
    *file = -1;
}

/* Files made ahead and never begun. */
static void remove_prepared(fc_wal *wal)
{
    char path[FC_WAL_PATH_BYTES_MAX];
    const uint64_t last = fc_wal_place_number(wal, atomic_load(&wal->head));
    for (uint64_t number = atomic_load(&wal->prepared); number > last; number--) {
        fc_wal_segment_path(wal, path, number);
        wal->io->unlink(wal->io->context, path);
    }
}

static void release(fc_wal *wal)
{
    fc_wal_flush_stop(wal);
    pthread_mutex_lock(&wal->append_lock);
    fc_wal_reader_close(wal->tail_reader);
    wal->tail_reader = NULL;
    fc_wal_ring_close(wal);
    close_file(wal, &wal->out_file);
    if (wal->lock_file >= 0)
        wal->io->unlock(wal->io->context, wal->lock_file);
    close_file(wal, &wal->lock_file);
    pthread_mutex_unlock(&wal->append_lock);
}

fc_status fc_wal_close(fc_wal *wal, fc_error *error)
{
    int running = FC_WAL_RUNNING;
    fc_status status = FC_OK;

    /* Under the lock, so that no append is half done. */
    pthread_mutex_lock(&wal->append_lock);
    const bool first = atomic_compare_exchange_strong(&wal->state, &running, FC_WAL_CLOSED);
    pthread_mutex_unlock(&wal->append_lock);
    if (!first)
        return FC_OK;
    if (!wal->read_only) {
        uint64_t end;
        bool timed_out;
        status = fc_wal_commit(wal, atomic_load(&wal->next_seq), -1, &timed_out, &end, error);
        if (status == FC_OK) {
            fc_wal_stamp_close(wal);
            status = fc_wal_write_out(wal, error);
        }
        fc_wal_flush_stop(wal); /* which makes files ahead of need */
        remove_prepared(wal);
        if (status == FC_OK)
            fc_wal_ring_remove(wal); /* all of it is in the segments, and durable */
    }
    release(wal);
    return status;
}

void fc_wal_abandon(fc_wal *wal)
{
    /* Threads and the owners of locks did not come along; the mapped ring did not either. */
    atomic_store(&wal->state, FC_WAL_FORKED);
    wal->ring = wal->ring_map = NULL;
    wal->thread_started = false;
    close_file(wal, &wal->ring_file);
    close_file(wal, &wal->out_file);
    close_file(wal, &wal->lock_file);
}

void fc_wal_free(fc_wal *wal)
{
    if (wal == NULL)
        return;
    if (atomic_load(&wal->state) != FC_WAL_FORKED) {
        release(wal);
        pthread_cond_destroy(&wal->gathering_done);
        pthread_cond_destroy(&wal->wanted);
        pthread_cond_destroy(&wal->flushed);
        pthread_mutex_destroy(&wal->flush_lock);
        pthread_mutex_destroy(&wal->prepare_lock);
        pthread_mutex_destroy(&wal->append_lock);
        pthread_mutex_destroy(&wal->list_lock);
    }
    fc_wal_marks_clear(&wal->marks);
    free(wal->segments);
    free(wal->holes.at);
    free(wal->path);
    free(wal);
}

bool fc_wal_running(const fc_wal *wal) { return atomic_load(&wal->state) == FC_WAL_RUNNING; }

bool fc_wal_is_read_only(const fc_wal *wal) { return wal->read_only; }

uint64_t fc_wal_first_seq(fc_wal *wal)
{
    fc_wal_segment first = {0};
    if (wal->read_only && atomic_load(&wal->state) == FC_WAL_RUNNING)
        fc_wal_refresh(wal);
    fc_wal_segments_get(wal, fc_wal_first_number(wal), &first);
    return first.base_seq;
}

/* Go on from where the records were last seen to end. */
static uint64_t find_tail(fc_wal *wal)
{
    uint8_t *buffer = malloc(TAIL_READ_BYTES);
    size_t capacity = TAIL_READ_BYTES, count, wanted = 0;
    uint64_t seq;

    pthread_mutex_lock(&wal->append_lock);
    while (wal->tail_reader != NULL && buffer != NULL) {
        fc_wal_entry unused;
        const fc_status status =
            fc_wal_read(wal->tail_reader, buffer, capacity, &unused, 1, &count, &wanted, NULL);
        if (status == FC_EWAL_TRUNCATED) { /* all that was there has been removed since */
            fc_wal_segment first;
            fc_wal_refresh(wal);
            if (!fc_wal_segments_find(wal, 0, &first) &&
                !fc_wal_segments_get(wal, fc_wal_first_number(wal), &first))
                break;
            const fc_wal_place place = {.number = first.number, .seq = first.base_seq};
            fc_wal_reader_seat(wal->tail_reader, &place);
            continue;
        }
        if (status != FC_OK || wanted == 0)
            break;
        uint8_t *larger = realloc(buffer, wanted);
        if (larger == NULL)
            break;
        buffer = larger;
        capacity = wanted;
    }
    if (wal->tail_reader != NULL)
        atomic_store(&wal->next_seq, fc_wal_reader_seq(wal->tail_reader));
    seq = atomic_load(&wal->next_seq);
    pthread_mutex_unlock(&wal->append_lock);
    free(buffer);
    return seq;
}

uint64_t fc_wal_next_seq(fc_wal *wal)
{
    if (wal->read_only && atomic_load(&wal->state) == FC_WAL_RUNNING)
        return find_tail(wal);
    return atomic_load_explicit(&wal->next_seq, memory_order_acquire);
}

uint64_t fc_wal_durable_end(fc_wal *wal)
{
    if (!wal->read_only || atomic_load(&wal->state) != FC_WAL_RUNNING)
        return atomic_load_explicit(&wal->durable_end, memory_order_acquire);
    const uint64_t end = fc_wal_next_seq(wal);
    uint64_t published;
    return fc_wal_ring_published(wal, &published) && published < end ? published : end;
}

uint64_t fc_wal_payload_bytes_max(const fc_wal *wal)
{
    return wal->segment_bytes - FC_WAL_OVERHEAD_BYTES;
}

int64_t fc_wal_now_ns(const fc_wal *wal) { return wal->io->now_ns(wal->io->context); }

void fc_wal_get_stats(fc_wal *wal, fc_wal_stats *stats)
{
    const uint64_t head = atomic_load(&wal->head), written = atomic_load(&wal->written);
    const uint64_t prepared = atomic_load(&wal->prepared);
    const uint64_t number = fc_wal_place_number(wal, head);

    if (wal->read_only && atomic_load(&wal->state) == FC_WAL_RUNNING)
        fc_wal_refresh(wal);
    *stats = (fc_wal_stats){.ring_bytes = wal->ring_bytes,
                            .ring_used = head > written ? head - written : 0,
                            .written_bytes = atomic_load(&wal->written_bytes),
                            .syncs = atomic_load(&wal->syncs),
                            .sync_ns = atomic_load(&wal->sync_ns),
                            .sync_ns_max = atomic_load(&wal->sync_ns_max),
                            .rolls = atomic_load(&wal->rolls),
                            .recycled = atomic_load(&wal->recycled),
                            .removed = atomic_load(&wal->removed)};
    pthread_mutex_lock(&wal->list_lock);
    stats->segments = wal->segment_count;
    for (size_t i = 0; i < wal->segment_count; i++)
        stats->segment_bytes += wal->segments[i].bytes;
    pthread_mutex_unlock(&wal->list_lock);
    if (!wal->read_only && prepared > number)
        stats->segment_bytes += (prepared - number) * wal->segment_bytes;
}
