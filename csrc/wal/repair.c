/*
 * wal/repair.c - make a damaged log whole again, losing only what is damaged.
 *
 * Each hole that check.c found is closed where it is:
 *
 *     frames        gap frames in their place, which say how many records are missing, and
 *                   a stamp where the frames behind are under another salt
 *     a header      is written anew
 *     segments      new ones with nothing but such gaps
 *     files before or behind all that can be read     removed
 *     the end       zeros: the log is cut there
 *
 * All that verified stays where it is, byte for byte. A crash on the way leaves
 * a log with the same holes or fewer, which can be repaired again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wal/wal_internal.h"

#define PIECE_BYTES (64u * 1024)

/* Where the closing frames go, and the salt and number in force there. */
typedef struct filling {
    fc_wal *wal;
    fc_file file;
    fc_wal_place place;
    uint8_t *piece;
} filling;

static int put(filling *f, uint64_t bytes, const uint8_t *body, size_t body_bytes)
{
    const size_t length = (size_t)bytes - FC_WAL_FRAME_BYTES;
    const fc_wal *wal = f->wal;

    memset(f->piece, 0, (size_t)bytes);
    memcpy(f->piece + FC_WAL_FRAME_BYTES, body, body_bytes);
    fc_wal_frame_encode(f->piece, wal->io->now_ns(wal->io->context), f->place.seq,
                        FC_WAL_CONTROL | (uint32_t)length, f->piece + FC_WAL_FRAME_BYTES,
                        f->place.seed, wal->k);
    const int failed = fc_io_write_all(wal->io, f->file, f->piece, (size_t)bytes, f->place.offset);
    f->place.offset += bytes;
    return failed;
}

/* Gap frames over [place.offset, to) for so many records. */
static int put_gaps(filling *f, uint64_t to, uint64_t records)
{
    int failed = 0;
    while (!failed && f->place.offset < to) {
        const uint64_t left = to - f->place.offset;
        /* The shortest ones, while there are more records than one of them can tell of. */
        uint64_t bytes = records > FC_WAL_GAP_RECORDS_MAX ? FC_WAL_FRAME_BYTES_MIN : PIECE_BYTES;
        if (bytes > left || left - bytes < FC_WAL_FRAME_BYTES_MIN)
            bytes = left < PIECE_BYTES ? left : left / 16 * 8;
        const uint32_t told =
            records > FC_WAL_GAP_RECORDS_MAX ? FC_WAL_GAP_RECORDS_MAX : (uint32_t)records;
        uint8_t body[FC_WAL_GAP_BYTES];
        fc_wal_gap_encode(body, told);
        failed = put(f, bytes, body, sizeof body);
        f->place.seq += told;
        records -= told;
    }
    return failed ? failed : records > 0 ? ENOSPC : 0;
}

static int put_stamp(filling *f, uint64_t salt)
{
    const fc_wal_stamp stamp = {.durable = f->place.offset, .salt = salt};
    uint8_t body[FC_WAL_STAMP_BYTES];
    const uint64_t bytes = fc_wal_frame_bytes(FC_WAL_STAMP_BYTES);
    const uint64_t offset = f->place.offset;

    fc_wal_stamp_encode(body, &stamp, offset, f->place.header_salt, f->wal->k);
    memset(f->piece, 0, (size_t)bytes);
    memcpy(f->piece + FC_WAL_FRAME_BYTES, body, sizeof body);
    fc_wal_frame_encode(f->piece, f->wal->io->now_ns(f->wal->io->context), f->place.seq,
                        FC_WAL_CONTROL | FC_WAL_STAMP_BYTES, body, f->place.seed, f->wal->k);
    f->place.offset += bytes;
    return fc_io_write_all(f->wal->io, f->file, f->piece, (size_t)bytes, offset);
}

static int open_file(filling *f, uint64_t number)
{
    char path[FC_WAL_PATH_BYTES_MAX];
    fc_wal_segment_path(f->wal, path, number);
    return f->wal->io->open(f->wal->io->context, path, FC_IO_WRITE, &f->file);
}

