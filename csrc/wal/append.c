/*
 * wal/append.c - put records and marks into the ring, rolling from segment to segment.
 *
 * append(record), under append_lock:
 *     if this session wrote nothing yet, or enough since the last stamp: a stamp first
 *     if it does not fit the segment: roll, that is a header page and the marks
 *     wait until the ring has room; a record larger than half the ring goes to
 *     the file by itself
 *     copy, publish head, publish next_seq
 *
 * Nothing here syncs. try_append() takes the same road and gives up, with
 * nothing changed, where it would have to wait or to call the system.
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "wal/wal_internal.h"

static uint64_t load(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static uint64_t segment_start(const fc_wal *wal, uint64_t number) { return number * wal->stride; }

/* Make `head` and `next_seq` known: first the bytes, then the number, as the flusher reads them. */
void fc_wal_publish(fc_wal *wal, uint64_t head, uint64_t next_seq)
{
    atomic_store_explicit(&wal->head, head, memory_order_release);
    atomic_store_explicit(&wal->next_seq, next_seq, memory_order_release);
}

/* Copy one frame to `at` in the ring. The room is there. */
static void put_frame(fc_wal *wal, uint64_t at, int64_t timestamp, uint64_t seq,
                      uint32_t length_field, const uint8_t *payload)
{
    const uint32_t length = length_field & ~FC_WAL_CONTROL;
    const uint64_t bytes = fc_wal_frame_bytes(length);
    const uint64_t start = at & (wal->ring_bytes - 1);
    static const uint8_t zeros[8] = {0};

    if (FC_LIKELY(bytes <= wal->ring_bytes - start)) {
        uint8_t *out = wal->ring + start;
        fc_store_le64(out + bytes - 8, 0); /* the padding; what follows overwrites the rest */
        fc_wal_frame_encode(out, timestamp, seq, length_field, payload, wal->tail.seed, wal->k);
        if (length > 0)
            memcpy(out + FC_WAL_FRAME_BYTES, payload, length);
        return;
    }
    uint8_t header[FC_WAL_FRAME_BYTES];
    fc_wal_frame_encode(header, timestamp, seq, length_field, payload, wal->tail.seed, wal->k);
    fc_wal_ring_put(wal, at, header, sizeof header);
    fc_wal_ring_put(wal, at + sizeof header, payload, length);
    fc_wal_ring_put(wal, at + sizeof header + length, zeros,
                    (size_t)(bytes - sizeof header - length));
}

/* Stream bytes of the stamp that must or should precede the next frame, 0 for none. */
uint64_t fc_wal_stamp_due_bytes(const fc_wal *wal, uint64_t head)
{
    if (wal->stamp_due)
        return fc_wal_frame_bytes(FC_WAL_STAMP_BYTES);
    if (head - wal->stamped_at < FC_WAL_STAMP_EVERY_BYTES)
        return 0;
    const uint64_t durable = load(&wal->durable);
    return durable > wal->stamped && durable >= segment_start(wal, wal->tail.number)
               ? fc_wal_frame_bytes(FC_WAL_STAMP_BYTES)
               : 0;
}

static void put_stamp(fc_wal *wal, uint64_t at, uint64_t durable, uint64_t salt)
{
    const uint64_t start = segment_start(wal, wal->tail.number);
    const fc_wal_stamp stamp = {.durable = durable - start, .salt = salt};
    uint8_t body[FC_WAL_STAMP_BYTES];

    fc_wal_stamp_encode(body, &stamp, at - start, wal->tail.header_salt, wal->k);
    put_frame(wal, at, wal->io->now_ns(wal->io->context), load(&wal->next_seq),
              FC_WAL_CONTROL | FC_WAL_STAMP_BYTES, body);
    wal->stamped_at = at;
    wal->stamped = durable;
    if (salt != wal->tail.salt) {
        wal->tail.salt = salt;
        wal->tail.seed = fc_wal_seed(wal->k, salt);
    }
    wal->stamp_due = false;
}

