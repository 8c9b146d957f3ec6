/*
 * crc32c - CRC-32C of a message in pieces; the contract is in kernels.h.
 *
 * Three ways, by length, over the operations of FC_CRC32C (crc32c_x86.h and its
 * neighbours):
 *
 *   short    one step per 8 bytes, each waiting for the one before: about 3 cycles
 *   middle   three lanes, as a CRC instruction starts every cycle but takes three
 *   long     crc32c_fold.inc.h: lanes and carry-less folding at the same time
 *
 * Lanes (Gopal et al., "Fast CRC computation for iSCSI polynomial using CRC32
 * instruction", Intel, 2011):
 *
 *     |---- a: k words ----|---- b: k words ----|---- c: k words and a few ----|
 *
 * a and b are moved to the end by a carry-less product with a power of x (see
 * tools/crc32c_constants.py). The products, read as message words, are added to
 * the last word of c, so that its step also does theirs; the few words more that
 * c has are steps taken while the products are under way.
 */
#include "kernels/crc32c.h"

/* The carry-less product of two registers, where no instruction has it. */
FC_OP uint64_t crc_product_by_shifts(uint64_t a, uint32_t b)
{
    uint64_t sum = 0;
    for (int i = 0; i < 32; i++)
        sum ^= (a << i) & (0 - (uint64_t)(b >> i & 1));
    return sum;
}

#include FC_CRC32C

/* Steps over the last 1 to 8 bytes of a message, which `word` holds in its highest bytes. */
FC_OP uint64_t crc_tail(uint64_t state, uint64_t word, size_t count)
{
    const unsigned gap = 64 - 8 * (unsigned)count;
    /* Zero bytes before a zero state change nothing, so the tail can be moved to the end of a
     * word; what of the state reaches beyond a tail shorter than itself needs no step. */
    const uint64_t beyond = (state >> (56 - gap)) >> 8;
    return beyond ^ crc_word(0, ((word >> gap) ^ state) << gap);
}

/* Any length; the way for short ones. */
FC_OP uint64_t crc_serial(uint64_t state, const uint8_t *data, size_t length)
{
    if (length == 0)
        return state;
    if (length < 8)
        return crc_tail(state, fc_load_le64_part(data, length) << (64 - 8 * length), length);

    const uint64_t last = fc_load_le64(data + length - 8);
    for (; length > 8; data += 8, length -= 8)
        state = crc_word(state, fc_load_le64(data));
    if (length == 8)
        return crc_word(state, last); /* sooner by what moving the tail takes: 1 ns of 9 */
    return crc_tail(state, last, length);
}

/* `words` is at least 5 and below FC_CRC32C_SHIFT_COUNT. */
FC_OP uint64_t crc_lanes(uint64_t state, const uint8_t *data, size_t words)
{
    const size_t lane = (words - 2) / 3; /* leaves c two to four words more */
    const uint8_t *at_b = data + 8 * lane, *at_c = at_b + 8 * lane;
    const uint8_t *const last = data + 8 * (words - 1);
    uint64_t a = state, b = 0, c = 0;

    for (; data < at_b; data += 8) {
        a = crc_word(a, fc_load_le64(data));
        b = crc_word(b, fc_load_le64(data + 8 * lane));
        c = crc_word(c, fc_load_le64(at_c));
        at_c += 8;
    }
    const uint64_t moved = crc_product(a, fc_crc32c_shift[words - lane]) ^
                           crc_product(b, fc_crc32c_shift[words - 2 * lane]);
    for (; at_c < last; at_c += 8)
        c = crc_word(c, fc_load_le64(at_c));
    return crc_word(c, fc_load_le64(last) ^ moved);
}

/* Out of line, like the next: a short message shall not pay for the registers that these save. */
static FC_NOINLINE uint64_t FC_SYM(crc32c_middle)(uint64_t state, const uint8_t *data,
                                                  size_t length)
{
    while (length > 8 * crc_serial_words_max()) {
        size_t words = (length - 1) / 8;
        if (words >= FC_CRC32C_SHIFT_COUNT)
            words = FC_CRC32C_SHIFT_COUNT - 1;
        state = crc_lanes(state, data, words);
        data += 8 * words;
        length -= 8 * words;
    }
    return crc_serial(state, data, length);
}

#ifdef CRC_FOLD
static FC_NOINLINE uint64_t FC_SYM(crc32c_long)(uint64_t state, const uint8_t *data, size_t length)
{
    state = CRC_FOLD(state, &data, &length);
    return FC_SYM(crc32c_middle)(state, data, length);
}
#endif

static uint32_t FC_SYM(crc32c)(uint32_t crc, const uint8_t *data, size_t length)
{
    const uint64_t state = ~crc;

    if (length <= 8 * CRC_SERIAL_WORDS_MAX)
        return ~(uint32_t)crc_serial(state, data, length);
#ifdef CRC_FOLD
    if (length >= CRC_FOLD_BYTES_MIN)
        return ~(uint32_t)FC_SYM(crc32c_long)(state, data, length);
#endif
    return ~(uint32_t)FC_SYM(crc32c_middle)(state, data, length);
}
