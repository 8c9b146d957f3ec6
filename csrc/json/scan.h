/*
 * json/scan.h - questions to a row of block masks: where is the next ..., where does it close.
 *
 * blocks[i] speaks of text[64 * i .. 64 * i + 64). Every question is bounded by `limit`, a
 * number of blocks; FC_NOWHERE is the answer when the masks end first.
 */
#ifndef FC_JSON_SCAN_H
#define FC_JSON_SCAN_H

#include "base/bits.h"
#include "kernels/kernels.h"

/* In a header that is compiled for several targets, everything must be inlined. */
#define FC_SCAN static FC_ALWAYS_INLINE FC_UNUSED

#define FC_NOWHERE ((size_t)-1)

enum {
    FC_AT_QUOTE = 1,
    FC_AT_OPEN = 2,
    FC_AT_CLOSE = 4,
    FC_AT_COMMA = 8,
    FC_AT_COLON = 16,
    FC_AT_SCALAR = 32,
};

FC_SCAN uint64_t fc_pick(const fc_json_block *block, unsigned which)
{
    uint64_t mask = 0;
    if (which & FC_AT_QUOTE)
        mask |= block->quote;
    if (which & FC_AT_OPEN)
        mask |= block->open;
    if (which & FC_AT_CLOSE)
        mask |= block->close;
    if (which & FC_AT_COMMA)
        mask |= block->comma;
    if (which & FC_AT_COLON)
        mask |= block->colon;
    if (which & FC_AT_SCALAR)
        mask |= block->scalar;
    return mask;
}

/* First bit at or after `at` of the masks named by `which`, a constant. */
FC_SCAN size_t fc_next(const fc_json_block *blocks, size_t limit, size_t at, unsigned which)
{
    size_t i = at >> 6;
    uint64_t mask;

    if (FC_UNLIKELY(i >= limit))
        return FC_NOWHERE;
    mask = fc_pick(&blocks[i], which) & (~0ull << (at & 63));
    while (mask == 0) {
        if (FC_UNLIKELY(++i >= limit))
            return FC_NOWHERE;
        mask = fc_pick(&blocks[i], which);
    }
    return (i << 6) + (size_t)fc_ctz64(mask);
}

/*
 * Where the bracket closes that brings *depth to zero, looking from `at` on; on FC_NOWHERE
 * *depth is what it is after the last block, to go on from.
 *
 * A block that closes fewer brackets than are open is passed over by two popcounts (JSONSki,
 * ASPLOS 2022); else each of its closing brackets is weighed against the opening ones before it.
 */
FC_SCAN size_t fc_closing(const fc_json_block *blocks, size_t limit, size_t at, size_t *depth)
{
    size_t i = at >> 6, level = *depth;
    uint64_t live = ~0ull << (at & 63);

    for (; i < limit; i++, live = ~0ull) {
        uint64_t open = blocks[i].open & live, close = blocks[i].close & live;
        if (close == 0) {
            level += (size_t)fc_popcount64(open);
            continue;
        }
        if ((size_t)fc_popcount64(close) < level) {
            level += (size_t)fc_popcount64(open) - (size_t)fc_popcount64(close);
            continue;
        }
        do {
            const uint64_t below = (close & (0 - close)) - 1;
            level += (size_t)fc_popcount64(open & below) - 1;
            if (level == 0) {
                *depth = 0;
                return (i << 6) + (size_t)fc_ctz64(close);
            }
            open &= ~below;
            close &= close - 1;
        } while (close != 0);
        level += (size_t)fc_popcount64(open);
    }
    *depth = level;
    return FC_NOWHERE;
}

/* Whether text[from .. to) holds a backslash. */
FC_SCAN int fc_has_backslash(const fc_json_block *blocks, size_t from, size_t to)
{
    const uint64_t first = ~0ull << (from & 63), last = ~(~0ull << (to & 63));
    size_t i = from >> 6;
    uint64_t any;

    if (i == to >> 6)
        return (blocks[i].backslash & first & last) != 0;
    for (any = blocks[i++].backslash & first; i < to >> 6; i++)
        any |= blocks[i].backslash;
    return (any | ((to & 63) != 0 ? blocks[i].backslash & last : 0)) != 0;
}

FC_SCAN int fc_is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

#endif
