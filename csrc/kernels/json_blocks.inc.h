/*
 * json_blocks - what each byte of JSON text is, 64 bytes at a time; see fc_json_block.
 *
 * A quote opens or closes a string unless a backslash escapes it; the bytes of strings
 * are then the running parity of the quotes, and everything else is a compare. After
 * Langdale and Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 28 (2019),
 * section 3.1. No branch depends on the text.
 */

/*
 * Bytes that are escaped. In a run of backslashes those at even places (counted from
 * its start) escape what follows. Subtracting the run from its own shift with all odd
 * bits set makes a borrow ripple to the run's end, which leaves the places where the
 * run's parity and the bit's parity agree: the add-carry method, without telling even
 * starts from odd ones.
 */
FC_OP uint64_t json_escaped(uint64_t backslash, uint64_t *carry)
{
    const uint64_t odd = 0xAAAAAAAAAAAAAAAAu;
    const uint64_t escaped_before = *carry;
    const uint64_t may_escape = backslash & ~escaped_before;
    const uint64_t escape_and_end = (((may_escape << 1) | odd) - may_escape) ^ odd;

    *carry = (escape_and_end & backslash) >> 63;
    return escape_and_end ^ (backslash | escaped_before);
}

static unsigned FC_SYM(json_blocks)(const uint8_t *text, size_t blocks, fc_json_carry *carry,
                                    fc_json_block *out)
{
    uint64_t escape = carry->escape, in_string = carry->string, in_scalar = carry->scalar;
    uint64_t controls = 0;
    block64 seen = block64_splat(0);

    for (size_t i = 0; i < blocks; i++) {
        const block64 b = block64_load(text + 64 * i);
        /* [ and { differ in 0x20 alone, as do ] and }; no other byte folds onto them. */
        const block64 folded = block64_or(b, block64_splat(0x20));
        const uint64_t backslash = block64_eq(b, '\\');
        const uint64_t quote = block64_eq(b, '"') & ~json_escaped(backslash, &escape);
        const uint64_t string = prefix_xor(quote) ^ in_string;
        const uint64_t open = block64_eq(folded, '{'), close = block64_eq(folded, '}');
        const uint64_t comma = block64_eq(b, ','), colon = block64_eq(b, ':');
        /* Not masked by `string` first: that would make a longer chain of what waits for it. */
        const uint64_t scalar =
            ~(string | (quote | open | close | comma | colon | block64_space(b)));

        out[i].quote = quote;
        out[i].string = string;
        out[i].backslash = backslash;
        out[i].open = open & ~string;
        out[i].close = close & ~string;
        out[i].comma = comma & ~string;
        out[i].colon = colon & ~string;
        out[i].scalar = scalar & ~(scalar << 1 | in_scalar);

        in_string = 0 - (string >> 63);
        in_scalar = scalar >> 63;
        controls |= block64_below(b, 0x20) & string;
        seen = block64_or(seen, b);
    }
    carry->escape = escape;
    carry->string = in_string;
    carry->scalar = in_scalar;
    return (controls ? FC_JSON_HAS_CONTROL : 0u) |
           (block64_any_high(seen) ? FC_JSON_HAS_NON_ASCII : 0u);
}
