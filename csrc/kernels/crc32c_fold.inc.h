/*
 * crc32c_fold.inc.h - a long message: three CRC lanes and four folded vectors at once.
 *
 * The CRC unit takes 8 bytes a cycle and the multiplier works beside it, so a chunk is
 * cut into a part for each, in a proportion that keeps both busy (Peter Cawley, "Faster
 * CRC32-C on x86", 2022, and fast-crc32, for the combination; Gopal et al., "Fast CRC
 * computation for generic polynomials using PCLMULQDQ", Intel, 2009, for folding):
 *
 *     |- vectors: rounds x FOLD_VECTORS -|- a -|- b -|- c -|    a lane: rounds x FOLD_LANE_WORDS
 *
 * Each round moves every vector over the FOLD_VECTORS vectors of a round and adds the
 * next ones. At the end the vectors are folded into one, which goes through the CRC
 * unit like a message; then the four registers meet as in crc_lanes().
 *
 * Included with FOLD (the vocabulary: fold128, fold256, fold512) and FOLD_LANE_WORDS
 * (how many words a lane takes in a round) defined; both are gone afterwards.
 */
#define FOLD_OP(op)      FC_CAT(FC_CAT(FOLD, _), op)
#define FOLD_VECTORS     4
#define FOLD_WORDS       (sizeof(FOLD) / 8)
#define FOLD_LANE_BYTES  (8 * FOLD_LANE_WORDS)
#define FOLD_ROUND_BYTES (FOLD_VECTORS * sizeof(FOLD) + 3 * FOLD_LANE_BYTES)
/* The vectors are moved over three lanes, and the table of shifts ends somewhere. */
#define FOLD_ROUNDS_MAX  ((FC_CRC32C_SHIFT_COUNT - 1) / (3 * FOLD_LANE_WORDS))
#define FOLD_ROUNDS_MIN  3 /* fewer are not worth the end of a chunk */

/* The keys that move a vector over `words` words. */
FC_OP FOLD FOLD_OP(keys_over)(size_t words)
{
    return FOLD_OP(keys)(fc_crc32c_shift[words + 1], fc_crc32c_shift[words]);
}

FC_OP uint64_t FOLD_OP(chunk)(uint64_t state, const uint8_t *data, size_t rounds)
{
    const size_t lane = rounds * FOLD_LANE_BYTES;
    const uint8_t *at_v = data, *at_a = data + rounds * FOLD_VECTORS * sizeof(FOLD);
    const FOLD keys = FOLD_OP(keys_over)(FOLD_VECTORS * FOLD_WORDS);
    FOLD v0 = FOLD_OP(add_state)(FOLD_OP(load)(at_v), state);
    FOLD v1 = FOLD_OP(load)(at_v + sizeof(FOLD));
    FOLD v2 = FOLD_OP(load)(at_v + 2 * sizeof(FOLD));
    FOLD v3 = FOLD_OP(load)(at_v + 3 * sizeof(FOLD));
    uint64_t a = 0, b = 0, c = 0;

    for (size_t round = 1; round < rounds; round++) {
        at_v += FOLD_VECTORS * sizeof(FOLD);
        v0 = FOLD_OP(move)(v0, keys, FOLD_OP(load)(at_v));
        v1 = FOLD_OP(move)(v1, keys, FOLD_OP(load)(at_v + sizeof(FOLD)));
        v2 = FOLD_OP(move)(v2, keys, FOLD_OP(load)(at_v + 2 * sizeof(FOLD)));
        v3 = FOLD_OP(move)(v3, keys, FOLD_OP(load)(at_v + 3 * sizeof(FOLD)));
        for (size_t i = 0; i < FOLD_LANE_BYTES; i += 8) {
            a = crc_word(a, fc_load_le64(at_a + i));
            b = crc_word(b, fc_load_le64(at_a + lane + i));
            c = crc_word(c, fc_load_le64(at_a + 2 * lane + i));
        }
        at_a += FOLD_LANE_BYTES;
    }

    const FOLD over_one = FOLD_OP(keys_over)(FOLD_WORDS);
    const FOLD over_two = FOLD_OP(keys_over)(2 * FOLD_WORDS);
    uint8_t rest[sizeof(FOLD)];
    uint64_t v = 0;

    FOLD_OP(store)
    (rest,
     FOLD_OP(move)(FOLD_OP(move)(v0, over_one, v1), over_two, FOLD_OP(move)(v2, over_one, v3)));
    for (size_t i = 0; i < sizeof rest; i += 8)
        v = crc_word(v, fc_load_le64(rest + i));

    for (size_t i = 0; i < FOLD_LANE_BYTES; i += 8) {
        a = crc_word(a, fc_load_le64(at_a + i));
        b = crc_word(b, fc_load_le64(at_a + lane + i));
        if (i + 8 < FOLD_LANE_BYTES)
            c = crc_word(c, fc_load_le64(at_a + 2 * lane + i));
    }
    const uint64_t moved = crc_product(v, fc_crc32c_shift[3 * lane / 8]) ^
                           crc_product(a, fc_crc32c_shift[2 * lane / 8]) ^
                           crc_product(b, fc_crc32c_shift[lane / 8]);
    return crc_word(c, fc_load_le64(at_a + 2 * lane + FOLD_LANE_BYTES - 8) ^ moved);
}

/* Takes whole chunks off the front of the message. */
static uint64_t FOLD_OP(long)(uint64_t state, const uint8_t **data, size_t *length)
{
    while (*length >= FOLD_ROUNDS_MIN * FOLD_ROUND_BYTES) {
        size_t rounds = *length / FOLD_ROUND_BYTES;
        if (rounds > FOLD_ROUNDS_MAX)
            rounds = FOLD_ROUNDS_MAX;
        state = FOLD_OP(chunk)(state, *data, rounds);
        *data += rounds * FOLD_ROUND_BYTES;
        *length -= rounds * FOLD_ROUND_BYTES;
    }
    return state;
}

#undef FOLD
#undef FOLD_LANE_WORDS
#undef FOLD_OP
#undef FOLD_VECTORS
#undef FOLD_WORDS
#undef FOLD_LANE_BYTES
#undef FOLD_ROUND_BYTES
#undef FOLD_ROUNDS_MAX
#undef FOLD_ROUNDS_MIN
