/*
 * find_any - offset of the first member of `set` in text[0 .. length), or `length`.
 *
 * Two lookups by nibble tell membership in a set that has buckets, three in any other
 * (fc_byteset); with MATCH (SVE2) a set of up to 16 bytes takes one instruction. Rounds and tail
 * are those of find_byte. Without lookups: a table, byte by byte.
 */
#if VEC_HAS_LOOKUP16

enum set_kind { SET_ANY, SET_BUCKETS, SET_FEW };

/* Not 0 in the lanes of members. x, y: the two tables of the kind, or x: the few members. */
FC_OP vec members(vec a, vec x, vec y, enum set_kind kind)
{
#if VEC_HAS_MATCH16
    if (kind == SET_FEW)
        return vec_match16(a, x);
#endif
    return kind == SET_BUCKETS ? vec_in_buckets(a, x, y) : vec_in(a, x, y);
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
    if (set->count == 0)
        return length;
#if VEC_HAS_MATCH16
    if (set->count <= sizeof set->bytes) {
        const vec few = vec_table16(set->bytes);
        return find_members(text, length, few, few, SET_FEW);
    }
#endif
    if (set->bucketed)
        return find_members(text, length, vec_table16(set->bucket_low),
                            vec_table16(set->bucket_high), SET_BUCKETS);
    return find_members(text, length, vec_table16(set->rows_low), vec_table16(set->rows_high),
                        SET_ANY);
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
