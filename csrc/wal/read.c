/*
 * wal/read.c - records in order, out of the segment files.
 *
 * A reader keeps its place and nothing else, and copies bytes before it checks
 * them, so it may run beside a writer in any process: what verifies is a record,
 * what does not verify yet is the end for now. In another process than the
 * writer's, and where it follows, it also looks into the ring for what is not in
 * a segment yet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wal/wal_internal.h"

struct fc_wal_reader {
    fc_wal *wal;
    fc_wal_place place;
    uint64_t start;
    uint64_t stop;
    fc_file file; /* segment place.number; negative: not open */
    fc_wal_ring_view ring;
    uint8_t *frame; /* out of the ring */
    size_t frame_capacity;
};

fc_status fc_wal_reader_open(fc_wal_reader **out, fc_wal *wal, uint64_t start, uint64_t stop,
                             fc_error *error)
{
    fc_wal_segment segment = {0};

    if (atomic_load(&wal->state) != FC_WAL_RUNNING)
        return fc_wal_refused(wal, error);
    fc_wal_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return fc_fail(error, FC_ENOMEM, "a reader");
    if (wal->read_only)
        fc_wal_refresh(wal);
    if (!fc_wal_segments_find(wal, start, &segment))
        fc_wal_segments_get(wal, fc_wal_first_number(wal), &segment);
    reader->wal = wal;
    reader->start = start;
    reader->stop = stop;
    reader->file = -1;
    reader->ring.file = -1;
    reader->place = (fc_wal_place){.number = segment.number, .seq = segment.base_seq};
    if (wal->read_only || stop == UINT64_MAX)
        fc_wal_ring_view_open(wal, &reader->ring);
    *out = reader;
    return FC_OK;
}

void fc_wal_reader_close(fc_wal_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->file >= 0)
        reader->wal->io->close(reader->wal->io->context, reader->file);
    fc_wal_ring_view_close(reader->wal, &reader->ring);
    free(reader->frame);
    free(reader);
}

void fc_wal_reader_seat(fc_wal_reader *reader, const fc_wal_place *place)
{
    if (reader->file >= 0)
        reader->wal->io->close(reader->wal->io->context, reader->file);
    reader->file = -1;
    reader->place = *place;
}

uint64_t fc_wal_reader_seq(const fc_wal_reader *reader) { return reader->place.seq; }

bool fc_wal_reader_position(const fc_wal_reader *reader, fc_wal_position *position)
{
    const fc_wal_place *place = &reader->place;
    *position = (fc_wal_position){.seq = place->seq,
                                  .segment = place->number,
                                  .offset = place->offset,
                                  .header_salt = place->header_salt,
                                  .salt = place->salt};
    return place->offset > 0;
}

bool fc_wal_reader_jump(fc_wal_reader *reader, const fc_wal_position *position)
{
    fc_wal *wal = reader->wal;
    fc_wal_header header;
    fc_wal_header_state state;
    fc_file file;

    if (fc_wal_read_header(wal, position->segment, &header, &state, &file, NULL) != FC_OK ||
        state != FC_WAL_HEADER_VALID)
        return false;
    wal->io->close(wal->io->context, file);
    if (header.salt != position->header_salt || position->seq < header.base_seq ||
        position->offset < FC_WAL_PAGE_BYTES || position->offset > header.segment_bytes ||
        position->offset % 8 != 0)
        return false;
    fc_wal_place place;
    fc_wal_place_begin(wal, &place, &header);
    place.seq = position->seq;
    place.offset = position->offset;
    place.salt = position->salt;
    place.seed = fc_wal_seed(wal->k, position->salt);
    fc_wal_reader_seat(reader, &place);
    return true;
}

static fc_status damaged(const fc_wal_reader *reader, fc_error *error)
{
    const fc_wal_place *place = &reader->place;
    const fc_status status =
        fc_fail(error, FC_EWAL_CORRUPT, "segment %llu, offset %llu: record %llu does not verify",
                (unsigned long long)place->number, (unsigned long long)place->offset,
                (unsigned long long)place->seq);
    if (error != NULL) {
        error->segment = place->number;
        error->offset = place->offset;
        error->sequence = place->seq;
    }
    return status;
}

static fc_status truncated(const fc_wal_reader *reader, fc_error *error)
{
    return fc_fail(error, FC_EWAL_TRUNCATED, "record %llu was removed to free space",
                   (unsigned long long)reader->place.seq);
}

