/*
 * wal/truncate.c - remove the oldest segments, and use one of their files again.
 *
 * drop_before(keep):   for each number from the first to keep - 1, in this order:
 *                          rename its file to the number after the last one made, if that
 *                          is wanted; else unlink it
 *                          sync the directory
 *
 * One sync a file keeps the numbers on disk without gaps on any file system,
 * whatever order it commits changes of a directory in. A file used again still
 * has its old header, of another number, so it counts as not begun; its old
 * frames are under other salts.
 *
 * Nothing is removed that a later start may need: the segments kept begin with
 * one that is durable together with the marks it carries over.
 */
#include "wal/wal_internal.h"

/* With a limit on the bytes, a file kept ready takes the place of records. */
static uint64_t ahead_max(const fc_wal *wal) { return wal->max_bytes > 0 ? 1 : 2; }

static uint64_t files_ahead(fc_wal *wal)
{
    const uint64_t prepared = atomic_load(&wal->prepared);
    const uint64_t number = fc_wal_place_number(wal, atomic_load(&wal->head));
    return prepared > number ? prepared - number : 0;
}

/* Under prepare_lock and list_lock: take the first segment away. */
static int drop_first(fc_wal *wal)
{
    const fc_io *io = wal->io;
    const fc_wal_segment first = wal->segments[0];
    char from[FC_WAL_PATH_BYTES_MAX], to[FC_WAL_PATH_BYTES_MAX];
    int failed;

    fc_wal_segment_path(wal, from, first.number);
    if (first.bytes == wal->segment_bytes && files_ahead(wal) < ahead_max(wal)) {
        const uint64_t number = atomic_load(&wal->prepared) + 1;
        fc_wal_segment_path(wal, to, number);
        failed = io->rename(io->context, from, to);
        if (!failed) {
            wal->used[number % FC_WAL_ROLLS_MAX] = true;
            atomic_store(&wal->prepared, number);
            atomic_fetch_add(&wal->recycled, 1);
        }
    } else {
        failed = io->unlink(io->context, from);
    }
    if (failed)
        return failed;
    wal->segment_count--;
    for (size_t i = 0; i < wal->segment_count; i++)
        wal->segments[i] = wal->segments[i + 1];
    atomic_fetch_add(&wal->removed, 1);
    return 0;
}

fc_status fc_wal_drop_before(fc_wal *wal, uint64_t keep, uint64_t *freed, fc_error *error)
{
    int failed = 0;

    *freed = 0;
    pthread_mutex_lock(&wal->prepare_lock);
    for (;;) {
        /* A reader that finds a file gone sees, once it gets the lock, that the segment is too. */
        pthread_mutex_lock(&wal->list_lock);
        const bool more = wal->segment_count > 1 && wal->segments[0].number < keep;
        const uint64_t bytes = more ? wal->segments[0].bytes : 0;
        if (more)
            failed = drop_first(wal);
        pthread_mutex_unlock(&wal->list_lock);
        if (more && !failed) {
            failed = wal->io->sync_directory(wal->io->context, wal->path);
            fc_wal_poison(wal, failed); /* a new name may be lost, as after any failed sync */
        }
        if (!more || failed)
            break;
        *freed += bytes;
    }
    pthread_mutex_unlock(&wal->prepare_lock);
    return failed ? fc_fail_os(error, failed, "removing the oldest segments of %s", wal->path)
                  : FC_OK;
}

/* The first segment that has to stay for the marks, when `number` is the first to stay. */
static uint64_t with_its_marks(fc_wal *wal, uint64_t number)
{
    fc_wal_segment segment;
    return fc_wal_segments_get(wal, number, &segment) && segment.marks_before ? number - 1 : number;
}

fc_status fc_wal_truncate_before(fc_wal *wal, uint64_t seq, uint64_t *freed, fc_error *error)
{
    fc_wal_segment keep = {0};
    uint64_t end;
    bool timed_out;

    *freed = 0;
    pthread_mutex_lock(&wal->append_lock);
    fc_status status = fc_wal_refused(wal, error);
    const uint64_t next_seq = atomic_load(&wal->next_seq);
    if (status == FC_OK && seq > next_seq)
        status = fc_fail(error, FC_EINVAL, "record %llu is not in the log yet: the next is %llu",
                         (unsigned long long)seq, (unsigned long long)next_seq);
    if (status == FC_OK && seq == next_seq && fc_wal_segments_find(wal, seq, &keep) &&
        keep.base_seq < seq)
        status = fc_wal_roll(wal, error); /* even the last segment can go then */
    pthread_mutex_unlock(&wal->append_lock);
    if (status != FC_OK || !fc_wal_segments_find(wal, seq, &keep))
        return status;
    if (with_its_marks(wal, keep.number) <= fc_wal_first_number(wal))
        return FC_OK;
    status = fc_wal_commit(wal, atomic_load(&wal->next_seq), -1, &timed_out, &end, error);
    if (status != FC_OK)
        return status;
    return fc_wal_drop_before(wal, with_its_marks(wal, keep.number), freed, error);
}

void fc_wal_keep_limits(fc_wal *wal, unsigned more)
{
    const uint64_t durable = fc_wal_place_number(wal, atomic_load(&wal->durable));
    const uint64_t keep = with_its_marks(wal, durable);
    const int64_t now = wal->max_age_ns > 0 ? wal->io->now_ns(wal->io->context) : 0;
    uint64_t freed;

    while (wal->max_bytes > 0 || wal->max_age_ns > 0) {
        uint64_t bytes = (files_ahead(wal) + more) * wal->segment_bytes;
        fc_wal_segment first, second;

        pthread_mutex_lock(&wal->list_lock);
        for (size_t i = 0; i < wal->segment_count; i++)
            bytes += wal->segments[i].bytes;
        pthread_mutex_unlock(&wal->list_lock);
        if (!fc_wal_segments_get(wal, fc_wal_first_number(wal), &first) || first.number >= keep ||
            !fc_wal_segments_get(wal, first.number + 1, &second))
            return;
        /* The last record of a segment came before the next one was begun. */
        if (!(wal->max_bytes > 0 && bytes > wal->max_bytes) &&
            !(wal->max_age_ns > 0 && now - second.created_ns > wal->max_age_ns))
            return;
        /* What cannot be removed now is tried again at the next occasion. */
        if (fc_wal_drop_before(wal, second.number, &freed, NULL) != FC_OK)
            return;
    }
}
