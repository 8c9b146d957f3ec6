/*
 * crc32c_avx2.h - two vectors of a fold in one register, where the CPU multiplies both at once.
 *
 * AVX2 does not bring VPCLMULQDQ: Zen 3 and Alder Lake have it, Haswell to Comet Lake do not.
 * The question is asked once for a long message.
 */
#include "kernels/crc32c_x86.h"

typedef __m256i fold256;
FC_OP fold256 fold256_load(const uint8_t *at) { return _mm256_loadu_si256((const __m256i *)at); }
FC_OP void fold256_store(uint8_t *at, fold256 v) { _mm256_storeu_si256((__m256i *)at, v); }
FC_OP fold256 fold256_add_state(fold256 v, uint64_t state)
{
    return _mm256_xor_si256(v, _mm256_set_epi64x(0, 0, 0, (long long)state));
}
FC_OP fold256 fold256_keys(uint32_t first, uint32_t second)
{
    return _mm256_broadcastsi128_si256(fold128_keys(first, second));
}
FC_OP fold256 fold256_move(fold256 v, fold256 keys, fold256 onto)
{
    const __m256i first = _mm256_clmulepi64_epi128(v, keys, 0x00);
    const __m256i second = _mm256_clmulepi64_epi128(v, keys, 0x11);
    return _mm256_xor_si256(_mm256_xor_si256(first, onto), second);
}

#define FOLD            fold128
#define FOLD_LANE_WORDS 4
#include "kernels/crc32c_fold.inc.h"

#define FOLD            fold256
#define FOLD_LANE_WORDS 4
#include "kernels/crc32c_fold.inc.h"

FC_OP uint64_t crc_fold(uint64_t state, const uint8_t **data, size_t *length)
{
    if (fc_cpu_features() & FC_CPU_VPCLMUL)
        return fold256_long(state, data, length);
    return fold128_long(state, data, length);
}
#define CRC_FOLD           crc_fold
#define CRC_FOLD_BYTES_MIN 768