/* Whether the segment of the place is gone, or its file used for another. */
static bool removed(fc_wal_reader *reader)
{
    const fc_wal_place *place = &reader->place;
    fc_wal *wal = reader->wal;
    if (wal->read_only && reader->file < 0) {
        fc_wal_refresh(wal);
        return place->number < fc_wal_first_number(wal);
    }
    return !fc_wal_segment_is_there(wal, place->number, place->header_salt);
}

/* In salvage, open the file of a segment whose header was found out otherwise; false: none. */
static bool open_without_header(fc_wal_reader *reader)
{
    fc_wal *wal = reader->wal;
    char path[FC_WAL_PATH_BYTES_MAX];

    for (size_t i = 0; i < wal->holes.count; i++) {
        const fc_wal_hole *hole = &wal->holes.at[i];
        if (hole->kind != FC_WAL_HOLE_HEADER || hole->next.number != reader->place.number)
            continue;
        if (reader->place.offset == 0)
            reader->place = hole->next;
        fc_wal_segment_path(wal, path, reader->place.number);
        if (wal->io->open(wal->io->context, path, FC_IO_READ, &reader->file) == 0)
            return true;
        reader->file = -1;
    }
    return false;
}

/* Open the file of place.number, at its start when the place has no offset yet. */
static fc_status open_file(fc_wal_reader *reader, bool *there, fc_error *error)
{
    fc_wal *wal = reader->wal;
    fc_wal_header header;
    fc_wal_header_state state;
    fc_error detail;

    *there = true;
    if (reader->file >= 0)
        return FC_OK;
    const fc_status status =
        fc_wal_read_header(wal, reader->place.number, &header, &state, &reader->file, &detail);
    if (status != FC_OK && detail.os_errno != ENOENT) {
        if (error != NULL)
            *error = detail;
        return status;
    }
    if (status != FC_OK && removed(reader))
        return truncated(reader, error);
    if (status == FC_OK && state != FC_WAL_HEADER_VALID && open_without_header(reader))
        return FC_OK;
    if (status != FC_OK || state == FC_WAL_HEADER_BLANK) {
        *there = false; /* begun in the ring, or to be begun */
        return FC_OK;
    }
    if (state == FC_WAL_HEADER_DAMAGED)
        return damaged(reader, error);
    if (reader->place.offset == 0)
        fc_wal_place_begin(wal, &reader->place, &header);
    return FC_OK;
}

/* Take over whole frames at the place; true when the next one is whole but does not fit. */
static bool take(fc_wal_reader *reader, const uint8_t *buffer, size_t got, size_t asked,
                 fc_wal_entry *entries, size_t entries_max, size_t *count, size_t *wanted)
{
    fc_wal_place *place = &reader->place;
    size_t at = 0;

    *wanted = 0;
    while (*count < entries_max && got - at >= FC_WAL_FRAME_BYTES_MIN &&
           place->seq < reader->stop) {
        fc_wal_frame frame;
        fc_wal_frame_peek(buffer + at, &frame);
        const uint64_t bytes = fc_wal_frame_bytes(frame.length);
        if (frame.seq_low != (uint32_t)place->seq || bytes > place->segment_bytes - place->offset)
            return false;
        if (bytes > got - at) {
            *wanted = got == asked ? (size_t)bytes : 0;
            return got == asked;
        }
        if (!fc_wal_step(reader->wal, place, buffer + at, got - at, &frame))
            return false;
        if (!frame.control && place->seq - 1 >= reader->start)
            entries[(*count)++] = (fc_wal_entry){.seq = place->seq - 1,
                                                 .timestamp = frame.timestamp,
                                                 .offset = (size_t)(frame.payload - buffer),
                                                 .length = frame.length};
        at += (size_t)bytes;
    }
    return false;
}

/* Where no frame verifies: on to the next segment, if it continues this one. */
static fc_status next_segment(fc_wal_reader *reader, bool *moved, bool *contradicted,
                              fc_error *error)
{
    fc_wal *wal = reader->wal;
    fc_wal_header header;
    fc_wal_header_state state;
    fc_file file;
    fc_error detail;

    *moved = *contradicted = false;
    const fc_status status =
        fc_wal_read_header(wal, reader->place.number + 1, &header, &state, &file, &detail);
    if (status != FC_OK) {
        if (detail.os_errno == ENOENT)
            return FC_OK;
        if (error != NULL)
            *error = detail;
        return status;
    }
    if (state != FC_WAL_HEADER_VALID)
        return FC_OK;
    if (!fc_wal_continues(&reader->place, &header)) {
        wal->io->close(wal->io->context, file);
        *contradicted = true;
        return FC_OK;
    }
    wal->io->close(wal->io->context, reader->file);
    reader->file = file;
    fc_wal_place_begin(wal, &reader->place, &header);
    *moved = true;
    return FC_OK;
}

