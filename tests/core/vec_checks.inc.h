/*
 * vec_checks.inc.h - every operation of a vocabulary against byte loops.
 *
 * Compiled in place of the kernels (FC_BODIES) inside each isa_*.c file, so that it
 * sees exactly what the kernels see; t_vec.c calls it. check.h comes by -include,
 * to stay outside the target region.
 */
enum { ROUNDS = 300, LANES_MAX = VEC_BYTES_MAX, BLOCK_BYTES = 64 };

/* Bytes that sit at the edges of compares, and any others. */
static void some_bytes(uint8_t *at, size_t count)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x0F, 0x10, 0x1F, 0x20, 0x7F, 0x80, 0x81, 0xFF};
    const size_t style = random_below(3);
    for (size_t i = 0; i < count; i++)
        at[i] = style == 0 ? edges[random_below(sizeof edges)] : (uint8_t)random64();
    if (style == 2 && count)
        memset(at, at[0], count);
}

static void check_mask(mask m, const uint8_t *holds, const char *op)
{
    const size_t lanes = vec_bytes();
    size_t count = 0, first = lanes;
    hits h = mask_hits(m);

    for (size_t i = 0; i < lanes; i++) {
        if (!holds[i])
            continue;
        if (first == lanes)
            first = i;
        count++;
        CHECK_EQ(hits_any(h) != 0, 1, "%s lane %zu", op, i);
        CHECK_EQ(hits_first(h), i, "%s", op);
        h = hits_drop_first(h);
    }
    CHECK_EQ(hits_any(h) != 0, 0, "%s", op);
    CHECK_EQ(mask_any(m) != 0, count != 0, "%s", op);
    CHECK_EQ(mask_count(m), count, "%s", op);
    if (count)
        CHECK_EQ(mask_first(m), first, "%s", op);
}

static void check_vec(vec got, const uint8_t *want, const char *op)
{
    uint8_t bytes[LANES_MAX];
    vec_store(bytes, got);
    for (size_t i = 0; i < vec_bytes(); i++)
        CHECK_EQ(bytes[i], want[i], "%s lane %zu", op, i);
}

/* Fill want[] with an expression of x = a[i], y = b[i]. */
#define EACH(expression)                                                                           \
    for (size_t i = 0; i < lanes; i++) {                                                           \
        const uint8_t x = a[i], y = b[i];                                                          \
        (void)x, (void)y;                                                                          \
        want[i] = (uint8_t)(expression);                                                           \
    }

static void check_ops(void)
{
    const size_t lanes = vec_bytes();
    uint8_t a[LANES_MAX], b[LANES_MAX], want[LANES_MAX];

    some_bytes(a, lanes);
    some_bytes(b, lanes);
    if (random_below(2))
        memcpy(b, a, random_below(lanes + 1));
    const vec va = vec_load(a), vb = vec_load(b);

    check_vec(va, a, "load");
    EACH(0x9C) check_vec(vec_splat(0x9C), want, "splat");
    EACH(x & y) check_vec(vec_and(va, vb), want, "and");
    EACH(x | y) check_vec(vec_or(va, vb), want, "or");
    EACH(x ^ y) check_vec(vec_xor(va, vb), want, "xor");
    EACH(x == y) check_mask(vec_eq(va, vb), want, "eq");
    EACH(x != 0) check_mask(vec_nonzero(va), want, "nonzero");

    int any = 0, any_high = 0;
    size_t sum = 0;
    for (size_t i = 0; i < lanes; i++) {
        any |= a[i] != 0;
        any_high |= a[i] >= 0x80;
        sum += a[i];
    }
    CHECK_EQ(vec_any(va) != 0, any, "any");
    CHECK_EQ(vec_any_high(va) != 0, any_high, "any_high");
    CHECK_EQ(vec_sum(va), sum, "sum");

    EACH((x == y) && i < lanes / 2)
    check_mask(mask_and(vec_eq(va, vb), mask_first_lanes(lanes / 2)), want, "mask_and");
    EACH((x == y) || i < lanes / 2)
    check_mask(mask_or(vec_eq(va, vb), mask_first_lanes(lanes / 2)), want, "mask_or");
    EACH((x & 0x7F) + (x == y)) /* a tally may not pass 255: words would carry to the next lane */
    check_vec(vec_tally(vec_and(va, vec_splat(0x7F)), vec_eq(va, vb)), want, "tally");
}

