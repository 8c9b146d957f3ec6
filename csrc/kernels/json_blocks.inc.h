/*
 * json_blocks - what each byte of JSON text is, 64 bytes at a time; see fc_json_block.
 *
 * A quote opens or closes a string unless a backslash escapes it; the bytes of strings
 * are then the running parity of the quotes, and everything else is a compare. After
 * Langdale and Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28 (2019),
 * section 3.1. No branch depends on the text but for 64 backslashes in a row.
 *
 * Two steps for a group of WORDS blocks. The first looks at bytes and leaves a few bit
 * planes per block in memory. The second looks at the planes of all WORDS blocks at once,
 * in one vector, as all that it does is arithmetic on 64-bit words; so an AVX2 instruction
 * works for four blocks, an AVX-512 one for eight. It is a long chain of instructions that
 * wait for each other, so the first step of the next group is put in front of it.
 *
 *     text    block 0 | block 1 | block 2 | ...        bytes
 *     planes  p[0][0] p[0][1] p[0][2] ...              64 bits each: one plane of a block
 *     words   { p[0][0] p[0][1] p[0][2] p[0][3] }      the same plane of WORDS blocks
 */
/* Which bytes of WORDS blocks are which, in strings or not. */
typedef struct json_words {
    words quote, backslash, open, close, comma, colon, space, control;
} json_words;

#if BLOCK64_HAS_LOOKUP16
/*
 * Moving a mask out of a vector is dear, so there are five in place of eight. Two lookups
 * by low nibble give the byte that a special one with this low nibble would be; bits 1
 * and 6 tell apart those that pass:
 *
 *            quote 22   space 20   tab 09   newline 0A   return 0D   backslash 5C
 *     bit 6      0          0         0          0           0            1
 *     bit 1      1          0         0          1           0
 *
 *            comma 2C   colon 3A   open 7B (5B)   close 7D (5D)
 *     bit 6      0          0           1              1
 *     bit 1      0          1           1              0
 *
 * [ and { differ in 0x20 alone, as do ] and }, so the second lookup is compared with the
 * byte after setting that bit. 0C and 1A would then pass for comma and colon: the mask
 * of control bytes, wanted anyway, takes them out, as it takes the newline out of the
 * quotes.
 */
enum { JSON_FIRST, JSON_SECOND, JSON_CONTROL, JSON_BIT1, JSON_BIT6, JSON_PLANES };

FC_OP void json_planes(block64 b, uint64_t planes[JSON_PLANES][WORDS], size_t i)
{
    static const uint8_t first[16] = {' ', 0,    '"',  0, 0,    0,    0, 0,
                                      0,   '\t', '\n', 0, '\\', '\r', 0, 0};
    static const uint8_t second[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0};

    lanes64_put(block64_eq_lookup(b, first, b), &planes[JSON_FIRST][i]);
    lanes64_put(block64_eq_lookup(b, second, block64_or(b, block64_splat(0x20))),
                &planes[JSON_SECOND][i]);
    lanes64_put(block64_below(b, 0x20), &planes[JSON_CONTROL][i]);
    lanes64_put(block64_plane(b, 1), &planes[JSON_BIT1][i]);
    lanes64_put(block64_plane(b, 6), &planes[JSON_BIT6][i]);
}

FC_OP json_words json_classify(uint64_t planes[JSON_PLANES][WORDS])
{
    const words control = words_load(planes[JSON_CONTROL]);
    const words bit1 = words_load(planes[JSON_BIT1]);
    const words bit6 = words_load(planes[JSON_BIT6]);
    const words first = words_load(planes[JSON_FIRST]);
    const words second = words_and_not(words_load(planes[JSON_SECOND]), control);
    const words bracket = words_and(second, bit6), separator = words_and_not(second, bit6);
    const words printable = words_and_not(first, control);
    json_words is;

    is.quote = words_and_not(words_and(printable, bit1), bit6);
    is.backslash = words_and(first, bit6);
    is.open = words_and(bracket, bit1);
    is.close = words_and_not(bracket, bit1);
    is.comma = words_and_not(separator, bit1);
    is.colon = words_and(separator, bit1);
    is.space = words_xor(first, words_or(is.quote, is.backslash));
    is.control = control;
    return is;
}
#else
enum {
    JSON_QUOTE,
    JSON_BACKSLASH,
    JSON_OPEN,
    JSON_CLOSE,
    JSON_COMMA,
    JSON_COLON,
    JSON_SPACE,
    JSON_CONTROL,
    JSON_PLANES
};

