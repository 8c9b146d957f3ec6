/*
 * wal/recover.c - find where the log ends, and make that end the truth on disk.
 *
 * open:   list the segments; all but trailing ones that were never begun have a valid header
 *         the last begun one is scanned frame by frame, to the first that does not verify;
 *         if it does not even hold the marks it should carry over, it does not count, and the
 *         one before is scanned
 *         go on in the ring, from the place the segment ends at
 *         something behind the end that proves the end was durable: damage, not a torn tail
 * write:  what came from the ring goes to the segments; the last segment is synced
 *         bytes behind the end are zeroed, files behind it removed
 *
 * After a power cut the unsynced part of the last segment is any mixture of
 * sectors old and new. That is why the end is where a frame fails, and why a
 * frame that failed but was followed by a stamp saying "durable up to here" is
 * reported instead of cut.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wal/recover.h"

static fc_status damaged(fc_error *error, const fc_wal_place *place, const char *why)
{
    const fc_status status =
        fc_fail(error, FC_EWAL_CORRUPT, "segment %llu, offset %llu, record %llu: %s",
                (unsigned long long)place->number, (unsigned long long)place->offset,
                (unsigned long long)place->seq, why);
    if (error != NULL) {
        error->segment = place->number;
        error->offset = place->offset;
        error->sequence = place->seq;
    }
    return status;
}

/* Take note of a control frame, of a stamp or a mark. */
static fc_status note_control(recovery *r, const fc_wal_frame *frame, uint64_t offset,
                              bool *is_mark, fc_error *error)
{
    fc_wal_stamp stamp;
    fc_wal_mark_view view;

    *is_mark = fc_wal_mark_decode(frame->payload, frame->length, &view);
    if (*is_mark && view.removed) {
        fc_wal_marks_remove(&r->wal->marks, (const char *)view.name, view.name_bytes);
    } else if (*is_mark) {
        fc_wal_mark *mark = fc_wal_mark_make(&view);
        if (mark == NULL || !fc_wal_marks_put(&r->wal->marks, mark)) {
            fc_wal_mark_free(mark);
            return fc_fail(error, FC_ENOMEM, "a mark");
        }
    } else if (fc_wal_stamp_decode(frame->payload, frame->length, offset, r->end.header_salt,
                                   r->wal->k, &stamp)) {
        r->durable = stamp.durable;
    }
    return FC_OK;
}

static fc_status note(recovery *r, const fc_wal_frame *frame, uint64_t offset, uint32_t *marks,
                      fc_error *error)
{
    bool is_mark = false;
    if (frame->control) {
        const fc_status status = note_control(r, frame, offset, &is_mark, error);
        if (status != FC_OK)
            return status;
    }
    if (!frame->control || is_mark)
        r->last_frame = offset;
    *marks += is_mark;
    return FC_OK;
}

/* Walk the frames of one segment; *whole tells whether the marks it carries over are all there. */
static fc_status scan(recovery *r, const fc_wal_header *header, bool *whole, fc_error *error)
{
    window w = {0};
    uint32_t marks = 0;
    fc_status status = FC_OK;

    fc_wal_place_begin(r->wal, &r->end, header);
    r->last_frame = r->durable = 0;
    for (;;) {
        fc_wal_frame frame;
        const uint64_t offset = r->end.offset;
        const uint64_t room = header->segment_bytes - offset;
        if (room < FC_WAL_FRAME_BYTES_MIN)
            break;
        status = fc_wal_recovery_load(r, &w, offset, FC_WAL_FRAME_BYTES_MIN, error);
        if (status != FC_OK || offset + FC_WAL_FRAME_BYTES_MIN > w.offset + w.bytes)
            break;
        fc_wal_frame_peek(r->buffer + (offset - w.offset), &frame);
        const uint64_t bytes = fc_wal_frame_bytes(frame.length);
        bool good = frame.seq_low == (uint32_t)r->end.seq && bytes <= room;
        if (good)
            status = fc_wal_recovery_load(r, &w, offset, bytes, error);
        if (status != FC_OK)
            break;
        good = good && fc_wal_step(r->wal, &r->end, r->buffer + (offset - w.offset),
                                   (size_t)(w.offset + w.bytes - offset), &frame);
        if (!good) {
            const fc_wal_hole *hole = fc_wal_hole_at(r->wal, &r->end);
            if (hole == NULL || hole->next.number != r->end.number ||
                hole->next.offset == r->end.offset)
                break;
            r->end = hole->next;
            continue;
        }
        status = note(r, &frame, offset, &marks, error);
        if (status != FC_OK)
            break;
    }
    *whole = marks >= header->marks;
    return status;
}

