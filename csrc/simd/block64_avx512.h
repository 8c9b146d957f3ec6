/* simd/block64_avx512.h - 64 bytes in, 64-bit masks out, on AVX-512: one vector, one compare. */
#ifndef FC_BLOCK64_H
#define FC_BLOCK64_H

#include "simd/vec_avx512.h"

typedef __m512i block64;

typedef struct block64_set {
    __m512i rows_low, rows_high;
} block64_set;

FC_OP block64 block64_load(const uint8_t *at) { return vec_load(at); }
FC_OP block64 block64_load_tail(const uint8_t *at, size_t count)
{
    return vec_load_tail(at, count);
}
FC_OP block64 block64_or(block64 a, block64 b) { return vec_or(a, b); }
FC_OP block64 block64_splat(uint8_t byte) { return vec_splat(byte); }

FC_OP uint64_t block64_eq(block64 b, uint8_t byte) { return vec_eq(b, vec_splat(byte)); }
FC_OP uint64_t block64_below(block64 b, uint8_t limit)
{
    return _mm512_cmplt_epu8_mask(b, vec_splat(limit));
}

/* As in block64_avx2.h. */
FC_OP uint64_t block64_space(block64 b)
{
    const __m128i table = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return vec_eq(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), b), b);
}
FC_OP int block64_any_high(block64 b) { return vec_any_high(b); }

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t rows_low[16],
                                   const uint8_t rows_high[16])
{
    (void)member;
    return (block64_set){vec_table16(rows_low), vec_table16(rows_high)};
}
FC_OP uint64_t block64_in(block64 b, block64_set set)
{
    return vec_nonzero(vec_in(b, set.rows_low, set.rows_high));
}

/* As in block64_avx2.h. */
FC_OP uint64_t prefix_xor(uint64_t bits)
{
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
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

#endif