/* Write the header page of segment `number` and carry the marks over, all in the ring. */
static void begin_segment(fc_wal *wal, uint64_t number, uint64_t salt, bool carry)
{
    const uint64_t start = segment_start(wal, number);
    const uint64_t next_seq = load(&wal->next_seq);
    uint8_t page[FC_WAL_PAGE_BYTES];
    uint8_t body[FC_WAL_MARK_BYTES + FC_WAL_MARK_NAME_BYTES_MAX + FC_WAL_MARK_VALUE_BYTES_MAX];
    const fc_wal_header header = {
        .number = number,
        .base_seq = next_seq,
        .salt = salt,
        .previous_salt = wal->tail.salt,
        .segment_bytes = wal->segment_bytes,
        .created_ns = wal->io->now_ns(wal->io->context),
        .marks = carry ? (uint32_t)wal->marks.count : 0,
        .flags = (wal->used[number % FC_WAL_ROLLS_MAX] ? 0 : FC_WAL_HEADER_FRESH) |
                 (carry ? 0 : FC_WAL_HEADER_MARKS_BEFORE),
    };

    wal->ends[wal->tail.number % FC_WAL_ROLLS_MAX] = load(&wal->head);
    fc_wal_place_begin(wal, &wal->tail, &header);
    wal->end = start + (wal->segment_bytes & ~7ull);
    wal->stamp_due = false;
    wal->stamped_at = wal->stamped = start + FC_WAL_PAGE_BYTES;
    wal->last_frame = 0;
    if (wal->durability == FC_WAL_SYNC)
        wal->notify_at = start + wal->segment_bytes / 2;
    atomic_fetch_add_explicit(&wal->rolls, 1, memory_order_relaxed);

    fc_wal_header_encode(page, &header, wal->k);
    fc_wal_ring_put(wal, start, page, sizeof page);
    uint64_t head = start + sizeof page;
    for (size_t i = 0; i < header.marks; i++) {
        const fc_wal_mark *mark = wal->marks.at[i];
        const fc_wal_mark_view view = {.seq = mark->seq,
                                       .name = (const uint8_t *)mark->name,
                                       .name_bytes = mark->name_bytes,
                                       .value = mark->value,
                                       .value_bytes = mark->value_bytes};
        const uint32_t length = fc_wal_mark_bytes(mark->name_bytes, mark->value_bytes);
        fc_wal_mark_encode(body, &view);
        put_frame(wal, head, header.created_ns, next_seq, FC_WAL_CONTROL | length, body);
        head += fc_wal_frame_bytes(length);
    }
    fc_wal_publish(wal, head, next_seq);
}

/* Leave the segment for the next one. What can fail comes first, and leaves the log as it was. */
static fc_status roll(fc_wal *wal, bool carry, bool may_wait, fc_error *error)
{
    const uint64_t number = wal->tail.number + 1;
    const uint64_t start = segment_start(wal, number);
    const uint64_t head = start + FC_WAL_PAGE_BYTES + (carry ? wal->marks.frame_bytes : 0);
    const fc_wal_segment segment = {.number = number,
                                    .base_seq = load(&wal->next_seq),
                                    .bytes = wal->segment_bytes,
                                    .created_ns = wal->io->now_ns(wal->io->context),
                                    .marks_before = !carry};
    uint64_t salt;

    if (!may_wait)
        return FC_ELIMIT;
    int failed = fc_wal_prepare(wal, number);
    if (failed)
        return fc_fail_os(error, failed, "making segment %llu of %llu bytes in %s",
                          (unsigned long long)number, (unsigned long long)wal->segment_bytes,
                          wal->path);
    failed = fc_wal_new_salt(wal, &salt);
    if (failed)
        return fc_fail_os(error, failed, "asking for random bytes");
    const fc_status status = fc_wal_wait_room(wal, head, number, error);
    if (status != FC_OK)
        return status;
    if (fc_wal_segments_add(wal, &segment) != 0)
        return fc_fail(error, FC_ENOMEM, "the list of segments");
    fc_wal_skip_to(wal, start);
    begin_segment(wal, number, salt, carry);
    return FC_OK;
}

