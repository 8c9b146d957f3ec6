/*
 * t_text_kernels.c - the kernels of the text room against byte loops, between guard pages.
 *
 * literal_offsets may stop early where a text is hard for it: what it wrote until then
 * must be right, and from *at on nothing may have been written.
 */
#include "core/check.h"

enum { LENGTH_MAX = 300, ROOM_BYTES = 1 << 13, CAPACITY = LENGTH_MAX + 1 };

static uint8_t *room;
static const fc_kernels *k;

static uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; }

static int stands_at(const uint8_t *text, const fc_literal *literal)
{
    for (size_t i = 0; i < literal->length; i++)
        if ((literal->fold ? lower(text[i]) : text[i]) != literal->bytes[i])
            return 0;
    return 1;
}

static void check_literal(const uint8_t *text, size_t length, const fc_literal *literal,
                          size_t begin)
{
    int64_t got[CAPACITY];
    size_t at = begin, i = 0;
    const size_t starts = length < literal->length ? 0 : length - literal->length + 1;
    const size_t capacity = 1 + random_below(CAPACITY);
    const size_t count = k->literal_offsets(text, length, literal, &at, got, capacity);

    if (starts > begin && count < capacity)
        CHECK_EQ(at, starts, "%s length %zu", k->isa, length);
    for (size_t start = begin; start < (at < starts ? at : starts); start++)
        if (stands_at(text + start, literal)) {
            CHECK_EQ(got[i], start, "%s length %zu hit %zu", k->isa, length, i);
            i++;
        }
    CHECK_EQ(count, i, "%s length %zu literal %zu", k->isa, length, literal->length);
}

static void t_literal(void)
{
    static const char letters[] = "aAbB@[`{k";
    uint8_t bytes[64];

    for (size_t length = 0; length <= LENGTH_MAX; length++)
        for (int round = 0; round < 60; round++) {
            const size_t values = 1 + random_below(sizeof letters - 1);
            uint8_t *const text = room + ROOM_BYTES - length;
            fc_literal literal = {.bytes = bytes, .fold = (int)random_below(2)};

            literal.length = 2 + random_below(random_below(4) ? 4 : 40);
            for (size_t i = 0; i < length; i++)
                text[i] = (uint8_t)letters[random_below(values)];
            for (size_t i = 0; i < literal.length; i++) {
                bytes[i] = (uint8_t)letters[random_below(values)];
                if (literal.fold)
                    bytes[i] = lower(bytes[i]);
            }
            literal.pair[0] = random_below(literal.length);
            literal.pair[1] = random_below(literal.length);
            check_literal(text, length, &literal, random_below(3) ? 0 : random_below(length + 2));
        }
}

/* In a text made to be slow, it gives up after little work, and what it found is right. */
static void t_literal_gives_up(void)
{
    static uint8_t text[1 << 16], bytes[64];
    static int64_t got[1 << 16];
    const fc_literal literal = {.bytes = bytes, .length = sizeof bytes, .pair = {0, 1}};
    size_t at = 0;

    memset(text, 'a', sizeof text);
    memset(bytes, 'a', sizeof bytes);
    bytes[sizeof bytes - 1] = 'b';
    CHECK_EQ(k->literal_offsets(text, sizeof text, &literal, &at, got, 1 << 16), 0, "%s", k->isa);
    CHECK_EQ(at < sizeof text / 8, 1, "%s at %zu", k->isa, at);
}