/* For writing: put a frame or header page from the ring where it belongs. */
static int write_at(recovery *r, uint64_t number, const void *data, uint64_t bytes, uint64_t offset)
{
    fc_wal *wal = r->wal;
    const fc_io *io = wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    int failed = 0;

    if (wal->out_number != number) {
        if (wal->out_file >= 0) {
            failed = io->sync(io->context, wal->out_file);
            io->close(io->context, wal->out_file);
            wal->out_file = -1;
        }
        fc_wal_segment_path(wal, path, number);
        if (!failed)
            failed = io->open(io->context, path, FC_IO_WRITE, &wal->out_file);
        if (failed)
            return failed;
        wal->out_number = number;
    }
    return fc_io_write_all(io, wal->out_file, data, (size_t)bytes, offset);
}

/*
 * Write again what nothing proves to be on stable storage. Reading it proves
 * nothing: after a failed sync the kernel may keep pages as clean that never got
 * there, and the next sync would not write them.
 */
static fc_status write_again(recovery *r, fc_error *error)
{
    const uint64_t end = r->end.offset;
    window w = {0};
    int failed = 0;

    for (uint64_t at = r->durable; at < end && !failed;) {
        const uint64_t bytes = end - at < FC_WAL_CHUNK_BYTES ? end - at : FC_WAL_CHUNK_BYTES;
        const fc_status status = fc_wal_recovery_load(r, &w, at, bytes, error);
        if (status != FC_OK)
            return status;
        failed = write_at(r, r->end.number, r->buffer + (at - w.offset), bytes, at);
        at += bytes;
    }
    return failed ? fc_fail_os(error, failed, "writing the end of segment %llu again",
                               (unsigned long long)r->end.number)
                  : FC_OK;
}

/* Whether the marks that a segment carries over are all in the ring; else it does not count. */
static fc_status carry_is_whole(recovery *r, const fc_wal_ring_view *view,
                                const fc_wal_header *header, bool *whole, fc_error *error)
{
    fc_wal_place place;
    fc_status status = FC_OK;
    uint32_t marks = 0;

    fc_wal_place_begin(r->wal, &place, header);
    while (status == FC_OK && marks < header->marks) {
        fc_wal_frame frame;
        fc_wal_header unused;
        fc_wal_mark_view mark;
        fc_wal_ring_found found;
        status = fc_wal_ring_view_next(r->wal, view, &place, &r->frame, &r->frame_capacity, &frame,
                                       &unused, &found, error);
        if (status != FC_OK || found != FC_WAL_RING_FRAME ||
            !fc_wal_mark_decode(frame.payload, frame.length, &mark))
            break;
        fc_wal_step(r->wal, &place, r->frame, (size_t)fc_wal_frame_bytes(frame.length), &frame);
        marks++;
    }
    *whole = marks == header->marks;
    return status;
}