/*
 * Bring the log to where `bytes` bytes of frame, and the stamp before them, fit
 * the segment. The marks go with every roll, except where they would take the
 * room of a very large record: then a segment with the marks precedes one with
 * the record.
 */
static fc_status fit(fc_wal *wal, uint64_t bytes, bool may_wait, fc_error *error)
{
    while (load(&wal->head) + fc_wal_stamp_due_bytes(wal, load(&wal->head)) + bytes > wal->end) {
        const bool carry =
            FC_WAL_PAGE_BYTES + wal->marks.frame_bytes + bytes <= (wal->segment_bytes & ~7ull) ||
            (wal->tail.flags & FC_WAL_HEADER_MARKS_BEFORE) != 0;
        const fc_status status = roll(wal, carry, may_wait, error);
        if (status != FC_OK)
            return status;
    }
    return FC_OK;
}

fc_status fc_wal_append_frame(fc_wal *wal, int64_t timestamp, const uint8_t *payload, size_t length,
                              bool control, bool may_wait, fc_error *error)
{
    const uint64_t bytes = fc_wal_frame_bytes(length);
    fc_status status;

    if (FC_UNLIKELY(load(&wal->head) + bytes + fc_wal_frame_bytes(FC_WAL_STAMP_BYTES) > wal->end)) {
        status = fit(wal, bytes, may_wait, error);
        if (status != FC_OK)
            return status;
    }
    const bool direct = bytes > wal->ring_bytes / 2;
    uint64_t head = load(&wal->head);
    uint64_t stamp = fc_wal_stamp_due_bytes(wal, head);
    if (FC_UNLIKELY(head + stamp + bytes > wal->end))
        stamp = 0; /* one that fell due since the fitting; it can wait for the next frame */
    const uint64_t in_ring = stamp + (direct ? 0 : bytes);
    uint64_t salt = wal->tail.salt;

    if (FC_UNLIKELY(head + in_ring > atomic_load_explicit(&wal->written, memory_order_acquire) +
                                         wal->ring_bytes ||
                    direct)) {
        if (!may_wait)
            return FC_ELIMIT;
        status = fc_wal_wait_room(wal, head + in_ring, wal->tail.number, error);
        if (status != FC_OK)
            return status;
    }
    if (FC_UNLIKELY(wal->stamp_due)) {
        const int failed = fc_wal_new_salt(wal, &salt);
        if (failed)
            return fc_fail_os(error, failed, "asking for random bytes");
    }
    if (FC_UNLIKELY(stamp > 0)) {
        put_stamp(wal, head, load(&wal->durable), salt);
        head += stamp;
    }

    const uint64_t seq = load(&wal->next_seq);
    const uint32_t length_field = (uint32_t)length | (control ? FC_WAL_CONTROL : 0);
    if (FC_UNLIKELY(direct)) {
        uint8_t header[FC_WAL_FRAME_BYTES];
        fc_wal_publish(wal, head, seq);
        fc_wal_frame_encode(header, timestamp, seq, length_field, payload, wal->tail.seed, wal->k);
        status = fc_wal_write_direct(wal, header, payload, length, error);
        if (status != FC_OK)
            return status;
    } else {
        put_frame(wal, head, timestamp, seq, length_field, payload);
    }
    wal->last_frame = head;
    fc_wal_publish(wal, head + bytes, control ? seq : seq + 1);
    return FC_OK;
}

/*
 * Whether the flusher thread has something to do: a batch is full, or, where who
 * appends also flushes, half of the segment is and the next file should be made.
 */
bool fc_wal_should_notify(fc_wal *wal)
{
    const uint64_t head = load(&wal->head);
    if (FC_LIKELY(head < wal->notify_at))
        return false;
    wal->notify_at = wal->durability == FC_WAL_SYNC ? UINT64_MAX : head + wal->batch_bytes;
    return true;
}

