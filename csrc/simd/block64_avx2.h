/* simd/block64_avx2.h - 64 bytes in, 64-bit masks out, on AVX2: two vectors, VPMOVMSKB. */
#ifndef FC_BLOCK64_H
#define FC_BLOCK64_H

#include "simd/vec_avx2.h"

typedef struct block64 {
    __m256i low, high;
} block64;

typedef struct block64_set {
    __m256i rows_low, rows_high;
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

FC_OP uint64_t halves_to_bits(__m256i low, __m256i high)
{
    return (uint64_t)mask_hits(high) << 32 | mask_hits(low);
}
FC_OP uint64_t block64_eq(block64 b, uint8_t byte)
{
    const __m256i want = vec_splat(byte);
    return halves_to_bits(vec_eq(b.low, want), vec_eq(b.high, want));
}
FC_OP uint64_t block64_below(block64 b, uint8_t limit)
{
    const __m256i last = vec_splat((uint8_t)(limit - 1));
    return halves_to_bits(_mm256_cmpeq_epi8(_mm256_min_epu8(b.low, last), b.low),
                          _mm256_cmpeq_epi8(_mm256_min_epu8(b.high, last), b.high));
}

/* Each white space byte sits at its own low nibble: it is one exactly when the lookup returns it.
 */
FC_OP uint64_t block64_space(block64 b)
{
    const __m256i table =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0, ' ', 0, 0, 0, 0,
                         0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return halves_to_bits(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, b.low), b.low),
                          _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, b.high), b.high));
}
FC_OP int block64_any_high(block64 b) { return vec_any_high(_mm256_or_si256(b.low, b.high)); }

FC_OP block64_set block64_set_make(const uint8_t member[256], const uint8_t rows_low[16],
                                   const uint8_t rows_high[16])
{
    (void)member;
    return (block64_set){vec_table16(rows_low), vec_table16(rows_high)};
}
FC_OP uint64_t block64_in(block64 b, block64_set set)
{
    return halves_to_bits(vec_nonzero(vec_in(b.low, set.rows_low, set.rows_high)),
                          vec_nonzero(vec_in(b.high, set.rows_low, set.rows_high)));
}

/* Bit i = parity of bits 0..i: a carry-less product with all ones (Langdale and Lemire, 2019). */
FC_OP uint64_t prefix_xor(uint64_t bits)
{
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Place of the lowest set bit; any of 0..64 where none is set. */
FC_OP uint64_t bits_first(uint64_t bits) { return _tzcnt_u64(bits); }

#endif