/* Follow the records into the ring. For writing, everything found there is put into its segment. */
static fc_status replay_ring(recovery *r, fc_error *error)
{
    fc_wal *wal = r->wal;
    fc_wal_ring_view view;
    fc_status status;
    uint32_t marks = 0;
    int failed = 0;

    fc_wal_ring_view_open(wal, &view);
    for (;;) {
        fc_wal_frame frame;
        fc_wal_header header;
        fc_wal_ring_found found;
        status = fc_wal_ring_view_next(wal, &view, &r->end, &r->frame, &r->frame_capacity, &frame,
                                       &header, &found, error);
        if (status != FC_OK || found == FC_WAL_RING_NOTHING)
            break;
        if (found == FC_WAL_RING_FRAME) {
            const uint64_t offset = r->end.offset, bytes = fc_wal_frame_bytes(frame.length);
            fc_wal_step(wal, &r->end, r->frame, (size_t)bytes, &frame);
            status = note(r, &frame, offset, &marks, error);
            if (status == FC_OK && !wal->read_only)
                failed = write_at(r, r->end.number, r->frame, bytes, offset);
        } else {
            uint8_t page[FC_WAL_PAGE_BYTES];
            fc_wal_segment segment;
            bool whole;
            fc_wal_segment_of(&header, &segment);
            status = carry_is_whole(r, &view, &header, &whole, error);
            if (status != FC_OK || !whole)
                break;
            fc_wal_place_begin(wal, &r->end, &header);
            r->last_frame = r->durable = 0;
            if (fc_wal_segments_add(wal, &segment) != 0)
                status = fc_fail(error, FC_ENOMEM, "the list of segments");
            if (status == FC_OK && !wal->read_only) {
                fc_wal_header_encode(page, &header, wal->k);
                failed = fc_wal_make_file(wal, header.number, header.segment_bytes);
                if (!failed)
                    failed = write_at(r, header.number, page, sizeof page, 0);
            }
        }
        if (failed)
            status = fc_fail_os(error, failed, "writing recovered records to segment %llu",
                                (unsigned long long)r->end.number);
        if (status != FC_OK)
            break;
    }
    fc_wal_ring_view_close(wal, &view);
    return status;
}

/* Zero what stands behind the end, so that "zeros before" holds again, and sync. */
static fc_status settle(recovery *r, uint64_t garbage_from, uint64_t garbage_end, fc_error *error)
{
    static const uint8_t zeros[FC_WAL_PAGE_BYTES] = {0};
    fc_wal *wal = r->wal;
    const fc_io *io = wal->io;
    uint64_t size;
    int failed = write_at(r, r->end.number, zeros, 0, r->end.offset);
    if (!failed)
        failed = io->size(io->context, wal->out_file, &size);
    if (!failed && size < r->end.segment_bytes) /* somebody cut it */
        failed = io->allocate(io->context, wal->out_file, r->end.segment_bytes);

    for (uint64_t at = garbage_from; !failed && at < garbage_end; at += sizeof zeros) {
        const uint64_t left = garbage_end - at;
        failed = write_at(r, r->end.number, zeros, left < sizeof zeros ? left : sizeof zeros, at);
    }
    if (!failed)
        failed = io->sync(io->context, wal->out_file);
    if (!failed)
        failed = io->sync_directory(io->context, wal->path);
    return failed ? fc_fail_os(error, failed, "making the recovered log durable in %s", wal->path)
                  : FC_OK;
}

static fc_status remove_files(fc_wal *wal, const uint64_t *numbers, size_t count, uint64_t after,
                              fc_error *error)
{
    char path[FC_WAL_PATH_BYTES_MAX];
    for (size_t i = count; i > 0 && numbers[i - 1] > after; i--) {
        fc_wal_segment_path(wal, path, numbers[i - 1]);
        const int failed = wal->io->unlink(wal->io->context, path);
        if (failed)
            return fc_fail_os(error, failed, "removing %s, which was never begun", path);
    }
    return FC_OK;
}

/* A segment whose header is damaged, as far as fc_wal_check() could find out about it. */
static bool stand_in(const fc_wal *wal, uint64_t number, fc_wal_segment *segment)
{
    for (size_t i = 0; i < wal->holes.count; i++) {
        const fc_wal_hole *hole = &wal->holes.at[i];
        const bool header = hole->kind == FC_WAL_HOLE_HEADER && hole->next.number == number;
        if (header || (hole->kind == FC_WAL_HOLE_SEGMENTS && hole->place.number < number &&
                       number < hole->next.number)) {
            *segment = (fc_wal_segment){
                .number = number, .base_seq = hole->next.seq, .bytes = hole->next.segment_bytes};
            return true;
        }
    }
    return false;
}

