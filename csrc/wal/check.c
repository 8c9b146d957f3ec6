/*
 * wal/check.c - read a whole log, and say what is damaged and where it goes on after that.
 *
 * A hole is a stretch where no frame verifies, though later ones do. In a
 * segment the frames go on at
 *
 *     a frame under the salt in force, with a number that can follow; or
 *     a stamp whose own check holds: it tells the salt of what follows
 *
 * and otherwise with the next segment whose header verifies. How many records
 * are lost is the difference of the numbers. Whether the end of the last
 * segment is torn or clean is recovery's to judge (behind.c), not a hole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wal/recover.h"

static fc_status add_hole(fc_wal_holes *holes, const fc_wal_place *place, const fc_wal_place *next,
                          uint64_t salt_before_next, fc_wal_hole_kind kind, fc_error *error)
{
    if (holes->count == holes->capacity) {
        const size_t capacity = holes->capacity ? holes->capacity * 2 : 16;
        fc_wal_hole *larger = realloc(holes->at, capacity * sizeof *larger);
        if (larger == NULL)
            return fc_fail(error, FC_ENOMEM, "the list of what is damaged");
        holes->at = larger;
        holes->capacity = capacity;
    }
    holes->at[holes->count++] = (fc_wal_hole){
        .place = *place, .next = *next, .salt_before_next = salt_before_next, .kind = kind};
    return FC_OK;
}

const fc_wal_hole *fc_wal_hole_at(const fc_wal *wal, const fc_wal_place *place)
{
    for (size_t i = 0; i < wal->holes.count; i++) {
        const fc_wal_hole *hole = &wal->holes.at[i];
        if (hole->place.number == place->number && hole->place.offset == place->offset)
            return hole;
    }
    return NULL;
}

/* Whether the bytes at `at` start a frame that goes on after a hole; `next` is then its place. */
static bool goes_on(const fc_wal *wal, const fc_wal_place *place, const uint8_t *bytes,
                    size_t available, uint64_t at, fc_wal_place *next)
{
    fc_wal_frame frame;
    fc_wal_stamp stamp;

    fc_wal_frame_peek(bytes, &frame);
    const uint64_t length = fc_wal_frame_bytes(frame.length);
    const uint32_t lost = frame.seq_low - (uint32_t)place->seq;
    if (length > available || lost > (at - place->offset) / FC_WAL_FRAME_BYTES_MIN)
        return false;
    *next = *place;
    next->offset = at;
    next->seq = place->seq + lost;
    if (fc_wal_frame_decode(bytes, available, next->seq, place->seed, wal->k, &frame))
        return true;
    if (!frame.control ||
        !fc_wal_stamp_decode(frame.payload, frame.length, at, place->header_salt, wal->k, &stamp))
        return false;
    /* In a file used before, one of an earlier session may stand behind what a later one wrote. */
    if ((place->flags & FC_WAL_HEADER_FRESH) == 0 && stamp.durable != at)
        return false;
    next->salt = stamp.salt;
    next->seed = fc_wal_seed(wal->k, stamp.salt);
    return fc_wal_frame_decode(bytes, available, next->seq, next->seed, wal->k, &frame);
}

/* Search the rest of the segment for where frames go on. */
static fc_status search(recovery *r, fc_wal_place *next, bool *found, fc_error *error)
{
    const uint64_t size = r->end.segment_bytes;
    /* Payloads can be made to look like the start of a long frame at every place. */
    uint64_t budget = 4 * size + FC_WAL_CHUNK_BYTES;
    window w = {0};

    *found = false;
    for (uint64_t at = r->end.offset + 8; at + FC_WAL_FRAME_BYTES_MIN <= size; at += 8) {
        fc_wal_frame frame;
        fc_status status = fc_wal_recovery_load(r, &w, at, FC_WAL_FRAME_BYTES_MIN, error);
        if (status != FC_OK)
            return status;
        if (at + FC_WAL_FRAME_BYTES_MIN > w.offset + w.bytes)
            return FC_OK;
        fc_wal_frame_peek(r->buffer + (at - w.offset), &frame);
        const uint64_t bytes = fc_wal_frame_bytes(frame.length);
        if (frame.seq_low - (uint32_t)r->end.seq > (at - r->end.offset) / FC_WAL_FRAME_BYTES_MIN ||
            bytes > size - at || bytes > budget)
            continue;
        budget -= bytes;
        status = fc_wal_recovery_load(r, &w, at, bytes, error);
        if (status != FC_OK)
            return status;
        if (goes_on(r->wal, &r->end, r->buffer + (at - w.offset), (size_t)(w.offset + w.bytes - at),
                    at, next)) {
            *found = true;
            return FC_OK;
        }
    }
    return FC_OK;
}

