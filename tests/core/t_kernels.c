/*
 * t_kernels.c - every table of kernels that can run here against reference.h.
 *
 * Texts lie between unreadable pages, at the very start and the very end of what may
 * be touched; what surrounds them is filled with bytes that would be hits. Random
 * numbers are seeded, so that a failure comes back.
 */
#include "core/check.h"
#include "core/reference.h"

enum { LENGTH_MAX = 300, ALIGNMENTS = 64, ROOM_BYTES = 1 << 16 };

static uint8_t *room; /* ROOM_BYTES between guards */
static const fc_kernels *k;

/* ---- bytes ---- */

static void check_byte_kernels(const uint8_t *text, size_t length, uint8_t byte,
                               const fc_byteset *set)
{
    static int64_t got[LENGTH_MAX + FC_OFFSETS_SLACK], want[LENGTH_MAX + 1];
    fc_byteset one;
    size_t consumed;
    const int64_t base = (int64_t)random64() >> 8;

    fc_byteset_make(&one, &byte, 1);
    CHECK_EQ(k->find_byte(text, length, byte), reference_find_byte(text, length, byte),
             "%s length %zu", k->isa, length);
    CHECK_EQ(k->count_byte(text, length, byte), reference_count_byte(text, length, byte),
             "%s length %zu", k->isa, length);
    CHECK_EQ(k->find_any(text, length, set), reference_find_any(text, length, set),
             "%s length %zu, %u members", k->isa, length, set->count);

    for (int any = 0; any < 2; any++) {
        const size_t count = any ? k->offsets_any(text, length, set, base, got,
                                                  LENGTH_MAX + FC_OFFSETS_SLACK, &consumed)
                                 : k->offsets_byte(text, length, byte, base, got,
                                                   LENGTH_MAX + FC_OFFSETS_SLACK, &consumed);
        CHECK_EQ(count, reference_offsets_any(text, length, any ? set : &one, base, want),
                 "%s length %zu", k->isa, length);
        CHECK_EQ(consumed, length, "%s", k->isa);
        for (size_t i = 0; i < count; i++)
            CHECK_EQ(got[i], want[i], "%s length %zu hit %zu", k->isa, length, i);
    }
}

static void random_set(fc_byteset *set)
{
    uint8_t members[256];
    const size_t count = random_below(4) == 0 ? random_below(257) : random_below(18);

    for (size_t i = 0; i < count; i++)
        members[i] = (uint8_t)random64();
    fc_byteset_make(set, members, count);
}

/* A few values only, so that hits are neither rare nor sure. */
static void fill_random(uint8_t *at, size_t length)
{
    const size_t values = (size_t[]){2, 3, 16, 64, 256}[random_below(5)];
    const uint8_t start = (uint8_t)random64();
    for (size_t i = 0; i < length; i++)
        at[i] = (uint8_t)(start + random_below(values));
}

static void t_bytes(void)
{
    fc_byteset set;

    for (size_t length = 0; length <= LENGTH_MAX; length++)
        for (size_t align = 0; align <= ALIGNMENTS; align++) {
            uint8_t *const text = align < ALIGNMENTS ? room + align : room + ROOM_BYTES - length;

            fill_random(room, length + ALIGNMENTS + 64);
            if (align == ALIGNMENTS)
                fill_random(room + ROOM_BYTES - 512, 512);
            random_set(&set);
            check_byte_kernels(text, length, room[random_below(length + 1)], &set);
        }
}

/* One hit, at every place of every length; hits all around the text. */
static void t_one_hit(void)
{
    const uint8_t needles[] = {'q', 0, 0x80, 0xFF};
    fc_byteset set;

    for (size_t n = 0; n < sizeof needles; n++) {
        const uint8_t needle = needles[n], other = (uint8_t)(needle ^ 1);
        fc_byteset_make(&set, &needle, 1);
        for (size_t length = 0; length <= LENGTH_MAX; length++)
            for (size_t align = 0; align <= 1; align++) {
                uint8_t *const text = align ? room + ROOM_BYTES - length : room + 64 - length % 64;
                memset(align ? room + ROOM_BYTES - 512 : room, needle, 512);
                memset(text, other, length);
                CHECK_EQ(k->find_byte(text, length, needle), length, "%s", k->isa);
                CHECK_EQ(k->find_any(text, length, &set), length, "%s", k->isa);
                CHECK_EQ(k->count_byte(text, length, needle), 0, "%s", k->isa);
                CHECK_EQ(k->count_byte(text, length, other), length, "%s", k->isa);
                for (size_t at = 0; at < length; at++) {
                    text[at] = needle;
                    CHECK_EQ(k->find_byte(text, length, needle), at, "%s %zu", k->isa, length);
                    CHECK_EQ(k->find_any(text, length, &set), at, "%s %zu", k->isa, length);
                    text[at] = other;
                }
            }
    }
}

