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

typedef uint8x16x4_t block64;

typedef struct block64_set {
    uint8x16_t rows_low, rows_high;
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

/* Each vector: 0xFF in the lanes that hold, 0 elsewhere. */
FC_OP uint64_t quarters_to_bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    const uint8x16_t ab = vsriq_n_u8(b, a, 1); /* bits 7, 6 of a lane: b, a */
    const uint8x16_t cd = vsriq_n_u8(d, c, 1);
    const uint8x16_t abcd = vsriq_n_u8(cd, ab, 2); /* bits 7 to 4: d, c, b, a */
    const uint8x16_t twice = vsriq_n_u8(abcd, abcd, 4);
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(twice), 4)), 0);
}
FC_OP uint64_t block64_eq(block64 b, uint8_t byte)
{
    const uint8x16_t want = vdupq_n_u8(byte);
    return quarters_to_bits(vceqq_u8(b.val[0], want), vceqq_u8(b.val[1], want),
                            vceqq_u8(b.val[2], want), vceqq_u8(b.val[3], want));
}
FC_OP uint64_t block64_below(block64 b, uint8_t limit)
{
    const uint8x16_t bound = vdupq_n_u8(limit);
    return quarters_to_bits(vcltq_u8(b.val[0], bound), vcltq_u8(b.val[1], bound),
                            vcltq_u8(b.val[2], bound), vcltq_u8(b.val[3], bound));
}

/* Each white space byte sits at its own low nibble: it is one exactly when the lookup returns it.
 */
FC_OP uint8x16_t space_lanes(uint8x16_t a)
{
    static const uint8_t table[16] = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0};
    return vceqq_u8(vqtbl1q_u8(vld1q_u8(table), vandq_u8(a, vdupq_n_u8(0x0F))), a);
}
FC_OP uint64_t block64_space(block64 b)
{
    return quarters_to_bits(space_lanes(b.val[0]), space_lanes(b.val[1]), space_lanes(b.val[2]),
                            space_lanes(b.val[3]));
}
FC_OP int block64_any_high(block64 b)
{
    const uint8x16_t all = vorrq_u8(vorrq_u8(b.val[0], b.val[1]), vorrq_u8(b.val[2], b.val[3]));
    return vmaxvq_u8(all) >= 0x80;
}

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t rows_low[16],
                                   const uint8_t rows_high[16])
{
    (void)member;
    return (block64_set){vld1q_u8(rows_low), vld1q_u8(rows_high)};
}

FC_OP uint64_t block64_in(block64 b, block64_set set)
{
    return quarters_to_bits(member_lanes(b.val[0], set.rows_low, set.rows_high),
                            member_lanes(b.val[1], set.rows_low, set.rows_high),
                            member_lanes(b.val[2], set.rows_low, set.rows_high),
                            member_lanes(b.val[3], set.rows_low, set.rows_high));
}

/*
 * Bit i = parity of bits 0..i. An EOR takes a shifted operand for free, so this is six
 * instructions; PMULL would pay two moves between register files.
 */
FC_OP uint64_t prefix_xor(uint64_t bits)
{
    for (int shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* Place of the lowest set bit; any of 0..64 where none is set. */
FC_OP uint64_t bits_first(uint64_t bits) { return (uint64_t)fc_ctz64(bits | (uint64_t)1 << 63); }

#endif