/* Step over verified frames; r->end is where they stop. */
static fc_status walk(recovery *r, fc_wal_report *report, fc_error *error)
{
    window w = {0};
    for (;;) {
        fc_wal_frame frame;
        const uint64_t offset = r->end.offset, before = r->end.seq;
        const uint64_t room = r->end.segment_bytes - offset;
        if (room < FC_WAL_FRAME_BYTES_MIN)
            return FC_OK;
        fc_status status = fc_wal_recovery_load(r, &w, offset, FC_WAL_FRAME_BYTES_MIN, error);
        if (status != FC_OK || offset + FC_WAL_FRAME_BYTES_MIN > w.offset + w.bytes)
            return status;
        fc_wal_frame_peek(r->buffer + (offset - w.offset), &frame);
        const uint64_t bytes = fc_wal_frame_bytes(frame.length);
        if (frame.seq_low != (uint32_t)before || bytes > room)
            return FC_OK;
        status = fc_wal_recovery_load(r, &w, offset, bytes, error);
        if (status != FC_OK || !fc_wal_step(r->wal, &r->end, r->buffer + (offset - w.offset),
                                            (size_t)(w.offset + w.bytes - offset), &frame))
            return status;
        if (!frame.control)
            report->records++;
        else
            report->lost_before += r->end.seq - before;
    }
}

typedef struct listed {
    uint64_t number;
    fc_wal_header_state state;
    fc_wal_header header;
} listed;

static fc_status open_at(recovery *r, uint64_t number, fc_error *error)
{
    const fc_io *io = r->wal->io;
    char path[FC_WAL_PATH_BYTES_MAX];
    if (r->file >= 0)
        io->close(io->context, r->file);
    fc_wal_segment_path(r->wal, path, number);
    const int failed = io->open(io->context, path, FC_IO_READ, &r->file);
    if (failed)
        r->file = -1;
    return failed ? fc_fail_os(error, failed, "opening %s", path) : FC_OK;
}

/*
 * Both copies of a header are gone. In a log that was not opened anew in that
 * segment, the one behind it tells the salt, and the first frame proves it.
 */
static bool guess_header(recovery *r, const listed *at, const listed *after)
{
    const fc_wal_place before = r->end;
    fc_wal_frame frame;
    window w = {0};
    uint64_t size;
    fc_wal_header header = {.number = at->number,
                            .base_seq = r->end.seq,
                            .salt = after->header.previous_salt,
                            .previous_salt = r->end.salt,
                            .created_ns = after->header.created_ns};

    if (after->number != at->number + 1 || r->end.number + 1 != at->number ||
        open_at(r, at->number, NULL) != FC_OK ||
        r->wal->io->size(r->wal->io->context, r->file, &size) != 0 ||
        size < FC_WAL_SEGMENT_BYTES_MIN || size > FC_WAL_SEGMENT_BYTES_MAX)
        return false;
    header.segment_bytes = size;
    fc_wal_place_begin(r->wal, &r->end, &header);
    bool good =
        fc_wal_recovery_load(r, &w, FC_WAL_PAGE_BYTES, FC_WAL_FRAME_BYTES_MIN, NULL) == FC_OK &&
        w.bytes >= FC_WAL_FRAME_BYTES_MIN;
    if (good) {
        fc_wal_frame_peek(r->buffer, &frame);
        const uint64_t bytes = fc_wal_frame_bytes(frame.length);
        good = bytes <= size - FC_WAL_PAGE_BYTES &&
               fc_wal_recovery_load(r, &w, FC_WAL_PAGE_BYTES, bytes, NULL) == FC_OK &&
               fc_wal_step(r->wal, &r->end, r->buffer, w.bytes, &frame);
    }
    if (good)
        fc_wal_place_begin(r->wal, &r->end, &header);
    else
        r->end = before;
    return good;
}

/* Where frames stop in the last segment: a clean or torn end, or damage; *proof says so. */
static fc_status judge_end(recovery *r, fc_wal_report *report, bool *proof, fc_error *error)
{
    fc_wal *wal = r->wal;
    const bool fresh = (r->end.flags & FC_WAL_HEADER_FRESH) != 0;
    const fc_wal_place file_end = r->end;
    fc_wal_ring_view view;
    behind b;

    fc_status status = fc_wal_look_behind(r, &b, error);
    if (status == FC_OK)
        status = fc_wal_prove_damage(r, &b, fresh, proof, error);
    if (status != FC_OK)
        return status;
    fc_wal_ring_view_open(wal, &view);
    for (;;) { /* the newest records may be in the ring alone */
        fc_wal_frame frame;
        fc_wal_header header;
        fc_wal_ring_found found;
        status = fc_wal_ring_view_next(wal, &view, &r->end, &r->frame, &r->frame_capacity, &frame,
                                       &header, &found, error);
        if (status != FC_OK || found == FC_WAL_RING_NOTHING)
            break;
        if (found == FC_WAL_RING_SEGMENT) {
            fc_wal_place_begin(wal, &r->end, &header);
            report->segments++;
            report->bytes += header.segment_bytes;
            continue;
        }
        fc_wal_step(wal, &r->end, r->frame, (size_t)fc_wal_frame_bytes(frame.length), &frame);
        report->records += !frame.control;
    }
    fc_wal_ring_view_close(wal, &view);
    if (r->end.number != file_end.number || r->end.offset != file_end.offset)
        *proof = false; /* the ring has it */
    else
        report->torn = !*proof && (b.next != 0 || (fresh && b.garbage_end > file_end.offset));
    return status;
}