/* Read the header of every file; drop trailing ones that were never begun. */
static fc_status read_headers(fc_wal *wal, const uint64_t *numbers, size_t count, fc_error *error)
{
    fc_wal_header_state state = FC_WAL_HEADER_VALID;
    size_t i;

    for (i = 0; i < count; i++) {
        fc_wal_header header;
        fc_file file;
        const fc_wal_place place = {.number = numbers[i]};
        const fc_status status = fc_wal_read_header(wal, numbers[i], &header, &state, &file, error);
        if (status != FC_OK)
            return status;
        if (state == FC_WAL_HEADER_BLANK && wal->recovery != FC_WAL_SALVAGE)
            break;
        fc_wal_segment segment;
        if (state != FC_WAL_HEADER_VALID) {
            if (wal->recovery != FC_WAL_SALVAGE)
                return damaged(error, &place, "the header does not verify");
            if (!stand_in(wal, numbers[i], &segment))
                continue;
        } else {
            wal->io->close(wal->io->context, file);
            fc_wal_segment_of(&header, &segment);
        }
        while (wal->segment_count > 0) {
            const fc_wal_segment *before = &wal->segments[wal->segment_count - 1];
            const fc_wal_place gap = {.number = before->number + 1, .seq = before->base_seq};
            if (numbers[i] != before->number + 1) {
                fc_wal_segment missing = {.number = before->number + 1,
                                          .base_seq = segment.base_seq};
                if (wal->recovery != FC_WAL_SALVAGE)
                    return damaged(error, &gap, "the file is missing");
                if (fc_wal_segments_add(wal, &missing) != 0)
                    return fc_fail(error, FC_ENOMEM, "the list of segments");
                continue;
            }
            if (segment.base_seq >= before->base_seq)
                break;
            return damaged(error, &place, "its numbers start before the last segment's");
        }
        if (fc_wal_segments_add(wal, &segment) != 0)
            return fc_fail(error, FC_ENOMEM, "the list of segments");
    }
    for (size_t later = i + 1; later < count; later++) {
        fc_wal_header header;
        fc_file file;
        const fc_wal_place place = {.number = numbers[i]};
        const fc_status status =
            fc_wal_read_header(wal, numbers[later], &header, &state, &file, error);
        if (status != FC_OK)
            return status;
        if (file >= 0)
            wal->io->close(wal->io->context, file);
        if (state == FC_WAL_HEADER_BLANK)
            continue;
        return damaged(error, &place, "the header is gone, but later segments are there");
    }
    return FC_OK;
}

/* Scan segment number `index` of the list as the last one. */
static fc_status scan_last(recovery *r, size_t index, bool *whole, fc_wal_header *header,
                           fc_error *error)
{
    fc_wal *wal = r->wal;
    fc_wal_header_state state;

    fc_wal_marks_clear(&wal->marks);
    for (size_t i = wal->segments[index].marks_before && index > 0 ? index - 1 : index; i <= index;
         i++) {
        if (r->file >= 0)
            wal->io->close(wal->io->context, r->file);
        fc_status status =
            fc_wal_read_header(wal, wal->segments[i].number, header, &state, &r->file, error);
        if (status == FC_OK && r->file < 0) {
            const fc_wal_place place = {.number = wal->segments[i].number};
            status = damaged(error, &place, "the header does not verify");
        }
        if (status == FC_OK)
            status = scan(r, header, whole, error);
        if (status != FC_OK)
            return status;
    }
    return FC_OK;
}

