/* simd/neon_lanes.h - what vec_neon.h and block64_neon.h share; no name of either vocabulary. */
#ifndef FC_NEON_LANES_H
#define FC_NEON_LANES_H

/*
 * 0xFF in the lanes whose byte is a member of the set that the rows describe (see
 * fc_byteset). One lookup serves both tables: low nibble, plus 16 for the upper half.
 */
FC_OP uint8x16_t member_lanes(uint8x16_t a, uint8x16_t rows_low, uint8x16_t rows_high)
{
    const uint8x16x2_t rows = {{rows_low, rows_high}};
    const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    const uint8x16_t upper = vcltzq_s8(vreinterpretq_s8_u8(a));
    const uint8x16_t low = vandq_u8(a, vdupq_n_u8(0x0F));
    const uint8x16_t index = vbslq_u8(vdupq_n_u8(0x10), upper, low);
    return vtstq_u8(vqtbl2q_u8(rows, index), vqtbl1q_u8(bits, vshrq_n_u8(a, 4)));
}

/* Not 0 in the lanes of members, for a set with buckets. */
FC_OP uint8x16_t bucket_lanes(uint8x16_t a, uint8x16_t bucket_low, uint8x16_t bucket_high)
{
    const uint8x16_t low = vqtbl1q_u8(bucket_low, vandq_u8(a, vdupq_n_u8(0x0F)));
    return vandq_u8(low, vqtbl1q_u8(bucket_high, vshrq_n_u8(a, 4)));
}

#endif
