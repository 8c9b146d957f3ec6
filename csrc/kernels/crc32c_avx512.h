/* crc32c_avx512.h - four vectors of a fold in one register. */
#include "kernels/crc32c_x86.h"

typedef __m512i fold512;
FC_OP fold512 fold512_load(const uint8_t *at) { return _mm512_loadu_si512(at); }
FC_OP void fold512_store(uint8_t *at, fold512 v) { _mm512_storeu_si512(at, v); }
FC_OP fold512 fold512_add_state(fold512 v, uint64_t state)
{
    return _mm512_xor_si512(v, _mm512_set_epi64(0, 0, 0, 0, 0, 0, 0, (long long)state));
}
FC_OP fold512 fold512_keys(uint32_t first, uint32_t second)
{
    return _mm512_broadcast_i32x4(fold128_keys(first, second));
}
FC_OP fold512 fold512_move(fold512 v, fold512 keys, fold512 onto)
{
    enum { XOR3 = 0x96 }; /* the truth table of a ^ b ^ c */
    const __m512i first = _mm512_clmulepi64_epi128(v, keys, 0x00);
    const __m512i second = _mm512_clmulepi64_epi128(v, keys, 0x11);
    return _mm512_ternarylogic_epi64(first, second, onto, XOR3);
}

#define FOLD            fold512
#define FOLD_LANE_WORDS 3
#include "kernels/crc32c_fold.inc.h"
#define CRC_FOLD           fold512_long
#define CRC_FOLD_BYTES_MIN 1024
