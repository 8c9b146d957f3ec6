/* wal/behind.c - is what follows the last frame that verifies a torn tail, or the sign of damage?
 */
#include <stdlib.h>

#include "base/bits.h"
#include "wal/recover.h"

fc_status fc_wal_recovery_load(recovery *r, window *w, uint64_t offset, uint64_t bytes,
                               fc_error *error)
{
    const fc_io *io = r->wal->io;
    if (offset >= w->offset && offset + bytes <= w->offset + w->bytes)
        return FC_OK;
    const uint64_t want = bytes > FC_WAL_CHUNK_BYTES ? bytes : FC_WAL_CHUNK_BYTES;
    if (want > r->capacity) {
        uint8_t *larger = realloc(r->buffer, (size_t)want);
        if (larger == NULL)
            return fc_fail(error, FC_ENOMEM, "a record of %llu bytes", (unsigned long long)bytes);
        r->buffer = larger;
        r->capacity = (size_t)want;
    }
    const int failed = fc_io_read_all(io, r->file, r->buffer, (size_t)want, offset, &w->bytes);
    if (failed)
        return fc_fail_os(error, failed, "reading segment %llu", (unsigned long long)r->end.number);
    w->offset = offset;
    return FC_OK;
}

/* One place behind the end, where something else than zeros stands. */
static void look_at(recovery *r, const uint8_t *bytes, size_t available, uint64_t at, behind *b)
{
    const fc_wal *wal = r->wal;
    fc_wal_frame frame;
    fc_wal_stamp stamp;

    if (available < FC_WAL_FRAME_BYTES_MIN)
        return;
    fc_wal_frame_peek(bytes, &frame);
    if (frame.control && frame.length == FC_WAL_STAMP_BYTES &&
        fc_wal_frame_bytes(FC_WAL_STAMP_BYTES) <= available &&
        fc_wal_stamp_decode(frame.payload, frame.length, at, r->end.header_salt, wal->k, &stamp)) {
        b->stamped |= stamp.durable > r->end.offset;
        return; /* the one that closes a log follows its last record, which may be cut */
    }
    /* One more behind a record, the same behind a mark. */
    const uint32_t after = frame.seq_low - (uint32_t)r->end.seq;
    if (b->next == 0 && at > r->end.offset && after <= 1 &&
        fc_wal_frame_decode(bytes, available, r->end.seq + after, r->end.seed, wal->k, &frame))
        b->next = at;
}

fc_status fc_wal_look_behind(recovery *r, behind *b, fc_error *error)
{
    const fc_io *io = r->wal->io;
    const uint64_t size = r->end.segment_bytes;
    window w = {0};
    /* Payloads can be made to look like the start of a long frame at every place. */
    uint64_t budget = 4 * size + FC_WAL_CHUNK_BYTES;

    *b = (behind){.garbage_end = r->end.offset};
    for (uint64_t at = r->end.offset; at + 8 <= size; at += 8) {
        if (at + 8 > w.offset + w.bytes) {
            const uint64_t data = io->next_data(io->context, r->file, at);
            if (data >= size)
                break;
            at = data > at ? data & ~7ull : at;
            w = (window){0};
            const fc_status status = fc_wal_recovery_load(r, &w, at, FC_WAL_CHUNK_BYTES, error);
            if (status != FC_OK)
                return status;
            if (at + 8 > w.offset + w.bytes)
                break;
        }
        if (fc_load_le64(r->buffer + (at - w.offset)) == 0)
            continue;
        b->garbage_end = at + 8;
        fc_wal_frame frame = {0};
        if (at + FC_WAL_FRAME_BYTES_MIN <= w.offset + w.bytes)
            fc_wal_frame_peek(r->buffer + (at - w.offset), &frame);
        /* A frame may pass the end of what is loaded; load on from it only if it may matter. */
        const bool next = b->next == 0 && frame.seq_low - (uint32_t)r->end.seq <= 1;
        if (next || (frame.control && frame.length == FC_WAL_STAMP_BYTES)) {
            const uint64_t bytes = fc_wal_frame_bytes(frame.length);
            if (bytes <= size - at && at + bytes > w.offset + w.bytes && bytes <= budget) {
                budget -= bytes;
                const fc_status status = fc_wal_recovery_load(r, &w, at, bytes, error);
                if (status != FC_OK)
                    return status;
            }
        }
        look_at(r, r->buffer + (at - w.offset), (size_t)(w.offset + w.bytes - at), at, b);
    }
    return FC_OK;
}

fc_status fc_wal_prove_damage(recovery *r, const behind *b, bool fresh, bool *proof,
                              fc_error *error)
{
    uint8_t sector[FC_WAL_SECTOR_BYTES];
    size_t got;

    *proof = b->stamped;
    if (*proof || !fresh || b->next == 0)
        return FC_OK;
    for (uint64_t from = r->end.offset; from < b->next;) {
        const uint64_t sector_end = (from / FC_WAL_SECTOR_BYTES + 1) * FC_WAL_SECTOR_BYTES;
        const uint64_t to = sector_end < b->next ? sector_end : b->next;
        bool zeros = true;
        const int failed =
            fc_io_read_all(r->wal->io, r->file, sector, (size_t)(to - from), from, &got);
        if (failed)
            return fc_fail_os(error, failed, "reading segment %llu",
                              (unsigned long long)r->end.number);
        for (size_t i = 0; i < got; i++)
            zeros &= sector[i] == 0;
        if (zeros)
            return FC_OK;
        from = to;
    }
    *proof = true;
    return FC_OK;
}