FC_OP void json_planes(block64 b, uint64_t planes[JSON_PLANES][WORDS], size_t i)
{
    /* [ and { differ in 0x20 alone, as do ] and }; no other byte folds onto them. */
    const block64 folded = block64_or(b, block64_splat(0x20));

    lanes64_put(block64_eq(b, '"'), &planes[JSON_QUOTE][i]);
    lanes64_put(block64_eq(b, '\\'), &planes[JSON_BACKSLASH][i]);
    lanes64_put(block64_eq(folded, '{'), &planes[JSON_OPEN][i]);
    lanes64_put(block64_eq(folded, '}'), &planes[JSON_CLOSE][i]);
    lanes64_put(block64_eq(b, ','), &planes[JSON_COMMA][i]);
    lanes64_put(block64_eq(b, ':'), &planes[JSON_COLON][i]);
    lanes64_put(block64_space(b), &planes[JSON_SPACE][i]);
    lanes64_put(block64_below(b, 0x20), &planes[JSON_CONTROL][i]);
}

FC_OP json_words json_classify(uint64_t planes[JSON_PLANES][WORDS])
{
    return (json_words){
        .quote = words_load(planes[JSON_QUOTE]),
        .backslash = words_load(planes[JSON_BACKSLASH]),
        .open = words_load(planes[JSON_OPEN]),
        .close = words_load(planes[JSON_CLOSE]),
        .comma = words_load(planes[JSON_COMMA]),
        .colon = words_load(planes[JSON_COLON]),
        .space = words_load(planes[JSON_SPACE]),
        .control = words_load(planes[JSON_CONTROL]),
    };
}
#endif

/* What a group of WORDS blocks leaves to the next: each in its last lane. */
typedef struct json_state {
    words escape; /* bit 0: the byte after the group is escaped */
    words string; /* all ones: the group ends inside a string */
    words scalar; /* bit 0: the group ends in a scalar's byte */
} json_state;

/*
 * Backslashes that escape what follows, each with the bit after it. In a run of
 * backslashes those at even places, counted from its start, escape. Subtracting the run
 * from its own shift with all odd bits set makes a borrow ripple to the run's end, which
 * leaves the places where the run's parity and the bit's parity agree.
 */
FC_OP words json_escapes(words run)
{
    const words odd = words_splat(0xAAAAAAAAAAAAAAAAu);
    return words_xor(words_sub(words_or(words_shl(run, 1), odd), run), odd);
}

/*
 * Lane by lane, bit 0: whether the lane's first byte is escaped by the lane below it. That
 * depends on how the lane below ends, and not on its own first byte unless all of it is
 * one run of backslashes: then what came in goes out.
 */
FC_OP words json_escaped_from_below(words backslash, words before)
{
    const words out = words_bit63(words_and(json_escapes(backslash), backslash));
#if WORDS > 1
    if (FC_UNLIKELY(words_any(words_full(backslash)))) {
        uint64_t run[WORDS], in[WORDS], last[WORDS];
        words_store(run, backslash);
        words_store(in, words_from_below(out, before));
        words_store(last, before);
        for (size_t i = 1; i < WORDS; i++)
            if (run[i - 1] == ~(uint64_t)0)
                in[i] = in[i - 1];
        return words_load(in);
    }
#endif
    return words_from_below(out, before);
}

