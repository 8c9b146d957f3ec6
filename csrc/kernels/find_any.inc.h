/*
 * find_any - offset of the first member of `set` in text[0 .. length), or `length`.
 *
 * Two lookups by nibble tell membership (fc_byteset), without those of the upper half
 * when all members are ASCII; with MATCH (SVE2) a set of up to 16 bytes takes one
 * instruction. Rounds and tail are those of find_byte. Without lookups: a table, byte by
 * byte.
 */
#if VEC_HAS_LOOKUP16

enum set_kind { SET_ANY, SET_ASCII, SET_FEW };

/* Not 0 in the lanes of members. x, y: rows_low and rows_high, or x: the few members. */
FC_OP vec members(vec a, vec x, vec y, enum set_kind kind)
{
#if VEC_HAS_MATCH16
    if (kind == SET_FEW)
        return vec_match16(a, x);
#endif
    return kind == SET_ASCII ? vec_in_low(a, x) : vec_in(a, x, y);
}

/* Inlined once for each kind, which is a constant there. */
FC_OP size_t find_members(const uint8_t *text, size_t length, vec x, vec y, enum set_kind kind)
{
    const size_t step = vec_bytes();
    size_t at = 0;

    if (length < step) {
        const mask hit = mask_and(vec_nonzero(members(vec_load_tail(text, length), x, y, kind)),
                                  mask_first_lanes(length));
        return mask_any(hit) ? mask_first(hit) : length;
    }
    for (; at + 4 * step <= length; at += 4 * step) {
        const vec a = members(vec_load(text + at), x, y, kind);
        const vec b = members(vec_load(text + at + step), x, y, kind);
        const vec c = members(vec_load(text + at + 2 * step), x, y, kind);
        const vec d = members(vec_load(text + at + 3 * step), x, y, kind);
        const vec ab = vec_or(a, b);

        if (vec_any(vec_or(ab, vec_or(c, d)))) {
            if (vec_any(ab))
                return vec_any(a) ? at + mask_first(vec_nonzero(a))
                                  : at + step + mask_first(vec_nonzero(b));
            return vec_any(c) ? at + 2 * step + mask_first(vec_nonzero(c))
                              : at + 3 * step + mask_first(vec_nonzero(d));
        }
    }
    for (; at + step <= length; at += step) {
        const vec hit = members(vec_load(text + at), x, y, kind);
        if (vec_any(hit))
            return at + mask_first(vec_nonzero(hit));
    }
    if (at < length) {
        const vec hit = members(vec_load(text + length - step), x, y, kind);
        if (vec_any(hit))
            return length - step + mask_first(vec_nonzero(hit));
    }
    return length;
}

static size_t FC_SYM(find_any)(const uint8_t *text, size_t length, const fc_byteset *set)
{
    const vec low = vec_table16(set->rows_low), high = vec_table16(set->rows_high);

    if (set->count == 0)
        return length;
#if VEC_HAS_MATCH16
    if (set->count <= sizeof set->bytes)
        return find_members(text, length, vec_table16(set->bytes), high, SET_FEW);
#endif
    if (!vec_any(high))
        return find_members(text, length, low, high, SET_ASCII);
    return find_members(text, length, low, high, SET_ANY);
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