/* Every byte against every set of one row or column, where nibble tables could leak. */
static void t_membership(void)
{
    fc_byteset set;

    for (size_t i = 0; i < 256; i++)
        room[i] = (uint8_t)i;
    for (unsigned member = 0; member < 256; member++)
        for (unsigned shape = 0; shape < 3; shape++) {
            uint8_t members[16];
            for (unsigned i = 0; i < 16; i++)
                members[i] = (uint8_t)(shape == 0   ? member
                                       : shape == 1 ? (member & 0xF0) | i
                                                    : (member & 0x0F) | i << 4);
            fc_byteset_make(&set, members, 16);
            check_byte_kernels(room, 256, (uint8_t)member, &set);
        }
}

/* Counts past what one byte of a tally holds. */
static void t_count_long(void)
{
    memset(room, 'x', ROOM_BYTES);
    for (size_t length = ROOM_BYTES; length > ROOM_BYTES - 300; length -= 7)
        CHECK_EQ(k->count_byte(room, length, 'x'), length, "%s", k->isa);
}

/* Too little room: the kernel stops early, says where, and never writes past the end. */
static void t_offsets_resume(void)
{
    static int64_t out[512], want[4096];
    const int64_t canary = -77;
    const uint8_t byte = 'a';
    fc_byteset set;

    fc_byteset_make(&set, &byte, 1);
    for (int round = 0; round < 400; round++) {
        const size_t length = random_below(4096);
        const size_t capacity = FC_OFFSETS_SLACK + random_below(300);
        const size_t gap = 1 + random_below(round % 2 ? 2 : 200);
        size_t at = 0, count = 0;

        for (size_t i = 0; i < length; i++)
            room[i] = random_below(gap) == 0 ? 'a' : 'b';
        const size_t total = reference_offsets_any(room, length, &set, 1000, want);
        while (at < length) {
            size_t consumed;
            out[capacity] = canary;
            const size_t got = round & 2
                                   ? k->offsets_any(room + at, length - at, &set,
                                                    1000 + (int64_t)at, out, capacity, &consumed)
                                   : k->offsets_byte(room + at, length - at, byte,
                                                     1000 + (int64_t)at, out, capacity, &consumed);
            CHECK_EQ(out[capacity], canary, "%s wrote past the capacity %zu", k->isa, capacity);
            CHECK_EQ(consumed > 0, 1, "%s makes no progress in %zu places", k->isa, capacity);
            for (size_t i = 0; i < got; i++)
                CHECK_EQ(out[i], want[count + i], "%s hit %zu", k->isa, count + i);
            at += consumed;
            count += got;
        }
        CHECK_EQ(count, total, "%s", k->isa);
    }
    size_t consumed;
    CHECK_EQ(k->offsets_byte(room, 100, byte, 0, out, FC_OFFSETS_SLACK - 1, &consumed), 0, "%s",
             k->isa);
    CHECK_EQ(consumed, 0, "%s has no room", k->isa);
}

/* ---- JSON ---- */

enum { BLOCKS_MAX = 12 };

static void check_json(const uint8_t *text, size_t blocks, size_t split)
{
    fc_json_block got[BLOCKS_MAX], want[BLOCKS_MAX];
    fc_json_carry carry = {0, 0, 0}, carry_want = {0, 0, 0};
    const unsigned flags_want = reference_json_blocks(text, blocks, &carry_want, want);
    unsigned flags = k->json_blocks(text, split, &carry, got);

    flags |= k->json_blocks(text + 64 * split, blocks - split, &carry, got + split);
    CHECK_EQ(flags, flags_want, "%s", k->isa);
    CHECK_EQ(carry.escape, carry_want.escape, "%s", k->isa);
    CHECK_EQ(carry.string, carry_want.string, "%s", k->isa);
    CHECK_EQ(carry.scalar, carry_want.scalar, "%s", k->isa);
    for (size_t i = 0; i < blocks; i++) {
        CHECK_EQ(got[i].backslash, want[i].backslash, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].quote, want[i].quote, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].string, want[i].string, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].open, want[i].open, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].close, want[i].close, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].comma, want[i].comma, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].colon, want[i].colon, "%s block %zu", k->isa, i);
        CHECK_EQ(got[i].scalar, want[i].scalar, "%s block %zu", k->isa, i);
    }
}

static void t_json_blocks(void)
{
    static const char *const alphabets[] = {
        "\\\"", "\\\"x", "\\\\\\\\\\\\\"", "{}[],: \"\\a1\n\t\r", "\" \n\x01\x1F\x20\x7F\x80\xC3",
        "a "};

    for (int round = 0; round < 6000; round++) {
        const char *const alphabet = alphabets[round % 6];
        const size_t blocks = random_below(BLOCKS_MAX + 1), bytes = 64 * blocks;
        uint8_t *const text = round & 8 ? room + ROOM_BYTES - bytes : room + random_below(64);

        for (size_t i = 0; i < bytes; i++)
            text[i] = (uint8_t)alphabet[random_below(strlen(alphabet))];
        check_json(text, blocks, random_below(blocks + 1));
    }
    for (int round = 0; round < 1000; round++) { /* any byte at all */
        for (size_t i = 0; i < 64 * BLOCKS_MAX; i++)
            room[i] = (uint8_t)random64();
        check_json(room, BLOCKS_MAX, random_below(BLOCKS_MAX + 1));
    }
    for (size_t start = 0; start < 192; start++) /* a run of backslashes of any length anywhere */
        for (size_t run = 0; start + run < 191; run++) {
            memset(room, ' ', 192);
            memset(room + start, '\\', run);
            room[start + run] = '"';
            check_json(room, 3, run % 4);
        }
}

