/* base/byteset.c - see byteset.h. */
#include "base/byteset.h"

#include <string.h>

/* Bit n: (high nibble, n) is a member. */
static unsigned low_nibbles(const fc_byteset *set, unsigned high)
{
    const uint8_t *rows = high < 8 ? set->rows_low : set->rows_high;
    unsigned pattern = 0;

    for (unsigned n = 0; n < 16; n++)
        pattern |= (unsigned)(rows[n] >> (high & 7) & 1) << n;
    return pattern;
}

/* High nibbles with the same low ones share a bucket, which is a bit; there are 8 of them. */
static void fill_buckets(fc_byteset *set, unsigned high_nibbles)
{
    unsigned patterns[8], buckets = 0;

    for (unsigned high = 0; high < 16; high++) {
        unsigned b = 0;
        if (!(high_nibbles >> high & 1))
            continue;
        const unsigned pattern = low_nibbles(set, high);
        while (b < buckets && patterns[b] != pattern)
            b++;
        if (b == 8)
            return;
        if (b == buckets)
            patterns[buckets++] = pattern;
        set->bucket_high[high] = (uint8_t)(1u << b);
        for (unsigned n = 0; n < 16; n++)
            set->bucket_low[n] |= (uint8_t)((pattern >> n & 1) << b);
    }
    set->bucketed = 1;
}

void fc_byteset_make(fc_byteset *set, const uint8_t *bytes, size_t count)
{
    unsigned high_nibbles = 0;

    memset(set, 0, sizeof *set);
    for (size_t i = 0; i < count; i++) {
        const unsigned b = bytes[i];
        if (set->member[b])
            continue;
        set->member[b] = 1;
        (b < 128 ? set->rows_low : set->rows_high)[b & 15] |= (uint8_t)(1u << (b >> 4 & 7));
        high_nibbles |= 1u << (b >> 4);
        if (set->count < sizeof set->bytes)
            set->bytes[set->count] = (uint8_t)b;
        set->count++;
    }
    if (set->count)
        for (size_t i = set->count; i < sizeof set->bytes; i++)
            set->bytes[i] = set->bytes[set->count - 1];
    fill_buckets(set, high_nibbles);
}
