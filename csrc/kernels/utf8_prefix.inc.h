/*
 * utf8_prefix - length of the longest well-formed UTF-8 prefix (Unicode 16, table 3-7).
 *
 * Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte", SPE 51(5),
 * 2021: three 16-entry lookups, by the high and low nibble of the byte before and the
 * high nibble of the byte itself, each give the set of faults that are still possible;
 * their AND is the fault. What needs a look further back is whether this byte must be a
 * third or fourth one. Rounds of pure ASCII skip all of it.
 *
 * The bytes before come from loads at at - 1, at - 2 and at - 3 rather than from shifts
 * across vectors: the same on every ISA, whatever the vector's length. So the first
 * three bytes are checked one by one. A fault is only known to lie in the round, so the
 * round is read again, one sequence at a time, to say exactly where.
 */

/* Bytes of the well-formed sequence at `at`, 0 where there is none. */
FC_OP size_t utf8_sequence(const uint8_t *at, size_t left)
{
    const uint8_t lead = at[0];
    uint8_t second_min = 0x80, second_max = 0xBF;

    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    const size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < bytes)
        return 0;
    if (lead == 0xE0)
        second_min = 0xA0; /* below: overlong */
    if (lead == 0xED)
        second_max = 0x9F; /* above: surrogates */
    if (lead == 0xF0)
        second_min = 0x90; /* below: overlong */
    if (lead == 0xF4)
        second_max = 0x8F; /* above: beyond U+10FFFF */
    if (at[1] < second_min || at[1] > second_max)
        return 0;
    for (size_t i = 2; i < bytes; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return bytes;
}

/* From `at`, the start of a sequence, to the first fault or the first start at or past `stop`. */
FC_OP size_t utf8_walk(const uint8_t *text, size_t at, size_t stop, size_t length, int *fault)
{
    *fault = 0;
    while (at < stop) {
        if (at + 8 <= length && !(fc_load_le64(text + at) & 0x8080808080808080u)) {
            at += 8;
            continue;
        }
        const size_t bytes = utf8_sequence(text + at, length - at);
        if (bytes == 0) {
            *fault = 1;
            return at;
        }
        at += bytes;
    }
    return at;
}

#if VEC_HAS_LOOKUP16

/* The faults, a bit each, seen from the byte before (first) and the byte itself (second). */
enum {
    TOO_SHORT = 1 << 0,      /* a lead, then no continuation */
    TOO_LONG = 1 << 1,       /* ASCII, then a continuation */
    OVERLONG_3 = 1 << 2,     /* E0, then below A0 */
    TOO_LARGE = 1 << 3,      /* F4, then 90 or above; F5 or above */
    SURROGATE = 1 << 4,      /* ED, then A0 or above */
    OVERLONG_2 = 1 << 5,     /* C0 or C1 */
    TOO_LARGE_1000 = 1 << 6, /* F5 or above, then 80..8F */
    OVERLONG_4 = 1 << 6,     /* F0, then below 90: shares a bit, the low nibble tells them apart */
    TWO_CONTS = 1 << 7,      /* two continuations: right only after a lead of three or more */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS /* what the low nibble of the first cannot exclude */
};

static const uint8_t utf8_first_high[16] = {TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TOO_LONG,
                                            TWO_CONTS,
                                            TWO_CONTS,
                                            TWO_CONTS,
                                            TWO_CONTS,
                                            TOO_SHORT | OVERLONG_2,             /* C_ */
                                            TOO_SHORT,                          /* D_ */
                                            TOO_SHORT | OVERLONG_3 | SURROGATE, /* E_ */
                                            TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 |
                                                OVERLONG_4}; /* F_ */

static const uint8_t utf8_first_low[16] = {CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, /* _0 */
                                           CARRY | OVERLONG_2,                           /* _1 */
                                           CARRY,
                                           CARRY,
                                           CARRY | TOO_LARGE, /* _4 */
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE, /* _D */
                                           CARRY | TOO_LARGE | TOO_LARGE_1000,
                                           CARRY | TOO_LARGE | TOO_LARGE_1000};

static const uint8_t utf8_second_high[16] = {
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4, /* 8_ */
    TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE,                   /* 9_ */
    TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,                    /* A_ */
    TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,                    /* B_ */
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT};

/* Not zero where the bytes of a vector, or what stands before them, break the rules. */
FC_OP vec utf8_faults(const uint8_t *at, vec first_high, vec first_low, vec second_high)
{
    const vec low4 = vec_splat(0x0F);
    const vec before = vec_load(at - 1);
    const vec faults = vec_and(vec_and(vec_lookup16(first_high, vec_shr4(before)),
                                       vec_lookup16(first_low, vec_and(before, low4))),
                               vec_lookup16(second_high, vec_shr4(vec_load(at))));
    /* Bit 7 where a third or fourth byte is due: there, and only there, TWO_CONTS is right. */
    const vec third = vec_sub_sat(vec_load(at - 2), vec_splat(0xE0 - 0x80));
    const vec fourth = vec_sub_sat(vec_load(at - 3), vec_splat(0xF0 - 0x80));
    return vec_xor(vec_and(vec_or(third, fourth), vec_splat(0x80)), faults);
}

/* A lead too near the end of text[0 .. at) for its sequence to be whole. */
FC_OP int utf8_is_cut(const uint8_t *text, size_t at)
{
    return text[at - 1] >= 0xC0 || text[at - 2] >= 0xE0 || text[at - 3] >= 0xF0;
}

/* The start of the sequence that text[at] belongs to or follows, at most 3 bytes back. */
FC_OP size_t utf8_sequence_start(const uint8_t *text, size_t at)
{
    for (size_t back = 1; back <= 3 && back <= at; back++)
        if (text[at - back] >= 0xC0)
            return at - back;
    return at;
}

static size_t FC_SYM(utf8_prefix)(const uint8_t *text, size_t length)
{
    const vec first_high = vec_table16(utf8_first_high);
    const vec first_low = vec_table16(utf8_first_low);
    const vec second_high = vec_table16(utf8_second_high);
    const size_t step = vec_bytes();
    int fault, after_others = 1;
    size_t at = utf8_walk(text, 0, length < 3 ? length : 3, length, &fault);

    if (fault || at >= length)
        return at;
    /* From here text[0 .. at) is well-formed, but for a sequence that goes on past `at`. */
    for (; at + 4 * step <= length; at += 4 * step) {
        const vec ab = vec_or(vec_load(text + at), vec_load(text + at + step));
        const vec cd = vec_or(vec_load(text + at + 2 * step), vec_load(text + at + 3 * step));

        if (!vec_any_high(vec_or(ab, cd))) {
            if (after_others && utf8_is_cut(text, at))
                break;
            after_others = 0;
            continue;
        }
        after_others = 1;
        const vec a = utf8_faults(text + at, first_high, first_low, second_high);
        const vec b = utf8_faults(text + at + step, first_high, first_low, second_high);
        const vec c = utf8_faults(text + at + 2 * step, first_high, first_low, second_high);
        const vec d = utf8_faults(text + at + 3 * step, first_high, first_low, second_high);
        if (vec_any(vec_or(vec_or(a, b), vec_or(c, d))))
            break;
    }
    return utf8_walk(text, utf8_sequence_start(text, at), length, length, &fault);
}

#else

static size_t FC_SYM(utf8_prefix)(const uint8_t *text, size_t length)
{
    int fault;
    return utf8_walk(text, 0, length, length, &fault);
}

#endif
