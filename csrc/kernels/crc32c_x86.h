/*
 * crc32c_x86.h - what crc32c.inc.h and crc32c_fold.inc.h are written over, on x86-64.
 *
 * SSE4.2 has the CRC step and PCLMULQDQ the carry-less product; every table above
 * scalar has both (cpu/isa.def).
 */

/* Zen 3: three lanes answer sooner from 10 on; one costs less to 20 for who does not wait. */
#define CRC_SERIAL_WORDS_MAX 16
FC_OP size_t crc_serial_words_max(void) { return CRC_SERIAL_WORDS_MAX; }

/* The register `state` moved over one word of message. */
FC_OP uint64_t crc_word(uint64_t state, uint64_t word) { return _mm_crc32_u64(state, word); }

/* The carry-less product of two registers. */
FC_OP uint64_t crc_product(uint64_t state, uint32_t by)
{
    const __m128i a = _mm_cvtsi64_si128((long long)state), b = _mm_cvtsi32_si128((int)by);
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(a, b, 0));
}

/* A vector of message: load, store, add a register to its first word, move onto another. */
typedef __m128i fold128;
FC_OP fold128 fold128_load(const uint8_t *at) { return _mm_loadu_si128((const __m128i *)at); }
FC_OP void fold128_store(uint8_t *at, fold128 v) { _mm_storeu_si128((__m128i *)at, v); }
FC_OP fold128 fold128_add_state(fold128 v, uint64_t state)
{
    return _mm_xor_si128(v, _mm_cvtsi64_si128((long long)state));
}
FC_OP fold128 fold128_keys(uint32_t first, uint32_t second)
{
    return _mm_set_epi64x((long long)second, (long long)first);
}
FC_OP fold128 fold128_move(fold128 v, fold128 keys, fold128 onto)
{
    const __m128i first = _mm_clmulepi64_si128(v, keys, 0x00);
    const __m128i second = _mm_clmulepi64_si128(v, keys, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, onto), second);
}