static int sync_and_close(filling *f, int failed)
{
    const fc_io *io = f->wal->io;
    if (!failed)
        failed = io->sync(io->context, f->file);
    io->close(io->context, f->file);
    return failed;
}

static uint64_t stamp_room(const fc_wal_place *place, uint64_t salt)
{
    return salt != place->salt ? fc_wal_frame_bytes(FC_WAL_STAMP_BYTES) : 0;
}

static int fill_frames(filling *f, const fc_wal_hole *hole)
{
    const bool within = hole->next.number == hole->place.number;
    const uint64_t records = hole->next.seq - hole->place.seq;
    const uint64_t salt = within ? hole->next.salt : hole->salt_before_next;
    const uint64_t stamp = stamp_room(&hole->place, salt);

    f->place = hole->place;
    /* At the end of a segment nothing has to follow: what stands there stays, and does not verify.
     */
    uint64_t to =
        within ? hole->next.offset
               : hole->place.offset + stamp +
                     (records / FC_WAL_GAP_RECORDS_MAX + (records > 0)) * FC_WAL_FRAME_BYTES_MIN;
    if (to > (hole->place.segment_bytes & ~7ull) || to < hole->place.offset + stamp)
        return EFBIG;
    int failed = open_file(f, hole->place.number);
    if (failed)
        return failed;
    failed = put_gaps(f, to - stamp, records);
    if (!failed && stamp > 0)
        failed = put_stamp(f, salt);
    return sync_and_close(f, failed);
}

static int write_header(filling *f, const fc_wal_header *header)
{
    uint8_t page[FC_WAL_PAGE_BYTES];
    fc_wal_header_encode(page, header, f->wal->k);
    return fc_io_write_all(f->wal->io, f->file, page, sizeof page, 0);
}

static int fill_header(filling *f, const fc_wal_hole *hole)
{
    const fc_wal_header header = {.number = hole->next.number,
                                  .base_seq = hole->next.seq,
                                  .salt = hole->next.salt,
                                  .previous_salt = hole->place.salt,
                                  .segment_bytes = hole->next.segment_bytes,
                                  .created_ns = f->wal->io->now_ns(f->wal->io->context)};
    const int failed = open_file(f, header.number);
    return failed ? failed : sync_and_close(f, write_header(f, &header));
}

static int fill_segments(filling *f, const fc_wal_hole *hole)
{
    uint64_t records = hole->next.seq - hole->place.seq;
    uint64_t previous_salt = hole->place.salt, seq = hole->place.seq;
    int failed = 0;

    for (uint64_t n = hole->place.number + 1; n < hole->next.number && !failed; n++) {
        fc_wal_header header = {.number = n,
                                .base_seq = seq,
                                .previous_salt = previous_salt,
                                .segment_bytes = hole->place.segment_bytes,
                                .created_ns = f->wal->io->now_ns(f->wal->io->context),
                                .flags = FC_WAL_HEADER_FRESH};
        const bool last = n + 1 == hole->next.number;
        failed = fc_wal_new_salt(f->wal, &header.salt);
        if (!failed)
            failed = fc_wal_make_file(f->wal, n, header.segment_bytes);
        if (!failed)
            failed = open_file(f, n);
        if (failed)
            return failed;
        fc_wal_place_begin(f->wal, &f->place, &header);
        const uint64_t gaps = records / FC_WAL_GAP_RECORDS_MAX + (records > 0);
        failed = put_gaps(f, f->place.offset + gaps * FC_WAL_FRAME_BYTES_MIN, records);
        if (!failed && last && stamp_room(&f->place, hole->salt_before_next) > 0)
            failed = put_stamp(f, hole->salt_before_next);
        if (!failed)
            failed = write_header(f, &header);
        failed = sync_and_close(f, failed);
        records = 0;
        seq = f->place.seq;
        previous_salt = header.salt;
    }
    return failed;
}