/* The frames of the segment that r->end is at the start of, over its holes. */
static fc_status check_segment(recovery *r, bool last, fc_wal_report *report, fc_wal_holes *holes,
                               fc_error *error)
{
    report->segments++;
    report->bytes += r->end.segment_bytes;
    for (;;) {
        fc_wal_place next;
        bool found, proof = true;
        fc_status status = walk(r, report, error);
        if (status == FC_OK && last)
            status = judge_end(r, report, &proof, error);
        if (status == FC_OK && proof)
            status = search(r, &next, &found, error);
        if (status != FC_OK || !proof || (!found && !last))
            return status;
        if (!found) { /* it was durable, and nothing behind it can be read */
            report->cut++;
            return add_hole(holes, &r->end, &r->end, 0, FC_WAL_HOLE_CUT, error);
        }
        status = add_hole(holes, &r->end, &next, 0, FC_WAL_HOLE_FRAMES, error);
        if (status != FC_OK)
            return status;
        report->lost += next.seq - r->end.seq;
        r->end = next;
    }
}

/* On to a segment whose header is known; a hole where it does not follow. */
static fc_status enter(recovery *r, const fc_wal_header *header, fc_wal_report *report,
                       fc_wal_holes *holes, fc_error *error)
{
    const fc_wal_place before = r->end;
    const bool first = before.number == 0;
    fc_status status = open_at(r, header->number, error);

    fc_wal_place_begin(r->wal, &r->end, header);
    if (first)
        report->first_seq = header->base_seq;
    if (status != FC_OK || first || fc_wal_continues(&before, header))
        return status;
    if (header->base_seq < before.seq)
        return fc_fail(error, FC_EWAL_CORRUPT,
                       "segment %llu begins with record %llu, which segment %llu has too",
                       (unsigned long long)header->number, (unsigned long long)header->base_seq,
                       (unsigned long long)before.number);
    report->lost += header->base_seq - before.seq;
    return add_hole(holes, &before, &r->end, header->previous_salt,
                    header->number == before.number + 1 ? FC_WAL_HOLE_FRAMES : FC_WAL_HOLE_SEGMENTS,
                    error);
}

static fc_status check_segments(recovery *r, const listed *list, size_t count,
                                fc_wal_report *report, fc_wal_holes *holes, fc_error *error)
{
    fc_status status = FC_OK;
    size_t last = count; /* behind the last one with a header */

    while (last > 0 && list[last - 1].state != FC_WAL_HEADER_VALID)
        last--;
    for (size_t i = 0; i < count && status == FC_OK; i++) {
        const fc_wal_place before = r->end;
        if (list[i].state == FC_WAL_HEADER_VALID) {
            status = enter(r, &list[i].header, report, holes, error);
        } else if (i + 1 < last && list[i + 1].state == FC_WAL_HEADER_VALID && before.number > 0 &&
                   guess_header(r, &list[i], &list[i + 1])) {
            status = add_hole(holes, &before, &r->end, before.salt, FC_WAL_HOLE_HEADER, error);
        } else {
            /* Without a header nothing of it can be read; files behind the end may be blank. */
            const fc_wal_place place = {.number = list[i].number, .seq = before.seq};
            if (i < last ? before.number == 0 : list[i].state == FC_WAL_HEADER_DAMAGED) {
                report->cut++;
                status = add_hole(holes, &place, &place, 0, FC_WAL_HOLE_FILE, error);
            }
            continue;
        }
        if (status == FC_OK)
            status = check_segment(r, i + 1 == last, report, holes, error);
    }
    report->next_seq = r->end.seq;
    return status;
}

fc_status fc_wal_check(fc_wal *wal, fc_wal_report *report, fc_error *error)
{
    recovery r = {.wal = wal, .file = -1};
    uint64_t *numbers = NULL;
    size_t count = 0;

    *report = (fc_wal_report){0};
    wal->holes.count = 0;
    fc_status status = fc_wal_list(wal, &numbers, &count, error);
    listed *list = calloc(count + 1, sizeof *list);
    if (status == FC_OK && list == NULL)
        status = fc_fail(error, FC_ENOMEM, "the list of segments");
    for (size_t i = 0; i < count && status == FC_OK; i++) {
        fc_file file = -1;
        list[i].number = numbers[i];
        status = fc_wal_read_header(wal, numbers[i], &list[i].header, &list[i].state, &file, error);
        if (file >= 0)
            wal->io->close(wal->io->context, file);
    }
    if (status == FC_OK)
        status = check_segments(&r, list, count, report, &wal->holes, error);
    if (r.file >= 0)
        wal->io->close(wal->io->context, r.file);
    free(list);
    free(numbers);
    free(r.buffer);
    free(r.frame);
    return status;
}
