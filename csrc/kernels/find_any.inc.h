/*
 * find_any - offset of the first member of `set` in text[0 .. length), or `length`.
 *
 * Two lookups by nibble tell membership (fc_byteset); with MATCH (SVE2) a set of up to
 * 16 bytes takes one instruction. Rounds and tail as in find_byte. Without lookups: a
 * table, byte by byte.
 */
#if VEC_HAS_LOOKUP16

/* x and y: the rows of the set or, when `few`, the members themselves twice. */
FC_OP mask members(vec a, vec x, vec y, int few)
{
#if VEC_HAS_MATCH16
    if (few)
        return vec_match16(a, x);
#endif
    (void)few;
    return vec_in(a, x, y);
}

FC_OP size_t find_members(const uint8_t *text, size_t length, vec x, vec y, int few)
{
    const size_t step = vec_bytes();
    size_t at = 0;

    if (length < step) {
        const mask hit =
            mask_and(members(vec_load_tail(text, length), x, y, few), mask_first_lanes(length));
        return mask_any(hit) ? mask_first(hit) : length;
    }
    for (; at + 4 * step <= length; at += 4 * step) {
        const mask a = members(vec_load(text + at), x, y, few);
        const mask b = members(vec_load(text + at + step), x, y, few);
        const mask c = members(vec_load(text + at + 2 * step), x, y, few);
        const mask d = members(vec_load(text + at + 3 * step), x, y, few);
        const mask ab = mask_or(a, b);

        if (mask_any(mask_or(ab, mask_or(c, d)))) {
            if (mask_any(ab))
                return mask_any(a) ? at + mask_first(a) : at + step + mask_first(b);
            return mask_any(c) ? at + 2 * step + mask_first(c) : at + 3 * step + mask_first(d);
        }
    }
    for (; at + step <= length; at += step) {
        const mask hit = members(vec_load(text + at), x, y, few);
        if (mask_any(hit))
            return at + mask_first(hit);
    }
    if (at < length) {
        const mask hit = members(vec_load(text + length - step), x, y, few);
        if (mask_any(hit))
            return length - step + mask_first(hit);
    }
    return length;
}

static size_t FC_SYM(find_any)(const uint8_t *text, size_t length, const fc_byteset *set)
{
    if (set->count == 0)
        return length;
#if VEC_HAS_MATCH16
    if (set->count <= 16) {
        const vec wanted = vec_table16(set->bytes);
        return find_members(text, length, wanted, wanted, 1);
    }
#endif
    return find_members(text, length, vec_table16(set->rows_low), vec_table16(set->rows_high), 0);
}

#else

static size_t FC_SYM(find_any)(const uint8_t *text, size_t length, const fc_byteset *set)
{
    size_t at = 0;
    while (at < length && !set->member[text[at]])
        at++;
    return at;
}

#endif