/* ---- UTF-8 ---- */

static void check_utf8(const uint8_t *text, size_t length)
{
    CHECK_EQ(k->utf8_prefix(text, length), reference_utf8_prefix(text, length), "%s length %zu",
             k->isa, length);
}

static size_t encode(uint32_t code, uint8_t *at)
{
    if (code < 0x80) {
        at[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        at[0] = (uint8_t)(0xC0 | code >> 6);
        at[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        at[0] = (uint8_t)(0xE0 | code >> 12);
        at[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        at[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    at[0] = (uint8_t)(0xF0 | code >> 18);
    at[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    at[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    at[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* Text of `kinds` (1: ASCII, 2: two bytes, 4: three, 8: four), cut at `length` wherever that falls.
 */
static void fill_utf8(uint8_t *at, size_t length, unsigned kinds)
{
    static const uint32_t first[] = {0, 0x80, 0x800, 0x10000},
                          after[] = {0x80, 0x800, 0xD800, 0x110000};
    uint8_t sequence[4];

    for (size_t i = 0; i < length;) {
        const size_t kind = random_below(4);
        if (!(kinds >> kind & 1))
            continue;
        const size_t bytes =
            encode(first[kind] + (uint32_t)random_below(after[kind] - first[kind]), sequence);
        for (size_t j = 0; j < bytes && i < length; j++)
            at[i++] = sequence[j];
    }
}

/* Every lead with every second byte, and telling third and fourth ones, across every border. */
static void t_utf8_sequences(void)
{
    static const uint8_t later[] = {0x00, 0x7F, 0x80, 0xBF, 0xC2, 0xF0};
    static const unsigned kinds[] = {1, 2, 4, 8, 15};
    enum { SPAN = 1100 };
    uint8_t *const text = room + ROOM_BYTES - SPAN;
    uint8_t fill[5][SPAN];
    size_t turn = 0;

    for (size_t f = 0; f < 5; f++)
        fill_utf8(fill[f], SPAN, kinds[f]);
    memcpy(text, fill[0], SPAN);
    for (unsigned lead = 0x7F; lead < 0x100; lead++)
        for (unsigned second = 0; second < 0x100; second++, turn++) {
            const uint8_t *const around = fill[turn % 5];
            const size_t borders[] = {0, 16, 32, 64, 128, 256, 512, 1024};
            const size_t border = borders[random_below(8)];
            const size_t at = border < 4 ? random_below(4) : border - 4 + random_below(8);
            uint8_t saved[8];

            memcpy(text, around, SPAN);
            memcpy(saved, text + at, 4);
            for (size_t third = 0; third < sizeof later; third++) {
                text[at] = (uint8_t)lead;
                text[at + 1] = (uint8_t)second;
                text[at + 2] = later[third];
                text[at + 3] = later[random_below(sizeof later)];
                check_utf8(text, SPAN);
                check_utf8(text + at, SPAN - at);
                check_utf8(text, at + 1 + random_below(8));
            }
        }
}

/* Well-formed text of any length at any alignment; whole, cut, and with one byte changed. */
static void t_utf8_random(void)
{
    for (size_t length = 0; length <= LENGTH_MAX; length++)
        for (size_t align = 0; align <= ALIGNMENTS; align++) {
            uint8_t *const text = align < ALIGNMENTS ? room + align : room + ROOM_BYTES - length;

            fill_utf8(text, length, 1 + (unsigned)random_below(15));
            check_utf8(text, length);
            if (length) {
                text[random_below(length)] ^= (uint8_t)(1u << random_below(8));
                check_utf8(text, length);
            }
        }
    for (int round = 0; round < 300; round++) {
        const size_t length = 4096 + random_below(4096);
        fill_utf8(room, length, round % 3 ? 15 : 1);
        check_utf8(room, length);
        room[random_below(length)] = (uint8_t)random64();
        check_utf8(room, length);
    }
}

int main(void)
{
    const fc_kernels *tables[TABLES_MAX];
    const size_t count = tables_to_test(tables);

    room = guarded_pages(ROOM_BYTES);
    for (size_t i = 0; i < count; i++) {
        k = tables[i];
        t_bytes();
        t_one_hit();
        t_membership();
        t_count_long();
        t_offsets_resume();
        t_json_blocks();
        t_utf8_sequences();
        t_utf8_random();
    }
    print_ok("t_kernels", tables, count);
    return 0;
}
