/*
 * crc32c_scalar.h - CRC-32C without an instruction for it: eight table look-ups a word.
 *
 * "Slicing-by-8" (Kounavis and Berry, "Novel table lookup-based algorithms for
 * high-performance CRC generation", IEEE Trans. Comp. 57(11), 2008). slice[k][b]
 * is the register that byte b leaves behind when k bytes of the same word follow
 * it. A CRC is linear, so a row of 256 is spanned by its 8 powers of two, and
 * bit i of slice k stands for x^(39 - i + 8k); the preprocessor adds them up.
 */

#define CRC_BIT(b, i, x) (((b) >> (i)) & 1 ? (x) : 0)
#define CRC_1(b, x7, x6, x5, x4, x3, x2, x1, x0)                                                   \
    (CRC_BIT(b, 0, x0) ^ CRC_BIT(b, 1, x1) ^ CRC_BIT(b, 2, x2) ^ CRC_BIT(b, 3, x3) ^               \
     CRC_BIT(b, 4, x4) ^ CRC_BIT(b, 5, x5) ^ CRC_BIT(b, 6, x6) ^ CRC_BIT(b, 7, x7))
#define CRC_4(b, ...)                                                                              \
    CRC_1(b, __VA_ARGS__), CRC_1(b + 1, __VA_ARGS__), CRC_1(b + 2, __VA_ARGS__),                   \
        CRC_1(b + 3, __VA_ARGS__)
#define CRC_16(b, ...)                                                                             \
    CRC_4(b, __VA_ARGS__), CRC_4(b + 4, __VA_ARGS__), CRC_4(b + 8, __VA_ARGS__),                   \
        CRC_4(b + 12, __VA_ARGS__)
#define CRC_64(b, ...)                                                                             \
    CRC_16(b, __VA_ARGS__), CRC_16(b + 16, __VA_ARGS__), CRC_16(b + 32, __VA_ARGS__),              \
        CRC_16(b + 48, __VA_ARGS__)
#define CRC_SLICE(...)                                                                             \
    {                                                                                              \
        CRC_64(0, __VA_ARGS__), CRC_64(64, __VA_ARGS__), CRC_64(128, __VA_ARGS__),                 \
            CRC_64(192, __VA_ARGS__)                                                               \
    }
#define CRC_X(e) FC_CRC32C_X_##e

static const uint32_t crc_slice[8][256] = {
    CRC_SLICE(CRC_X(32), CRC_X(33), CRC_X(34), CRC_X(35), CRC_X(36), CRC_X(37), CRC_X(38),
              CRC_X(39)),
    CRC_SLICE(CRC_X(40), CRC_X(41), CRC_X(42), CRC_X(43), CRC_X(44), CRC_X(45), CRC_X(46),
              CRC_X(47)),
    CRC_SLICE(CRC_X(48), CRC_X(49), CRC_X(50), CRC_X(51), CRC_X(52), CRC_X(53), CRC_X(54),
              CRC_X(55)),
    CRC_SLICE(CRC_X(56), CRC_X(57), CRC_X(58), CRC_X(59), CRC_X(60), CRC_X(61), CRC_X(62),
              CRC_X(63)),
    CRC_SLICE(CRC_X(64), CRC_X(65), CRC_X(66), CRC_X(67), CRC_X(68), CRC_X(69), CRC_X(70),
              CRC_X(71)),
    CRC_SLICE(CRC_X(72), CRC_X(73), CRC_X(74), CRC_X(75), CRC_X(76), CRC_X(77), CRC_X(78),
              CRC_X(79)),
    CRC_SLICE(CRC_X(80), CRC_X(81), CRC_X(82), CRC_X(83), CRC_X(84), CRC_X(85), CRC_X(86),
              CRC_X(87)),
    CRC_SLICE(CRC_X(88), CRC_X(89), CRC_X(90), CRC_X(91), CRC_X(92), CRC_X(93), CRC_X(94),
              CRC_X(95)),
};

/* The register `state` moved over one word of message. */
FC_OP uint64_t crc_word(uint64_t state, uint64_t word)
{
    const uint64_t w = word ^ state;
    return crc_slice[7][w & 255] ^ crc_slice[6][w >> 8 & 255] ^ crc_slice[5][w >> 16 & 255] ^
           crc_slice[4][w >> 24 & 255] ^ crc_slice[3][w >> 32 & 255] ^ crc_slice[2][w >> 40 & 255] ^
           crc_slice[1][w >> 48 & 255] ^ crc_slice[0][w >> 56];
}

/* The carry-less product of two registers. */
FC_OP uint64_t crc_product(uint64_t state, uint32_t by) { return crc_product_by_shifts(state, by); }

/* Three lanes overlap the latency of the look-ups; the products must be few for it to pay. */
#define CRC_SERIAL_WORDS_MAX 96
FC_OP size_t crc_serial_words_max(void) { return CRC_SERIAL_WORDS_MAX; }
