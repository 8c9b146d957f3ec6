/* simd/block64_avx512.h - 64 bytes in, 64-bit masks out, on AVX-512: one vector, one compare. */
#ifndef FC_BLOCK64_H
#define FC_BLOCK64_H

#include "simd/vec_avx512.h"

typedef __m512i block64;

typedef struct block64_set {
    __m512i low, high;
} block64_set;

FC_OP block64 block64_load(const uint8_t *at) { return vec_load(at); }
FC_OP block64 block64_load_tail(const uint8_t *at, size_t count)
{
    return vec_load_tail(at, count);
}
FC_OP block64 block64_or(block64 a, block64 b) { return vec_or(a, b); }
FC_OP block64 block64_splat(uint8_t byte) { return vec_splat(byte); }

/* Which of the 64 bytes. */
typedef __mmask64 lanes64;

FC_OP uint64_t lanes64_bits(lanes64 m) { return m; }
FC_OP void lanes64_put(lanes64 m, uint64_t *to) { *to = m; }
FC_OP lanes64 lanes64_or(lanes64 a, lanes64 b) { return a | b; }
FC_OP int lanes64_any(lanes64 m) { return m != 0; }

FC_OP lanes64 block64_eq(block64 b, uint8_t byte) { return vec_eq(b, vec_splat(byte)); }
FC_OP lanes64 block64_below(block64 b, uint8_t limit)
{
    return _mm512_cmplt_epu8_mask(b, vec_splat(limit));
}
FC_OP int block64_any_high(block64 b) { return vec_any_high(b); }

/* Bit `n` of each byte. */
FC_OP lanes64 block64_plane(block64 b, int n)
{
    return _mm512_test_epi8_mask(b, vec_splat((uint8_t)(1u << n)));
}

#define BLOCK64_HAS_LOOKUP16 1

/* Bytes of `is` that equal table[low nibble of b's byte], where that is below 0x80. */
FC_OP lanes64 block64_eq_lookup(block64 b, const uint8_t table[16], block64 is)
{
    return vec_eq(_mm512_shuffle_epi8(vec_table16(table), b), is);
}

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t low[16],
                                   const uint8_t high[16])
{
    (void)member;
    return (block64_set){vec_table16(low), vec_table16(high)};
}
FC_OP lanes64 block64_in_buckets(block64 b, block64_set set)
{
    return vec_nonzero(vec_in_buckets(b, set.low, set.high));
}
FC_OP lanes64 block64_in(block64 b, block64_set set)
{
    return vec_nonzero(vec_in(b, set.low, set.high));
}

#define BLOCK64_HAS_COMPRESS 1

/*
 * Write at + i for each set bit i, ascending; returns how many. VPCOMPRESSB packs the
 * lane numbers, eight at a time are widened and stored: up to 7 places beyond are
 * overwritten. Compressing to memory instead would be microcoded on Zen 4.
 */
FC_OP size_t block64_emit(uint64_t bits, int64_t at, int64_t *out)
{
    static const uint8_t lanes[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const size_t count = (size_t)fc_popcount64(bits);
    const __m512i first = _mm512_set1_epi64(at);
    uint8_t packed[64];

    _mm512_storeu_si512((void *)packed, _mm512_maskz_compress_epi8(bits, vec_load(lanes)));
    for (size_t i = 0; i < count; i += 8) {
        const __m128i eight = _mm_loadl_epi64((const __m128i *)(packed + i));
        _mm512_storeu_si512((void *)(out + i),
                            _mm512_add_epi64(first, _mm512_cvtepu8_epi64(eight)));
    }
    return count;
}

/* ---- words: the masks of eight blocks side by side, the first in lane 0 ---- */

typedef __m512i words;
#define WORDS 8

FC_OP words words_load(const uint64_t *at) { return _mm512_loadu_si512((const void *)at); }
FC_OP void words_store(uint64_t *at, words a) { _mm512_storeu_si512((void *)at, a); }
FC_OP words words_splat(uint64_t a) { return _mm512_set1_epi64((long long)a); }
FC_OP words words_and(words a, words b) { return _mm512_and_si512(a, b); }
FC_OP words words_or(words a, words b) { return _mm512_or_si512(a, b); }
FC_OP words words_xor(words a, words b) { return _mm512_xor_si512(a, b); }
FC_OP words words_and_not(words a, words b) { return _mm512_andnot_si512(b, a); }
FC_OP words words_sub(words a, words b) { return _mm512_sub_epi64(a, b); }
FC_OP words words_shl(words a, int n) { return _mm512_slli_epi64(a, (unsigned)n); }
FC_OP words words_bit63(words a) { return _mm512_srli_epi64(a, 63); }
FC_OP int words_any(words a) { return vec_any(a); }
FC_OP words words_full(words a)
{
    return _mm512_maskz_set1_epi64(_mm512_cmpeq_epi64_mask(a, words_splat(~(uint64_t)0)), -1);
}
/* All ones where bit 63 is set. */
FC_OP words words_sign(words a) { return _mm512_srai_epi64(a, 63); }

/* Lane i: lane i - 1 of `a`; lane 0: the last lane of `before`. */
FC_OP words words_from_below(words a, words before) { return _mm512_alignr_epi64(a, before, 7); }

/* Lane i: the XOR of lanes 0..i. */
FC_OP words words_prefix_xor(words a)
{
    const __m512i zero = _mm512_setzero_si512();
    a = _mm512_xor_si512(a, _mm512_alignr_epi64(a, zero, 7));
    a = _mm512_xor_si512(a, _mm512_alignr_epi64(a, zero, 6));
    return _mm512_xor_si512(a, _mm512_alignr_epi64(a, zero, 4));
}

/* out[8 * i + k] = lane i of a[k]: an 8 x 8 transposition, by pairs, by fours, by halves. */
FC_OP void words_store_columns(uint64_t *out, const words a[8])
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    const __m512i front = _mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11);
    const __m512i back = _mm512_setr_epi64(4, 5, 6, 7, 12, 13, 14, 15);
    __m512i pair[8], four[8];

    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int odd = 0; odd < 2; odd++) {
            four[i + odd] = _mm512_permutex2var_epi64(pair[i + odd], low, pair[i + 2 + odd]);
            four[i + 2 + odd] = _mm512_permutex2var_epi64(pair[i + odd], high, pair[i + 2 + odd]);
        }
    for (int i = 0; i < 4; i++) {
        words_store(out + 8 * i, _mm512_permutex2var_epi64(four[i], front, four[i + 4]));
        words_store(out + 8 * (i + 4), _mm512_permutex2var_epi64(four[i], back, four[i + 4]));
    }
}

#endif
