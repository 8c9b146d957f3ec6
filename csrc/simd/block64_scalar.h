/*
 * simd/block64_scalar.h - 64 bytes in, 64-bit masks out, on plain words.
 *
 * A word of 0x80 lanes becomes 8 bits by one multiplication: each lane's bit lands
 * at its own place in the top byte, and no two partial products meet.
 */
#ifndef FC_BLOCK64_H
#define FC_BLOCK64_H

#include "simd/vec_scalar.h"
#include "simd/words_one.h"

typedef struct block64 {
    uint64_t word[8];
} block64;

typedef struct block64_set {
    const uint8_t *member;
} block64_set;

FC_OP block64 block64_load(const uint8_t *at)
{
    block64 b;
    for (size_t i = 0; i < 8; i++)
        b.word[i] = fc_load_le64(at + 8 * i);
    return b;
}
FC_OP block64 block64_load_tail(const uint8_t *at, size_t count)
{
    block64 b = {{0}};
    for (size_t i = 0; 8 * i < count; i++)
        b.word[i] = fc_load_le64_part(at + 8 * i, count - 8 * i);
    return b;
}
FC_OP block64 block64_or(block64 a, block64 b)
{
    for (size_t i = 0; i < 8; i++)
        a.word[i] |= b.word[i];
    return a;
}
FC_OP block64 block64_splat(uint8_t byte)
{
    block64 b;
    for (size_t i = 0; i < 8; i++)
        b.word[i] = LANES_ONE * byte;
    return b;
}

/* Which of the 64 bytes. */
typedef uint64_t lanes64;

FC_OP uint64_t lanes64_bits(lanes64 m) { return m; }
FC_OP void lanes64_put(lanes64 m, uint64_t *to) { *to = m; }
FC_OP lanes64 lanes64_or(lanes64 a, lanes64 b) { return a | b; }
FC_OP int lanes64_any(lanes64 m) { return m != 0; }

FC_OP uint64_t lanes_to_bits(mask m) { return ((m >> 7) * 0x0102040810204080u) >> 56; }

FC_OP lanes64 block64_eq(block64 b, uint8_t byte)
{
    const vec want = vec_splat(byte);
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits |= lanes_to_bits(vec_eq(b.word[i], want)) << (8 * i);
    return bits;
}

/* `limit` up to 0x80: adding 0x80 - limit carries into the high bit from `limit` on. */
FC_OP lanes64 block64_below(block64 b, uint8_t limit)
{
    const vec lift = vec_splat((uint8_t)(0x80 - limit));
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        const vec reaches = ((b.word[i] & LANES_LOW7) + lift) | b.word[i];
        bits |= lanes_to_bits((reaches & LANES_HIGH) ^ LANES_HIGH) << (8 * i);
    }
    return bits;
}
FC_OP lanes64 block64_space(block64 b)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        const vec a = b.word[i];
        const mask space = vec_eq(a, vec_splat(' ')) | vec_eq(a, vec_splat('\t')) |
                           vec_eq(a, vec_splat('\n')) | vec_eq(a, vec_splat('\r'));
        bits |= lanes_to_bits(space) << (8 * i);
    }
    return bits;
}
FC_OP int block64_any_high(block64 b)
{
    vec all = 0;
    for (size_t i = 0; i < 8; i++)
        all |= b.word[i];
    return vec_any_high(all);
}

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t low[16],
                                   const uint8_t high[16])
{
    (void)low;
    (void)high;
    return (block64_set){member};
}
FC_OP lanes64 block64_in(block64 b, block64_set set)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        for (size_t lane = 0; lane < 8; lane++)
            bits |= (uint64_t)set.member[(b.word[i] >> (8 * lane)) & 0xFF] << (8 * i + lane);
    return bits;
}
FC_OP lanes64 block64_in_buckets(block64 b, block64_set set) { return block64_in(b, set); }

/* Place of the lowest set bit; any of 0..64 where none is set. */
FC_OP uint64_t bits_first(uint64_t bits) { return (uint64_t)fc_ctz64(bits | (uint64_t)1 << 63); }

#endif