/* What comes at the place, from the ring of the process that writes or wrote. */
static fc_status take_from_ring(fc_wal_reader *reader, uint8_t *buffer, size_t capacity,
                                fc_wal_entry *entries, size_t *count, size_t *wanted, bool *moved,
                                fc_error *error)
{
    fc_wal_frame frame;
    fc_wal_header header;
    fc_wal_ring_found found;
    const fc_status status =
        fc_wal_ring_view_next(reader->wal, &reader->ring, &reader->place, &reader->frame,
                              &reader->frame_capacity, &frame, &header, &found, error);

    *moved = status == FC_OK && found != FC_WAL_RING_NOTHING;
    if (!*moved)
        return status;
    if (found == FC_WAL_RING_SEGMENT) {
        if (reader->file >= 0)
            reader->wal->io->close(reader->wal->io->context, reader->file);
        reader->file = -1;
        fc_wal_place_begin(reader->wal, &reader->place, &header);
        return FC_OK;
    }
    const size_t bytes = (size_t)fc_wal_frame_bytes(frame.length);
    if (bytes > capacity) {
        *wanted = bytes;
        return FC_OK;
    }
    memcpy(buffer, reader->frame, bytes);
    take(reader, buffer, bytes, bytes, entries, 1, count, wanted);
    return FC_OK;
}

fc_status fc_wal_read(fc_wal_reader *reader, uint8_t *buffer, size_t capacity,
                      fc_wal_entry *entries, size_t entries_max, size_t *count, size_t *wanted,
                      fc_error *error)
{
    fc_wal *wal = reader->wal;
    bool contradicted_before = false;

    *count = *wanted = 0;
    while (reader->place.seq < reader->stop) {
        bool there, moved, contradicted;
        if (atomic_load(&wal->state) != FC_WAL_RUNNING)
            return fc_wal_refused(wal, error);
        fc_status status = open_file(reader, &there, error);
        if (status != FC_OK)
            return status;

        const uint64_t offset = reader->place.offset;
        if (there && offset < reader->place.segment_bytes) {
            const uint64_t room = reader->place.segment_bytes - offset;
            const size_t ask = room < capacity ? (size_t)room : capacity;
            size_t got;
            const int failed = fc_io_read_all(wal->io, reader->file, buffer, ask, offset, &got);
            if (failed)
                return fc_fail_os(error, failed, "reading segment %llu",
                                  (unsigned long long)reader->place.number);
            if (take(reader, buffer, got, ask, entries, entries_max, count, wanted) &&
                *count == 0 && *wanted > capacity)
                return FC_OK;
            if (*count > 0) {
                *wanted = 0;
                return FC_OK;
            }
            if (reader->place.offset != offset)
                continue;
        }
        const fc_wal_hole *hole = fc_wal_hole_at(wal, &reader->place);
        if (hole != NULL && hole->next.number >= reader->place.number &&
            (hole->next.number > reader->place.number ||
             hole->next.offset > reader->place.offset)) {
            fc_wal_reader_seat(reader, &hole->next);
            continue;
        }
        status = next_segment(reader, &moved, &contradicted, error);
        if (status != FC_OK)
            return status;
        if (moved)
            continue;
        if (contradicted) {
            /* The writer may have put the frame there just before it left the segment: look again.
             */
            if (removed(reader))
                return truncated(reader, error);
            if (contradicted_before)
                return damaged(reader, error);
            contradicted_before = true;
            continue;
        }
        if (wal->read_only && reader->stop == UINT64_MAX) { /* another writer makes another ring */
            fc_wal_ring_view_close(wal, &reader->ring);
            fc_wal_ring_view_open(wal, &reader->ring);
        }
        status = take_from_ring(reader, buffer, capacity, entries, count, wanted, &moved, error);
        if (status != FC_OK || *count > 0 || *wanted > 0)
            return status;
        if (moved)
            continue;
        if (removed(reader))
            return truncated(reader, error);
        return reader->stop == UINT64_MAX ? FC_OK : damaged(reader, error);
    }
    return FC_OK;
}