#if VEC_HAS_LOOKUP16
static void check_lookups(void)
{
    const size_t lanes = vec_bytes();
    uint8_t a[LANES_MAX], b[LANES_MAX], want[LANES_MAX], table[16], members[40];
    fc_byteset set;

    some_bytes(a, lanes);
    some_bytes(b, lanes);
    some_bytes(table, sizeof table);
    some_bytes(members, sizeof members);
    fc_byteset_make(&set, members, random_below(random_below(sizeof members + 1) + 1));
    const vec va = vec_load(a), vb = vec_load(b);

    EACH(x > y ? x - y : 0) check_vec(vec_sub_sat(va, vb), want, "sub_sat");
    EACH(x >> 4) check_vec(vec_shr4(va), want, "shr4");
    EACH(table[i % 16]) check_vec(vec_table16(table), want, "table16");
    EACH(table[x >> 4])
    check_vec(vec_lookup16(vec_table16(table), vec_shr4(va)), want, "lookup16");
    const vec low = vec_table16(set.rows_low), high = vec_table16(set.rows_high);
    EACH(set.member[x]) check_mask(vec_nonzero(vec_in(va, low, high)), want, "in");
    if (set.bucketed) {
        const vec by_low = vec_table16(set.bucket_low), by_high = vec_table16(set.bucket_high);
        EACH(set.member[x])
        check_mask(vec_nonzero(vec_in_buckets(va, by_low, by_high)), want, "in_buckets");
    }
#if VEC_HAS_MATCH16
    EACH(memchr(table, x, 16) != NULL)
    check_mask(vec_nonzero(vec_match16(va, vec_table16(table))), want, "match16");
#endif
}
#endif

/* Tails that start and end at unreadable pages: a byte too many is a crash. */
static void check_tails(uint8_t *pages, size_t bytes)
{
    const size_t lanes = vec_bytes();
    uint8_t want[LANES_MAX];

    for (size_t count = 0; count <= lanes; count++) {
        uint8_t *const places[] = {pages, pages + 1, pages + bytes - count};
        for (size_t p = 0; p < 3; p++) {
            some_bytes(places[p], count);
            memset(want, 0, sizeof want);
            memcpy(want, places[p], count);
            check_vec(vec_load_tail(places[p], count), want, "load_tail");
        }
        for (size_t i = 0; i < lanes; i++)
            want[i] = i < count;
        check_mask(mask_first_lanes(count), want, "first_lanes");
    }
}

static void check_tally_limit(void)
{
    vec tally = vec_splat(0);
    for (int i = 0; i < 255; i++)
        tally = vec_tally(tally, mask_first_lanes(vec_bytes()));
    CHECK_EQ(vec_sum(tally), 255 * vec_bytes(), "tally up to what a lane holds");
}

/* want = bits of an expression of x = a[i]. */
#define BITS(expression)                                                                           \
    want = 0;                                                                                      \
    for (size_t i = 0; i < BLOCK_BYTES; i++) {                                                     \
        const uint8_t x = a[i];                                                                    \
        want |= (uint64_t)((expression) ? 1 : 0) << i;                                             \
    }

static void check_lanes64(lanes64 got, uint64_t want, const char *op)
{
    uint64_t put = ~want;
    lanes64_put(got, &put);
    CHECK_EQ(put, want, "block64 %s, put", op);
    CHECK_EQ(lanes64_bits(got), want, "block64 %s", op);
    CHECK_EQ(lanes64_any(got) != 0, want != 0, "block64 %s, any", op);
}

static void check_block64(void)
{
    uint8_t a[BLOCK_BYTES], members[40];
    uint64_t want;
    fc_byteset set;

    some_bytes(a, sizeof a);
    some_bytes(members, sizeof members);
    fc_byteset_make(&set, members, random_below(random_below(sizeof members + 1) + 1));
    const block64 b = block64_load(a);
    const block64_set in = block64_set_make(set.member, set.rows_low, set.rows_high);
    const uint8_t byte = a[random_below(BLOCK_BYTES)];
    const uint8_t limit = (uint8_t)(1 + random_below(128));

    BITS(x == byte) check_lanes64(block64_eq(b, byte), want, "eq");
    BITS(x < limit) check_lanes64(block64_below(b, limit), want, "below");
    BITS(x >= 0x80) CHECK_EQ(block64_any_high(b) != 0, want != 0, "any_high");
    BITS(set.member[x]) check_lanes64(block64_in(b, in), want, "in");
    if (set.bucketed)
        check_lanes64(
            block64_in_buckets(b, block64_set_make(set.member, set.bucket_low, set.bucket_high)),
            want, "in_buckets");
    BITS((x | byte) == (a[0] | byte))
    check_lanes64(block64_eq(block64_or(b, block64_splat(byte)), a[0] | byte), want, "or, splat");
    BITS(x == byte || x < limit)
    check_lanes64(lanes64_or(block64_eq(b, byte), block64_below(b, limit)), want, "lanes64_or");

#if BLOCK64_HAS_LOOKUP16
    uint8_t table[16];
    some_bytes(table, sizeof table);
    for (size_t i = 0; i < 16; i++)
        table[i] &= 0x7F;
    table[random_below(16)] = byte & 0x7F;
    BITS(x < 0x80 && x == table[x % 16])
    check_lanes64(block64_eq_lookup(b, table, b), want, "lookup");
    BITS(x >> 1 & 1) check_lanes64(block64_plane(b, 1), want, "plane 1");
    BITS(x >> 6 & 1) check_lanes64(block64_plane(b, 6), want, "plane 6");
#else
    BITS(x == ' ' || x == '\t' || x == '\n' || x == '\r')
    check_lanes64(block64_space(b), want, "space");
#endif
}

