/*
 * wal/rows.c - records of one size, out of an array and into one.
 *
 * append: as many frames as there is room for in one piece of the ring are made in
 *         one loop, and then published at once; what is at an edge goes by the
 *         general way
 * read:   a piece of a segment at a time into a buffer that stays in the cache,
 *         verified there, and the payloads copied to where they shall be
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "wal/wal_internal.h"

/* How much is made before others see it. */
#define PUBLISH_BYTES (64u * 1024)

#define READ_BYTES   (256u * 1024)
#define READ_ENTRIES (READ_BYTES / FC_WAL_FRAME_BYTES_MIN)

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Frames that fit between the head and the first edge: of the segment, the ring, or what is read.
 */
static size_t room_for(const fc_wal *wal, uint64_t head, uint64_t frame_bytes)
{
    const uint64_t written = atomic_load_explicit(&wal->written, memory_order_acquire);
    uint64_t bytes = PUBLISH_BYTES;
    if (head >= wal->end || fc_wal_stamp_due_bytes(wal, head) > 0)
        return 0;
    bytes = least(bytes, wal->end - head);
    bytes = least(bytes, written + wal->ring_bytes - head);
    bytes = least(bytes, wal->ring_bytes - (head & (wal->ring_bytes - 1)));
    return (size_t)(bytes / frame_bytes);
}

static void put_rows(fc_wal *wal, const int64_t *timestamps, int64_t now, const uint8_t *rows,
                     size_t row_bytes, size_t count)
{
    const uint64_t frame_bytes = fc_wal_frame_bytes(row_bytes);
    const uint64_t head = atomic_load_explicit(&wal->head, memory_order_relaxed);
    const uint64_t seq = atomic_load_explicit(&wal->next_seq, memory_order_relaxed);
    uint8_t *out = wal->ring + (head & (wal->ring_bytes - 1));

    for (size_t i = 0; i < count; i++, out += frame_bytes, rows += row_bytes) {
        fc_store_le64(out + frame_bytes - 8, 0); /* the padding; what follows overwrites the rest */
        fc_wal_frame_encode(out, timestamps == NULL ? now : timestamps[i], seq + i,
                            (uint32_t)row_bytes, rows, wal->tail.seed, wal->k);
        memcpy(out + FC_WAL_FRAME_BYTES, rows, row_bytes);
    }
    wal->last_frame = head + (count - 1) * frame_bytes;
    fc_wal_publish(wal, head + count * frame_bytes, seq + count);
}

fc_status fc_wal_append_rows(fc_wal *wal, const int64_t *timestamps, const uint8_t *rows,
                             size_t row_bytes, size_t count, uint64_t *seq, size_t *done,
                             fc_error *error)
{
    *done = 0;
    if (row_bytes > fc_wal_payload_bytes_max(wal))
        return fc_fail(error, FC_ELIMIT,
                       "rows of %zu bytes; segments of %llu bytes take at most %llu", row_bytes,
                       (unsigned long long)wal->segment_bytes,
                       (unsigned long long)fc_wal_payload_bytes_max(wal));
    if (!fc_wal_takes_records(wal))
        return fc_wal_refused(wal, error);
    const int64_t now = wal->io->now_ns(wal->io->context);
    const uint64_t frame_bytes = fc_wal_frame_bytes(row_bytes);
    bool notify = false;

    pthread_mutex_lock(&wal->append_lock);
    fc_status status = fc_wal_refused(wal, error); /* it may have been closed meanwhile */
    *seq = atomic_load_explicit(&wal->next_seq, memory_order_relaxed);
    while (*done < count && status == FC_OK) {
        const int64_t *times = timestamps == NULL ? NULL : timestamps + *done;
        const uint64_t head = atomic_load_explicit(&wal->head, memory_order_relaxed);
        const size_t fit = (size_t)least(count - *done, room_for(wal, head, frame_bytes));
        if (fit > 0) {
            put_rows(wal, times, now, rows + *done * row_bytes, row_bytes, fit);
            *done += fit;
        } else {
            status = fc_wal_append_frame(wal, times == NULL ? now : times[0],
                                         rows + *done * row_bytes, row_bytes, false, true, error);
            *done += status == FC_OK;
        }
        if (fc_wal_should_notify(wal)) {
            notify = true;
            if (*done < count) {
                fc_wal_notify(wal, true); /* it can flush while this goes on */
                notify = false;
            }
        }
    }
    fc_wal_append_unlock(wal, notify);
    return status;
}

fc_status fc_wal_read_rows(fc_wal_reader *reader, size_t row_bytes, int64_t *timestamps,
                           uint8_t *rows, size_t count, size_t *done, fc_error *error)
{
    const size_t frame_bytes = (size_t)fc_wal_frame_bytes(row_bytes);
    const size_t capacity = frame_bytes > READ_BYTES ? frame_bytes : READ_BYTES;
    uint8_t *buffer = malloc(capacity);
    fc_wal_entry *entries = malloc(READ_ENTRIES * sizeof *entries);
    fc_status status = FC_OK;

    *done = 0;
    if (buffer == NULL || entries == NULL)
        status = fc_fail(error, FC_ENOMEM, "a buffer of %zu bytes", capacity);
    while (status == FC_OK && *done < count) {
        const size_t left = count - *done;
        size_t got = 0, wanted = 0;
        status = fc_wal_read(reader, buffer, capacity, entries,
                             left < READ_ENTRIES ? left : READ_ENTRIES, &got, &wanted, error);
        if (status == FC_OK && got == 0 && wanted == 0)
            break;
        if (status == FC_OK && got == 0)
            status = fc_fail(error, FC_EINVAL, "a record is longer than the %zu bytes of a row",
                             row_bytes);
        for (size_t i = 0; i < got && status == FC_OK; i++, ++*done) {
            if (entries[i].length != row_bytes) {
                status = fc_fail(error, FC_EINVAL, "record %llu has %zu bytes, a row has %zu",
                                 (unsigned long long)entries[i].seq, entries[i].length, row_bytes);
                break;
            }
            timestamps[*done] = entries[i].timestamp;
            memcpy(rows + *done * row_bytes, buffer + entries[i].offset, row_bytes);
        }
    }
    free(buffer);
    free(entries);
    return status;
}
