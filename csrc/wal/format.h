/*
 * wal/format.h - the bytes of a log segment, shared by writer, readers and recovery.
 *
 * Full description with a worked example: docs/format/wal.md. Nothing outside
 * this file and format.c knows an offset inside a header or a frame.
 *
 * A segment is a header page and then frames, each at a multiple of 8:
 *
 *     offset  bytes  field of a frame
 *          0      8  timestamp, nanoseconds since 1970-01-01 UTC, signed
 *          8      4  low 32 bits of the sequence number
 *         12      4  length of the payload; the top bit marks a control frame
 *         16      4  CRC-32C of the salt in force, bytes [0, 16) and the payload
 *         20      -  payload, then zeros up to the next multiple of 8
 *
 * The frames end at the first one that does not verify. No length or other
 * bytes of zero are special: a salt is chosen so that 24 zero bytes never verify.
 */
#ifndef FC_WAL_FORMAT_H
#define FC_WAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

#define FC_WAL_VERSION              1u
#define FC_WAL_PAGE_BYTES           4096u /* the header page; frames start right behind it */
#define FC_WAL_HEADER_COPY_AT       2048u /* the header is there twice, in different sectors */
#define FC_WAL_SECTOR_BYTES         512u
#define FC_WAL_FRAME_BYTES          20u
#define FC_WAL_FRAME_BYTES_MIN      24u
#define FC_WAL_CONTROL              0x80000000u
#define FC_WAL_OVERHEAD_BYTES       8192u /* payloads are limited to the segment less this */
#define FC_WAL_SEGMENT_BYTES_MIN    (16u * 1024)
#define FC_WAL_SEGMENT_BYTES_MAX    (1024u * 1024 * 1024)
#define FC_WAL_MARK_NAME_BYTES_MAX  255u
#define FC_WAL_MARK_VALUE_BYTES_MAX 4096u

enum {
    FC_WAL_HEADER_FRESH = 1,        /* the file held only zeros when the segment was begun */
    FC_WAL_HEADER_MARKS_BEFORE = 2, /* the marks are whole only with the segment before */
};

typedef struct fc_wal_header {
    uint64_t number;        /* of the segment, as in the file's name, from 1 */
    uint64_t base_seq;      /* sequence number of the first record */
    uint64_t salt;          /* in force until the first stamp */
    uint64_t previous_salt; /* in force at the end of the segment before; 0 in the first */
    uint64_t segment_bytes; /* size of the file */
    int64_t created_ns;
    uint32_t marks; /* mark frames right behind the header that carry older marks over */
    uint32_t flags; /* FC_WAL_HEADER_* */
} fc_wal_header;

typedef enum fc_wal_header_state {
    FC_WAL_HEADER_VALID,
    FC_WAL_HEADER_BLANK, /* zeros, or the valid header of another number: a recycled file */
    FC_WAL_HEADER_DAMAGED,
} fc_wal_header_state;

/* Fill the FC_WAL_PAGE_BYTES at `page`. */
void fc_wal_header_encode(uint8_t *page, const fc_wal_header *header, const fc_kernels *k);

/* Read either copy; `number` is what the file's name says. */
fc_wal_header_state fc_wal_header_decode(const uint8_t *page, uint64_t number,
                                         fc_wal_header *header, const fc_kernels *k);

/* The CRC state every frame under `salt` starts from. */
static inline uint32_t fc_wal_seed(const fc_kernels *k, uint64_t salt)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(salt >> (8 * i));
    return k->crc32c(0, bytes, 8);
}

/* True when zeros would not verify as a frame under this salt, as a usable salt must have it. */
bool fc_wal_salt_usable(const fc_kernels *k, uint64_t salt);

/* Bytes that a payload of this length takes as a frame. */
static inline uint64_t fc_wal_frame_bytes(uint64_t length)
{
    return (FC_WAL_FRAME_BYTES + length + 7) & ~(uint64_t)7;
}

typedef struct fc_wal_frame {
    int64_t timestamp;
    uint32_t seq_low;
    uint32_t length;
    bool control;
    const uint8_t *payload;
} fc_wal_frame;

/* Write the 20 bytes in front of a payload; `length_field` is the length with its control bit. */
void fc_wal_frame_encode(uint8_t *at, int64_t timestamp, uint64_t seq, uint32_t length_field,
                         const uint8_t *payload, uint32_t seed, const fc_kernels *k);

/* What the header of a frame claims; no check. */
void fc_wal_frame_peek(const uint8_t *at, fc_wal_frame *frame);

/*
 * True when the bytes at[0 .. available) start with a whole frame whose
 * sequence number is `seq` and whose checksum holds under `seed`.
 */
bool fc_wal_frame_decode(const uint8_t *at, size_t available, uint64_t seq, uint32_t seed,
                         const fc_kernels *k, fc_wal_frame *frame);

/* The first byte of a control frame's payload says which kind it is. */
enum { FC_WAL_STAMP = 1, FC_WAL_MARK = 2, FC_WAL_GAP = 3 };

/*
 * A stamp: "the bytes of this segment before `durable` were on stable storage
 * when this was written, and the frames behind it are under `salt`". It opens
 * every session that goes on in a segment, and tells a torn tail, which may be
 * cut, from damage to what was confirmed, which may not. Its own check is keyed
 * with the segment header's salt and its place, so it can be found behind damage.
 */
#define FC_WAL_STAMP_BYTES 24u

typedef struct fc_wal_stamp {
    uint64_t durable; /* offset in the segment */
    uint64_t salt;
} fc_wal_stamp;

void fc_wal_stamp_encode(uint8_t *body, const fc_wal_stamp *stamp, uint64_t offset,
                         uint64_t header_salt, const fc_kernels *k);
bool fc_wal_stamp_decode(const uint8_t *body, size_t length, uint64_t offset, uint64_t header_salt,
                         const fc_kernels *k, fc_wal_stamp *stamp);

/*
 * A gap: "here were frames that were damaged; so many records are missing". What
 * repair puts in the place of what does not verify, as long as that was.
 */
#define FC_WAL_GAP_BYTES       4u /* at least; zeros behind */
#define FC_WAL_GAP_RECORDS_MAX 0xFFFFFFu

void fc_wal_gap_encode(uint8_t *body, uint32_t records);
bool fc_wal_gap_decode(const uint8_t *body, size_t length, uint32_t *records);

/*
 * A mark: a named value, set between two records. `seq` is the number of the
 * first record after it, also where the mark was carried into a later segment.
 */
#define FC_WAL_MARK_BYTES 12u /* before name and value */

typedef struct fc_wal_mark_view {
    uint64_t seq;
    bool removed;
    const uint8_t *name;
    size_t name_bytes;
    const uint8_t *value;
    size_t value_bytes;
} fc_wal_mark_view;

static inline uint32_t fc_wal_mark_bytes(size_t name_bytes, size_t value_bytes)
{
    return (uint32_t)(FC_WAL_MARK_BYTES + name_bytes + value_bytes);
}
void fc_wal_mark_encode(uint8_t *body, const fc_wal_mark_view *mark);
bool fc_wal_mark_decode(const uint8_t *body, size_t length, fc_wal_mark_view *mark);

#endif
