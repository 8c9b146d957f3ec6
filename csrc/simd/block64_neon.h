/*
 * simd/block64_neon.h - 64 bytes in, 64-bit masks out, on NEON.
 *
 * Serves SVE and SVE2 builds too: SVE has no instruction that moves a predicate into
 * an integer register. So nothing here may use the names of vec_neon.h.
 *
 * The bytes are loaded de-interleaved (LD4): vector k holds bytes k, k + 4, k + 8, ...
 * Four compares then fold into one mask by shift-right-and-insert: neighbouring bytes
 * of the text already sit in the same lane of neighbouring vectors, so three inserts
 * gather 4 text-adjacent bits per lane and one narrowing shift packs the lanes. That
 * is 5 instructions a mask where AND with bit weights and ADDP takes 8.
 */
#ifndef FC_BLOCK64_H
#define FC_BLOCK64_H

#include "simd/neon_lanes.h"
#include "simd/words_one.h"

typedef uint8x16x4_t block64;

typedef struct block64_set {
    uint8x16_t low, high;
} block64_set;

FC_OP block64 block64_load(const uint8_t *at) { return vld4q_u8(at); }
FC_OP block64 block64_load_tail(const uint8_t *at, size_t count)
{
    uint8_t padded[64];
    if (count >= 64)
        return block64_load(at);
    for (size_t i = 0; i < 64; i += 8)
        fc_store_le64(padded + i, i < count ? fc_load_le64_part(at + i, count - i) : 0);
    return block64_load(padded);
}
FC_OP block64 block64_or(block64 a, block64 b)
{
    for (int i = 0; i < 4; i++)
        a.val[i] = vorrq_u8(a.val[i], b.val[i]);
    return a;
}
FC_OP block64 block64_splat(uint8_t byte)
{
    const uint8x16_t v = vdupq_n_u8(byte);
    return (block64){{v, v, v, v}};
}

/* Which of the 64 bytes: bit 7 of each, in the order of block64. */
typedef uint8x16x4_t lanes64;

FC_OP uint8x8_t lanes64_word(lanes64 m)
{
    const uint8x16_t ab = vsriq_n_u8(m.val[1], m.val[0], 1); /* bits 7, 6 of a lane: b, a */
    const uint8x16_t cd = vsriq_n_u8(m.val[3], m.val[2], 1);
    const uint8x16_t abcd = vsriq_n_u8(cd, ab, 2); /* bits 7 to 4: d, c, b, a */
    const uint8x16_t twice = vsriq_n_u8(abcd, abcd, 4);
    return vshrn_n_u16(vreinterpretq_u16_u8(twice), 4);
}
FC_OP uint64_t lanes64_bits(lanes64 m)
{
    return vget_lane_u64(vreinterpret_u64_u8(lanes64_word(m)), 0);
}
FC_OP void lanes64_put(lanes64 m, uint64_t *to) { vst1_u8((uint8_t *)to, lanes64_word(m)); }
FC_OP lanes64 lanes64_or(lanes64 a, lanes64 b) { return block64_or(a, b); }
FC_OP int lanes64_any(lanes64 m)
{
    const uint8x16_t ab = vorrq_u8(m.val[0], m.val[1]), cd = vorrq_u8(m.val[2], m.val[3]);
    return vmaxvq_u8(vorrq_u8(ab, cd)) >= 0x80;
}

#define EACH_QUARTER(expression)                                                                   \
    lanes64 m;                                                                                     \
    for (int i = 0; i < 4; i++)                                                                    \
        m.val[i] = (expression);                                                                   \
    return m

FC_OP lanes64 block64_eq(block64 b, uint8_t byte)
{
    EACH_QUARTER(vceqq_u8(b.val[i], vdupq_n_u8(byte)));
}
FC_OP lanes64 block64_below(block64 b, uint8_t limit)
{
    EACH_QUARTER(vcltq_u8(b.val[i], vdupq_n_u8(limit)));
}
FC_OP int block64_any_high(block64 b) { return lanes64_any(b); }

/* Bit `n` of each byte. */
FC_OP lanes64 block64_plane(block64 b, int n)
{
    EACH_QUARTER(vshlq_u8(b.val[i], vdupq_n_s8((int8_t)(7 - n))));
}

#define BLOCK64_HAS_LOOKUP16 1

/* Bytes of `is` that equal table[low nibble of b's byte], where that is below 0x80. */
FC_OP lanes64 block64_eq_lookup(block64 b, const uint8_t table[16], block64 is)
{
    const uint8x16_t wanted = vld1q_u8(table);
    /* Bit 7 stays in the index: TBL then gives 0, which a byte of `is` above 0x7F is not. */
    EACH_QUARTER(vceqq_u8(vqtbl1q_u8(wanted, vandq_u8(b.val[i], vdupq_n_u8(0x8F))), is.val[i]));
}

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t low[16],
                                   const uint8_t high[16])
{
    (void)member;
    return (block64_set){vld1q_u8(low), vld1q_u8(high)};
}
FC_OP lanes64 block64_in_buckets(block64 b, block64_set set)
{
    EACH_QUARTER(vtstq_u8(bucket_lanes(b.val[i], set.low, set.high), vdupq_n_u8(0xFF)));
}
FC_OP lanes64 block64_in(block64 b, block64_set set)
{
    EACH_QUARTER(member_lanes(b.val[i], set.low, set.high));
}
#undef EACH_QUARTER

/* Place of the lowest set bit; any of 0..64 where none is set. */
FC_OP uint64_t bits_first(uint64_t bits) { return (uint64_t)fc_ctz64(bits | (uint64_t)1 << 63); }

#endif
