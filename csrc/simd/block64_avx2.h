/* simd/block64_avx2.h - 64 bytes in, 64-bit masks out, on AVX2: two vectors, VPMOVMSKB. */
#ifndef FC_BLOCK64_H
#define FC_BLOCK64_H

#include "simd/vec_avx2.h"

typedef struct block64 {
    __m256i low, high;
} block64;

typedef struct block64_set {
    __m256i low, high;
} block64_set;

FC_OP block64 block64_load(const uint8_t *at) { return (block64){vec_load(at), vec_load(at + 32)}; }
FC_OP block64 block64_load_tail(const uint8_t *at, size_t count)
{
    if (count <= 32)
        return (block64){vec_load_tail(at, count), _mm256_setzero_si256()};
    return (block64){vec_load(at), vec_load_tail(at + 32, count - 32)};
}
FC_OP block64 block64_or(block64 a, block64 b)
{
    return (block64){_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
FC_OP block64 block64_splat(uint8_t byte) { return (block64){vec_splat(byte), vec_splat(byte)}; }

/* Which of the 64 bytes, in the form that a compare gives: bit 7 of each byte. */
typedef block64 lanes64;

FC_OP uint64_t lanes64_bits(lanes64 m)
{
    return (uint64_t)mask_hits(m.high) << 32 | mask_hits(m.low);
}
/* Two stores: joining the halves in a register first would cost a cycle of its own. */
FC_OP void lanes64_put(lanes64 m, uint64_t *to)
{
    fc_store_le32((uint8_t *)to, mask_hits(m.low));
    fc_store_le32((uint8_t *)to + 4, mask_hits(m.high));
}
FC_OP lanes64 lanes64_or(lanes64 a, lanes64 b) { return block64_or(a, b); }
FC_OP int lanes64_any(lanes64 m) { return vec_any_high(vec_or(m.low, m.high)); }

FC_OP lanes64 block64_eq(block64 b, uint8_t byte)
{
    const __m256i want = vec_splat(byte);
    return (lanes64){vec_eq(b.low, want), vec_eq(b.high, want)};
}
FC_OP lanes64 block64_below(block64 b, uint8_t limit)
{
    const __m256i last = vec_splat((uint8_t)(limit - 1));
    return (lanes64){vec_eq(_mm256_min_epu8(b.low, last), b.low),
                     vec_eq(_mm256_min_epu8(b.high, last), b.high)};
}
FC_OP int block64_any_high(block64 b) { return lanes64_any(b); }

/* Bit `n` of each byte. */
FC_OP lanes64 block64_plane(block64 b, int n)
{
    return (lanes64){_mm256_slli_epi16(b.low, 7 - n), _mm256_slli_epi16(b.high, 7 - n)};
}

#define BLOCK64_HAS_LOOKUP16 1

/* Bytes of `is` that equal table[low nibble of b's byte], where that is below 0x80. */
FC_OP lanes64 block64_eq_lookup(block64 b, const uint8_t table[16], block64 is)
{
    const __m256i wanted = vec_table16(table);
    return (lanes64){vec_eq(_mm256_shuffle_epi8(wanted, b.low), is.low),
                     vec_eq(_mm256_shuffle_epi8(wanted, b.high), is.high)};
}

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t low[16],
                                   const uint8_t high[16])
{
    (void)member;
    return (block64_set){vec_table16(low), vec_table16(high)};
}
FC_OP lanes64 block64_in_buckets(block64 b, block64_set set)
{
    return (lanes64){vec_nonzero(vec_in_buckets(b.low, set.low, set.high)),
                     vec_nonzero(vec_in_buckets(b.high, set.low, set.high))};
}
FC_OP lanes64 block64_in(block64 b, block64_set set)
{
    return (lanes64){vec_nonzero(vec_in(b.low, set.low, set.high)),
                     vec_nonzero(vec_in(b.high, set.low, set.high))};
}

/* Place of the lowest set bit; any of 0..64 where none is set. */
FC_OP uint64_t bits_first(uint64_t bits) { return _tzcnt_u64(bits); }

/* ---- words: the masks of four blocks side by side, the first in lane 0 ---- */

typedef __m256i words;
#define WORDS 4

FC_OP words words_load(const uint64_t *at) { return _mm256_loadu_si256((const __m256i *)at); }
FC_OP void words_store(uint64_t *at, words a) { _mm256_storeu_si256((__m256i *)at, a); }
FC_OP words words_splat(uint64_t a) { return _mm256_set1_epi64x((long long)a); }
FC_OP words words_and(words a, words b) { return _mm256_and_si256(a, b); }
FC_OP words words_or(words a, words b) { return _mm256_or_si256(a, b); }
FC_OP words words_xor(words a, words b) { return _mm256_xor_si256(a, b); }
FC_OP words words_and_not(words a, words b) { return _mm256_andnot_si256(b, a); }
FC_OP words words_sub(words a, words b) { return _mm256_sub_epi64(a, b); }
FC_OP words words_shl(words a, int n) { return _mm256_slli_epi64(a, n); }
FC_OP words words_bit63(words a) { return _mm256_srli_epi64(a, 63); }
FC_OP int words_any(words a) { return vec_any(a); }
FC_OP words words_full(words a) { return _mm256_cmpeq_epi64(a, _mm256_set1_epi8(-1)); }
/* All ones where bit 63 is set. */
FC_OP words words_sign(words a) { return _mm256_cmpgt_epi64(_mm256_setzero_si256(), a); }

/* Lane i: lane i - 1 of `a`; lane 0: the last lane of `before`. */
FC_OP words words_from_below(words a, words before)
{
    return _mm256_blend_epi32(_mm256_permute4x64_epi64(a, 0x93),
                              _mm256_permute4x64_epi64(before, 0x93), 0x03);
}
/* Lane i: the XOR of lanes 0..i. */
FC_OP words words_prefix_xor(words a)
{
    const __m256i zero = _mm256_setzero_si256();
    a = _mm256_xor_si256(a, words_from_below(a, zero));
    return _mm256_xor_si256(a, _mm256_permute2x128_si256(a, a, 0x08));
}

/* out[8 * i + k] = lane i of a[k]: two 4 x 4 transpositions. */
FC_OP void words_store_columns(uint64_t *out, const words a[8])
{
    for (int half = 0; half < 8; half += 4) {
        const __m256i ab_even = _mm256_unpacklo_epi64(a[half], a[half + 1]);
        const __m256i ab_odd = _mm256_unpackhi_epi64(a[half], a[half + 1]);
        const __m256i cd_even = _mm256_unpacklo_epi64(a[half + 2], a[half + 3]);
        const __m256i cd_odd = _mm256_unpackhi_epi64(a[half + 2], a[half + 3]);
        words_store(out + half, _mm256_permute2x128_si256(ab_even, cd_even, 0x20));
        words_store(out + 8 + half, _mm256_permute2x128_si256(ab_odd, cd_odd, 0x20));
        words_store(out + 16 + half, _mm256_permute2x128_si256(ab_even, cd_even, 0x31));
        words_store(out + 24 + half, _mm256_permute2x128_si256(ab_odd, cd_odd, 0x31));
    }
}

#endif