static int cut(filling *f, const fc_wal_hole *hole)
{
    int failed = open_file(f, hole->place.number);
    if (failed)
        return failed;
    memset(f->piece, 0, PIECE_BYTES);
    for (uint64_t at = hole->place.offset; at < hole->place.segment_bytes && !failed;) {
        const uint64_t left = hole->place.segment_bytes - at;
        const size_t bytes = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        failed = fc_io_write_all(f->wal->io, f->file, f->piece, bytes, at);
        at += bytes;
    }
    return sync_and_close(f, failed);
}

static int remove_file(filling *f, const fc_wal_hole *hole)
{
    char path[FC_WAL_PATH_BYTES_MAX];
    fc_wal_segment_path(f->wal, path, hole->place.number);
    return f->wal->io->unlink(f->wal->io->context, path);
}

fc_status fc_wal_fill_holes(fc_wal *wal, fc_error *error)
{
    static int (*const fill[])(filling * f, const fc_wal_hole *hole) = {
        [FC_WAL_HOLE_FRAMES] = fill_frames,
        [FC_WAL_HOLE_HEADER] = fill_header,
        [FC_WAL_HOLE_SEGMENTS] = fill_segments,
        [FC_WAL_HOLE_FILE] = remove_file,
        [FC_WAL_HOLE_CUT] = cut,
    };
    filling f = {.wal = wal, .piece = malloc(PIECE_BYTES)};
    int failed = 0;
    size_t i;

    if (f.piece == NULL)
        return fc_fail(error, FC_ENOMEM, "a repair");
    for (i = 0; i < wal->holes.count && !failed; i++)
        failed = fill[wal->holes.at[i].kind](&f, &wal->holes.at[i]);
    if (!failed)
        failed = wal->io->sync_directory(wal->io->context, wal->path);
    free(f.piece);
    return failed ? fc_fail_os(error, failed, "repairing segment %llu of %s",
                               (unsigned long long)wal->holes.at[i > 0 ? i - 1 : 0].place.number,
                               wal->path)
                  : FC_OK;
}

static fc_status describe(const fc_wal *wal, fc_wal_damage **damage, size_t *count, fc_error *error)
{
    fc_wal_damage *out = calloc(wal->holes.count + 1, sizeof *out);
    if (out == NULL)
        return fc_fail(error, FC_ENOMEM, "a report");
    for (size_t i = 0; i < wal->holes.count; i++) {
        const fc_wal_hole *hole = &wal->holes.at[i];
        out[i] = (fc_wal_damage){.kind = hole->kind,
                                 .segment = hole->place.number,
                                 .offset = hole->place.offset,
                                 .seq = hole->place.seq,
                                 .records = hole->next.seq - hole->place.seq,
                                 .next_segment = hole->next.number,
                                 .next_offset = hole->next.offset};
    }
    *damage = out;
    *count = wal->holes.count;
    return FC_OK;
}

fc_status fc_wal_verify(const fc_wal_options *options, bool repair, const fc_kernels *k,
                        fc_wal_report *report, fc_wal_damage **damage, size_t *count,
                        fc_error *error)
{
    fc_wal *wal;
    fc_wal_report after;

    *damage = NULL;
    *count = 0;
    fc_status status = fc_wal_make(&wal, options, k, error);
    if (status != FC_OK)
        return status;
    status = fc_wal_require_log(wal, error);
    if (status == FC_OK && repair)
        status = fc_wal_take_lock(wal, error);
    if (status == FC_OK)
        status = fc_wal_check(wal, report, error);
    if (status == FC_OK)
        status = describe(wal, damage, count, error);
    if (status == FC_OK && repair && *count > 0) {
        status = fc_wal_fill_holes(wal, error);
        if (status == FC_OK)
            status = fc_wal_check(wal, &after, error);
        if (status == FC_OK && wal->holes.count > 0)
            status = fc_fail(error, FC_EWAL_CORRUPT, "segment %llu is still damaged after a repair",
                             (unsigned long long)wal->holes.at[0].place.number);
    }
    fc_wal_free(wal);
    return status;
}