static void check_words_are(words got, const uint64_t *want, const char *op)
{
    uint64_t lanes[WORDS];
    words_store(lanes, got);
    for (size_t i = 0; i < WORDS; i++)
        CHECK_EQ(lanes[i], want[i], "words %s lane %zu", op, i);
}

/* want[i] = an expression of x = a[i], y = b[i]. */
#define WORDS_EACH(expression, got, op)                                                            \
    for (size_t i = 0; i < WORDS; i++) {                                                           \
        const uint64_t x = a[i], y = b[i];                                                         \
        (void)x, (void)y;                                                                          \
        want[i] = (expression);                                                                    \
    }                                                                                              \
    check_words_are(got, want, op)

static void check_words(void)
{
    uint64_t a[WORDS], b[WORDS], want[WORDS];

    for (size_t i = 0; i < WORDS; i++) {
        a[i] = random_below(4) ? random64() : 0 - (uint64_t)random_below(2);
        b[i] = random64();
    }
    const words va = words_load(a), vb = words_load(b);

    WORDS_EACH(x, va, "load");
    WORDS_EACH(b[0], words_splat(b[0]), "splat");
    WORDS_EACH(x & y, words_and(va, vb), "and");
    WORDS_EACH(x | y, words_or(va, vb), "or");
    WORDS_EACH(x ^ y, words_xor(va, vb), "xor");
    WORDS_EACH(x & ~y, words_and_not(va, vb), "and_not");
    WORDS_EACH(x - y, words_sub(va, vb), "sub");
    WORDS_EACH(x << 1, words_shl(va, 1), "shl 1");
    WORDS_EACH(x << 32, words_shl(va, 32), "shl 32");
    WORDS_EACH(x >> 63, words_bit63(va), "bit63");
    WORDS_EACH(0 - (x >> 63), words_sign(va), "sign");
    WORDS_EACH(x == ~(uint64_t)0 ? x : 0, words_full(va), "full");
    WORDS_EACH(i ? a[i - 1] : b[WORDS - 1], words_from_below(va, vb), "from_below");

    uint64_t any = 0;
    for (size_t i = 0; i < WORDS; i++)
        want[i] = any ^= a[i];
    check_words_are(words_prefix_xor(va), want, "prefix_xor");
    any = 0;
    for (size_t i = 0; i < WORDS; i++)
        any |= a[i] & b[i];
    CHECK_EQ(words_any(words_and(va, vb)) != 0, any != 0, "words any");

    uint64_t columns[8][WORDS], rows[8 * WORDS];
    words loaded[8];
    for (size_t k = 0; k < 8; k++) {
        for (size_t i = 0; i < WORDS; i++)
            columns[k][i] = random64();
        loaded[k] = words_load(columns[k]);
    }
    words_store_columns(rows, loaded);
    for (size_t i = 0; i < WORDS; i++)
        for (size_t k = 0; k < 8; k++)
            CHECK_EQ(rows[8 * i + k], columns[k][i], "words column %zu lane %zu", k, i);
}

static void check_block64_tails(uint8_t *pages, size_t bytes)
{
    uint8_t a[BLOCK_BYTES];
    uint64_t want;

    for (size_t count = 0; count <= BLOCK_BYTES; count++) {
        uint8_t *const places[] = {pages, pages + 1, pages + bytes - count};
        for (size_t p = 0; p < 3; p++) {
            some_bytes(places[p], count);
            memset(a, 0, sizeof a);
            memcpy(a, places[p], count);
            const block64 b = block64_load_tail(places[p], count);
            for (unsigned byte = 0; byte < 256; byte++) {
                BITS(x == byte) check_lanes64(block64_eq(b, (uint8_t)byte), want, "tail");
            }
        }
    }
}

void FC_SYM(vec_checks)(uint8_t *pages, size_t bytes);
void FC_SYM(vec_checks)(uint8_t *pages, size_t bytes)
{
    for (int round = 0; round < ROUNDS; round++) {
        check_ops();
#if VEC_HAS_LOOKUP16
        check_lookups();
#endif
        check_block64();
        check_words();
    }
    check_tails(pages, bytes);
    check_block64_tails(pages, bytes);
    check_tally_limit();
}
