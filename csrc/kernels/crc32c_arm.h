/*
 * crc32c_arm.h - what crc32c.inc.h and crc32c_fold.inc.h are written over, on aarch64.
 *
 * The CRC extension has the step. PMULL, the carry-less product, belongs to the
 * cryptographic extension, which some NEON machines lack (Raspberry Pi 4); there,
 * a product is 32 shifts and additions, worth it only between long lanes.
 */
#include <arm_acle.h>

#define CRC_SERIAL_WORDS_MAX 12

FC_OP int crc_has_pmull(void) { return (fc_cpu_features() & FC_CPU_PMULL) != 0; }
FC_OP size_t crc_serial_words_max(void) { return crc_has_pmull() ? CRC_SERIAL_WORDS_MAX : 96; }

/* The register `state` moved over one word of message. */
FC_OP uint64_t crc_word(uint64_t state, uint64_t word) { return __crc32cd((uint32_t)state, word); }

FC_OP uint64_t crc_pmull(uint64_t a, uint64_t b)
{
    return vgetq_lane_u64(vreinterpretq_u64_p128(vmull_p64((poly64_t)a, (poly64_t)b)), 0);
}

/* The carry-less product of two registers. */
FC_OP uint64_t crc_product(uint64_t state, uint32_t by)
{
    return crc_has_pmull() ? crc_pmull(state, by) : crc_product_by_shifts(state, by);
}

/* A vector of message: load, store, add a register to its first word, move onto another. */
typedef uint64x2_t fold128;
FC_OP fold128 fold128_load(const uint8_t *at) { return vreinterpretq_u64_u8(vld1q_u8(at)); }
FC_OP void fold128_store(uint8_t *at, fold128 v) { vst1q_u8(at, vreinterpretq_u8_u64(v)); }
FC_OP fold128 fold128_add_state(fold128 v, uint64_t state)
{
    return veorq_u64(v, vcombine_u64(vcreate_u64(state), vcreate_u64(0)));
}
FC_OP fold128 fold128_keys(uint32_t first, uint32_t second)
{
    return vcombine_u64(vcreate_u64(first), vcreate_u64(second));
}
FC_OP fold128 fold128_move(fold128 v, fold128 keys, fold128 onto)
{
    const poly64x2_t a = vreinterpretq_p64_u64(v), b = vreinterpretq_p64_u64(keys);
    const poly128_t first = vmull_p64(vgetq_lane_p64(a, 0), vgetq_lane_p64(b, 0));
    const poly128_t second = vmull_high_p64(a, b);
    return veorq_u64(veorq_u64(vreinterpretq_u64_p128(first), onto),
                     vreinterpretq_u64_p128(second));
}

#define FOLD            fold128
#define FOLD_LANE_WORDS 3
#include "kernels/crc32c_fold.inc.h"

FC_OP uint64_t crc_fold(uint64_t state, const uint8_t **data, size_t *length)
{
    return crc_has_pmull() ? fold128_long(state, data, length) : state;
}
#define CRC_FOLD           crc_fold
#define CRC_FOLD_BYTES_MIN 1024
