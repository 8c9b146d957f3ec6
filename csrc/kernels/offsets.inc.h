/*
 * offsets_byte, offsets_any - base + offset of every hit, ascending.
 *
 * 64 bytes become a mask, the mask becomes offsets. Where hits are sparse the branch
 * on their number is what costs, so a block always stores FEW places and moves on by
 * the true count; only a fuller block takes the loop. (Simdjson's flatten_bits, for
 * 64-bit offsets; Langdale and Lemire, 2019, section 3.1.4.) The places stored beyond
 * the count are why the contract keeps FC_OFFSETS_SLACK of them free.
 */
#if !BLOCK64_HAS_COMPRESS
FC_OP size_t block64_emit(uint64_t bits, int64_t at, int64_t *out)
{
    enum { FEW = 4 };
    const size_t count = (size_t)fc_popcount64(bits);
    size_t i = 0;

    if (bits == 0)
        return 0;
    do {
        for (size_t k = 0; k < FEW; k++) {
            out[i + k] = at + fc_ctz64(bits | (uint64_t)1 << 63);
            bits &= bits - 1;
        }
        i += FEW;
    } while (FC_UNLIKELY(i < count));
    return count;
}
#endif

FC_OP size_t emit_all(const uint8_t *text, size_t length, uint8_t byte, const block64_set *set,
                      int64_t base, int64_t *out, size_t capacity, size_t *consumed)
{
    size_t at = 0, count = 0;

    for (; at + 64 <= length && count + FC_OFFSETS_SLACK <= capacity; at += 64) {
        const block64 b = block64_load(text + at);
        const uint64_t hit = set ? block64_in(b, *set) : block64_eq(b, byte);
        count += block64_emit(hit, base + (int64_t)at, out + count);
    }
    if (at < length && length - at < 64 && count + FC_OFFSETS_SLACK <= capacity) {
        const size_t left = length - at;
        const block64 b = block64_load_tail(text + at, left);
        const uint64_t hit = set ? block64_in(b, *set) : block64_eq(b, byte);
        count += block64_emit(hit & fc_low_bits64(left), base + (int64_t)at, out + count);
        at = length;
    }
    *consumed = at;
    return count;
}

static size_t FC_SYM(offsets_byte)(const uint8_t *text, size_t length, uint8_t byte, int64_t base,
                                   int64_t *out, size_t capacity, size_t *consumed)
{
    return emit_all(text, length, byte, NULL, base, out, capacity, consumed);
}

static size_t FC_SYM(offsets_any)(const uint8_t *text, size_t length, const fc_byteset *set,
                                  int64_t base, int64_t *out, size_t capacity, size_t *consumed)
{
    const block64_set members = block64_set_make(set->member, set->rows_low, set->rows_high);
    return emit_all(text, length, 0, &members, base, out, capacity, consumed);
}
