/*
 * bucket_starts - places where one of many literals may start, by their first bytes.
 *
 * Teddy (from Hyperscan; Wang et al., NSDI 2019, section 4; the memchr crate's description):
 * literals are dealt into 8 buckets, one bit each. For the first, second and third byte
 * there is a table from each nibble to the buckets that have a literal with it there;
 * the AND of all six lookups is the set of buckets that may start at a place.
 */
typedef struct bucket_scan {
    int64_t *out;
    size_t count, capacity, stop;
} bucket_scan;

#if VEC_HAS_LOOKUP16

FC_OP vec bucket_of(const uint8_t *at, vec low, vec high)
{
    const vec bytes = vec_load(at);
    return vec_and(vec_lookup16(low, vec_and(bytes, vec_splat(0x0F))),
                   vec_lookup16(high, vec_shr4(bytes)));
}

FC_OP int bucket_emit(bucket_scan *scan, size_t base, mask may_start)
{
    for (hits left = mask_hits(may_start); hits_any(left); left = hits_drop_first(left)) {
        const size_t start = base + hits_first(left);
        if (scan->count == scan->capacity) {
            scan->stop = start;
            return 0;
        }
        scan->out[scan->count++] = (int64_t)start;
    }
    return 1;
}

#endif

FC_OP uint8_t bucket_at(const uint8_t *text, const fc_buckets *buckets)
{
    uint8_t bits = 0xFF;
    for (size_t i = 0; i < FC_BUCKET_BYTES; i++)
        bits &= buckets->low[i][text[i] & 15] & buckets->high[i][text[i] >> 4];
    return bits;
}

static size_t FC_SYM(bucket_starts)(const uint8_t *text, size_t length, const fc_buckets *buckets,
                                    size_t *at, int64_t *out, size_t capacity)
{
    size_t start = *at;

    if (length < FC_BUCKET_BYTES || start > length - FC_BUCKET_BYTES)
        return 0;
    const size_t starts = length - FC_BUCKET_BYTES + 1;
    bucket_scan scan = {.out = out, .capacity = capacity, .stop = starts};
#if VEC_HAS_LOOKUP16
    const size_t step = vec_bytes();
    const vec low0 = vec_table16(buckets->low[0]), high0 = vec_table16(buckets->high[0]);
    const vec low1 = vec_table16(buckets->low[1]), high1 = vec_table16(buckets->high[1]);
    const vec low2 = vec_table16(buckets->low[2]), high2 = vec_table16(buckets->high[2]);

    for (; start + 2 * step <= starts; start += 2 * step) {
        const uint8_t *const next = text + start + step;
        const vec a = vec_and(
            vec_and(bucket_of(text + start, low0, high0), bucket_of(text + start + 1, low1, high1)),
            bucket_of(text + start + 2, low2, high2));
        const vec b =
            vec_and(vec_and(bucket_of(next, low0, high0), bucket_of(next + 1, low1, high1)),
                    bucket_of(next + 2, low2, high2));
        if (vec_any(vec_or(a, b)) && !(bucket_emit(&scan, start, vec_nonzero(a)) &&
                                       bucket_emit(&scan, start + step, vec_nonzero(b)))) {
            *at = scan.stop;
            return scan.count;
        }
    }
#endif
    for (; start < starts; start++)
        if (bucket_at(text + start, buckets)) {
            if (scan.count == scan.capacity) {
                scan.stop = start;
                break;
            }
            out[scan.count++] = (int64_t)start;
        }
    *at = scan.stop;
    return scan.count;
}