/* Finish a group: its blocks to out[], what it leaves to *state. Gives control bytes in strings. */
FC_OP words json_group(json_words is, json_state *state, uint64_t *out)
{
    const words escaped_before = json_escaped_from_below(is.backslash, state->escape);
    const words escape = json_escapes(words_and_not(is.backslash, escaped_before));
    const words escaped = words_xor(escape, words_or(is.backslash, escaped_before));
    const words quote = words_and_not(is.quote, escaped);

    words string = quote; /* running parity: in each lane, then what comes in from below */
    for (int shift = 1; shift < 64; shift *= 2)
        string = words_xor(string, words_shl(string, shift));
    const words below = words_from_below(words_sign(string), state->string);
    string = words_xor(string, words_prefix_xor(below));

    const words operators = words_or(words_or(is.open, is.close), words_or(is.comma, is.colon));
    const words known = words_or(words_or(operators, is.space), words_or(quote, string));
    const words scalar = words_xor(known, words_splat(~(uint64_t)0));
    const words scalar_out = words_bit63(scalar);
    const words follows =
        words_or(words_shl(scalar, 1), words_from_below(scalar_out, state->scalar));
    const words columns[8] = {
        quote,
        string,
        is.backslash,
        words_and_not(is.open, string),
        words_and_not(is.close, string),
        words_and_not(is.comma, string),
        words_and_not(is.colon, string),
        words_and_not(scalar, follows),
    };

    words_store_columns(out, columns);
    state->escape = words_bit63(words_and(escape, is.backslash));
    state->string = words_sign(string);
    state->scalar = scalar_out;
    return words_and(is.control, string);
}

/* The word of `lane`. */
FC_OP uint64_t words_lane(words a, size_t lane)
{
    uint64_t all[WORDS];
    words_store(all, a);
    return all[lane];
}

/* The planes of the first `count` blocks of a group; the rest of it reads as zero bytes. */
FC_OP void json_scan(const uint8_t *text, size_t count, uint64_t planes[JSON_PLANES][WORDS],
                     block64 *seen)
{
    for (size_t i = 0; i < count; i++) {
        const block64 b = block64_load(text + 64 * i);
        *seen = block64_or(*seen, b);
        json_planes(b, planes, i);
    }
    for (size_t p = 0; p < JSON_PLANES; p++)
        for (size_t i = count; i < WORDS; i++)
            planes[p][i] = 0;
}

static unsigned FC_SYM(json_blocks)(const uint8_t *text, size_t blocks, fc_json_carry *carry,
                                    fc_json_block *out)
{
    const size_t full = blocks / WORDS, left = blocks % WORDS;
    uint64_t planes[2][JSON_PLANES][WORDS];
    uint64_t *const rows = (uint64_t *)out;
    json_state state = {words_splat(carry->escape), words_splat(carry->string),
                        words_splat(carry->scalar)};
    words controls = words_splat(0);
    block64 seen = block64_splat(0);
    size_t last = WORDS - 1;

    if (full)
        json_scan(text, WORDS, planes[0], &seen);
    for (size_t g = 0; g < full; g++) {
        if (g + 1 < full)
            json_scan(text + 64 * WORDS * (g + 1), WORDS, planes[(g + 1) % 2], &seen);
        controls = words_or(controls,
                            json_group(json_classify(planes[g % 2]), &state, rows + 8 * WORDS * g));
    }
    if (left) {
        uint64_t spare[8 * WORDS];
        json_scan(text + 64 * WORDS * full, left, planes[0], &seen);
        controls = words_or(controls, json_group(json_classify(planes[0]), &state, spare));
        memcpy(out + WORDS * full, spare, left * sizeof *out);
        last = left - 1;
    }
    if (blocks) {
        carry->escape = words_lane(state.escape, last);
        carry->string = words_lane(state.string, last);
        carry->scalar = words_lane(state.scalar, last);
    }
    return (words_any(controls) ? FC_JSON_HAS_CONTROL : 0u) |
           (block64_any_high(seen) ? FC_JSON_HAS_NON_ASCII : 0u);
}
