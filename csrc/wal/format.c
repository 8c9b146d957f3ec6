/* wal/format.c - encode, decode and verify headers, frames and control bodies. */
#include "wal/format.h"

#include <string.h>

#include "base/bits.h"

static const uint8_t MAGIC[8] = {'F', 'C', 'W', 'A', 'L', 0x0D, 0x0A, 0x1A};

/* Offsets in a header copy; docs/format/wal.md has the same table. */
enum {
    MAGIC_AT = 0,
    VERSION_AT = 8,
    FLAGS_AT = 12,
    NUMBER_AT = 16,
    BASE_SEQ_AT = 24,
    SALT_AT = 32,
    PREVIOUS_SALT_AT = 40,
    SEGMENT_BYTES_AT = 48,
    CREATED_AT = 56,
    MARKS_AT = 64,
    HEADER_CRC_AT = 68,
};

enum { TIMESTAMP_AT = 0, SEQ_AT = 8, LENGTH_AT = 12, CRC_AT = 16 };

enum { STAMP_CHECK_AT = 4, STAMP_DURABLE_AT = 8, STAMP_SALT_AT = 16 };

enum { MARK_NAME_BYTES_AT = 1, MARK_REMOVED_AT = 2, MARK_SEQ_AT = 4 };

void fc_wal_header_encode(uint8_t *page, const fc_wal_header *header, const fc_kernels *k)
{
    memset(page, 0, FC_WAL_PAGE_BYTES);
    memcpy(page + MAGIC_AT, MAGIC, sizeof MAGIC);
    fc_store_le32(page + VERSION_AT, FC_WAL_VERSION);
    fc_store_le32(page + FLAGS_AT, header->flags);
    fc_store_le64(page + NUMBER_AT, header->number);
    fc_store_le64(page + BASE_SEQ_AT, header->base_seq);
    fc_store_le64(page + SALT_AT, header->salt);
    fc_store_le64(page + PREVIOUS_SALT_AT, header->previous_salt);
    fc_store_le64(page + SEGMENT_BYTES_AT, header->segment_bytes);
    fc_store_le64(page + CREATED_AT, (uint64_t)header->created_ns);
    fc_store_le32(page + MARKS_AT, header->marks);
    fc_store_le32(page + HEADER_CRC_AT, k->crc32c(0, page, HEADER_CRC_AT));
    memcpy(page + FC_WAL_HEADER_COPY_AT, page, HEADER_CRC_AT + 4);
}

