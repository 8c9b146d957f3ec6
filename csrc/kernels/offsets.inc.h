/*
 * offsets_byte, offsets_any - base + offset of every hit, ascending.
 *
 * 64 bytes become a mask, the mask becomes offsets. How many hits a block has cannot be
 * predicted, so branching on it is what would cost: a block always stores FEW places
 * and moves on by the true count, and only a fuller one takes the loop (simdjson's
 * flatten_bits, here for 64-bit offsets; Langdale and Lemire, 2019, section 3.1.4). Four
 * blocks without any hit are skipped at once. The places stored beyond the count are why
 * the contract keeps FC_OFFSETS_SLACK of them free.
 */
#if !BLOCK64_HAS_COMPRESS
/* Store the next `places` hits; what is stored once there are none left means nothing. */
FC_OP uint64_t emit_some(uint64_t bits, size_t places, int64_t at, int64_t *out)
{
    for (size_t k = 0; k < places; k++) {
        uint64_t place = bits_first(bits);
        FC_KEEP_SCALAR(place);
        out[k] = at + (int64_t)place;
        bits &= bits - 1;
    }
    return bits;
}

FC_OP size_t block64_emit(uint64_t bits, int64_t at, int64_t *out)
{
    enum { FEW = 2, MORE = 3 }; /* the fastest of 1..4 each, from 1 hit in 240 bytes to 1 in 12 */
    const size_t count = (size_t)fc_popcount64(bits);

    bits = emit_some(bits, FEW, at, out);
    for (size_t i = FEW; FC_UNLIKELY(i < count); i += MORE)
        bits = emit_some(bits, MORE, at, out + i);
    return count;
}
#endif

/* What is looked for; a constant wherever emit_all() is inlined. */
enum offsets_kind { OFFSETS_BYTE, OFFSETS_BUCKETS, OFFSETS_ANY };

FC_OP lanes64 hits64(block64 b, enum offsets_kind kind, uint8_t byte, block64_set set)
{
    return kind == OFFSETS_BYTE      ? block64_eq(b, byte)
           : kind == OFFSETS_BUCKETS ? block64_in_buckets(b, set)
                                     : block64_in(b, set);
}

/*
 * Unlike a search, which keeps the memory busy by itself, this one spends its time on
 * offsets: asking for lines of text ahead gave 15 to 30 % from memory, at 2 % in cache.
 */
enum { AHEAD = 3072 };

FC_OP size_t emit_all(const uint8_t *text, size_t length, enum offsets_kind kind, uint8_t byte,
                      block64_set set, int64_t base, int64_t *out, size_t capacity,
                      size_t *consumed)
{
    size_t at = 0, count = 0;

    for (; at + 256 <= length && count + 4 * FC_OFFSETS_SLACK <= capacity; at += 256) {
        const lanes64 a = hits64(block64_load(text + at), kind, byte, set);
        const lanes64 b = hits64(block64_load(text + at + 64), kind, byte, set);
        const lanes64 c = hits64(block64_load(text + at + 128), kind, byte, set);
        const lanes64 d = hits64(block64_load(text + at + 192), kind, byte, set);
        const int64_t here = base + (int64_t)at;

        for (size_t line = 0; line < 256; line += 64)
            FC_PREFETCH(text + at + AHEAD + line);

        if (!lanes64_any(lanes64_or(lanes64_or(a, b), lanes64_or(c, d))))
            continue;
        count += block64_emit(lanes64_bits(a), here, out + count);
        count += block64_emit(lanes64_bits(b), here + 64, out + count);
        count += block64_emit(lanes64_bits(c), here + 128, out + count);
        count += block64_emit(lanes64_bits(d), here + 192, out + count);
    }
    for (; at + 64 <= length && count + FC_OFFSETS_SLACK <= capacity; at += 64) {
        const uint64_t hit = lanes64_bits(hits64(block64_load(text + at), kind, byte, set));
        count += block64_emit(hit, base + (int64_t)at, out + count);
    }
    if (at < length && length - at < 64 && count + FC_OFFSETS_SLACK <= capacity) {
        const size_t left = length - at;
        const uint64_t hit =
            lanes64_bits(hits64(block64_load_tail(text + at, left), kind, byte, set));
        count += block64_emit(hit & fc_low_bits64(left), base + (int64_t)at, out + count);
        at = length;
    }
    *consumed = at;
    return count;
}

static size_t FC_SYM(offsets_byte)(const uint8_t *text, size_t length, uint8_t byte, int64_t base,
                                   int64_t *out, size_t capacity, size_t *consumed)
{
    static const uint8_t none[256];
    return emit_all(text, length, OFFSETS_BYTE, byte, block64_set_make(none, none, none), base, out,
                    capacity, consumed);
}

static size_t FC_SYM(offsets_any)(const uint8_t *text, size_t length, const fc_byteset *set,
                                  int64_t base, int64_t *out, size_t capacity, size_t *consumed)
{
    if (set->bucketed)
        return emit_all(text, length, OFFSETS_BUCKETS, 0,
                        block64_set_make(set->member, set->bucket_low, set->bucket_high), base, out,
                        capacity, consumed);
    return emit_all(text, length, OFFSETS_ANY, 0,
                    block64_set_make(set->member, set->rows_low, set->rows_high), base, out,
                    capacity, consumed);
}