static fc_status recover(recovery *r, const uint64_t *numbers, size_t count, fc_error *error)
{
    fc_wal *wal = r->wal;
    fc_wal_header header;
    bool whole = true, proof = false;

    fc_status status = read_headers(wal, numbers, count, error);
    if (status != FC_OK)
        return status;
    if (wal->segment_count == 0)
        return wal->read_only ? FC_OK : remove_files(wal, numbers, count, 0, error);

    status = scan_last(r, wal->segment_count - 1, &whole, &header, error);
    if (status == FC_OK && !whole && wal->segment_count > 1) {
        /* Nothing but marks, all of them also in the segment before, as it is whole. */
        wal->segment_count--;
        status = scan_last(r, wal->segment_count - 1, &whole, &header, error);
    }
    if (status != FC_OK)
        return status;
    if (!wal->read_only) {
        status = remove_files(wal, numbers, count, r->end.number, error);
        if (status != FC_OK)
            return status;
    }

    const fc_wal_place file_end = r->end;
    const bool fresh = (header.flags & FC_WAL_HEADER_FRESH) != 0;
    behind b;
    status = fc_wal_look_behind(r, &b, error);
    if (status == FC_OK)
        status = fc_wal_prove_damage(r, &b, fresh, &proof, error);
    if (status == FC_OK && !wal->read_only)
        status = write_again(r, error);
    if (status != FC_OK)
        return status;
    status = replay_ring(r, error);
    if (status != FC_OK)
        return status;
    const bool healed = r->end.number != file_end.number || r->end.offset != file_end.offset;
    if (proof && !healed && wal->recovery != FC_WAL_SALVAGE)
        return damaged(error, &file_end,
                       "the record does not verify, yet it had been on stable storage");
    const bool torn = b.next != 0 || (fresh && b.garbage_end > file_end.offset);
    if (wal->recovery == FC_WAL_STRICT && torn && !healed)
        return damaged(error, &file_end, "the log ends in a torn record");
    if (wal->read_only)
        return FC_OK;
    const bool zero =
        (fresh || wal->recovery == FC_WAL_SALVAGE) && r->end.number == file_end.number;
    return settle(r, zero ? r->end.offset : 0, zero ? b.garbage_end : 0, error);
}

static fc_status attempt(recovery *r, fc_error *error)
{
    uint64_t *numbers = NULL;
    size_t count = 0;

    *r = (recovery){.wal = r->wal, .file = -1};
    r->wal->segment_count = 0;
    fc_wal_marks_clear(&r->wal->marks);
    fc_status status = fc_wal_list(r->wal, &numbers, &count, error);
    if (status == FC_OK)
        status = recover(r, numbers, count, error);
    if (r->file >= 0)
        r->wal->io->close(r->wal->io->context, r->file);
    free(numbers);
    free(r->buffer);
    free(r->frame);
    return status;
}

fc_status fc_wal_recover(fc_wal *wal, fc_error *error)
{
    recovery r = {.wal = wal};
    fc_error now = {0}, before = {0};

    fc_status status = attempt(&r, &now);
    /* A reader sees a live log while it changes: what looks damaged, or has been removed, is so
     * only if it still looks the same after another look. */
    while (wal->read_only && status != FC_OK && status != FC_ENOMEM &&
           (now.status != before.status || now.segment != before.segment ||
            now.offset != before.offset || now.sequence != before.sequence)) {
        before = now;
        status = attempt(&r, &now);
    }
    if (status != FC_OK) {
        if (error != NULL)
            *error = now;
        return status;
    }

    wal->tail = r.end;
    atomic_store(&wal->next_seq, r.end.seq);
    atomic_store(&wal->durable_end, r.end.seq);
    const bool fits = r.end.segment_bytes == wal->segment_bytes;
    const uint64_t start = r.end.number * wal->stride;
    const uint64_t head = start + (fits ? r.end.offset : FC_WAL_PAGE_BYTES);
    atomic_store(&wal->head, head);
    atomic_store(&wal->written, head);
    atomic_store(&wal->durable, head);
    atomic_store(&wal->directory_synced, r.end.number);
    atomic_store(&wal->prepared, r.end.number);
    /* A segment of another size is left at once: the ring's places are in terms of one size. */
    wal->end = fits ? start + (wal->segment_bytes & ~7ull) : head;
    wal->stamp_due = true;
    wal->stamped_at = wal->stamped = start + r.durable;
    wal->last_frame = 0;
    wal->notify_at = wal->durability == FC_WAL_SYNC ? 0 : head + wal->batch_bytes;
    wal->used[r.end.number % FC_WAL_ROLLS_MAX] = (r.end.flags & FC_WAL_HEADER_FRESH) == 0;
    return FC_OK;
}
