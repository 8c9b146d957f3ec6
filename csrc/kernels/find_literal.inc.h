/*
 * literal_offsets - where one literal occurs, by the two of its bytes that are rarest.
 *
 * For 4 vectors of starts at a time: the byte at start + pair[0] is compared with the
 * one wanted, so is the byte at start + pair[1], and a start survives when both hold
 * (Mula, "SIMD-friendly algorithms for substring searching", 2016; which two bytes is
 * the memchr crate's idea: by a table of how frequent bytes are). Survivors are compared
 * in full.
 *
 * That is fast as long as survivors are few or true. A text made so that they are many,
 * and false at their last byte, would cost length x literal: so comparisons are counted,
 * and when they outweigh the scan the kernel stops and says where, and its caller goes
 * on with an automaton.
 */

/* Where an occurrence is compared: eight bytes at a time, both sides in lower case or neither. */
FC_OP uint64_t lower_ascii8(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const uint64_t low7 = word & ~high;
    const uint64_t from_a = low7 + ones * (0x80 - 'A');     /* high bit: 'A' or above */
    const uint64_t past_z = low7 + ones * (0x80 - 'Z' - 1); /* high bit: above 'Z' */
    return word | ((from_a & ~past_z & ~word & high) >> 2);
}

/* How many of the literal's bytes agree at `at`, rounded down to a word unless all of them do. */
FC_OP size_t literal_agrees(const uint8_t *at, const fc_literal *literal)
{
    size_t i = 0;
    while (i < literal->length) {
        const size_t left = literal->length - i;
        uint64_t word = fc_load_le64_part(at + i, left);
        if (literal->fold)
            word = lower_ascii8(word);
        if (word != fc_load_le64_part(literal->bytes + i, left))
            return i;
        i += 8;
    }
    return literal->length;
}

/* Work that comparisons may cost, in bytes: a start, and a share of what was scanned. */
#define LITERAL_WORK_FREE  4096
#define LITERAL_WORK_SHARE 4

typedef struct literal_scan {
    const uint8_t *text;
    const fc_literal *literal;
    int64_t *out;
    size_t count, capacity;
    size_t begin; /* the first start of this call */
    size_t work;  /* spent on comparisons, in bytes */
    size_t stop;  /* where to go on, once `live` is 0 */
    int live;
} literal_scan;

FC_OP void literal_check(literal_scan *scan, size_t start)
{
    if (scan->count == scan->capacity ||
        scan->work > LITERAL_WORK_FREE + (start - scan->begin) / LITERAL_WORK_SHARE) {
        scan->live = 0;
        scan->stop = start;
        return;
    }
    const size_t agrees = literal_agrees(scan->text + start, scan->literal);
    scan->work += agrees / 8;
    if (agrees == scan->literal->length)
        scan->out[scan->count++] = (int64_t)start;
    else
        scan->work += 8; /* a false survivor: about what its mispredicted branch costs */
}

FC_OP void literal_check_all(literal_scan *scan, size_t base, mask survivors)
{
    for (hits left = mask_hits(survivors); scan->live && hits_any(left);
         left = hits_drop_first(left))
        literal_check(scan, base + hits_first(left));
}

FC_OP mask literal_survivors(const uint8_t *at0, const uint8_t *at1, vec want0, vec want1,
                             vec fold0, vec fold1)
{
    return mask_and(vec_eq(vec_or(vec_load(at0), fold0), want0),
                    vec_eq(vec_or(vec_load(at1), fold1), want1));
}

/* 0x20 for a letter to be found in either case: OR-ing it maps the two, and no other, to one. */
FC_OP uint8_t literal_fold_bit(const fc_literal *literal, uint8_t byte)
{
    return literal->fold && byte >= 'a' && byte <= 'z' ? 0x20 : 0;
}

static size_t FC_SYM(literal_offsets)(const uint8_t *text, size_t length, const fc_literal *literal,
                                      size_t *at, int64_t *out, size_t capacity)
{
    const size_t step = vec_bytes();
    const uint8_t byte0 = literal->bytes[literal->pair[0]];
    const uint8_t byte1 = literal->bytes[literal->pair[1]];
    const vec want0 = vec_splat(byte0), fold0 = vec_splat(literal_fold_bit(literal, byte0));
    const vec want1 = vec_splat(byte1), fold1 = vec_splat(literal_fold_bit(literal, byte1));
    const uint8_t *const at0 = text + literal->pair[0], *const at1 = text + literal->pair[1];
    size_t start = *at;

    if (length < literal->length || start > length - literal->length)
        return 0;
    const size_t starts = length - literal->length + 1;
    literal_scan scan = {.text = text,
                         .literal = literal,
                         .out = out,
                         .capacity = capacity,
                         .begin = start,
                         .stop = starts,
                         .live = 1};

    for (; scan.live && start + 4 * step <= starts; start += 4 * step) {
        const mask a = literal_survivors(at0 + start, at1 + start, want0, want1, fold0, fold1);
        const mask b =
            literal_survivors(at0 + start + step, at1 + start + step, want0, want1, fold0, fold1);
        const mask c = literal_survivors(at0 + start + 2 * step, at1 + start + 2 * step, want0,
                                         want1, fold0, fold1);
        const mask d = literal_survivors(at0 + start + 3 * step, at1 + start + 3 * step, want0,
                                         want1, fold0, fold1);
        if (mask_any(mask_or(mask_or(a, b), mask_or(c, d)))) {
            literal_check_all(&scan, start, a);
            literal_check_all(&scan, start + step, b);
            literal_check_all(&scan, start + 2 * step, c);
            literal_check_all(&scan, start + 3 * step, d);
        }
    }
    for (; scan.live && start + step <= starts; start += step)
        literal_check_all(&scan, start,
                          literal_survivors(at0 + start, at1 + start, want0, want1, fold0, fold1));
    for (; scan.live && start < starts; start++)
        if ((at0[start] | literal_fold_bit(literal, byte0)) == byte0)
            literal_check(&scan, start);
    *at = scan.stop;
    return scan.count;
}