void fc_wal_append_unlock(fc_wal *wal, bool notify)
{
    const bool waits = wal->durability == FC_WAL_SYNC; /* who appended will flush it too */
    const bool asleep = !waits && atomic_load_explicit(&wal->idle, memory_order_relaxed);
    pthread_mutex_unlock(&wal->append_lock);
    if (FC_UNLIKELY(notify || asleep))
        fc_wal_notify(wal, notify && !waits);
}

bool fc_wal_takes_records(const fc_wal *wal)
{
    return !wal->read_only &&
           atomic_load_explicit(&wal->state, memory_order_acquire) == FC_WAL_RUNNING &&
           atomic_load_explicit(&wal->poison, memory_order_relaxed) == 0;
}

bool fc_wal_try_append(fc_wal *wal, int64_t timestamp, const void *payload, size_t length,
                       uint64_t *seq)
{
    if (FC_UNLIKELY(!fc_wal_takes_records(wal) || length > fc_wal_payload_bytes_max(wal) ||
                    pthread_mutex_trylock(&wal->append_lock) != 0))
        return false;
    *seq = load(&wal->next_seq);
    const bool done =
        fc_wal_takes_records(wal) &&
        fc_wal_append_frame(wal, timestamp, payload, length, false, false, NULL) == FC_OK;
    fc_wal_append_unlock(wal, done && fc_wal_should_notify(wal));
    return done;
}

fc_status fc_wal_append(fc_wal *wal, int64_t timestamp, const void *payload, size_t length,
                        uint64_t *seq, fc_error *error)
{
    const fc_wal_payload one = {.data = payload, .length = length};
    size_t done;
    return fc_wal_append_many(wal, &timestamp, &one, 1, seq, &done, error);
}

fc_status fc_wal_append_many(fc_wal *wal, const int64_t *timestamps, const fc_wal_payload *payloads,
                             size_t count, uint64_t *seq, size_t *done, fc_error *error)
{
    *done = 0;
    for (size_t i = 0; i < count; i++)
        if (payloads[i].length > fc_wal_payload_bytes_max(wal))
            return fc_fail(error, FC_ELIMIT,
                           "a payload of %zu bytes; segments of %llu bytes take at most %llu",
                           payloads[i].length, (unsigned long long)wal->segment_bytes,
                           (unsigned long long)fc_wal_payload_bytes_max(wal));
    const int64_t now = timestamps == NULL ? wal->io->now_ns(wal->io->context) : 0;

    if (!fc_wal_takes_records(wal))
        return fc_wal_refused(wal, error);
    pthread_mutex_lock(&wal->append_lock);
    fc_status status = fc_wal_refused(wal, error); /* it may have been closed meanwhile */
    *seq = load(&wal->next_seq);
    bool batch = false;
    for (; *done < count && status == FC_OK; *done += status == FC_OK) {
        status =
            fc_wal_append_frame(wal, timestamps == NULL ? now : timestamps[*done],
                                payloads[*done].data, payloads[*done].length, false, true, error);
        batch |= fc_wal_should_notify(wal);
    }
    fc_wal_append_unlock(wal, batch);
    return status;
}

fc_status fc_wal_roll(fc_wal *wal, fc_error *error) { return roll(wal, true, true, error); }

/*
 * The last act of a session, without a sync: say that all but the last frame is
 * durable, so that damage there will not be taken for a torn tail. The last
 * frame itself stays one that may be cut.
 */
void fc_wal_stamp_close(fc_wal *wal)
{
    const uint64_t head = load(&wal->head), bytes = fc_wal_frame_bytes(FC_WAL_STAMP_BYTES);
    if (wal->stamp_due || wal->last_frame <= wal->stamped || head + bytes > wal->end ||
        load(&wal->durable) != head || load(&wal->written) != head)
        return;
    put_stamp(wal, head, wal->last_frame, wal->tail.salt);
    fc_wal_publish(wal, head + bytes, load(&wal->next_seq));
}