static void t_buckets(void)
{
    for (size_t length = 0; length <= LENGTH_MAX; length++)
        for (int round = 0; round < 30; round++) {
            uint8_t *const text = room + ROOM_BYTES - length;
            int64_t got[CAPACITY];
            size_t at = random_below(3) ? 0 : random_below(length + 2), i = 0;
            const size_t begin = at, capacity = 1 + random_below(CAPACITY);
            fc_buckets buckets;

            for (size_t j = 0; j < sizeof buckets; j++)
                ((uint8_t *)&buckets)[j] = (uint8_t)(random64() & random64());
            for (size_t j = 0; j < length; j++)
                text[j] = (uint8_t)random64();
            const size_t count = k->bucket_starts(text, length, &buckets, &at, got, capacity);
            for (size_t s = begin; s + FC_BUCKET_BYTES <= length && i < capacity; s++) {
                unsigned bits = 0xFF;
                for (size_t j = 0; j < FC_BUCKET_BYTES; j++)
                    bits &= buckets.low[j][text[s + j] & 15] & buckets.high[j][text[s + j] >> 4];
                if (bits) {
                    CHECK_EQ(i < count, 1, "%s length %zu start %zu", k->isa, length, s);
                    CHECK_EQ(got[i], s, "%s length %zu", k->isa, length);
                    i++;
                }
            }
            CHECK_EQ(count, i, "%s length %zu", k->isa, length);
            if (count < capacity && begin + FC_BUCKET_BYTES <= length)
                CHECK_EQ(at, length - FC_BUCKET_BYTES + 1, "%s length %zu", k->isa, length);
        }
}

static void t_grams(void)
{
    uint64_t bitmap[64];
    uint32_t got[CAPACITY + 1];

    for (size_t length = 0; length <= LENGTH_MAX; length++)
        for (int round = 0; round < 30; round++) {
            uint8_t *const text = room + ROOM_BYTES - length;
            const size_t bytes = 4 + random_below(5);
            const fc_gram_filter filter = {.bitmap = bitmap,
                                           .fold = random_below(2) ? 0x2020202020202020u : 0,
                                           .mask = UINT64_MAX >> (64 - 8 * bytes),
                                           .shift = 64 - 12,
                                           .step = 1 + random_below(12),
                                           .bytes = bytes};
            const size_t begin = random_below(3) ? 0 : random_below(length + 2);
            const size_t end = random_below(length + 20);
            size_t at = begin, place = begin, i = 0;

            for (size_t j = 0; j < 64; j++)
                bitmap[j] = random64() & random64();
            for (size_t j = 0; j < length; j++)
                text[j] = (uint8_t)random64();
            const size_t count = k->gram_places(text, length, &filter, &at, end, got);
            for (; place < end && place + bytes <= length; place += filter.step) {
                uint64_t word = 0;
                for (size_t j = 0; j < bytes; j++)
                    word |= (uint64_t)(text[place + j] | (filter.fold & 0xFF)) << (8 * j);
                const uint64_t bit = word * FC_GRAM_MULTIPLIER >> filter.shift;
                if (bitmap[bit / 64] >> bit % 64 & 1) {
                    CHECK_EQ(i < count, 1, "%s length %zu place %zu", k->isa, length, place);
                    CHECK_EQ(got[i], place - begin, "%s length %zu", k->isa, length);
                    i++;
                }
            }
            CHECK_EQ(count, i, "%s length %zu", k->isa, length);
            CHECK_EQ(at, place, "%s length %zu", k->isa, length);
        }
}

static void t_utf8_count(void)
{
    for (size_t length = 0; length <= LENGTH_MAX; length++)
        for (int round = 0; round < 20; round++) {
            uint8_t *const text = room + ROOM_BYTES - length;
            size_t want = 0;
            for (size_t i = 0; i < length; i++) {
                text[i] = (uint8_t)(random_below(3) ? random64() : 0x80 + random_below(64));
                want += text[i] < 0x80 || text[i] >= 0xC0;
            }
            CHECK_EQ(k->utf8_count(text, length), want, "%s length %zu", k->isa, length);
        }
    memset(room, 0x80, ROOM_BYTES); /* more continuations than a lane can count at a time */
    CHECK_EQ(k->utf8_count(room, ROOM_BYTES), 0, "%s", k->isa);
}

int main(void)
{
    const fc_kernels *tables[TABLES_MAX];
    const size_t count = tables_to_test(tables);

    room = guarded_pages(ROOM_BYTES);
    for (size_t i = 0; i < count; i++) {
        k = tables[i];
        t_literal();
        t_literal_gives_up();
        t_buckets();
        t_grams();
        t_utf8_count();
    }
    print_ok("t_text_kernels", tables, count);
    return 0;
}