static bool all_zero(const uint8_t *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static fc_wal_header_state decode_copy(const uint8_t *at, uint64_t number, fc_wal_header *header,
                                       const fc_kernels *k)
{
    if (memcmp(at + MAGIC_AT, MAGIC, sizeof MAGIC) != 0 ||
        fc_load_le32(at + HEADER_CRC_AT) != k->crc32c(0, at, HEADER_CRC_AT))
        return all_zero(at, HEADER_CRC_AT + 4) ? FC_WAL_HEADER_BLANK : FC_WAL_HEADER_DAMAGED;
    if (fc_load_le64(at + NUMBER_AT) != number)
        return FC_WAL_HEADER_BLANK;
    if (fc_load_le32(at + VERSION_AT) != FC_WAL_VERSION)
        return FC_WAL_HEADER_DAMAGED;
    header->flags = fc_load_le32(at + FLAGS_AT);
    header->number = number;
    header->base_seq = fc_load_le64(at + BASE_SEQ_AT);
    header->salt = fc_load_le64(at + SALT_AT);
    header->previous_salt = fc_load_le64(at + PREVIOUS_SALT_AT);
    header->segment_bytes = fc_load_le64(at + SEGMENT_BYTES_AT);
    header->created_ns = (int64_t)fc_load_le64(at + CREATED_AT);
    header->marks = fc_load_le32(at + MARKS_AT);
    return FC_WAL_HEADER_VALID;
}

fc_wal_header_state fc_wal_header_decode(const uint8_t *page, uint64_t number,
                                         fc_wal_header *header, const fc_kernels *k)
{
    const fc_wal_header_state first = decode_copy(page, number, header, k);
    if (first == FC_WAL_HEADER_VALID)
        return first;
    const fc_wal_header_state second = decode_copy(page + FC_WAL_HEADER_COPY_AT, number, header, k);
    if (second == FC_WAL_HEADER_VALID)
        return second;
    return first == FC_WAL_HEADER_BLANK && second == FC_WAL_HEADER_BLANK ? FC_WAL_HEADER_BLANK
                                                                         : FC_WAL_HEADER_DAMAGED;
}

bool fc_wal_salt_usable(const fc_kernels *k, uint64_t salt)
{
    static const uint8_t zeros[CRC_AT] = {0};
    return salt != 0 && k->crc32c(fc_wal_seed(k, salt), zeros, CRC_AT) != 0;
}

void fc_wal_frame_encode(uint8_t *at, int64_t timestamp, uint64_t seq, uint32_t length_field,
                         const uint8_t *payload, uint32_t seed, const fc_kernels *k)
{
    fc_store_le64(at + TIMESTAMP_AT, (uint64_t)timestamp);
    fc_store_le32(at + SEQ_AT, (uint32_t)seq);
    fc_store_le32(at + LENGTH_AT, length_field);
    const uint32_t crc = k->crc32c(seed, at, CRC_AT);
    fc_store_le32(at + CRC_AT, k->crc32c(crc, payload, length_field & ~FC_WAL_CONTROL));
}

void fc_wal_frame_peek(const uint8_t *at, fc_wal_frame *frame)
{
    const uint32_t length_field = fc_load_le32(at + LENGTH_AT);
    frame->timestamp = (int64_t)fc_load_le64(at + TIMESTAMP_AT);
    frame->seq_low = fc_load_le32(at + SEQ_AT);
    frame->length = length_field & ~FC_WAL_CONTROL;
    frame->control = (length_field & FC_WAL_CONTROL) != 0;
    frame->payload = at + FC_WAL_FRAME_BYTES;
}

bool fc_wal_frame_decode(const uint8_t *at, size_t available, uint64_t seq, uint32_t seed,
                         const fc_kernels *k, fc_wal_frame *frame)
{
    if (available < FC_WAL_FRAME_BYTES_MIN)
        return false;
    fc_wal_frame_peek(at, frame);
    if (frame->seq_low != (uint32_t)seq || fc_wal_frame_bytes(frame->length) > available)
        return false;
    const uint32_t crc = k->crc32c(seed, at, CRC_AT);
    return k->crc32c(crc, frame->payload, frame->length) == fc_load_le32(at + CRC_AT);
}

/*
 * The check stands in front of what it covers. Behind it, it would undo the
 * frame's own checksum: the CRC of bytes and their CRC is the same for all bytes,
 * so half of one stamp and half of another would make a valid third.
 */
static uint32_t stamp_check(const uint8_t *body, uint64_t offset, uint64_t header_salt,
                            const fc_kernels *k)
{
    uint8_t place[8];
    fc_store_le64(place, offset);
    uint32_t crc = k->crc32c(fc_wal_seed(k, header_salt), place, sizeof place);
    crc = k->crc32c(crc, body, STAMP_CHECK_AT);
    return k->crc32c(crc, body + STAMP_DURABLE_AT, FC_WAL_STAMP_BYTES - STAMP_DURABLE_AT);
}

void fc_wal_stamp_encode(uint8_t *body, const fc_wal_stamp *stamp, uint64_t offset,
                         uint64_t header_salt, const fc_kernels *k)
{
    memset(body, 0, FC_WAL_STAMP_BYTES);
    body[0] = FC_WAL_STAMP;
    fc_store_le64(body + STAMP_DURABLE_AT, stamp->durable);
    fc_store_le64(body + STAMP_SALT_AT, stamp->salt);
    fc_store_le32(body + STAMP_CHECK_AT, stamp_check(body, offset, header_salt, k));
}

bool fc_wal_stamp_decode(const uint8_t *body, size_t length, uint64_t offset, uint64_t header_salt,
                         const fc_kernels *k, fc_wal_stamp *stamp)
{
    if (length != FC_WAL_STAMP_BYTES || body[0] != FC_WAL_STAMP)
        return false;
    stamp->durable = fc_load_le64(body + STAMP_DURABLE_AT);
    stamp->salt = fc_load_le64(body + STAMP_SALT_AT);
    return fc_load_le32(body + STAMP_CHECK_AT) == stamp_check(body, offset, header_salt, k);
}

void fc_wal_gap_encode(uint8_t *body, uint32_t records)
{
    fc_store_le32(body, FC_WAL_GAP | records << 8);
}

bool fc_wal_gap_decode(const uint8_t *body, size_t length, uint32_t *records)
{
    if (length < FC_WAL_GAP_BYTES || body[0] != FC_WAL_GAP)
        return false;
    *records = fc_load_le32(body) >> 8;
    return true;
}

void fc_wal_mark_encode(uint8_t *body, const fc_wal_mark_view *mark)
{
    body[0] = FC_WAL_MARK;
    body[MARK_NAME_BYTES_AT] = (uint8_t)mark->name_bytes;
    body[MARK_REMOVED_AT] = mark->removed;
    body[MARK_REMOVED_AT + 1] = 0;
    fc_store_le64(body + MARK_SEQ_AT, mark->seq);
    if (mark->name_bytes > 0)
        memcpy(body + FC_WAL_MARK_BYTES, mark->name, mark->name_bytes);
    if (mark->value_bytes > 0)
        memcpy(body + FC_WAL_MARK_BYTES + mark->name_bytes, mark->value, mark->value_bytes);
}

bool fc_wal_mark_decode(const uint8_t *body, size_t length, fc_wal_mark_view *mark)
{
    if (length < FC_WAL_MARK_BYTES || body[0] != FC_WAL_MARK ||
        length - FC_WAL_MARK_BYTES < body[MARK_NAME_BYTES_AT])
        return false;
    mark->removed = body[MARK_REMOVED_AT] != 0;
    mark->seq = fc_load_le64(body + MARK_SEQ_AT);
    mark->name = body + FC_WAL_MARK_BYTES;
    mark->name_bytes = body[MARK_NAME_BYTES_AT];
    mark->value = mark->name + mark->name_bytes;
    mark->value_bytes = length - FC_WAL_MARK_BYTES - mark->name_bytes;
    return true;
}
